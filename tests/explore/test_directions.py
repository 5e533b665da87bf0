"""Traversals, attribute vectors, neighbours and principal maps, with principal components as the model."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import cdist
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression

from latentia.errors import ConfigError, DataError
from latentia.explore import (
    add_attribute,
    attribute_vector,
    check_attribute,
    neighbours,
    principal_map,
    traverse,
)

X, Y = load_digits(return_X_y=True)


@pytest.fixture(scope="module")
def pca():
    return PCA(20, random_state=0).fit(X)


def test_traversal_moves_one_dimension_over_its_range(pca):
    codes = pca.transform(X)
    found = traverse(pca, codes, dims=[3, 0], steps=5, reach=0.1)
    assert found.items.shape == (2, 5, 64)
    np.testing.assert_allclose(found.values[0, [0, -1]], np.quantile(codes[:, 3], [0.1, 0.9]))
    back = pca.transform(found.items.reshape(10, 64)).reshape(2, 5, 20)
    np.testing.assert_allclose(back[0, :, 3], found.values[0], atol=1e-9)
    np.testing.assert_allclose(
        np.delete(back[0], 3, axis=1), np.delete(np.median(codes, 0), 3)[None].repeat(5, 0), atol=1e-9
    )
    assert traverse(pca, codes).dims.tolist() == list(range(20))  # by variance, which is how PCA sorts
    start = traverse(pca, codes, start=codes[7], dims=[1]).items[0]
    np.testing.assert_allclose(
        np.delete(pca.transform(start), 1, axis=1), np.delete(codes[[7] * 7], 1, axis=1), atol=1e-9
    )


def test_attribute_vector_carries_one_class_to_the_other(pca):
    train, test = np.arange(len(X)) % 2 == 0, np.arange(len(X)) % 2 == 1
    codes = pca.transform(X)
    vector = attribute_vector(codes[train & (Y == 8)], codes[train & (Y == 1)])
    np.testing.assert_allclose(vector, codes[train & (Y == 8)].mean(0) - codes[train & (Y == 1)].mean(0))
    classifier = LogisticRegression(max_iter=2000).fit(X[train], Y[train])
    ones = X[test & (Y == 1)]
    check = check_attribute(pca, ones, vector, classifier, 8)
    assert check.n == len(ones)
    assert check.before < 0.15
    assert check.after > 0.8
    assert check.control < 0.4
    half = check_attribute(pca, ones, vector, classifier, 8, strength=0.0)
    assert half.after == half.before == pytest.approx(half.control)
    there_and_back = add_attribute(pca, add_attribute(pca, ones, vector), vector, -1.0)
    np.testing.assert_allclose(there_and_back, pca.inverse_transform(pca.transform(ones)), atol=1e-9)


def test_neighbours_are_those_of_brute_force():
    codes, queries = (
        np.random.default_rng(0).normal(size=(200, 6)),
        np.random.default_rng(1).normal(size=(9, 6)),
    )
    found = neighbours(codes, queries, k=5)
    distances = cdist(queries, codes)
    np.testing.assert_array_equal(found.indices, np.argsort(distances, 1)[:, :5])
    np.testing.assert_allclose(found.distances, np.sort(distances, 1)[:, :5])
    own = neighbours(codes, k=3)
    assert (own.indices != np.arange(200)[:, None]).all()


def test_principal_map_is_scikit_learns_up_to_signs():
    reference = PCA(3).fit(X)
    ours = principal_map(X, 3)
    np.testing.assert_allclose(np.abs(ours.points), np.abs(reference.transform(X)), atol=1e-8)
    np.testing.assert_allclose(ours.explained, reference.explained_variance_ratio_, rtol=1e-9)
    np.testing.assert_allclose(
        ours.points @ ours.directions + ours.centre,
        reference.inverse_transform(reference.transform(X)),
        atol=1e-8,
    )
    np.testing.assert_array_equal(principal_map(np.ones((4, 2)), 2).points, 0)
    np.testing.assert_array_equal(principal_map(np.ones((1, 2)), 1).explained, 0)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda p: traverse(p, np.zeros((3, 20)), dims=[20]), ConfigError, "0 to 19"),
        (lambda p: traverse(p, np.zeros((3, 20)), reach=0.5), ConfigError, "reach=0.5"),
        (lambda p: traverse(p, np.zeros((3, 20)), start=np.zeros(3)), DataError, "start has 3"),
        (lambda p: traverse(p, np.zeros((0, 20))), DataError, "codes has shape [0, 20]"),
        (lambda p: attribute_vector(np.zeros((2, 3)), np.zeros((2, 4))), DataError, "of 3 and of 4"),
        (lambda p: neighbours(np.zeros((3, 2)), k=3), ConfigError, "k=3: there are 2"),
        (lambda p: neighbours(np.zeros((3, 2)), np.zeros((3, 1))), DataError, "1 dimensions"),
        (lambda p: principal_map(np.zeros((3, 2)), 3), ConfigError, "k=3"),
    ],
)
def test_what_cannot_be_done_is_refused(pca, call, error, words):
    with pytest.raises(error) as caught:
        call(pca)
    assert words in str(caught.value)
