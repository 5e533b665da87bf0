"""Readers of images with masks and of image sequences."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from latentia.data import Balls, MultiSprites, load
from latentia.data.items import Ragged
from latentia.data.loading import read, shape_before
from latentia.data.shapes import Shape
from latentia.errors import DataError
from latentia.kinds import fitting_model

SCENES = MultiSprites(size=16, objects=(1, 2)).sample(12, seed=0)
VIDEOS = Balls(size=16, frames=6, colours=True).sample(10, seed=0)


def test_a_file_that_a_generator_wrote_comes_back_whole(tmp_path):
    raw = read(SCENES.save(tmp_path / "a.npz"))
    np.testing.assert_array_equal(raw.train.x, SCENES.x)
    for name, values in SCENES.truth.items():
        np.testing.assert_array_equal(raw.train.truth[name], values)
    data = load(tmp_path / "a.npz")
    assert data.shape is Shape.IMAGES
    assert len(data.test.truth["masks"]) == len(data.test)


def test_videos_that_a_generator_wrote_come_back_whole(tmp_path):
    raw = read(VIDEOS.save(tmp_path / "v.npz"))
    assert isinstance(raw.train.x, Ragged)
    assert raw.train.x.lengths.tolist() == [6] * 10
    np.testing.assert_array_equal(raw.train.x.values.reshape(VIDEOS.x.shape), VIDEOS.x)
    np.testing.assert_array_equal(raw.train.truth["states"], VIDEOS.states)
    data = load(tmp_path / "v.npz")
    assert data.shape is Shape.FRAMES
    assert data.event_shape == (3, 16, 16)
    assert data.test.truth["masks"].shape == (len(data.test), 6, 16, 16)


def test_masks_one_for_each_object_and_channels_last(tmp_path):
    hot = np.stack([SCENES.masks == k for k in (1, 2)], 1)
    np.savez(tmp_path / "hot.npz", x=SCENES.x.transpose(0, 2, 3, 1), masks=hot, counts=SCENES.counts)
    raw = read(tmp_path / "hot.npz")
    np.testing.assert_array_equal(raw.train.truth["masks"], SCENES.masks)
    everything = np.stack([SCENES.masks == k for k in (0, 1, 2)], 1)
    np.savez(tmp_path / "all.npz", x=SCENES.x, masks=everything)
    np.testing.assert_array_equal(read(tmp_path / "all.npz").train.truth["masks"], SCENES.masks)


def test_masks_are_resized_with_their_images(tmp_path):
    SCENES.save(tmp_path / "a.npz")
    raw = read(tmp_path / "a.npz", image_size=8)
    assert raw.train.x.shape[-2:] == raw.train.truth["masks"].shape[-2:] == (8, 8)
    assert set(np.unique(raw.train.truth["masks"])) == {0, 1, 2}


def test_parts_have_their_own_truth(tmp_path):
    np.savez(
        tmp_path / "p.npz",
        x_train=SCENES.x[:8],
        masks_train=SCENES.masks[:8],
        x_test=SCENES.x[8:],
        masks_test=SCENES.masks[8:],
    )
    raw = read(tmp_path / "p.npz")
    np.testing.assert_array_equal(raw.test.truth["masks"], SCENES.masks[8:])


def test_a_folder_with_masks_beside_its_images(tmp_path):
    (tmp_path / "masks").mkdir()
    for i, (x, mask) in enumerate(zip(SCENES.x, SCENES.masks, strict=True)):
        Image.fromarray(x.transpose(1, 2, 0)).save(tmp_path / f"{i:02d}.png")
        indexed = Image.fromarray(mask, mode="P") if i % 2 else Image.fromarray(mask)
        if i % 2:
            indexed.putpalette([0, 0, 0, 255, 0, 0, 0, 255, 0])
        indexed.save(tmp_path / "masks" / f"{i:02d}.png")
    raw = read(tmp_path)
    np.testing.assert_array_equal(raw.train.truth["masks"], SCENES.masks)
    assert raw.train.y is None
    (tmp_path / "masks" / "03.png").unlink()
    with pytest.raises(DataError, match=r"03.png has no mask"):
        read(tmp_path)


@pytest.mark.parametrize("name", ["frame_{}.png", "{}.png", "frame{:03d}.png"])
def test_folders_of_numbered_frames(tmp_path, name):
    for i, video in enumerate(VIDEOS.x[:4]):
        place = tmp_path / f"clip_{i}"
        place.mkdir()
        for t, frame in enumerate(np.concatenate([video, video])[: 11 + (i > 2)]):  # 2 comes before 10
            Image.fromarray(frame.transpose(1, 2, 0)).save(place / name.format(t))
    raw = read(tmp_path)
    assert isinstance(raw.train.x, Ragged)
    assert raw.train.x.lengths.tolist() == [11, 11, 11, 12]
    np.testing.assert_array_equal(raw.train.x.item(0)[2], VIDEOS.x[0, 2])
    np.testing.assert_array_equal(raw.train.x.item(0)[10], VIDEOS.x[0, 4])
    assert raw.train.names.tolist() == [f"clip_{i}" for i in range(4)]
    assert "11 to 12 frames" in raw.source


def test_folders_of_classes_stay_classes(tmp_path):
    for name in ("cats", "dogs"):
        (tmp_path / name).mkdir()
        for i in range(3):
            Image.fromarray(SCENES.x[i].transpose(1, 2, 0)).save(tmp_path / name / f"{i}.png")
    raw = read(tmp_path)
    assert isinstance(raw.train.x, np.ndarray)
    assert raw.class_names == ("cats", "dogs")


def animated(path, video, **options):
    first, *rest = (Image.fromarray(frame.transpose(1, 2, 0)) for frame in video)
    first.save(path, save_all=True, append_images=rest, **options)


def test_a_folder_of_gifs_and_a_single_one(tmp_path):
    for i, video in enumerate(VIDEOS.x[:3]):
        animated(tmp_path / f"v{i}.gif", video[: 4 + i], duration=50)
    raw = read(tmp_path)
    assert raw.train.x.lengths.tolist() == [4, 5, 6]
    assert np.abs(raw.train.x.item(2).astype(int) - VIDEOS.x[2]).max() < 40  # a palette of 256 colours
    assert "palettes as RGB, transparency dropped" in raw.source
    one = read(tmp_path / "v1.gif")
    np.testing.assert_array_equal(one.train.x.values, raw.train.x.item(1))


def test_grey_gifs_have_one_channel(tmp_path):
    grey = np.repeat(VIDEOS.x[:, :, :1], 3, 2)
    for i in range(3):
        animated(tmp_path / f"{i}.gif", grey[i])
    raw = read(tmp_path)
    assert raw.train.x.event_shape == (1, 16, 16)
    np.testing.assert_array_equal(raw.train.x.item(0)[:, 0], grey[0, :, 0])


def test_animated_webp_are_sequences_and_still_ones_images(tmp_path):
    for i, video in enumerate(VIDEOS.x[:3]):
        animated(tmp_path / f"{i}.webp", video, lossless=True)
    raw = read(tmp_path)
    np.testing.assert_array_equal(raw.train.x.values.reshape(VIDEOS.x[:3].shape), VIDEOS.x[:3])
    for file in tmp_path.iterdir():
        Image.fromarray(VIDEOS.x[0, 0].transpose(1, 2, 0)).save(file)
    assert isinstance(read(tmp_path).train.x, np.ndarray)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"masks": SCENES.masks[:5]}, "12 items but 5 masks"),
        ({"masks": SCENES.masks[:, :8]}, "masks of shape"),
        ({"masks": SCENES.masks * 0.5}, "fractions"),
        ({"masks": SCENES.masks.astype(int) - 1}, "from -1"),
        ({"masks": SCENES.masks.astype(str)}, "numbers are expected"),
        ({"counts": SCENES.counts[:, None]}, "counts of shape"),
        ({"states": SCENES.counts}, "states of shape"),
    ],
)
def test_truth_that_does_not_fit_is_told(tmp_path, arrays, message):
    np.savez(tmp_path / "bad.npz", x=SCENES.x, **arrays)
    with pytest.raises(DataError, match=message):
        load(tmp_path / "bad.npz")


def test_videos_that_are_none_are_told(tmp_path):
    np.save(tmp_path / "six.npy", np.zeros((3, 2, 2, 1, 8, 8), np.uint8))
    with pytest.raises(DataError, match=r"\[n, T, C, H, W\] for videos"):
        load(tmp_path / "six.npy")
    np.save(tmp_path / "five.npy", np.zeros((3, 2, 8, 8, 8), np.uint8))
    with pytest.raises(DataError, match="channels"):
        load(tmp_path / "five.npy")
    (tmp_path / "cut.gif").write_bytes(b"GIF89a nonsense")
    with pytest.raises(DataError, match="readable animation"):
        load(tmp_path / "cut.gif")
    animated(tmp_path / "one.gif", VIDEOS.x[0])
    with pytest.raises(DataError, match="1 row"):
        load(tmp_path / "one.gif")
    (tmp_path / "sizes").mkdir()
    animated(tmp_path / "sizes" / "a.gif", VIDEOS.x[0])
    animated(tmp_path / "sizes" / "b.gif", VIDEOS.x[0][..., :8])
    with pytest.raises(DataError, match=r"a.gif is 16x16, .*b.gif is 8x16"):
        load(tmp_path / "sizes")
    assert read(tmp_path / "sizes", image_size=8).train.x.event_shape[1:] == (8, 8)


def test_what_holds_videos_is_known_before_it_is_read(tmp_path):
    (tmp_path / "clips").mkdir()
    animated(tmp_path / "clips" / "one.gif", VIDEOS.x[0])
    (tmp_path / "pictures" / "cats").mkdir(parents=True)
    Image.new("L", (8, 8)).save(tmp_path / "pictures" / "cats" / "tom.png")
    assert shape_before(str(tmp_path / "clips")) is Shape.FRAMES
    assert shape_before(str(tmp_path / "clips" / "one.gif")) is Shape.FRAMES
    assert shape_before("billiards") is Shape.FRAMES
    assert shape_before(str(tmp_path / "pictures")) is None
    assert fitting_model("sigma-vae", Shape.FRAMES) == "stove"
