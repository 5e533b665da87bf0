"""What every autoregressive density must keep; a new entry of the registry is covered without a new test."""

from __future__ import annotations

import itertools

import pytest
import torch
from torch.nn import functional as F

from latentia.errors import ConfigError, DataError
from latentia.latent.autoregressive import DENSITIES, build_density

pytestmark = pytest.mark.parametrize("name", DENSITIES)

CONVOLUTIONS = {"n_channels": 12, "n_layers": 3, "kernel_size": 3, "first_kernel_size": 5}
SMALL = {
    "pixelcnn": CONVOLUTIONS,
    "gated-pixelcnn": CONVOLUTIONS,
    "pixelcnn++": {**CONVOLUTIONS, "n_components": 3},
    "row-lstm": {"n_channels": 6, "n_layers": 2, "first_kernel_size": 5},
    "diagonal-bilstm": {"n_channels": 6, "n_layers": 2, "first_kernel_size": 5},
    "causal-transformer": {"n_channels": 8, "n_layers": 2, "n_heads": 2},
}
SHAPES = [(1, 1, 1), (1, 1, 6), (1, 5, 1), (1, 4, 6), (1, 7, 7), (3, 1, 1), (3, 3, 4)]
CONTEXTS = {"none": (0, 0), "vector": (3, 0), "map": (0, 2), "both": (3, 2)}


def build(name, shape, n_levels=4, n_context=0, n_map=0, **options):
    """A small density in float64 whose logits are far from uniform."""
    torch.manual_seed(1)
    density = build_density(
        name, shape, n_levels, n_context=n_context, n_map=n_map, **{**SMALL.get(name, {}), **options}
    ).double()
    with torch.no_grad():
        for parameter in density.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
    return density


def draw_context(kind, n, shape):
    n_context, n_map = CONTEXTS[kind]
    vector = torch.randn(n, n_context, dtype=torch.float64)
    maps = torch.randn(n, n_map, *shape[1:], dtype=torch.float64)
    return {"none": None, "vector": vector, "map": maps, "both": (vector, maps)}[kind]


def gumbel_noise(n, shape, n_levels):
    return -torch.empty(n, *shape, n_levels, dtype=torch.float64).exponential_().log()


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_fast_and_slow_sampler_agree(name, shape):
    density = build(name, shape)
    noise = gumbel_noise(3, shape, 4)
    fast = density.sample(3, noise=noise)
    assert torch.equal(fast, density.slow_sample(3, noise=noise))
    torch.testing.assert_close(walked_logits(density, fast), density.logits(fast), rtol=0, atol=1e-12)


@pytest.mark.parametrize("kind", ["vector", "map", "both"])
@pytest.mark.parametrize("shape", [(1, 3, 5), (3, 3, 2)], ids=str)
def test_samplers_agree_with_a_context(name, kind, shape):
    n_context, n_map = CONTEXTS[kind]
    density = build(name, shape, n_context=n_context, n_map=n_map)
    context, noise = draw_context(kind, 2, shape), gumbel_noise(2, shape, 4)
    fast = density.sample(2, context=context, noise=noise)
    assert torch.equal(fast, density.slow_sample(2, context=context, noise=noise))
    walked = walked_logits(density, fast, context)
    torch.testing.assert_close(walked, density.logits(fast, context), rtol=0, atol=1e-12)
    other = tuple(2 * part for part in context) if isinstance(context, tuple) else 2 * context
    assert not torch.equal(density.log_prob(fast, context), density.log_prob(fast, other))


def walked_logits(density, x, context=None):
    """The cached logits of given images."""
    channels, height, width = density.event_shape
    found = torch.empty(*x.shape, density.n_levels, dtype=torch.float64)
    with torch.no_grad():
        walk = density.walk(x, density.context_parts(context, len(x)))
        for r in range(height):
            walk.row(r)
            for c, channel in itertools.product(range(width), range(channels)):
                found[:, channel, r, c] = walk.logits(r, c, channel)
    return found


@pytest.mark.parametrize("shape", [(1, 5, 6), (3, 3, 4)], ids=str)
def test_no_logit_sees_its_own_number_or_a_later_one(name, shape):
    density = build(name, shape)
    x = torch.randint(4, (8, *shape))
    order = [(ch, r, c) for r in range(shape[1]) for c in range(shape[2]) for ch in range(shape[0])]
    raster = torch.arange(len(order)).reshape(shape[1], shape[2], shape[0]).permute(2, 0, 1)
    with torch.no_grad():
        before = density.logits(x)
        for i, (ch, r, c) in enumerate(order):
            flipped = x.clone()
            flipped[:, ch, r, c] = (flipped[:, ch, r, c] + 2) % 4
            changed = (density.logits(flipped) - before).abs().amax((0, -1))
            assert float(changed[raster <= i].max()) <= 1e-12
            if (i + 1) % (shape[0] * shape[2]):  # the next number, where it is in the same row, sees this one
                assert float(changed[raster == i + 1].max()) > 1e-9


