"""Columns of extreme scale: the right density, or a named error."""

import numpy as np
import pytest

from latentia import VAE, GaussianMixture, GaussianMixtureClassifier, MultinomialMixture, PoissonMixture
from latentia.errors import DataError

RANDOM = np.random.default_rng(0)
X = np.concatenate([RANDOM.normal(0, 1, (100, 3)), RANDOM.normal(6, 1, (100, 3))])
Y = np.repeat([0, 1], 100)


def scores(X, covariance_type="full", **params):
    return (
        GaussianMixture(2, covariance_type=covariance_type, random_state=0, **params).fit(X).score_samples(X)
    )


@pytest.mark.parametrize("covariance_type", ["full", "diag", "spherical", "tied"])
@pytest.mark.parametrize(
    ("scale", "dtype"), [(1e30, np.float64), (1e140, np.float64), (1e10, np.float32), (1e-2, np.float32)]
)
def test_a_unit_shifts_the_density_by_its_logarithm(covariance_type, scale, dtype):
    one = scores(X, covariance_type, reg_covar=0.0)
    other = scores((X * scale).astype(dtype), covariance_type, reg_covar=0.0)
    np.testing.assert_allclose(other + 3 * np.log(scale), one, atol=2e-3 if dtype is np.float32 else 1e-6)


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (X * 1e300, "squares overflow float64: divide"),
        (X * 1e160, "squares overflow float64: divide"),
        ((X * 1e19).astype(np.float32), "squares overflow float32: divide"),
        (X * 1e-160, "square vanishes in float64: multiply|reg_covar=1e-06 is above"),
        (X * 1e-300, "square vanishes in float64: multiply|reg_covar=1e-06 is above"),
        ((X * 1e-25).astype(np.float32), "square vanishes in float32: multiply|reg_covar=1e-06 is above"),
        (X * 1e-25, "reg_covar=1e-06 is above the variance of every column"),
        ((X + 1e8).astype(np.float32), "too few digits for it; subtract a constant .* or give float64"),
    ],
)
@pytest.mark.parametrize("of", ["mixture", "classifier"])
def test_what_arithmetic_cannot_hold_is_refused(rows, words, of):
    model = GaussianMixture(2) if of == "mixture" else GaussianMixtureClassifier(2)
    with pytest.raises(DataError, match=words):
        model.fit(rows, Y)


def test_an_offset_changes_nothing():
    np.testing.assert_allclose(scores(X + 1e8), scores(X), atol=1e-4)


@pytest.mark.parametrize("kind", [MultinomialMixture, PoissonMixture])
def test_more_counts_than_a_float_can_hold_are_refused(kind):
    rows = RANDOM.poisson(20, (60, 4)) * 2**52
    with pytest.raises(DataError, match=r"row 0.*2\^53"):
        kind(1).fit(rows)


@pytest.mark.parametrize("likelihood", ["multinomial", "poisson", "negative-binomial"])
def test_neural_models_refuse_them_too(likelihood):
    rows = RANDOM.poisson(20, (60, 4)).astype(np.int64)
    model = VAE(latent_dim=1, max_epochs=1, random_state=0, likelihood=likelihood).fit(rows)
    with pytest.raises(DataError, match=r"2\^53"):
        model.score_samples(rows * 2**52)
    with pytest.raises(DataError, match=r"2\^53"):
        model.fit(rows * 2**52)
