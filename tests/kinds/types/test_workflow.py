"""From a file to types: the command, its files as other programs read them, new samples, tests of columns, errors."""

from __future__ import annotations

import json
import shutil
import warnings

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.metrics import adjusted_rand_score

import command_line
import latentia
from latentia.data.synthetic_communities import communities
from latentia.errors import ConfigError, DataError, RunFolderError
from latentia.kinds.run import Run
from latentia.kinds.types.associating import DEPTH, blocks_of
from latentia.kinds.types.tables import RARE, drivers_table, lowest
from latentia.kinds.types.workflow import types

N, D = 48, 10
QUICK = ["--n-components", "1..3", "--n-init", 1, "--folds", 2, "--halves", 1, "--bootstrap", 2]
TAXA = [f"g{j}" for j in range(D)]
IDS = [f"S{i // 2}.{i % 2 + 1}" for i in range(N)]


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Two clusters, two samples a subject; metadata that knows the cluster; a taxonomy."""
    folder = tmp_path_factory.mktemp("files")
    x, t = communities("clusters", N, D, seed=3, depth=800)
    rows = ["#OTU ID\t" + "\t".join(IDS)]
    rows += ["\t".join([name, *map(str, column)]) for name, column in zip(TAXA, x.T, strict=True)]
    (folder / "table.tsv").write_text("\n".join(rows) + "\n")
    about = ["sample-id\tsite\tsubject\tage\tplate\tnote"]
    about += [
        f"{name}\t{'gut' if t[i] else 'tongue'}\tp{i // 2}\t{'NA' if i == 5 else 20 + i}\t{i % 3}\tsame"
        for i, name in enumerate(IDS)
    ]
    (folder / "metadata.tsv").write_text("\n".join(about) + "\n")
    lineages = [f"{name}\tk__Bacteria; p__P{j % 3}; g__Genus{j}" for j, name in enumerate(TAXA)]
    (folder / "taxonomy.tsv").write_text("Feature ID\tTaxon\n" + "\n".join(lineages) + "\n")
    return folder


@pytest.fixture(scope="module")
def run(files):
    """What the command makes of them."""
    options = [
        "--metadata",
        files / "metadata.tsv",
        "--taxonomy",
        files / "taxonomy.tsv",
        "--block",
        "subject",
    ]
    command_line.run("types", files / "table.tsv", *options, *QUICK, "--out", files / "run")
    return files / "run"


def test_the_files_are_read_by_the_programs_of_the_field(run):
    table = pd.read_csv(run / "types.tsv", sep="\t", index_col="sample-id")
    assert list(table.index) == IDS
    assert set(table["type"]) == {"type-1", "type-2"}
    np.testing.assert_allclose(table[["p_1", "p_2"]].sum(axis=1), 1)
    np.testing.assert_allclose(table["max_p"], table[["p_1", "p_2"]].max(axis=1))
    for name in ("drivers", "criteria", "associations", "stability"):
        assert len(pd.read_csv(run / f"{name}.tsv", sep="\t"))
    drivers = pd.read_csv(run / "drivers.tsv", sep="\t")
    assert drivers["cumulative"].iloc[-1] == pytest.approx(1)
    assert drivers["share"].is_monotonic_decreasing
    assert drivers["lineage"].iloc[0].startswith("Bacteria; P")
    criteria = pd.read_csv(run / "criteria.tsv", sep="\t").set_index("types")
    assert "laplace" in criteria["chosen_by"][2]
    assert "Holmes I, Harris K, Quince C (2012)" in (run / "methods.txt").read_text()


def test_qiime_would_take_types_as_metadata(run):
    """Its rules: an id header that it knows, unique ids and columns, no type that looks like a number."""
    lines = (run / "types.tsv").read_text().splitlines()
    header = lines[0].split("\t")
    assert header[0] == "sample-id"
    assert len(set(header)) == len(header)
    assert not any(line.split("\t")[header.index("type")].isdigit() for line in lines[1:])


def test_scikit_bio_reads_types_as_sample_metadata(run):
    """Its reader is that of QIIME 2."""
    metadata = pytest.importorskip("skbio.metadata")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = metadata.SampleMetadata.load(str(run / "types.tsv"))
    assert list(found.ids) == IDS
    kinds = {name: found.columns[name].type for name in ("type", "certain", "p_1", "depth", "log_p")}
    assert kinds == {
        "type": "categorical", "certain": "categorical", "p_1": "numeric", "depth": "numeric", "log_p": "numeric"
    }  # fmt: skip


def test_biom_reads_the_table_with_types(run):
    biom = pytest.importorskip("biom")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        table = biom.load_table(str(run / "table-with-types.biom"))
    assert table.shape == (D, N)
    about = table.metadata(IDS[0], axis="sample")
    types_of = pd.read_csv(run / "types.tsv", sep="\t", index_col="sample-id")["type"]
    assert about["community_type"] == types_of[IDS[0]]
    assert about["site"] in ("gut", "tongue")
    assert table.metadata(TAXA[0], axis="observation")["taxonomy"][-1] == "Genus0"


def test_associations_say_n_blocks_and_stand_in_order(run):
    rows = pd.read_csv(run / "associations.tsv", sep="\t").query("weighting == 'type'").set_index("column")
    assert list(rows.index) == [DEPTH, "plate", "site", "age"]  # the block is no column, "note" has one value
    assert rows["n"]["age"] == N - 1
    assert rows["p"]["site"] < 0.01
    assert rows["effect_size"]["site"] == pytest.approx(1)
    assert rows["p"]["plate"] > 0.01
    assert set(rows["blocks"]) == {"subject"}
    assert (rows["q"] >= rows["p"]).all()


def test_the_run_is_a_run(run, files, capsys, monkeypatch):
    opened = Run.open(run)
    assert opened.name == "table.tsv"
    told = opened.evaluate()
    assert told["verdict"] == "healthy"
    assert told["prediction_strength"] == 1
    assert told["n"] == N
    html = (run / "report.html").read_text()
    for card in (
        "samples",
        "honesty",
        "criteria",
        "types",
        "compositions",
        "heat-map",
        "drivers",
        "certainty",
        "ordination",
        "associations",
        "methods",
    ):
        assert f'id="{card}"' in html
    assert "taxa were rows" in html
    command_line.run("report", run)
    monkeypatch.chdir(files)
    moved = shutil.copytree(run, files / "moved")
    command_line.run("evaluate", moved, "--json")
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["log_likelihood"] == pytest.approx(
        told["log_likelihood"]
    )
    again = types(
        files / "table.tsv", n_components=2, n_init=2, folds=0, halves=0, bootstrap=0, permutations=9
    )
    assert adjusted_rand_score(again.estimator.labels_, latentia.load(run).labels_) == 1


def test_new_samples_are_aligned_by_name(run, files, capsys):
    """Taxa in another order, one lacking, one more; one sample unlike all others."""
    table = latentia.CountTable.read(files / "table.tsv")
    order = list(reversed(range(1, D)))
    counts = table.counts.toarray()[:8, order]
    counts[7] = 0
    counts[7, int(np.argmin(counts.sum(0)))] = 600
    rows = ["sample-id," + ",".join([*(TAXA[j] for j in order), "unknown"])]
    rows += [",".join([f"new{i}", *map(str, row), "1"]) for i, row in enumerate(counts)]
    (files / "new.csv").write_text("\n".join(rows) + "\n")
    out = files / "assigned.tsv"
    command_line.run("types", "assign", run, files / "new.csv", "--out", out)
    said = capsys.readouterr().out
    assert "9 of the run's 10 taxa" in said
    assert "1 taxa of" in said
    found = pd.read_csv(out, sep="\t", index_col="sample-id")
    own = pd.read_csv(run / "types.tsv", sep="\t")
    assert list(found["type"][:7]) == list(own["type"][:7])
    assert found["usual"].iloc[7] == "unusual"
    line = command_line.fails(capsys, "types", "assign", run, files / "new.csv", "--out", out)
    assert "exists already" in line
    (files / "other.csv").write_text("sample-id,a,b\ns1,3,4\n")
    assert "none of the taxa of the run" in command_line.fails(
        capsys, "types", "assign", run, files / "other.csv", "--out", "x.tsv"
    )


def test_errors_are_one_line(run, files, capsys, tmp_path):
    table = files / "table.tsv"
    assert "TABLE" in command_line.fails(capsys, "types")
    assert "does not exist" in command_line.fails(capsys, "types", tmp_path / "no.biom")
    assert "holds a run already" in command_line.fails(capsys, "types", table, "--out", run)
    assert "no column 'colour'" in command_line.fails(
        capsys,
        "types",
        table,
        "--metadata",
        files / "metadata.tsv",
        "--test",
        "colour",
        "--out",
        tmp_path / "a",
    )
    assert "--block" in command_line.fails(capsys, "types", table, "--block", "id:_", "--out", tmp_path / "a")
    assert "at least twice as many samples" in command_line.fails(
        capsys, "types", table, "--n-components", 40, "--out", tmp_path / "a"
    )
    assert not (tmp_path / "a").exists()
    with pytest.raises(ConfigError, match="did you mean 'bootstrap'"):
        types(table, bootstraps=3)


def test_repeats_are_told(files):
    table = latentia.CountTable.read(files / "table.tsv", metadata=files / "metadata.tsv")
    assert "--block subject" in blocks_of(table, None).note
    plain = latentia.CountTable.read(files / "table.tsv")
    assert "--block id:." in blocks_of(plain, None).note
    assert len(set(blocks_of(plain, "id:.").codes.tolist())) == N // 2


def test_drivers_do_not_follow_sequencing_depth():
    """One type is sequenced 20 times deeper; two taxa differ between types, and the most abundant ones do not."""
    random = np.random.default_rng(0)
    kind = np.repeat([0, 1], 40)
    base = np.array([0.4, 0.3, 0.12, 0.08, 0.02, 0.02, 0.03, 0.03])
    shares = np.stack([base, base])
    shares[0, 4], shares[1, 5] = 0.1, 0.1
    shares /= shares.sum(1, keepdims=True)
    depth = np.where(kind == 0, 500, 10_000)
    x = np.stack(
        [random.multinomial(n, random.dirichlet(300 * shares[k])) for n, k in zip(depth, kind, strict=True)]
    )
    found = latentia.CommunityTypes(2, n_init=2, folds=0, halves=0, bootstrap=0).fit(x)
    drivers = drivers_table(found, list("abcdefgh"), np.ones(8), None)
    assert set(drivers["taxon"][:2]) == {"e", "f"}


def test_unusual_is_one_in_a_hundred():
    x, _ = communities("clusters", 40, 8, seed=1)
    found = latentia.CommunityTypes(2, n_init=1, folds=0, halves=0, bootstrap=0).fit(x)
    depth = np.random.default_rng(0).integers(200, 8000, 3000)
    from latentia.kinds.types.fits import drawn, log_density

    made = sparse.csr_array(drawn(found.components_, depth, 7)[0])
    share = float((log_density(found.components_, made) < lowest(found, depth)).mean())
    assert 0.3 * RARE < share < 2.5 * RARE


def test_rows_in_another_order_give_the_same_types():
    x, _ = communities("uniform", 40, 8, seed=2)
    order = np.random.default_rng(1).permutation(40)
    a, b = (
        latentia.CommunityTypes(3, n_init=2, folds=0, halves=0, bootstrap=0).fit(rows)
        for rows in (x, x[order])
    )
    np.testing.assert_array_equal(a.labels_[order], b.labels_)
    np.testing.assert_allclose(a.alphas_, b.alphas_, rtol=1e-9)


def test_a_table_in_memory_and_a_folder_that_is_taken(tmp_path):
    x, _ = communities("clusters", 30, 6)
    table = latentia.CountTable.of(x, range(30), "abcdef")
    found = latentia.types(table, n_components=2, n_init=1, folds=0, halves=0, bootstrap=0, permutations=9)
    assert found.tables["associations"]["column"].tolist() == [DEPTH, DEPTH]
    from latentia.kinds.types.keeping import keep

    keep(found, tmp_path / "run")
    with pytest.raises(RunFolderError, match="holds a run already"):
        keep(found, tmp_path / "run")
    with pytest.raises(DataError, match="negative or fractional"):
        latentia.CommunityTypes(2).fit(x + 0.5)
