from __future__ import annotations

import hashlib

import numpy as np
import pytest

from latentia.data import load
from latentia.data.sprites import FACTORS, Sprites
from latentia.errors import ConfigError


@pytest.fixture(scope="module")
def grid():
    return Sprites(size=32)


def test_every_shape_is_whole_in_every_corner(grid):
    corners = grid.subgrid(scale=[0, 5], rotation=range(0, 40, 3), x=[0, 31], y=[0, 31])
    images = grid.images(corners)[:, 0]
    assert set(np.unique(images)) == {0, 255}
    border = np.concatenate([images[:, 0], images[:, -1], images[:, :, 0], images[:, :, -1]], axis=1)
    assert border.max() == 0
    assert (images.reshape(len(images), -1).max(1) == 255).all()


def test_index_and_factors_are_one_to_one(grid):
    small = Sprites(size=16, n_scales=2, n_rotations=3, n_x=2, n_y=2)
    factors = small.factors(np.arange(len(small)))
    assert len(np.unique(factors, axis=0)) == len(small) == 3 * 2 * 3 * 2 * 2
    np.testing.assert_array_equal(np.ravel_multi_index(tuple(factors.T), small.levels), np.arange(len(small)))
    np.testing.assert_array_equal(small.subgrid(), factors)


def centre(images):
    weights = images[:, 0].astype(float)
    at = np.arange(images.shape[-1])
    total = weights.sum((1, 2))
    return (weights.sum(1) @ at) / total, (weights.sum(2) @ at) / total


def test_each_factor_does_what_it_says():
    grid = Sprites(size=64)
    base = {"shape": [0], "scale": [3], "rotation": [0], "x": [10], "y": [10]}
    right = centre(grid.images(grid.subgrid(**{**base, "x": range(32)})))
    assert (np.diff(right[0]) >= 0).all()
    assert right[0][-1] - right[0][0] > 25
    np.testing.assert_allclose(right[1], right[1][0])
    up = centre(grid.images(grid.subgrid(**{**base, "y": range(32)})))
    assert np.ptp(up[1]) > 25
    np.testing.assert_allclose(up[0], up[0][0])
    areas = grid.images(grid.subgrid(**{**base, "scale": range(6)})).mean((1, 2, 3)) / 255
    side = 2 * 0.155 * np.linspace(0.5, 1, 6)  # of the picture's side
    np.testing.assert_allclose(areas, side**2, rtol=0.06)
    turned = grid.images(grid.subgrid(**{**base, "rotation": [0, 5, 10]}))
    assert (turned[0] == turned[2]).all()  # a quarter turn of a square
    assert (turned[0] != turned[1]).any()
    shapes = grid.images(grid.subgrid(**{**base, "shape": range(3)}))
    assert len({image.tobytes() for image in shapes}) == 3


def test_grey_edges_keep_the_area():
    crisp, soft = Sprites(size=32), Sprites(size=32, antialias=True)
    factors = crisp.sample_factors(50, seed=1)
    fine = Sprites(size=128).images(factors).mean((1, 2, 3))
    grey = soft.images(factors)
    assert len(np.unique(grey)) > 10
    np.testing.assert_allclose(grey.mean((1, 2, 3)), fine, rtol=1e-2)


def test_pictures_are_a_function_of_their_factors(grid):
    images, factors = grid.sample(300, seed=3)
    again = grid.images(factors[::-1])[::-1]
    np.testing.assert_array_equal(images, again)
    np.testing.assert_array_equal(grid.sample(300, seed=3)[1], factors)
    assert not np.array_equal(grid.sample(300, seed=4)[1], factors)
    assert hashlib.sha256(images.tobytes()).hexdigest()[:12] == "a91e57b902bd"


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: Sprites(size=4), "size=4"),
        (lambda: Sprites(n_x=0), "0 levels of x"),
        (lambda: Sprites().images([[0, 6, 0, 0, 0]]), "row 0 has scale 6; its levels are 0 to 5"),
        (lambda: Sprites().images([[0, 1, 0]]), "expected [n, 5]"),
        (lambda: Sprites().subgrid(colour=[0]), "unknown factor 'colour'"),
    ],
)
def test_what_there_is_not_is_refused(call, words):
    with pytest.raises(ConfigError) as error:
        call()
    assert words in str(error.value)


def test_the_named_set():
    data = load("sprites")
    assert data.event_shape == (1, 32, 32)
    assert len(data.train) + len(data.validation) + len(data.test) == 20_000
    assert data.class_names == ("square", "ellipse", "heart")
    assert set(np.unique(data.test.y)) == {0, 1, 2}
    assert load("sprites", image_size=16).event_shape == (1, 16, 16)
    assert len(FACTORS) == 5
