"""Scores of counts: which sum to one over what, and what an empty row is."""

import numpy as np
import pytest
from scipy import stats

from latentia import (
    VAE,
    CommunityTypes,
    DirichletMultinomialMixture,
    MultinomialMixture,
    PoissonMixture,
    load,
)
from latentia.errors import ConfigError, DataError
from latentia.explore import anomaly_scores
from latentia.latent.totals import TotalModel

RANDOM = np.random.default_rng(0)
TOTALS = RANDOM.poisson(RANDOM.gamma(4, 2, 150))[:, None] + 1
X = RANDOM.binomial(TOTALS, RANDOM.beta(3, 5, (150, 1)))
X = np.concatenate([X, TOTALS - X], 1)
MOST = 90
ALL = np.stack(np.meshgrid(np.arange(MOST), np.arange(MOST)), -1).reshape(-1, 2)
OF_NINE = np.stack([np.arange(10), 9 - np.arange(10)], 1)


def vae(likelihood):
    return VAE(latent_dim=1, max_epochs=3, random_state=0, likelihood=likelihood, n_importance=64).fit(X)


GIVEN = {
    "community types": lambda: CommunityTypes(
        "2", n_init=1, folds=0, halves=1, bootstrap=2, random_state=0
    ).fit(X),
    "multinomial": lambda: vae("multinomial"),
    "multinomial mixture": lambda: MultinomialMixture(2, random_state=0).fit(X),
    "dirichlet-multinomial": lambda: DirichletMultinomialMixture(2, random_state=0).fit(X),
}
EXPOSED = {name: lambda name=name: vae(name) for name in ("poisson", "negative-binomial", "zinb")}


@pytest.mark.parametrize("name", GIVEN)
def test_given_the_total_rows_of_it_sum_to_one(name):
    scores = GIVEN[name]().score_samples(OF_NINE)
    np.testing.assert_allclose(np.exp(scores).sum(), 1, rtol=0.02)


@pytest.mark.parametrize("name", [*GIVEN, *EXPOSED])
def test_with_the_total_modelled_all_rows_sum_to_one(name):
    model = {**GIVEN, **EXPOSED}[name]()
    scores = model.score_samples(
        ALL[1:] if name in ("multinomial mixture", "dirichlet-multinomial") else ALL, total="modelled"
    )
    np.testing.assert_allclose(np.exp(scores).sum(), 1, atol=0.04)


def test_a_poisson_mixture_models_its_totals():
    np.testing.assert_allclose(
        np.exp(PoissonMixture(2, random_state=0).fit(X).score_samples(ALL)).sum(), 1, atol=1e-3
    )


@pytest.mark.parametrize("likelihood", ["multinomial", "poisson", "negative-binomial"])
def test_an_empty_row_is_flagged_given_its_total_and_unusual_with_it(likelihood):
    x = RANDOM.poisson(20, (100, 4))
    model = VAE(latent_dim=1, max_epochs=1, random_state=0, likelihood=likelihood).fit(x)
    odd = np.concatenate([x[:1] * 0, x[:1] * 10, x[:3]])
    with pytest.warns(UserWarning, match=r"1 row.* have no counts .the first is row 0"):
        given = model.score_samples(odd)
    assert np.isnan(given[0])
    assert np.isfinite(given[1:]).all()
    usual = model.score_samples(x, total="modelled")
    modelled = model.score_samples(odd, total="modelled")
    assert (modelled[:2] < usual.min()).all()


@pytest.mark.parametrize("method", ["likelihood", "typicality"])
def test_anomalies_are_scored_with_their_totals(method):
    x = RANDOM.poisson(20, (100, 4))
    model = VAE(latent_dim=1, max_epochs=1, random_state=0, likelihood="multinomial").fit(x)
    odd = np.concatenate([x[:1] * 0, x[:1] * 10])
    usual = anomaly_scores(model, x, method, reference=x)
    assert (anomaly_scores(model, odd, method, reference=x) > usual.max()).all()
    with pytest.raises(DataError, match="row 0 has no counts"):
        anomaly_scores(model, odd, method, reference=x, total="given")


def test_totals_are_kept(tmp_path):
    model = GIVEN["multinomial mixture"]()
    model.save(tmp_path / "run")
    again = load(tmp_path / "run")
    np.testing.assert_array_equal(
        model.score_samples(X, total="modelled"), again.score_samples(X, total="modelled")
    )
    with pytest.raises(ConfigError, match="given"):
        again.score_samples(X, total="other")


@pytest.mark.parametrize("spread", [0.5, 3.0])
def test_totals_have_the_moments_of_the_training_totals(spread):
    model = TotalModel(20.0, 20.0 * spread)
    n = np.arange(2000)
    p = np.exp(model.log_prob(n))
    assert p.sum() == pytest.approx(1)
    assert p @ n == pytest.approx(20)
    assert p @ (n - 20) ** 2 == pytest.approx(20 * max(1, spread))
    assert model.log_prob(np.array([2.0**33]))[0] < -1e6


@pytest.mark.parametrize("scale", [2**20, 2**33])
def test_totals_of_any_size_have_exact_scores(scale):
    rows = X[:20] * scale
    model = MultinomialMixture(1, smoothing=0.0).fit(rows)
    p = rows.sum(0) / rows.sum()
    exact = stats.multinomial.logpmf(rows, rows.sum(1), p)
    np.testing.assert_allclose(model.score_samples(rows), exact, rtol=1e-9, atol=1e-4)
