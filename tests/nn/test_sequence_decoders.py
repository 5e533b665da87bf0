"""Decoders of tokens: teacher forcing against single steps, causality, word dropout, and what padding must not change."""

from __future__ import annotations

import pytest
import torch

from latentia.errors import ConfigError, DataError
from latentia.nn import (
    LSTMDecoder,
    LSTMEncoder,
    SkipDecoder,
    StepsDecoder,
    TransformerDecoder,
    TransformerEncoder,
)
from latentia.nn.sequence import Dropout, last_of, reversed_within

V, D, WIDTH, LONGEST = 7, 3, 8, 9


def decoder(kind: str, **options):
    made = {
        "lstm": lambda: LSTMDecoder(D, V, 6, WIDTH, **options),
        "lm": lambda: LSTMDecoder(0, V, 6, WIDTH, **options),
        "skip": lambda: SkipDecoder(D, V, 6, WIDTH, **options),
        "steps": lambda: StepsDecoder(D, V, 6, WIDTH, **options),
        "transformer": lambda: TransformerDecoder(D, V, WIDTH, LONGEST, **options),
        "transformer-lm": lambda: TransformerDecoder(0, V, WIDTH, LONGEST, **options),
    }[kind]().double()
    torch.manual_seed(3)
    for weight in made.parameters():
        torch.nn.init.uniform_(weight, -1.0, 1.0)
    return made.eval()


KINDS = ("lstm", "lm", "skip", "steps", "transformer", "transformer-lm")
X = torch.tensor([[1, 2, 3, 4, 5, 0], [3, 3, 0, -1, -1, -1], [6, 5, 4, 0, -1, -1]])


def codes(made):
    torch.manual_seed(0)
    return torch.randn(len(X), made.latent_dim, dtype=torch.float64)


@pytest.mark.parametrize("kind", KINDS)
def test_teacher_forcing_is_one_step_after_another(kind):
    made = decoder(kind)
    z = codes(made)
    state, token = made.begin(z, X.shape[1]), torch.full((len(X),), V)
    for t in range(X.shape[1]):
        hidden, state = made.step(token, state, t)
        there = X[:, t] >= 0
        torch.testing.assert_close(
            made.output(hidden)[there], made.logits(z, X)[there, t], atol=1e-10, rtol=0
        )
        token = X[:, t].clamp(min=0)


@pytest.mark.parametrize("kind", KINDS)
def test_log_probabilities_of_true_tokens_alone(kind):
    made = decoder(kind)
    z = codes(made)
    found = made.token_log_prob(z, X)
    expected = (
        made.logits(z, X).log_softmax(-1).gather(-1, X.clamp(min=0)[..., None])[..., 0].masked_fill(X < 0, 0)
    )
    torch.testing.assert_close(found, expected)
    with torch.no_grad():
        torch.testing.assert_close(made.token_log_prob(z, X), expected)


@pytest.mark.parametrize("kind", KINDS)
def test_an_item_alone_is_as_in_a_padded_batch(kind):
    made = decoder(kind)
    z = codes(made)
    for i, length in enumerate((6, 3, 4)):
        alone = made.token_log_prob(z[i : i + 1], X[i : i + 1, :length])
        torch.testing.assert_close(alone[0], made.token_log_prob(z, X)[i, :length], atol=1e-10, rtol=0)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("place", range(6))
def test_no_token_tells_of_itself_or_what_follows(kind, place):
    made, other = decoder(kind), X[:1].clone()
    other[0, place] = (other[0, place] + 1) % V
    z = codes(made)[:1]
    before, after = made.logits(z, X[:1])[0], made.logits(z, other)[0]
    assert torch.equal(before[: place + 1], after[: place + 1])
    if kind != "steps" and place < 5:
        assert not torch.allclose(before[place + 1], after[place + 1])


def test_steps_read_no_token():
    made = decoder("steps")
    z = codes(made)
    assert torch.equal(made.logits(z, X), made.logits(z, (X + 3) % V))
    assert not torch.allclose(made.logits(z, X), made.logits(z + 1, X))


@pytest.mark.parametrize("kind", ["lstm", "skip", "transformer"])
def test_word_dropout_is_for_training_alone_and_at_0_tells_nothing(kind):
    whole, none = decoder(kind), decoder(kind, keep=0.0, unknown=1)
    none.load_state_dict(whole.state_dict())
    z = codes(whole)
    assert torch.equal(whole.token_log_prob(z, X), none.token_log_prob(z, X))
    none.train()
    assert torch.equal(none.logits(z, X), none.logits(z, (X + 3) % V))
    half = decoder(kind, keep=0.5, unknown=1).train()
    long = torch.full((400, 9), 2)
    share = (half.inputs(long)[:, 1:] == 1).double().mean()
    assert 0.45 < float(share) < 0.55
    assert (half.inputs(long)[:, 0] == V).all()


