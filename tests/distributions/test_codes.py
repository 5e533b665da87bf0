from __future__ import annotations

import torch

from latentia.distributions import CategoricalCodes, PointCodes, per_item_noise


def log_q():
    return torch.randn(4, 3, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64).log_softmax(
        -1
    )


def test_categorical_codes_are_torchs():
    q = CategoricalCodes(log_q())
    reference = torch.distributions.Independent(torch.distributions.Categorical(logits=log_q()), 1)
    z = reference.sample((6,))
    torch.testing.assert_close(q.log_prob(z), reference.log_prob(z))
    assert torch.equal(q.mode, reference.mode)
    torch.manual_seed(0)
    drawn = q.sample((20_000,))
    share = torch.nn.functional.one_hot(drawn, 5).double().mean(0)
    p = log_q().exp()
    assert ((share - p).abs() < 5 * (p * (1 - p) / 20_000).sqrt()).all()


def test_draws_are_a_function_of_the_item():
    keys = torch.arange(4)
    with per_item_noise(keys, seed=0):
        whole = CategoricalCodes(log_q()).rsample((6,))
    with per_item_noise(keys[2:], seed=0, first_sample=4):
        part = CategoricalCodes(log_q()[2:]).rsample((2,))
    assert torch.equal(part, whole[4:, 2:])


def test_sharp_distributions_draw_their_code():
    sharp = torch.full((1, 1, 5), -1e4)
    sharp[..., 4] = 0.0
    assert (CategoricalCodes(sharp).sample((1000,)) == 4).all()


def test_point_codes_have_a_probability():
    q = PointCodes(torch.tensor([[1, 2], [0, 0]]))
    assert q.rsample((3,)).shape == (3, 2, 2)
    assert torch.equal(q.log_prob(q.sample((3,))), torch.zeros(3, 2))
    assert torch.equal(q.log_prob(torch.tensor([[1, 1], [0, 0]])), torch.tensor([-torch.inf, 0.0]))
