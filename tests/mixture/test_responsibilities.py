"""Responsibilities that matter against all of them."""

import numpy as np
import pytest
import torch

from latentia.mixture.responsibilities import normalize, thin

RANDOM = np.random.default_rng(0)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_few_equal_all(dtype):
    log_joint = torch.from_numpy(RANDOM.normal(size=(9, 500)) * 200).to(dtype)
    found = thin(log_joint, 0.3)
    assert found is not None
    few, evidence = found
    dense = torch.from_numpy(few.matrix.toarray())
    every, expected = normalize(log_joint.clone())
    eps = torch.finfo(dtype).eps
    torch.testing.assert_close(dense, every, rtol=8 * eps, atol=1e-16)
    torch.testing.assert_close(evidence, expected, rtol=4 * eps, atol=0)
    assert few.matrix.nnz < 0.3 * 9 * 500
    torch.testing.assert_close(few.mass(), every.double().sum(1), rtol=8 * eps, atol=1e-12)
    weights = torch.rand(500, dtype=dtype)
    torch.testing.assert_close(
        torch.from_numpy(few.weighed(weights).matrix.toarray()), every * weights, rtol=8 * eps, atol=1e-16
    )


def test_components_without_rows():
    log_joint = torch.full((6, 40), -1e4, dtype=torch.float64)
    log_joint[[1, 4], :] = 0.0
    log_joint[4, :20] = -1e3
    few, evidence = thin(log_joint, 0.5)
    assert few.sizes == [0, 40, 0, 0, 20, 0]
    assert few.mass().tolist() == [0, 30, 0, 0, 10, 0]
    torch.testing.assert_close(evidence, torch.cat([torch.zeros(20), torch.full((20,), np.log(2))]).double())
    x = torch.from_numpy(RANDOM.normal(size=(60, 3)))
    torch.testing.assert_close(
        few.sums(x),
        torch.stack([x[:0].sum(0), x[:40].sum(0), *[x[:0].sum(0)] * 2, x[40:].sum(0), x[:0].sum(0)]),
    )


def test_crowded_rows_are_left_alone():
    log_joint = torch.from_numpy(RANDOM.normal(size=(9, 50)))
    before = log_joint.clone()
    assert thin(log_joint, 0.3) is None
    torch.testing.assert_close(log_joint, before, rtol=0, atol=0)