@pytest.mark.parametrize("kind", ["lstm", "skip", "transformer"])
def test_the_code_matters(kind):
    made = decoder(kind)
    z = codes(made)
    assert (made.logits(z, X)[:, 0] != made.logits(z + 1, X)[:, 0]).all()


def test_a_skip_of_no_weight_is_a_plain_output_of_the_state():
    made = decoder("skip")
    torch.nn.init.zeros_(made.of_code.weight)
    plain = made._run(codes(made), made.inputs(X), made._state(codes(made)))[0]
    torch.testing.assert_close(made.hidden(codes(made), X), made.of_state(plain).tanh())


def test_tied_output_is_the_embedding_and_starts_at_the_frequencies():
    made = LSTMDecoder(D, V, 6, WIDTH, tied=True)
    assert {name for name, _ in made.named_parameters() if "head" in name} == {"head.weight"}
    assert made.head.weight.shape == (6, WIDTH)
    shares = torch.arange(1.0, V + 1) / 28
    made.start_at(shares)
    torch.nn.init.zeros_(made.head.weight)
    p = made.logits(torch.zeros(3, D), X).softmax(-1)
    torch.testing.assert_close(p, shares.expand_as(p))


def test_a_decoder_begins_anew():
    made = LSTMDecoder(D, V, 6, WIDTH, tied=True)
    made.start_at(torch.full((V,), 1 / V))
    old = {name: weight.clone() for name, weight in made.named_parameters()}
    made.reset()
    assert all(not torch.equal(old[name], weight) for name, weight in made.named_parameters())


def test_bad_settings_are_refused():
    with pytest.raises(ConfigError, match=r"keep=1\.5"):
        LSTMDecoder(D, V, keep=1.5)
    with pytest.raises(ConfigError, match="dropout=1"):
        LSTMDecoder(D, V, dropout=1.0)
    with pytest.raises(ConfigError, match="multiple of 4"):
        TransformerDecoder(D, V, 6, LONGEST)
    with pytest.raises(DataError, match="a sequence of 6 tokens: this transformer knows 4"):
        TransformerDecoder(D, V, 8, 4).logits(torch.zeros(3, D), X)


def test_dropout_keeps_the_mean_and_rests_in_evaluation():
    x = torch.ones(100_000)
    dropout = Dropout(0.3)
    y = dropout(x)
    assert abs(float(y.mean()) - 1) < 0.02
    assert y.unique().tolist() == [0.0, pytest.approx(1 / 0.7)]
    assert torch.equal(dropout.eval()(x), x)


ENCODERS = {
    "lstm": lambda: LSTMEncoder(V, 6, WIDTH),
    "both": lambda: LSTMEncoder(V, 6, WIDTH, bidirectional=True),
    "mean": lambda: LSTMEncoder(V, 6, WIDTH, mean=True, bidirectional=True),
    "transformer": lambda: TransformerEncoder(V, WIDTH, LONGEST),
}


@pytest.mark.parametrize("kind", ENCODERS)
def test_features_do_not_depend_on_padding_and_do_on_every_token(kind):
    torch.manual_seed(0)
    made = ENCODERS[kind]().double().eval()
    found = made(X)
    assert found.shape == (3, made.n_features)
    for i, length in enumerate((6, 3, 4)):
        torch.testing.assert_close(made(X[i : i + 1, :length])[0], found[i], atol=1e-10, rtol=0)
        for place in range(length):
            other = X[i : i + 1, :length].clone()
            other[0, place] = (other[0, place] + 1) % V
            assert not torch.allclose(made(other)[0], found[i])
    with pytest.raises(DataError, match="knows 9 positions"):
        ENCODERS["transformer"]()(torch.zeros(1, 10, dtype=torch.long))


def test_last_and_reversed():
    states = torch.arange(18.0).reshape(3, 6, 1)
    assert last_of(states, X)[:, 0].tolist() == [5, 8, 15]
    assert reversed_within(X).tolist() == [[0, 5, 4, 3, 2, 1], [0, 3, 3, -1, -1, -1], [0, 4, 5, 6, -1, -1]]
