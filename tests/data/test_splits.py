"""Splitting: disjoint, complete, seeded."""

from __future__ import annotations

import functools
import operator

import numpy as np
import pytest
from scipy import sparse

from latentia.data import Split, load
from latentia.data.dataset import Raw, assemble
from latentia.errors import DataError


def split(n, official=False, **options):
    x = np.arange(n, dtype=np.float64)[:, None]
    raw = Raw(Split(x), test=Split(-1 - np.arange(7.0)[:, None]) if official else None)
    return assemble("t", raw, **({"seed": 0, "validation_fraction": 0.1, "test_fraction": 0.1} | options))


def ids(part):
    return part.x[:, 0].astype(int).tolist()


@pytest.mark.parametrize("n", [3, 4, 7, 10, 100, 1797])
def test_parts_are_disjoint_and_complete(n):
    data = split(n)
    parts = [ids(data.train), ids(data.validation), ids(data.test)]
    assert sorted(functools.reduce(operator.iadd, parts, [])) == list(range(n))
    share = max(1, round(n / 10))
    assert [len(part) for part in parts] == [n - 2 * share, share, share]


@pytest.mark.parametrize(("validation", "test"), [(0.01, 0.98), (0.49, 0.5), (0.001, 0.001)])
@pytest.mark.parametrize("n", [3, 4, 5])
def test_no_part_is_ever_empty(n, validation, test):
    data = split(n, validation_fraction=validation, test_fraction=test)
    assert min(len(data.train), len(data.validation), len(data.test)) >= 1


def test_seeds():
    assert ids(split(100).test) == ids(split(100).test)
    assert ids(split(100).test) != ids(split(100, seed=1).test)
    # the test rows depend on the seed alone: another validation share never moves a row into or out of them
    assert ids(split(100).test) == ids(split(100, validation_fraction=0.3).test)


def test_official_test_part_stays_and_validation_is_capped():
    data = split(200_000, official=True)
    assert ids(data.test) == [-1, -2, -3, -4, -5, -6, -7]
    assert len(data.validation) == 5000
    assert len(split(2, official=True).train) == 1


@pytest.mark.parametrize("n", [0, 1, 2])
def test_too_few_rows(n):
    with pytest.raises(DataError, match="at least 3"):
        split(n)


def test_parts_of_other_shape_or_empty():
    raw = Raw(Split(np.zeros((5, 2))), test=Split(np.zeros((5, 3))))
    with pytest.raises(DataError, match="shape"):
        assemble("t", raw, seed=0, validation_fraction=0.1, test_fraction=0.1)
    raw = Raw(Split(np.zeros((5, 2))), test=Split(np.zeros((0, 2))))
    with pytest.raises(DataError, match="no rows"):
        assemble("t", raw, seed=0, validation_fraction=0.1, test_fraction=0.1)


def test_subset_and_take():
    part = Split(np.arange(100.0)[:, None], np.arange(100), np.array([f"r{i}" for i in range(100)]))
    some = part.take(10)
    assert len(some) == 10
    assert some.y.tolist() == ids(some)
    assert some.names.tolist() == [f"r{i}" for i in ids(some)]
    assert ids(some) == sorted(set(ids(some)))
    assert max(ids(some)) > 50  # not the head: sources are sorted by class
    assert ids(part.take(10, seed=1)) != ids(some)
    assert part.take(1000) is part
    with pytest.raises(DataError, match="3 rows but 2 labels"):
        Split(np.zeros((3, 1)), np.zeros(2, dtype=np.int64))


def test_parts_are_writable_arrays(tmp_path):
    # torch warns of read-only memory, and a part must outlive its file
    np.savez(tmp_path / "t.npz", train=np.ones((5, 2)), test=np.ones((5, 2)))
    np.save(tmp_path / "t.npy", np.ones((5, 2)))
    for name in ("t.npz", "t.npy"):
        data = load(tmp_path / name)
        for part in (data.train, data.validation, data.test):
            assert part.x.flags.writeable
            assert part.x.flags.c_contiguous
            assert type(part.x) is np.ndarray


@pytest.mark.parametrize("sparse_rows", [False, True])
def test_whole_holds_every_row_once(sparse_rows):
    x = np.arange(60).reshape(30, 2)
    raw = Raw(Split(sparse.csr_array(x) if sparse_rows else x, np.arange(30)), source="made")
    whole = assemble("made", raw, seed=0, validation_fraction=0.1, test_fraction=0.1).whole()
    rows = whole.train.x.toarray() if sparse_rows else whole.train.x
    assert whole.test is whole.train is whole.validation
    np.testing.assert_array_equal(rows[np.argsort(whole.train.y)], x)
    assert "all 30 rows, none held out" in whole.source
