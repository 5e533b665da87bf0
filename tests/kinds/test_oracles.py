"""What must hold of every estimator: densities sum or integrate to one, order and storage change nothing."""

import itertools

import numpy as np
import pandas as pd
import pytest
import torch

from latentia import (
    VAE,
    VQVAE,
    AutoregressiveModel,
    BernoulliMixture,
    CategoricalMixture,
    DirichletMultinomialMixture,
    GaussianMixture,
    GaussianMixtureClassifier,
    MultinomialMixture,
    PoissonMixture,
)

RANDOM = np.random.default_rng(8)
COLUMN = np.concatenate([RANDOM.normal(-2, 1, 80), RANDOM.normal(3, 0.5, 80)])[:, None]
TABLE = np.concatenate([RANDOM.normal(0, 1, (60, 3)), RANDOM.normal(4, 1, (60, 3))])
BITS = (RANDOM.random((120, 4)) < [0.2, 0.5, 0.7, 0.9]).astype(np.uint8)
COUNTS = RANDOM.poisson(6, (80, 3)) + 1
Y = np.repeat([0, 1], 60)
ALL_BITS = np.array(list(itertools.product([0, 1], repeat=4)), np.uint8)
GRID = np.linspace(-30, 30, 2001)[:, None]


def neural(X, **params):
    return VAE(**{"latent_dim": 1, "max_epochs": 2, "random_state": 0, "n_importance": 200, **params}).fit(X)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", ["vae", "student", "mixture"])
def test_densities_integrate_to_one(name, dtype):
    X = COLUMN.astype(dtype)
    if name == "mixture":
        model = GaussianMixture(2, random_state=0).fit(X)
    else:
        model = neural(X, likelihood="gaussian" if name == "vae" else "laplace")
    mass = np.trapezoid(np.exp(model.score_samples(GRID.astype(dtype))), GRID[:, 0])
    assert mass == pytest.approx(1, abs=0.03 if name != "mixture" else 1e-4)


@pytest.mark.parametrize(
    "fit",
    [
        neural,
        lambda X: BernoulliMixture(2, random_state=0).fit(X),
        lambda X: CategoricalMixture(2, random_state=0).fit(X),
    ],
    ids=["vae", "bernoulli mixture", "latent classes"],
)
def test_probabilities_of_bits_sum_to_one(fit):
    assert np.exp(fit(BITS).score_samples(ALL_BITS)).sum() == pytest.approx(1, abs=0.02)


def test_probabilities_of_small_images_sum_to_one():
    model = AutoregressiveModel(n_channels=4, n_layers=2, max_epochs=1, random_state=0).fit(
        BITS.reshape(-1, 2, 2)
    )
    assert np.exp(model.score_samples(ALL_BITS.reshape(-1, 2, 2))).sum() == pytest.approx(1, abs=1e-5)


def test_joint_density_of_rows_and_classes_integrates_to_one():
    model = GaussianMixtureClassifier(2, random_state=0).fit(COLUMN, COLUMN[:, 0] > 0)
    of_classes = [model.score_samples(GRID, np.full(len(GRID), y)) for y in model.classes_]
    assert sum(np.trapezoid(np.exp(one), GRID[:, 0]) for one in of_classes) == pytest.approx(1, abs=1e-3)


FITS = {
    "vae": (neural, TABLE),
    "codes": (lambda X: VQVAE(latent_dim=2, max_epochs=1, random_state=0).fit(X), TABLE),
    "gaussian": (lambda X: GaussianMixture(2, random_state=0).fit(X), TABLE),
    "classifier": (lambda X: GaussianMixtureClassifier(2, random_state=0).fit(X, Y), TABLE),
    "poisson": (lambda X: PoissonMixture(2, random_state=0).fit(X), COUNTS),
    "multinomial": (lambda X: MultinomialMixture(2, random_state=0).fit(X), COUNTS),
    "dirichlet-multinomial": (
        lambda X: DirichletMultinomialMixture(2, tol=1e-3, n_init=1, random_state=0).fit(X),
        COUNTS,
    ),
    "bernoulli": (lambda X: BernoulliMixture(2, random_state=0).fit(X), BITS),
}


def said(model, X):
    """What a model makes of rows: their density, or where there is none their codes."""
    return model.score_samples(X) if hasattr(model, "score_samples") else model.transform(X)


@pytest.fixture(scope="module", params=FITS)
def fitted(request):
    fit, X = FITS[request.param]
    return fit, X, fit(X)


def test_what_stands_beside_a_row_changes_nothing(fitted):
    _, X, model = fitted
    order = np.random.default_rng(1).permutation(len(X))
    scores = said(model, X)
    np.testing.assert_allclose(said(model, X[order]), scores[order], rtol=1e-9, atol=1e-12)
    one_by_one = np.concatenate([said(model, X[i : i + 1]) for i in range(5)])
    np.testing.assert_allclose(one_by_one, scores[:5], rtol=1e-9, atol=1e-12)


STORED = {
    "fortran": np.asfortranarray,
    "strided": lambda X: np.repeat(X, 2, axis=0)[::2],
    "big endian": lambda X: X.astype(X.dtype.newbyteorder(">")),
    "read only": lambda X: (lambda copy: (copy.setflags(write=False), copy)[1])(X.copy()),
    "frame": lambda X: pd.DataFrame(X),
    "torch": torch.from_numpy,
    "lists": lambda X: X.tolist(),
}


@pytest.mark.parametrize("stored", STORED)
def test_how_numbers_are_stored_changes_nothing(fitted, stored):
    fit, X, model = fitted
    again = fit(STORED[stored](X))
    np.testing.assert_array_equal(np.asarray(said(again, X)), np.asarray(said(model, X)))
