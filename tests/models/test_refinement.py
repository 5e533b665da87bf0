"""Steps toward each item's own posterior: against a closed form, never for the worse, and alone in what they touch."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from latentia.distributions import DiagonalGaussian
from latentia.models.refinement import MOMENTUM, RATE, refined


def bound_at_mean(model, x, q):
    """log p(x|m) - KL(q || p(z)), `[B]`."""
    kl = 0.5 * (q.variance + q.mean**2 - 1 - q.variance.log()).sum(-1)
    return model.conditional(q.mean[None], x).log_prob(x)[0] - kl


@pytest.mark.parametrize("steps", [1, 2, 5, 30])
def test_the_way_to_a_gaussian_posterior_is_that_of_a_damped_oscillator(linear_gaussian, steps):
    oracle = linear_gaussian()
    x, model = oracle.sample(40), oracle.model(1.0, shift=2.0).eval()
    found = refined(model, x, model.encode(x), steps)
    # the curvature of the bound in units of the exact posterior's standard deviation is 1
    offset, velocity, best = 2.0, 0.0, 2.0
    for _ in range(steps):
        velocity = MOMENTUM * velocity - RATE * offset
        offset += velocity
        best = min(best, offset, key=abs)
    mean, variance = oracle.posterior(x)
    torch.testing.assert_close((found.mean - mean) / variance.sqrt(), torch.full_like(mean, best))
    torch.testing.assert_close(found.stddev, variance.sqrt().expand_as(mean))


def test_five_steps_close_the_gap_of_a_shifted_encoder(linear_gaussian):
    oracle = linear_gaussian()
    x, model = oracle.sample(200), oracle.model(1.0, shift=2.0)
    mean, variance = oracle.posterior(x)

    def gap(q):  # KL to the true posterior, which is log p(x) less the bound
        return (0.5 * (q.mean - mean) ** 2 / variance).sum(-1).mean()

    before, after = gap(model.eval().encode(x)), gap(refined(model, x, model.encode(x), 5))
    assert before == pytest.approx(6.0)
    assert after < 0.01 * before
    model.refinement_steps = 5
    torch.testing.assert_close(gap(model.encode(x)), after)
    # the estimate of log p(x) by few samples comes nearer to the truth with the better proposals
    exact = oracle.log_prob(x)
    close = (model.log_prob(x, 4) - exact).abs().mean()
    model.refinement_steps = 0
    assert close < 0.2 * (model.log_prob(x, 4) - exact).abs().mean()


@pytest.mark.parametrize("widen", [0.1, 1.0, 4.0, 30.0])
def test_no_item_ends_below_where_it_began(linear_gaussian, widen):
    oracle = linear_gaussian()
    x, model = oracle.sample(50), oracle.model(widen, shift=1.0).eval()  # 30: steps far too long
    q = model.encode(x)
    assert (bound_at_mean(model, x, refined(model, x, q, 5)) >= bound_at_mean(model, x, q)).all()


def test_an_item_with_a_gradient_that_overflows_stays(linear_gaussian):
    oracle = linear_gaussian()
    x, model = oracle.sample(3), oracle.model(1.0, shift=1.0).eval()
    plain = refined(model, x, model.encode(x), 5)

    class Broken(nn.Module):
        def forward(self, z):
            x = oracle.bias + z @ oracle.weight.T
            first, second, third = x.unbind(0)
            return torch.stack([first, second + (z[1] * 1e200).sum(), third])[:, None]

    model.decoder = Broken()
    q = model.encode(x)
    found = refined(model, x, q, 5)
    torch.testing.assert_close(found.mean[1], q.mean[1])
    torch.testing.assert_close(found.mean[::2], plain.mean[::2])


def test_an_item_moves_as_if_it_were_alone_and_nothing_else_moves(linear_gaussian):
    oracle = linear_gaussian()
    x, model = oracle.sample(9), oracle.model(1.3, shift=1.0)
    model.refinement_steps = 3
    state = torch.random.get_rng_state()
    whole = model.eval().encode(x).mean
    assert torch.equal(state, torch.random.get_rng_state())
    torch.testing.assert_close(torch.cat([model.encode(part).mean for part in x.split(2)]), whole)
    assert not whole.requires_grad
    with torch.inference_mode():
        torch.testing.assert_close(model.encode(x).mean, whole)
    assert model.encode(x[:0]).mean.shape == (0, 3)
    # in training the encoder speaks for itself
    assert torch.equal(model.train().encode(x).mean, model.amortised(x).mean)


def test_weights_get_no_gradient():
    from latentia.estimators.compose import compose
    from latentia.kinds.vae.catalog import CATALOG

    model = compose(CATALOG["sigma-vae"], (1, 6, 6), 2, likelihood="gaussian", network="conv")
    model.prepare(torch.rand(20, 1, 6, 6))
    model.calibrate([torch.rand(20, 1, 6, 6)])
    model.eval()
    model.refinement_steps = 2
    assert isinstance(model.encode(torch.rand(4, 1, 6, 6)), DiagonalGaussian)
    assert all(weight.grad is None for weight in model.parameters())
    assert math.isfinite(float(model.log_prob(torch.rand(4, 1, 6, 6), 8).mean()))
