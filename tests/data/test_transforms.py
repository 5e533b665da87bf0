"""Dynamic binarization."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import stats

from latentia.data import DynamicBinarization, binarize
from latentia.errors import DataError


def test_pixels_are_bernoulli_with_their_value():
    levels = torch.tensor([0.0, 0.1, 0.5, 0.9, 1.0])
    n = 20_000
    draws = DynamicBinarization(torch.Generator().manual_seed(0))(levels.expand(n, 5))
    assert set(draws.unique().tolist()) == {0.0, 1.0}
    for level, ones in zip(levels.tolist(), draws.sum(0).tolist(), strict=True):
        assert stats.binomtest(int(ones), n, level).pvalue > 1e-4


def test_each_call_draws_anew_and_the_global_seed_repeats_it():
    x = torch.full((100,), 0.5)
    transform = DynamicBinarization()
    torch.manual_seed(0)
    first, second = transform(x), transform(x)
    assert not torch.equal(first, second)
    torch.manual_seed(0)
    assert torch.equal(transform(x), first)


def test_bytes_are_scaled():
    x = torch.tensor([0, 255], dtype=torch.uint8)
    assert DynamicBinarization()(x).tolist() == [0.0, 1.0]
    half = DynamicBinarization()(torch.full((20_000,), 51, dtype=torch.uint8))
    assert stats.binomtest(int(half.sum()), 20_000, 0.2).pvalue > 1e-4


def test_numpy_variant_is_seeded_and_bernoulli():
    x = np.full((20_000,), 51, np.uint8)
    draws = binarize(x, seed=3)
    assert draws.dtype == np.uint8
    assert np.array_equal(draws, binarize(x, seed=3))
    assert not np.array_equal(draws, binarize(x, seed=4))
    assert stats.binomtest(int(draws.sum()), 20_000, 0.2).pvalue > 1e-4
    assert binarize(np.array([0.0, 1.0])).tolist() == [0, 1]
    for bad in (1.5, -0.1, np.nan):
        with pytest.raises(DataError, match="no probabilities"):
            binarize(np.array([bad]))
