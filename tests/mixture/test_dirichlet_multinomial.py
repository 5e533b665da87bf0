"""Dirichlet-multinomial mixtures against SciPy, finite differences and the published fit of the Twins data."""

import time

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import sparse, stats
from sklearn.metrics import adjusted_rand_score

from latentia.errors import TrainingError
from latentia.kinds.mixture.estimator import DirichletMultinomialMixture
from latentia.mixture import DirichletMultinomialComponents, Rows, e_step, select, summarize


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
    components.update(
        torch.cat([torch.ones(1, 1), torch.zeros(1, len(components.vocabulary))], 1).double() + 0.3
    )
    statistics = e_step(components, rows).statistics
    lam = components.parameters["alphas"].log() + 0.4
    components.parameters["alphas"] = lam.exp()

    def value(free):
        return components._value(free[None], statistics)[0]

    gradient, diagonal, rank_one, alphas = components._derivatives(lam, statistics)
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
    gradient = mixture.components_._derivatives(mixture.components_.parameters["alphas"].log(), statistics)[0]
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
        one = DirichletMultinomialComponents(1, 10)
        one.take_statistics_state(components.statistics_state())
        hessian = torch.autograd.functional.hessian(
            lambda v, one=one, k=k: one._value(v[None], statistics[k : k + 1])[0], free[k]
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
