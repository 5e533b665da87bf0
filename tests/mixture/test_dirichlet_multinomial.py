"""Dirichlet-multinomial mixtures against SciPy, finite differences and the published fit of the Twins data."""

import time

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import sparse, stats
from sklearn.metrics import adjusted_rand_score

from latentia.errors import DataError, TrainingError
from latentia.kinds.mixture.estimator import DirichletMultinomialMixture, MultinomialMixture
from latentia.mixture import (
    DirichletMultinomialComponents,
    Rows,
    dirichlet_objective,
    e_step,
    select,
    summarize,
)
from latentia.mixture.dirichlet_objective import log_ratios, log_rising


def communities(n=300, s=30, theta=(40.0, 25.0, 60.0), seed=0):
    random = np.random.default_rng(seed)
    base = random.dirichlet(np.full(s, 0.4), size=len(theta))
    z = random.integers(len(theta), size=n)
    alpha = base[z] * np.asarray(theta)[z][:, None] + 1e-3
    p = np.stack([random.dirichlet(a) for a in alpha])
    return random.multinomial(random.integers(300, 3000, size=n), p), z


def test_density_equals_scipy():
    x, _ = communities(60, 8)
    mixture = DirichletMultinomialMixture(2, n_init=1, random_state=0).fit(x)
    joint = [stats.dirichlet_multinomial(a, x.sum(1)).logpmf(x) for a in mixture.alphas_]
    expected = np.logaddexp.reduce(np.stack(joint, 1) + np.log(mixture.weights_), 1)
    np.testing.assert_allclose(mixture.score_samples(x), expected, rtol=1e-10)
    fresh, _ = communities(40, 8, seed=9)  # counts that the fit has not seen
    joint = [stats.dirichlet_multinomial(a, fresh.sum(1)).logpmf(fresh) for a in mixture.alphas_]
    expected = np.logaddexp.reduce(np.stack(joint, 1) + np.log(mixture.weights_), 1)
    np.testing.assert_allclose(mixture.score_samples(fresh), expected, rtol=1e-10)


def test_derivatives_equal_autograd():
    x, _ = communities(40, 6)
    rows = Rows(x)
    components = DirichletMultinomialComponents(1, 6)
    components.prepare(rows, summarize(rows))
    components.update(torch.full((1, components.n_statistics), 0.3, dtype=torch.float64))
    objective = components._objective(e_step(components, rows).statistics)
    lam = components.parameters["alphas"].log() + 0.4

    def value(free):
        return objective.value(free[None], log_ratios(free[None].exp(), objective.pairs))[0]

    gradient, diagonal, rank_one, alphas = objective.derivatives(lam)
    torch.testing.assert_close(
        gradient[0], torch.autograd.functional.jacobian(value, lam[0]), rtol=1e-9, atol=1e-9
    )
    hessian = torch.autograd.functional.hessian(value, lam[0])
    ours = torch.diag(diagonal[0]) + rank_one[0] * torch.outer(alphas[0], alphas[0])
    torch.testing.assert_close(ours, hessian, rtol=1e-8, atol=1e-8)


def test_update_is_a_maximum():
    x, _ = communities(80, 10)
    mixture = DirichletMultinomialMixture(1, tol=1e-10).fit(x)
    statistics = e_step(mixture.components_, Rows(x)).statistics
    components = mixture.components_
    gradient = components._objective(statistics).derivatives(components.parameters["alphas"].log())[0]
    assert float(gradient.abs().max()) < 1e-3


def test_determinant_equals_the_dense_one():
    x, _ = communities(80, 10)
    mixture = DirichletMultinomialMixture(3, n_init=1, tol=1e-8, random_state=0).fit(x)
    components = mixture.components_
    statistics = e_step(components, Rows(x)).statistics
    free = components.parameters["alphas"].log()
    mass = statistics[:, 0]
    expected = 2 * 2 * float(mass.sum().log()) - float(mass[1:].log().sum())
    for k in range(3):
        one = components._objective(statistics[k : k + 1])
        hessian = torch.autograd.functional.hessian(
            lambda v, one=one: one.value(v[None], log_ratios(v[None].exp(), one.pairs))[0], free[k]
        )
        expected += float(torch.linalg.slogdet(-hessian).logabsdet)
    assert components.log_det_hessian(statistics) == pytest.approx(expected, rel=1e-9)


