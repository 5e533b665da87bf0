"""On real images: foreign data are told apart, and an attribute can be added."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from latentia import VAE
from latentia.data import load
from latentia.explore import anomaly_scores, attribute_vector, auroc, check_attribute

SNEAKER, BOOT = 7, 9


@pytest.mark.slow
@pytest.mark.usefixtures("real_data")
def test_mnist_against_fashion_mnist():
    mnist, fashion = load("mnist"), load("fashion-mnist")
    # A variance for each pixel: those that are black in every digit are what gives foreign images away.
    vae = VAE(latent_dim=10, likelihood="gaussian-pixel", max_epochs=4, n_importance=10, random_state=0)
    vae.fit(mnist.train.take(6000).x)
    usual, other = mnist.test.take(500).x, fashion.test.take(500).x
    for method in ("likelihood", "typicality"):
        reference = mnist.validation.take(500).x
        assert auroc(*(anomaly_scores(vae, x, method, reference) for x in (usual, other))) >= 0.99, method


@pytest.mark.slow
@pytest.mark.usefixtures("real_data")
def test_boot_minus_sneaker_added_to_sneakers():
    data = load("fashion-mnist")
    train, test = data.train.take(6000), data.test
    vae = VAE(latent_dim=10, max_epochs=6, random_state=0).fit(train.x)
    classifier = Flat(LogisticRegression(C=0.02, max_iter=300).fit(_flat(train.x), train.y))
    assert (classifier.predict(test.x) == test.y).mean() > 0.8
    codes = vae.transform(train.x)
    vector = attribute_vector(codes[train.y == BOOT], codes[train.y == SNEAKER])
    check = check_attribute(vae, test.x[test.y == SNEAKER], vector, classifier, BOOT)
    assert check.n == 1000
    assert check.before < 0.2
    assert check.after >= 0.8
    assert check.control < 0.3


class Flat:
    """A classifier of rows as one of images."""

    def __init__(self, classifier):
        self.classifier = classifier

    def predict(self, X):
        return self.classifier.predict(_flat(X))


def _flat(X):
    return np.asarray(X).reshape(len(X), -1) / 255.0
