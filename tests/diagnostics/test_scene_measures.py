"""Measures of masks, counts and rollouts against independent computations."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from latentia.data import Balls, MultiSprites
from latentia.diagnostics.measure import Measure
from latentia.diagnostics.scenes import border_slot, counted, matched, pieces, present_slots
from latentia.diagnostics.segmentation import (
    adjusted_rand_index,
    component_masks,
    covering,
    kmeans_masks,
    segmented,
)
from latentia.diagnostics.tracking import (
    aligned,
    collisions,
    distances,
    energy_ratio,
    foretold,
    identity_switches,
    line_through,
    motions,
    speed_distance,
)


def test_rand_index_is_that_of_scikit_learn():
    random = np.random.default_rng(0)
    for groups in (1, 2, 3, 7, 40):
        for _ in range(20):
            a, b = random.integers(0, groups, 60), random.integers(0, max(1, groups - 1), 60)
            assert adjusted_rand_index(a, b) == pytest.approx(adjusted_rand_score(a, b), abs=1e-15)
    assert adjusted_rand_index(np.zeros(5), np.ones(5)) == 1.0


def test_figures_of_masks_by_hand():
    truth = np.array([[[0, 1, 1], [0, 2, 2]], [[0, 1, 1], [0, 1, 1]], [[0, 0, 0], [0, 0, 0]]])
    leaking = np.where(truth == 0, 1, truth)  # the first object takes the ground as well
    found = segmented(truth, leaking)
    assert found.ari_fg.value == 1.0  # of which the foreground does not know
    assert found.ari_fg.n == 1
    assert found.left_out == 2
    assert covering(truth[0], leaking[0]) == pytest.approx((2 / 4 + 1) / 2)
    assert found.covering.value == pytest.approx(np.mean([0.75, 4 / 6]))
    assert found.covering.n == 2
    assert found.ari_all.value < 1


def test_a_measure_says_what_it_is_from():
    values = np.array([1.0, 2.0, np.nan, 3.0])
    measure = Measure.of(values)
    assert (measure.value, measure.n) == (2.0, 3)
    assert measure.interval[1] - measure.value == pytest.approx(1.959964 / 3**0.5)
    assert np.isnan(Measure.of([]).value)


def test_what_colour_alone_separates():
    by_colour = {}
    for colours in ("unique", "same"):
        scenes = MultiSprites(size=32, objects=(2, 3), colours=colours).sample(40, seed=3)
        several = scenes.counts + 1
        by_colour[colours] = [
            segmented(scenes.masks, masks).ari_fg.value
            for masks in (kmeans_masks(scenes.x, several), component_masks(scenes.x))
        ]
        placed = segmented(scenes.masks, kmeans_masks(scenes.x, several, places=True)).ari_fg.value
        assert 0.2 < placed < 0.8
    assert min(by_colour["unique"]) > 0.98
    assert by_colour["same"][0] == pytest.approx(0, abs=0.02)
    assert 0.1 < by_colour["same"][1] < 0.9


def test_components_of_handwriting_are_what_is_unlike_the_ground():
    image = np.zeros((1, 1, 20, 20), np.uint8)
    image[0, 0, 2:6, 2:6] = np.arange(60, 76).reshape(4, 4)  # sixteen colours, and as many again
    image[0, 0, 12:16, 2:6] = np.arange(160, 176).reshape(4, 4)
    image[0, 0, 8, 15] = 255  # a speck
    assert component_masks(image).max() == 2


def test_counts():
    found = counted(np.array([0, 1, 2, 2]), np.array([0, 1, 3, 2]))
    assert found.accuracy.value == 0.75
    assert found.signed.value == 0.25
    assert found.confusion == ((1, 0, 0, 0), (0, 1, 0, 0), (0, 0, 1, 1))


def test_objects_are_matched_by_their_overlap():
    truth = np.zeros((1, 20, 20), int)
    truth[0, :5, :5], truth[0, 10:15, 10:15] = 1, 2
    found = np.zeros_like(truth)
    found[0, :5, :5], found[0, 10:15, 11:16], found[0, 18:, 18:] = 2, 1, 3
    got = matched(truth, found)
    assert got.position.value == pytest.approx((0 + 1 / 20) / 2)
    assert got.near.value == 1.0
    assert got.recall.value == 1.0
    assert got.precision.value == pytest.approx(2 / 3)
    nothing = matched(truth, np.zeros_like(truth))
    assert nothing.recall.value == 0
    assert nothing.near.value == 0


def test_slots_of_masks():
    masks = np.zeros((1, 3, 40, 40))
    masks[:, 2] = 0.4
    masks[0, 0, 10:20, 10:20] = 1
    masks[0, 1, 0, :2] = 1
    assert border_slot(masks).tolist() == [2]
    assert present_slots(masks).tolist() == [[True, False, True]]
    assert pieces(masks[0, 0] > 0.5) == 1


def test_objects_are_aligned_by_the_first_frames_alone():
    random = np.random.default_rng(0)
    truth = random.random((5, 12, 3, 4))
    for order in itertools.permutations(range(3)):
        np.testing.assert_array_equal(aligned(truth, truth[:, :, list(order)]), truth)
    switched = truth.copy()
    switched[:, 8:] = truth[:, 8:, [1, 0, 2]]
    back = aligned(truth, switched)
    assert distances(truth, back)[:, :8].max() == 0
    assert distances(truth, back)[:, 8:].min() > 0
    assert identity_switches(truth, switched).value == pytest.approx(100 / 11)


def test_errors_ahead_are_told_at_horizons():
    truth = np.zeros((2, 20, 2, 4))
    found = truth.copy()
    found[..., 0] += np.arange(1, 21)[:, None] / 100
    got = foretold(truth, found)
    assert got.at[5].value == pytest.approx(0.05)
    assert sorted(got.at) == [1, 5, 10, 20]
    assert got.summed.value == pytest.approx(0.55)
    assert got.curve[-1] == pytest.approx(0.2)


def test_simple_motion_is_what_it_is():
    drift = Balls("drift", frames=60, size=8).sample(20, seed=0)
    start = drift.states[:, 0]
    ahead = motions(start, 59, drift.radius)
    error = {name: distances(drift.states[:, 1:], found)[:, -1].mean() for name, found in ahead.items()}
    assert error["reflecting"] < 0.02  # walls are met between two of ten sub-steps
    assert error["linear"] > 0.5
    assert error["static"] > 0.1
    energy = energy_ratio(ahead["reflecting"], start)
    np.testing.assert_allclose(energy, 1.0)
    assert speed_distance(drift.states[:, 1:], ahead["reflecting"]) < 1e-6
    assert speed_distance(drift.states, 1.5 * drift.states) == pytest.approx(0.5, abs=1e-6)


def test_a_line_through_places_is_that_of_least_squares():
    random = np.random.default_rng(0)
    places = random.random((3, 5, 2, 2))
    state = line_through(places)
    for i, k, d in itertools.product(range(3), range(2), range(2)):
        slope, start = np.polyfit(np.arange(-4.0, 1.0), places[i, :, k, d], 1)
        assert state[i, k, d] == pytest.approx(start)
        assert state[i, k, 2 + d] == pytest.approx(slope)


def test_meetings_are_counted():
    time = np.arange(21.0)
    places = np.zeros((1, 21, 2, 2))
    places[0, :, 0, 0] = np.abs(time - 10) * 0.05  # comes, and goes
    assert collisions(places, 0.05).value == pytest.approx(100 / 19)
    assert collisions(places + np.array([[0, 0.5], [0, 0]]), 0.05).value == 0
