from __future__ import annotations

import dataclasses
import math

import pytest
import torch
from torch import nn
from torch.distributions import Independent, Normal

from latentia import VAE as Estimator
from latentia.distributions import DiagonalGaussian
from latentia.errors import ConfigError
from latentia.latent import Posterior, StandardNormalPrior
from latentia.latent.likelihoods import GaussianLikelihood
from latentia.models import VAE
from latentia.objectives import (
    Linear,
    ObjectiveSetting,
    doubly_reparameterised_bound,
    importance_bound,
    importance_weighted,
    negative_elbo,
)
from latentia.objectives.importance import log_weights

SETTING = ObjectiveSetting(n_train=50, latent_dim=2, event_shape=(3,), n_updates=100)


class Wide(Posterior):
    """A diagonal Gaussian in latentia's or in torch's own class."""

    def __init__(self, torch_class: bool = False) -> None:
        super().__init__(5, 2)
        self.linear, self.torch_class = nn.Linear(5, 4), torch_class

    def forward(self, features: torch.Tensor) -> torch.distributions.Distribution:
        loc, log_scale = self.linear(features).chunk(2, -1)
        if self.torch_class:
            return Independent(Normal(loc, log_scale.exp()), 1)
        return DiagonalGaussian(loc, log_scale.exp())


class Outputs(nn.Sequential):
    def forward(self, z: torch.Tensor) -> torch.Tensor:
        return super().forward(z)[:, None]


def small_vae(torch_class: bool = False) -> VAE:
    torch.manual_seed(0)
    return VAE(
        nn.Sequential(nn.Linear(3, 5), nn.Tanh()),
        Wide(torch_class),
        StandardNormalPrior(2),
        Outputs(nn.Linear(2, 5), nn.Tanh(), nn.Linear(5, 3)),
        GaussianLikelihood((3,), "fixed", value=0.5),
    ).double()


def data(n: int = 4) -> torch.Tensor:
    return torch.randn(n, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(1))


def gradients(model: VAE, loss: torch.Tensor) -> list[torch.Tensor]:
    return list(torch.autograd.grad(loss, list(model.parameters())))


def test_bound_by_hand():
    model, x = small_vae(), data(2)
    trace = model.trace(x, 3)
    total = 0.0
    for b in range(2):
        weights = []
        for s in range(3):
            z = trace.z[s, b]
            p_x = model.decode(z[None]).log_prob(x[b : b + 1])
            q = Normal(trace.posterior.mean[b], trace.posterior.stddev[b]).log_prob(z).sum()
            p = Normal(0.0, 1.0).log_prob(z).sum()
            weights.append(math.exp((p_x + p - q).item()))
        total -= math.log(sum(weights) / 3) / 2
    assert importance_bound(trace).item() == pytest.approx(total, rel=1e-12)
    assert doubly_reparameterised_bound(trace).item() == pytest.approx(total, rel=1e-12)


def test_with_one_sample_it_is_the_one_sample_bound():
    trace = small_vae().trace(data())
    at_sample = trace.log_likelihood + trace.prior.log_prob(trace.z) - trace.posterior.log_prob(trace.z)
    torch.testing.assert_close(importance_bound(trace), -at_sample.mean())


def test_more_samples_come_nearer_to_the_likelihood(linear_gaussian):
    oracle = linear_gaussian()
    x = oracle.sample(400)
    model, exact = oracle.model(widen=1.5), -oracle.log_prob(x).mean()
    torch.manual_seed(0)
    bounds = [importance_bound(model.trace(x, n)) for n in (1, 5, 50)]
    assert bounds[0] > bounds[1] + 0.05
    assert bounds[1] > bounds[2] + 0.02
    assert bounds[2] > exact - 0.01
    assert bounds[2] - exact < 0.05


def test_plain_gradient_is_that_of_the_weighted_sum():
    # Burda et al. 2016, eq. 13: the gradient of the log of a mean is the mean of gradients, weighted by shares
    model, x = small_vae(), data()
    torch.manual_seed(2)
    plain = gradients(model, importance_bound(model.trace(x, 6)))
    torch.manual_seed(2)
    trace = model.trace(x, 6)
    log_w = trace.log_likelihood + trace.prior.log_prob(trace.z) - trace.posterior.log_prob(trace.z)
    share = torch.softmax(log_w.detach(), 0)
    expected = gradients(model, -(share * log_w).sum(0).mean())
    for a, b in zip(plain, expected, strict=True):
        torch.testing.assert_close(a, b)


