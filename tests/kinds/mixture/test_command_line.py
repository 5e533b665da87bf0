from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.mixture import GaussianMixture as SklearnMixture

import latentia
from command_line import fails, run
from latentia.errors import RunFolderError
from latentia.kinds.mixture.catalog import MIXTURES
from latentia.kinds.mixture.run import judge
from latentia.kinds.run import Run
from latentia.mixture import ComponentFault
from run_folders import rewrite

FIELDS = {
    "model", "data", "split", "n", "n_components", "log_likelihood", "bits_per_dim", "bits_per_dim_alphabet", "n_free", "aic", "bic", "icl",
    "laplace", "weights", "n_iter", "converged", "selection", "verdict", "evidence", "remedies", "seconds",
}  # fmt: skip


@pytest.fixture(scope="module")
def blobs(tmp_path_factory) -> Path:
    """Three separate clouds in the plane, 100 rows each."""
    path = tmp_path_factory.mktemp("data") / "blobs.csv"
    rng = np.random.default_rng(0)
    x = rng.normal(size=(300, 2)) + np.repeat([[0.0, 0.0], [9.0, 0.0], [0.0, 9.0]], 100, axis=0)
    pd.DataFrame(x, columns=["height", "width"]).to_csv(path, index=False)
    return path


@pytest.fixture(scope="module")
def fitted(tmp_path_factory, blobs) -> Path:
    out = tmp_path_factory.mktemp("runs") / "blobs"
    run("fit", blobs, "--model", "gmm", "--n-components", "1..4", "--out", out, "--quiet", "--no-report")
    return out


def evaluated(folder: Path, capsys: pytest.CaptureFixture[str], *more: str) -> dict:
    capsys.readouterr()
    run("evaluate", folder, "--json", *more)
    return json.loads(capsys.readouterr().out)


def test_a_range_selects_and_the_folder_is_whole(fitted, capsys):
    assert {"config.json", "model.safetensors", "metrics.jsonl", "evaluation.json"} <= {
        path.name for path in fitted.iterdir()
    }
    config = json.loads((fitted / "config.json").read_text())
    assert (config["estimator"], config["model"]) == ("GaussianMixture", "gaussian-mixture")
    figures = evaluated(fitted, capsys)
    assert set(figures) >= FIELDS
    assert figures["n_components"] == 3
    assert figures["verdict"] == "healthy"
    assert figures["bits_per_dim"] is None
    assert [row["n_components"] for row in figures["selection"]["table"]] == [1, 2, 3, 4]
    rows = [json.loads(line) for line in (fitted / "metrics.jsonl").read_text().splitlines()]
    assert [row["iteration"] for row in rows] == list(range(1, figures["n_iter"] + 1))


def test_figures_are_those_of_scikit_learn(fitted, capsys):
    opened = Run.open(fitted)
    train, test = opened.split("train").x, opened.split("test").x
    oracle = SklearnMixture(3, random_state=0, tol=1e-10, max_iter=1000, n_init=3).fit(train)
    figures = evaluated(fitted, capsys)
    assert figures["n"] == len(test)
    assert figures["log_likelihood"] == pytest.approx(oracle.score(test), rel=1e-3)
    assert figures["bic"] == pytest.approx(oracle.bic(train), rel=1e-3)
    assert figures["aic"] == pytest.approx(oracle.aic(train), rel=1e-3)


def test_load_gives_the_same_estimator(fitted, tmp_path):
    opened = Run.open(fitted)
    x = opened.split("test").x
    loaded = latentia.load(fitted)
    np.testing.assert_array_equal(loaded.score_samples(x), opened.estimator.score_samples(x))
    again = latentia.load(loaded.save(tmp_path / "copy"))
    np.testing.assert_array_equal(again.predict_proba(x), loaded.predict_proba(x))
    assert again.get_params() == loaded.get_params()
    assert again.lower_bounds_ == loaded.lower_bounds_


def test_the_classifier_is_kept_with_its_classes(tmp_path):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(120, 2))
    y = np.where(x[:, 0] * x[:, 1] > 0, "same", "differ")
    fitted = latentia.GaussianMixtureClassifier(2, random_state=0).fit(x, y)
    loaded = latentia.load(fitted.save(tmp_path / "run"))
    assert loaded.predict(x).tolist() == fitted.predict(x).tolist()
    np.testing.assert_array_equal(loaded.predict_proba(x), fitted.predict_proba(x))


