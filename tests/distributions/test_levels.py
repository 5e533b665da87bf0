"""Distributions over pixel levels: they sum to one, agree with SciPy, sample what they say, and never give NaN."""

import itertools
import math

import numpy as np
import pytest
import torch
from scipy import special, stats

from latentia.distributions import CategoricalLevels, DiscretizedLogistic, DiscretizedLogisticMixture

GRID = torch.arange(256, dtype=torch.float64) / 255
LOCS = [-1e3, -2.0, -0.001, 0.0, 0.3, 100.2 / 255, 0.999, 1.0, 1.5, 1e3]
LOG_SCALES = [-12.0, -7.7, -4.0, -1.0, 3.0]


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-5), (torch.float64, 1e-12)])
def test_logistic_probabilities_sum_to_one(dtype, tolerance):
    loc, log_scale = (torch.tensor(v, dtype=dtype) for v in (LOCS, LOG_SCALES))
    p = DiscretizedLogistic(loc[:, None], log_scale, validate_args=True)
    log_p = p.log_prob(GRID.to(dtype)[:, None, None])
    assert log_p.isfinite().all()
    torch.testing.assert_close(log_p.exp().sum(0), torch.ones(10, 5, dtype=dtype), atol=tolerance, rtol=0)


def test_logistic_agrees_with_scipy_where_scipy_can():
    for loc, log_scale in itertools.product([-0.1, 0.3, 0.8], [-4.0, -2.0, 1.0]):
        upper = stats.logistic.cdf(np.append(GRID[:-1].numpy() + 0.5 / 255, np.inf), loc, math.exp(log_scale))
        expected = np.diff(np.insert(upper, 0, 0.0))
        ours = DiscretizedLogistic(torch.tensor(loc, dtype=torch.float64), torch.tensor(log_scale)).log_prob(
            GRID
        )
        good = expected > 1e-6
        np.testing.assert_allclose(ours.numpy()[good], np.log(expected[good]), rtol=1e-6)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_logistic_gradients_are_finite_at_extremes(dtype):
    loc = torch.tensor(LOCS, dtype=dtype)[:, None].expand(10, 5).clone().requires_grad_()
    log_scale = torch.tensor(LOG_SCALES, dtype=dtype).expand(10, 5).clone().requires_grad_()
    p = DiscretizedLogistic(loc, log_scale)
    (p.log_prob(GRID.to(dtype)[:, None, None]).sum() + p.mean.sum()).backward()
    assert loc.grad.isfinite().all()
    assert log_scale.grad.isfinite().all()


def test_logistic_gradcheck():
    loc = torch.tensor([-0.2, 0.0, 0.31, 0.7, 1.1], dtype=torch.float64, requires_grad=True)
    log_scale = torch.tensor([-6.0, -4.0, -3.0, -1.0, 1.0], dtype=torch.float64, requires_grad=True)
    x = GRID[[0, 1, 79, 179, 255]][:, None]
    assert torch.autograd.gradcheck(lambda a, b: DiscretizedLogistic(a, b).log_prob(x), (loc, log_scale))


