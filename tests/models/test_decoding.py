"""Sequences with an end: probabilities against sums over all strings, draws against them, beams against enumeration."""

from __future__ import annotations

import itertools

import pytest
import torch

from latentia.diagnostics import evaluate, teacher_forcing
from latentia.distributions import item_keys, per_item_noise
from latentia.draws import seeded
from latentia.errors import ConfigError
from latentia.latent import PRIORS
from latentia.latent.posteriors import DiagonalGaussianPosterior
from latentia.models import SequenceVAE, importance_estimate
from latentia.models.decoding import GREEDY, Drawing, beam, generated
from latentia.nn import LSTMDecoder, LSTMEncoder

V, END = 3, 0


@pytest.fixture
def model() -> SequenceVAE:
    """A model of strings over 1 and 2 that end in 0, with large weights."""
    made = SequenceVAE(
        LSTMEncoder(V, 4, 5, bidirectional=True),
        DiagonalGaussianPosterior(10, 2),
        PRIORS["standard-normal"](2),
        LSTMDecoder(2, V, 4, 5),
        longest=6,
        end=END,
    ).double()
    torch.manual_seed(1)
    for weight in made.parameters():
        torch.nn.init.uniform_(weight, -1.2, 1.2)
    return made.eval().requires_grad_(False)


def strings(longest: int) -> list[list[int]]:
    """All strings of at most so many tokens, the end among them."""
    return [[*body, END] for n in range(longest) for body in itertools.product((1, 2), repeat=n)]


def padded(items: list[list[int]]) -> torch.Tensor:
    longest = max(map(len, items))
    return torch.tensor([[*item, *[-1] * (longest - len(item))] for item in items])


def test_all_strings_and_the_beginnings_of_longer_ones_sum_to_one(model):
    z = torch.randn(4, 1, 2, dtype=torch.float64)
    p = model.decode(z)
    ended = p.log_prob(padded(strings(6))).exp().sum(1)
    longer = p.log_prob(torch.tensor(list(itertools.product((1, 2), repeat=6)))).exp().sum(1)
    torch.testing.assert_close(ended + longer, torch.ones(4, dtype=torch.float64), atol=1e-10, rtol=0)


def test_the_end_counts_as_any_token(model):
    z = torch.randn(1, 2, dtype=torch.float64)
    open_, closed = torch.tensor([[1, 2, 1]]), torch.tensor([[1, 2, 1, END]])
    cost = model.decode(z).logits(closed)[0, 3].log_softmax(-1)[END]
    torch.testing.assert_close(model.decode(z).log_prob(closed) - model.decode(z).log_prob(open_), cost[None])


def test_every_figure_of_an_item_is_the_same_alone_and_in_any_batch(model):
    x = padded([[1, 2, 2, 1, 2, 0], [0], [2, 0], [1, 1, 1, 0]])
    together = importance_estimate(model, x, 20).log_prob
    with per_item_noise(item_keys(x), 0):
        trace = model.trace(x, 3)
    for i in range(len(x)):
        alone = x[i : i + 1, : int((x[i] >= 0).sum())]
        torch.testing.assert_close(
            importance_estimate(model, alone, 20).log_prob[0], together[i], atol=1e-9, rtol=0
        )
        with per_item_noise(item_keys(alone), 0):
            own = model.trace(alone, 3)
        for name in ("z", "log_likelihood", "kl"):
            torch.testing.assert_close(
                getattr(own, name)[:, 0], getattr(trace, name)[:, i], atol=1e-9, rtol=0, msg=name
            )


def test_draws_follow_the_density(model):
    z = torch.randn(1, 2, dtype=torch.float64)
    with seeded(0, torch.device("cpu")):
        drawn = model.decode(z).sample((20_000,))[:, 0]
    for string in strings(3):
        here = padded([string])[0]
        row = drawn[:, : len(here)]
        share = float((row == here).all(1).double().mean())
        assert share == pytest.approx(float(model.decode(z).log_prob(here[None]).exp()), abs=0.015)
    ends = (drawn == END).sum(1)
    assert set(ends.tolist()) <= {0, 1}  # nothing follows an end; what has none is cut
    assert (drawn[ends == 0] >= 0).all()