@pytest.mark.parametrize("torch_class", [False, True])
def test_doubly_reparameterised_gradient_by_its_formula(torch_class):
    """Tucker et al. 2019, eq. 8, put together from parts: d log w / dz with q held fixed, and dz / dphi."""
    model, x = small_vae(torch_class), data()
    torch.manual_seed(3)
    automatic = gradients(model, doubly_reparameterised_bound(model.trace(x, 4)))
    torch.manual_seed(3)
    trace = model.trace(x, 4)
    z = trace.z.detach().requires_grad_()
    q = DiagonalGaussian(trace.posterior.mean.detach(), trace.posterior.stddev.detach())
    log_w = model.conditional(z, x).log_prob(x) + trace.prior.log_prob(z) - q.log_prob(z)
    share = torch.softmax(log_w.detach(), 0)
    by_z = torch.autograd.grad(log_w.sum(), z, retain_graph=True)[0]
    for_encoder = -((share.square()[..., None] * by_z) * trace.z).sum(0).sum(-1).mean()
    for_decoder = -(share * log_w).sum(0).mean()
    expected = gradients(model, for_encoder + for_decoder)
    for a, b in zip(automatic, expected, strict=True):
        torch.testing.assert_close(a, b)


def test_doubly_reparameterised_gradient_has_the_expectation_of_the_plain_one():
    model, x = small_vae(), data(1).expand(1000, 3)
    torch.manual_seed(4)
    both = {importance_bound: [], doubly_reparameterised_bound: []}
    for _ in range(60):
        for bound, found in both.items():
            found.append(torch.cat([g.flatten() for g in gradients(model, bound(model.trace(x, 3)))]))
    plain, doubly = (torch.stack(found) for found in both.values())
    error = ((plain.var(0) + doubly.var(0)) / 60).sqrt()
    assert bool(((plain.mean(0) - doubly.mean(0)).abs() < 4.5 * error).all())
    assert bool((plain.mean(0).abs() > 20 * error).any())  # the test can tell gradients from nothing


def test_encoder_gradient_is_less_noisy():
    model, x = small_vae(), data(1)
    torch.manual_seed(5)
    encoder = list(model.encoder.parameters())
    spread = {}
    for bound in (importance_bound, doubly_reparameterised_bound):
        draws = [
            torch.cat([g.flatten() for g in torch.autograd.grad(bound(model.trace(x, 20)), encoder)])
            for _ in range(100)
        ]
        spread[bound] = float(torch.stack(draws).var(0).sum())
    assert spread[doubly_reparameterised_bound] < 0.5 * spread[importance_bound]


