from __future__ import annotations

import numpy as np
import pytest
from scipy.linalg import expm
from scipy.spatial.transform import Rotation, Slerp
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA

from latentia.errors import ConfigError, DataError
from latentia.explore import bilinear, geodesic, interpolate, interpolate_grid, linear, slerp

T = np.linspace(0, 1, 11)


def rng(seed=0):
    return np.random.default_rng(seed)


@pytest.mark.parametrize("d", [2, 3, 17])
def test_slerp_is_a_rotation_in_the_plane_of_its_ends(d):
    """Against the matrix exponential of the generator of that rotation, for ends of equal length."""
    a, b = rng(d).normal(size=(2, d))
    b *= np.linalg.norm(a) / np.linalg.norm(b)
    u = a / np.linalg.norm(a)
    v = b - (b @ u) * u
    v /= np.linalg.norm(v)
    angle = np.arccos(u @ b / np.linalg.norm(b))
    generator = np.outer(v, u) - np.outer(u, v)
    expected = np.stack([expm(t * angle * generator) @ a for t in T])
    np.testing.assert_allclose(slerp(a, b, T), expected, atol=1e-12)


def test_slerp_is_the_formula_for_ends_of_any_length():
    a, b = rng().normal(size=(2, 5)) * [[0.3], [4.0]]
    omega = np.arccos(a @ b / np.linalg.norm(a) / np.linalg.norm(b))
    expected = [(np.sin((1 - t) * omega) * a + np.sin(t * omega) * b) / np.sin(omega) for t in T]
    np.testing.assert_allclose(slerp(a, b, T), expected, atol=1e-13)


def test_slerp_agrees_with_scipys_on_rotations():
    ends = Rotation.random(2, rng=np.random.default_rng(1))
    qa, qb = ends.as_quat()
    qb = qb if qa @ qb > 0 else -qb
    ours = slerp(qa, qb, T)
    theirs = Slerp([0, 1], ends)(T).as_quat()
    np.testing.assert_allclose(np.abs((ours * theirs).sum(1)), 1, atol=1e-12)


@pytest.mark.parametrize("method", [linear, slerp])
@pytest.mark.parametrize("scale", [1e-300, 1.0, 1e150])
def test_ends_are_exact(method, scale):
    a, b = scale * rng(2).normal(size=(2, 7))
    path = method(a, b, T)
    np.testing.assert_array_equal(path[0], a)
    np.testing.assert_array_equal(path[-1], b)
    assert np.isfinite(path).all()


def test_slerp_of_equal_codes_stays():
    a = rng().normal(size=6)
    np.testing.assert_allclose(slerp(a, a, T), np.tile(a, (11, 1)), rtol=1e-14)


def test_slerp_of_equal_directions_is_linear():
    a = rng().normal(size=6)
    np.testing.assert_allclose(slerp(a, 3 * a, T), linear(a, 3 * a, T), rtol=1e-12)


def test_slerp_with_a_zero_end_is_linear():
    a, zero = rng().normal(size=4), np.zeros(4)
    np.testing.assert_array_equal(slerp(zero, a, T), linear(zero, a, T))
    np.testing.assert_array_equal(slerp(a, zero, T), linear(a, zero, T))
    np.testing.assert_array_equal(slerp(zero, zero, T), np.zeros((11, 4)))


@pytest.mark.parametrize("d", [2, 3, 50])
def test_slerp_of_opposite_codes_keeps_off_the_origin(d):
    a = rng(d).normal(size=d)
    path = slerp(a, -a, T)
    np.testing.assert_allclose(np.linalg.norm(path, axis=1), np.linalg.norm(a), rtol=1e-12)
    steps = np.linalg.norm(np.diff(path, axis=0), axis=1)
    np.testing.assert_allclose(steps, steps[0], rtol=1e-9)
    assert abs(path[5] @ a) < 1e-12 * (a @ a)
    np.testing.assert_array_equal(path[-1], -a)


def test_slerp_in_one_dimension():
    np.testing.assert_allclose(slerp([2.0], [-2.0], T)[:, 0], np.linspace(2, -2, 11), atol=1e-15)


def test_slerp_near_the_limits_is_near_them():
    a = np.array([1.0, 0.0, 0.0])
    for tiny in (1e-6, 1e-8, 1e-12):
        np.testing.assert_allclose(
            slerp(a, np.array([1.0, tiny, 0.0]), T), np.tile(a, (11, 1)), atol=2 * tiny
        )
        path = slerp(a, [-np.cos(tiny), np.sin(tiny), 0.0], T)
        np.testing.assert_allclose(np.linalg.norm(path, axis=1), 1, rtol=1e-8)


