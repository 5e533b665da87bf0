"""A mixture of Gaussians on the codes of the training data: where `VAE.sample` may draw its codes from."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from latentia.distributions import FullGaussian, Mixture, item_keys, per_item_noise
from latentia.errors import ConfigError
from latentia.estimators.choices import Choice
from latentia.mixture import GaussianComponents, Rows, initialize, run_em, scores, summarize
from latentia.training.weights import in_proportion

SAMPLERS = ("auto", "prior", "aggregate-posterior")
CODES = 20_000
"""Training items whose codes are looked at: more would cost time and tell little."""
SECONDS_PER_CODE = 1e-4
MOST_COMPONENTS = 64
ROWS_PER_PARAMETER = 2
_REGULARISATION = 1e-6  # of covariances, relative to the codes' variance


@dataclass(frozen=True)
class AggregatePosterior:
    r"""A mixture of Gaussians fitted to codes drawn from q(z) = \int q(z|x) p_{data}(x) dx.

    Attributes:
        weights: `[K]`, float64.
        means: `[K, D]`.
        trils: lower-triangular L of each covariance L L^T, `[K, D, D]`.
        n_codes: codes that it was fitted to.
        bic: criterion of each number of components that was tried.
    """

    weights: Tensor
    means: Tensor
    trils: Tensor
    n_codes: int
    bic: dict[int, float]

    @property
    def n_components(self) -> int:
        """K."""
        return len(self.weights)

    def distribution(self, like: Tensor | None = None) -> Mixture:
        """The mixture as a prior p(z), in the type and on the device of `like` (float64 on the CPU)."""
        parts = (self.weights.log(), self.means, self.trils)
        logits, means, trils = parts if like is None else (part.to(like) for part in parts)
        return Mixture(logits, FullGaussian(means, trils, validate_args=False), validate_args=False)

    def tensors(self) -> dict[str, Tensor]:
        """What a run folder keeps as tensors."""
        return {"sampler.weights": self.weights, "sampler.means": self.means, "sampler.trils": self.trils}

    def describe(self) -> dict[str, Any]:
        """What a run folder keeps in `config.json`."""
        return {"n_codes": self.n_codes, "bic": {str(k): value for k, value in self.bic.items()}}

    @staticmethod
    def rebuild(described: dict[str, Any], tensors: dict[str, Tensor]) -> AggregatePosterior:
        """From what `describe` and `tensors` gave."""
        weights, means, trils = (tensors[f"sampler.{name}"] for name in ("weights", "means", "trils"))
        bic = {int(k): float(value) for k, value in described["bic"].items()}
        return AggregatePosterior(weights, means, trils, described["n_codes"], bic)


def fit_aggregate_posterior(
    codes: NDArray[Any], seed: int, n_components: int | None = None
) -> AggregatePosterior:
    """Fit a mixture of Gaussians with full covariances to codes `[n, D]`, by EM from k-means++ seeds.

    Without a given number, 1, 2, 4, ... components are tried until the BIC no longer falls (at most 64, and at least
    two codes for each free parameter).

    Source: Ghosh et al. 2020, From Variational to Deterministic Autoencoders, section 5 (ex-post density estimation).

    Args:
        codes: one draw from q(z|x) of each of n items.
        seed: of the starts.
        n_components: K; None chooses.

    Raises:
        ConfigError: if K is below 1 or above the number of codes.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> codes = np.concatenate([rng.normal(m, 0.1, (500, 2)) for m in (-1, 0, 2, 3)])
        >>> fit_aggregate_posterior(codes, seed=0).n_components
        4
    """
    n, n_dims = codes.shape
    if n_components is not None and not 1 <= n_components <= n:
        raise ConfigError(f"n_components={n_components}: expected 1 to {n}, the number of codes")
    centre, scale = _scaling(codes)
    # In units of their own spread; a constant column is left a hair's breadth, so that it has a density.
    z = (codes.astype(np.float64) - centre) / scale
    random = np.random.RandomState(seed % 2**32)
    z += 1e-3 * (np.ptp(z, axis=0) == 0) * random.standard_normal(z.shape)
    best = _single(z)
    bic = {1: _bic_of_single(best, z)}
    for k in _numbers(n, n_dims) if n_components is None else (n_components,):
        if k == 1:
            continue
        candidate, value = _fitted(z, k, random)
        if n_components is None and value >= min(bic.values()):
            bic[k] = value
            break
        bic[k], best = value, candidate
    weights, means, trils = best
    return AggregatePosterior(
        weights,
        torch.as_tensor(centre) + means * torch.as_tensor(scale),
        trils * torch.as_tensor(scale)[:, None],
        n,
        bic,
    )


_Parameters = tuple[Tensor, Tensor, Tensor]


def _scaling(codes: NDArray[Any]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and standard deviation of each column; a constant column's is a millionth of its size."""
    centre = codes.mean(0, dtype=np.float64)
    spread = codes.std(0, dtype=np.float64)
    least = 1e-6 * np.maximum(1.0, np.abs(centre))
    return centre, np.maximum(spread, least)


