"""Images of any layout and scale: one rule, and its inverse."""

import numpy as np
import pytest
from PIL import Image

from latentia.data import load
from latentia.data.pictures import Before, as_given, as_pictures, axes_of, in_order, like_before, white_of
from latentia.errors import ConfigError, DataError

RANDOM = np.random.default_rng(3)


@pytest.mark.parametrize(
    ("shape", "axes"),
    [
        ((9, 28, 28), "flat"),
        ((9, 1, 28, 28), "first"),
        ((9, 28, 28, 1), "last"),
        ((9, 3, 32, 32), "first"),
        ((9, 32, 32, 3), "last"),
        ((9, 32, 48, 4), "last"),
        ((9, 1, 4, 4), "first"),
        ((9, 4, 4, 1), "last"),
        ((9, 2, 5, 6), "first"),
        ((9, 5, 6, 2), "last"),
        ((9, 13, 64, 64), "first"),
        ((9, 64, 64, 13), "last"),
    ],
)
def test_the_channels_are_the_only_axis_that_they_can_be(shape, axes):
    assert axes_of(shape, "X") == axes
    images = RANDOM.integers(0, 9, shape)
    np.testing.assert_array_equal(as_given(in_order(images, axes), axes), images)


@pytest.mark.parametrize(
    "shape", [(9, 3, 32, 3), (9, 1, 28, 1), (9, 32, 32, 32), (9, 40, 50, 60), (9, 4, 7, 4)]
)
def test_what_can_be_either_is_asked(shape):
    with pytest.raises(DataError, match="channels='first' or channels='last'"):
        axes_of(shape, "X")
    assert axes_of(shape, "X", "last") == "last"
    assert as_pictures(np.zeros(shape, np.uint8), "X", "last").array.shape == (
        9,
        shape[3],
        shape[1],
        shape[2],
    )
    with pytest.raises(ConfigError, match="channels='middle'"):
        axes_of(shape, "X", "middle")


@pytest.mark.parametrize(
    ("values", "dtype"),
    [
        (np.array([0, 255], np.int64), np.uint8),
        (np.array([False, True]), np.uint8),
        (np.array([0.0, 255.0]), np.uint8),
        (np.array([3.0, 17.0], np.float32), np.uint8),
        (np.array([0, 256], np.int32), np.uint16),
        (np.array([0.0, 4095.0], np.float32), np.uint16),
        (np.array([0, 1.0], np.float32), np.float32),
        (np.array([0.0, 0.25], np.float16), np.float32),
        (np.array([0.5, 200.25]), np.float64),
        (np.array([-1.0, 1.0], np.float32), np.float32),
        (np.array([-1000, 3000], np.int16), np.float64),
        (np.array([0, 70000]), np.float64),
        (np.array([0.25, 0.5], np.longdouble), np.float64),
    ],
)
def test_values_of_any_type_are_on_one_scale(values, dtype):
    images = np.resize(values, (4, 1, 3, 3))
    found = as_pictures(images, "X").array
    assert found.dtype == dtype
    np.testing.assert_array_equal(found, images)


@pytest.mark.parametrize(
    ("top", "white"), [(3, 255), (255, 255), (256, 511), (1000, 1023), (4095, 4095), (65535, 65535)]
)
def test_white_is_what_the_bits_can_hold(top, white):
    assert white_of(np.array([0, top], np.uint16)) == white


BYTES = RANDOM.integers(0, 256, (3, 1, 2, 2)).astype(np.uint8)
BITS = np.array([0, 1, 1, 0], np.uint8).reshape(1, 1, 2, 2)
DEEP = np.array([0, 700, 4000, 4095], np.uint16).reshape(1, 1, 2, 2)
PIXELS, UNIT, WIDE = Before("pixels", 0, 255), Before("unit", 0, 1), Before("deep", 0, 4095)


@pytest.mark.parametrize(
    ("before", "later", "wanted"),
    [
        (PIXELS, BYTES, BYTES),
        (PIXELS, (BYTES / 255).astype(np.float32), BYTES),
        (PIXELS, BYTES / 255, BYTES),
        (UNIT, BYTES, (BYTES / np.float32(255)).astype(np.float32)),
        (UNIT, BYTES / 255, BYTES / 255),
        (Before("binary", 0, 1), BITS, BITS),
        (Before("binary", 0, 255), BITS, BITS * 255),
        (Before("binary", 0, 1), BITS * 255, BITS),
        (Before("binary", 0, 255), BITS.astype(np.float32), BITS * 255),
        (WIDE, DEEP, DEEP),
        (WIDE, DEEP / 4095, DEEP),
        (Before("continuous", 0, 1), np.full((1, 1, 2, 2), -0.7), np.full((1, 1, 2, 2), -0.7)),
    ],
)
def test_what_is_meant_is_converted(before, later, wanted):
    np.testing.assert_array_equal(like_before(later, before, later.dtype), wanted)


@pytest.mark.parametrize(
    ("before", "later", "words"),
    [
        (PIXELS, BYTES / 127.5 - 1, "8-bit images"),
        (PIXELS, DEEP, "row 0, column 1 .* value 700"),
        (PIXELS, BYTES + 0.5, "8-bit images"),
        (UNIT, np.full((1, 1, 2, 2), 1.5), r"values in \[0, 1\]"),
        (UNIT, np.full((1, 1, 2, 2), -0.5), r"values in \[0, 1\]"),
        (UNIT, DEEP, "value 700"),
        (Before("binary", 0, 1), np.full((1, 1, 2, 2), 0.4), "two values 0 and 1"),
        (Before("binary", 0, 255), BYTES, "two values 0 and 255"),
        (WIDE, BYTES, "8-bit"),
        (WIDE, DEEP * np.uint16(4), "16-bit images"),
        (Before("continuous", 0, 1), BYTES + 100.5, "about 0"),
    ],
)
def test_what_has_no_meaning_is_refused_with_its_place(before, later, words):
    with pytest.raises(DataError, match=words) as error:
        like_before(later, before, later.dtype)
    assert "image 0" in str(error.value) or "image 1" in str(error.value)


def test_sixteen_bits_come_out_of_files_whole(tmp_path):
    wide = RANDOM.integers(0, 4096, (12, 6, 6)).astype(np.uint16)
    for i, picture in enumerate(wide):
        Image.fromarray(picture).save(tmp_path / f"{i:02}.png")
    data = load(tmp_path)
    assert data.train.x.dtype == np.uint16
    found = np.concatenate([data.train.x, data.validation.x, data.test.x]).reshape(12, -1)
    assert sorted(found.tolist()) == sorted(wide.reshape(12, -1).tolist())
    assert load(tmp_path, image_size=3).event_shape == (1, 3, 3)
    Image.fromarray(np.zeros((6, 6), np.uint8)).save(tmp_path / "99.png")
    with pytest.raises(DataError, match="different depths"):
        load(tmp_path)
