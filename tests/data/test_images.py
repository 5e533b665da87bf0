"""Image folders and Parquet files of images."""

from __future__ import annotations

import io
import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from latentia.data import load
from latentia.errors import DataError

rng = np.random.default_rng(0)


def colour(height=8, width=8):
    return rng.integers(0, 256, (height, width, 3), dtype=np.uint8)


def grey(height=8, width=8):
    return rng.integers(0, 256, (height, width), dtype=np.uint8)


def save(path, pixels, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, **options)


def by_name(data):
    parts = (data.train, data.validation, data.test)
    return {name: x for part in parts for name, x in zip(part.names, part.x, strict=True)}


def test_pixels_are_exact_for_lossless_formats(tmp_path):
    images = {f"{i}.{kind}": colour() for i, kind in enumerate(["png", "bmp", "webp", "png", "PNG"])}
    for name, pixels in images.items():
        save(tmp_path / name, pixels, **({"lossless": True} if name.endswith("webp") else {}))
    save(tmp_path / ".hidden.png", colour(3, 3))
    (tmp_path / "notes.txt").write_text("not an image")
    data = load(tmp_path)
    assert data.is_image
    assert data.train.y is None
    found = by_name(data)
    assert set(found) == set(images)
    for name, pixels in images.items():
        assert np.array_equal(found[name], pixels.transpose(2, 0, 1))


def test_jpeg_and_more_images_than_a_chunk(tmp_path):
    for i in range(150):
        save(tmp_path / f"{i:03}.jpg", np.full((8, 8, 3), i, np.uint8), quality=95)
    for name, image in by_name(load(tmp_path)).items():
        assert abs(image.astype(int) - int(name[:3])).max() <= 3


def test_grey_stays_one_channel_and_mixes_become_colour(tmp_path):
    pixels = {f"{i}.png": grey() for i in range(4)}
    for name, image in pixels.items():
        save(tmp_path / name, image)
    assert load(tmp_path).event_shape == (1, 8, 8)
    save(tmp_path / "z.png", colour())
    data = load(tmp_path)
    assert data.event_shape == (3, 8, 8)
    for name, image in pixels.items():
        assert np.array_equal(by_name(data)[name], np.stack([image] * 3))
    save(tmp_path / "00.png", colour())  # first in order: colour before grey
    assert np.array_equal(by_name(load(tmp_path))["1.png"], np.stack([pixels["1.png"]] * 3))


def test_alpha_is_laid_on_white_and_16_bits_stay(tmp_path):
    half = np.zeros((8, 8, 4), np.uint8)
    half[:4, :, 3] = 255  # black above, transparent below
    for i in range(3):
        save(tmp_path / "alpha" / f"{i}.png", half)
        save(tmp_path / "deep" / f"{i}.png", np.array([[0, 257, 65535]], np.uint16))
    alpha = load(tmp_path / "alpha").train.x[0]
    assert alpha.shape == (3, 8, 8)
    assert (alpha[:, :4] == 0).all()
    assert (alpha[:, 4:] == 255).all()
    assert load(tmp_path / "deep").train.x[0].tolist() == [[[0, 257, 65535]]]