def test_bilinear_is_the_tensor_product():
    corners = rng().normal(size=(4, 3))
    grid = bilinear(corners, 5, 7)
    s, t = np.linspace(0, 1, 5)[:, None, None], np.linspace(0, 1, 7)[None, :, None]
    a, b, c, d = corners
    np.testing.assert_allclose(
        grid, (1 - s) * (1 - t) * a + (1 - s) * t * b + s * (1 - t) * c + s * t * d, atol=1e-14
    )
    for corner, place in zip(corners, [(0, 0), (0, -1), (-1, 0), (-1, -1)], strict=True):
        np.testing.assert_array_equal(grid[place], corner)


def moons():
    arc = np.linspace(0, 1.5 * np.pi, 400)
    return np.stack([np.cos(arc), np.sin(arc)], 1) + 0.01 * rng(3).normal(size=(400, 2))


def test_geodesic_goes_round_where_the_straight_way_leaves_the_data():
    data = moons()
    path = geodesic(data[0], data[-1], data, 21)
    radius = np.linalg.norm(path, axis=1)
    assert radius.min() > 0.95
    assert np.linalg.norm(linear(data[0], data[-1], T), axis=1).min() < 0.8
    steps = np.linalg.norm(np.diff(path, axis=0), axis=1)
    np.testing.assert_allclose(steps.sum(), 1.5 * np.pi, rtol=0.03)
    assert steps.max() < 1.2 * steps.mean()
    np.testing.assert_array_equal(path[[0, -1]], data[[0, -1]])


def test_geodesic_has_the_length_that_networkx_finds():
    import networkx as nx
    from sklearn.neighbors import kneighbors_graph

    data = rng(4).normal(size=(60, 3))
    graph = nx.from_scipy_sparse_array(kneighbors_graph(data, 4, mode="distance").maximum(
        kneighbors_graph(data, 4, mode="distance").T))  # fmt: skip
    length = nx.dijkstra_path_length(graph, 0, 1)
    path = geodesic(data[0], data[1], data, 2001, n_neighbours=4)
    # corners are cut between the points that are looked at, by little when there are many
    np.testing.assert_allclose(np.linalg.norm(np.diff(path, axis=0), axis=1).sum(), length, rtol=1e-3)


def test_geodesic_joins_clusters_and_takes_equal_ends():
    data = np.concatenate([rng(5).normal(size=(40, 2)), 100 + rng(6).normal(size=(40, 2))])
    path = geodesic(data[0], data[-1], data, 9, n_neighbours=3)
    np.testing.assert_array_equal(path[[0, -1]], data[[0, -1]])
    assert np.isfinite(path).all()
    np.testing.assert_array_equal(geodesic(data[0], data[0], data, 4), np.tile(data[0], (4, 1)))
    same = np.ones((5, 2))
    np.testing.assert_array_equal(geodesic(same[0], same[0], same, 3), np.ones((3, 2)))


def test_items_on_the_way():
    X = load_digits().data
    pca = PCA(10).fit(X)
    for method in ("linear", "spherical", "geodesic"):
        way = interpolate(pca, X[0], X[1], 6, method, data=X[:300])
        np.testing.assert_allclose(way.items, pca.inverse_transform(way.codes))
        np.testing.assert_allclose(way.codes[[0, -1]], pca.transform(X[:2]))
    grid = interpolate_grid(pca, X[:4], 3, 5)
    assert grid.items.shape == (3, 5, 64)
    np.testing.assert_allclose(grid.items[-1, -1], pca.inverse_transform(pca.transform(X[3:4]))[0])


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: slerp([1.0], [1.0, 2.0], [0.5]), DataError, "1 and 2 dimensions"),
        (lambda: slerp([np.nan], [1.0], [0.5]), DataError, "NaN"),
        (lambda: bilinear(np.zeros((3, 2)), 2, 2), DataError, "3 codes"),
        (lambda: geodesic([0.0], [1.0], [[0.5]], 1), ConfigError, "steps=1"),
        (lambda: geodesic([0.0], [1.0], [[0.5, 1.0]], 3), DataError, "2 dimensions"),
        (lambda: geodesic([0.0], [1.0], [[0.5]], 3, 0), ConfigError, "n_neighbours=0"),
        (
            lambda: interpolate(PCA(1).fit(np.eye(2)), [0, 1], [1, 0], 3, "round"),
            ConfigError,
            "linear, spher",
        ),
        (lambda: interpolate(PCA(1).fit(np.eye(2)), [0, 1], [1, 0], 3, "geodesic"), ConfigError, "data=X"),
    ],
)
def test_what_cannot_be_done_is_refused(call, error, words):
    with pytest.raises(error) as caught:
        call()
    assert words in str(caught.value)
