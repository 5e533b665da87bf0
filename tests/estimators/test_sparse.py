"""Sparse tables become dense a few rows at a time, and give the bits of dense ones."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy import sparse

from latentia import VAE, VQVAE, AutoregressiveModel
from latentia.errors import DataError
from latentia.estimators.forms.columns import mean_and_deviation
from latentia.training import Batches
from latentia.training.sparse import SparseRows

RANDOM = np.random.default_rng(0)
COUNTS = RANDOM.poisson(RANDOM.gamma(0.3, 1.0, (80, 12))).astype(np.float64)
COUNTS[:, 0] += 1
TABLES = {
    "counts": COUNTS,
    "presence": (COUNTS > 0).astype(np.float64),
    "numbers": np.where(COUNTS > 1, RANDOM.normal(size=COUNTS.shape), 0.0),
    "single": np.where(COUNTS > 1, RANDOM.normal(size=COUNTS.shape), 0.0).astype(np.float32)[:, :5],
}


def state(model):
    return {name: each.clone() for name, each in model.module_.state_dict().items()}


@pytest.mark.parametrize(
    ("kind", "weighed"),
    [
        ("counts", True),
        ("presence", False),
        pytest.param("numbers", True, marks=pytest.mark.slow),
        pytest.param("single", False, marks=pytest.mark.slow),
    ],
)
def test_a_sparse_table_gives_the_bits_of_the_dense_one(kind, weighed):
    table = TABLES[kind]
    weight = RANDOM.integers(1, 4, len(table)).astype(float) if weighed else None
    counts = {"likelihood": "negative-binomial"} if kind == "counts" else {}
    dense, held = (
        VAE(latent_dim=2, max_epochs=2, random_state=0, n_importance=5, **counts).fit(
            rows, sample_weight=weight
        )
        for rows in (table.astype(np.int64) if kind == "counts" else table, sparse.csr_matrix(table))
    )
    assert dense.form_.kind == held.form_.kind
    one, other = state(dense), state(held)
    assert all(torch.equal(one[name], other[name]) for name in one)
    for asked in (table, sparse.csc_array(table), sparse.coo_matrix(table)):
        assert np.array_equal(held.transform(asked), dense.transform(table))
        assert np.array_equal(held.score_samples(asked), dense.score_samples(table))
        assert np.array_equal(held.reconstruct(asked), held.reconstruct(table))
    one, other = (replace(held.evaluate(asked), seconds=0.0) for asked in (sparse.csr_matrix(table), table))
    assert one == other


def test_codes_and_densities_take_sparse_tables():
    table = sparse.csr_matrix(COUNTS)
    codes = VQVAE(n_codes=4, n_groups=2, max_epochs=1, prior="independent", random_state=0).fit(table)
    assert np.array_equal(codes.transform(table), codes.transform(COUNTS))
    few = sparse.csr_matrix(COUNTS.clip(max=3))
    density = AutoregressiveModel("pixelcnn", n_channels=4, n_layers=2, max_epochs=1, random_state=0).fit(few)
    assert np.array_equal(density.score_samples(few), density.score_samples(few.toarray()))


def test_moments_of_large_tables_are_taken_in_blocks(monkeypatch):
    weight = RANDOM.integers(1, 4, 80).astype(float)
    for scale, dtype in ((1.0, np.float32), (1.0, np.float64), (1e200, np.float64)):
        table = scale * TABLES["numbers"].astype(dtype)
        for axis, weights in ((0, None), (0, weight), (None, None), (None, weight)):
            expected = mean_and_deviation(table, axis, weights)
            with monkeypatch.context() as patch:
                patch.setattr("latentia.estimators.forms.columns._AT_ONCE", 100)
                patch.setattr("latentia.estimators.forms.columns._LARGE", 500)
                found = mean_and_deviation(table, axis, weights)
                sparser = mean_and_deviation(SparseRows(sparse.csr_array(table)), axis, weights)
            for one, other, third in zip(found, expected, sparser, strict=True):
                assert np.allclose(one, other, rtol=1e-12, atol=1e-16 * scale)
                assert np.array_equal(one, third)


def test_a_later_row_that_is_none_is_named_by_its_number(monkeypatch):
    monkeypatch.setattr("latentia.estimators.forms.columns._AT_ONCE", 300)
    model = VAE(latent_dim=2, max_epochs=1, random_state=0).fit(sparse.csr_matrix(COUNTS))
    strange = COUNTS.copy()
    strange[70, 3] = 0.5
    with pytest.raises(DataError, match="row 70, column 3"):
        model.transform(sparse.csr_matrix(strange))
    strange[70, 3] = 2.0**54
    with pytest.raises(DataError, match="row 70 holds"):
        model.transform(sparse.csr_matrix(strange))


def test_zeros_and_ones_of_pixels_are_taken_as_before():
    model = VAE(latent_dim=2, max_epochs=1, random_state=0).fit(sparse.csr_matrix(TABLES["presence"]))
    scaled = sparse.csr_matrix(TABLES["presence"] * 255)
    assert np.array_equal(model.transform(scaled), model.transform(TABLES["presence"]))


def test_batches_of_sparse_rows_hold_one_batch_at_a_time():
    table = sparse.random_array((20_000, 400), density=0.001, format="csr", random_state=0, dtype=np.float64)
    batches = Batches(SparseRows(table), lambda x: x.float())
    assert batches.fingerprint()["shape"] == [20_000, 400]
    tracemalloc.start()
    total = sum(float(x.sum()) for x in map(batches.ready, batches.epoch(0, 0, 64)))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert total == pytest.approx(table.sum(), rel=0.01)
    assert peak < 20_000 * 400 * 8 / 20
