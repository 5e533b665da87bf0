"""What a new user gets wrong with images of objects and with videos: one line that says what, where, what was expected, how to mend it.

More cases stand beside each kind (`scene/test_estimator.py`, `video/test_video.py`).
"""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

import command_line
from latentia import VideoVAE
from latentia.data import Balls, MultiDigits
from latentia.errors import DataError


def gif(path, frames):
    path.parent.mkdir(parents=True, exist_ok=True)
    first, *rest = [Image.fromarray(frame) for frame in frames]
    first.save(path, save_all=True, append_images=rest, duration=80)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Data that are right and data that are not, and runs that were fitted to the right ones for no epoch."""
    folder = tmp_path_factory.mktemp("inputs")
    scenes = MultiDigits(size=20, digits=(0, 2)).sample(30, seed=0)
    videos = Balls(n=1, size=12, frames=14).sample(12, seed=0)
    x, y = scenes.x, videos.x
    scenes.save(folder / "scenes.npz")
    videos.save(folder / "videos.npz")
    of_scenes = {"x": x, "masks": scenes.masks, "counts": scenes.counts}
    of_videos = {"x": y, **videos.truth}
    made = {
        "masks-size": {"x": x, "masks": scenes.masks[:, :10]},
        "masks-n": {"x": x, "masks": scenes.masks[:10]},
        "masks-negative": {"x": x, "masks": -scenes.masks.astype(int)},
        "masks-frames": {"x": y, "masks": videos.masks[:, :5]},
        "counts-negative": {**of_scenes, "counts": scenes.counts.astype(int) - 3},
        "counts-nan": {**of_scenes, "counts": np.where(scenes.counts > 0, np.nan, 0.0)},
        "counts-half": {**of_scenes, "counts": scenes.counts + 0.5},
        "counts-words": {**of_scenes, "counts": scenes.counts.astype(str)},
        "counts-frames": {**of_videos, "counts": np.ones((12, 7), int)},
        "states-frames": {**of_videos, "states": videos.states[:, :5]},
        "states-infinite": {**of_videos, "states": videos.states + np.inf},
        "radius-negative": {**of_videos, "radius": -of_videos["radius"]},
        "radius-column": {**of_videos, "radius": of_videos["radius"][:, None]},
        "nan-images": {"x": np.where(x > 250, np.nan, x / 255)},
        "nan-videos": {"x": np.where(y > 250, np.nan, y / 255)},
        "six-axes": {"x": y[None]},
        "one-axis": {"x": np.arange(9.0)},
        "no-images": {"x": x[:0]},
        "one-video": {"x": y[:1]},
        "one-frame": {"x": y[:, :1]},
        "no-frames": {"x": y[:, :0]},
        "short": {"x": y[:, :8]},
        "tiny": {"x": y[..., :4, :4]},
        "colour": {"x": np.repeat(y, 3, 2)},
        "brighter": {"x": 100.0 * y},
        "table": {"x": np.ones((30, 4))},
    }
    for name, arrays in made.items():
        np.savez(folder / f"{name}.npz", **arrays)
    for i in range(4):
        gif(folder / "clips" / f"{i}.gif", y[i, :, 0])
        gif(folder / "unlike" / f"{i}.gif", y[i, :, 0, : 8 + i, : 8 + i])
        gif(folder / "broken" / f"{i}.gif", y[i, :, 0])
        gif(folder / "no-gif" / f"{i}.gif", y[i, :, 0])
        gif(folder / "still" / f"{i}.gif", y[i, :1, 0])
        (folder / "frames" / f"v{i}").mkdir(parents=True)
        for t in range(8):
            cut = y[i, t, 0, : 9 if (i, t) == (1, 4) else 12]
            Image.fromarray(cut).save(folder / "frames" / f"v{i}" / f"frame{t}.png")
        for name, mask in (("small-masks", scenes.masks[i, :10]), ("few-masks", scenes.masks[i])):
            (folder / name / "masks").mkdir(parents=True, exist_ok=True)
            Image.fromarray(x[i, 0]).save(folder / name / f"a{i}.png")
            if (name, i) != ("few-masks", 3):
                Image.fromarray(mask).save(folder / name / "masks" / f"a{i}.png")
    whole = (folder / "broken" / "2.gif").read_bytes()
    (folder / "broken" / "2.gif").write_bytes(whole[:150])
    (folder / "no-gif" / "1.gif").write_text("hello")
    (folder / "empty").mkdir()
    command_line.run("fit", folder / "scenes.npz", "--model", "air", "--epochs", 0, "--out", folder / "air")
    command_line.run(
        "fit", folder / "videos.npz", "--model", "stove", "--n-objects", 1, "--epochs", 0, "--out", folder / "stove"
    )  # fmt: skip
    return folder


AIR = ["--model", "air", "--epochs", "0", "--out", "new"]
STOVE = ["--model", "stove", "--epochs", "0", "--out", "new"]
WRONG = {
    "masks of another size": (["fit", "@masks-size.npz", *AIR], "masks of shape (30, 10, 20) for images of 20 x 20 pixels"),
    "too few masks": (["fit", "@masks-n.npz", *AIR], "30 items but 10 masks"),
    "negative masks": (["fit", "@masks-negative.npz", *AIR], "expected 0 to 255"),
    "masks of some frames": (["fit", "@masks-frames.npz", *STOVE], "masks of 5 frames for videos of 14"),
    "negative counts": (["fit", "@counts-negative.npz", *AIR], "expected whole numbers of at least 0"),
    "counts that are NaN": (["fit", "@counts-nan.npz", *AIR], "hold nan; expected whole numbers"),
    "half counts": (["fit", "@counts-half.npz", *AIR], "expected whole numbers of at least 0"),
    "counts as words": (["fit", "@counts-words.npz", *AIR], "numbers are expected"),
    "counts of some frames": (["fit", "@counts-frames.npz", *STOVE], "counts of shape (12, 7)"),
    "states of some frames": (["fit", "@states-frames.npz", *STOVE], "states of shape (12, 5, 1, 4)"),
    "infinite states": (["fit", "@states-infinite.npz", *STOVE], "or NaN where there is no object"),
    "negative radius": (["fit", "@radius-negative.npz", *STOVE], "shares of the image between 0 and 1"),
    "radius as a column": (["fit", "@radius-column.npz", *STOVE], "radius of shape (12, 1)"),
    "images with NaN": (["fit", "@nan-images.npz", *AIR], "is missing or NaN"),
    "videos with NaN": (["fit", "@nan-videos.npz", *STOVE], "is missing or NaN"),
    "six axes": (["fit", "@six-axes.npz", *STOVE], "[n, T, C, H, W] for videos"),
    "one axis": (["fit", "@one-axis.npz", *AIR], "[n, H, W, C] for images"),
    "no images": (["fit", "@no-images.npz", *AIR], "no rows to train on"),
    "one video": (["fit", "@one-video.npz", *STOVE], "1 row to train on; at least 3"),
    "videos of one frame": (["fit", "@one-frame.npz", *STOVE], "has 1); at least 2 are expected: give more or longer videos"),
    "videos without frames": (["fit", "@no-frames.npz", *STOVE], "an array of shape (12, 0, 1, 12, 12)"),
    "videos shorter than windows": (["fit", "@short.npz", *STOVE], "or a smaller `frames`"),
    "windows too short": (["fit", "@videos.npz", *STOVE, "--set", "frames=4"], "frames=4: expected a whole number of at least 6"),
    "tiny frames": (["fit", "@tiny.npz", *STOVE], "too small to hold objects"),
    "a table for a model of images": (["fit", "@table.npz", *AIR], "is for images"),
    "a table for a model of videos": (["fit", "@table.npz", *STOVE], "is for frames"),
    "images for a model of videos": (["fit", "@scenes.npz", *STOVE], "is for frames"),
    "videos for a model of images": (["fit", "@clips", *AIR], "is for images"),
    "an empty folder": (["fit", "@empty", *STOVE], "animations (.gif) or folders of numbered frames"),
    "animations of unlike sizes": (["fit", "@unlike", *STOVE], "animations of different sizes"),
    "a broken animation": (["fit", "@broken", *STOVE], "2.gif is no readable animation"),
    "no animation": (["fit", "@no-gif", *STOVE], "it holds no picture"),
    "animations of one picture": (["fit", "@still", *STOVE], "give more or longer videos"),
    "frames of unlike sizes": (["fit", "@frames", *STOVE], "frame4.png is 12x9"),
    "pictures of masks too small": (["fit", "@small-masks", *AIR], "is 20x10, its image 20x20"),
    "a picture without a mask": (["fit", "@few-masks", *AIR], "a3.png has no mask"),
    "nothing there": (["fit", "@nowhere.npz", *STOVE], "does not exist"),
    "no objects": (["fit", "@videos.npz", *STOVE, "--n-objects", "-2"], "n_objects=-2"),
    "a deviation that is learned": (["fit", "@videos.npz", "--model", "stove-mixture", "--set", "scale=0.1", "--epochs", "0"], "leave it out"),
    "a code that there is not": (["fit", "@videos.npz", *STOVE, "--latent-dim", "3"], "stove takes --n-objects"),
    "segment videos": (["segment", "@air", "@clips"], "holds frames; models of scenes are for images"),
    "count a table": (["count", "@air", "@table.npz"], "the model was fitted to [1, 20, 20]"),
    "objects of other channels": (["objects", "@air", "@colour.npz"], "the model was fitted to [1, 20, 20]"),
    "rollout of a run of images": (["rollout", "@air"], "fit one with `--model stove`"),
    "rollout of images": (["rollout", "@stove", "@scenes.npz"], "holds images; models of videos are for frames"),
    "judged on images": (["evaluate", "@stove", "--data", "@scenes.npz"], "holds images; models of videos are for frames"),
    "rollout in colour": (["rollout", "@stove", "@colour.npz"], "the model was fitted to [1, 12, 12]"),
    "rollout on another scale": (["rollout", "@stove", "@brighter.npz"], "bring these to the same scale"),
    "rollout of stills": (["rollout", "@stove", "@still"], "video 0 has 1 frame; at least 3"),
    "rollout from two frames": (["rollout", "@stove", "--context", "2"], "video 0 has 2 frames; at least 3"),
    "no draws": (["rollout", "@stove", "--samples", "-1"], "at least 0"),
    "no videos": (["rollout", "@stove", "--videos", "0"], "--videos 0"),
    "track of a folder without videos": (["track", "@stove", "@empty"], "folders of numbered frames"),
    "a place that there is not": (["edit", "@air", "--remove", "9"], "places for objects 1 to 3"),
    "a move that is none": (["edit", "@air", "--move", "nonsense"], "as 1:.2,-.1"),
    "a move out of the image": (["edit", "@air", "--move", "1:9,0"], "from -1 to 1"),
    "moved and left out": (["edit", "@air", "--move", "1:.1,0", "--remove", "1"], "left out and moved"),
    "complete a video": (["complete", "@stove"], "this run is a stove"),
    "export a video": (["export", "@stove"], "this run is a stove"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_one_line_says_what_is_wrong(name, place, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    argv, words = WRONG[name]
    said = command_line.fails(
        capsys, *[str(place / word[1:]) if word.startswith("@") else word for word in argv]
    )
    assert words in said
    assert not (tmp_path / "new").exists()


def test_true_states_must_be_of_the_videos(place):
    videos = Balls(n=1, size=12, frames=14).sample(12, seed=0)
    model = VideoVAE(n_objects=1, max_epochs=0, random_state=0).fit(videos.x)
    for states in (videos.states[:, :5], videos.states[:3]):
        with pytest.raises(DataError, match="those of all frames of 12 videos are expected"):
            model.diagnose(videos.x, truth={"states": states})