@pytest.mark.parametrize("kind", CONTEXTS)
def test_probabilities_of_all_images_sum_to_one(name, kind):
    n_context, n_map = CONTEXTS[kind]
    density = build(name, (1, 2, 2), n_context=n_context, n_map=n_map)
    images = torch.tensor(list(itertools.product(range(4), repeat=4))).reshape(-1, 1, 2, 2)
    context = draw_context(kind, 1, (1, 2, 2))
    if context is not None:
        expand = lambda part: part.expand(len(images), *part.shape[1:])  # noqa: E731
        context = tuple(map(expand, context)) if isinstance(context, tuple) else expand(context)
    total = float(density.log_prob(images, context).detach().exp().sum())
    assert abs(total - 1) < 1e-10


def test_probabilities_over_colours_sum_to_one(name):
    density = build(name, (3, 1, 2), n_levels=3)
    images = torch.tensor(list(itertools.product(range(3), repeat=6))).reshape(-1, 3, 1, 2)
    assert abs(float(density.log_prob(images).detach().exp().sum()) - 1) < 1e-10


def test_log_prob_is_the_sum_of_chosen_log_softmax(name):
    density = build(name, (3, 3, 2))
    x = torch.randint(4, (5, 3, 3, 2))
    chosen = F.log_softmax(density.logits(x), -1).gather(-1, x[..., None])[..., 0]
    torch.testing.assert_close(density.log_prob(x), chosen.flatten(1).sum(1), rtol=0, atol=1e-11)


def test_completion_keeps_what_is_given_and_draws_the_rest(name):
    density = build(name, (1, 4, 5))
    given = torch.randint(4, (1, 4, 5))
    mask = torch.zeros(4, 5, dtype=torch.bool)
    mask[:2] = True
    mask[3, 1] = True
    noise = gumbel_noise(6, (1, 4, 5), 4)
    done = density.sample(6, given=given, mask=mask, noise=noise)
    assert (done[:, 0, mask] == given[0, mask]).all()
    assert len(done.unique(dim=0)) > 1
    assert torch.equal(done, density.slow_sample(6, given=given, mask=mask, noise=noise))


def test_zero_temperature_takes_the_mode_of_each_number(name):
    density = build(name, (1, 3, 3))
    first, second = density.sample(2, temperature=0.0)
    assert torch.equal(first, second)
    torch.testing.assert_close(density.logits(first[None]).argmax(-1)[0], first)
    noise = gumbel_noise(4, (1, 3, 3), 4)
    warm = density.sample(4, temperature=0.7, noise=noise)
    assert torch.equal(warm, density.slow_sample(4, temperature=0.7, noise=noise))


def test_sampled_frequencies_are_the_probabilities(name):
    density = build(name, (1, 1, 2), n_levels=2)
    images = torch.tensor(list(itertools.product(range(2), repeat=2))).reshape(-1, 1, 1, 2)
    p = density.log_prob(images).exp().detach()
    n = 20_000
    drawn = density.sample(n).flatten(1)
    observed = torch.bincount(2 * drawn[:, 0] + drawn[:, 1], minlength=4) / n
    assert ((observed - p).abs() < 4.5 * (p * (1 - p) / n).sqrt() + 1e-9).all()


def test_gradient_reaches_every_weight_that_matters(name):
    density = build(name, (1, 5, 5), n_context=2)
    density.log_prob(torch.randint(4, (3, 1, 5, 5)), torch.randn(3, 2, dtype=torch.float64)).sum().backward()
    for path, parameter in density.named_parameters():
        assert parameter.grad is not None, path
        assert torch.isfinite(parameter.grad).all(), path


def test_single_precision_one_level_and_no_image(name):
    density = build(name, (1, 2, 2), n_levels=1).float()
    x = torch.zeros(2, 1, 2, 2, dtype=torch.long)
    assert density.log_prob(x).tolist() == [0.0, 0.0]
    assert density.sample(0).shape == (0, 1, 2, 2)
    assert build(name, (1, 2, 2)).float().log_prob(x).dtype == torch.float32


def test_wrong_arguments_are_named(name):
    density = build(name, (1, 3, 3), n_context=2)
    x, h = torch.zeros(2, 1, 3, 3, dtype=torch.long), torch.zeros(2, 2, dtype=torch.float64)
    with pytest.raises(DataError, match="integer"):
        density.logits(x.double(), h)
    with pytest.raises(DataError, match="shape"):
        density.logits(x[:, :, :2], h)
    with pytest.raises(ConfigError, match="context"):
        density.logits(x)
    with pytest.raises(ConfigError, match="context"):
        density.sample(3, context=h)
    with pytest.raises(ConfigError, match="go together"):
        density.sample(2, context=h, given=x)
    with pytest.raises(ConfigError, match=r"0 \.\.\. 3"):
        density.sample(2, context=h, given=x + 4, mask=torch.ones(3, 3))
    with pytest.raises(ConfigError, match="noise"):
        density.sample(2, context=h, noise=torch.zeros(2))
    with pytest.raises(ConfigError, match="temperature"):
        density.sample(2, context=h, temperature=-1.0)
    with pytest.raises(ConfigError, match="event_shape"):
        build_density(name, (3, 3), 4)
    with pytest.raises(ConfigError, match="n_levels"):
        build_density(name, (1, 3, 3), 0)
    with pytest.raises(ConfigError, match="no_such_option"):
        build_density(name, (1, 3, 3), 4, no_such_option=1)
