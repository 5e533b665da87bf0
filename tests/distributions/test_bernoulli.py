"""The fused Bernoulli vector against torch's own in float64: values, gradients, gradients of gradients, broadcasting."""

import pytest
import torch
from torch.distributions import Bernoulli, Independent

from latentia.distributions import IndependentBernoulli

SHAPES = [
    ((5, 7, 3), (7, 3), 1),
    ((4, 2, 1, 3, 3), (2, 1, 3, 3), 3),
    ((6,), (2, 6), 1),
    ((3, 1, 4), (3, 5, 4), 1),
]


@pytest.mark.parametrize(("shape", "value_shape", "ndims"), SHAPES)
@pytest.mark.parametrize("binary", [True, False])
def test_values_and_gradients_are_those_of_torch(shape, value_shape, ndims, binary):
    torch.manual_seed(0)
    logits = (4 * torch.randn(shape, dtype=torch.float64)).requires_grad_()
    value = torch.rand(value_shape, dtype=torch.float64)
    value = (value.round() if binary else value).requires_grad_()
    plain = Independent(Bernoulli(logits=logits, validate_args=False), ndims, validate_args=False)
    expected = plain.log_prob(value)
    got = IndependentBernoulli(logits, ndims).log_prob(value)
    torch.testing.assert_close(got, expected, rtol=1e-12, atol=1e-12)
    weights = torch.randn_like(got)
    for mine, theirs in zip(
        torch.autograd.grad((got * weights).sum(), (logits, value)),
        torch.autograd.grad((expected * weights).sum(), (logits, value)),
        strict=True,
    ):
        torch.testing.assert_close(mine, theirs, rtol=1e-10, atol=1e-12)


def test_gradients_by_differences_to_second_order():
    torch.manual_seed(1)
    logits = torch.randn(2, 3, 4, dtype=torch.float64, requires_grad=True)
    value = torch.rand(3, 4, dtype=torch.float64, requires_grad=True)

    def log_prob(a, b):
        return IndependentBernoulli(a, 1).log_prob(b)

    assert torch.autograd.gradcheck(log_prob, (logits, value))
    assert torch.autograd.gradgradcheck(log_prob, (logits, value))


def test_large_logits_neither_overflow_nor_lose_the_tail():
    logits = torch.tensor([[300.0, -300.0, 90.0]], requires_grad=True)
    log_prob = IndependentBernoulli(logits, 1).log_prob(torch.tensor([0.0, 0.0, 1.0]))
    assert log_prob.item() == -300.0
    log_prob.backward()
    assert logits.grad.tolist() == [[-1.0, 0.0, 0.0]]


def test_expanding_keeps_the_class_and_sampling_is_torchs():
    p = IndependentBernoulli(torch.tensor([30.0, -30.0]), 1).expand([4])
    assert isinstance(p, IndependentBernoulli)
    assert (p.batch_shape, p.event_shape) == ((4,), (2,))
    assert torch.equal(p.sample((3,)), torch.tensor([1.0, 0.0]).expand(3, 4, 2))
    assert p.log_prob(torch.tensor([1.0, 0.0])).shape == (4,)


@pytest.mark.parametrize("shape", [(7, 5, 11, 3), (1, 60, 11), (2, 200), (300,)])
def test_blocks_are_the_whole(shape, monkeypatch):
    torch.manual_seed(2)
    logits = 5 * torch.randn(shape, dtype=torch.float64)
    value = torch.rand(shape[1:] if len(shape) > 2 else shape, dtype=torch.float64).round()
    ndims = max(1, len(shape) - 2)
    monkeypatch.setattr("latentia.distributions.bernoulli._BLOCK", 40)
    got = IndependentBernoulli(logits, ndims).log_prob(value)
    expected = Independent(Bernoulli(logits=logits, validate_args=False), ndims).log_prob(value)
    torch.testing.assert_close(got, expected, rtol=1e-12, atol=1e-12)
