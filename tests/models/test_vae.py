from __future__ import annotations

import pytest
import torch

from latentia.distributions import Delta
from latentia.estimators.compose import compose
from latentia.kinds.vae.catalog import CATALOG


def build(model="sigma-vae", event_shape=(1, 12, 9), likelihood="gaussian", latent_dim=4):
    torch.manual_seed(0)
    network = "conv" if len(event_shape) == 3 else "mlp"
    return compose(CATALOG[model], event_shape, latent_dim, likelihood=likelihood, network=network)


@pytest.mark.parametrize("event_shape", [(7,), (1, 12, 9), (3, 8, 8)])
@pytest.mark.parametrize("model", ["sigma-vae", "autoencoder"])
@pytest.mark.parametrize("n_samples", [1, 3])
def test_shapes_of_a_trace(model, event_shape, n_samples):
    vae = build(model, event_shape)
    x = torch.rand(5, *event_shape)
    trace = vae.trace(x, n_samples)
    assert trace.z.shape == (n_samples, 5, 4)
    assert trace.log_likelihood.shape == trace.elbo.shape == (n_samples, 5)
    assert trace.kl.shape == (n_samples, 5, 4)
    assert trace.likelihood.batch_shape == (n_samples, 5)
    assert trace.likelihood.event_shape == event_shape
    assert trace.posterior.batch_shape == (5,)
    assert trace.prior.batch_shape == ()
    torch.testing.assert_close(trace.elbo, trace.log_likelihood - trace.kl.sum(-1))


def test_trace_agrees_with_the_closed_form(linear_gaussian):
    oracle = linear_gaussian()
    x = oracle.sample(20)
    trace = oracle.model().trace(x, 2)
    mean, variance = oracle.posterior(x)
    kl = 0.5 * (variance + mean.square() - 1 - variance.log())
    torch.testing.assert_close(trace.kl, kl.expand(2, 20, 3))
    # log p(x) = log p(x|z) + log p(z) - log q(z|x) for every z, since q is the posterior
    joint = trace.log_likelihood + trace.prior.log_prob(trace.z) - trace.posterior.log_prob(trace.z)
    torch.testing.assert_close(joint, oracle.log_prob(x).expand(2, 20))


def test_gradient_of_the_bound_reaches_every_parameter():
    vae = build()
    (-vae.trace(torch.rand(6, 1, 12, 9)).elbo.mean()).backward()
    assert [name for name, p in vae.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0] == []


def test_autoencoder_has_a_point_for_a_code():
    vae = build("autoencoder")
    x = torch.rand(3, 1, 12, 9)
    assert isinstance(vae.encode(x), Delta)
    assert torch.equal(vae.trace(x).kl, torch.zeros(1, 3, 4))


def test_decoder_starts_at_the_mean_of_the_data():
    vae = build(event_shape=(6,)).eval()
    x = torch.randn(500, 6) * 0.1 + torch.arange(6.0)
    before = vae.decode(torch.zeros(1, 4)).mean
    vae.prepare(x)
    after = vae.decode(torch.zeros(1, 4)).mean
    torch.testing.assert_close(after - before, x.mean(0)[None], atol=1e-5, rtol=0)


def test_calibration_sets_the_variance_to_the_mean_squared_residual():
    vae = build(event_shape=(6,))
    x = torch.randn(64, 6)
    vae.train()
    vae.calibrate([x[:40], x[40:]])
    assert vae.training
    vae.eval()
    with torch.no_grad():
        draws = torch.stack([(vae.trace(x).likelihood.mean[0] - x).square().mean() for _ in range(50)])
    assert abs(float(vae.likelihood.variance) / float(draws.mean()) - 1) < 0.1


def test_log_prob_neither_sees_nor_leaves_a_trace_of_training_mode():
    vae = build()
    x = torch.rand(6, 1, 12, 9)
    vae.train()
    state = {name: value.clone() for name, value in vae.state_dict().items()}
    in_training = vae.log_prob(x, 5)
    assert vae.training
    assert all(torch.equal(value, state[name]) for name, value in vae.state_dict().items())
    vae.eval()
    assert torch.equal(in_training, vae.log_prob(x, 5))


@pytest.mark.parametrize("mean", [True, False])
def test_samples_are_events(mean):
    vae = build(likelihood="bernoulli").eval()
    sample = vae.sample(9, mean=mean)
    assert sample.shape == (9, 1, 12, 9)
    assert bool(((sample == 0) | (sample == 1)).all()) is not mean