def sampler_work(n: int) -> tuple[float, float]:
    """About what the mixture takes for n training rows: passes of an item through the network, and seconds of its own."""
    return 0.4 * min(n, CODES), SECONDS_PER_CODE * min(n, CODES)


def enough_codes(n: int, n_dims: int) -> bool:
    """Whether n codes determine one Gaussian: at least two for each of its parameters."""
    return n >= ROWS_PER_PARAMETER * _free(n_dims)


def _free(n_dims: int) -> int:
    """Parameters of one component."""
    return 1 + n_dims + n_dims * (n_dims + 1) // 2


def _numbers(n: int, n_dims: int) -> list[int]:
    """Numbers of components to try, beside 1."""
    most = min(MOST_COMPONENTS, n // (ROWS_PER_PARAMETER * _free(n_dims)))
    return [2**i for i in range(1, 1 + int(math.log2(max(1, most))))]


def _single(z: NDArray[np.float64]) -> _Parameters:
    """One Gaussian, in closed form: it exists for any number of codes."""
    mean = z.mean(0)
    covariance = (z - mean).T @ (z - mean) / len(z) + _REGULARISATION * np.eye(z.shape[1])
    tril = torch.linalg.cholesky(torch.as_tensor(covariance))
    return torch.ones(1, dtype=torch.float64), torch.as_tensor(mean)[None], tril[None]


def _bic_of_single(parameters: _Parameters, z: NDArray[np.float64]) -> float:
    _, means, trils = parameters
    log_likelihood = float(FullGaussian(means[0], trils[0]).log_prob(torch.as_tensor(z)).sum())
    n_dims = z.shape[1]
    return -2 * log_likelihood + (n_dims + n_dims * (n_dims + 1) / 2) * math.log(len(z))


def _fitted(z: NDArray[np.float64], k: int, random: np.random.RandomState) -> tuple[_Parameters, float]:
    """The mixture of k, and its BIC."""
    rows = Rows(z)
    components = GaussianComponents(k, z.shape[1], covariance_type="full", reg_covar=_REGULARISATION)
    components.prepare(rows, summarize(rows))
    initialize(components, rows, "k-means++", random)
    run_em(components, rows, max_iter=100, tol=1e-3)
    value = scores(components, rows).bic
    fitted = components.parameters
    return (fitted["weights"], fitted["means"], torch.linalg.cholesky(fitted["covariances"])), value


def fit_sampler_to(
    estimator: Any,
    rows: NDArray[Any],
    n_components: int | None = None,
    weight: NDArray[np.float64] | None = None,
) -> None:
    """Fit the mixture to codes of rows, and note it on a fitted VAE."""
    order = np.random.default_rng([estimator.seed_, 2]).permutation(len(rows))
    chosen = np.sort(order[:CODES]) if weight is None else in_proportion(weight, order, min(CODES, len(rows)))
    asked = estimator._inference()
    drawn = []
    with torch.inference_mode():
        for x in asked.batches(rows[chosen]):
            with per_item_noise(item_keys(x), estimator.seed_):
                # refined or not makes no difference to where codes are as a whole, and much to the time
                drawn.append(asked.module.amortised(x).rsample(torch.Size([1]))[0].double().cpu().numpy())
    estimator.sampler_ = fit_aggregate_posterior(np.concatenate(drawn), estimator.seed_, n_components)
    many = "s" if estimator.sampler_.n_components > 1 else ""
    reason = f"a mixture of {estimator.sampler_.n_components} Gaussian{many} on {len(chosen)} codes"
    reason += ", their number by BIC" if n_components is None else ""
    estimator.choices_ = [choice for choice in estimator.choices_ if choice.what != "sampler"]
    estimator.choices_.append(Choice("sampler", "aggregate-posterior", reason))
    if estimator.verbose:
        print(estimator.choices_[-1])


def take_sampler(
    estimator: Any, rows: NDArray[Any], whole_data: bool, weight: NDArray[np.float64] | None = None
) -> None:
    """What `sampler` asks for, after training; a mixture on codes of a model that has moved since is dropped.

    What the model has as its own is taken where there are codes enough, of all training rows.
    """
    estimator.sampler_ = None
    estimator.choices_ = [choice for choice in estimator.choices_ if choice.what != "sampler"]
    wanted = estimator.sampler
    if wanted == "auto" and whole_data and enough_codes(min(len(rows), CODES), estimator.latent_dim_):
        wanted = estimator._entry().sampler
    if wanted == "aggregate-posterior":
        fit_sampler_to(estimator, rows, weight=weight)
