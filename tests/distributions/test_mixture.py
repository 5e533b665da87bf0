"""Mixtures and full-covariance Gaussians, against SciPy and torch."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import stats
from scipy.special import logsumexp
from torch.distributions import MultivariateNormal, kl_divergence

from latentia.distributions import DiagonalGaussian, FullGaussian, Mixture, per_item_noise

K, D = 4, 3


def random(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.fixture
def tril():
    return torch.linalg.cholesky(random(K, D, 5) @ random(K, D, 5).mT)


@pytest.fixture
def mixture(tril):
    return Mixture(random(K, seed=1), FullGaussian(random(K, D, seed=2), tril))


def test_density_is_scipys(mixture, tril):
    z = random(5, 7, D, seed=3)
    weights = random(K, seed=1).softmax(0).numpy()
    parts = [
        np.log(w) + stats.multivariate_normal(m.numpy(), (t @ t.T).numpy()).logpdf(z.numpy())
        for w, m, t in zip(weights, random(K, D, seed=2), tril, strict=True)
    ]
    np.testing.assert_allclose(mixture.log_prob(z).numpy(), logsumexp(parts, 0), rtol=1e-10)


def test_draws_have_the_mixtures_moments(mixture):
    torch.manual_seed(0)
    draws = mixture.sample((200_000,))
    error = 5 * mixture.stddev / 200_000**0.5
    assert bool(((draws.mean(0) - mixture.mean).abs() < error).all())
    torch.testing.assert_close(draws.var(0), mixture.variance, rtol=0.03, atol=0)
    assert mixture.sample((2, 3)).shape == (2, 3, D)


def test_a_prior_has_no_items_and_draws_from_the_generator(mixture):
    diagonal = Mixture(torch.zeros(K), DiagonalGaussian(torch.zeros(K, D), torch.ones(D)))
    for p in (mixture, diagonal):
        torch.manual_seed(0)
        outside = p.sample((6,))
        torch.manual_seed(0)
        with per_item_noise(torch.arange(9), seed=0):
            assert torch.equal(p.sample((6,)), outside)


def test_full_gaussian_is_torchs_and_has_the_noise_of_the_item(tril):
    q = FullGaussian(random(K, D), tril)
    torch_q = MultivariateNormal(random(K, D), scale_tril=tril)
    z = random(5, K, D, seed=7)
    torch.testing.assert_close(q.log_prob(z), torch_q.log_prob(z))
    torch.manual_seed(0)
    draws = q.rsample((100_000,))
    covariance = torch.einsum("ski,skj->kij", draws - q.loc, draws - q.loc) / len(draws)
    torch.testing.assert_close(covariance, q.covariance_matrix, rtol=0.05, atol=0.1)
    with per_item_noise(torch.arange(K), seed=1):
        whole = q.rsample((6,))
    with per_item_noise(torch.arange(K)[1:2], seed=1, first_sample=5):
        torch.testing.assert_close(FullGaussian(q.loc[1:2], tril[1:2]).rsample((1,)), whole[5:, 1:2])


def test_divergence_from_a_diagonal_gaussian_is_torchs(tril):
    q = FullGaussian(random(K, D), tril)
    loc, scale = random(D, seed=5), random(D, seed=6).exp()
    exact = kl_divergence(
        MultivariateNormal(q.loc, scale_tril=tril), MultivariateNormal(loc, torch.diag(scale.square()))
    )
    torch.testing.assert_close(kl_divergence(q, DiagonalGaussian(loc, scale)), exact)
