"""Bernoulli, categorical, Poisson and multinomial mixtures against closed forms, SciPy and brute force."""

import warnings

import numpy as np
import pytest
from scipy import sparse, stats
from sklearn.exceptions import ConvergenceWarning

from latentia.data import load
from latentia.errors import DataError
from latentia.kinds.mixture.estimator import (
    BernoulliMixture,
    CategoricalMixture,
    MultinomialMixture,
    PoissonMixture,
)

RANDOM = np.random.default_rng(0)
Z = RANDOM.integers(2, size=600)
BINARY = (RANDOM.uniform(size=(600, 6)) < np.where(Z[:, None] == 0, 0.15, 0.8)).astype(float)
LEVELS = np.where(RANDOM.uniform(size=(600, 4)) < 0.7, Z[:, None] * 2, RANDOM.integers(3, size=(600, 4)))
COUNTS = RANDOM.poisson(np.where(Z[:, None] == 0, [1.0, 5.0, 9.0], [8.0, 5.0, 2.0]))
ALL = [
    (BernoulliMixture, BINARY),
    (CategoricalMixture, LEVELS),
    (PoissonMixture, COUNTS),
    (MultinomialMixture, COUNTS + 1),
]


def component_log_density(mixture, x):
    """log p(x|k) by SciPy, `[n, K]`."""
    k = range(mixture.n_components)
    if isinstance(mixture, BernoulliMixture):
        return np.stack([stats.bernoulli(mixture.probabilities_[i]).logpmf(x).sum(1) for i in k], 1)
    if isinstance(mixture, PoissonMixture):
        return np.stack([stats.poisson(mixture.rates_[i]).logpmf(x).sum(1) for i in k], 1)
    if isinstance(mixture, MultinomialMixture):
        return np.stack([stats.multinomial(x.sum(1), mixture.probabilities_[i]).logpmf(x) for i in k], 1)
    columns = enumerate(mixture.category_probabilities_)
    return sum(np.log(p[:, x[:, j].astype(int)]).T for j, p in columns)


@pytest.mark.parametrize(("kind", "x"), ALL)
def test_density_and_responsibilities_equal_scipy(kind, x):
    mixture = kind(2, random_state=0).fit(x)
    joint = component_log_density(mixture, x) + np.log(mixture.weights_)
    log_evidence = np.logaddexp.reduce(joint, 1)
    np.testing.assert_allclose(mixture.score_samples(x), log_evidence, rtol=1e-10)
    np.testing.assert_allclose(mixture.predict_proba(x), np.exp(joint - log_evidence[:, None]), atol=1e-12)
    assert (mixture.predict(x) == Z).mean() > 0.9 or (mixture.predict(x) == 1 - Z).mean() > 0.9


@pytest.mark.parametrize(("kind", "x"), ALL)
def test_em_equals_a_plain_implementation(kind, x):
    """Ten iterations of textbook EM in NumPy, from the same start, without pseudo-counts."""
    start = kind(2, smoothing=0.0, max_iter=1, tol=0.0, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        ours = kind(2, smoothing=0.0, max_iter=11, tol=0.0, random_state=0).fit(x)
        plain = start.fit(x)
    history = []
    for _ in range(10):
        joint = component_log_density(plain, x) + np.log(plain.weights_)
        history.append(np.logaddexp.reduce(joint, 1).mean())
        r = np.exp(joint - np.logaddexp.reduce(joint, 1)[:, None])
        plain.weights_ = r.mean(0)
        average = r.T @ x / r.sum(0)[:, None]
        if kind is PoissonMixture:
            plain.rates_ = average
        elif kind is BernoulliMixture:
            plain.probabilities_ = average
        elif kind is MultinomialMixture:
            plain.probabilities_ = average / average.sum(1, keepdims=True)
        else:
            hot = [np.eye(3)[x[:, j].astype(int)] for j in range(x.shape[1])]
            plain.category_probabilities_ = [r.T @ h / r.sum(0)[:, None] for h in hot]
    np.testing.assert_allclose(ours.lower_bounds_[1:], history, rtol=1e-10)


@pytest.mark.parametrize(("kind", "x"), ALL)
def test_sparse_float32_and_weights(kind, x):
    dense = kind(2, random_state=0).fit(x)
    for made in (sparse.csr_matrix(x), sparse.csc_array(x)):
        np.testing.assert_allclose(
            kind(2, random_state=0).fit(made).score_samples(made), dense.score_samples(x)
        )
    single = kind(2, tol=1e-6, random_state=0).fit(x.astype(np.float32))
    dense = kind(2, tol=1e-6, random_state=0).fit(x)
    assert single.score(x.astype(np.float32)) == pytest.approx(dense.score(x), rel=1e-5)
    weights = RANDOM.integers(0, 3, size=len(x))
    one = kind(1).fit(x, sample_weight=weights)
    two = kind(1).fit(x.repeat(weights, axis=0))
    np.testing.assert_allclose(one.score_samples(x), two.score_samples(x), rtol=1e-9)


@pytest.mark.parametrize(("kind", "x"), ALL)
def test_sample_looks_like_the_data(kind, x):
    mixture = kind(2, random_state=0).fit(x)
    drawn, labels = mixture.sample(20_000)
    np.testing.assert_allclose(drawn.mean(0), np.asarray(x).mean(0), atol=0.12)
    assert labels.mean() == pytest.approx(mixture.weights_[1], abs=0.02)


@pytest.mark.parametrize(("kind", "x"), ALL)
def test_stepwise_and_state(kind, x):
    mixture = kind(2, random_state=0)
    for batch in np.array_split(x, 4):
        mixture.partial_fit(batch)
    assert mixture.score(x) > kind(2, random_state=0).fit(x).score(x) - 0.2
    again = kind(**mixture.get_params()).from_state(mixture.state())
    np.testing.assert_array_equal(again.score_samples(x), mixture.score_samples(x))


def test_bernoulli_threshold():
    pixels = BINARY * 200.0 + 20.0
    assert BernoulliMixture(2, binarize=100.0, random_state=0).fit(pixels).score(pixels) == pytest.approx(
        BernoulliMixture(2, random_state=0).fit(BINARY).score(BINARY)
    )
    with pytest.raises(DataError, match="column 0 holds values other than 0 and 1"):
        BernoulliMixture(2, binarize=None).fit(COUNTS + 2)


def test_unseen_category_is_named():
    mixture = CategoricalMixture(2, random_state=0).fit(LEVELS)
    with pytest.raises(DataError, match="row 0, column 3 holds category 7"):
        mixture.predict(np.array([[0, 0, 0, 7]]))


@pytest.mark.slow
def test_binarized_mnist(real_data):
    data = load("binarized-mnist")
    train, test = (np.asarray(s.x).reshape(len(s.x), -1).astype(np.float32) for s in (data.train, data.test))
    mixture = BernoulliMixture(10, random_state=0, tol=1e-3).fit(train)
    assert mixture.score(test) >= -167.1
