"""Scenes and videos that are drawn: the same bytes for the same seed, and truth that is true."""

from __future__ import annotations

import numpy as np
import pytest

from latentia.data import SOURCES, Balls, MultiDigits, MultiSprites, Tetrominoes
from latentia.data.colours import apart, background_colours, hsv_colours
from latentia.data.digits import digit_images
from latentia.data.drawn import PRESETS, draw
from latentia.errors import ConfigError

SCENES = {
    "sprites": MultiSprites(size=24, objects=(1, 4)),
    "grey": MultiSprites(size=24, objects=(2, 5), colours="hsv", background="grey", occlusion=0.3),
    "white": MultiSprites(size=24, objects=(2, 3), colours="white", background="black"),
    "smooth": MultiSprites(size=16, objects=(1, 2), antialias=True),
    "tetrominoes": Tetrominoes(),
    "digits": MultiDigits(size=32),
    "crowded digits": MultiDigits(size=24, digits=(1, 3), overlap=True, apart=4),
}
BALLS = {kind: Balls(kind, size=16, frames=40) for kind in ("billiards", "gravity", "drift")}


@pytest.mark.parametrize("name", SCENES)
def test_the_same_seed_gives_the_same_bytes(name):
    a, b, c = (SCENES[name].sample(20, seed=seed) for seed in (3, 3, 4))
    for field in ("x", "masks", "counts", "objects"):
        assert getattr(a, field).tobytes() == getattr(b, field).tobytes()
    assert a.x.tobytes() != c.x.tobytes()


@pytest.mark.parametrize("name", SCENES)
def test_masks_and_counts_agree_with_the_objects(name):
    scenes = SCENES[name].sample(60, seed=0)
    present = scenes.objects["present"]
    np.testing.assert_array_equal(present.sum(1), scenes.counts)
    low, high = getattr(SCENES[name], "objects", None) or SCENES[name].digits
    assert set(np.unique(scenes.counts)) == set(range(low, high + 1))
    side = scenes.x.shape[-1]
    for i in range(len(scenes)):
        assert set(np.unique(scenes.masks[i])) <= {0, *(np.flatnonzero(present[i]) + 1)}
        for k in np.flatnonzero(present[i]):
            where = np.argwhere(scenes.masks[i] == k + 1)
            assert len(where)
            middle = (where.mean(0)[::-1] + 0.5) / side
            one = scenes.objects[i, k]
            assert np.abs(middle - [one["x"], one["y"]]).max() < 0.2
    truth = scenes.truth
    np.testing.assert_array_equal(np.isfinite(truth["states"]).all(-1), present)


def test_each_sprite_shows_as_much_as_is_asked_for():
    scenes = MultiSprites(size=32, objects=(3, 4), occlusion=0.6).sample(100, seed=0)
    there = scenes.objects["present"]
    assert scenes.objects["visible"][there].min() >= 0.6
    assert scenes.objects["visible"][there].min() < 1
    whole = MultiSprites(size=32, objects=(1, 1)).sample(40, seed=0)
    assert (whole.objects["visible"] == 1).all()


def test_pixels_have_the_colour_of_their_object():
    scenes = MultiSprites(size=24, objects=(1, 3), colours="unique").sample(40, seed=1)
    for i in range(len(scenes)):
        ground = np.unique(scenes.x[i][:, scenes.masks[i] == 0], axis=1)
        assert ground.shape[1] == 1
        colours = [ground[:, 0]]
        for k in range(scenes.counts[i]):
            own = np.unique(scenes.x[i][:, scenes.masks[i] == k + 1], axis=1)
            assert own.shape[1] == 1
            assert all(apart(own[:, 0], other) for other in colours)
            assert own[:, 0].tolist() == [scenes.objects[i, k][name] for name in "rgb"]
            colours.append(own[:, 0])


@pytest.mark.parametrize("colours", ["same", "hsv-same"])
def test_objects_of_one_colour(colours):
    scenes = MultiSprites(size=24, objects=(2, 3), colours=colours).sample(30, seed=0)
    for i in range(len(scenes)):
        assert np.unique(scenes.x[i][:, scenes.masks[i] > 0], axis=1).shape[1] == 1
    assert len(np.unique(scenes.objects["r"][:, 0])) > 2


def test_colours():
    random = np.random.default_rng(0)
    bright = hsv_colours(random, (200,))
    assert bright.max(-1).min() >= 127  # the value is at least a half
    assert (bright.min(-1) <= bright.max(-1) / 2 + 1).all()  # and so is the saturation
    grey = background_colours(random, 50, "grey")
    assert (grey == grey[:, :1]).all()
    assert not background_colours(random, 5, "black").any()


def test_no_digit_of_one_part_is_in_the_other():
    train, test = (digit_images(part, mnist=False) for part in ("train", "test"))
    assert len(train) + len(test) == 1797
    kinds = {image.tobytes() for image in train} & {image.tobytes() for image in test}
    assert not kinds


