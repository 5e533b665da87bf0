"""One small fitted estimator of each kind, with the data that it was fitted to; fitted once a process."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from sklearn.datasets import load_digits, load_wine

import latentia
from latentia.data import Balls

DIGITS = (load_digits().images * 15).astype(np.uint8)[:160]
WINE, CULTIVAR = load_wine(return_X_y=True)
BINARY = (np.median(WINE, 0) < WINE).astype(float)
COUNTS = np.random.default_rng(0).negative_binomial(2, 0.3, (120, 6))
LEVELS = np.random.default_rng(1).integers(0, 4, (120, 5))
BALLS = Balls(n=2, size=8, frames=9, radius=0.15).sample(40, seed=0).x
SHORT = {"max_epochs": 2, "random_state": 0}

MAKERS: dict[str, tuple[Any, Any]] = {
    "vae-images": (lambda: latentia.VAE(optimizer="muon", n_importance=4, **SHORT), DIGITS),
    "vae-table": (lambda: latentia.VAE(n_importance=4, **SHORT), WINE),
    "vae-counts": (lambda: latentia.VAE(n_importance=4, **SHORT), COUNTS),
    "vae-binary": (lambda: latentia.VAE("vamp-vae", n_importance=4, **SHORT), BINARY),
    "lagging-vae": (lambda: latentia.VAE("lagging-vae", n_importance=4, **SHORT), WINE),
    "sampled-vae": (lambda: latentia.VAE(sampler="aggregate-posterior", n_importance=4, **SHORT), WINE),
    "constrained-vae": (lambda: latentia.VAE(objective="constrained", n_importance=4, **SHORT), DIGITS),
    "vq-vae-images": (lambda: latentia.VQVAE(n_codes=8, n_importance=4, **SHORT), DIGITS),
    "vq-vae-joint": (lambda: latentia.VQVAE(n_codes=8, n_importance=4, prior="independent", prior_training="joint", **SHORT), WINE),
    "autoregressive": (lambda: latentia.AutoregressiveModel(n_channels=8, n_layers=2, **SHORT), DIGITS),
    "air": (lambda: latentia.SceneVAE(latent_dim=4, n_importance=4, **SHORT), DIGITS),
    "monet": (lambda: latentia.SceneVAE("monet", n_slots=2, latent_dim=4, n_importance=4, **SHORT), DIGITS),
    "stove": (lambda: latentia.VideoVAE(n_objects=2, frames=6, n_importance=3, max_epochs=1, random_state=0), BALLS),
    "gaussian": (lambda: latentia.GaussianMixture(3, random_state=0), WINE),
    "gaussian-images": (lambda: latentia.GaussianMixture(2, covariance_type="diag", random_state=0), DIGITS),
    "bernoulli": (lambda: latentia.BernoulliMixture(3, random_state=0), BINARY),
    "categorical": (lambda: latentia.CategoricalMixture(2, random_state=0), LEVELS),
    "poisson": (lambda: latentia.PoissonMixture(3, random_state=0), COUNTS),
    "multinomial": (lambda: latentia.MultinomialMixture(3, random_state=0), COUNTS),
    "dirichlet-multinomial": (lambda: latentia.DirichletMultinomialMixture(2, random_state=0), COUNTS),
    "classifier": (lambda: latentia.GaussianMixtureClassifier(random_state=0), WINE),
}  # fmt: skip


@cache
def fitted(name: str) -> Any:
    """The estimator; who changes it takes a copy."""
    make, X = MAKERS[name]
    return make().fit(X, labels(name))


def fresh(name: str) -> Any:
    """The same, unfitted."""
    return MAKERS[name][0]()


def data(name: str) -> np.ndarray:
    """What it was fitted to."""
    return MAKERS[name][1]


def labels(name: str) -> np.ndarray | None:
    """Classes, where it learns them."""
    return CULTIVAR if name == "classifier" else None