def test_determinant_without_a_maximum_is_refused():
    x, _ = communities(80, 10)
    components = DirichletMultinomialMixture(1, tol=1e-8).fit(x).components_
    statistics = e_step(components, Rows(x)).statistics
    components.parameters["alphas"] = components.parameters["alphas"] * 1e3
    with pytest.raises(TrainingError, match="not concave"):
        components.log_det_hessian(statistics)


def exact_log_density(x, alphas):
    """log p(x|alpha) of each row in 60 digits."""
    mpmath = pytest.importorskip("mpmath")
    with mpmath.workdps(60):
        gamma, big = mpmath.loggamma, mpmath.mpf
        a = [big(float(v)) for v in alphas]
        total = mpmath.fsum(a)

        def of(row):
            n = sum(row)
            each = (gamma(v + c) - gamma(v) - gamma(big(c) + 1) for v, c in zip(a, row, strict=True))
            return gamma(total) - gamma(total + n) + gamma(big(n) + 1) + mpmath.fsum(each)

        return np.array([float(of([int(c) for c in row])) for row in x])


@pytest.mark.parametrize("factor", [1, 10**4, 10**6, 10**9, 10**12])
def test_density_of_very_deep_rows_is_exact(factor):
    x, _ = communities(40, 8)
    mixture = DirichletMultinomialMixture(1).fit(x)
    deep = x * factor
    np.testing.assert_allclose(
        mixture.score_samples(deep), exact_log_density(deep, mixture.alphas_[0]), rtol=1e-12
    )
    np.testing.assert_allclose(  # the same rows as integers, as floats and sparse
        mixture.score_samples(sparse.csr_array(deep.astype(float))), mixture.score_samples(deep), rtol=1e-14
    )


