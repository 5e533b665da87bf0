from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import mannwhitneyu, norm
from sklearn.decomposition import PCA
from sklearn.neighbors import KernelDensity

from latentia import GaussianMixture
from latentia.errors import ConfigError, DataError
from latentia.explore import anomaly_scores, auroc, tail_share


class StandardNormal:
    """log p in closed form."""

    def score_samples(self, X):
        return norm.logpdf(X).sum(1)


def test_scores_in_closed_form():
    X = np.random.default_rng(0).normal(size=(50, 100))
    model = StandardNormal()
    np.testing.assert_allclose(anomaly_scores(model, X), -norm.logpdf(X).sum(1))
    reference = np.random.default_rng(1).normal(size=(4000, 100))
    typical = anomaly_scores(model, X, "typicality", reference)
    entropy = 50 * np.log(2 * np.pi * np.e)
    np.testing.assert_allclose(typical, np.abs(-norm.logpdf(X).sum(1) - entropy), atol=0.5)


def test_the_mode_is_likely_but_not_typical():
    """The reason for typicality: of a hundred-dimensional Gaussian the mode is the most probable point, and never drawn."""
    usual = np.random.default_rng(0).normal(size=(500, 100))
    mode = 0.1 * np.random.default_rng(1).normal(size=(500, 100))
    model = StandardNormal()
    assert auroc(anomaly_scores(model, usual), anomaly_scores(model, mode)) == 0.0
    scores = [anomaly_scores(model, part, "typicality", usual) for part in (usual, mode)]
    assert auroc(*scores) == 1.0


def test_reconstruction_error_of_principal_components():
    X = np.random.default_rng(0).normal(size=(60, 5))
    pca = PCA(2).fit(X)
    pca.reconstruct = lambda rows: pca.inverse_transform(pca.transform(rows))
    residual = X - pca.reconstruct(X)
    np.testing.assert_allclose(anomaly_scores(pca, X, "reconstruction"), (residual**2).sum(1))


def test_auroc_is_the_rank_statistic():
    random = np.random.default_rng(0)
    usual, anomalous = random.integers(0, 9, 80).astype(float), random.integers(2, 12, 50).astype(float)
    expected = mannwhitneyu(anomalous, usual).statistic / (80 * 50)
    assert auroc(usual, anomalous) == pytest.approx(expected, abs=1e-12)


def test_tail_share_is_a_p_value():
    random = np.random.default_rng(0)
    shares = tail_share(random.normal(size=5000), random.normal(size=999))
    assert shares.min() >= 1 / 1000
    for level in (0.05, 0.2, 0.5):
        assert (shares <= level).mean() == pytest.approx(level, abs=0.04)


def test_a_vae_tells_noise_from_digits(vae, digits):
    usual = digits[0][1500:]
    shuffled = np.random.default_rng(0).permuted(usual.reshape(len(usual), -1), axis=1).reshape(usual.shape)
    for method in ("likelihood", "typicality", "reconstruction"):
        scores = [anomaly_scores(vae, part, method, digits[0][:200]) for part in (usual, shuffled)]
        assert auroc(*scores) > 0.97, method
    flat = (usual[:5, 0] / 255.0 - vae.reconstruct(usual[:5])[:, 0] / 255.0) ** 2
    np.testing.assert_allclose(anomaly_scores(vae, usual[:5], "reconstruction"), flat.sum((1, 2)))


def test_any_density_estimator_will_do():
    X = np.random.default_rng(0).normal(size=(200, 2))
    far = X + 8
    for model in (GaussianMixture(2, random_state=0).fit(X), KernelDensity().fit(X)):
        assert auroc(anomaly_scores(model, X), anomaly_scores(model, far)) > 0.999


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: anomaly_scores(StandardNormal(), [[0.0]], "odd"), ConfigError, "likelihood, typicality"),
        (lambda: anomaly_scores(StandardNormal(), [[0.0]], "typicality"), ConfigError, "reference="),
        (
            lambda: anomaly_scores(StandardNormal(), [[0.0]], "reconstruction"),
            ConfigError,
            "does not reconstruct",
        ),
        (lambda: auroc([], [1.0]), DataError, "usual"),
        (lambda: tail_share([np.nan], [1.0]), DataError, "scores"),
    ],
)
def test_what_cannot_be_scored_is_refused(call, error, words):
    with pytest.raises(error) as caught:
        call()
    assert words in str(caught.value)
