"""The diagonal Gaussian and the point mass against torch's own classes."""

import pytest
import torch
from torch.distributions import Independent, Laplace, Normal, kl_divergence

from latentia.distributions import Delta, DiagonalGaussian


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(
    ("loc_shape", "scale_shape", "event_ndims"),
    [
        ((4, 3), (4, 3), 1),
        ((2, 4, 3), (3,), 1),
        ((4, 3, 5, 6), (3, 1, 1), 3),
        ((4, 3, 5, 6), (1, 1, 1), 3),
        ((4, 3), (), 1),
        ((7,), (7,), 0),
        ((3,), (4, 3), 1),
        ((4, 2, 2), (4, 1, 1), 2),
    ],
)
def test_it_agrees_with_independent_normals(dtype, loc_shape, scale_shape, event_ndims):
    generator = torch.Generator().manual_seed(0)
    loc = torch.randn(loc_shape, generator=generator, dtype=dtype)
    scale = torch.rand(scale_shape, generator=generator, dtype=dtype) + 0.1
    ours = DiagonalGaussian(loc, scale, event_ndims)
    theirs = Independent(Normal(*torch.broadcast_tensors(loc, scale)), event_ndims)
    assert ours.batch_shape == theirs.batch_shape
    assert ours.event_shape == theirs.event_shape
    x = ours.sample((6,))
    assert x.shape == theirs.sample((6,)).shape
    for name in ("mean", "stddev", "variance", "mode"):
        torch.testing.assert_close(getattr(ours, name), getattr(theirs, name))
    torch.testing.assert_close(ours.log_prob(x), theirs.log_prob(x))
    torch.testing.assert_close(ours.entropy(), theirs.entropy())
    wider = (3, *ours.batch_shape)
    torch.testing.assert_close(ours.expand(wider).log_prob(x[0]), theirs.expand(wider).log_prob(x[0]))
    assert ours.expand(wider).rsample((2,)).shape == (2, *wider, *ours.event_shape)


def test_samples_have_the_moments_and_carry_gradients():
    torch.manual_seed(0)
    loc = torch.tensor([1.0, -2.0], requires_grad=True)
    scale = torch.tensor([0.5, 3.0], requires_grad=True)
    x = DiagonalGaussian(loc.expand(100_000, 2), scale).rsample()
    torch.testing.assert_close(x.mean(0), loc, atol=0.05, rtol=0)
    torch.testing.assert_close(x.std(0), scale, rtol=0.02, atol=0)
    x.sum().backward()
    torch.testing.assert_close(loc.grad, torch.full((2,), 1e5))
    assert not DiagonalGaussian(loc, scale).sample().requires_grad


def test_divergences_are_torchs():
    a, b = (DiagonalGaussian(torch.randn(4, 3), torch.rand(4, 3) + 0.1) for _ in range(2))
    ia, ib = (Independent(d.base, 1) for d in (a, b))
    expected = kl_divergence(ia, ib)
    for pair in ((a, b), (a, ib), (ia, b)):
        torch.testing.assert_close(kl_divergence(*pair), expected)
    torch.testing.assert_close(kl_divergence(a, a), torch.zeros(4))
    laplace = Independent(Laplace(torch.zeros(3), torch.ones(3)), 1)
    assert kl_divergence(laplace, b).shape == (4,)


def test_bad_parameters_and_values_are_refused_when_asked():
    with pytest.raises(ValueError, match="scale"):
        DiagonalGaussian(torch.zeros(2), torch.tensor([1.0, -1.0]), validate_args=True)
    with pytest.raises(ValueError, match=r"support|shape"):
        DiagonalGaussian(torch.zeros(2), torch.ones(2), validate_args=True).log_prob(torch.zeros(3))


def test_the_point_mass_is_a_point():
    value = torch.randn(4, 3, requires_grad=True)
    q = Delta(value)
    assert (q.batch_shape, q.event_shape) == ((4,), (3,))
    assert torch.equal(q.rsample((5,)), value.expand(5, 4, 3))
    assert q.rsample().requires_grad
    assert not q.sample().requires_grad
    assert torch.equal(q.mean, value)
    assert torch.equal(q.stddev, torch.zeros(4, 3))
    assert torch.equal(q.log_prob(value), torch.zeros(4))
    other = value.detach().clone()
    other[1, 2] += 1
    assert q.log_prob(other).tolist() == [0.0, -torch.inf, 0.0, 0.0]
    assert q.expand((2, 4)).sample().shape == (2, 4, 3)
    assert Delta(torch.zeros(2, 3, 4), event_ndims=2).log_prob(torch.zeros(2, 3, 4)).shape == (2,)
    assert Delta(torch.zeros(2), event_ndims=0).log_prob(torch.zeros(2)).shape == (2,)
