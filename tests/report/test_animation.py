"""Animations of pages: within their size, truth above, what is foretold framed below, and a still picture for who wants no motion."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from latentia.report.animation import above_below, embedded
from latentia.report.cards import Card
from latentia.report.drawing import drawn
from latentia.report.theme import LIGHT


def frames_of(data):
    picture = Image.open(io.BytesIO(data))
    for i in range(picture.n_frames):
        picture.seek(i)
        yield np.asarray(picture.convert("RGB"))


def test_truth_stands_above_and_what_is_foretold_is_framed_below():
    rng = np.random.default_rng(0)
    above, below = (rng.integers(0, 255, (2, 5, 40, 60, 3)).astype(np.uint8) for _ in range(2))
    found = above_below(above, below, 3)
    assert found.shape == (5, 2 * (40 + 4), 2 * (60 + 4), 3)
    for t in range(5):
        np.testing.assert_array_equal(found[t, 2:42, 66:126], above[1, t])
        np.testing.assert_array_equal(found[t, 46:86, 2:62], below[0, t])
    model = [int(LIGHT.model[i : i + 2], 16) for i in (1, 3, 5)]
    assert [found[t, 44, 0].tolist() == model for t in range(5)] == [False, False, False, True, True]
    assert not (found[:, 0] == model).all(-1).any()


@pytest.mark.parametrize(
    ("shape", "most"), [((12, 40, 60), 400_000), ((16, 40, 200), 100_000), ((12, 60, 500), 10_000)]
)
def test_an_animation_is_no_larger_than_allowed(shape, most):
    noise = np.random.default_rng(0).integers(0, 255, (*shape, 3)).astype(np.uint8)
    data = embedded(noise, most)
    assert 0 < len(data) <= most
    assert len(list(frames_of(data))) >= min(shape[0], 2)


def test_what_fits_is_shown_as_it_is():
    noise = np.zeros((6, 20, 30, 3), np.uint8)
    noise[np.arange(6), np.arange(6), 3] = 255
    np.testing.assert_array_equal(np.stack(list(frames_of(embedded(noise)))), noise)


def test_a_card_has_it_in_the_page_and_as_a_file():
    frames = np.zeros((4, 20, 30, 3), np.uint8)
    frames[np.arange(4), :, np.arange(4)] = 255
    card = drawn([Card("moving", "Moving", "What moves.", alt="Four frames.", animation=frames)])[0]
    gif, still = card.animation
    assert dict(card.files)["moving.gif"] == gif
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(still)).convert("RGB")), frames[0])
