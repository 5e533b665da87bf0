"""The named sets: the real ones against their published checks, and small ones in the same layouts."""

from __future__ import annotations

import gzip
import hashlib
import struct
import subprocess
import sys

import numpy as np
import pytest

from latentia.data import SOURCES, datasets_table, load
from latentia.errors import DataError

MD5 = {  # of the published files, unpacked
    "mnist": {
        "t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
        "t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
    },
    "fashion-mnist": {
        "t10k-images-idx3-ubyte": "8181f5470baa50b63fa0f6fddb340f0a",
        "t10k-labels-idx1-ubyte": "15d484375f8d13e6eb1aabb0c3f46965",
    },
}


def write_idx(path, array):
    header = struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape)
    path.write_bytes(gzip.compress(header + array.astype(np.uint8).tobytes()))


@pytest.fixture
def small_mnist(tmp_path):
    rng = np.random.default_rng(0)
    folder = tmp_path / "mnist"
    folder.mkdir()
    for part, n in (("train", 40), ("t10k", 10)):
        write_idx(folder / f"{part}-images-idx3-ubyte.gz", rng.integers(0, 256, (n, 28, 28)))
        write_idx(folder / f"{part}-labels-idx1-ubyte.gz", np.arange(n) % 10)
    return tmp_path


def test_digits_are_scikit_learns_on_256_levels():
    from sklearn.datasets import load_digits

    data = load("digits")
    original = load_digits()
    assert data.is_image
    assert data.event_shape == (1, 8, 8)
    assert (len(data.train), len(data.validation), len(data.test)) == (1437, 180, 180)
    assert data.train.x.dtype == np.uint8
    ours = np.concatenate([data.train.x, data.validation.x, data.test.x]).reshape(1797, -1)
    labels = np.concatenate([data.train.y, data.validation.y, data.test.y])
    theirs = np.round(original.data * 255 / 16).astype(np.uint8)
    assert sorted(map(bytes, np.column_stack([labels.astype(np.uint8), ours]))) == sorted(
        map(bytes, np.column_stack([original.target.astype(np.uint8), theirs]))
    )
    assert data.class_names == tuple("0123456789")


@pytest.mark.parametrize(("name", "mean"), [("mnist", 0.1307), ("fashion-mnist", 0.2860)])
def test_idx_sets_are_the_published_ones(real_data, name, mean):
    data = load(name, data_dir=real_data(name))
    assert (len(data.train), len(data.validation), len(data.test)) == (55000, 5000, 10000)
    both = np.concatenate([data.train.x, data.validation.x])
    assert both.mean() / 255 == pytest.approx(mean, abs=5e-5)
    assert np.bincount(data.test.y).sum() == 10000
    # our arrays written out again are the published files to the byte
    images = struct.pack(">HBB3I", 0, 8, 3, 10000, 28, 28) + data.test.x.tobytes()
    labels = struct.pack(">HBBI", 0, 8, 1, 10000) + data.test.y.astype(np.uint8).tobytes()
    assert hashlib.md5(images).hexdigest() == MD5[name]["t10k-images-idx3-ubyte"]
    assert hashlib.md5(labels).hexdigest() == MD5[name]["t10k-labels-idx1-ubyte"]


def test_cifar10_test_part_is_the_published_one(real_data):
    # the test file alone: the whole set is read by a slow test
    data = load(real_data("cifar10") / "cifar10" / "test.parquet")
    parts = (data.train, data.validation, data.test)
    x = np.concatenate([part.x for part in parts])
    y = np.concatenate([part.y for part in parts])
    assert x.shape == (10000, 3, 32, 32)
    assert np.bincount(y).tolist() == [1000] * 10
    assert data.class_names[:3] == ("airplane", "automobile", "bird")


@pytest.mark.slow
def test_cifar10_is_the_published_one_and_comes_back_from_the_cache(real_data, own_cache):
    data = load("cifar10", data_dir=real_data("cifar10"))
    record = np.column_stack([data.test.y.astype(np.uint8), data.test.x.reshape(10000, -1)])
    assert hashlib.md5(record.tobytes()).hexdigest().startswith("803d5f7f")
    train = np.concatenate([data.train.x, data.validation.x])
    labels = np.concatenate([data.train.y, data.validation.y])
    assert np.bincount(labels).tolist() == [5000] * 10
    np.testing.assert_allclose(train.mean((0, 2, 3)) / 255, (0.4914, 0.4822, 0.4465), atol=5e-5)
    np.testing.assert_allclose(train.std((0, 2, 3)) / 255, (0.2470, 0.2435, 0.2616), atol=1e-4)
    assert list(own_cache.rglob("*.npy"))
    assert not list(own_cache.rglob("*.part"))
    again = load("cifar10", data_dir=real_data("cifar10"))
    assert np.array_equal(again.train.x, data.train.x)
    assert np.array_equal(again.train.y, data.train.y)


@pytest.mark.slow
def test_celeba_is_cropped_to_the_middle_square(real_data):
    data = load("celeba", data_dir=real_data("celeba"))
    assert data.event_shape == (3, 64, 64)
    assert (len(data.train), len(data.validation), len(data.test)) == (6400, 800, 800)
    assert load("celeba", data_dir=real_data("celeba"), image_size=32).event_shape == (3, 32, 32)


def test_cifar100_without_its_train_file_says_so(real_data):
    root = real_data("cifar100")
    if (root / "cifar100" / "train.parquet").exists():
        pytest.skip("the train file is there")
    with pytest.raises(
        DataError, match=r"train\.parquet is missing from .*cifar100 \(there is test\.parquet\)"
    ):
        load("cifar100", data_dir=root)


