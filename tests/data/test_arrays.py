"""`.npy` and `.npz`: what shape means what, and damaged files."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from latentia.data import load
from latentia.errors import DataError

rng = np.random.default_rng(0)


def saved(path, array):
    np.save(path, array, allow_pickle=True)
    return path


@pytest.mark.parametrize("dtype", ["float64", "float32", "int64", "uint8", ">f8", "<i2"])
def test_tables_keep_their_numbers(tmp_path, dtype):
    table = (rng.random((20, 3)) * 100).astype(dtype)
    data = load(saved(tmp_path / "t.npy", table))
    assert data.train.x.dtype == np.dtype(dtype).newbyteorder("=")
    assert not data.is_image
    joined = np.concatenate([data.train.x, data.validation.x, data.test.x])
    assert sorted(joined.tolist()) == sorted(table.tolist())


@pytest.mark.parametrize(
    ("shape", "event"),
    [
        ((10, 8, 9), (1, 8, 9)),
        ((10, 1, 8, 9), (1, 8, 9)),
        ((10, 3, 8, 9), (3, 8, 9)),
        ((10, 8, 9, 3), (3, 8, 9)),
        ((10, 8, 9, 4), (4, 8, 9)),
        ((10, 2, 8, 9), (2, 8, 9)),
        ((10, 20, 24, 12), (12, 20, 24)),
    ],
)
def test_images(tmp_path, shape, event):
    x = rng.integers(0, 256, shape, dtype=np.uint8)
    data = load(saved(tmp_path / "x.npy", x))
    assert data.is_image
    assert data.event_shape == event
    assert data.train.x.dtype == np.uint8
    expected = (
        x.reshape(10, *event)
        if event != (shape[3] if len(shape) == 4 else 0, *shape[1:3])
        else np.moveaxis(x, 3, 1)
    )
    originals = {bytes(image.tobytes()) for image in expected}
    for part in (data.train, data.validation, data.test):
        assert {bytes(np.ascontiguousarray(image).tobytes()) for image in part.x} <= originals


def test_number_types_of_images(tmp_path):
    floats = rng.random((10, 8, 8))
    data = load(saved(tmp_path / "x.npy", floats))
    assert data.train.x.dtype == np.float32
    assert data.train.x.max() <= 1
    whole = load(saved(tmp_path / "x.npy", rng.integers(0, 256, (10, 8, 8))))
    assert whole.train.x.dtype == np.uint8
    bits = load(saved(tmp_path / "x.npy", rng.random((10, 8, 8)) > 0.5))
    assert np.unique(bits.train.x).tolist() == [0, 1]


def test_image_size_resizes_the_middle(tmp_path):
    x = np.zeros((4, 1, 8, 16), np.uint8)
    x[:, :, :, 4:12] = 200  # the middle square
    data = load(saved(tmp_path / "x.npy", x), image_size=4)
    assert data.event_shape == (1, 4, 4)
    assert (data.train.x == 200).all()
    floats = load(saved(tmp_path / "x.npy", x / 255.0), image_size=4)
    np.testing.assert_allclose(floats.train.x, 200 / 255, atol=1e-6)


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros(5), "shape \\(5,\\)"),
        (np.zeros((5, 0)), "shape"),
        (np.zeros((5, 3, 8, 3), np.uint8), "channels='first' or channels='last'"),
        (np.zeros((5, 20, 24, 28), np.uint8), "20 channels of 24 x 28 pixels or 28 channels of 20 x 24"),
        (np.zeros((5, 1, 1, 1, 8, 8)), "shape"),
        (np.zeros((5, 2), complex), "complex"),
        (np.array([["a", "b"]] * 5), "numbers are expected"),
        (np.array([[1, "b"]] * 5, object), "(?i)object arrays"),
        (np.zeros((0, 2)), "no rows"),
        (np.zeros((1, 2)), "1 row"),
        (np.array([[1, 2], [3, np.nan], [5, 6]]), "row 2, column 2 is missing or NaN"),
        (np.array([[1, 2], [3, 4], [np.inf, 6]], np.float32), "row 3, column 1 is inf"),
        (np.where(np.arange(5 * 64).reshape(5, 8, 8) == 130, np.nan, 0.5), r"row 3, place \(0, 2\)"),
    ],
)
def test_bad_arrays(tmp_path, array, message):
    path = saved(tmp_path / "x.npy", array)
    with pytest.raises(DataError, match=message) as error:
        load(path)
    assert "\n" not in str(error.value)
    assert str(path) in str(error.value)


@pytest.mark.parametrize("suffix", [".npy", ".npz"])
def test_truncated(tmp_path, suffix):
    path = tmp_path / f"x{suffix}"
    (np.save if suffix == ".npy" else np.savez)(path, rng.random((50, 4)))
    content = path.read_bytes()
    for keep in (0, 4, 60, len(content) // 2, len(content) - 1):
        path.write_bytes(content[:keep])
        with pytest.raises(DataError, match=f"x{suffix}"):
            load(path)


def test_npz_with_a_flipped_byte(tmp_path):
    path = tmp_path / "x.npz"
    np.savez(path, x=rng.random((50, 4)))
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"x\.npz"):
        load(path)


@pytest.mark.parametrize(("x", "y"), [("x", "y"), ("X", "labels"), ("data", "target"), ("images", "label")])
def test_npz_names(tmp_path, x, y):
    values = rng.random((20, 3))
    np.savez(tmp_path / "d.npz", **{x: values, y: np.array(["u", "v"] * 10)})
    data = load(tmp_path / "d.npz")
    assert data.class_names == ("u", "v")
    for part in (data.train, data.validation, data.test):
        for row, code in zip(part.x, part.y, strict=True):
            assert np.flatnonzero((values == row).all(1))[0] % 2 == code


@pytest.mark.parametrize(
    ("train", "valid", "test"), [("train", "valid", "test"), ("x_train", "x_val", "x_test")]
)
def test_npz_parts(tmp_path, train, valid, test):
    arrays = {train: np.full((9, 2), 1.0), valid: np.full((4, 2), 2.0), test: np.full((5, 2), 3.0)}
    labels = {"y_train": np.arange(9) % 3, "y_val": np.zeros(4, int), "y_test": np.full(5, 2)}
    np.savez(tmp_path / "d.npz", **arrays, **(labels if train == "x_train" else {}))
    data = load(tmp_path / "d.npz")
    assert [len(part) for part in (data.train, data.validation, data.test)] == [9, 4, 5]
    assert [part.x.max() for part in (data.train, data.validation, data.test)] == [1, 2, 3]
    if train == "x_train":
        assert data.class_names == ("0", "1", "2")
        assert data.test.y.tolist() == [2] * 5


def test_bad_npz(tmp_path):
    path = tmp_path / "d.npz"
    np.savez(path, x=np.zeros((10, 2)), y=np.zeros(9))
    with pytest.raises(DataError, match="10 rows but 9 labels"):
        load(path)
    np.savez(path, x=np.zeros((10, 2)), y=np.linspace(0, 1, 10))
    with pytest.raises(DataError, match=r"label of row 2 is 0\.1"):
        load(path)
    np.savez(path, x=np.zeros((10, 2)), y=np.zeros((10, 3)))
    with pytest.raises(DataError, match="labels have shape"):
        load(path)
    np.savez(path, a=np.zeros(3), b=np.zeros(3))
    with pytest.raises(DataError, match="holds the arrays a, b; expected x"):
        load(path)
    np.savez(path, x=np.array([[1, None]] * 5, object))
    with pytest.raises(DataError, match=r"(?i)object arrays"):
        load(path)
    np.savez(path, x=np.zeros((4, 2)))
    path.rename(tmp_path / "d.npy")
    with pytest.raises(DataError, match=r"call it \.npz"):
        load(tmp_path / "d.npy")


def test_sparse_counts(tmp_path):
    counts = sparse.random_array((40, 30), density=0.1, format="csr", rng=rng)
    counts.data = np.ceil(counts.data * 10).astype(np.int64)
    sparse.save_npz(tmp_path / "c.npz", counts)
    data = load(tmp_path / "c.npz")
    assert isinstance(data.train.x, sparse.csr_array)
    joined = sparse.vstack([data.train.x, data.validation.x, data.test.x]).toarray()
    assert sorted(joined.tolist()) == sorted(counts.toarray().tolist())
    counts = counts.astype(float)
    counts.data[0] = np.nan
    sparse.save_npz(tmp_path / "c.npz", counts)
    with pytest.raises(DataError, match="row 1, column"):
        load(tmp_path / "c.npz")
