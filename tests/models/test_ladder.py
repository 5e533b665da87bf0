"""The ladder VAE under the face of a VAE."""

from __future__ import annotations

import math

import pytest
import torch

from latentia.diagnostics import evaluate, mutual_information
from latentia.estimators.compose import compose
from latentia.kinds.vae.catalog import CATALOG


@pytest.fixture
def model():
    torch.manual_seed(0)
    return compose(CATALOG["ladder-vae"], (6,), 5, likelihood="gaussian-fixed", network="mlp").double().eval()


def test_divergence_in_closed_form_is_the_mean_of_log_ratios(model):
    x = torch.randn(3, 6, dtype=torch.float64)
    with torch.no_grad():
        trace = model.trace(x, n_samples=5000)
        difference = trace.posterior.log_prob(trace.z) - trace.prior.log_prob(trace.z)
    assert trace.kl.shape == (5000, 3, 5)
    noise = difference.std(0) / 5000**0.5
    gap = (trace.kl.sum(-1).mean(0) - difference.mean(0)).abs()
    assert bool((gap < 5 * noise + 1e-6).all())


def test_the_decoder_sees_the_bottom_layer_alone(model):
    z = torch.randn(2, 4, 5, dtype=torch.float64)
    other = z.clone()
    other[..., 3:] += 1.0
    torch.testing.assert_close(model.outputs(other), model.outputs(z), atol=0, rtol=0)
    other[..., 2] += 1.0
    assert not torch.allclose(model.outputs(other), model.outputs(z))


def test_importance_weights_tighten_the_bound(model):
    x = torch.randn(8, 6, dtype=torch.float64)
    with torch.no_grad():
        elbo = model.trace(x, n_samples=500).elbo.mean(0)
    few, many = model.log_prob(x, 2), model.log_prob(x, 2000)
    assert float(many.mean()) > float(elbo.mean())
    assert float(many.mean()) >= float(few.mean()) - 0.1


def test_log_prob_agrees_with_draws_from_the_prior(model):
    x = torch.randn(4, 6, dtype=torch.float64)
    with torch.no_grad():
        for (
            head
        ) in model.posterior.heads:  # posteriors about as wide as the prior: no importance weight is large
            head.bias[len(head.bias) // 2 :] += 2.0
        z = model.prior().sample((40_000,))
        log_p = model.conditional(z[:, None], x).log_prob(x).logsumexp(0) - math.log(len(z))
    torch.testing.assert_close(model.log_prob(x, 3000), log_p, atol=0.1, rtol=0)


def test_diagnostics_serve_it(model):
    x = torch.randn(30, 6, dtype=torch.float64)
    figures = evaluate(model, [x], n_importance=20)
    assert len(figures.kl_per_dim) == figures.latent_dim == 5
    assert figures.log_likelihood >= figures.elbo - 0.5
    assert mutual_information(model, [x]).n == 30


def test_encoder_parameters_are_those_of_the_posterior_alone(model):
    x = torch.randn(3, 6, dtype=torch.float64)
    own = {id(p) for p in model.encoder_parameters()}
    z = torch.randn(2, 3, 5, dtype=torch.float64)
    (model.prior().log_prob(z).sum() + model.conditional(z, x).log_prob(x).sum()).backward()
    for name, p in model.named_parameters():
        assert (p.grad is None) == (id(p) in own), name