def test_binarized_mnist_holds_bits(real_data):
    data = load("binarized-mnist", data_dir=real_data("binarized-mnist"))
    assert (len(data.train), len(data.validation), len(data.test)) == (50000, 10000, 10000)
    assert data.event_shape == (1, 28, 28)
    assert np.unique(data.train.x).tolist() == [0, 1]
    # an independent Bernoulli for each pixel, fitted on train: 205.80 nats on test
    p = (data.train.x.sum(0) + 1) / (len(data.train) + 2)
    nll = -(np.log(p) * data.test.x + np.log1p(-p) * (1 - data.test.x)).sum((1, 2, 3)).mean()
    assert nll == pytest.approx(205.80, abs=0.05)


@pytest.mark.parametrize(
    ("file", "shape", "total"),
    [
        ("twins/counts.csv.gz", (278, 130), 570851),
        ("atlas1006/counts.csv.gz", (1151, 130), None),
        ("enterotype/abundances.csv.gz", (280, 553), None),
        ("globalpatterns/counts.csv.gz", (26, 19216), 28216678),
    ],
)
def test_count_tables(real_data, file, shape, total):
    data = load(real_data("microbiome") / "microbiome" / file)
    x = np.concatenate([data.train.x, data.validation.x, data.test.x])
    assert x.shape == shape
    assert (x.dtype == np.int64) == ("abundances" not in file)
    assert total is None or x.sum() == total
    assert data.train.names is not None
    assert len(data.feature_names) == shape[1]


def test_official_test_part_is_kept_and_validation_is_drawn(small_mnist):
    data = load("mnist", data_dir=small_mnist)
    assert (len(data.train), len(data.validation), len(data.test)) == (36, 4, 10)
    assert data.test.y.tolist() == list(range(10))
    other = load("mnist", data_dir=small_mnist, seed=1)
    assert np.array_equal(other.test.x, data.test.x)
    assert not np.array_equal(other.train.x, data.train.x)


def test_search_order(small_mnist, monkeypatch, own_cache, tmp_path):
    monkeypatch.setenv("LATENTIA_DATA", str(small_mnist))
    assert str(small_mnist) in load("mnist").source
    cached = own_cache / "latentia" / "data"
    cached.mkdir(parents=True)
    (small_mnist / "mnist").rename(cached / "mnist")
    assert str(cached) in load("mnist").source
    assert next(row for row in datasets_table() if row.name == "mnist").found == str(cached / "mnist")


def test_a_set_found_nowhere_says_which_file_to_put_where(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "datasets", None)
    monkeypatch.setattr("latentia.data.hub.available", lambda: False)
    with pytest.raises(DataError) as error:
        load("fashion-mnist", data_dir=tmp_path)
    message = str(error.value)
    assert "train-images-idx3-ubyte.gz" in message
    assert str(tmp_path / "fashion-mnist") in message
    assert "latentia[hub]" in message
    assert "\n" not in message


@pytest.mark.parametrize("keep", [3, 20, -4])
def test_truncated_idx(small_mnist, keep):
    path = small_mnist / "mnist" / "train-images-idx3-ubyte.gz"
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(DataError, match=str(path)):
        load("mnist", data_dir=small_mnist)


def test_idx_with_a_lying_header(small_mnist):
    path = small_mnist / "mnist" / "train-images-idx3-ubyte.gz"
    content = bytearray(gzip.decompress(path.read_bytes()))
    content[7] = 41
    path.write_bytes(gzip.compress(bytes(content)))
    with pytest.raises(DataError, match="truncated"):
        load("mnist", data_dir=small_mnist)


def test_idx_labels_of_another_length(small_mnist):
    write_idx(small_mnist / "mnist" / "t10k-labels-idx1-ubyte.gz", np.arange(9))
    with pytest.raises(DataError, match=r"10 images in t10k-images.* but 9 labels"):
        load("mnist", data_dir=small_mnist)


def test_unknown_names_suggest_the_nearest_and_paths_are_called_absent(tmp_path):
    with pytest.raises(DataError, match="did you mean 'fashion-mnist'"):
        load("fashion_mnist")
    with pytest.raises(DataError, match=r"absent\.csv does not exist"):
        load(tmp_path / "absent.csv")
    with pytest.raises(DataError, match=r"iris\.csv does not exist"):
        load("iris.csv")
    with pytest.raises(DataError, match="nor does its folder"):
        load(str(tmp_path / "no" / "where"))


def test_label_column_is_refused_where_there_are_no_columns(small_mnist):
    with pytest.raises(DataError, match="label_column"):
        load("mnist", data_dir=small_mnist, label_column="y")


def test_the_table_lists_every_set_without_heavy_imports(tmp_path):
    rows = datasets_table(tmp_path)
    assert [row.name for row in rows] == list(SOURCES)
    mnist = rows[1]
    assert mnist.found is None
    assert str(tmp_path / "mnist" / "t10k-labels-idx1-ubyte.gz") in mnist.looked_for
    assert mnist.licence
    assert str(tmp_path / "mnist") in mnist.how_to_get
    code = (
        "import sys, latentia.data as d; d.datasets_table();"
        "print(sorted({'torch', 'numpy', 'pandas', 'pyarrow', 'PIL'} & set(sys.modules)))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


def test_loading_needs_no_torch():
    code = "import sys, latentia.data as d; d.load('digits'); print('torch' in sys.modules)"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "False"
