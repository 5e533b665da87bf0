"""Counts of neighbouring tokens as language models, against sums by hand and the figures of the Penn Treebank."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from latentia.data import load
from latentia.data.items import Ragged
from latentia.diagnostics.ngrams import DISCOUNT, Trigram, Unigram
from latentia.errors import DataError

ITEMS = [[1, 2, 0], [1, 2, 2, 0], [2, 1, 0], [0], [1, 2, 3, 0]]
WORDS = Ragged.of([np.array(item) for item in ITEMS])


def by_hand(history, token, n_tokens=5):
    """The formulas with dictionaries."""
    start = n_tokens
    padded = [[start, start, *item] for item in ITEMS]
    three = Counter(tuple(p[i : i + 3]) for p in padded for i in range(len(p) - 2))
    kinds = set(three)
    pairs = {(b, w) for _, b, w in kinds}
    n_before_token = Counter(w for _, w in pairs)
    p1 = (
        max(n_before_token[token] - DISCOUNT, 0) / len(pairs)
        + DISCOUNT * len(n_before_token) / len(pairs) / n_tokens
    )
    before = Counter((b, w) for _, b, w in kinds)
    total_b = sum(n for (b, _), n in before.items() if b == history[1])
    follow_b = sum(1 for (b, _) in before if b == history[1])
    p2 = p1
    if total_b:
        p2 = max(before[history[1], token] - DISCOUNT, 0) / total_b + DISCOUNT * follow_b / total_b * p1
    total = sum(n for key, n in three.items() if key[:2] == history)
    if not total:
        return p2
    follow = sum(1 for key in three if key[:2] == history)
    return max(three[(*history, token)] - DISCOUNT, 0) / total + DISCOUNT * follow / total * p2


def test_probabilities_are_those_of_the_formulas():
    model = Trigram(WORDS, 5)
    found = np.exp(model.token_log_prob(WORDS))
    expected = [
        by_hand((([5, 5, *item])[t], ([5, 5, *item])[t + 1]), token)
        for item in ITEMS
        for t, token in enumerate(item)
    ]
    np.testing.assert_allclose(found, expected, rtol=1e-12)


@pytest.mark.parametrize("history", [(5, 5), (5, 1), (1, 2), (4, 4), (2, 4), (0, 0)])
def test_each_history_has_a_distribution(history):
    p = Trigram(WORDS, 5).next_probabilities(*history)
    assert p.sum() == pytest.approx(1.0, abs=1e-12)
    assert (p > 0).all()
    np.testing.assert_allclose(p, [by_hand(history, token) for token in range(5)], rtol=1e-12)


def test_sequences_of_no_or_one_token_have_no_history_of_others():
    odd = Ragged(np.array([3, 3, 1]), np.array([0, 0, 1, 1, 3, 3]))
    model = Trigram(WORDS, 5)
    alone = [model.token_log_prob(Ragged.of([np.array(item)])) for item in ([3], [3, 1])]
    np.testing.assert_array_equal(model.token_log_prob(odd), np.concatenate(alone))
    with pytest.raises(DataError, match="no tokens"):
        Trigram(Ragged(np.empty(0, np.int64), np.zeros(3, np.int64)), 5)


def test_figures_of_ptb(real_data):
    if not (real_data / "text" / "ptb").is_dir():
        pytest.skip(f"ptb is absent from {real_data}")
    data = load("ptb", data_dir=real_data)
    lines = {
        name: [[*line.split(), "</s>"] for line in getattr(data, name).x.lists()]
        for name in ("train", "test")
    }
    ids = {word: i for i, word in enumerate(sorted({word for line in lines["train"] for word in line}))}
    train, test = (
        Ragged.of([np.array([ids[word] for word in line]) for line in part]) for part in lines.values()
    )
    assert np.exp(-Unigram.fit(train, len(ids)).token_log_prob(test).mean()) == pytest.approx(
        639.30, abs=0.01
    )
    trigram = -Trigram(train, len(ids)).token_log_prob(test)
    assert np.exp(trigram.mean()) == pytest.approx(153.72, abs=0.01)
    assert trigram.sum() / len(data.test) == pytest.approx(110.36, abs=0.01)
