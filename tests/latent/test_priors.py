"""Learned priors against SciPy and brute force, and how the VampPrior shares the encoder."""

from __future__ import annotations

import copy
import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy import stats
from scipy.special import logsumexp
from torch import nn

from latentia.distributions import DiagonalGaussian, Mixture
from latentia.errors import ConfigError
from latentia.estimators.compose import compose
from latentia.kinds.vae.catalog import CATALOG
from latentia.latent import POSTERIORS, PRIORS, MixturePrior, VampPrior
from latentia.latent.likelihoods import GaussianLikelihood
from latentia.models import VAE


def test_mixture_prior_is_scipys():
    torch.manual_seed(0)
    prior = MixturePrior(3, n_components=5).double()
    prior.logits.data += torch.randn(5)
    prior.log_variance.data += 0.5 * torch.randn(5, 3)
    z = torch.randn(7, 3, dtype=torch.float64)
    p = prior()
    scale = p.components.stddev.detach().numpy()
    weights = prior.logits.detach().softmax(0).numpy()
    parts = [
        np.log(w) + stats.multivariate_normal(m, np.diag(s**2)).logpdf(z.numpy())
        for w, m, s in zip(weights, prior.loc.detach().numpy(), scale, strict=True)
    ]
    np.testing.assert_allclose(p.log_prob(z).detach().numpy(), logsumexp(parts, 0), rtol=1e-10)
    np.testing.assert_allclose(
        scale**2, prior.log_variance.detach().exp(), rtol=0.02
    )  # the bounds are far away


def test_mixture_prior_starts_near_the_standard_normal():
    torch.manual_seed(0)
    p = MixturePrior(16)()
    assert p.mean.abs().max() < 0.25
    torch.testing.assert_close(p.variance, torch.ones(16), rtol=0, atol=0.2)


def vamp(posterior="gaussian", event_shape=(1, 8, 8)):
    torch.manual_seed(0)
    entry = replace(CATALOG["vamp-vae"], posterior=posterior)
    network = "conv" if len(event_shape) == 3 else "mlp"
    model = compose(entry, event_shape, 3, likelihood="gaussian", network=network)
    model.prepare(torch.rand(150, *event_shape))
    return model


@pytest.mark.parametrize("posterior", ["gaussian", "full-covariance", "planar", "iaf", "coupling"])
def test_vamp_density_is_the_mixture_of_posteriors_by_brute_force(posterior):
    model = vamp(posterior, (5,)).double().eval()
    z = torch.randn(4, 6, 3, dtype=torch.float64)
    with torch.no_grad():
        each = [model.encode(u[None]).log_prob(z) for u in model.prior.pseudo_inputs]
        expected = torch.logsumexp(torch.stack(each), 0) - np.log(100)
        torch.testing.assert_close(model.prior().log_prob(z), expected)


def test_vamp_starts_at_training_items_and_stays_within_their_range():
    model = vamp()
    torch.manual_seed(1)
    x = 3 + 2 * torch.rand(150, 1, 8, 8)
    model.prepare(x)
    pseudo = model.prior.pseudo_inputs
    assert all((x == u).flatten(1).all(1).any() for u in pseudo)
    assert len({tuple(u.flatten().tolist()) for u in pseudo}) == 100
    before = model.prior().log_prob(torch.zeros(1, 3))
    inside = pseudo.data.clone()
    pseudo.data = torch.where(pseudo == pseudo.max(), 1e6, pseudo)  # the largest value is the bound
    torch.testing.assert_close(model.prior().log_prob(torch.zeros(1, 3)), before)
    pseudo.data = inside - 0.5 * (inside - 3)
    assert (model.prior().log_prob(torch.zeros(1, 3)) - before).abs() > 1e-6


def test_vamp_with_fewer_items_than_pseudo_inputs():
    model = vamp(event_shape=(5,))
    model.prepare(torch.rand(7, 5))
    assert bool(torch.isfinite(model.prior().log_prob(torch.zeros(1, 3))).all())


def test_vamp_shares_the_encoder_and_leaves_its_normalisation_alone():
    model = vamp().train()
    names = list(model.state_dict())
    assert not any("prior" in name and "encoder" in name for name in names)
    statistics = {name: t.clone() for name, t in model.state_dict().items() if "running" in name}
    assert statistics
    model.prior().log_prob(torch.zeros(2, 3)).sum().backward()
    assert model.encoder.training
    assert all(torch.equal(model.state_dict()[name], t) for name, t in statistics.items())
    first = next(model.encoder.parameters())
    assert first.grad.abs().sum() > 0
    assert model.prior.pseudo_inputs.grad.abs().sum() > 0


def test_a_copy_of_the_model_has_its_own_vamp_prior():
    model = vamp().eval()
    other = copy.deepcopy(model)
    z = torch.zeros(1, 3)
    before = other.prior().log_prob(z)
    for parameter in model.parameters():
        parameter.data += 0.1
    assert torch.equal(other.prior().log_prob(z), before)
    for parameter in other.parameters():
        parameter.data += 0.1
    torch.testing.assert_close(other.prior().log_prob(z), model.prior().log_prob(z))


def test_vamp_without_a_model_says_so():
    with pytest.raises(ConfigError, match=r"latentia\.models\.VAE"):
        VampPrior(3)()


class Ring:
    """Eight Gaussians on a circle: x = z + noise, so that the best bound is minus the entropy of the data."""

    radius, spread, noise = 1.3, 0.15, 0.1

    def __init__(self):
        angle = 2 * math.pi * torch.arange(8) / 8
        self.centres = self.radius * torch.stack([angle.cos(), angle.sin()], 1)

    def sample(self, n, seed):
        generator = torch.Generator().manual_seed(seed)
        which = torch.randint(8, (n,), generator=generator)
        return self.centres[which] + self.spread * torch.randn(n, 2, generator=generator)

    def best(self, x):
        return float(
            Mixture(torch.zeros(8), DiagonalGaussian(self.centres, torch.tensor(self.spread)))
            .log_prob(x)
            .mean()
        )

    def bound(self, prior, steps):
        """Nats on fresh data, after posterior and prior have been trained together."""

        class Decoder(nn.Module):
            def forward(self, z):
                return z[:, None]

        torch.manual_seed(0)
        likelihood = GaussianLikelihood(torch.Size([2]), "fixed", value=self.noise**2)
        model = VAE(
            nn.Identity(), POSTERIORS["constant-variance"](2, 2), PRIORS[prior](2), Decoder(), likelihood
        )
        model.posterior.log_variance.data.fill_(-4.0)  # near the optimum, which is far from where it starts
        optimizer = torch.optim.Adam(model.parameters(), 0.02)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
        for step in range(steps):
            optimizer.zero_grad()
            (-model.trace(self.sample(256, seed=step + 1)).elbo.mean()).backward()
            optimizer.step()
            schedule.step()
        with torch.no_grad():
            return float(model.trace(self.sample(4000, seed=0)).elbo.mean())


@pytest.mark.parametrize("prior", ["coupling-flow", "mixture"])
def test_a_learned_prior_raises_the_bound_where_the_codes_fill_no_gaussian(prior):
    ring = Ring()
    best = ring.best(ring.sample(4000, seed=0))
    standard, learned = ring.bound("standard-normal", 200), ring.bound(prior, 300)
    assert learned > standard + 0.2
    assert learned < best + 0.05
