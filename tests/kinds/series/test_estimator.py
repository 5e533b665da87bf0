"""Models of series: gaps, unlike lengths, the exact density of probabilistic principal components, and the command line."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.stats import multivariate_normal
from sklearn.base import clone
from sklearn.neighbors import KNeighborsClassifier

import latentia
from command_line import fails, run
from latentia import SeriesVAE, explore
from latentia.data.items import Ragged
from latentia.distributions.observed import ObservedGaussian
from latentia.errors import ConfigError, DataError
from latentia.kinds.series.form import SeriesForm, as_series
from latentia.latent.likelihoods.observed import ObservedGaussianLikelihood

SMALL = {"width": 12, "random_state": 0}


def waves(n, seed=0, gaps=0.0):
    """Sines of three frequencies, and which it is."""
    random = np.random.default_rng(seed)
    kinds = random.integers(3, size=n)
    found = []
    for kind in kinds:
        steps = np.arange(random.integers(20, 31))
        x = np.sin(2 * np.pi * (1, 2, 4)[kind] * steps / 30 + random.uniform(0, 1)) + 0.1 * random.normal(
            size=len(steps)
        )
        x[random.random(len(x)) < gaps] = np.nan
        found.append(x)
    return found, kinds


@pytest.fixture(scope="module")
def learned():
    return SeriesVAE(latent_dim=3, width=24, max_epochs=30, learning_rate=1e-2, random_state=0).fit(
        waves(160, gaps=0.2)[0]
    )


def test_codes_know_the_frequency(learned):
    (train, y), (test, z) = waves(160, gaps=0.2), waves(90, seed=1)
    neighbours = KNeighborsClassifier(5).fit(learned.transform(train), y)
    assert neighbours.score(learned.transform(test), z) > 0.95


def test_reconstructions_have_their_lengths_and_no_gaps(learned):
    series, _ = waves(9, seed=2, gaps=0.3)
    rebuilt = learned.reconstruct(series)
    for own, other in zip(series, rebuilt, strict=True):
        assert other.shape == (len(own), 1)
        assert np.isfinite(other).all()
    error = np.concatenate([own - other[:, 0] for own, other in zip(series, rebuilt, strict=True)])
    assert np.sqrt(np.nanmean(error**2)) < 0.4


def test_draws_have_lengths_of_the_data_and_repeat(learned):
    drawn = learned.sample(8, random_state=3)
    assert all(20 <= len(each) <= 30 for each in drawn)
    again = learned.sample(8, random_state=3)
    assert all((a == b).all() for a, b in zip(drawn, again, strict=True))


def test_what_is_missing_changes_no_figure(learned):
    """A number in a gap is not there, whatever stands behind the end or beside the series."""
    series, _ = waves(3, seed=4, gaps=0.3)
    longer = [np.concatenate([series[0], [np.nan] * (30 - len(series[0]))]), *series[1:]]
    np.testing.assert_allclose(learned.transform(longer), learned.transform(series), atol=1e-6)
    np.testing.assert_allclose(learned.score_samples(longer), learned.score_samples(series), rtol=1e-6)
    alone = learned.score_samples(series[:1])
    np.testing.assert_allclose(alone, learned.score_samples(series)[:1], rtol=1e-5)


def test_it_is_kept_and_read(learned, tmp_path):
    series, _ = waves(4, seed=5)
    again = latentia.load(learned.save(tmp_path / "run"))
    np.testing.assert_array_equal(again.transform(series), learned.transform(series))
    assert clone(learned).get_params() == learned.get_params()


def test_exploration_works_on_series(learned):
    series, _ = waves(20, seed=6)
    way = explore.interpolate(learned, series[0], series[1], steps=4, method="linear")
    assert len(way.items) == 4
    assert explore.anomaly_scores(learned, series, "likelihood", series).shape == (20,)


def test_density_of_what_is_observed_is_that_of_the_gaussians():
    random = np.random.default_rng(0)
    loc, scale = random.normal(size=(5, 2)), np.array([0.5, 2.0])
    x, there = random.normal(size=(5, 2)), random.random((5, 2)) < 0.6
    p = ObservedGaussian(torch.from_numpy(loc), torch.from_numpy(scale))
    exact = (-0.5 * ((x - loc) / scale) ** 2 - np.log(scale) - 0.5 * math.log(2 * math.pi))[there].sum()
    value = torch.from_numpy(np.concatenate([np.where(there, x, 99.0), there], 1))
    assert p.log_prob(value).item() == pytest.approx(exact, abs=1e-10)


def test_variance_of_a_column_is_its_mean_squared_residual():
    likelihood = ObservedGaussianLikelihood((3, 4), [1.0, 0.0], [2.0, 1.0])
    random = np.random.default_rng(1)
    values, there = random.normal(size=(6, 3, 2)), random.random((6, 3, 2)) < 0.5
    x = torch.from_numpy(np.concatenate([np.where(there, values, 0), there], -1)).float()
    outputs = torch.from_numpy(random.normal(size=(1, 6, 1, 3, 2))).float()
    residual = values - (np.array([1.0, 0]) + np.array([2.0, 1.0]) * outputs.numpy()[0, :, 0])
    exact = [np.sqrt((residual[..., c][there[..., c]] ** 2).mean()) for c in (0, 1)]
    likelihood.train()
    np.testing.assert_allclose(likelihood(outputs, x).scale.numpy(), exact, rtol=1e-5)
    likelihood.eval()
    for half in (slice(0, 2), slice(2, 6)):
        likelihood.accumulate(outputs[:, half], x[half])
    likelihood.finish_calibration()
    np.testing.assert_allclose(likelihood(outputs).scale.numpy(), exact, rtol=1e-5)


@pytest.mark.parametrize("gaps", [0.0, 0.3])
def test_of_a_linear_decoder_the_density_is_that_of_principal_components(gaps):
    """Importance sampling against the exact normal density N(m, W W' + s^2 I) of what is observed."""
    random = np.random.default_rng(2)
    weights = random.normal(size=(6, 1))
    series = random.normal(size=(200, 1)) @ weights.T + 0.5 * random.normal(size=(200, 6))
    series[random.random(series.shape) < gaps] = np.nan
    series[np.isnan(series).all(1), 0] = 0.0
    model = SeriesVAE(
        "series-linear", latent_dim=1, max_epochs=12, learning_rate=1e-2, n_importance=500, **SMALL
    )
    model.fit(list(series))
    module, c = model.module_, model.composition_
    w = c.scales[0] * module.decoder.linear.weight.detach().double().numpy()
    m = c.means[0] + c.scales[0] * module.decoder.linear.bias.detach().double().numpy()
    covariance = w @ w.T + c.scales[0] ** 2 * module.likelihood.sigma2.double().item() * np.eye(6)
    exact = []
    for row in series:
        seen = ~np.isnan(row)
        exact.append(multivariate_normal(m[seen], covariance[np.ix_(seen, seen)]).logpdf(row[seen]))
    assert np.mean(model.score_samples(list(series))) == pytest.approx(np.mean(exact), abs=0.02)


@pytest.mark.parametrize(
    ("X", "words"),
    [
        ([], "holds no series"),
        ("text", "holds no series"),
        (3, "holds no series"),
        ([[1.0, 2.0]], "at least 2"),
        ([[1.0], ["a"]], "series 1 is no array of numbers"),
        ([[1.0], np.zeros((2, 2, 2))], r"series 1 has shape \[2, 2, 2\]"),
        ([[1.0, np.inf], [1.0]], "series 0, step 1: infinity"),
        ([[1.0], [np.nan, np.nan]], "series 1 has no number in it"),
        ([[[1.0, np.nan]], [[2.0, np.nan]]], "column 1 has no number in any series"),
    ],
)
def test_series_that_cannot_be_used_are_named(X, words):
    with pytest.raises(DataError, match=words):
        SeriesVAE(max_epochs=1).fit(X)


def test_use_that_does_not_fit_is_refused(learned):
    with pytest.raises(DataError, match="series 1 has 31 steps; the model was fitted to at most 30"):
        learned.transform([np.zeros(5), np.zeros(31)])
    with pytest.raises(DataError, match="series of 2 columns; the model was fitted to 1"):
        learned.transform([np.zeros((5, 2))])
    with pytest.raises(DataError, match="codes of shape"):
        learned.inverse_transform(np.zeros((2, 9)))
    with pytest.raises(DataError, match="lengths: expected 2 whole numbers within 1 and 30"):
        learned.inverse_transform(np.zeros((2, 3)), lengths=[4, 31])
    with pytest.raises(ConfigError, match="width=0"):
        SeriesVAE(width=0).fit(waves(20)[0])


def test_rows_hold_numbers_and_whether_they_are_there():
    items = as_series([[1.0, np.nan, 3.0], [4.0]])
    form = SeriesForm.of(items)
    assert form.rows(items).tolist() == [[[1, 1], [0, 0], [3, 1]], [[4, 1], [0, 0], [0, 0]]]
    assert SeriesForm.rebuild(form.describe()) == form
    assert isinstance(items, Ragged)


def test_on_the_command_line(tmp_path, capsys):
    series, kinds = waves(60, gaps=0.1)
    rows = [(f"s{i}", t, v, kinds[i]) for i, each in enumerate(series) for t, v in enumerate(each)]
    pd.DataFrame(rows, columns=["who", "when", "level", "kind"]).to_csv(tmp_path / "levels.csv", index=False)
    roles = ["--id", "who", "--time", "when", "--label-column", "kind"]
    run("fit", tmp_path / "levels.csv", *roles, "--epochs", 2, "--set", "width=8", "--out", tmp_path / "run")
    assert 'id="columns"' in (tmp_path / "run" / "report.html").read_text()
    run("sample", tmp_path / "run", "--n", 3, "--out", tmp_path / "drawn.csv")
    assert pd.read_csv(tmp_path / "drawn.csv")["series"].nunique() == 3
    run("reconstruct", tmp_path / "run", tmp_path / "levels.csv", "--out", tmp_path / "both.csv")
    both = pd.read_csv(tmp_path / "both.csv")
    assert list(both.columns) == ["series", "step", "level", "level rebuilt"]
    assert both["level rebuilt"].notna().all()
    assert both["series"].iloc[0] == "s0"
    capsys.readouterr()
    assert "holds series: take another --model" in fails(
        capsys, "fit", tmp_path / "levels.csv", *roles, "--model", "sequence-vae", "--out", tmp_path / "other"
    )
    assert "as .npy, .csv or .parquet" in fails(capsys, "sample", tmp_path / "run", "--out", "drawn.png")


def test_ways_and_traversals_are_tables(tmp_path, capsys):
    rows = [f"{i},{t},{np.sin(t + i):.3f}" for i in range(30) for t in range(5 + i % 3)]
    (tmp_path / "s.csv").write_text("id,time,v\n" + "\n".join(rows))
    roles = ["--id", "id", "--time", "time", "--latent-dim", 2, "--set", "width=4"]
    run("fit", tmp_path / "s.csv", *roles, "--epochs", 1, "--quiet", "--no-report", "--out", tmp_path / "run")
    run("interpolate", tmp_path / "run", "--steps", 3, "--method", "linear", "--out", tmp_path / "way.csv")
    way = pd.read_csv(tmp_path / "way.csv")
    assert list(way.columns) == ["method", "place", "step", "v"]
    assert way["place"].nunique() == 3
    run("traverse", tmp_path / "run", "--dims", "1", "--steps", 4, "--out", tmp_path / "grid.csv")
    grid = pd.read_csv(tmp_path / "grid.csv")
    assert grid["dimension"].unique().tolist() == [1]
    assert grid["value"].nunique() == 4
    assert "item 99" in fails(capsys, "interpolate", tmp_path / "run", "--items", "0,99")
    assert "expected 2 whole numbers" in fails(capsys, "interpolate", tmp_path / "run", "--items", "0")
