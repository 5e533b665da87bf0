"""Autoregressive models on the command line: fit, evaluate, sample, complete, report."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
from PIL import Image

from command_line import fails, run
from latentia.kinds.autoregressive.catalog import DENSITY_MODELS
from latentia.kinds.run import Run

FIELDS = {
    "verdicts", "commands", "steps",
    "model", "data", "split", "n", "n_levels", "log_likelihood", "log_likelihood_se", "train_log_likelihood",
    "bits_per_dim", "bits_per_dim_note", "bits_per_dim_alphabet", "verdict", "evidence", "remedies", "seconds",
}  # fmt: skip
SMALL = ("--set", "n_channels=4", "n_layers=2", "batch_size=32")


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    path = tmp_path_factory.mktemp("data") / "images.npy"
    x = np.random.default_rng(0).integers(0, 3, (150, 6, 5)) * 100
    np.save(path, x.astype(np.uint8))
    return path


@pytest.fixture(scope="module")
def fitted(images, tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "run"
    run("fit", images, "--model", "gated-pixelcnn", "--epochs", "2", *SMALL, "--out", out, "--quiet")
    return out


def test_diagnose_tells_what_evaluate_does(fitted, capsys):
    capsys.readouterr()
    run("diagnose", fitted, "--json")
    assert set(json.loads(capsys.readouterr().out)) == FIELDS


def test_figures_of_a_run(fitted, capsys):
    capsys.readouterr()
    run("evaluate", fitted, "--json")
    figures = json.loads(capsys.readouterr().out)
    assert set(figures) == FIELDS
    assert figures["n_levels"] == 3
    opened = Run.open(fitted)
    exact = opened.estimator.score(opened.split("test").x)
    assert figures["log_likelihood"] == pytest.approx(exact)
    assert figures["bits_per_dim"] == pytest.approx(-exact / 30 / np.log(2))
    assert figures["bits_per_dim_alphabet"] == "3 levels"
    run("evaluate", fitted)
    told = capsys.readouterr().out
    assert "bits/dim, 3 levels" in told
    assert "comparable with bits of the same 3 levels only" in told
    assert json.loads((fitted / "evaluation.json").read_text())["test"]["n"] == figures["n"]


def test_sample_and_complete(fitted, tmp_path):
    run("sample", fitted, "-n", "9", "--out", tmp_path / "s.npy", "--seed", "4")
    drawn = np.load(tmp_path / "s.npy")
    assert drawn.shape == (9, 1, 6, 5)
    assert set(np.unique(drawn)) <= {0, 100, 200}
    run("complete", fitted, "-n", "7", "--keep", "0.5", "--out", tmp_path / "c.npy")
    done = np.load(tmp_path / "c.npy")
    originals = np.asarray(Run.open(fitted).split("test").take(7).x)
    np.testing.assert_array_equal(done[:, :, :3], originals[:, :, :3])
    assert (done[:, :, 3:] != originals[:, :, 3:]).any()
    run("complete", fitted, "-n", "7", "--keep", "1", "--out", tmp_path / "all.npy")
    np.testing.assert_array_equal(np.load(tmp_path / "all.npy"), originals)
    run("complete", fitted, "-n", "7", "--out", tmp_path / "c.png")
    with Image.open(tmp_path / "c.png") as sheet:
        assert sheet.size[0] > 200


def test_report(fitted):
    run("report", fitted)
    page = (fitted / "report.html").read_text()
    cards = re.findall(r'<section class="card[^"]*" id="([^"]+)"', page)
    assert cards[:6] == ["diagnosis", "samples", "data", "completions", "learning-curves", "sampler"]
    for words in ("bits/dim", "exact, mean per item", "Completion of original 3", "to draw 64 items"):
        assert words in page
    assert {path.stem for path in (fitted / "figures").iterdir()} == {
        "samples", "data", "completions", "learning-curves",
    }  # fmt: skip


def test_tables_of_few_values(tmp_path):
    x = np.random.default_rng(0).integers(0, 3, (60, 4))
    (tmp_path / "table.csv").write_text("a,b,c,d\n" + "\n".join(",".join(map(str, row)) for row in x) + "\n")
    out = tmp_path / "run"
    run(
        "fit", tmp_path / "table.csv", "--model", "pixelcnn", "--epochs", "1", *SMALL, "--out", out, "--quiet"
    )
    run("sample", out, "-n", "5", "--out", tmp_path / "s.csv")
    assert (tmp_path / "s.csv").read_text().startswith("a,b,c,d\n")
    assert "number by number" in (out / "report.html").read_text()


def test_wrong_uses_are_one_line(fitted, images, tmp_path, capsys):
    def fit(*more):
        return fails(capsys, "fit", images, "--model", "row-lstm", "--out", tmp_path / "new", *more)

    assert "--latent-dim" in fit("--latent-dim", "3")
    assert "--n-components" in fit("--n-components", "3")
    assert "n_chanels" in fit("--set", "n_chanels=3")
    assert "labels" in fit("--set", "conditional=true", "--epochs", "1")
    assert "keep" in fails(capsys, "complete", fitted, "--keep", "2")
    assert "conditional" in fails(capsys, "sample", fitted, "--label", "3")
    assert "encoder" in fails(capsys, "reconstruct", fitted)
    resumed = (
        "fit",
        images,
        "--model",
        "gated-pixelcnn",
        "--epochs",
        "3",
        *SMALL,
        "--out",
        fitted,
        "--resume",
    )
    assert "max_epochs" in fails(capsys, *resumed)


def test_models_lists_them_all(capsys):
    run("models")
    shown = capsys.readouterr().out
    assert all(name in shown for name in DENSITY_MODELS)
    assert "pixel-vae" in shown
