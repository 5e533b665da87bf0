"""Tables in chunks, dense and sparse: what is read, what is summed up, what is refused."""

import numpy as np
import pytest
import torch
from scipy import sparse

from latentia.errors import DataError
from latentia.kinds.mixture.estimator import BernoulliMixture, MultinomialMixture, PoissonMixture
from latentia.mixture import (
    BernoulliComponents,
    MultinomialComponents,
    PoissonComponents,
    Rows,
    e_step,
    rows,
    summarize,
)
from latentia.mixture.rows import Chunk
from latentia.mixture.start import initialize

RANDOM = np.random.default_rng(0)
COUNTS = RANDOM.poisson(RANDOM.choice([0.05, 3.0], size=(5, 30))[RANDOM.integers(5, size=700)]).astype(float)
COUNTS[COUNTS.sum(1) == 0, 0] = 1.0
FAMILIES = [
    (MultinomialComponents, MultinomialMixture, COUNTS),
    (PoissonComponents, PoissonMixture, COUNTS),
    (BernoulliComponents, BernoulliMixture, (COUNTS > 0).astype(float)),
]


def untidy(x):
    """The same table with indices out of order, entries in two halves, and stored zeros."""
    row, column = np.nonzero(x + (np.arange(x.shape[1]) == 3))
    row, column = np.tile(row, 2), np.tile(column, 2)
    value = x[row, column] / 2
    order = np.lexsort((RANDOM.permutation(len(row)), row))
    offsets = np.searchsorted(row[order], np.arange(len(x) + 1))
    return sparse.csr_array((value[order], column[order], offsets), shape=x.shape)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("make", [sparse.csr_array, sparse.csr_matrix, untidy])
def test_sparse_chunks_hold_the_table(make, dtype, monkeypatch):
    monkeypatch.setattr(rows, "_STORED", 1000)
    table = make(COUNTS)
    before = table.data.copy(), table.indices.copy(), table.indptr.copy()
    chunks = list(Rows(table, dtype=dtype, weights=np.arange(700.0)).sparse_chunks())
    assert len(chunks) > 3
    for chunk in chunks:
        assert chunk.sparse.has_canonical_format
        assert chunk.x.dtype == dtype
        np.testing.assert_array_equal(chunk.x, COUNTS[chunk.start : chunk.start + len(chunk)])
        np.testing.assert_array_equal(chunk.totals(), COUNTS[chunk.start : chunk.start + len(chunk)].sum(1))
        np.testing.assert_array_equal(chunk.weights, np.arange(700.0)[chunk.start : chunk.start + len(chunk)])
    assert sum(len(chunk) for chunk in chunks) == 700
    for old, new in zip(before, (table.data, table.indices, table.indptr), strict=True):
        np.testing.assert_array_equal(new, old)


def test_a_threshold_keeps_rows_sparse_where_zeros_stay_zeros():
    table = Rows(sparse.csr_array(COUNTS)).thresholded(2.0)
    np.testing.assert_array_equal(next(table.sparse_chunks()).x, COUNTS > 2)
    below = Rows(sparse.csr_array(COUNTS)).thresholded(-1.0)
    assert not below.is_sparse
    np.testing.assert_array_equal(next(below.chunks(700)).x, np.ones_like(COUNTS))


@pytest.mark.parametrize("weights", [None, RANDOM.integers(0, 3, size=700).astype(float)])
def test_summary_of_sparse_rows_equals_that_of_dense_ones(weights, monkeypatch):
    monkeypatch.setattr(rows, "_STORED", 1000)
    x = COUNTS.copy()
    x[:, 5] = 1e8 + RANDOM.integers(3, size=700)  # a variance that mean squares would swallow
    dense, held = (summarize(Rows(table, weights=weights)) for table in (x, untidy(x)))
    w = np.ones(700) if weights is None else weights
    np.testing.assert_allclose(held.mean, np.average(x, axis=0, weights=w), rtol=1e-12)
    np.testing.assert_allclose(
        held.variance, np.average((x - np.average(x, axis=0, weights=w)) ** 2, axis=0, weights=w), rtol=1e-6
    )
    for name in ("mean", "variance", "minimum", "maximum"):
        np.testing.assert_allclose(getattr(held, name), getattr(dense, name), rtol=1e-6)


@pytest.mark.parametrize(
    ("value", "said"), [(np.nan, "NaN"), (-2.0, "-2"), (0.5, "0.5"), (np.inf, "infinity")]
)
def test_what_is_refused_is_named_alike(value, said, monkeypatch):
    monkeypatch.setattr(rows, "_STORED", 1000)
    x = COUNTS.copy()
    x[613, 17] = value
    messages = []
    for table in (x, sparse.csr_array(x)):
        with pytest.raises(DataError, match=f"X holds {said} in row 613, column 17") as error:
            summarize(Rows(table), nonnegative=True, integer=True)
        messages.append(str(error.value))
    assert messages[0] == messages[1]


@pytest.mark.parametrize(("family", "kind", "x"), FAMILIES)
def test_a_pass_over_sparse_rows_makes_none_dense(family, kind, x, monkeypatch):
    monkeypatch.setattr(rows, "_STORED", 1000)
    weights = RANDOM.uniform(0.5, 2.0, size=700)
    components = family(6, 30)
    dense, held = Rows(x, weights=weights), Rows(untidy(x), weights=weights)
    components.prepare(dense, summarize(dense))
    initialize(components, dense, "random_from_data", np.random.RandomState(0))
    expected = e_step(components, dense)
    h = (
        [torch.cat([components.base_measure(c) for c in components.chunks(r)]) for r in (dense, held)]
        if (family is not BernoulliComponents)
        else []
    )

    def refuse(*_):
        raise AssertionError("a chunk was made dense")

    monkeypatch.setattr(Rows, "read", refuse)
    monkeypatch.setattr(Chunk, "x", property(refuse))
    found = e_step(components, held)
    torch.testing.assert_close(found.statistics, expected.statistics, rtol=1e-12, atol=1e-9)
    assert found.log_likelihood == pytest.approx(expected.log_likelihood, rel=1e-13)
    if h:
        torch.testing.assert_close(h[1], h[0], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(("family", "kind", "x"), FAMILIES)
def test_a_fit_to_sparse_rows_is_that_to_dense_ones(family, kind, x, monkeypatch):
    monkeypatch.setattr(rows, "_STORED", 1000)
    one, two = (kind(4, random_state=0).fit(table) for table in (x, untidy(x)))
    assert one.n_iter_ == two.n_iter_
    np.testing.assert_allclose(two.lower_bounds_, one.lower_bounds_, rtol=1e-11)
    np.testing.assert_allclose(two.score_samples(untidy(x)), one.score_samples(x), rtol=1e-9)
