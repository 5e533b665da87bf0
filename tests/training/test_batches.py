"""Batches from memory and from a file are the same batches."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from latentia.errors import ConfigError
from latentia.training import Batches
from latentia.training.batches import _Rows, permutation


def identity(stored: Tensor) -> Tensor:
    return stored.float()


def seen(batches: Batches, epoch: int = 0, size: int = 8, start: int = 0) -> list[list[int]]:
    return [x[:, 0].tolist() for x in batches.epoch(seed=4, epoch=epoch, batch_size=size, start=start)]


X = np.stack([np.arange(50), np.arange(50) + 100], 1).astype(np.uint8)


@pytest.mark.parametrize("workers", [0, 1, None])
def test_memory_and_file_give_the_same_batches(tmp_path: Path, workers: int | None) -> None:
    np.save(tmp_path / "x.npy", X)
    mapped = Batches(np.load(tmp_path / "x.npy", mmap_mode="r"), identity, workers=workers)
    large = Batches(X, identity, memory_budget=10, workers=workers)
    resident = Batches(X, identity)
    assert resident.resident
    assert not mapped.resident
    assert not large.resident
    for epoch, start in ((0, 0), (1, 3)):
        expected = seen(resident, epoch, start=start)
        assert seen(mapped, epoch, start=start) == expected
        assert seen(large, epoch, start=start) == expected
    chosen = resident.subset(20, seed=1)
    for other in (mapped, large):
        for a, b in zip(resident.ordered(8, chosen), other.ordered(8, chosen), strict=True):
            assert torch.equal(a, b)
    assert mapped.fingerprint() == resident.fingerprint() == large.fingerprint()


def test_an_epoch_shows_each_row_once_and_epochs_differ() -> None:
    batches = Batches(X, identity)
    first, second = seen(batches, 0, size=10), seen(batches, 1, size=10)
    assert sorted(row for batch in first for row in batch) == list(range(50))
    assert first != second
    assert first == seen(batches, 0, size=10)
    assert seen(batches, 0, size=10, start=2) == first[2:]
    assert seen(batches, 0, size=10, start=5) == []


def test_order_draws_nothing_from_the_global_state(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", X)
    before = torch.get_rng_state()
    seen(Batches(np.load(tmp_path / "x.npy", mmap_mode="r"), identity))
    seen(Batches(X, identity))
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize(
    ("n", "size", "expected"),
    [
        (50, 8, [8] * 6 + [2]),
        (49, 8, [8] * 6),  # a single row is left out: batch normalisation cannot take it
        (65, 32, [32, 32]),
        (72, 32, [32, 32, 8]),
        (71, 32, [32, 32]),
        (5, 128, [5]),
        (1, 128, [1]),
        (3, 2, [2]),
        (3, 1, [1, 1, 1]),
    ],
)
def test_sizes_of_batches(n: int, size: int, expected: list[int]) -> None:
    batches = Batches(np.zeros((n, 2), np.float32), identity)
    assert [len(x) for x in batches.epoch(0, 0, size)] == expected
    assert batches.n_batches(size) == len(expected)
    assert sum(len(x) for x in batches.ordered(size)) == n


def test_no_rows() -> None:
    with pytest.raises(ConfigError, match="0 rows"):
        Batches(X[:0], identity)


@pytest.mark.parametrize("dtype", ["<u2", ">u2", ">f8", "<i8", "?", "u1", "<u4", "<f4", ">i4"])
def test_types_of_storage(dtype: str) -> None:
    x = (X % 2).astype(dtype)
    (batch,) = Batches(x, identity).ordered(50)
    assert np.array_equal(batch.numpy(), x.astype(np.float32))


def test_read_only_and_strided_arrays() -> None:
    x = X.copy()[::-1, ::-1]
    x.flags.writeable = False
    (batch,) = Batches(x, identity).ordered(50)
    assert np.array_equal(batch.numpy(), x.astype(np.float32))


def test_tensors_are_taken_as_they_are() -> None:
    x = torch.from_numpy(X)
    batches = Batches(x, identity)
    assert batches.x is x
    assert batches.to(torch.device("cpu")).x is x


def test_subset_is_a_function_of_the_seed() -> None:
    batches = Batches(X, identity)
    rows = batches.subset(20, seed=1)
    assert np.array_equal(rows, batches.subset(20, seed=1))
    assert len(set(rows)) == 20
    assert np.array_equal(rows, np.sort(rows))
    assert not np.array_equal(rows, batches.subset(20, seed=2))
    assert len(batches.subset(2048, seed=1)) == 50


def test_fingerprint_sees_a_changed_row_and_shape() -> None:
    other = X.copy()
    other[7, 1] += 1
    prints = [Batches(x, identity).fingerprint() for x in (X, other, X.reshape(25, 4), X.astype(np.int8))]
    assert len({str(print_) for print_ in prints}) == 4


def test_mapped_rows_are_opened_again_in_a_worker_not_copied(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", X)
    part = np.load(tmp_path / "x.npy", mmap_mode="r")[10:30]
    rows = np.array([0, 3, 19])
    pickled = pickle.dumps(_Rows(part))
    again = pickle.loads(pickled)
    assert isinstance(again.x, np.memmap)
    assert np.array_equal(again[rows].numpy(), X[10:30][rows])


def test_permutation_is_pure() -> None:
    assert np.array_equal(permutation(10, 1, 2), permutation(10, 1, 2))
    assert not np.array_equal(permutation(10, 1, 2), permutation(10, 2, 1))
