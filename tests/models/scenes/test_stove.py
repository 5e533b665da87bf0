"""STOVE: products of Gaussians, a filter whose densities are its draws', a bound below the evidence, objects without an order."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.integrate import quad
from scipy.optimize import linear_sum_assignment
from torch.distributions import Normal, kl_divergence

from latentia.latent.scenes.noise import PixelNoise
from latentia.latent.scenes.paths import Moments, PathPosterior, nearest_order
from latentia.models.scenes.stove import STOVE
from latentia.models.scenes.stove_phases import DynamicsPhase, FramePhase, line_state
from latentia.nn.relations import Relations
from video_models import check_bound, check_rates, noise_videos, untrained

SHAPE = (4, 1, 8, 8)


def built(n_objects=2, shape=SHAPE, **options):
    model = untrained(STOVE, shape, n_objects, **options)
    with torch.no_grad():  # a dynamics that does something
        model.relations.out[-1].weight.mul_(30)
        model.speed.fill_(0.2)
    return model


def videos(n=3, shape=SHAPE):
    return noise_videos(n, shape)


def test_a_product_of_gaussians_is_their_normalised_product():
    one, two = (
        Moments(torch.tensor([0.3]), torch.tensor([0.5])),
        Moments(torch.tensor([-0.4]), torch.tensor([0.2])),
    )
    found = one.times(two)

    def product(x):
        return math.exp(
            float(
                Normal(one.loc, one.scale).log_prob(torch.tensor(x))
                + Normal(two.loc, two.scale).log_prob(torch.tensor(x))
            )
        )

    mass = quad(product, -5, 5)[0]
    assert quad(lambda x: x * product(x), -5, 5)[0] / mass == pytest.approx(float(found.loc), abs=1e-5)
    # the normaliser is the density of the difference: the term that "proportional to" hides
    hidden = Normal(0.0, math.hypot(0.5, 0.2)).log_prob(torch.tensor(0.7))
    assert math.log(mass) == pytest.approx(float(hidden), abs=1e-5)


def test_divergences_are_those_of_normal_distributions():
    torch.manual_seed(0)
    a, b = (Moments(torch.randn(2, 3, 5), torch.rand(2, 3, 5) + 0.1) for _ in range(2))
    torch.testing.assert_close(a.divergence(b), kl_divergence(Normal(a.loc, a.scale), Normal(b.loc, b.scale)))


@pytest.mark.parametrize("k", [1, 3, 4, 6])
def test_orders_are_the_best_assignments(k):
    torch.manual_seed(k)
    places, found = torch.rand(5, k, 2), torch.rand(5, k, 2)
    order = nearest_order(places, found)
    for i in range(5):
        cost = torch.cdist(places[i], found[i]).numpy()
        best = cost[linear_sum_assignment(cost)].sum()
        assert sorted(order[i].tolist()) == list(range(k))
        assert cost[np.arange(k), order[i].numpy()].sum() == pytest.approx(best, abs=1e-6)


def test_a_permutation_of_objects_permutes_what_they_do():
    torch.manual_seed(0)
    relations, states, turn = (
        Relations(4).double(),
        torch.randn(3, 4, 4, dtype=torch.float64),
        torch.tensor([2, 0, 3, 1]),
    )
    torch.testing.assert_close(relations(states[:, turn]), relations(states)[:, turn])
    alone = relations(states[:, :1])
    assert not torch.allclose(alone, relations(states)[:, :1])


def test_forces_along_the_line_turn_with_it():
    """Turned by any angle about any place, the world's pairs do the same, turned; each pushes the other back as hard."""
    torch.manual_seed(0)
    relations = Relations(4).double()
    states = torch.randn(3, 2, 4, dtype=torch.float64)
    with torch.no_grad():
        for parameter in relations.out.parameters():
            parameter.zero_()
    angle = torch.tensor(0.7, dtype=torch.float64)
    turn = torch.stack([torch.stack([angle.cos(), -angle.sin()]), torch.stack([angle.sin(), angle.cos()])])
    turned = torch.cat([states[..., :2] @ turn.T + 0.3, states[..., 2:] @ turn.T], -1)
    forces = relations(states).detach()
    assert float(forces.abs().max()) > 1e-4
    torch.testing.assert_close(relations(turned).detach(), forces @ turn.T)
    torch.testing.assert_close(forces[:, 0], -forces[:, 1])
    line = states[:, 1, :2] - states[:, 0, :2]
    torch.testing.assert_close(forces[:, 0, 0] * line[:, 1], forces[:, 0, 1] * line[:, 0])