def test_counts_of_four_thousand_million():
    # Column and count in one integer of 64 bits would meet the next column's here.
    mixture = DirichletMultinomialMixture(1).fit(communities(40, 3)[0])
    for most in (2**32 - 1, 2**32, 4_300_000_000, 2**52):
        row = np.array([[most, 5, 0], [0, most, 1], [most // 2, most // 3, 1]])
        np.testing.assert_allclose(
            mixture.score_samples(row), exact_log_density(row, mixture.alphas_[0]), rtol=1e-12
        )
    with pytest.raises(DataError, match=r"row 1 holds 9\.007e\+15 counts in all; above 2\^53"):
        mixture.score_samples(np.array([[2**53, 0, 0], [2**53, 2, 0]], dtype=float))
    with pytest.raises(DataError, match="row 0"):
        DirichletMultinomialMixture(1).fit(np.array([[2**60, 1], [1, 2**61], [3, 4]]))


def test_log_rising_equals_exact_arithmetic():
    mpmath = pytest.importorskip("mpmath")
    alphas, counts = [3e-7, 1e-3, 0.7, 1.0, 30.0, 2e4, 3e6], [0.0, 1.0, 5.0, 31.0, 32.0, 33.5, 1e3, 1e7, 1e15]
    alpha = torch.tensor([[a] * len(counts) for a in alphas], dtype=torch.float64)
    found = log_rising(alpha, torch.tensor(counts, dtype=torch.float64), torch.lgamma(alpha))
    with mpmath.workdps(60):
        expected = [
            [
                float(
                    mpmath.loggamma(mpmath.mpf(a) + v)
                    - mpmath.loggamma(a)
                    - mpmath.loggamma(mpmath.mpf(v) + 1)
                )
                for v in counts
            ]
            for a in alphas
        ]
    scale = 1 + alpha.lgamma().abs().numpy()  # what rounding is relative to
    assert np.abs(found.numpy() - expected).max() < 1e-7
    np.testing.assert_allclose((found.numpy() - expected) / scale, 0, atol=2e-14)


def evaluations(x, monkeypatch, **options):
    """How often a fit took the objective and its derivatives, and the fit."""
    calls = {"values": 0, "steps": 0}
    ratios, derivatives = dirichlet_objective.log_ratios, dirichlet_objective.DirichletObjective.derivatives

    def count(what, function):
        def counted(*arguments):
            calls[what] += 1
            return function(*arguments)

        return counted

    monkeypatch.setattr(dirichlet_objective, "log_ratios", count("values", ratios))
    monkeypatch.setattr(dirichlet_objective.DirichletObjective, "derivatives", count("steps", derivatives))
    fitted = DirichletMultinomialMixture(random_state=0, n_init=1, **options).fit(x)
    monkeypatch.undo()
    return calls, fitted


@pytest.mark.parametrize("factor", [1, 10**4, 10**6])
def test_newton_does_not_chase_rounding(factor, monkeypatch):
    random = np.random.default_rng(0)
    p = random.dirichlet(np.full(26, 0.5), size=25)
    x = np.stack([random.multinomial(1000, q) for q in p]) * factor
    calls, fitted = evaluations(x, monkeypatch, n_components=2)
    assert calls["steps"] <= 12 * fitted.n_iter_
    assert calls["values"] <= 3 * calls["steps"]


def test_update_from_a_start_far_away():
    # Halving is needed here: full steps from alphas of 2000 overshoot.
    x, _ = communities(120, 6)
    mixture = DirichletMultinomialMixture(1, tol=1e-10).fit(x)
    components = mixture.components_
    objective = components._objective(e_step(components, Rows(x)).statistics)
    for start in (-14.0, 7.6, 9.9):
        lam = torch.full((1, 6), start, dtype=torch.float64)
        found, ratios = objective.maximize(lam, log_ratios(lam.exp(), objective.pairs))
        np.testing.assert_allclose(found.exp().numpy(), mixture.alphas_, rtol=1e-4)
        torch.testing.assert_close(ratios, log_ratios(found.exp(), objective.pairs))


def test_rows_that_the_fit_has_not_seen():
    x, _ = communities(60, 6)
    fresh, _ = communities(50, 6, seed=9)
    mixture = DirichletMultinomialMixture(2, n_init=1, random_state=0).fit(x)
    state = mixture.state()
    log_likelihood = mixture.scores(fresh).log_likelihood - mixture.components_.log_prior()
    assert log_likelihood == pytest.approx(mixture.score_samples(fresh).sum(), rel=1e-12)
    joint = [stats.dirichlet_multinomial(a, fresh.sum(1)).logpmf(fresh) for a in mixture.alphas_]
    expected = np.logaddexp.reduce(np.stack(joint, 1) + np.log(mixture.weights_), 1).sum()
    assert log_likelihood == pytest.approx(expected, rel=1e-10)
    for name, value in mixture.state().items():  # looking changes nothing
        np.testing.assert_array_equal(value, state[name])
    twin = DirichletMultinomialMixture(2, n_init=1, random_state=0).fit(x)
    np.testing.assert_array_equal(mixture.partial_fit(fresh).alphas_, twin.partial_fit(fresh).alphas_)


def test_statistics_of_a_former_version_are_read():
    x, _ = communities(60, 6)
    mixture = DirichletMultinomialMixture(2, n_init=1, random_state=0).fit(x)
    state = mixture.state()
    column, count = state["stepwise.vocabulary"]
    state["stepwise.vocabulary"] = column.astype(np.int64) * (1 << 42) + (count * 1024).astype(np.int64)
    again = DirichletMultinomialMixture(2).from_state(state)
    np.testing.assert_array_equal(again.partial_fit(x[:20]).alphas_, mixture.partial_fit(x[:20]).alphas_)


def test_fractional_counts_are_taken_to_a_part():
    x, _ = communities(60, 4)
    mixture = DirichletMultinomialMixture(1, strict=False).fit(x / 8 + 1e-5)
    np.testing.assert_array_equal(mixture.score_samples(x / 8 + 1e-5), mixture.score_samples(x / 8))


def test_criteria_of_very_many_columns():
    # A dense Hessian would take 80 GB.
    random = np.random.default_rng(0)
    x = sparse.csr_array(random.poisson(0.02, size=(8, 100_000)))
    scores = DirichletMultinomialMixture(1).fit(x).scores(x)
    assert np.isfinite(scores.laplace)


def test_prior_equals_scipy():
    x, _ = communities(60, 8)
    mixture = DirichletMultinomialMixture(2, prior_shape=0.3, prior_rate=0.07, n_init=1, random_state=0).fit(
        x
    )
    log_density = stats.gamma(0.3, scale=1 / 0.07).logpdf(mixture.alphas_) + np.log(
        mixture.alphas_
    )  # of log alpha
    assert mixture.components_.log_prior() == pytest.approx(log_density.sum(), rel=1e-12)


def test_recovers_simulated_communities():
    x, z = communities()
    chosen = select(DirichletMultinomialMixture(n_init=1, tol=1e-5, random_state=0), x, range(2, 5))
    assert chosen.chosen["laplace"] == 3
    mixture = chosen.best("laplace")
    assert adjusted_rand_score(z, mixture.predict(x)) > 0.99
    np.testing.assert_allclose(np.sort(mixture.theta_), [25.0, 40.0, 60.0], rtol=0.2)
    assert np.diff(mixture.lower_bounds_).min() > -1e-8


def test_sparse_weights_and_state():
    x, _ = communities(80, 12)
    mixture = DirichletMultinomialMixture(2, n_init=1, random_state=0).fit(x)
    spread = DirichletMultinomialMixture(2, n_init=1, random_state=0).fit(sparse.csr_array(x))
    np.testing.assert_allclose(spread.alphas_, mixture.alphas_, rtol=1e-10)
    weights = np.random.default_rng(0).integers(0, 3, size=80)
    one = DirichletMultinomialMixture(1, tol=1e-9).fit(x, sample_weight=weights)
    two = DirichletMultinomialMixture(1, tol=1e-9).fit(x.repeat(weights, axis=0))
    np.testing.assert_allclose(one.alphas_, two.alphas_, rtol=1e-5)
    again = DirichletMultinomialMixture(**mixture.get_params()).from_state(mixture.state())
    np.testing.assert_array_equal(again.predict_proba(x), mixture.predict_proba(x))


@pytest.mark.parametrize("start", ["kmeans", "k-means++", "random_from_data", "random"])
@pytest.mark.parametrize("kind", [DirichletMultinomialMixture, MultinomialMixture])
def test_the_order_of_samples_changes_nothing(kind, start):
    x, _ = communities(120, 8, theta=(9.0, 7.0, 8.0))
    order = np.random.default_rng(0).permutation(len(x))
    weights = np.random.default_rng(1).integers(1, 4, size=len(x))
    one = kind(4, n_init=2, init_params=start, random_state=0).fit(x, sample_weight=weights)
    two = kind(4, n_init=2, init_params=start, random_state=0).fit(x[order], sample_weight=weights[order])
    assert one.n_iter_ == two.n_iter_
    np.testing.assert_allclose(two.weights_, one.weights_, rtol=1e-6)
    np.testing.assert_array_equal(two.predict(x[order]), one.predict(x)[order])


def test_stepwise_learns_new_counts():
    x, z = communities(400, 20)
    mixture = DirichletMultinomialMixture(3, random_state=0)
    for batch in np.array_split(x, 5):
        mixture.partial_fit(batch)
    assert adjusted_rand_score(z, mixture.predict(x)) > 0.9


def test_sample_has_the_mean_composition():
    x, _ = communities(200, 10)
    mixture = DirichletMultinomialMixture(2, n_init=1, random_state=0).fit(x)
    drawn, labels = mixture.sample(4000)
    assert set(drawn.sum(1)) <= set(x.sum(1))
    share = (drawn / drawn.sum(1, keepdims=True))[labels == 0].mean(0)
    np.testing.assert_allclose(share, mixture.alphas_[0] / mixture.theta_[0], atol=0.02)


@pytest.fixture(scope="module")
def twins(real_data):
    folder = real_data / "microbiome" / "twins"
    return pd.read_csv(folder / "counts.csv.gz", index_col=0).to_numpy(), pd.read_csv(
        folder / "reference_fit.csv"
    )


def test_twins_one_component(twins):
    x, reference = twins
    scores = DirichletMultinomialMixture(1, tol=1e-9).fit(x).scores(x)
    assert -scores.log_likelihood == pytest.approx(reference["NLE"][0], abs=0.5)
    assert scores.laplace == pytest.approx(reference["Laplace"][0], abs=0.5)
    assert scores.bic == pytest.approx(reference["BIC"][0], abs=0.5)
    assert scores.aic == pytest.approx(reference["AIC"][0], abs=0.5)


@pytest.mark.slow
def test_twins_selection(twins):
    x, reference = twins
    start = time.process_time()
    selection = select(DirichletMultinomialMixture(random_state=0), x, range(1, 8))
    assert time.process_time() - start < 120
    assert selection.chosen["laplace"] == 4
    four = selection.candidates[3].scores
    assert -four.log_likelihood < reference["NLE"][3] + 1
    assert four.laplace < reference["Laplace"][3] + 1
