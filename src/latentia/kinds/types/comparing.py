"""Types beside models with codes of other shapes, on the same samples held out and in the same units."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from latentia.errors import ConfigError
from latentia.kinds import kind_of
from latentia.kinds.kind import make
from latentia.kinds.mixture.estimator import MultinomialMixture
from latentia.kinds.types.fits import best_of, log_density, seed_of
from latentia.kinds.types.resampling import Places, folds, mean_and_error

LIKELIHOOD = "dirichlet-multinomial"
EXACT, BOUND = "exact", "at least"
"""Whether a log-likelihood is exact, or a lower bound on it: of codes that are drawn, importance-weighted."""
Scorer = Callable[[sparse.csr_array, sparse.csr_array, int], NDArray[np.float64]]


def check_models(names: Sequence[str]) -> None:
    """Raise where a model cannot be held against types.

    Raises:
        ConfigError: for an unknown model, or one whose likelihood cannot be conditional on depth.
    """
    for name in names:
        kind = kind_of(name)
        if "likelihood" not in kind.estimator(kind.estimators[0])().get_params(deep=False):
            raise ConfigError(
                f"--compare {name}: {kind.title} have no likelihood {LIKELIHOOD}; take vae, vq-vae, gumbel-vae or another neural model"
            )


def compare(
    counts: sparse.csr_array,
    groups: Places,
    models: Sequence[str],
    k: int,
    *,
    n_folds: int = 5,
    n_starts: int = 2,
    seed: int = 0,
    options: dict[str, Any] | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> pd.DataFrame:
    """Log p(x | depth) of samples that were not fitted to, a row a model; all of them condition on depth.

    Args:
        counts: `[n, d]`.
        groups: number of the group (subject) of each sample, `[n]`: held out together.
        models: names of neural models, each fitted with the likelihood `dirichlet-multinomial` and its defaults.
        k: number of types.
        n_folds: parts that are held out in turn.
        n_starts: of mixtures.
        seed: of folds and fits.
        options: further parameters of the neural models.
        say: told of each model.

    Returns:
        Columns model, likelihood ("exact" or "at least"), n, mean and error (nats a sample, with its standard error), difference to the
        types and difference_error.
    """
    check_models(models)
    parts = folds(groups, n_folds, seed)
    scorers: dict[str, tuple[str, Scorer]] = {
        f"{k} types": (EXACT, of_types(k, n_starts)),
        "1 type": (EXACT, of_types(1, 1)),
        f"mixture of {k} multinomials": (EXACT, of_multinomials(k, n_starts)),
        **{name: (BOUND, of_network(name, options or {})) for name in models},
    }
    rows: list[dict[str, Any]] = []
    first: NDArray[np.float64] | None = None
    for name, (how, scorer) in scorers.items():
        values = np.empty(counts.shape[0])
        for i, part in enumerate(parts):
            rest = np.setdiff1d(np.arange(counts.shape[0]), part)
            values[part] = scorer(
                sparse.csr_array(counts[rest]), sparse.csr_array(counts[part]), seed_of(seed, i)
            )
        first = values if first is None else first
        mean, error = mean_and_error(values, groups)
        difference, difference_error = mean_and_error(values - first, groups)
        row = {
            "model": name, "likelihood": how, "n": len(values), "mean": mean, "error": error,
            "difference": difference, "difference_error": difference_error,
        }  # fmt: skip
        rows.append(row)
        say(in_words(row))
    return pd.DataFrame(rows)


def in_words(row: dict[str, Any]) -> str:
    """A row of the table as a line."""
    text = f"{row['model']:>28}: {row['likelihood']} {row['mean']:.2f} +- {row['error']:.2f} nats a sample"
    return (
        text
        if row["difference_error"] == 0
        else f"{text}, {row['difference']:+.2f} +- {row['difference_error']:.2f} to the types"
    )


def of_types(k: int, n_starts: int) -> Scorer:
    """Dirichlet-multinomial mixtures of K types."""
    return lambda rest, part, seed: log_density(best_of(rest, k, seed, n_starts).components, part)


def of_multinomials(k: int, n_starts: int) -> Scorer:
    """Mixtures of K multinomials: what is left of types without overdispersion."""

    def score(rest: sparse.csr_array, part: sparse.csr_array, seed: int) -> NDArray[np.float64]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # many deep samples: not converged to the last digit
            fitted = MultinomialMixture(k, n_init=n_starts, random_state=seed % 2**31).fit(rest)
        return np.asarray(fitted.score_samples(part), dtype=np.float64)

    return score


def of_network(name: str, options: dict[str, Any]) -> Scorer:
    """A neural model by name, with the likelihood of the types unless `options` say otherwise."""

    def score(rest: sparse.csr_array, part: sparse.csr_array, seed: int) -> NDArray[np.float64]:
        kind = kind_of(name)
        params = {
            "model": kind.model_name(name),
            "likelihood": LIKELIHOOD,
            "random_state": seed % 2**31,
            **options,
        }
        fitted = make(kind.estimator(kind.estimators[0]), params).fit(rest.toarray())
        return np.asarray(fitted.score_samples(part.toarray()), dtype=np.float64)

    return score