def test_a_damaged_folder_is_named(fitted, tmp_path):
    estimator = latentia.load(fitted)
    folder = estimator.save(tmp_path / "cut")
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1])
    with pytest.raises(RunFolderError, match="SHA-256"):
        latentia.load(folder)
    config = json.loads((fitted / "config.json").read_text())
    for change, word in (
        ({"state": "fitting"}, "unfinished"),
        ({"format": 99}, "upgrade"),
        ({"estimator": "os"}, "'os'"),
        ({"params": {"bogus": 1}}, "bogus"),
    ):
        (folder / "config.json").write_text(json.dumps(config))
        rewrite(folder, lambda config, change=change: config.update(change))
        weights.write_bytes((fitted / "model.safetensors").read_bytes())
        with pytest.raises(RunFolderError, match=word):
            latentia.load(folder)
    with pytest.raises(RunFolderError, match="GaussianMixture"):
        latentia.VAE.load(fitted)


def test_without_hold_out_all_rows_are_fitted(blobs, tmp_path, capsys):
    out = tmp_path / "all"
    run("fit", blobs, "--model", "gmm", "--n-components", "3", "--no-hold-out", "--out", out)
    assert "all 300 rows, none held out" in capsys.readouterr().out
    assert "rows that it was fitted to" in (out / "report.html").read_text()
    x = pd.read_csv(blobs).to_numpy()
    figures = evaluated(out, capsys)
    assert (figures["split"], figures["n"]) == ("train", 300)
    oracle = SklearnMixture(3, random_state=0, tol=1e-10, max_iter=1000, n_init=3).fit(x)
    assert figures["log_likelihood"] == pytest.approx(oracle.score(x), rel=1e-3)
    assert "--no-hold-out is for mixtures" in fails(
        capsys, "fit", blobs, "--no-hold-out", "--out", tmp_path / "v"
    )


def test_twins_counts_by_laplace(real_data, tmp_path, capsys):
    counts = real_data / "microbiome" / "twins" / "counts.csv.gz"
    model = ["--model", "dirichlet-multinomial-mixture", "--n-components", "3..4", "--set", "n_init=1"]
    run("fit", counts, *model, "--out", tmp_path / "twins", "--no-report")
    shown = capsys.readouterr().out
    assert "laplace" in shown
    assert "verdict: " in shown
    figures = evaluated(tmp_path / "twins", capsys)
    table = {row["n_components"]: row["laplace"] for row in figures["selection"]["table"]}
    assert figures["n_components"] == min(table, key=table.__getitem__)
    assert figures["laplace"] == pytest.approx(table[figures["n_components"]], rel=1e-9)
    # Either end of 3..4 is an edge.
    assert any("edge of the range" in sentence for sentence in figures["evidence"])
    run("sample", tmp_path / "twins", "-n", "5", "--out", tmp_path / "s.csv")
    drawn = pd.read_csv(tmp_path / "s.csv")
    assert list(drawn.columns) == Run.open(tmp_path / "twins").config["columns"]
    assert (drawn.sum(axis=1) > 0).all()


def test_images_are_flattened_and_scaled(tmp_path, capsys):
    for model, settings in (("gmm", ["covariance_type=diag", "reg_covar=0.01"]), ("bernoulli-mixture", [])):
        out = tmp_path / model
        flags = ["--set", *settings] if settings else []
        run(
            "fit",
            "digits",
            "--model",
            model,
            "--n-components",
            "4",
            "--out",
            out,
            "--no-report",
            "--quiet",
            *flags,
        )
        run("sample", out, "-n", "5", "--out", tmp_path / "s.npy", "--seed", "1")
        drawn = np.load(tmp_path / "s.npy")
        assert drawn.shape == (5, 1, 8, 8)
        assert -1 < drawn.min() < drawn.max() < 2
        run("sample", out, "-n", "4", "--out", tmp_path / "s.png")
    figures = evaluated(tmp_path / "bernoulli-mixture", capsys)
    assert figures["bits_per_dim"] == pytest.approx(-figures["log_likelihood"] / 64 / np.log(2))
    assert figures["bits_per_dim_alphabet"] == "2 levels"
    opened = Run.open(tmp_path / "gmm")
    x = opened.split("train").x.reshape(-1, 64)
    constant = np.flatnonzero(np.ptp(x, axis=0) == 0)
    assert [i for i, _ in opened.estimator.layout_.constant] == constant.tolist()
    assert opened.estimator.layout_.stored(opened.split("train").x).shape[1] == 64 - len(constant)
    back = opened.estimator.layout_.items(opened.estimator.layout_.stored(opened.split("train").x)).reshape(
        -1, 64
    )
    np.testing.assert_allclose(back * 255, x, atol=1e-3)