def test_rolling_one_and_one_is_rolling_two():
    model, z = built(), torch.randn(3, 2, 5, dtype=torch.float64)
    one = model.rolled(z, 1)[:, -1]
    torch.testing.assert_close(model.rolled(one, 1)[:, -1], model.rolled(z, 2)[:, -1])
    noise = torch.randn(3, 4, 2, 5, dtype=torch.float64)
    torch.testing.assert_close(model.rolled(z, 4, 0 * noise), model.rolled(z, 4))


def test_densities_of_paths_are_sums_of_conditionals():
    model, x = built(), videos()
    q = model.encode(x)
    z = q.sample(torch.Size([2]))
    total = torch.zeros(2, 3, dtype=torch.float64)
    for s in range(2):
        _, _, conditionals = q.filtered(1, lambda t, _, s=s: z[s, :, t])
        for t, at in enumerate(conditionals):
            total[s] += Normal(at.loc, at.scale).log_prob(z[s, :, t]).sum((-1, -2))
    torch.testing.assert_close(q.log_prob(z), total)
    p = model.prior().log_prob(z)
    first = Normal(0.0, model.first(z[..., 0, :, :]).scale).log_prob(z[..., 0, :, :]).sum((-1, -2))
    flat = z.flatten(0, 1)
    rest = sum(model.next(flat[:, t - 1]).log_prob(flat[:, t]) for t in range(1, 4)).unflatten(0, (2, 3))
    torch.testing.assert_close(p, first + rest)


def test_rates_are_the_mean_log_ratio_of_many_draws():
    check_rates(built(), videos(1))


def test_of_one_frame_it_is_the_model_of_images():
    shape = (1, *SHAPE[1:])
    model, x = built(shape=shape), videos(3, shape)
    trace = model.trace(x)
    phase = FramePhase(model).trace(x)
    velocity = trace.kl.unflatten(-1, (1, 2, 5))[..., 3:]
    torch.testing.assert_close(velocity, torch.zeros_like(velocity), atol=1e-12, rtol=0)
    torch.testing.assert_close(trace.kl.sum(-1), phase.kl.sum(-1))
    torch.testing.assert_close(model.decode(trace.z).log_prob(x), trace.log_likelihood)


def test_importance_weights_raise_the_bound():
    check_bound(built(noise=PixelNoise(0.5)), videos())


class Line(torch.nn.Module):
    """One object on a line that goes on as it went, seen directly: the exact evidence is that of a Kalman filter."""

    def first(self, like):
        return Moments(
            torch.zeros_like(like), torch.tensor([1.0, 0.6, 0.6, 0.1, 0.1], dtype=like.dtype).expand_as(like)
        )

    def next(self, z):
        velocity = z[..., 3:]
        loc = torch.cat([z[..., :1], z[..., 1:3] + velocity, velocity], -1)
        return Moments(loc, torch.tensor([0.1, 0.05, 0.05, 0.05, 0.05], dtype=z.dtype).expand_as(z))


