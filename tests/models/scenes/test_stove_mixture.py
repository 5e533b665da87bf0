"""The likelihood of patches: a density that integrates to 1, each pixel under one owner, against a plain loop; the bound it gives."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch
from scipy.special import logsumexp
from scipy.stats import norm

from latentia.draws import seeded
from latentia.latent.scenes.patches import Patches, PatchMixture
from latentia.models.scenes.stove_mixture import MixtureSTOVE
from latentia.nn.spatial import covered, grid, stretch
from video_models import check_bound, check_learning, noise_videos, untrained

SHAPE = (3, 2, 6, 6)
QUARTER = torch.tensor([[0.5, 0.5, -0.5, -0.5]], dtype=torch.float64)  # the upper left one


def patches(n, shape, seed=0):
    g = torch.Generator().manual_seed(seed)
    return Patches(
        torch.randn(n, generator=g, dtype=torch.float64).log_softmax(0),
        torch.rand(n, *shape, generator=g, dtype=torch.float64),
        0.2 + 0.3 * torch.rand(n, *shape, generator=g, dtype=torch.float64),
    )


def windows(*shape, seed=1):
    g = torch.Generator().manual_seed(seed)
    side = 0.2 + 0.5 * torch.rand(*shape, 1, generator=g, dtype=torch.float64)
    return torch.cat([side, side, 1.4 * torch.rand(*shape, 2, generator=g, dtype=torch.float64) - 0.7], -1)


def owner_of(y, x, window, size):
    """The first object that covers a pixel; None: the ground."""
    for k, (sx, sy, tx, ty) in enumerate(window.tolist()):
        u, v = (2 * x + 1) / size - 1, (2 * y + 1) / size - 1
        if abs(u - tx) <= sx and abs(v - ty) <= sy:
            return k
    return None


def by_loops(value, window, objects, ground):
    """The same density, pixel by pixel, in NumPy."""
    size = value.shape[-1]
    laid = [
        [stretch(part[None], window[k : k + 1], (size, size))[0].numpy() for part in own]
        for k in range(len(window))
        for own in [torch.stack([objects.mean, objects.scale], 1).flatten(1, 2)]
    ]
    total = 0.0
    for k in (*range(len(window)), None):
        owner = ground if k is None else objects
        logs = []
        for c in range(len(owner.log_weights)):
            log = float(owner.log_weights[c])
            for y, x in itertools.product(range(size), range(size)):
                if owner_of(y, x, window, size) != k:
                    continue
                for channel in range(value.shape[0]):
                    if k is None:
                        mean, scale = (float(part[c, channel, y, x]) for part in (ground.mean, ground.scale))
                    else:
                        mean, scale = (laid[k][c][channel + i * value.shape[0], y, x] for i in (0, 1))
                    log += norm.logpdf(float(value[channel, y, x]), mean, scale)
            logs.append(log)
        total += logsumexp(logs)
    return total


def test_it_integrates_to_one():
    """Over images of 2 x 2 pixels, of which one is an object's and three are the ground's."""
    objects, ground = patches(2, (1, 2, 2)), patches(2, (1, 2, 2), seed=3)
    p = PatchMixture(QUARTER, objects, ground)
    assert p.owned.tolist() == [[[1, 0], [0, 0]], [[0, 1], [1, 1]]]
    at = torch.linspace(-2.0, 3.0, 41, dtype=torch.float64)
    values = torch.cartesian_prod(at, at, at, at).reshape(-1, 1, 2, 2)
    mass = sum(float(p.log_prob(some).exp().sum()) for some in values.split(200_000))
    assert mass * (5 / 40) ** 4 == pytest.approx(1, abs=1e-4)


def test_it_is_the_sum_over_owners_and_patches():
    """Against loops over pixels, with windows that overlap."""
    objects, ground = patches(3, (2, 3, 3)), patches(2, (2, 5, 5), seed=3)
    for seed in range(3):
        window = windows(3, seed=seed)
        value = torch.rand(2, 5, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
        found = PatchMixture(window, objects, ground).log_prob(value)
        assert float(found) == pytest.approx(by_loops(value, window, objects, ground), abs=1e-8)


def test_objects_that_do_not_touch_have_no_order():
    objects, ground = patches(3, (1, 3, 3)), patches(2, (1, 8, 8), seed=3)
    apart = torch.tensor(
        [[0.3, 0.3, -0.5, -0.5], [0.4, 0.4, 0.5, 0.5], [0.2, 0.2, 0.6, -0.6]], dtype=torch.float64
    )
    value = torch.rand(1, 8, 8, dtype=torch.float64)
    found = [
        float(PatchMixture(apart[list(order)], objects, ground).log_prob(value))
        for order in itertools.permutations(range(3))
    ]
    np.testing.assert_allclose(found, found[0])
    over = torch.stack([apart[0], apart[0] + 0.1])
    one, other = (PatchMixture(over[order], objects, ground).log_prob(value) for order in ([0, 1], [1, 0]))
    assert not torch.isclose(one, other)


def test_without_objects_it_is_the_ground():
    ground = patches(2, (1, 4, 4))
    p = PatchMixture(torch.empty(0, 4, dtype=torch.float64), patches(2, (1, 2, 2)), ground)
    value = torch.rand(5, 1, 4, 4, dtype=torch.float64)
    each = torch.distributions.Normal(ground.mean, ground.scale).log_prob(value[:, None]).sum((-1, -2, -3))
    torch.testing.assert_close(p.log_prob(value), (ground.log_weights + each).logsumexp(-1))
    torch.testing.assert_close(p.mean, ground.average)
    assert p.sample((3,)).shape == (3, 1, 4, 4)


def test_draws_have_its_mean_and_variance():
    objects, ground, window = patches(2, (1, 2, 2)), patches(3, (1, 4, 4), seed=3), windows(2)
    p = PatchMixture(window, objects, ground)
    with seeded(0, torch.device("cpu")):
        drawn = p.sample((20_000,))
    error = drawn.std(0) / math.sqrt(len(drawn))
    assert ((drawn.mean(0) - p.mean).abs() < 4.5 * error).all()
    # under draws from p, p(x + d) / p(x) has the mean 1 for every d
    ratio = (p.log_prob(drawn + 0.05) - p.log_prob(drawn)).exp()
    assert float(ratio.mean()) == pytest.approx(1, abs=5 * float(ratio.std()) / math.sqrt(len(drawn)))


def test_gradients_move_windows_towards_what_they_should_own():
    """A bright square on black: a window too far left is drawn right, and one too small grows."""
    ground = Patches(torch.zeros(1), torch.zeros(1, 1, 16, 16), torch.full((1, 1, 16, 16), 0.2))
    bright = Patches(torch.zeros(1), torch.ones(1, 1, 4, 4), torch.full((1, 1, 4, 4), 0.2))
    x, y = grid(16, 16)
    image = ((x.abs() < 0.4) & (y.abs() < 0.4)).float()[None]
    side, left = torch.tensor(0.3, requires_grad=True), torch.tensor(-0.1, requires_grad=True)
    window = torch.stack([side, side, left, torch.tensor(0.0)])[None]
    PatchMixture(window, bright, ground).log_prob(image).backward()
    assert side.grad > 0
    assert left.grad > 0


def test_a_window_covers_the_pixels_whose_centres_it_holds():
    window = windows(7)
    found = covered(window, (5, 5))
    for k, y, x in np.ndindex(7, 5, 5):
        assert float(found[k, y, x]) == (owner_of(y, x, window[k : k + 1], 5) == 0)


# ------------------------------------------------------------------ the model


def built(shape=SHAPE, n_objects=2, **options):
    return untrained(MixtureSTOVE, shape, n_objects, components=3, **options)


def videos(n=3, shape=SHAPE):
    return noise_videos(n, shape)


def test_the_likelihood_of_a_path_is_that_of_its_frames():
    model, x = built(), videos()
    with torch.no_grad():
        trace = model.trace(x, 2)
        frames = model.decode(trace.z).base_dist
        total = sum(
            PatchMixture(model.windows(trace.z[:, :, t]), frames.objects, frames.ground).log_prob(x[:, t])
            for t in range(SHAPE[0])
        )
    torch.testing.assert_close(trace.log_likelihood, total)
    torch.testing.assert_close(model.decode(trace.z).mean, model.paint(trace.z))


def test_importance_weights_raise_the_bound():
    check_bound(built(), videos())


def test_every_part_learns_but_the_dynamics_which_rollouts_teach():
    check_learning(built(), videos())
