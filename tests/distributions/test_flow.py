"""A pushed-forward Gaussian: its density, what it remembers of its draws, its moments."""

from __future__ import annotations

import threading

import pytest
import torch
from scipy import stats
from torch.distributions import AffineTransform, ComposeTransform, ExpTransform, TransformedDistribution

from latentia.distributions import DiagonalGaussian, FlowDistribution, per_item_noise
from latentia.latent.flows import PlanarTransform


def base(*shape):
    generator = torch.Generator().manual_seed(3)
    loc = torch.randn(*shape, generator=generator, dtype=torch.float64)
    return DiagonalGaussian(loc, torch.rand(*shape, generator=generator, dtype=torch.float64) + 0.3)


def planar(*shape):
    generator = torch.Generator().manual_seed(4)
    u, w = (2 * torch.randn(*shape, generator=generator, dtype=torch.float64) for _ in range(2))
    return PlanarTransform(u, w, torch.randn(shape[:-1], generator=generator, dtype=torch.float64))


def test_density_is_that_of_torchs_transformed_distribution():
    exponential = ComposeTransform([AffineTransform(0.5, 0.7, event_dim=1), ExpTransform()])
    flow = FlowDistribution(base(4, 2), exponential.with_cache(0))
    oracle = TransformedDistribution(base(4, 2), exponential)
    z = oracle.sample((5,))
    torch.testing.assert_close(flow.log_prob(z), oracle.log_prob(z))
    one = stats.lognorm(
        s=0.7 * base(4, 2).scale[0, 0].item(), scale=torch.exp(0.5 + 0.7 * base(4, 2).loc[0, 0]).item()
    )
    alone = FlowDistribution(DiagonalGaussian(base(4, 2).loc[:1, :1], base(4, 2).scale[:1, :1]), exponential)
    assert alone.log_prob(torch.tensor([[2.0]], dtype=torch.float64)).item() == pytest.approx(one.logpdf(2.0))


def test_density_of_own_draws_is_remembered_and_agrees_with_the_inverse():
    flow = FlowDistribution(base(4, 3), planar(4, 3))
    z, other = flow.rsample((5,)), flow.rsample((2,))
    torch.testing.assert_close(flow.log_prob(z), flow.log_prob(z.clone()))
    torch.testing.assert_close(flow.log_prob(other), flow.log_prob(other.clone()))
    flow.push = None  # no map is needed any more
    assert flow.log_prob(z).shape == (5, 4)
    assert flow.log_prob(other).shape == (2, 4)


def test_threads_that_draw_at_once_do_not_mix_their_densities():
    flow = FlowDistribution(base(4, 3), planar(4, 3))
    wrong = []

    def work(seed):
        for i in range(20):
            with per_item_noise(torch.arange(4), seed, first_sample=i):
                z = flow.rsample((3,))
            if not torch.allclose(flow.log_prob(z), flow.log_prob(z.clone())):
                wrong.append((seed, i))

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_gradient_reaches_base_and_map_through_draws_and_densities():
    loc = torch.zeros(4, 2, requires_grad=True)
    u = torch.ones(2, requires_grad=True)
    push = PlanarTransform(u, torch.tensor([1.0, 0.5]), torch.tensor(0.1))
    flow = FlowDistribution(DiagonalGaussian(loc, torch.ones(4, 2)), push)
    for value in (flow.rsample((3,)), torch.randn(3, 4, 2)):
        gradients = torch.autograd.grad(flow.log_prob(value).sum() + value.sum(), (loc, u), retain_graph=True)
        assert all(g.abs().sum() > 0 for g in gradients)
    assert not flow.sample((3,)).requires_grad


def test_moments_are_exact_for_affine_maps_and_close_for_bent_ones():
    gauss = base(6, 5)
    shift = torch.arange(5.0, dtype=torch.float64)
    affine = FlowDistribution(gauss, AffineTransform(shift, -1.7, event_dim=1))
    torch.testing.assert_close(affine.mean, shift - 1.7 * gauss.mean)
    torch.testing.assert_close(affine.stddev, 1.7 * gauss.stddev)
    bent = FlowDistribution(gauss, planar(6, 5))
    torch.manual_seed(0)
    draws = bent.sample((20_000,))
    error = (bent.mean - draws.mean(0)) / draws.std(0)
    assert error.abs().max() < 0.5
    assert error.square().mean().sqrt() < 0.15  # 32 independent draws would err by 0.18
    assert torch.equal(bent.mean, bent.mean)


def test_noise_of_an_item_is_its_own():
    flow = FlowDistribution(base(4, 3), planar(4, 3))
    keys = torch.tensor([5, 6, 7, 8])
    with per_item_noise(keys, seed=1):
        whole = flow.rsample((6,))
    part = FlowDistribution(
        DiagonalGaussian(flow.base.loc[2:], flow.base.scale[2:]),
        PlanarTransform(planar(4, 3).u[2:] * 0 + _raw_u()[2:], planar(4, 3).w[2:], planar(4, 3).b[2:]),
    )
    with per_item_noise(keys[2:], seed=1, first_sample=4):
        torch.testing.assert_close(part.rsample((2,)), whole[4:, 2:])


def _raw_u():
    return 2 * torch.randn(4, 3, generator=torch.Generator().manual_seed(4), dtype=torch.float64)


def test_half_precision_around_it_does_not_touch_the_density():
    layer = torch.nn.Linear(2, 2)

    class Push(torch.distributions.Transform):
        domain = codomain = torch.distributions.constraints.real_vector
        bijective = True

        def call_and_ladj(self, x):
            y = layer(x)
            return y, torch.linalg.slogdet(layer.weight.float()).logabsdet.expand(y.shape[:-1])

    with torch.autocast("cpu", dtype=torch.bfloat16):
        flow = FlowDistribution(DiagonalGaussian(torch.zeros(3, 2), torch.ones(3, 2)), Push())
        z = flow.rsample((4,))
        assert z.dtype == torch.float32
        assert flow.log_prob(z).dtype == torch.float32
