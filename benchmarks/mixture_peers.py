"""One iteration of EM for Gaussian mixtures by other libraries, all from the same given start."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from sklearn.mixture import GaussianMixture

Iterate = Callable[[], float]


def unit_start(means: np.ndarray, kind: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Equal weights, the given means and unit covariances, in scikit-learn's shapes."""
    k, d = means.shape
    eye = np.eye(d)
    covariances = {
        "full": np.stack([eye] * k),
        "tied": eye,
        "diag": np.ones((k, d)),
        "spherical": np.ones(k),
    }[kind]
    return np.full(k, 1 / k), means.copy(), covariances


def scikit_learn(x: np.ndarray, means: np.ndarray, kind: str) -> Iterate:
    weights, start, precisions = unit_start(means, kind)
    mixture = GaussianMixture(len(means), covariance_type=kind)
    mixture.weights_, mixture.means_, mixture.covariances_ = weights, start, precisions
    mixture.precisions_cholesky_ = precisions

    def iterate() -> float:
        mean, log_responsibilities = mixture._e_step(x)
        mixture._m_step(x, log_responsibilities)
        return float(mean)

    return iterate


def pomegranate(x: np.ndarray, means: np.ndarray, kind: str) -> Iterate | None:
    """In float32; its "sphere" does not take one variance, and it has no tied covariance."""
    threads = torch.get_num_threads()
    try:
        from pomegranate.distributions import Normal
        from pomegranate.gmm import GeneralMixtureModel
    except ImportError:
        return None
    finally:
        torch.set_num_threads(threads)  # its import changes the number
    if kind not in ("full", "diag"):
        return None
    data = torch.from_numpy(x.astype(np.float32))
    _, start, covariances = unit_start(means, kind)
    parts = [
        Normal(
            torch.tensor(m, dtype=torch.float32),
            torch.tensor(covariances[i], dtype=torch.float32),
            covariance_type=kind,
        )
        for i, m in enumerate(start)
    ]
    mixture = GeneralMixtureModel(parts)

    def iterate() -> float:
        value = mixture.summarize(data)
        mixture.from_summaries()
        return float(torch.as_tensor(value).sum()) / len(x)

    return iterate


def gmmx(x: np.ndarray, means: np.ndarray, kind: str) -> Iterate | None:
    """In float32, compiled by JAX; it has full and diagonal covariances."""
    if kind not in ("full", "diag"):
        return None
    try:
        import jax
        from gmmx import EMFitter, GaussianMixtureModelJax
    except ImportError:
        return None
    weights, start, covariances = unit_start(means, kind)
    fitter, data = EMFitter(), jax.numpy.asarray(x.astype(np.float32))
    state = [
        GaussianMixtureModelJax.from_squeezed(
            means=start.astype(np.float32),
            covariances=covariances.astype(np.float32),
            weights=weights.astype(np.float32),
            covariance_type=kind,
        )
    ]

    @jax.jit
    def step(rows: jax.Array, model: GaussianMixtureModelJax) -> tuple[GaussianMixtureModelJax, jax.Array]:
        mean, log_responsibilities = fitter.e_step(rows, model)
        return fitter.m_step(rows, model, log_responsibilities), mean

    def iterate() -> float:
        state[0], mean = step(data, state[0])
        return float(mean)

    return iterate
