"""The commands that use a fitted run, on one small run of digits and one of a table."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from sklearn.datasets import load_digits, load_wine

from command_line import fails, run
from latentia.kinds.loading import load


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    wine = load_wine(as_frame=True)
    wine.frame.to_csv(folder / "wine.csv", index=False)
    common = ("--epochs", 2, "--latent-dim", 4, "--no-report", "--quiet", "--set", "network=mlp-small")
    run("fit", "digits", "--out", folder / "digits", *common)
    run("fit", folder / "wine.csv", "--label-column", "target", "--out", folder / "wine", *common)
    return folder


@pytest.fixture
def inside(folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return folder


def size(path):
    """Tiles of 96 pixels with 4 between: rows and columns."""
    with Image.open(path) as picture:
        width, height = picture.size
    return (height - 4) // 100, (width - 4) // 100


def test_pictures_have_a_row_for_each_thing(inside, capsys):
    run("interpolate", inside / "digits")
    assert size("interpolation.png") == (3, 8)
    run("interpolate", inside / "digits", "--items", "3,1", "--method", "geodesic", "--steps", 5)
    assert size("interpolation.png") == (1, 5)
    run("interpolate", inside / "digits", "--items", "0,1,2,3", "--steps", 4, "--out", "grid.npy")
    assert np.load("grid.npy").shape == (4, 4, 1, 8, 8)
    run("traverse", inside / "digits", "--item", 2, "--dims", "1,3")
    assert size("traversal.png") == (2, 9)
    run("neighbours", inside / "digits", "-n", 3, "--k", 5)
    assert size("neighbours.png") == (3, 6)
    run("resample", inside / "digits", "-n", 2, "--draws", 3)
    assert size("resampled.png") == (2, 4)
    run("inpaint", inside / "digits", "-n", 2, "--steps", 5, "--restarts", 2, "--hide", "top")
    assert size("inpainted.png") == (2, 3)
    capsys.readouterr()
    run(
        "inpaint",
        inside / "digits",
        "-n",
        2,
        "--steps",
        6,
        "--method",
        "sample",
        "--draws",
        3,
        "--restarts",
        1,
    )
    assert size("inpainted.png") == (2, 5)
    assert "acceptance of the chains" in capsys.readouterr().out


def test_ends_of_ways_are_reconstructions(inside):
    run("interpolate", inside / "digits", "--items", "4,9", "--out", "way.npy")
    from latentia.kinds.run import Run

    opened = Run.open(inside / "digits")
    ends = opened.split("test").x[[4, 9]]
    way = np.load("way.npy")
    for row in way:
        difference = row[[0, -1]].astype(int) - opened.estimator.reconstruct(ends)
        assert np.abs(difference).max() <= 1  # codes in double precision, decoded in single


def test_hidden_parts_are_the_ones_named(inside):
    from latentia.commands.inpaint import hidden

    for part, where in (("left", np.s_[:, :, :4]), ("bottom", np.s_[:, 4:]), ("middle", np.s_[:, 2:6, 2:6])):
        mask = hidden((1, 8, 8), part, 0)
        assert mask[where].all()
        assert mask.sum() == mask[where].size
    assert 0.3 < hidden((3, 32, 32), "random", 0).mean() < 0.7
    assert (hidden((3, 9, 9), "random", 0)[0] == hidden((3, 9, 9), "random", 0)[2]).all()


def test_neighbours_of_training_items_leave_them_out(inside):
    run("neighbours", inside / "digits", "-n", 4, "--k", 3, "--split", "train", "--out", "n.csv")
    table = pd.read_csv("n.csv")
    assert list(table.columns) == ["item", "rank", "train_row", "distance"]
    assert len(table) == 12
    assert (table.distance > 0).all()
    assert (table.groupby("item").distance.diff().dropna() >= 0).all()


def test_tables(inside):
    run("traverse", inside / "wine", "--out", "t.csv", "--steps", 3)
    table = pd.read_csv("t.csv")
    assert list(table.columns[:3]) == ["row", "column", "alcohol"]
    assert len(table) == 4 * 3
    run("interpolate", inside / "wine", "--out", "i.csv")
    assert len(pd.read_csv("i.csv")) == 24
    run("resample", inside / "wine", "-n", 2, "--draws", 2, "--out", "r.csv")
    run("anomaly", inside / "wine")
    scores = pd.read_csv("anomalies.csv")
    assert scores.p_value.between(0, 1).all()


def test_anomalies(inside, capsys):
    noise = np.random.default_rng(0).integers(0, 256, (60, 8, 8)).astype(np.uint8)
    np.save("noise.npy", noise)
    for method in ("likelihood", "typicality", "reconstruction"):
        capsys.readouterr()
        run("anomaly", inside / "digits", "--other", "./noise.npy", "--method", method, "--json", "-n", 100)
        figures = json.loads(capsys.readouterr().out)
        assert figures["auroc"] > 0.9
        assert figures["n"] == {"digits": 100, "./noise.npy": 60}
    table = pd.read_csv("anomalies.csv")
    assert table.groupby("data").p_value.mean()["./noise.npy"] < 0.1


def test_mixtures_score_anomalies_and_have_no_codes(inside, capsys):
    run("fit", "digits", "--model", "gmm", "--n-components", 2, "--out", "gmm", "--no-report", "--quiet")
    run("anomaly", "gmm", "-n", 50)
    assert len(pd.read_csv("anomalies.csv")) == 50
    for command in ("interpolate", "traverse", "neighbours", "resample", "inpaint", "disentangle"):
        line = fails(capsys, command, "gmm")
        assert f"{command} needs " in line
        assert "this run is a gaussian-mixture (mixtures); fit one with `--model sigma-vae`" in line


def test_compress_and_restore(inside, capsys):
    pytest.importorskip("constriction")
    images = np.rint(load_digits().images[:12] * (255 / 16)).astype(np.uint8)
    for i, image in enumerate(images):
        Image.fromarray(image).save(f"digit{i:02d}.png")
    names = [f"digit{i:02d}.png" for i in range(12)]
    run("compress", *names, "--run", inside / "digits", "--out", "d.ltnc")
    assert "12 images" in capsys.readouterr().out
    run("decompress", "d.ltnc", "--run", inside / "digits", "--out", "back")
    expected = load(inside / "digits").reconstruct(images)
    for name, image in zip(names, expected, strict=True):
        np.testing.assert_array_equal(np.asarray(Image.open(f"back/{name}")), image)
    run("compress", names[0], names[0], "--run", inside / "digits", "--out", "two.ltnc", "--no-exact")
    run("decompress", "two.ltnc", "--run", inside / "digits", "--out", "two")
    assert sorted(p.name for p in Path("two").iterdir()) == ["digit00-2.png", "digit00.png"]


def test_compress_refuses_in_one_line(inside, capsys):
    pytest.importorskip("constriction")
    Image.fromarray(np.zeros((8, 8, 3), np.uint8) + np.uint8([9, 90, 200])).save("colour.png")
    Image.fromarray(np.zeros((8, 8), np.uint8)).save("grey.png")
    digits = ("--run", inside / "digits")
    run("compress", "grey.png", *digits, "--out", "d.ltnc")
    whole = Path("d.ltnc").read_bytes()
    Path("cut.ltnc").write_bytes(whole[:-3])
    Path("bad.ltnc").write_bytes(whole[:30] + bytes([whole[30] ^ 1]) + whole[31:])
    Path("text.txt").write_text("no file of ours")
    assert "give images, run and file" in fails(capsys, "compress", "grey.png", "--out", "x")
    assert "give images, run and file" in fails(capsys, "compress", *digits, "--out", "x")
    assert "does not exist" in fails(capsys, "compress", "none.png", *digits, "--out", "x")
    assert "no image" in fails(capsys, "compress", "text.txt", *digits, "--out", "x")
    assert "the images are colour, the run's are grey" in fails(
        capsys, "compress", "colour.png", *digits, "--out", "x"
    )
    assert "data are a table" in fails(capsys, "compress", "grey.png", "--run", inside / "wine", "--out", "x")
    for name in ("cut", "bad"):
        message = fails(capsys, "decompress", f"{name}.ltnc", *digits, "--out", "back")
        assert f"{name}.ltnc: the file is truncated or altered" in message
    assert "begin with LTNC" in fails(capsys, "decompress", "text.txt", *digits)
    assert "cannot be read" in fails(capsys, "decompress", "none", *digits)
    assert "give file and run" in fails(capsys, "decompress", "d.ltnc")
    assert not Path("back").exists()


def test_disentanglement_of_sprites(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    fit = ("--epochs", 1, "--latent-dim", 5, "--image-size", 8, "--no-report", "--quiet")
    run("fit", "sprites", "--out", "s", *fit, "--set", "network=mlp-small", "batch_size=256", "sampler=prior")
    capsys.readouterr()
    run("disentangle", "s", "-n", 500, "--json", "--out", "scores.json")
    figures = json.loads(capsys.readouterr().out)
    assert json.loads((tmp_path / "scores.json").read_text()) == figures
    for name in ("mig", "sap", "disentanglement", "completeness", "informativeness", "factor_vae"):
        assert 0 <= figures[name] <= 1
    assert figures["informativeness"] > 0.1


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (("interpolate", "digits", "--items", "0"), "give two items"),
        (("interpolate", "digits", "--items", "0,x"), "whole numbers with commas"),
        (("interpolate", "digits", "--items", "0,9999"), "item 9999: the test split has items 0 to"),
        (("interpolate", "digits", "--steps", 1), "at least 2"),
        (("interpolate", "digits", "--out", "x.csv"), "images can be written as .png or .npy"),
        (("traverse", "wine", "--out", "x.png"), "a table can be written as .csv or .npy"),
        (("traverse", "digits", "--dims", "4"), "dimensions 0 to 3"),
        (("neighbours", "digits", "-n", 0), "at least 1"),
        (("inpaint", "wine"), "hides parts of images"),
        (("disentangle", "wine"), "sprites are grey squares"),
        (("disentangle", "digits", "-n", 5), "at least 100"),
        (("anomaly", "digits", "--out", "x.png"), "written as .csv"),
        (("anomaly", "digits", "--other", "digitz"), "did you mean"),
        (("resample", "nowhere"), "does not exist"),
    ],
)
def test_mistakes_are_one_line(inside, capsys, argv, words):
    command, name, *rest = argv
    assert words in fails(capsys, command, inside / name, *rest)


def test_a_missing_run_is_named(capsys):
    assert "RUN is missing: latentia traverse RUN" in fails(capsys, "traverse")
