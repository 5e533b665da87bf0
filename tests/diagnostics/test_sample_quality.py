import numpy as np
import pytest
import torch
from scipy.stats import wasserstein_distance

from latentia.diagnostics import precision_recall, sliced_wasserstein
from latentia.diagnostics import sample_quality as module
from latentia.errors import ConfigError, DataError

rng = np.random.default_rng(0)


@pytest.mark.parametrize(("n", "m"), [(50, 50), (50, 31), (7, 40), (1, 6), (1, 1)])
def test_on_a_line_it_is_scipys_distance(n, m):
    a, b = rng.normal(size=n), 2 + 3 * rng.normal(size=m)
    ours = sliced_wasserstein(a[:, None], b[:, None], n_projections=5)
    assert ours == pytest.approx(wasserstein_distance(a, b), rel=1e-12)


def test_in_space_it_is_the_mean_over_directions():
    a, b = rng.normal(size=(60, 4)), rng.normal(1.0, 2.0, size=(45, 4))
    directions = np.random.default_rng(3).standard_normal((20, 4))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    expected = np.mean([wasserstein_distance(a @ t, b @ t) for t in directions])
    assert sliced_wasserstein(a, b, n_projections=20, seed=3) == pytest.approx(expected, rel=1e-12)


def test_a_shift_gives_the_mean_absolute_projection_of_the_shift():
    # E|theta . v| for theta uniform on the circle is |v| 2 / pi.
    a = rng.normal(size=(200, 2))
    distance = sliced_wasserstein(a, a + np.array([3.0, 4.0]), n_projections=20_000)
    assert distance == pytest.approx(10 / np.pi, rel=0.02)


def test_distance_is_symmetric_zero_on_itself_and_blind_to_order():
    a, b = rng.normal(size=(30, 3)), rng.normal(size=(40, 3))
    assert sliced_wasserstein(a, a[::-1].copy()) == pytest.approx(0, abs=1e-12)
    assert sliced_wasserstein(a, b) == pytest.approx(sliced_wasserstein(b, a), rel=1e-12)


def test_projections_in_parts_give_the_same(monkeypatch):
    a, b = rng.normal(size=(30, 3)), rng.normal(size=(40, 3))
    whole = sliced_wasserstein(a, b), precision_recall(a, b)
    monkeypatch.setattr(module, "CHUNK", 12)
    assert sliced_wasserstein(a, b) == pytest.approx(whole[0], rel=1e-12)
    assert precision_recall(a, b) == whole[1]


def among(points, others, k):
    """By the definition, one pair at a time."""
    inside = 0
    for p in points:
        for i, o in enumerate(others):
            distances = sorted(np.linalg.norm(o - q) for j, q in enumerate(others) if j != i)
            if np.linalg.norm(p - o) <= distances[k - 1]:
                inside += 1
                break
    return inside / len(points)


@pytest.mark.parametrize("k", [1, 3])
def test_precision_and_recall_by_brute_force(k):
    real, fake = rng.normal(size=(40, 3)), 0.5 * rng.normal(size=(35, 3)) + 0.7
    figures = precision_recall(real, torch.as_tensor(fake), k)
    assert figures.precision == among(fake, real, k)
    assert figures.recall == among(real, fake, k)
    assert 0 < figures.recall < figures.precision


def test_one_mode_of_two_is_precise_without_recall():
    real = np.concatenate([rng.normal(size=(100, 2)), 50 + rng.normal(size=(100, 2))])
    figures = precision_recall(real, rng.normal(size=(200, 2)))
    assert figures.precision > 0.85
    assert 0.3 < figures.recall <= 0.5


def test_sets_that_cannot_be_compared_are_named():
    with pytest.raises(DataError, match="second set"):
        precision_recall(np.zeros((4, 2)), np.zeros((3, 2)), k=3)
    with pytest.raises(DataError, match="NaN"):
        sliced_wasserstein([[np.nan]], [[0.0]])
    with pytest.raises(DataError, match="of 2 and of 3"):
        sliced_wasserstein(np.zeros((4, 2)), np.zeros((4, 3)))
    with pytest.raises(ConfigError, match="k=0"):
        precision_recall(np.zeros((4, 2)), np.zeros((4, 2)), k=0)
    with pytest.raises(ConfigError, match="n_projections=0"):
        sliced_wasserstein(np.zeros((4, 2)), np.zeros((4, 2)), n_projections=0)


def test_equal_items_lie_among_each_other():
    assert precision_recall(np.ones((10, 2)), np.ones((10, 2))) == module.PrecisionRecall(1.0, 1.0)
