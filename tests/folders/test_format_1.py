"""Run folders of format 1, written by version 0.1.0.dev0: each loads, scores and reports to the numbers it was kept with.

`expected.json` holds what that version said. The folders were made by `latentia fit` on `digits`, `plants.csv` and `counts.csv`
(the command stands in each `config.json`), the classifier by `GaussianMixtureClassifier.save`.
"""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import latentia
from command_line import run

HERE = Path(__file__).parent / "format-1"
EXPECTED = json.loads((HERE / "expected.json").read_text())
RUNS = [name for name in EXPECTED if name != "classifier"]
NO_MORE = {"beside-data"}  # the same samples twice in a page
CLOSE = {"rtol": 2e-3, "atol": 2e-3}  # another processor adds in another order


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A copy of the folders, as the working directory: the paths of their data are relative."""
    shutil.copytree(HERE, tmp_path / "here")
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "here"


def first_five(name):
    """The first five items of the part that the run held out (or of all, where it held out none)."""
    config = json.loads((HERE / name / "config.json").read_text())["data"]
    dataset = latentia.data.load(
        config["name"], seed=config["seed"], image_size=config["image_size"], label_column=config["label_column"]
    )  # fmt: skip
    return (dataset if config["hold_out"] else dataset.whole()).test.x[:5]


def short(values):
    values = np.asarray(values, dtype=float)
    return values.reshape(len(values), -1)[:, :6]


@pytest.mark.parametrize("name", RUNS)
def test_it_loads_and_scores(folder, name):
    estimator, items, said = latentia.load(folder / name), first_five(name), EXPECTED[name]
    np.testing.assert_allclose(estimator.score_samples(items), np.ravel(said["score_samples"]), **CLOSE)
    for method in ("transform", "predict_proba"):
        if method in said:
            np.testing.assert_allclose(short(getattr(estimator, method)(items)), said[method], **CLOSE)
    if "reconstruct" in said:
        off = (
            1.01 if name in ("vae-images", "codes") else 1e-3
        )  # a level of 8 bits, where a sum lies at its edge
        np.testing.assert_allclose(
            short(estimator.reconstruct(items)), said["reconstruct"], rtol=1e-3, atol=off
        )
    curves = estimator.history_ if hasattr(estimator, "history_") else range(estimator.n_iter_)
    assert len(curves) == said["history"]


@pytest.mark.parametrize("name", RUNS)
def test_it_draws(folder, name):
    run("sample", folder / name, "-n", 3, "--out", folder / "drawn.npy")
    drawn = short(np.load(folder / "drawn.npy"))
    same = np.isclose(drawn, EXPECTED[name]["sample"], rtol=1e-3, atol=1.01)
    assert same.mean() > 0.9  # a draw that lies at the edge of two levels, or components, may fall to either


@pytest.mark.parametrize("name", RUNS)
def test_it_is_judged_as_it_was(folder, name, capsys):
    was = EXPECTED[name]["evaluate"]
    run("evaluate", folder / name, "--split", was["split"], "--n-importance", 20, "--json")
    now = json.loads(capsys.readouterr().out)
    assert set(was) <= set(now)
    for key, value in was.items():
        if isinstance(value, float):
            assert now[key] == pytest.approx(value, rel=2e-3, abs=2e-3), key
        elif key in (
            "model",
            "data",
            "split",
            "n",
            "likelihood",
            "latent_dim",
            "verdict",
            "bits_per_dim_note",
        ):
            assert now[key] == value, key


@pytest.mark.parametrize("name", RUNS)
def test_it_is_reported(folder, name, capsys):
    run("report", folder / name)
    page = (folder / name / "report.html").read_text()
    said = EXPECTED[name]["report"]
    assert re.search(r"<title>(.*?)</title>", page)[1] == said["title"].removesuffix(".csv")
    drawn = {path.stem for path in (folder / name / "figures").iterdir()}
    assert {Path(file).stem for file in said["figures"]} - NO_MORE <= drawn
    kept = json.loads((folder / name / "evaluation.json").read_text())
    assert kept.get("test", kept.get("train"))["verdict"] in page


def test_a_classifier_predicts_as_it_did(folder):
    rows = pd.read_csv("plants.csv", index_col=0).drop(columns="species")[:5]
    classifier = latentia.load("classifier")
    np.testing.assert_allclose(classifier.predict_proba(rows), EXPECTED["classifier"]["proba"], **CLOSE)
    np.testing.assert_allclose(
        classifier.score_samples(rows), np.ravel(EXPECTED["classifier"]["score_samples"]), **CLOSE
    )