def test_resume_and_seed(blobs, tmp_path, capsys):
    flags = ["--model", "gmm", "--n-components", "2", "--no-report", "--quiet", "--seed", "3"]
    run("fit", blobs, *flags, "--out", tmp_path / "a")
    run("fit", blobs, *flags, "--out", tmp_path / "b")
    weights = [(tmp_path / name / "model.safetensors").read_bytes() for name in "ab"]
    assert weights[0] == weights[1]
    config = tmp_path / "b" / "config.json"
    config.write_text(json.dumps({**json.loads(config.read_text()), "state": "fitting"}))
    run("fit", blobs, *flags, "--out", tmp_path / "b", "--resume")
    assert (tmp_path / "b" / "model.safetensors").read_bytes() == weights[0]
    other = fails(
        capsys,
        "fit",
        blobs,
        *flags[:2],
        "--n-components",
        "3",
        "--out",
        tmp_path / "b",
        "--resume",
        "--seed",
        "3",
    )
    assert "n_components=2" in other
    assert "holds a run already" in fails(capsys, "fit", blobs, *flags, "--out", tmp_path / "b")


def test_bad_parameters_are_one_line(blobs, fitted, tmp_path, capsys):
    out = ["--out", tmp_path / "x"]
    gmm = ["fit", blobs, "--model", "gmm", *out]
    for flags, word in (
        (["--latent-dim", "3"], "--n-components"),
        (["--epochs", "3"], "max_iter"),
        (["--n-components", "0"], "at least 1"),
        (["--n-components", "4..2"], "smaller first"),
        (["--n-components", "1-3"], "1..7"),
        (["--n-components", "2", "--set", "covariance=full"], "covariance_type"),
        (["--n-components", "2", "--set", "covariance_type=round"], "round"),
        (["--n-components", "900"], "900"),
    ):
        assert word in fails(capsys, *gmm, *flags)
    assert "--latent-dim" in fails(capsys, "fit", blobs, "--n-components", "3", *out)
    assert "gaussian-mixture" in fails(capsys, "fit", blobs, "--model", "gausian-mixture", *out)
    assert "encoder" in fails(capsys, "reconstruct", fitted)
    assert "row" in fails(capsys, "fit", blobs, "--model", "poisson-mixture", "--n-components", "2", *out)
    assert not (tmp_path / "x").exists()


def test_models_lists_the_mixtures(capsys):
    run("models")
    out = capsys.readouterr().out
    assert all(name in out for name in MIXTURES)
    assert "gmm" in out


def test_the_gravest_finding_is_the_verdict():
    found = (
        ComponentFault("not-converged", "no convergence: raise max_iter"),
        ComponentFault("singular", "flat: fewer"),
    )
    table = [{"n_components": k} for k in (2, 3, 4)]
    chosen = {"aic": 4, "bic": 4, "icl": 3, "laplace": 3}
    selection = {"criterion": "bic", "at_edge": ["bic"], "table": table, "chosen": chosen}
    assert judge(found, 4, selection).name == "singular component"
    assert judge(found[:1], 4, selection).name == "not converged"
    edge = judge((), 4, selection)
    assert edge.name == "K at the edge"
    assert any("--n-components 2..7" in remedy for remedy in edge.remedies)
    assert judge((), 4, {**selection, "at_edge": ["aic"]}).name == "healthy"
    told = judge((), 4, {**selection, "at_edge": ["aic"]}).evidence
    assert (
        told[-1]
        == "Of 2 to 4 components BIC chooses 4 (others: ICL 3, Laplace 3); AIC chooses 4, the edge of what was tried."
    )
    assert judge((), 4, None).name == "healthy"


def test_a_fit_cut_short_is_said(blobs, tmp_path, capsys):
    run(
        "fit",
        blobs,
        "--model",
        "gmm",
        "--n-components",
        "5",
        "--set",
        "max_iter=1",
        "--no-report",
        "--out",
        tmp_path / "r",
    )
    assert "verdict: not converged" in capsys.readouterr().out


def test_the_report_shows_components_and_the_curve_over_k(fitted, tmp_path, capsys):
    run("report", fitted)
    page = (fitted / "report.html").read_text()
    for card in ("responsibility-map", "components", "criteria", "likelihood"):
        assert f'id="{card}"' in page
    assert "height" in page  # a feature that is told of a component
    assert "BIC is smallest there, of 1 to 4" in page
    assert (fitted / "figures" / "criteria.svg").exists()
    flags = ["--n-components", "3", "--quiet", "--out", tmp_path / "digits"]
    run("fit", "digits", "--model", "bernoulli-mixture", *flags)
    page = (tmp_path / "digits" / "report.html").read_text()
    assert page.count("Mean image of component") == 3
    assert 'id="samples"' in page
    assert 'id="criteria"' not in page  # one number of components: nothing to choose
