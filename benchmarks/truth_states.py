"""Fits whose state is known because it was brought about, of every kind of model: what `truth.py` tries the verdicts on.

A state is a function of a seed to a fitted model, rows that it has not seen (with their classes, for a classifier) and the rows
that it was fitted to. Data are drawn here or come with scikit-learn; the images of the VAEs are MNIST's.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning

from latentia import (
    VAE,
    VQVAE,
    AutoregressiveModel,
    BernoulliMixture,
    DirichletMultinomialMixture,
    GaussianMixture,
    GaussianMixtureClassifier,
    MultinomialMixture,
)
from latentia.errors import DataError

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "diagnostics"))
import known_states

import truth_sequences
from truth_fitted import HELD_OUT, Fitted


def _parts(x: np.ndarray, *labels: np.ndarray) -> tuple[Any, ...]:
    """Training and held-out rows of rows in any order, and the same of labels."""
    n = round(len(x) * (1 - HELD_OUT))
    return tuple(part for each in (x, *labels) for part in (each[:n], each[n:]))


# Data -----------------------------------------------------------------------------------------------------------


def clusters(
    seed: int, n: int = 2000, d: int = 6, k: int = 4, spread: float = 4.0
) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng([seed, 1])
    which = random.integers(k, size=n)
    return random.normal(size=(k, d))[which] * spread + random.normal(size=(n, d)), which


def factors(seed: int, n: int = 2000, d: int = 10, k: int = 3) -> np.ndarray:
    random = np.random.default_rng([seed, 2])
    return random.normal(size=(n, k)) @ random.normal(size=(k, d)) + 0.3 * random.normal(size=(n, d))


def noise(seed: int, n: int = 2000, d: int = 6) -> np.ndarray:
    return np.random.default_rng([seed, 3]).normal(size=(n, d))


def awkward(seed: int, n: int = 2000) -> np.ndarray:
    """Waiting times with long tails, and scores of few levels, that hang together."""
    random = np.random.default_rng([seed, 4])
    z = random.normal(size=(n, 2))
    tails = np.exp(0.6 * z @ random.normal(size=(2, 5)) + 0.4 * random.normal(size=(n, 5)))
    levels = np.clip(np.rint(1 + z @ random.normal(size=(2, 3))), 0, 3) + 0.0
    return np.concatenate([tails, levels], 1)


def long_tails(seed: int, n: int = 2000, d: int = 5) -> np.ndarray:
    return np.exp(1.5 * np.random.default_rng([seed, 14]).normal(size=(n, d)))


def classes_of_answers(seed: int, n: int = 2000, d: int = 20, k: int = 3) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng([seed, 5])
    which = random.integers(k, size=n)
    p = np.where(random.random((k, d)) < 0.5, 0.1, 0.9)
    return (random.random((n, d)) < p[which]).astype(np.uint8), which


def coins(seed: int, n: int = 2000, d: int = 20) -> np.ndarray:
    return (np.random.default_rng([seed, 6]).random((n, d)) < 0.5).astype(np.uint8)


def topics(seed: int, n: int = 2000, d: int = 30, k: int = 5) -> np.ndarray:
    random = np.random.default_rng([seed, 7])
    words, shares = random.dirichlet(np.full(d, 0.2), k), random.dirichlet(np.full(k, 0.3), n)
    return np.stack([random.multinomial(200, row) for row in shares @ words])


def one_composition(seed: int, n: int = 2000, d: int = 30) -> np.ndarray:
    random = np.random.default_rng([seed, 8])
    return random.multinomial(random.integers(150, 250, n), random.dirichlet(np.full(d, 2.0)))


def communities(seed: int, n: int = 400, d: int = 25, k: int = 3) -> np.ndarray:
    random = np.random.default_rng([seed, 9])
    alphas = random.gamma(0.5, 4.0, (k, d)) + 0.05
    shares = [random.dirichlet(alphas[i]) for i in random.integers(k, size=n)]
    return np.stack([random.multinomial(1000, row) for row in shares])


def digits(seed: int) -> tuple[np.ndarray, np.ndarray]:
    bunch = load_digits()
    order = np.random.default_rng([seed, 10]).permutation(len(bunch.target))
    return np.rint(bunch.images[order] * 255 / 16).astype(np.uint8), bunch.target[order]


def strokes(seed: int) -> np.ndarray:
    return (digits(seed)[0] > 99).astype(np.uint8)


def textures(seed: int, n: int = 3000, size: int = 8) -> np.ndarray:
    """Binary images whose pixels are those above or to the left of them, or sometimes the other."""
    random = np.random.default_rng([seed, 13])
    x = (random.random((n, size, size)) < 0.5).astype(np.uint8)
    for i in range(1, size):
        for j in range(1, size):
            above = random.random(n) < 0.5
            x[:, i, j] = np.where(
                random.random(n) < 0.85, np.where(above, x[:, i - 1, j], x[:, i, j - 1]), x[:, i, j]
            )
    return x


# Fits -----------------------------------------------------------------------------------------------------------


def _vae(x: np.ndarray, seed: int, **settings: Any) -> Fitted:
    train, test = _parts(x)
    return Fitted(VAE(**{"random_state": seed, "device": "cpu", **settings}).fit(train), test, train)


def _mixture(model: Any, x: np.ndarray) -> Fitted:
    train, test = _parts(x)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # it is a state of its own
        return Fitted(model.fit(train), test, train)


def _codes(seed: int, n: int | None = None, **settings: Any) -> Fitted:
    train, test = _parts(digits(seed)[0])
    train = train[:n]
    given = {"model": "vq-vae", "random_state": seed, "device": "cpu", **settings}
    return Fitted(VQVAE(**given).fit(train), test, train)


def _autoregressive(x: np.ndarray, seed: int, n: int | None = None, **settings: Any) -> Fitted:
    train, test = _parts(x)
    train = train[:n]
    given = {"n_channels": 16, "n_layers": 4, "random_state": seed, "device": "cpu", **settings}
    return Fitted(AutoregressiveModel(**given).fit(train), test, train)


def _classifier(x: np.ndarray, y: np.ndarray, **settings: Any) -> Fitted:
    train, test, of_train, of_test = _parts(x, y)
    model = GaussianMixtureClassifier(**{"random_state": 0, **settings}).fit(train, of_train)
    return Fitted(model, test, (train, of_train), of_test)


def _image(name: str) -> Callable[[int], Fitted]:
    def fitted(seed: int) -> Fitted:
        known = known_states.STATES[name][0](seed)
        return Fitted(known.vae, known.test, known.train)

    return fitted


def _shuffled(seed: int) -> Fitted:
    x, y = clusters(seed)
    return _classifier(x, np.random.default_rng([seed, 11]).permutation(y), n_components=2)


def _few_of_many_columns(seed: int) -> Fitted:
    """Two classes that lie 3 standard deviations apart in one of 30 columns, 140 training rows."""
    random = np.random.default_rng([seed, 15])
    y = random.integers(2, size=200)
    x = random.normal(size=(200, 30))
    x[:, 0] += 3 * y
    return _classifier(x, y, n_components=1, l2=1e-2)


def _repeated_rows(seed: int) -> Fitted:
    x, _ = clusters(seed, k=3)
    x[:400] = x[:1] + 30.0
    order = np.random.default_rng([seed, 12]).permutation(len(x))
    return _mixture(GaussianMixture(4, reg_covar=1e-12, n_init=3, random_state=seed), x[order])


Group = str
STATES: dict[tuple[Group, str], tuple[Callable[[int], Fitted], str]] = {
    **{("VAE, images", name): (_image(name), verdict) for name, (_, verdict) in known_states.STATES.items()},
    ("VAE, table", "clusters"): (lambda s: _vae(clusters(s)[0], s), "healthy"),
    ("VAE, table", "three factors"): (lambda s: _vae(factors(s), s), "healthy"),
    ("VAE, table", "independent noise"): (lambda s: _vae(noise(s), s, model="vae"), "posterior collapse"),
    ("VAE, table", "long tails and levels"): (lambda s: _vae(awkward(s), s, likelihood="gaussian"), "samples unlike the data"),
    ("VAE, table", "60 rows of 20 columns"): (
        lambda s: _vae(factors(s, 86, 20, 12), s, latent_dim=16, max_epochs=1500, validation_fraction=0.0, learning_rate=1e-2), "overfitted"),
    ("VAE, table", "one epoch"): (lambda s: _vae(factors(s), s, max_epochs=1), "under-trained"),
    ("VAE, table", "beta = 50"): (lambda s: _vae(factors(s), s, model="beta-vae", objective_options={"beta": 50.0}), "posterior collapse"),
    ("VAE, binary", "three classes"): (lambda s: _vae(classes_of_answers(s)[0], s, latent_dim=2), "healthy"),
    ("VAE, binary", "fair coins"): (lambda s: _vae(coins(s), s), "posterior collapse"),
    ("VAE, counts", "five topics"): (lambda s: _vae(topics(s), s, likelihood="multinomial", latent_dim=4), "healthy"),
    ("VAE, counts", "one composition"): (lambda s: _vae(one_composition(s), s, likelihood="multinomial"), "posterior collapse"),
    ("codes", "64 codes"): (lambda s: _codes(s, n_codes=64, max_epochs=60), "healthy"),
    ("codes", "one epoch"): (lambda s: _codes(s, max_epochs=1, batch_size=16), "under-trained"),
    ("codes", "4096 codes"): (lambda s: _codes(s, n_codes=4096, max_epochs=20), "dead codes"),
    ("autoregressive", "default"): (lambda s: _autoregressive(textures(s), s, max_epochs=8), "healthy"),
    ("autoregressive", "one epoch"): (lambda s: _autoregressive(strokes(s), s, max_epochs=1), "under-trained"),
    ("autoregressive", "60 images"): (
        lambda s: _autoregressive(strokes(s), s, 60, n_channels=48, max_epochs=200, validation_fraction=0.0), "overfitted"),
    ("Gaussian mixture", "K as drawn"): (
        lambda s: _mixture(GaussianMixture(3, n_init=3, random_state=s), clusters(s, k=3)[0]), "healthy"),
    ("Gaussian mixture", "repeated rows"): (_repeated_rows, "singular component"),
    ("Gaussian mixture", "one Gaussian for long tails"): (
        lambda s: _mixture(GaussianMixture(1, random_state=s), long_tails(s)), "samples unlike the data"),
    ("Gaussian mixture", "two iterations"): (
        lambda s: _mixture(GaussianMixture(4, max_iter=2, random_state=s), clusters(s, spread=1.5)[0]), "not converged"),
    ("Bernoulli mixture", "K as drawn"): (
        lambda s: _mixture(BernoulliMixture(3, n_init=3, random_state=s), classes_of_answers(s)[0]), "healthy"),
    ("Bernoulli mixture", "two iterations"): (
        lambda s: _mixture(BernoulliMixture(3, max_iter=2, init_params="random", random_state=s), classes_of_answers(s)[0]), "not converged"),
    ("count mixture", "communities, K as drawn"): (
        lambda s: _mixture(DirichletMultinomialMixture(3, random_state=s), communities(s)), "healthy"),
    ("count mixture", "communities as multinomials"): (
        lambda s: _mixture(MultinomialMixture(3, n_init=3, random_state=s), communities(s)), "samples unlike the data"),
    ("classifier", "classes apart"): (lambda s: _classifier(*clusters(s), n_components=2), "healthy"),
    ("classifier", "random classes"): (_shuffled, "no better than guessing"),
    ("classifier", "140 rows of 30 columns"): (_few_of_many_columns, "overfitted"),
    **truth_sequences.STATES,
}  # fmt: skip


def needs_mnist(group: Group) -> bool:
    """Whether a state is of images that are not bundled."""
    return group == "VAE, images"


def has_mnist() -> bool:
    """Whether MNIST is there."""
    try:
        known_states.mnist(0, 10, 10)
    except DataError:
        return False
    return True