def test_of_a_linear_world_the_estimate_is_the_evidence_of_a_kalman_filter():
    """x and y are seen with noise 0.1; sizes are not seen."""
    torch.manual_seed(0)
    world, seen_noise, frames = Line(), 0.1, 3
    y = 0.05 * torch.arange(3.0, dtype=torch.float64)[None, :, None, None] + 0.05 * torch.randn(
        1, frames, 1, 2, dtype=torch.float64
    )
    loc = torch.cat([torch.zeros(1, frames, 1, 1, dtype=torch.float64), y], -1)
    scale = torch.tensor([1.0, seen_noise, seen_noise], dtype=torch.float64).expand_as(loc)
    q = PathPosterior(world, loc, scale)
    with torch.no_grad():
        z = q.rsample(torch.Size([5000]))
        flat = z.flatten(0, 1)
        prior = world.first(flat[:, 0]).log_prob(flat[:, 0])
        for t in range(1, frames):
            prior = prior + world.next(flat[:, t - 1]).log_prob(flat[:, t])
        likelihood = Normal(z[..., 1:3], seen_noise).log_prob(y).sum((-1, -2, -3))[:, 0]
        weights = likelihood + prior - q.log_prob(z)[:, 0]
    evidence = sum(_kalman(y[0, :, 0, axis].numpy(), seen_noise) for axis in (0, 1))
    estimate = float(weights.logsumexp(0)) - math.log(5000)
    spread = float(
        (weights - weights.max()).exp().std() / (weights - weights.max()).exp().mean()
    ) / math.sqrt(5000)
    assert estimate == pytest.approx(evidence, abs=3 * spread)
    assert float(weights.mean()) < evidence


def _kalman(y, noise):
    """log p(y_1..T) of one coordinate: place 0.6, velocity 0.1 at first; steps 0.05 each; the place is seen."""
    mean, cov = np.zeros(2), np.diag([0.36, 0.01])
    step, moved, total = np.array([[1.0, 1.0], [0.0, 1.0]]), np.diag([0.0025, 0.0025]), 0.0
    for t, value in enumerate(y):
        if t:
            mean, cov = step @ mean, step @ cov @ step.T + moved
        s = cov[0, 0] + noise**2
        total += -0.5 * (math.log(2 * math.pi * s) + (value - mean[0]) ** 2 / s)
        gain = cov[:, 0] / s
        mean, cov = mean + gain * (value - mean[0]), cov - np.outer(gain, cov[0])
    return total


def test_the_line_at_the_end_is_least_squares():
    torch.manual_seed(0)
    path = torch.randn(2, 4, 3, 5, dtype=torch.float64)
    found = line_state(path)
    for i, k, d in np.ndindex(2, 3, 2):
        slope, at = np.polyfit([0, 1, 2, 3], path[i, :, k, 1 + d].numpy(), 1)
        assert float(found[i, k, 3 + d]) == pytest.approx(slope)
        assert float(found[i, k, 1 + d]) == pytest.approx(at + 3 * slope)


def test_the_dynamics_learns_alone_and_nothing_else_moves():
    model = built().train()
    phase = DynamicsPhase(model)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    loss = -phase.trace(torch.randn(4, 8, 2, 5, dtype=torch.float64)).log_likelihood.mean()
    loss.backward()
    assert {name for name, p in model.named_parameters() if p.grad is not None} == {
        f"relations.{name}" for name, _ in model.relations.named_parameters()
    }
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())


def test_the_bound_leaves_the_dynamics_as_it_is():
    model, x = built().train(), videos()
    model.trace(x).elbo.mean().backward()
    moved = {name for name, p in model.named_parameters() if p.grad is not None}
    assert not any(name.startswith("relations") for name in moved)
    assert {"log_step", "template", "ground"} < moved
    z = torch.randn(3, 2, 5, dtype=torch.float64)
    torch.testing.assert_close(model.next(z).loc, model.expected(z))


def test_the_ground_begins_as_what_stands_still():
    model = built(shape=(4, 3, 8, 8))
    x = torch.full((5, 4, 3, 8, 8), 0.4, dtype=torch.float64)
    x[0, 0, :, 2:4] = 1.0
    model.prepare(x)
    torch.testing.assert_close(model.ground.sigmoid(), torch.full((3, 8, 8), 0.4, dtype=torch.float64))
