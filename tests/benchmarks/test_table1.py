import csv
import io
import json
from shutil import copytree

import numpy as np
import pytest

from latentia import cli
from latentia.benchmarks import table1
from latentia.benchmarks.table1 import as_csv, as_json, read_table, run
from latentia.errors import ConfigError, DataError, MissingExtraError

MODELS = ["data-variance-vae", "autoencoder"]


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    from latentia.benchmarks import peers, protocol

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(protocol, "NETWORK", "mlp-small")
        patch.setattr(peers, "NETWORK", "mlp-small")
        return run(MODELS, ["digits"], tmp_path_factory.mktemp("t") / "out", epochs=2, limit=300)


def test_rows_have_their_figures(done):
    vae, autoencoder = done.rows
    assert [vae["name"], autoencoder["name"]] == MODELS
    figures = vae["figures"]
    assert figures["epochs"] == 2
    assert figures["steps"] == 6  # of 128, 128 and 44 images
    assert figures["rec"] > 0
    assert figures["bits_per_dim"] > 0
    assert 0 <= figures["precision"] <= 1
    assert figures["sliced_wasserstein"] > 0
    assert figures["latent_dim"] == 5
    assert autoencoder["figures"]["total"] is None
    assert not vae["comparable"]
    assert "at most 300" in vae["note"]
    real = done.real["digits"]["real"]
    assert real["sliced_wasserstein"] < figures["sliced_wasserstein"]
    assert real["recall"] > 0.5
    pictures = done.pictures(vae)
    assert {images.shape for images in pictures.values()} == {(16, 1, 8, 8)}
    assert {str(images.dtype) for images in pictures.values()} == {"uint8"}


def test_csv_and_json_hold_the_same_figures(done):
    parsed = list(csv.DictReader(io.StringIO(as_csv(done))))
    assert [row["model"] for row in parsed] == [*MODELS, "real images"]
    assert float(parsed[0]["rec"]) == done.rows[0]["figures"]["rec"]
    assert parsed[1]["total"] == ""
    content = json.loads(as_json(done))
    assert content["rows"][0]["figures"] == done.rows[0]["figures"]
    assert (done.folder / "table1.csv").read_text() == as_csv(done)


def test_finished_rows_are_never_run_again(done, monkeypatch):
    def forbidden(*_, **__):
        raise AssertionError("fitted again")

    monkeypatch.setattr(table1, "fit", forbidden)
    said = []
    again = run(MODELS, ["digits"], done.folder, epochs=7, limit=300, say=said.append)
    assert again.rows == done.rows
    assert said == ["2 of 2 rows are finished already"]


def test_rows_of_another_seed_or_limit_do_not_mix(done):
    with pytest.raises(ConfigError, match=r"of seed 0, not 1: give another --out"):
        run(MODELS, ["digits"], done.folder, seed=1, limit=300)
    with pytest.raises(ConfigError, match=r"of limit 300, not None"):
        run(MODELS, ["digits"], done.folder)


def test_a_benchmark_that_was_interrupted_gives_the_same_figures(done, tmp_path, monkeypatch):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    copytree(done.folder / "features", tmp_path / "features")  # the classifier takes longest
    with monkeypatch.context() as patch:
        patch.setattr(table1, "figures_of", interrupt)
        with pytest.raises(KeyboardInterrupt):
            run(MODELS[:1], ["digits"], tmp_path, epochs=2, limit=300)
    assert read_table(tmp_path).rows == []
    assert list(tmp_path.glob("work/digits--data-variance-vae--2/checkpoints/*"))
    again = run(MODELS[:1], ["digits"], tmp_path, epochs=2, limit=300)
    whole = {name: value for name, value in done.rows[0]["figures"].items() if name != "seconds"}
    assert {name: again.rows[0]["figures"][name] for name in whole} == whole


def test_a_half_written_row_is_no_row(done, tmp_path):
    rows = tmp_path / "rows"
    rows.mkdir()
    name = f"{done.rows[0]['key']}.json"
    (rows / name).write_bytes((done.folder / "rows" / name).read_bytes())  # without its pictures
    assert read_table(tmp_path).rows == []


def test_what_cannot_be_made_is_left_out_with_the_reason(done, tmp_path, monkeypatch):
    def missing(*_, **__):
        raise MissingExtraError("pythae is not installed: pip install 'latentia[bench]'")

    monkeypatch.setattr(table1, "fit", missing)
    table = run([*MODELS, "pythae-vae"], ["digits"], done.folder, epochs=2, limit=300)
    assert len(table.rows) == 2
    assert [row["name"] for row in table.missing] == ["pythae-vae"]
    assert "pip install" in table.missing[0]["reason"]
    copytree(done.folder / "features", tmp_path / "features")
    with pytest.raises(DataError, match="no row could be made; the first because pythae"):
        run(["pythae-vae"], ["digits"], tmp_path, epochs=2, limit=300)


def test_data_that_are_no_images_are_refused(tmp_path):
    table = tmp_path / "table.csv"
    np.savetxt(
        table, np.random.default_rng(0).normal(size=(50, 3)), delimiter=",", header="a,b,c", comments=""
    )
    with pytest.raises(DataError, match="no 8-bit images"):
        run(["beta-vae"], [str(table)], tmp_path / "out")


def test_images_without_classes_are_judged_by_principal_components(tmp_path):
    from sklearn.datasets import load_digits

    images = (load_digits().images * 15.9).astype(np.uint8)[:400, None]
    np.save(tmp_path / "images.npy", images)
    table = run(MODELS[:1], [str(tmp_path / "images.npy")], tmp_path / "out", epochs=1)
    (real,) = table.real.values()
    assert "principal components" in real["features"]
    assert real["accuracy"] is None
    assert table.rows[0]["figures"]["sliced_wasserstein"] > real["real"]["sliced_wasserstein"]


def test_pythaes_row_by_the_command_line(done, capsys):
    pytest.importorskip("pythae")
    options = ["--models", "pythae-vae", "--datasets", "digits", "--epochs", "2", "--limit", "300", "--json"]
    cli.main(["benchmark", "table1", *options, "--out", str(done.folder)])
    content = json.loads(capsys.readouterr().out)
    row = next(row for row in content["rows"] if row["name"] == "pythae-vae")
    reference = done.rows[0]["figures"]
    assert row["figures"]["parameters"] == reference["parameters"]
    assert row["figures"]["rec"] < 1.5 * reference["rec"]
    assert (done.folder / "table1.html").exists()


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["benchmark"], "TABLE is missing"),
        (["benchmark", "table2"], "TABLE is table2"),
        (["benchmark", "table1", "--models", "nothing", "--out", "X"], "no model of Table 1"),
        (["benchmark", "table1", "--epochs", "0", "--out", "X"], "--epochs 0"),
    ],
)
def test_mistakes_are_one_line(argv, words, capsys, tmp_path):
    with pytest.raises(SystemExit) as exit_:
        cli.main([str(tmp_path) if word == "X" else word for word in argv])
    assert exit_.value.code == 2
    error = capsys.readouterr().err
    assert words in error
    assert error.count("\n") == 1
