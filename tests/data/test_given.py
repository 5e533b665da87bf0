"""What people hold in Python is taken, or refused by name: nothing of NumPy, torch or pandas comes through raw."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import sparse

from latentia import VAE, GaussianMixture
from latentia.data.given import check_frame, plain_data
from latentia.errors import DataError

ROWS = np.random.default_rng(0).normal(size=(40, 4))
FRAME = pd.DataFrame(ROWS, columns=list("abcd"))


@pytest.mark.parametrize(
    "given",
    [
        ROWS.astype(">f8"),
        ROWS.astype(np.longdouble),
        torch.tensor(ROWS),
        torch.tensor(ROWS).requires_grad_(),
        torch.tensor(ROWS).to_sparse(),
        sparse.csr_array(ROWS),
    ],
    ids=["big-endian", "longdouble", "tensor", "with gradient", "sparse tensor", "csr"],
)
def test_the_numbers_stay_what_they_are(given):
    found = plain_data(given)
    dense = found.toarray() if sparse.issparse(found) else found
    np.testing.assert_allclose(np.asarray(dense, dtype=np.float64), ROWS)
    assert found.dtype.isnative
    assert found.dtype.itemsize <= 8


def test_halves_are_widened():
    found = plain_data(torch.tensor(ROWS).bfloat16())
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, ROWS, rtol=1e-2)


def test_lists_of_pictures_are_stacked():
    pictures = [np.full((4, 5), i, np.uint8) for i in range(3)]
    np.testing.assert_array_equal(plain_data(pictures), np.stack(pictures))
    np.testing.assert_array_equal(plain_data([torch.from_numpy(p) for p in pictures]), np.stack(pictures))
    with pytest.raises(DataError, match=r"different sizes \(\(4, 5\), \(3, 5\)"):
        plain_data([*pictures, np.zeros((3, 5))])


@pytest.mark.parametrize(
    ("given", "word"),
    [
        (torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.tensor(ROWS))), "partial_fit"),
        (torch.utils.data.TensorDataset(torch.tensor(ROWS)), "one array"),
        ("table.csv", r"latentia\.data\.load"),
        ({"a": ROWS}, "DataFrame"),
        (iter(ROWS), "partial_fit"),
        (torch.zeros(2, 2, 2).to_sparse(), "to_dense"),
        (torch.zeros(2, 2, dtype=torch.complex64), "real numbers"),
    ],
)
@pytest.mark.parametrize("estimator", [VAE(max_epochs=1), GaussianMixture()], ids=["vae", "mixture"])
def test_what_holds_no_rows_is_refused_by_name(estimator, given, word):
    with pytest.raises(DataError, match=word):
        estimator.fit(given)


def test_all_columns_without_numbers_are_named_at_once():
    odd = FRAME.assign(when=pd.date_range("2020", periods=40), what=pd.Categorical(["x", "y"] * 20), text="a")
    with pytest.raises(DataError, match=r"3 columns of no numbers: 'when' .*'what' \(category\), 'text'"):
        check_frame(odd)
    with pytest.raises(DataError, match="several columns called 'a'"):
        check_frame(pd.DataFrame(ROWS, columns=list("aabc")))
    with pytest.raises(DataError, match="row 3, column 'b' is missing"):
        check_frame(
            FRAME.astype("Float64").mask((FRAME.index.to_numpy() == 3)[:, None] & (FRAME.columns == "b"))
        )
    check_frame(FRAME.astype(object))
    check_frame(FRAME)