def test_greedy_and_beam_of_one_agree_and_a_wide_beam_finds_the_best_string(model):
    torch.manual_seed(5)
    z = torch.randn(16, 2, dtype=torch.float64)
    greedy = generated(model.decoder, z, 3, END, GREEDY)
    narrow, score = beam(model.decoder, z, 3, END, width=1)
    assert torch.equal(narrow, greedy[:, : narrow.shape[1]])
    torch.testing.assert_close(score, model.decode(z).log_prob(narrow))
    assert torch.equal(model.decode(z).mode[:, :3], greedy)
    wide, best = beam(model.decoder, z, 3, END, width=V * V)
    every = model.decode(z[:, None]).log_prob(padded(strings(3)))
    torch.testing.assert_close(best, every.max(1).values)
    torch.testing.assert_close(model.decode(z).log_prob(wide), best)


def test_drawing_may_be_narrowed(model):
    logits = torch.tensor([[2.0, 1.0, 0.0, -1.0]]).repeat(5000, 1)
    with seeded(0, torch.device("cpu")):
        assert set(Drawing(top_k=2).choose(logits).tolist()) == {0, 1}
        assert set(Drawing(top_p=0.64).choose(logits).tolist()) == {0}
        assert set(Drawing(top_p=0.65).choose(logits).tolist()) == {0, 1}
        assert set(Drawing(avoid=(0, 2)).choose(logits).tolist()) == {1, 3}
        assert set(Drawing(temperature=0.0, avoid=(0,)).choose(logits).tolist()) == {1}
        cold = (Drawing(temperature=0.5).choose(logits) == 0).double().mean()
    assert float(cold) == pytest.approx(float((2 * logits[0]).softmax(0)[0]), abs=0.02)
    for bad in ({"temperature": -1.0}, {"top_k": 0}, {"top_p": 0.0}):
        with pytest.raises(ConfigError, match=next(iter(bad))):
            Drawing(**bad)
    with pytest.raises(ConfigError, match="width=0"):
        beam(model.decoder, torch.zeros(1, 2, dtype=torch.float64), 3, END, width=0)


def test_a_prefix_is_kept(model):
    prefix = torch.tensor([[2, 1], [1, -1]])
    with seeded(0, torch.device("cpu")):
        found = generated(model.decoder, torch.zeros(2, 2, dtype=torch.float64), 6, END, Drawing(), prefix)
    assert found[0, :2].tolist() == [2, 1]
    assert found[1, 0] == 1


def test_free_running_and_forced_losses(model):
    x = padded([[1, 2, 2, 1, 0], [2, 0], [1, 1, 0]])
    found = teacher_forcing(model, [x])
    z = model.encode(x).mean
    assert found.forced_loss == pytest.approx(-float(model.decode(z).log_prob(x).sum()) / 10)
    by_hand, said_right = 0.0, 0
    for item, code in zip(x, z, strict=True):
        own: list[int] = []
        for token in item[item >= 0].tolist():
            history = torch.tensor([[*own, 0]])
            log_p = model.decode(code).logits(history)[0, len(own)].log_softmax(-1)
            by_hand -= float(log_p[token])
            own.append(int(log_p.argmax()))
            said_right += own[-1] == token
    assert found.free_loss == pytest.approx(by_hand / 10)
    assert found.free_accuracy == pytest.approx(said_right / 10)


def test_evaluation_takes_padded_batches_of_unlike_lengths(model):
    long, short = padded([[1, 2, 2, 1, 0], [2, 0]]), padded([[1, 0], [2, 0]])
    one = evaluate(model, [long, short], n_importance=5)
    other = evaluate(model, [short, long], n_importance=5)
    assert one.elbo == pytest.approx(other.elbo, abs=1e-9)
    assert one.log_likelihood == pytest.approx(other.log_likelihood, abs=1e-9)
    assert one.sse is None
    assert one.bits_per_dim is None
