"""What people hold in Python is taken, or refused by name: nothing of NumPy, torch or pandas comes through raw."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import sparse
from sklearn.base import clone

from latentia import VAE, VQVAE, GaussianMixture
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


REFUSED = {
    "complex": (ROWS.astype(complex), "Complex data not supported; give real numbers"),
    "complex column": (FRAME.assign(c=1j), "complex numbers|of no numbers"),
    "without numbers": (torch.empty(40, 4, device="meta"), "a tensor without numbers"),
    "nested": (torch.nested.nested_tensor([torch.zeros(2), torch.zeros(3)], layout=torch.jagged), "rows of unlike lengths"),
    "ragged": ([[1, 2], [3]], "row 0 has 2 numbers, row 1 has 1"),
    "ragged arrays": ([ROWS[0], ROWS[1][:2]], "row 0 has 4 numbers, row 1 has 2"),
    "none": (None, "Expected 2D array, got scalar array instead; Reshape your data"),
    "a column": (ROWS[:, 0], "Expected 2D array, got 1D array instead; Reshape your data"),
    "series": (FRAME["a"], r"X\.to_frame"),
    "records": (np.zeros(40, [("a", float), ("b", float)]), "records with the fields a, b"),
    "dates": (np.array([["2020-01-01"] * 4] * 40, "M8[D]"), "dates or times"),
    "durations": (np.ones((40, 4), "m8[s]"), "dates or times"),
    "mixed names": (pd.DataFrame(ROWS, columns=["a", 1, 2, 3]), r"X\.columns\.astype\(str\)"),
    "sparse frame": (FRAME.astype(pd.SparseDtype(float)), r"X\.sparse\.to_dense"),
    "no columns": (ROWS[:, :0], r"0 feature\(s\)"),
    "five axes": (np.zeros((4, 2, 2, 2, 2)), "X has 5 dimensions"),
}  # fmt: skip


@pytest.fixture(scope="module")
def fitted():
    estimators = (
        VAE(max_epochs=0, latent_dim=2),
        GaussianMixture(2),
        VQVAE(max_epochs=0, prior_epochs=0, n_codes=4),
    )
    return [estimator.fit(ROWS) for estimator in estimators]


@pytest.mark.parametrize("name", REFUSED)
def test_what_libraries_refuse_is_refused_in_one_line_with_a_remedy(fitted, name):
    given, words = REFUSED[name]
    for estimator in fitted:
        methods = [clone(estimator).fit, estimator.score_samples]
        methods += [estimator.transform] if hasattr(estimator, "transform") else []
        for method in methods:
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", "X has feature names")
                with pytest.raises(DataError, match=words) as caught:
                    method(given)
            assert "\n" not in str(caught.value)
            assert len(str(caught.value)) < 300


def test_words_and_pictures_where_numbers_were_fitted(fitted):
    for estimator in fitted:
        with pytest.raises(DataError, match=r"images|picture"):
            estimator.score_samples([np.zeros((8, 8))] * 3)
        for words in (
            np.array([["a"] * 4] * 3),
            np.array([["a"] * 4] * 3, object),
            np.array([[b"a"] * 4] * 3),
        ):
            with pytest.raises(DataError, match="X holds words"):
                estimator.score_samples(words)


def test_matrices_are_taken(fitted):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PendingDeprecationWarning)
        matrix = np.matrix(ROWS)
    for estimator in fitted:
        np.testing.assert_allclose(estimator.score_samples(matrix), estimator.score_samples(ROWS))
