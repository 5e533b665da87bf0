"""Gaussians with missing cells beside the likelihood of the observed cells by brute force, and beside the fit without gaps."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import special, stats

from latentia import GaussianMixture
from latentia.errors import DataError

KINDS = ("full", "tied", "diag", "spherical")
RNG = np.random.default_rng(11)
COMPLETE = np.concatenate(
    [RNG.normal(size=(150, 4)) @ RNG.normal(size=(4, 4)), 4 + RNG.normal(size=(150, 4))]
)
HIDDEN = RNG.random(COMPLETE.shape) < 0.25
HIDDEN[:3] = True, False, True, False  # rows that lack the same cells
X = np.where(HIDDEN, np.nan, COMPLETE)
X[7] = np.nan  # a row in which nothing is known


def matrices(mixture):
    k, d = mixture.means_.shape
    own = mixture.covariances_
    return {
        "full": lambda: own,
        "tied": lambda: np.broadcast_to(own, (k, d, d)),
        "diag": lambda: np.stack([np.diag(each) for each in own]),
        "spherical": lambda: own[:, None, None] * np.eye(d),
    }[mixture.covariance_type]()


def log_joint(mixture, x):
    """Log w_k + log N(x_o; mu_o, S_oo) of each row, `[n, K]`, by SciPy."""
    out = np.tile(np.log(mixture.weights_), (len(x), 1))
    for i, row in enumerate(x):
        o = ~np.isnan(row)
        for k, covariance in enumerate(matrices(mixture)):
            if o.any():
                out[i, k] += stats.multivariate_normal.logpdf(
                    row[o], mixture.means_[k, o], covariance[np.ix_(o, o)]
                )
    return out


@pytest.fixture(scope="module", params=KINDS)
def mixture(request):
    return GaussianMixture(
        2, covariance_type=request.param, tol=1e-9, max_iter=1000, reg_covar=0.0, random_state=0
    ).fit(X)


def test_the_likelihood_is_that_of_the_observed_cells(mixture):
    joint = log_joint(mixture, X)
    np.testing.assert_allclose(mixture.score_samples(X), special.logsumexp(joint, axis=1), atol=1e-8)
    np.testing.assert_allclose(mixture.predict_proba(X), special.softmax(joint, axis=1), atol=1e-8)


def test_em_never_falls_and_ends_where_no_step_gains(mixture):
    assert (np.diff(mixture.lower_bounds_) >= -1e-10).all()
    mean = mixture.score(X)
    for _ in range(5):  # the maximum: small moves of the means only lose
        moved = GaussianMixture(2).fit(COMPLETE).set_params(**mixture.get_params())
        moved.weights_, moved.covariances_ = mixture.weights_, mixture.covariances_
        moved.means_ = mixture.means_ + 1e-3 * RNG.normal(size=mixture.means_.shape)
        assert special.logsumexp(log_joint(moved, X), axis=1).mean() < mean + 1e-9


def test_what_is_expected_of_gaps_is_the_conditional_mean(mixture):
    share = special.softmax(log_joint(mixture, X), axis=1)
    filled = mixture.impute(X)
    np.testing.assert_array_equal(filled[~np.isnan(X)], X[~np.isnan(X)])
    for i in (0, 5, 7, 160):
        o, expected = ~np.isnan(X[i]), np.zeros(4)
        for k, s in enumerate(matrices(mixture)):
            away = np.linalg.solve(s[np.ix_(o, o)], X[i, o] - mixture.means_[k, o])
            expected += share[i, k] * (mixture.means_[k] + s[:, o] @ away)
        np.testing.assert_allclose(filled[i, ~o], expected[~o], atol=1e-8)


def test_draws_have_the_conditional_mean_and_spread():
    one = GaussianMixture(1, reg_covar=0.0, tol=1e-8, max_iter=500).fit(X)
    row, s = np.array([[1.5, np.nan, -1.0, np.nan]]), one.covariances_[0]
    draws = np.concatenate(one.impute(np.repeat(row, 500, axis=0), "draw", 40, random_state=1))
    o, m = [0, 2], [1, 3]
    slope = s[np.ix_(m, o)] @ np.linalg.inv(s[np.ix_(o, o)])
    np.testing.assert_allclose(
        draws[:, m].mean(0), one.means_[0, m] + slope @ (row[0, o] - one.means_[0, o]), atol=0.08
    )
    np.testing.assert_allclose(
        np.cov(draws[:, m].T), s[np.ix_(m, m)] - slope @ s[np.ix_(o, m)], rtol=0.1, atol=0.05
    )


@pytest.mark.parametrize("kind", KINDS)
def test_a_column_in_which_nothing_is_known_changes_nothing(kind):
    how = {"covariance_type": kind, "tol": 1e-11, "max_iter": 3000, "reg_covar": 0.0, "random_state": 0}
    wide = np.column_stack([X, np.full(len(X), np.nan)])
    without, beside = GaussianMixture(2, **how).fit(X), GaussianMixture(2, **how).fit(wide)
    np.testing.assert_allclose(beside.score_samples(wide), without.score_samples(X), atol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_without_gaps_it_is_the_fit_as_ever(kind):
    """One missing cell among many moves the fit by little; a row without any known cell by nothing."""
    how = {"covariance_type": kind, "tol": 1e-10, "max_iter": 2000, "random_state": 0}
    plain = GaussianMixture(2, **how).fit(COMPLETE)
    more = np.vstack([COMPLETE, np.full((1, 4), np.nan)])
    with_empty = GaussianMixture(2, **how).fit(more)
    np.testing.assert_allclose(with_empty.means_, plain.means_, atol=1e-4)
    np.testing.assert_allclose(with_empty.covariances_, plain.covariances_, atol=1e-3)


def test_a_model_without_gaps_scores_rows_that_have_some():
    plain = GaussianMixture(2, random_state=0).fit(COMPLETE)
    expected = special.logsumexp(log_joint(plain, X), axis=1)
    np.testing.assert_allclose(plain.score_samples(X), expected, atol=1e-8)
    again = GaussianMixture().set_params(**plain.get_params()).from_state(plain.state())
    np.testing.assert_allclose(again.score_samples(X), expected, atol=1e-8)
    np.testing.assert_allclose(plain.score_samples(COMPLETE), plain.score_samples(COMPLETE.copy()), atol=0)


def test_single_precision_weights_batches_and_criteria():
    single = GaussianMixture(2, random_state=0).fit(X.astype(np.float32))
    assert single.score(X) == pytest.approx(GaussianMixture(2, random_state=0).fit(X).score(X), abs=1e-3)
    twice = GaussianMixture(2, random_state=0, tol=1e-8, max_iter=500).fit(np.vstack([X, X]))
    weighed = GaussianMixture(2, random_state=0, tol=1e-8, max_iter=500).fit(
        X, sample_weight=np.full(len(X), 2.0)
    )
    assert twice.score(X) == pytest.approx(weighed.score(X), abs=1e-6)
    share = single.predict_proba(X)
    scores = single.scores(X)
    entropy = -np.sum(share * np.log(np.clip(share, 1e-300, None)))
    assert scores.icl == pytest.approx(scores.bic + 2 * entropy, rel=1e-4)
    batches = GaussianMixture(2, random_state=0).partial_fit(X[::2]).partial_fit(X[1::2])
    assert np.isfinite(batches.score(X))


def test_frames_come_back_as_frames_and_infinity_is_refused():
    frame = pd.DataFrame(X, columns=list("abcd"), index=[f"r{i}" for i in range(len(X))])
    mixture = GaussianMixture(2, random_state=0).fit(frame)
    filled = mixture.impute(frame)
    assert list(filled.columns) == list("abcd")
    assert filled.index.equals(frame.index)
    assert not filled.isna().any(axis=None)
    with pytest.raises(DataError, match="infinity in row 1, column 2"):
        GaussianMixture().fit([[1.0, 2.0, 3.0], [np.nan, 1.0, np.inf], [0.0, 0.0, 1.0]])