def test_photographs_are_turned_upright(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    for i in range(3):
        save(tmp_path / f"{i}.jpg", np.zeros((8, 16, 3), np.uint8), exif=exif)
    assert load(tmp_path).event_shape == (3, 16, 8)


def test_classes_are_subfolders(tmp_path):
    for label, value in (("cat", 10), ("dog", 20)):
        for i in range(5):
            save(tmp_path / label / ("deep/" if i else "") / f"{i}.png", np.full((8, 8), value, np.uint8))
    data = load(tmp_path)
    assert data.class_names == ("cat", "dog")
    for part in (data.train, data.validation, data.test):
        assert part.y.tolist() == [int(x[0, 0, 0]) // 10 - 1 for x in part.x]


def test_one_subfolder_is_no_class(tmp_path):
    for i in range(3):
        save(tmp_path / "images" / f"{i}.png", grey())
    assert load(tmp_path).class_names is None


def test_subfolders_called_train_and_test_are_the_parts(tmp_path):
    for part, n in (("train", 6), ("val", 2), ("test", 3)):
        for label, value in (("cat", 10), ("dog", 20)):
            for i in range(n):
                save(tmp_path / part / label / f"{i}.png", np.full((8, 8), value + n, np.uint8))
    data = load(tmp_path)
    assert [len(part) for part in (data.train, data.validation, data.test)] == [12, 4, 6]
    assert np.unique(data.test.x).tolist() == [13, 23]
    assert data.test.y.tolist() == [0, 0, 0, 1, 1, 1]


def test_mixed_sizes_name_two_files_and_the_way_out(tmp_path):
    for i in range(3):
        save(tmp_path / f"{i}.png", colour())
    save(tmp_path / "wide.png", colour(8, 20))
    with pytest.raises(DataError, match=r"0\.png is 8x8, .*wide\.png is 20x8 .*image_size") as error:
        load(tmp_path)
    assert "\n" not in str(error.value)
    assert load(tmp_path, image_size=6).event_shape == (3, 6, 6)


def test_image_size_keeps_the_middle(tmp_path):
    wide = np.zeros((8, 16), np.uint8)
    wide[:, 4:12] = 200
    for i in range(3):
        save(tmp_path / f"{i}.png", wide)
    assert (load(tmp_path, image_size=4).train.x == 200).all()


@pytest.mark.parametrize("kind", ["png", "jpg", "webp", "bmp"])
def test_a_corrupt_file_is_named(tmp_path, kind):
    for i in range(4):
        save(tmp_path / f"{i}.{kind}", colour(64, 64))
    broken = tmp_path / f"2.{kind}"
    content = broken.read_bytes()
    for damaged in (b"", b"hello", content[: len(content) // 2]):
        broken.write_bytes(damaged)
        with pytest.raises(DataError, match=rf"2\.{kind} is no") as error:
            load(tmp_path)
        assert "\n" not in str(error.value)


def test_bad_folders(tmp_path):
    with pytest.raises(DataError, match="holds no images"):
        load(tmp_path)
    (tmp_path / "t.parquet").write_bytes(b"")
    with pytest.raises(DataError, match=r"it holds t\.parquet"):
        load(tmp_path)
    save(tmp_path / "a.png", grey())
    with pytest.raises(DataError, match="1 row"):
        load(tmp_path)
    with pytest.raises(DataError, match="single image"):
        load(tmp_path / "a.png")
    save(tmp_path / "inside" / "b.png", grey())
    with pytest.raises(DataError, match=r"both directly \(a\.png\) and in subfolders"):
        load(tmp_path)
    with pytest.raises(DataError, match="label_column"):
        load(tmp_path, label_column="y")


def encoded(pixels, kind="PNG"):
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, kind)
    return buffer.getvalue()


def write_images(path, images, labels=None, names=None, rows=3):
    kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    columns = {"picture": pa.array([{"bytes": image, "path": None} for image in images], kind)}
    features = {"picture": {"_type": "Image"}}
    if labels is not None:
        columns["label"] = pa.array(labels)
        features["label"] = {"_type": "ClassLabel", "names": names} if names else {"_type": "Value"}
    table = pa.table(columns)
    metadata = {"huggingface": json.dumps({"info": {"features": features}})}
    pq.write_table(table.replace_schema_metadata(metadata), path, row_group_size=rows)


def test_parquet_images(tmp_path):
    images = [colour() for _ in range(10)]
    path = tmp_path / "d.parquet"
    write_images(
        path, [encoded(image) for image in images], [i % 2 for i in range(10)], ["even", "odd", "unseen"]
    )
    data = load(path)
    assert data.class_names == ("even", "odd", "unseen")
    for part in (data.train, data.validation, data.test):
        for x, y in zip(part.x, part.y, strict=True):
            (place,) = (i for i, image in enumerate(images) if np.array_equal(image.transpose(2, 0, 1), x))
            assert place % 2 == y
    write_images(path, [encoded(image) for image in images], ["u", "v"] * 5)
    assert load(path).class_names == ("u", "v")
    assert load(path, image_size=4).event_shape == (3, 4, 4)
    with pytest.raises(DataError, match="no column 'c'; its columns: picture, label"):
        load(path, label_column="c")


def test_parquet_labels_withheld_or_out_of_range(tmp_path):
    path = tmp_path / "d.parquet"
    images = [encoded(colour()) for _ in range(4)]
    write_images(path, images, [-1] * 4, ["a", "b"])
    assert load(path).train.y is None
    write_images(path, images, [0, 1, 2, 0], ["a", "b"])
    with pytest.raises(DataError, match="label of row 3 is 2, but 2 classes are named"):
        load(path)


def test_parquet_damage_is_named_by_row(tmp_path):
    path = tmp_path / "d.parquet"
    images = [encoded(colour()) for _ in range(6)]
    write_images(path, [*images[:3], images[3][:40], *images[4:]])
    with pytest.raises(DataError, match=r"d\.parquet, row 4 is no"):
        load(path)
    write_images(path, [*images[:4], None, *images[5:]])
    with pytest.raises(DataError, match="row 5 holds no image bytes"):
        load(path)
    write_images(path, images)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(DataError, match=r"d\.parquet"):
        load(path)


def test_decoded_pixels_are_kept_until_the_file_changes(tmp_path, own_cache, monkeypatch):
    import latentia.data.parquet as module

    monkeypatch.setattr(module, "_CACHE_SECONDS", -1.0)
    path = tmp_path / "d.parquet"
    write_images(path, [encoded(colour()) for _ in range(6)], [0, 1] * 3)
    first = load(path)
    (kept,) = own_cache.rglob("*.npy")
    with monkeypatch.context() as patch:
        patch.setattr(module, "decode_images", lambda *_: pytest.fail("decoded again"))
        again = load(path)
    assert np.array_equal(again.train.x, first.train.x)
    assert again.train.y.tolist() == first.train.y.tolist()
    kept.write_bytes(kept.read_bytes()[:100])  # a damaged cache does no harm
    assert np.array_equal(load(path).train.x, first.train.x)
    write_images(path, [encoded(colour()) for _ in range(6)], [0, 1] * 3)
    assert not np.array_equal(load(path).train.x, first.train.x)


def test_a_cache_that_cannot_be_written_is_done_without(tmp_path, own_cache, monkeypatch):
    import latentia.data.parquet as module

    monkeypatch.setattr(module, "_CACHE_SECONDS", -1.0)
    path = tmp_path / "d.parquet"
    write_images(path, [encoded(colour()) for _ in range(6)])

    def full(*_args, **_options):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(np, "save", full)
        assert load(path).event_shape == (3, 8, 8)
    assert not [file for file in own_cache.rglob("*") if file.is_file()]
