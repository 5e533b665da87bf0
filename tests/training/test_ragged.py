from __future__ import annotations

import numpy as np
import pytest
import torch

from latentia.data.items import Ragged
from latentia.errors import ConfigError
from latentia.training.ragged import Padded, RaggedBatches

RANDOM = np.random.default_rng(0)
LENGTHS = RANDOM.integers(1, 40, 500)
WORDS = Ragged.of([RANDOM.integers(0, 90, n) for n in LENGTHS])


def words_of(batches):
    return sorted(tuple(row[row >= 0].tolist()) for x in batches for row in x)


def test_every_sequence_comes_once_an_epoch_in_an_order_of_seed_and_epoch():
    batches = RaggedBatches(WORDS, lambda x: x)
    whole = sorted(tuple(WORDS.item(i).tolist()) for i in range(len(WORDS)))
    first = list(batches.epoch(3, 0, 50))
    assert words_of(first) == whole
    assert all(torch.equal(a, b) for a, b in zip(first, batches.epoch(3, 0, 50), strict=True))
    assert not all(a.shape == b.shape for a, b in zip(first, batches.epoch(3, 1, 50), strict=True))
    later = list(batches.epoch(3, 0, 50, start=4))
    assert all(torch.equal(a, b) for a, b in zip(first[4:], later, strict=True))


def test_neighbours_of_like_length_leave_little_padding():
    assert RaggedBatches(WORDS, lambda x: x).padding(0, 0, 10) < 0.05
    shuffled = sum(int(LENGTHS[i : i + 10].max()) * 10 for i in range(0, 500, 10))
    assert 1 - LENGTHS.sum() / shuffled > 0.3


def test_series_come_with_their_lengths():
    series = Ragged.of([RANDOM.normal(size=(n, 3)) for n in (2, 5, 1)])
    (batch,) = RaggedBatches(series, lambda x: x).ordered(8)
    assert isinstance(batch, Padded)
    assert batch.lengths.tolist() == [2, 5, 1]
    assert batch.x.shape == (3, 5, 3)
    np.testing.assert_array_equal(batch.x[1].numpy(), series.item(1))
    assert (batch.x[2, 1:] == 0).all()
    np.testing.assert_array_equal(series.padded(0.0)[0], batch.x.numpy())


def test_other_sequences_have_another_fingerprint():
    one = RaggedBatches(WORDS, lambda x: x).fingerprint()
    cut = Ragged(WORDS.values, np.array([0, len(WORDS.values)]))
    assert one != RaggedBatches(cut, lambda x: x).fingerprint()
    with pytest.raises(ConfigError, match="0 sequences"):
        RaggedBatches(Ragged.of([]), lambda x: x)
