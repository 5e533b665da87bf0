"""Transducers: normalised probabilities, made-up inputs, and when they are learned from."""

from __future__ import annotations

import itertools
import math

import pytest
import torch

from latentia.models.transducer import Transducer
from latentia.training.randomness import seeded

ROWS = torch.tensor([[2, 1, 0, 2, 1, 0, 1, 0, -1], [1, 0, -1, 1, 0, -1, 2, 2, 0]])


@pytest.fixture
def model():
    torch.manual_seed(1)
    return Transducer(3, 3, (3, 3), 4, 3, 0.0).double().eval()


def test_probabilities_of_all_outputs_sum_to_one(model):
    """Those of at most 4 tokens, and what is left for longer ones."""
    x = torch.tensor([[2, 1, 0]])
    total = 0.0
    for length in range(4):
        for body in itertools.product((1, 2), repeat=length):
            total += math.exp(model.log_output(x, torch.tensor([[*body, 0]])).item())
    longer = sum(
        math.exp(model.log_output(x, torch.tensor([body])).item())
        for body in itertools.product((1, 2), repeat=4)
    )
    assert total + longer == pytest.approx(1, abs=1e-12)


def test_outputs_without_inputs_wait_for_their_time(model):
    assert model.trace(ROWS).through is None
    model.advance(0.4)
    paths = model.trace(ROWS)
    assert paths.through.shape == (2,)
    assert paths.through_tokens.tolist() == [2, 3]
    assert paths.output_tokens.tolist() == [3, 2]
    assert paths.given_tokens.tolist() == [3, 2]
    assert model.trace(ROWS[:, :6]).through is None


def certain(model, tokens):
    """Make the generator say these tokens, and nothing else."""
    said = iter([*tokens, *[0] * 10])
    spell = model.back_speller.spell

    def spelled(embedded, memory, state):
        found, state = spell(embedded, memory, state)
        logits = torch.full_like(found.logits, -50.0)
        logits[..., next(said)] = 50.0
        return found._replace(logits=logits + 0 * found.logits, log_spread=found.log_spread * 0 - 30), state

    model.back_speller.spell = spelled


def test_made_up_inputs_that_are_certain_are_read_as_tokens(model):
    y = torch.tensor([[1, 2, 0]])
    certain(model, [2, 1])
    with seeded(0, torch.device("cpu")):
        made = model.made_up(y)
    torch.testing.assert_close(made.alive, torch.tensor([[1.0, 1, 1, 0, 0]]).double(), rtol=0, atol=1e-10)
    memory = model.reader.mixed(*made)
    hard = model.log_output(torch.tensor([[2, 1, 0]]), y)
    from latentia.models.transducer import spelled

    torch.testing.assert_close(spelled(model.speller, memory, y), hard, rtol=0, atol=1e-4)


@pytest.mark.parametrize("relaxation", ["logistic-normal", "softmax", "gumbel"])
def test_gradient_reaches_the_generator(relaxation):
    torch.manual_seed(1)
    model = Transducer(3, 3, (3, 3), 4, 3, 0.0, relaxation=relaxation)
    model.advance(1.0)
    with seeded(0, torch.device("cpu")):
        made = model.made_up(ROWS[:, 6:])
        assert torch.allclose(made.shares.sum(-1), torch.ones(2, 5))
        assert (made.alive[:, :-1] >= made.alive[:, 1:] - 1e-6).all()
        if relaxation == "gumbel":
            assert torch.allclose(made.shares.max(-1).values, torch.ones(2, 5))
        model.trace(ROWS).through.sum().backward()
    assert model.back_speller.output.weight.grad.abs().sum() > 0
    assert model.reader.embedding.weight.grad.abs().sum() > 0


def test_what_is_found_is_the_likeliest_at_each_step(model):
    x = torch.tensor([[2, 1, 0], [1, 0, -1]])
    found, attention = model.outputs(x)
    assert attention.shape == (2, found.shape[1], 3)
    for row, own in zip(found, x, strict=True):
        tokens = row[row >= 0][None]
        logits = model.speller(model.reader(own[own >= 0][None]), tokens).logits
        assert logits.argmax(-1).tolist() == tokens.tolist()