def test_float32_agrees_with_float64():
    generator = torch.Generator().manual_seed(0)
    loc = torch.rand(2000, generator=generator)
    log_scale = torch.rand(2000, generator=generator) * 6 - 6
    narrow = DiscretizedLogistic(loc, log_scale).log_prob(GRID.float()[:, None])
    wide = DiscretizedLogistic(loc.double(), log_scale.double()).log_prob(GRID[:, None])
    torch.testing.assert_close(narrow.double(), wide, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("levels", [2, 3, 256])
def test_logistic_mean_is_within_half_a_level_and_better_for_wide_scales(levels):
    grid = torch.arange(levels, dtype=torch.float64)[:, None, None] / (levels - 1)
    p = DiscretizedLogistic(
        torch.linspace(-1, 2, 31, dtype=torch.float64)[:, None], torch.tensor([-9.0, -5.0, 0.0]), levels
    )
    exact = (p.log_prob(grid).exp() * grid).sum(0)
    assert (p.mean - exact).abs().max() <= 0.5 / (levels - 1) + 1e-9
    if levels == 256:
        scale = p.log_scale[:, 1:].exp()
        # The midpoint rule's error for a sum over cells of width 1/255, whose integrand's slope is at most 1/(4 s).
        assert ((p.mean - exact)[:, 1:].abs() <= 1.1 / (255**2 * 96 * scale) + 1e-12).all()


def test_off_grid_values_count_as_their_nearest_level():
    p = DiscretizedLogistic(torch.tensor(0.4), torch.tensor(-3.0))
    assert p.log_prob(torch.tensor(100.4 / 255)) == p.log_prob(torch.tensor(100 / 255))


def chi_square(levels, log_p):
    """p-value of drawn level indices against their stated probabilities, rare levels pooled."""
    expected = log_p.exp().double().numpy() * len(levels)
    observed = np.bincount(levels, minlength=len(expected)).astype(float)
    common = expected > 5
    observed = np.append(observed[common], observed[~common].sum())
    expected = np.append(expected[common], expected[~common].sum())
    if expected[-1] < 1e-9:
        observed, expected = observed[:-1], expected[:-1]
    return stats.chisquare(observed, expected * observed.sum() / expected.sum()).pvalue


def as_levels(x, levels):
    index = x * (levels - 1)
    assert (index - index.round()).abs().max() < 1e-4
    return index.round().long().numpy()


def test_logistic_samples_are_levels_with_the_stated_frequencies():
    torch.manual_seed(0)
    for loc, log_scale in ((0.05, -2.5), (0.5, -3.5), (0.93, -1.0)):
        p = DiscretizedLogistic(torch.tensor(loc), torch.tensor(log_scale), 16)
        levels = as_levels(p.sample((20_000,)), 16)
        assert chi_square(levels, p.log_prob(torch.arange(16) / 15)) > 1e-3
    assert DiscretizedLogistic(torch.zeros(3, 1), torch.zeros(4)).expand((2, 3, 4)).sample((5,)).shape == (
        5,
        2,
        3,
        4,
    )


def mixture(event, k=4, levels=8, batch=(), seed=0, dtype=torch.float64, chain=False, scale=-1.5):
    g = torch.Generator().manual_seed(seed)

    def normal(*shape):
        return torch.randn(shape, generator=g, dtype=dtype)

    loc = 0.5 + 0.4 * normal(*batch, k, *event)
    log_scale = scale + 0.5 * normal(*batch, k, *event)
    logits = normal(*batch, k, 1, *event[1:]) if chain else normal(*batch, k, *event)
    coefficients = torch.tanh(2 * normal(*batch, k, *event)) if chain else None
    return DiscretizedLogisticMixture(
        logits, loc, log_scale, coefficients, len(event), levels, validate_args=True
    )


def all_rgb(levels, dtype=torch.float64):
    axis = torch.arange(levels, dtype=dtype) / (levels - 1)
    return torch.cartesian_prod(axis, axis, axis).reshape(-1, 3, 1, 1)


@pytest.mark.parametrize("scale", [-7.0, -1.5, 2.0])
@pytest.mark.parametrize("chain", [False, True])
def test_mixture_over_all_rgb_values_sums_to_one(chain, scale):
    p = mixture((3, 1, 1), chain=chain, scale=scale)
    assert p.log_prob(all_rgb(8)).exp().sum().item() == pytest.approx(1, abs=1e-9)


def test_mixture_without_chain_is_the_product_of_elementwise_mixtures():
    p = mixture((2, 3), levels=256)
    x = (torch.randint(0, 256, (5, 2, 3)) / 255).double()
    components = DiscretizedLogistic(p.loc, p.log_scale).log_prob(x[:, None]).numpy()
    weights = special.log_softmax(p.logits.numpy(), 0)
    expected = special.logsumexp(components + weights, 1).sum((1, 2))
    np.testing.assert_allclose(p.log_prob(x).numpy(), expected)


def test_chained_mixture_agrees_with_a_loop():
    p = mixture((3, 2, 2), levels=256, chain=True)
    x = (torch.randint(0, 256, (3, 2, 2)) / 255).double()
    total = 0.0
    for i, j in itertools.product(range(2), range(2)):
        terms = []
        for k in range(4):
            r, g, _ = (x[:, i, j] - 0.5).tolist()
            c = p.coefficients[k, :, i, j]
            locs = p.loc[k, :, i, j] + torch.stack([0 * c[0], c[0] * r, c[1] * r + c[2] * g])
            terms.append(DiscretizedLogistic(locs, p.log_scale[k, :, i, j]).log_prob(x[:, i, j]).sum())
        total += torch.logsumexp(torch.stack(terms) + p.logits[:, 0, i, j].log_softmax(0), 0)
    assert p.log_prob(x).item() == pytest.approx(total.item(), rel=1e-10)


@pytest.mark.parametrize("chain", [False, True])
def test_mixture_samples_have_the_stated_frequencies(chain):
    torch.manual_seed(0)
    p = mixture((3, 1, 1), levels=4, chain=chain)
    x = p.sample((30_000,))
    assert x.shape == (30_000, 3, 1, 1)
    index = as_levels(x.flatten(1), 4) @ np.array([16, 4, 1])
    assert chi_square(index, p.log_prob(all_rgb(4))) > 1e-3
    assert (p.mean - x.mean(0)).abs().max() < 0.1  # clipping in the chain is approximated


def test_mixture_mean_without_chain_is_close_to_the_exact_one():
    p = mixture((3,), levels=256)
    exact = torch.stack([(DiscretizedLogistic(p.loc, p.log_scale).log_prob(g).exp() * g) for g in GRID]).sum(
        0
    )
    torch.testing.assert_close(p.mean, (p.logits.softmax(0) * exact).sum(0), atol=1e-5, rtol=0)


@pytest.mark.parametrize("chain", [False, True])
def test_mixture_shapes_gradients_and_extremes(chain):
    p = mixture((3, 2, 5), batch=(4,), levels=256, chain=chain, dtype=torch.float32)
    assert (p.batch_shape, p.event_shape) == ((4,), (3, 2, 5))
    x = p.sample((6,))
    assert x.shape == (6, 4, 3, 2, 5)
    assert p.log_prob(x).shape == (6, 4)
    assert p.mean.shape == (4, 3, 2, 5)
    wide = p.expand((7, 4))
    assert wide.sample((2,)).shape == (2, 7, 4, 3, 2, 5)
    torch.testing.assert_close(wide.log_prob(x[0])[3], p.log_prob(x[0]))
    parameters = [
        torch.full_like(t, v).requires_grad_()
        for t, v in ((p.logits, 1e4), (p.loc, -500.0), (p.log_scale, -12.0))
    ]
    coefficients = p.coefficients if chain else None
    q = DiscretizedLogisticMixture(*parameters, coefficients, 3)
    for edge in (0.0, 0.5, 1.0):
        value = q.log_prob(torch.full((4, 3, 2, 5), edge))
        assert value.isfinite().all()
        for gradient in torch.autograd.grad(value.sum(), parameters, retain_graph=True):
            assert gradient.isfinite().all()


def test_mixture_gradcheck():
    p = mixture((3, 1, 2), k=2, chain=True)
    tensors = [t.clone().requires_grad_() for t in (p.logits, p.loc, p.log_scale, p.coefficients)]
    x = torch.tensor([0.0, 3 / 7, 1.0, 1 / 7, 6 / 7, 0.0], dtype=torch.float64).reshape(3, 1, 2)
    assert torch.autograd.gradcheck(lambda *t: DiscretizedLogisticMixture(*t, 3, 8).log_prob(x), tensors)


def test_a_chain_needs_three_channels():
    z = torch.zeros(2, 1, 4, 4)
    with pytest.raises(ValueError, match=r"\[3, H, W\], not \[1, 4, 4\]"):
        DiscretizedLogisticMixture(z, z, z, z, 3)


def test_categorical_levels():
    torch.manual_seed(0)
    logits = 2 * torch.randn(3, 5, dtype=torch.float64)
    p = CategoricalLevels(logits, validate_args=True)
    grid = torch.arange(5, dtype=torch.float64)[:, None] / 4
    log_p = p.log_prob(grid)
    np.testing.assert_allclose(log_p.numpy(), special.log_softmax(logits.numpy(), 1).T)
    torch.testing.assert_close(p.mean, (log_p.exp() * grid).sum(0))
    x = p.sample((20_000,))
    for i in range(3):
        assert chi_square(as_levels(x[:, i], 5), log_p[:, i]) > 1e-3
    assert p.expand((2, 3)).sample((4,)).shape == (4, 2, 3)
    torch.testing.assert_close(p.expand((2, 3)).log_prob(x[:2]), p.log_prob(x[:2]))
    extreme = torch.tensor([1e30, -1e30, 0.0, 5.0], requires_grad=True)
    CategoricalLevels(extreme).log_prob(torch.tensor(1.0)).backward()
    assert extreme.grad.isfinite().all()
