"""Resampling and inpainting, against a linear-Gaussian model whose posteriors have closed forms."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from latentia import VAE
from latentia.errors import ConfigError, DataError
from latentia.explore import inpaint, resample


class Fitted:
    """The face of an estimator around a module on data as they are, in float64."""

    def __init__(self, oracle):
        self.module_ = oracle.model()
        self.latent_dim_ = oracle.latent_dim

    def tensors(self, X):
        return self.module_.eval(), torch.as_tensor(np.asarray(X), dtype=torch.float64)

    def transform(self, X):
        return self.module_.encode(self.tensors(X)[1]).mean.detach().numpy()

    def inverse_transform(self, Z):
        return self.module_.decode(torch.as_tensor(Z)).mean.detach().numpy()


@pytest.fixture(scope="module")
def oracle(linear_gaussian):
    return linear_gaussian()


def conditional(oracle, x, seen):
    """Mean and covariance of p(z | x_o)."""
    w = oracle.weight[seen]
    precision = torch.eye(oracle.latent_dim, dtype=torch.float64) + w.T @ w / oracle.sigma2
    covariance = torch.linalg.inv(precision)
    return covariance @ w.T @ (x[seen] - oracle.bias[seen]) / oracle.sigma2, covariance


@pytest.fixture(scope="module")
def broken(oracle):
    x = oracle.sample(4)
    missing = np.zeros((4, 6), dtype=bool)
    missing[0, :3] = missing[1, 2:4] = missing[3, [0, 5]] = True
    return x, missing


def test_the_optimum_is_the_mean_of_the_posterior(oracle, broken):
    x, missing = broken
    spoiled = np.where(missing, np.nan, x.numpy())
    found = inpaint(Fitted(oracle), spoiled, missing, steps=600)
    for i in range(4):
        mean, _ = conditional(oracle, x[i], torch.as_tensor(~missing[i]))
        np.testing.assert_allclose(found.codes[i], mean, atol=1e-4)
        expected = oracle.bias + oracle.weight @ mean
        np.testing.assert_allclose(found.items[i][missing[i]], expected[missing[i]], atol=1e-3)
        np.testing.assert_array_equal(found.items[i][~missing[i]], x[i][~missing[i]])
    prior = torch.distributions.Normal(0, 1).log_prob(torch.as_tensor(found.codes)).sum(1)
    decoded = oracle.bias + torch.as_tensor(found.codes) @ oracle.weight.T
    seen = torch.distributions.Normal(decoded, oracle.sigma2**0.5).log_prob(x)
    expected = prior + (seen * torch.as_tensor(~missing)).sum(1)
    np.testing.assert_allclose(found.log_joint, expected, atol=1e-9)


def test_chains_draw_from_the_posterior(oracle, broken):
    x, missing = broken
    found = inpaint(Fitted(oracle), x.numpy(), missing, "sample", draws=3000, steps=150, restarts=2)
    assert found.codes.shape == (4, 3000, 3)
    assert found.items.shape == (4, 3000, 6)
    assert 0.3 < found.acceptance < 0.9
    for i in range(4):
        mean, covariance = conditional(oracle, x[i], torch.as_tensor(~missing[i]))
        np.testing.assert_allclose(found.codes[i].mean(0), mean, atol=0.06)
        np.testing.assert_allclose(np.cov(found.codes[i].T), covariance, atol=0.06)


def test_what_is_hidden_has_no_say(oracle, broken):
    x, missing = broken
    other = np.where(missing, 1e6, x.numpy())
    for method in ("optimise", "sample"):
        first, second = (
            inpaint(Fitted(oracle), X, missing, method, steps=20, draws=2) for X in (x.numpy(), other)
        )
        np.testing.assert_array_equal(first.items, second.items)


def test_resampling_draws_from_the_posterior(oracle):
    x = oracle.sample(3).numpy()
    found = resample(Fitted(oracle), x, draws=4000)
    mean, variance = oracle.posterior(torch.as_tensor(x))
    np.testing.assert_allclose(found.codes.mean(1), mean, atol=0.04)
    np.testing.assert_allclose(found.codes.var(1), np.tile(variance, (3, 1)), rtol=0.1)
    np.testing.assert_allclose(
        found.items, found.codes @ oracle.weight.numpy().T + oracle.bias.numpy(), atol=1e-12
    )
    alone = resample(Fitted(oracle), x[1:2], draws=4)
    np.testing.assert_allclose(alone.codes[0], found.codes[1, :4], rtol=0, atol=1e-14)  # but for rounding
    assert not np.array_equal(resample(Fitted(oracle), x[1:2], draws=4, seed=1).codes, alone.codes)


def test_half_a_digit(vae, digits):
    images = digits[0][1500:1530]
    missing = np.zeros((1, 8, 8), dtype=bool)
    missing[:, :, 4:] = True
    found = inpaint(vae, images, missing, restarts=3, steps=80)
    assert found.items.dtype == np.uint8
    np.testing.assert_array_equal(found.items[..., :4], images[..., :4])
    error = ((found.items[..., 4:] / 255.0 - images[..., 4:] / 255.0) ** 2).mean()
    mean = digits[0][:1500].mean(0) / 255.0
    assert error < 0.8 * ((mean[..., 4:] - images[..., 4:] / 255.0) ** 2).mean()
    state = torch.get_rng_state()
    again = inpaint(vae, images, missing, restarts=3, steps=80)
    np.testing.assert_array_equal(again.items, found.items)
    assert torch.equal(state, torch.get_rng_state())
    drawn = inpaint(vae, images[:3], missing, "sample", draws=4, restarts=2, steps=30)
    assert drawn.items.shape == (3, 4, 1, 8, 8)
    assert drawn.items.std(1).max() > 0


def test_binary_and_grey_levels_and_tables(digits):
    binary = (digits[0] > 100).astype(np.uint8)
    levels = {"likelihood": "discretized-logistic"}
    table = digits[0].reshape(-1, 64)[:, :20].astype(float)
    for X, options in ((binary, {}), (digits[0], levels), (table, {})):
        model = VAE(latent_dim=2, max_epochs=1, random_state=0, **options).fit(X[:300])
        missing = np.random.default_rng(0).random(X[:2].shape) < 0.3
        found = inpaint(model, X[:2], missing, restarts=2, steps=5)
        assert np.isfinite(found.log_joint).all()
        np.testing.assert_allclose(found.items[~missing], X[:2][~missing])


def test_what_cannot_be_done_is_refused(vae, digits):
    X, missing = digits[0][:2], np.zeros((1, 8, 8), dtype=bool)
    mixture = VAE(latent_dim=2, max_epochs=0, likelihood="logistic-mixture", random_state=0).fit(
        digits[0][:50]
    )
    for call, error, words in (
        (lambda: inpaint(vae, X, missing.astype(int)), DataError, "booleans"),
        (lambda: inpaint(vae, X, missing[:, :4]), DataError, "[1, 4, 8]"),
        (lambda: inpaint(vae, X, ~missing), DataError, "nothing of item 0"),
        (lambda: inpaint(vae, X, missing, "guess"), ConfigError, "optimise, sample"),
        (lambda: inpaint(vae, X, missing, restarts=0), ConfigError, "restarts=0"),
        (lambda: resample(vae, X, draws=0), ConfigError, "draws=0"),
        (lambda: inpaint(mixture, X, missing, steps=1), ConfigError, "no product"),
    ):
        with pytest.raises(error) as caught:
            call()
        assert words in str(caught.value)
