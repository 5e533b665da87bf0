"""Posteriors against numerical integration and against a model whose log p(x) is known."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from latentia.distributions import DiagonalGaussian, FullGaussian, item_keys, per_item_noise
from latentia.latent import POSTERIORS, PRIORS, StandardNormalPrior, kl_divergence
from latentia.latent.likelihoods import GaussianLikelihood
from latentia.models import VAE, importance_estimate

DOUBLE = torch.float64
FLOWS = ["planar", "iaf", "coupling"]


def shaken(module, scale=0.5, seed=0):
    generator = torch.Generator().manual_seed(seed)
    for parameter in module.parameters():
        parameter.data += (
            scale * torch.randn(parameter.shape, generator=generator) / parameter.shape[-1] ** 0.5
        )
    return module.double()


@pytest.mark.parametrize("name", FLOWS)
def test_divergence_of_a_flow_is_that_of_a_grid(name):
    torch.manual_seed(0)
    q = shaken(POSTERIORS[name](4, 1))(torch.randn(3, 4, dtype=DOUBLE))
    p = StandardNormalPrior(1).double()()
    z = torch.linspace(-12, 12, 4001, dtype=DOUBLE)[:, None, None].expand(-1, 3, 1)
    with torch.no_grad():
        log_q = q.log_prob(z)
        exact = torch.trapezoid(log_q.exp() * (log_q - p.log_prob(z)), z[:, 0, 0], dim=0)
        drawn = q.rsample((20_000,))
        estimates = kl_divergence(q, p, drawn)
    assert estimates.shape == (20_000, 3, 1)
    error = 5 * estimates[..., 0].std(0) / math.sqrt(2e4)
    assert bool(((estimates[..., 0].mean(0) - exact).abs() < error).all())
    assert exact.min() > 0.01


def test_divergence_of_a_full_covariance_is_analytic():
    torch.manual_seed(0)
    q = shaken(POSTERIORS["full-covariance"](4, 3))(torch.randn(5, 4, dtype=DOUBLE))
    p = StandardNormalPrior(3).double()()
    kl = kl_divergence(q, p, q.rsample((2,)))
    assert kl.shape == (2, 5, 1)
    covariance = q.covariance_matrix
    trace = covariance.diagonal(dim1=-2, dim2=-1).sum(-1)
    expected = 0.5 * (trace + q.mean.square().sum(-1) - 3 - torch.logdet(covariance))
    torch.testing.assert_close(kl[..., 0], expected.expand(2, 5))


@pytest.mark.parametrize("posterior", ["gaussian", *FLOWS, "full-covariance", "constant-variance"])
@pytest.mark.parametrize("prior", ["mixture", "coupling-flow"])
def test_divergence_from_a_learned_prior_is_one_column_of_the_difference(posterior, prior):
    torch.manual_seed(0)
    q = shaken(POSTERIORS[posterior](4, 3))(torch.randn(5, 4, dtype=DOUBLE))
    p = shaken(PRIORS[prior](3))()
    z = q.rsample((2,))
    kl = kl_divergence(q, p, z)
    assert kl.shape == (2, 5, 1)
    torch.testing.assert_close(kl[..., 0], q.log_prob(z) - p.log_prob(z))


def test_full_covariance_stays_finite_for_features_of_any_size():
    torch.manual_seed(0)
    posterior = POSTERIORS["full-covariance"](4, 3)
    nn.init.normal_(posterior.below.weight)
    for size in (1e3, -1e3, 1e6):
        q = posterior(torch.full((1, 4), size))
        z = q.rsample((3,))
        assert bool(torch.isfinite(q.scale_tril).all())
        assert bool(torch.isfinite(q.log_prob(z)).all())


class Correlated:
    """x = W z + sigma e in two latent dimensions whose columns of W are far from orthogonal: p(z|x) is correlated."""

    def __init__(self):
        self.weight = torch.tensor([[1.0, 0.8], [0.3, 0.9], [0.5, -0.2], [0.9, 0.7]], dtype=DOUBLE)
        self.sigma2 = 0.25
        self.precision = torch.eye(2, dtype=DOUBLE) + self.weight.T @ self.weight / self.sigma2

    def sample(self, n, seed=1):
        generator = torch.Generator().manual_seed(seed)
        z = torch.randn(n, 2, generator=generator, dtype=DOUBLE)
        return z @ self.weight.T + self.sigma2**0.5 * torch.randn(n, 4, generator=generator, dtype=DOUBLE)

    def log_prob(self, x):
        covariance = self.weight @ self.weight.T + self.sigma2 * torch.eye(4, dtype=DOUBLE)
        return torch.distributions.MultivariateNormal(torch.zeros(4, dtype=DOUBLE), covariance).log_prob(x)

    @property
    def mean_field_gap(self):
        """KL from the best factorised Gaussian (its precision the diagonal of the true one's) to the posterior."""
        return float(0.5 * (self.precision.diagonal().log().sum() - torch.logdet(self.precision)))

    def model(self, posterior):
        weight = self.weight

        class Decoder(nn.Module):
            def forward(self, z):
                return (z @ weight.T)[:, None]

        likelihood = GaussianLikelihood(torch.Size([4]), "fixed", value=self.sigma2)
        return VAE(nn.Identity(), posterior, StandardNormalPrior(2), Decoder(), likelihood).double()

    def gap(self, model, n_samples=10):
        """Nats by which the bound falls short of log p(x), on fresh data."""
        x = self.sample(2000, seed=2)
        with torch.no_grad(), per_item_noise(item_keys(x), seed=0):
            return float((self.log_prob(x) - model.trace(x, n_samples).elbo.mean(0)).mean())


def trained(oracle, name, steps, rate):
    torch.manual_seed(0)
    model = oracle.model(POSTERIORS[name](4, 2))
    optimizer = torch.optim.Adam(model.posterior.parameters(), rate)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    x = oracle.sample(20_000)
    for step in range(steps):
        optimizer.zero_grad()
        (-model.trace(x[torch.arange(step * 200, step * 200 + 200) % len(x)]).elbo.mean()).backward()
        optimizer.step()
        schedule.step()
    return model


def test_exact_posterior_makes_every_draw_exact():
    oracle = Correlated()
    posterior = POSTERIORS["full-covariance"](4, 2).double()
    covariance = torch.linalg.inv(oracle.precision)
    tril = torch.linalg.cholesky(covariance)
    with torch.no_grad():
        for part in (posterior.linear, posterior.below):
            part.weight.zero_()
        posterior.linear.weight[:2] = covariance @ oracle.weight.T / oracle.sigma2
        posterior.linear.bias[:2] = 0
        posterior.below.bias[0] = tril[1, 0] / tril[1, 1]
        # soft_clip is undone by Newton's method
        log_variance = 2 * tril.diagonal().log()
        raw = log_variance.clone()
        for _ in range(50):
            raw += log_variance - nn.functional.softplus(raw + 14) + 14 + nn.functional.softplus(raw - 6)
        posterior.linear.bias[2:] = raw
    model, x = oracle.model(posterior), oracle.sample(100)
    assert isinstance(model.encode(x), FullGaussian)
    torch.testing.assert_close(
        importance_estimate(model, x, 1).log_prob, oracle.log_prob(x), rtol=0, atol=1e-6
    )


def test_mean_field_stops_short_by_the_known_gap_and_full_covariance_does_not():
    oracle = Correlated()
    assert oracle.mean_field_gap > 0.3
    assert oracle.gap(trained(oracle, "gaussian", 350, 0.05)) == pytest.approx(
        oracle.mean_field_gap, abs=0.02
    )
    assert abs(oracle.gap(trained(oracle, "full-covariance", 350, 0.05))) < 0.02


@pytest.mark.parametrize(("name", "largest_gap"), [("iaf", 0.02), ("coupling", 0.02), ("planar", 0.2)])
def test_flows_close_the_gap_and_their_importance_weights_are_exact(name, largest_gap):
    oracle = Correlated()
    model = trained(oracle, name, 400, 0.02)
    assert -0.01 < oracle.gap(model) < largest_gap
    x = oracle.sample(50, seed=3)
    estimate = importance_estimate(model, x, 500)
    assert abs(float((estimate.log_prob - oracle.log_prob(x)).mean())) < 0.02
    # The same for an item whatever stands beside it, in whatever chunks.
    alone = importance_estimate(model, x[7:9], 500, codes_per_pass=333)
    torch.testing.assert_close(alone.log_prob, estimate.log_prob[7:9], rtol=0, atol=1e-9)


def test_constant_variance_is_the_same_for_every_item():
    torch.manual_seed(0)
    q = shaken(POSTERIORS["constant-variance"](4, 3))(torch.randn(5, 4, dtype=DOUBLE))
    assert isinstance(q, DiagonalGaussian)
    assert torch.equal(q.stddev, q.stddev[:1].expand(5, 3))
    assert q.mean.std(0).min() > 0.1


def test_the_density_of_a_draw_with_full_covariance_is_that_by_solving():
    generator = torch.Generator().manual_seed(0)
    tril = torch.randn(5, 3, 3, generator=generator, dtype=torch.float64).tril(-1) + torch.diag_embed(
        torch.rand(5, 3, generator=generator, dtype=torch.float64) + 0.2
    )
    q = FullGaussian(torch.randn(5, 3, generator=generator, dtype=torch.float64), tril)
    z = q.rsample(torch.Size([4]))
    torch.testing.assert_close(q.log_prob(z), q.log_prob(z.clone()), rtol=1e-12, atol=1e-12)