def test_at_the_true_posterior_the_encoder_is_left_alone(linear_gaussian):
    oracle = linear_gaussian()
    x, model = oracle.sample(3), oracle.model()

    class Exact(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.shift = nn.Parameter(torch.zeros(3, dtype=torch.float64))
            self.log_widen = nn.Parameter(torch.zeros(3, dtype=torch.float64))

        def forward(self, mean: torch.Tensor) -> DiagonalGaussian:
            variance = oracle.posterior(x)[1]
            return DiagonalGaussian(
                mean + self.shift, (variance.sqrt() * self.log_widen.exp()).expand_as(mean)
            )

    model.posterior = Exact()
    for bound, zero in ((doubly_reparameterised_bound, True), (importance_bound, False)):
        torch.manual_seed(6)
        found = gradients(model, bound(model.trace(x, 5)))
        assert (max(float(g.abs().max()) for g in found) < 1e-12) is zero


def test_options():
    objective = importance_weighted(SETTING, n_samples=7, doubly_reparameterised=False)
    assert objective.n_samples == 7
    assert objective.terms[0].function is importance_bound
    assert importance_weighted(SETTING).terms[0].function is doubly_reparameterised_bound
    assert negative_elbo().n_samples == 1
    ramp = {"ramp": "linear", "start": 1, "end": 50}
    assert importance_weighted(SETTING, n_samples=ramp).n_samples == Linear(50.0, 1.0)
    for wrong in (0, -3, True, 2.5, {"ramp": "linear", "end": 0}, {"ramp": "linear", "end": 7.5}):
        with pytest.raises(ConfigError, match="n_samples="):
            importance_weighted(SETTING, n_samples=wrong)


@pytest.mark.parametrize("bound", [doubly_reparameterised_bound, importance_bound])
def test_weights_that_are_lost_in_the_sum_give_no_gradient_and_no_nan(bound):
    torch.manual_seed(8)
    trace = small_vae().trace(data(), 4)
    lost = torch.zeros_like(trace.log_likelihood)
    lost[0], lost[1] = -80.0, -math.inf
    trace = dataclasses.replace(trace, log_likelihood=trace.log_likelihood + lost)
    trace.log_likelihood.retain_grad()
    loss = bound(trace)
    loss.backward()
    gradient = trace.log_likelihood.grad
    assert loss.isfinite()
    assert (gradient[:2] == 0).all()  # not e^-80, which as a product is a subnormal number
    assert (gradient[2:] != 0).all()


@pytest.mark.parametrize("bound", [importance_bound, doubly_reparameterised_bound])
def test_gradient_through_chosen_draws_has_that_of_all_as_its_expectation(bound, monkeypatch):
    model, x, n_samples = small_vae(), data(1), 6

    def gradient_through(place):
        """Value and gradients with the same draws, of which the one at `place` is chosen; all if None."""
        torch.manual_seed(3)
        model.n_backward = 0 if place is None else 1
        if place is not None:
            monkeypatch.setattr(
                torch, "multinomial", lambda p, n, replacement, generator=None: torch.full((len(p), n), place)
            )
        loss = bound(model.trace(x, n_samples))
        return loss.detach(), gradients(model, loss)

    model.train()
    value, expected = gradient_through(None)
    torch.manual_seed(3)
    shares = torch.softmax(log_weights(model.trace(x, n_samples)).detach()[:, 0], 0)
    chosen = [gradient_through(place) for place in range(n_samples)]
    for one, _ in chosen:  # the value is that of the pool, whichever is chosen
        torch.testing.assert_close(one, value)
    for i, gradient in enumerate(expected):
        mean = sum(v * each[i] for v, (_, each) in zip(shares, chosen, strict=True))
        torch.testing.assert_close(mean, gradient, rtol=1e-9, atol=1e-12)


def test_draws_are_chosen_by_their_weights_in_training_alone():
    model, x = small_vae(), data(2)
    model.n_backward = 4_000
    torch.manual_seed(5)
    trace = model.train().trace(x, 4_001)
    assert trace.pool.shape == (4_001, 2)
    assert trace.z.shape == (4_000, 2, 2)
    again = model.conditional(trace.z, x).log_prob(x) + (
        trace.prior.log_prob(trace.z) - trace.posterior.log_prob(trace.z)
    )
    torch.testing.assert_close(trace.pool.gather(0, trace.chosen), again)
    # the mean of log w over the chosen is that under the normalised weights
    shares = trace.pool.softmax(0)
    expected = (shares * trace.pool).sum(0)
    spread = (shares * (trace.pool - expected) ** 2).sum(0).sqrt()
    assert ((again.mean(0) - expected).abs() < 5 * spread / 4_000**0.5).all()
    assert model.eval().trace(x, 4_001).chosen is None
    with torch.no_grad():
        assert model.train().trace(x, 4_001).chosen is None


def test_a_negative_number_of_chosen_draws_is_refused():
    with pytest.raises(ConfigError, match="n_backward"):
        importance_weighted(SETTING, n_backward=-1)


def test_a_fit_takes_the_gradient_through_as_many_as_the_objective_says():
    options = {"n_samples": 5, "n_backward": 2}
    rows = torch.randn(40, 3, generator=torch.Generator().manual_seed(0)).numpy()
    vae = Estimator("iwae", latent_dim=2, objective_options=options, max_epochs=1, random_state=0).fit(rows)
    trace = vae.module_.train().trace(torch.zeros(4, 3), 5)
    assert trace.chosen.shape == (2, 4)
    vae = Estimator("iwae", latent_dim=2, max_epochs=1, random_state=0).fit(rows)
    assert vae.module_.train().trace(torch.zeros(4, 3), 5).chosen is None


def test_a_decoder_whose_layers_look_at_the_batch_makes_it_biased_and_says_so():
    images = torch.rand(40, 8, 8, generator=torch.Generator().manual_seed(0)).numpy()
    options = {"n_samples": 3, "n_backward": 1}
    vae = Estimator("iwae", latent_dim=2, network="conv", objective_options=options, max_epochs=1)
    with pytest.warns(UserWarning, match=r"BatchNorm2d in decoder\."):
        vae.fit(images)
