"""Readers and spellers of pairs of sequences."""

from __future__ import annotations

import pytest
import torch

from latentia.nn.attentive import Reader, Speller

X = torch.tensor([[3, 1, 4, 0], [2, 0, -1, -1]])
Y = torch.tensor([[1, 2, 0], [2, 0, -1]])


@pytest.fixture
def parts():
    torch.manual_seed(0)
    return Reader(5, 4, 3, 0.0).double().eval(), Speller(3, 4, 3, 0.0, spread=True).double().eval()


def one_hot(tokens, n):
    return torch.nn.functional.one_hot(tokens.clamp(min=0), n).double()


def test_mixtures_that_are_tokens_are_read_as_tokens(parts):
    reader, _ = parts
    alive = (X >= 0).double()
    shares = one_hot(X, 5)
    shares[1, 2:] = 0.2  # what stands behind an end does not count
    read, mixed = reader(X), reader.mixed(shares, alive)
    torch.testing.assert_close(mixed.states, read.states, rtol=0, atol=1e-12)
    torch.testing.assert_close(mixed.last, read.last, rtol=0, atol=1e-12)


def test_an_item_is_read_the_same_alone_and_among_others(parts):
    reader, speller = parts
    both, alone = reader(X), reader(X[1:, :2])
    torch.testing.assert_close(both.last[1:], alone.last, rtol=0, atol=1e-12)
    said, own = speller(both, Y), speller(alone, Y[1:])
    torch.testing.assert_close(said.logits[1:], own.logits, rtol=0, atol=1e-12)


def test_attention_sums_to_one_and_is_nothing_where_nothing_stands(parts):
    reader, speller = parts
    attention = speller(reader(X), Y).attention
    torch.testing.assert_close(attention.sum(-1), torch.ones(2, 3).double())
    assert (attention[1, :, 2:] == 0).all()


def test_step_by_step_is_all_at_once(parts):
    reader, speller = parts
    memory = reader(X)
    state, inputs, logits = speller.begin(memory), speller.embedded(torch.full((2,), 3)), []
    for t in range(3):
        found, state = speller.spell(inputs, memory, state)
        logits.append(found.logits)
        inputs = speller.embedded(Y[:, t].clamp(min=0))
    torch.testing.assert_close(torch.cat(logits, 1), speller(memory, Y).logits, rtol=0, atol=1e-12)
