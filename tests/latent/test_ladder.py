"""The ladder's Gaussians against Bayes' rule, grids and sums by hand, in float64."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from latentia.distributions import DiagonalGaussian, item_keys, per_item_noise
from latentia.latent.ladder import (
    HierarchicalGaussian,
    LadderEvidence,
    LadderPrior,
    ladder_dims,
    precision_weighted,
)


def gaussian(mean: float, sd: float) -> DiagonalGaussian:
    return DiagonalGaussian(
        torch.tensor([mean], dtype=torch.float64), torch.tensor([sd], dtype=torch.float64)
    )


@pytest.mark.parametrize(
    ("evidence", "prior"), [((1.5, 0.4), (-0.5, 1.2)), ((-3.0, 2.0), (1.0, 0.3)), ((0.0, 1e-2), (2.0, 1.0))]
)
def test_precision_weighting_is_bayes_rule(evidence, prior):
    mean = evidence[0]
    grid = torch.linspace(-8, 8, 400_001, dtype=torch.float64)
    log_density = gaussian(*evidence).log_prob(grid[:, None]) + gaussian(*prior).log_prob(grid[:, None])
    weights = torch.softmax(log_density, 0)
    mean = (weights * grid).sum()
    variance = (weights * (grid - mean).square()).sum()
    q = precision_weighted(gaussian(*evidence), gaussian(*prior))
    torch.testing.assert_close(q.mean[0], mean, atol=1e-8, rtol=1e-8)
    torch.testing.assert_close(q.variance[0], variance, atol=1e-10, rtol=1e-6)


def test_the_posterior_is_narrower_than_evidence_and_prior():
    torch.manual_seed(0)
    e = DiagonalGaussian(torch.randn(100, 3), torch.rand(100, 3) * 5 + 1e-2)
    p = DiagonalGaussian(torch.randn(100, 3), torch.rand(100, 3) * 5 + 1e-2)
    q = precision_weighted(e, p)
    assert bool((q.variance < torch.minimum(e.variance, p.variance)).all())
    low, high = torch.minimum(e.mean, p.mean), torch.maximum(e.mean, p.mean)
    assert bool(((q.mean >= low - 1e-5) & (q.mean <= high + 1e-5)).all())


def pair(latent_dim: int = 5, batch: int = 4) -> tuple[LadderPrior, DiagonalGaussian]:
    torch.manual_seed(0)
    prior = LadderPrior(latent_dim).double().requires_grad_(False)
    evidence = DiagonalGaussian(
        torch.randn(batch, latent_dim, dtype=torch.float64),
        torch.rand(batch, latent_dim, dtype=torch.float64) + 0.3,
    )
    return prior, evidence


def test_evidence_without_information_leaves_the_prior_and_costs_nothing():
    prior, evidence = pair()
    dims = prior.dims
    scale = evidence.stddev.clone()
    scale[:, : dims[0]] = math.inf  # the data say nothing of the bottom layer
    q = prior.posterior(DiagonalGaussian(evidence.mean, scale, validate_args=False))
    z = q.rsample((7,))
    assert bool(torch.isfinite(z).all())
    (bottom, bottom_prior), *others = q.layers(z)
    assert torch.equal(bottom.mean, bottom_prior.mean)
    torch.testing.assert_close(bottom.variance, bottom_prior.variance)
    kl = torch.distributions.kl_divergence(bottom.base, bottom_prior.base)
    assert float(kl.abs().max()) < 1e-12
    for layer, layer_prior in others:
        assert float(torch.distributions.kl_divergence(layer.base, layer_prior.base).min()) > 0


def test_log_densities_are_the_chain_rule_summed_by_hand():
    prior, evidence = pair()
    q, p = prior.posterior(evidence), prior()
    z = q.rsample((3,))
    parts = z.split(prior.dims, -1)
    means, scales = evidence.mean.split(prior.dims, -1), evidence.stddev.split(prior.dims, -1)

    def normal(x: Tensor, mean: Tensor, variance: Tensor) -> Tensor:
        return (-0.5 * ((x - mean).square() / variance + torch.log(2 * math.pi * variance))).sum(-1)

    log_p = normal(parts[2], torch.zeros(1), torch.ones(1))
    log_q = normal(parts[2], means[2], scales[2].square())
    for n in (1, 0):
        mean_p, raw = prior.steps[n](parts[n + 1]).chunk(2, -1)
        variance_p = torch.nn.functional.softplus(raw) + 1e-4
        log_p = log_p + normal(parts[n], mean_p, variance_p)
        variance_q = 1 / (1 / scales[n].square() + 1 / variance_p)
        mean_q = variance_q * (means[n] / scales[n].square() + mean_p / variance_p)
        log_q = log_q + normal(parts[n], mean_q, variance_q)
    torch.testing.assert_close(q.log_prob(z), log_q)
    torch.testing.assert_close(p.log_prob(z), log_p)


@pytest.mark.parametrize("of_data", [True, False])
def test_the_density_integrates_to_one_and_draws_follow_it(of_data):
    prior, evidence = pair(2, 1)  # two layers of one dimension: a plane
    d = prior.posterior(evidence) if of_data else prior()
    line = torch.linspace(-9, 9, 601, dtype=torch.float64)
    grid = torch.cartesian_prod(line, line)
    with torch.no_grad():
        density = d.log_prob(grid).exp() * (line[1] - line[0]) ** 2
        assert float(density.sum()) == pytest.approx(1.0, abs=1e-5)
        drawn = d.sample((40_000,)).reshape(-1, 2)
    mean = density @ grid
    torch.testing.assert_close(drawn.mean(0), mean, atol=0.03, rtol=0)
    covariance = (density[:, None] * (grid - mean)).T @ (grid - mean)
    torch.testing.assert_close(drawn.T.cov(), covariance, atol=0.04, rtol=0.04)


def test_samples_of_an_item_do_not_depend_on_its_batch():
    prior, evidence = pair()
    keys = item_keys(evidence.mean)
    with per_item_noise(keys, seed=0):
        together = prior.posterior(evidence).rsample((6,))
    alone = DiagonalGaussian(evidence.mean[2:3], evidence.stddev[2:3])
    with per_item_noise(keys[2:3], seed=0, first_sample=4):
        torch.testing.assert_close(prior.posterior(alone).rsample((2,)), together[4:, 2:3])
    with per_item_noise(keys, seed=0):
        prior().sample((9,))  # a prior has no items


def test_shapes_broadcast_as_those_of_other_distributions():
    prior, evidence = pair()
    q = prior.posterior(evidence)
    assert (q.batch_shape, q.event_shape) == ((4,), (5,))
    assert q.rsample((2, 3)).shape == (2, 3, 4, 5)
    assert q.log_prob(torch.zeros(7, 1, 5, dtype=torch.float64)).shape == (7, 4)
    assert q.mean.shape == q.variance.shape == (4, 5)
    p = prior()
    assert (p.batch_shape, p.event_shape, p.mean.shape) == ((), (5,), (5,))
    assert p.sample().shape == (5,)
    assert p.log_prob(torch.zeros(7, 4, 5, dtype=torch.float64)).shape == (7, 4)
    one = LadderPrior(1).double()()
    torch.testing.assert_close(
        one.log_prob(torch.zeros(3, 1, dtype=torch.float64)),
        torch.full((3,), -0.5 * math.log(2 * math.pi), dtype=torch.float64),
    )


def test_dimensions_are_divided_up_whole():
    for latent_dim in range(1, 200):
        dims = ladder_dims(latent_dim)
        assert sum(dims) == latent_dim
        assert dims == sorted(dims, reverse=True)
        assert dims[-1] >= 1
        assert len(dims) == min(3, latent_dim)


def test_the_paths_are_connected():
    torch.manual_seed(0)
    bottom_up, prior = LadderEvidence(16, 5), LadderPrior(5)
    z = prior.posterior(bottom_up(torch.randn(6, 16))).rsample((2,))
    z.square().sum().backward()
    for module in (bottom_up, prior):
        for name, p in module.named_parameters():
            assert p.grad is not None, name
            assert bool((p.grad != 0).any()), name
    assert isinstance(prior(), HierarchicalGaussian)