def test_presets_are_drawn():
    for name, maker in PRESETS.items():
        assert maker.sample(3, seed=0).x.shape[0] == 3, name
        assert SOURCES[name].shape[-1] == maker.size
    for name in ("multi-digits", "drift", "sprites", "multi-dsprites-32"):
        raw = draw(name, 12, 32)
        assert len(raw.whole()) == 12
    assert set(draw("drift", 6, 16).test.truth) == {"masks", "states", "radius"}


@pytest.mark.parametrize("kind", BALLS)
def test_videos_repeat_and_their_states_are_those_of_the_frames(kind):
    a, b, c = (BALLS[kind].sample(6, seed=seed) for seed in (1, 1, 2))
    assert a.x.tobytes() == b.x.tobytes()
    assert a.states.tobytes() == b.states.tobytes()
    assert a.x.tobytes() != c.x.tobytes()
    size = a.x.shape[-1]
    for k in range(3):
        weights = (a.masks == k + 1).reshape(-1, size, size)
        there = weights.sum((1, 2)) > 3
        rows, columns = np.indices((size, size))
        at = np.stack([(weights * grid).sum((1, 2)) for grid in (columns, rows)], -1)[there]
        at = (at / weights.sum((1, 2))[there, None] + 0.5) / size
        error = np.abs(at - a.states[..., k, :2].reshape(-1, 2)[there]).max()
        assert error < (0.08 if kind != "drift" else 0.2)  # balls that pass each other hide each other


def test_billiards_keep_their_energy_and_stay_in_the_box():
    maker = Balls(frames=60, size=8)
    random = np.random.default_rng(0)
    from latentia.data.balls import _SETTINGS

    states = maker._bounces(random, 50, _SETTINGS["billiards"])
    energy = (states[..., 2:] ** 2).sum((2, 3))
    assert np.abs(energy / energy[:, :1] - 1).max() < 1e-12
    assert np.allclose(energy[:, 0], 0.25)
    radius, x = 1.2, states[..., :2]
    apart = np.sqrt(((x[:, :, :, None] - x[:, :, None]) ** 2).sum(-1))[..., *np.triu_indices(3, 1)]
    assert apart.min() > 1.9 * radius
    assert apart.min() < 2 * radius
    assert x.min() > 0.9 * radius
    assert x.max() < 10 - 0.9 * radius


def test_drifting_balls_know_of_each_other_nothing():
    videos = Balls("drift", frames=60, size=8).sample(40, seed=0)
    alone = np.linalg.norm(videos.states[..., 2:], axis=-1)
    assert np.abs(alone - alone[:, :1]).max() < 1e-6
    apart = np.linalg.norm(videos.states[:, :, 0, :2] - videos.states[:, :, 1, :2], axis=-1)
    assert apart.min() < videos.radius


def test_gravity_keeps_the_middle_and_no_balls_overlap():
    videos = Balls("gravity", frames=50, size=8).sample(20, seed=0)
    middle = videos.states[..., :2].mean(2)
    assert np.abs(middle - 0.5).max() < 1e-5
    apart = np.linalg.norm(videos.states[:, :, 0, :2] - videos.states[:, :, 1, :2], axis=-1)
    assert apart.min() >= 0.9 * 2 * videos.radius - 1e-6


def test_balls_of_their_own_colours():
    videos = Balls(frames=2, size=16, colours=True).sample(2, seed=0)
    assert videos.x.shape == (2, 2, 3, 16, 16)
    brightest = [videos.x[0, 0][:, videos.masks[0, 0] == k + 1].max(1) for k in range(3)]
    assert len({tuple(colour) for colour in brightest}) == 3


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: MultiSprites(size=4), "at least 8 pixels"),
        (lambda: MultiSprites(objects=(0, 2)), "fewest and the most"),
        (lambda: MultiSprites(objects=(3, 2)), "fewest and the most"),
        (lambda: MultiSprites(colours="pink"), "expected one of any"),
        (lambda: MultiSprites(background="sky"), "expected one of colour"),
        (lambda: MultiSprites(occlusion=1.0), "share in"),
        (lambda: MultiSprites(size=16, objects=(60, 60), occlusion=0.9).sample(1), "do not fit"),
        (lambda: MultiDigits(scale=(1.0, 0.5)), "a fifth of it"),
        (lambda: MultiDigits(size=12).sample(8), "do not fit|does not fit"),
        (lambda: MultiDigits(apart=60), "apart"),
        (lambda: Tetrominoes(size=36), "multiple of 7"),
        (lambda: Balls("pool"), "expected one of"),
        (lambda: Balls(n=0), "at least 1"),
        (lambda: Balls(radius=0.4), "between 0 and 0.25"),
        (lambda: Balls(n=40).sample(1), "do not fit"),
    ],
)
def test_what_cannot_be_drawn_is_told(make, message, monkeypatch):
    for module in ("multi_sprites", "multi_digits", "balls"):
        monkeypatch.setattr(f"latentia.data.{module}._MOST_TRIES", 20)
    with pytest.raises(ConfigError, match=message):
        make()
