"""One table in all the ways in which programs of the field write it: read rightly, or asked about; never fitted wrongly in silence."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from count_files import (
    COUNTS,
    LEVEL_6,
    LINEAGES,
    NUMBERS,
    OTUS,
    QUOTED,
    R_TABLE,
    SAMPLES,
    SHARED,
    TAXA,
    D,
    N,
    agrees,
    biom_json,
    lines,
    ranks,
    tall,
    wide,
    written,
)  # fmt: skip
from latentia.data.counts.table import CountTable
from latentia.errors import DataError

RIGHT = {
    "biom.json.biom": biom_json(),
    "biom-dense.biom": biom_json(dense=True),
    "biom-float.biom": biom_json(kind="float"),
    "biom-0.9.biom": biom_json(version="v0.9"),
    "biom-to-tsv.tsv": "# Constructed from biom file\n" + tall(["#OTU ID"]),
    "biom-to-tsv.txt": "# Constructed from biom file\n" + tall(["#OTU ID"], last="taxonomy"),
    "qiime-1.txt": tall(["#OTU ID"], last="Consensus Lineage"),
    "otuid.tsv": tall(["#OTUID"]),
    "otu-id.csv": tall(["OTU ID"], separator=","),
    "feature-id.tsv": tall(["Feature ID"]),
    "name.tsv": tall(["#NAME"]),
    "taxa.csv": tall(["Taxa"], separator=","),
    "genus.csv": tall(["Genus"], separator=","),
    "sample-id.tsv": wide(["sample-id"]),
    "sample_id.csv": wide(["sample_id"], separator=","),
    "SampleID.csv": wide(["SampleID"], separator=","),
    "#SampleID.tsv": wide(["#SampleID"]),
    "id.tsv": wide(["id"]),
    "sample.csv": wide(["sample"], separator=","),
    "semicolons.csv": wide(["sample"], separator=";"),
    "bom.csv": "\ufeff" + wide(["sample"], separator=","),
    "windows.csv": wide(["sample"], separator=",").replace("\n", "\r\n"),
    "table.shared": SHARED,
    "trailing-tab.shared": SHARED.replace("\n", "\t\n"),
    "upper.csv": wide(["SAMPLE_ID"], separator=","),
    "r-sample.csv": wide(["X.SampleID"], separator=","),
    "r-otu.txt": tall(["X.OTU.ID"], separator=" "),
    "dots.csv": wide(["Sample.Name"], separator=","),
    "zotu.tsv": tall(["#ZOTU ID"]),
    "asv.tsv": tall(["ASVID"]),
    "blanks.tsv": tall(["  #OTU ID "]),
    "old-mac.csv": wide(["sample"], separator=",").replace("\n", "\r"),
    "quoted.tsv": wide(['"sample-id"'], [f'"{s}"' for s in SAMPLES], [f'"{t}"' for t in TAXA]),
    "small-group.shared": SHARED.replace("Group", "group"),
    "ranks.csv": ranks(),
    "plain.tsv.gz": tall(["#OTU ID"]),
}
ASKED = {
    "r-row-names.txt": R_TABLE,
    "r-write-csv.csv": wide([""], separator=","),
    "r-otu-table.csv": QUOTED,
    "row-names.csv": wide(["name"], separator=","),
    "unknown-word.csv": wide(["what"], separator=","),
    "upside-down.csv": tall(["what"], separator=","),
    "taxon-ids.csv": tall([""], taxa=OTUS, separator=","),
    "barcode.tsv": wide(["Barcode"]),
    "run.tsv": wide(["Run"]),
    "organism-upside-down.csv": tall(["Organism"], separator=","),
    "row-index.csv": wide(["Unnamed: 0"], separator=","),
}


@pytest.fixture
def metadata(tmp_path):
    return str(written(tmp_path / "meta.tsv", lines([["#SampleID", "Site"], *([s, "gut"] for s in SAMPLES)])))


@pytest.mark.parametrize("zipped", ["", ".gz"])
@pytest.mark.parametrize("name", RIGHT)
def test_what_says_its_sides_is_read_without_a_word(name, zipped, tmp_path):
    table = CountTable.read(written(tmp_path / (name + zipped), RIGHT[name]))
    agrees(table)
    if "taxonomy" in RIGHT[name] or "Lineage" in RIGHT[name]:
        assert table.taxonomy is not None
        assert table.taxonomy.name("Prevotella", "genus") == "Prevotella"
        assert table.taxonomy.name("Prevotella", "family") == "unclassified P1"


@pytest.mark.parametrize("name", ASKED)
def test_what_does_not_say_them_is_asked_about_or_told_by_the_metadata(name, tmp_path, metadata):
    path = written(tmp_path / name, ASKED[name])
    with pytest.raises(DataError, match=r"are rows samples or taxa. add --taxa-in rows.columns"):
        CountTable.read(path)
    up = "taxon" in name or "otu" in name or "upside" in name
    taxa = OTUS if "taxon" in name else TAXA
    agrees(CountTable.read(path, taxa_in="rows" if up else "columns"), taxa=taxa)
    agrees(CountTable.read(path, metadata=metadata), taxa=taxa)


BESIDE = {
    "total.csv": (lines([["sample", *TAXA, "Total"], *([s, *row, row.sum()] for s, row in zip(SAMPLES, COUNTS, strict=True))], ","), "sum of all other taxa: Total"),
    "no-word.csv": (lines([["sample", "all of them", *TAXA], *([s, row.sum(), *row] for s, row in zip(SAMPLES, COUNTS, strict=True))], ","), "sum of all other taxa: all of them"),
    "last-row.tsv": (tall(["#OTU ID"]) + lines([["sum", *COUNTS.sum(1)]]), "sum of all other taxa: sum"),
    "last-column.tsv": (lines([["#OTU ID", *SAMPLES, "Total"], *([t, *row, row.sum()] for t, row in zip(TAXA, COUNTS.T, strict=True))]), "sum of all other samples: Total"),
    "age.csv": (lines([["sample", "Age", *TAXA], *([s, 30 + i, *row] for i, (s, row) in enumerate(zip(SAMPLES, COUNTS, strict=True)))], ","), "taken off as metadata, by name: Age"),
}  # fmt: skip


@pytest.mark.parametrize("name", BESIDE)
def test_what_is_no_count_is_taken_off_and_told(name, tmp_path):
    content, told = BESIDE[name]
    table = CountTable.read(written(tmp_path / name, content))
    agrees(table)
    assert any(told in note for note in table.notes)
    if name == "age.csv":
        assert table.column("Age").tolist() == [str(30 + i) for i in range(N)]


def test_a_taxon_that_happens_to_be_the_sum_of_few_others_stays(tmp_path):
    rows = [["sample", "a", "b", "c"], ["s1", 1, 2, 3], ["s2", 0, 4, 4], ["s3", 2, 2, 4]]
    table = CountTable.read(written(tmp_path / "a.csv", lines(rows, ",")))
    assert table.taxa.tolist() == ["a", "b", "c"]


def test_entries_outside_the_table_are_refused_before_they_reach_memory(tmp_path):
    """SciPy turns a CSR round without a look at its places: biom-format ends the process."""
    biom, h5py = pytest.importorskip("biom"), pytest.importorskip("h5py")
    for axis in ("observation", "sample"):
        with h5py.File(tmp_path / "table.biom", "w") as file:
            biom.Table(COUNTS.T, TAXA, SAMPLES).to_hdf5(file, "a test")
            file[f"{axis}/matrix/indices"][0] = 10**6
        with pytest.raises(DataError, match="no readable BIOM table"):
            CountTable.read(tmp_path / "table.biom")


def test_hdf5(tmp_path):
    biom = pytest.importorskip("biom")
    h5py = pytest.importorskip("h5py")
    table = biom.Table(COUNTS.T, TAXA, SAMPLES, [{"taxonomy": lineage.split("; ")} for lineage in LINEAGES])
    with h5py.File(tmp_path / "table.biom", "w") as file:
        table.to_hdf5(file, "a test")
    read = CountTable.read(tmp_path / "table.biom")
    agrees(read)
    assert read.taxonomy is not None
    assert read.taxonomy.words("Alistipes") == "Bacteria; P6; Alistipes"


@pytest.mark.filterwarnings("ignore")
def test_h5ad(tmp_path):
    anndata = pytest.importorskip("anndata")
    samples, taxa = (pd.Index(names, dtype=object) for names in (SAMPLES, TAXA))
    about = pd.DataFrame({"site": pd.Series(["gut"] * N, samples, dtype=object)})
    table = anndata.AnnData(sparse.csr_matrix(np.log1p(COUNTS)), about, pd.DataFrame(index=taxa))
    table.layers["counts"] = sparse.csr_matrix(COUNTS)
    table.write_h5ad(tmp_path / "table.h5ad")
    read = CountTable.read(tmp_path / "table.h5ad")
    agrees(read)
    assert read.column("site").tolist() == ["gut"] * N


def test_qiime_2_bar_plot_with_its_columns_of_metadata(tmp_path):
    table = CountTable.read(written(tmp_path / "level-6.csv", LEVEL_6))
    agrees(table, taxa=[lineage.replace("; ", ";") for lineage in LINEAGES])
    assert table.column("BodySite").tolist() == ["gut"] * N
    assert table.column("Year").tolist() == ["2008"] * N


def test_phyloseq_with_a_column_a_rank(tmp_path):
    rows = [
        ["", *SAMPLES, "Kingdom", "Phylum"],
        *([t, *row, "Bacteria", f"P{j}"] for j, (t, row) in enumerate(zip(TAXA, COUNTS.T, strict=True))),
    ]
    table = CountTable.read(written(tmp_path / "merged.csv", lines(rows, ",")), taxa_in="rows")
    agrees(table)
    assert table.taxonomy is not None
    assert table.taxonomy.ranks == ("Kingdom", "Phylum")
    assert table.taxonomy.lineages["Blautia"] == ("Bacteria", "P2")


@pytest.mark.parametrize("header", ["sample", "#SampleID", "id"])
def test_numbers_as_sample_ids_stay_text_where_the_header_says_so(header, tmp_path):
    agrees(CountTable.read(written(tmp_path / "a.tsv", wide([header], NUMBERS))), NUMBERS)


def test_numbers_as_sample_ids_by_the_metadata_that_knows_them(tmp_path):
    meta = written(tmp_path / "meta.csv", lines([["sample-id", "Site"], *([s, "gut"] for s in NUMBERS)], ","))
    path = written(tmp_path / "a.csv", wide(["subject"], NUMBERS, separator=","))
    agrees(CountTable.read(path, metadata=str(meta)), NUMBERS)


def test_numbers_in_a_row_are_ids(tmp_path):
    table = CountTable.read(
        written(tmp_path / "a.csv", wide(["no"], range(1, N + 1), separator=",")), taxa_in="columns"
    )
    agrees(table, map(str, range(1, N + 1)))
    assert "column 'no' names the rows" in table.notes[0]


def test_a_first_taxon_with_zeros_stays_a_taxon_and_is_warned_of(tmp_path):
    rows = [TAXA[1:], *COUNTS[:, 1:].tolist()]
    table = CountTable.read(written(tmp_path / "a.csv", lines(rows, ",")), taxa_in="columns")
    assert table.taxa.tolist() == TAXA[1:]
    np.testing.assert_array_equal(table.counts.toarray(), COUNTS[:, 1:])
    assert "'Prevotella', holds numbers with zeros or repeats" in table.notes[0]


def test_a_first_taxon_without_zeros_is_asked_about(tmp_path):
    path = written(tmp_path / "a.csv", lines([TAXA, *COUNTS.tolist()], ","))
    with pytest.raises(DataError, match=r"--id-column 'Bacteroides' or --id-column none"):
        CountTable.read(path, taxa_in="columns")
    table = CountTable.read(path, taxa_in="columns", id_column="none")
    assert table.taxa.tolist() == TAXA
    np.testing.assert_array_equal(table.counts.toarray(), COUNTS)


def test_ids_in_a_column_that_is_named(tmp_path):
    rows = [[*TAXA, "who"], *([*row, s] for s, row in zip(SAMPLES, COUNTS, strict=True))]
    path = written(tmp_path / "a.csv", lines(rows, ","))
    agrees(CountTable.read(path, id_column="who", taxa_in="columns"))


def test_a_header_that_the_metadata_contradicts_is_an_error(tmp_path, metadata):
    path = written(tmp_path / "a.csv", tall(["id"], separator=","))
    with pytest.raises(
        DataError, match=r"rows are samples .header 'id'., but taxa .12 column names are ids of the metadata"
    ):
        CountTable.read(path, metadata=metadata)


def test_ids_of_the_taxonomy_tell_the_sides(tmp_path):
    lineages = written(tmp_path / "tax.tsv", lines([["Feature ID", "Taxon", "Confidence"], *([t, x, 1] for t, x in zip(OTUS, LINEAGES, strict=True))]))  # fmt: skip
    for name, content in (
        ("a.csv", wide([""], taxa=OTUS, separator=",")),
        ("b.csv", tall([""], taxa=OTUS, separator=",")),
    ):
        table = CountTable.read(written(tmp_path / name, content), taxonomy=str(lineages))
        agrees(table, taxa=OTUS)
        assert table.taxonomy is not None
        assert table.taxonomy.name(OTUS[2], "Genus") == "Blautia"


REFUSED = {
    "numbers-only.csv": (lines(COUNTS.tolist(), ","), "row 1 holds numbers only"),
    "text.csv": (wide(["sample"], separator=",").replace(f",{COUNTS[3, 2]},", ",n.d.,", 1), "holds 'n.d.' where a count was expected"),
    "ragged.csv": (wide(["sample"], separator=",").replace("\n", ",1\n", 3), "unlike numbers of cells"),
    "header-alone.csv": ("sample,a,b\n", "unlike numbers of cells|no rows"),
    "empty.tsv": ("", "no rows below a header"),
    "twice.csv": (wide(["sample"], [SAMPLES[0], *SAMPLES[:-1]], separator=","), "'S0.1' stands twice, in rows 1 and 2"),
    "taxon-twice.csv": (wide(["sample"], taxa=[TAXA[0], *TAXA[:-1]], separator=","), "taxon 'Bacteroides' stands twice, in columns 1 and 2"),
    "negative.csv": (lines([["sample", "a", "b"], ["s1", 3, -1], ["s2", 1, 1]], ","), "-1 of sample 's1', column 2 is negative"),
    "transformed.csv": (lines([["sample", "a", "b"], ["s1", 3.5, 1], ["s2", 1, 1]], ","), "3.5 of sample 's1', column 1 is no whole number"),
    "shares.csv": (lines([["sample", "a", "b"], ["s1", 0.7, 0.3], ["s2", 0.2, 0.8]], ","), "these are proportions: .* --depth-column"),
    "percent.csv": (lines([["sample", "a", "b"], ["s1", 70.5, 29.5], ["s2", 20, 80]], ","), "these are proportions"),
    "metaphlan.txt": (lines([["#mpa_v30"], ["clade_name", "NCBI_tax_id", "s1", "s2"], ["k__Bacteria", 2, 100, 100], ["k__Bacteria|s__a", 3, 60, 70], ["k__Bacteria|s__b", 4, 40, 30]]), "these are proportions"),
    "huge.csv": (lines([["sample", "a", "b"], ["s1", 1e300, 1], ["s2", 1, 1]], ","), "cannot be held exactly"),
    "nan.csv": (lines([["sample", "a", "b"], ["s1", "nan", 1], ["s2", 1, 1]], ","), "nan of sample 's1', column 1 is no finite number"),
    "na.csv": (lines([["sample", "a", "b"], ["s1", "NA", 1], ["s2", 1, 1]], ","), "holds 'NA' where a count was expected: .* has the count 0"),
    "utf-16.csv": ("s\x00a\x00m\x00", "no table of text"),
    "cut.biom": (biom_json()[:-40], "truncated or damaged"),
    "outside.biom": (biom_json().replace("[0, 0, ", "[99, 0, ", 1), "stands outside the 7 x 12 table"),
    "fraction.biom": (biom_json(kind="float").replace("[0, 0, ", "[0, 0, 0.5], [0, 1, ", 1), "no whole number"),
    "cut.shared": (SHARED[: len(SHARED) // 2], "unlike numbers of cells"),
    "square.csv": (lines([["", *TAXA], *([s, *row] for s, row in zip(SAMPLES[:D], COUNTS[:D], strict=True))], ","), "7 x 7: are rows samples or taxa"),
    "json.biom": ('{"a": 1}', "lacks rows, columns, data, shape"),
    "labels.shared": (SHARED + lines([["0.05", s, D, *row] for s, row in zip(SAMPLES, COUNTS, strict=True)]), "labels 0.03, 0.05: choose one by --label"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_typed_is_refused_in_a_line(name, tmp_path):
    content, says = REFUSED[name]
    with pytest.raises(DataError, match=says) as error:
        CountTable.read(written(tmp_path / name, content))
    assert "\n" not in str(error.value)


def test_names_that_stand_twice_are_summed_where_that_is_asked_for(tmp_path):
    path = written(tmp_path / "a.csv", wide(["sample"], taxa=[*TAXA[:-1], TAXA[1]], separator=","))
    table = CountTable.read(path, merge_duplicates=True)
    assert table.taxa.tolist() == TAXA[:-1]
    np.testing.assert_array_equal(table.counts.toarray()[:, 1], COUNTS[:, 1] + COUNTS[:, -1])


def test_a_label_of_mothur_is_chosen(tmp_path):
    both = SHARED + lines([["0.05", s, D, *(0 * row)] for s, row in zip(SAMPLES, COUNTS, strict=True)])
    agrees(CountTable.read(written(tmp_path / "a.shared", both), label="0.03"))


def test_proportions_are_counts_again_where_depth_is_known(tmp_path):
    depth = COUNTS.sum(1)
    meta = written(tmp_path / "meta.tsv", lines([["sample-id", "reads"], *zip(SAMPLES, depth, strict=True)]))
    shares = pd.DataFrame(COUNTS / depth[:, None], pd.Index(SAMPLES, name="sample"), TAXA)
    shares.to_csv(tmp_path / "shares.csv")
    agrees(CountTable.read(tmp_path / "shares.csv", metadata=str(meta), depth_column="reads"))


def test_counts_beyond_32_bits_are_read_exactly(tmp_path):
    large = [["sample", "a", "b"], ["s1", 2**40 + 1, 3], ["s2", 1, 1]]
    table = CountTable.read(written(tmp_path / "a.csv", lines(large, ",")))
    assert table.counts.toarray().tolist() == [[2**40 + 1, 3], [1, 1]]


@pytest.mark.parametrize(("start", "says"), [(b"PK\x03\x04", "qiime tools export"), (b"RDX3\n", "write.csv")])
def test_files_of_other_programs_say_what_to_do(start, says, tmp_path):
    path = tmp_path / "table.qza"
    path.write_bytes(start + bytes(100))
    with pytest.raises(DataError, match=says):
        CountTable.read(path)
