"""How unusual an item is to a model: by likelihood, typicality, or reconstruction."""

from __future__ import annotations

import warnings
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from latentia.errors import ConfigError, DataError

Method = Literal["likelihood", "typicality", "reconstruction"]
METHODS: tuple[Method, ...] = ("likelihood", "typicality", "reconstruction")


def anomaly_scores(
    estimator: Any,
    X: Any,
    method: Method = "likelihood",
    reference: Any = None,
    total: Literal["modelled", "given"] = "modelled",
) -> NDArray[np.float64]:
    r"""A score for each item, `[n]`: the greater, the more unusual.

    * ``"likelihood"``: :math:`-\log p(x)` in nats, for a VAE importance-weighted; of a row of a table with missing cells what its method
      `unusual` gives. Beware: a density in many dimensions
      can be greater for simple items of a foreign kind than for those it was fitted to.
    * ``"typicality"``: :math:`|-\log p(x) - \hat H|` in nats, :math:`\hat H` the mean of :math:`-\log p` over reference
      items: too probable is suspicious as well (the test of Nalisnick et al. 2019, eq. 3, for M = 1).
    * ``"reconstruction"``: squared error of `estimator.reconstruct`, summed over the item, in squared units of X (of
      uint8 images, on [0, 1]).

    Args:
        estimator: fitted; has `score_samples`, and for "reconstruction" `reconstruct`: a VAE, a mixture, ...
        X: items, `[n, *event]`.
        method: as above.
        reference: of "typicality": items of the kind that the model was fitted to, but not trained on.
        total: of counts: "modelled" scores a row with its total, so that rows of very few or very many counts are unusual; "given"
            leaves the total out.

    Raises:
        DataError: for a row without counts whose total is given.
        ConfigError: for an unknown method, one that the estimator cannot do, or typicality without reference.

    Source: Nalisnick, Matsukawa, Teh and Lakshminarayanan 2019, "Detecting out-of-distribution inputs to deep
    generative models using typicality".

    Example:
        >>> from latentia import GaussianMixture
        >>> X = np.random.default_rng(0).normal(size=(200, 2))
        >>> model = GaussianMixture(1, random_state=0).fit(X)
        >>> bool(np.diff(anomaly_scores(model, [[0.0, 0.0], [9.0, 9.0]]))[0] > 0)
        True
    """
    if method not in METHODS:
        raise ConfigError(f"method={method!r} is unknown; give one of {', '.join(METHODS)}")
    if method == "reconstruction":
        if not hasattr(estimator, "reconstruct"):
            raise ConfigError(
                f"{type(estimator).__name__} does not reconstruct; give method='likelihood' or 'typicality'"
            )
        return _squared_error(X, estimator.reconstruct(X))
    of_counts: dict[str, str] = {"total": total} if getattr(estimator, "conditions_on_total", False) else {}
    scores = -_log_density(estimator, X, of_counts)
    if method == "likelihood":
        return scores
    if reference is None:
        raise ConfigError(
            "method='typicality' compares with items of the usual kind: give reference=X_validation"
        )
    usual = -_log_density(estimator, reference, of_counts).mean()
    return np.abs(scores - usual)


def _log_density(estimator: Any, X: Any, of_counts: dict[str, str]) -> NDArray[np.float64]:
    if hasattr(estimator, "unusual"):
        return -np.asarray(estimator.unusual(X), dtype=np.float64)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "[0-9]+ row.s. have no counts", UserWarning)  # said below
        found = np.asarray(estimator.score_samples(X, **of_counts), dtype=np.float64)
    if of_counts and np.isnan(found).any():
        raise DataError(
            f"row {int(np.flatnonzero(np.isnan(found))[0])} has no counts: given its total nothing is left to score; total='modelled' "
            "(--total modelled) scores such rows"
        )
    return found


def tail_share(scores: Any, reference_scores: Any) -> NDArray[np.float64]:
    """The share of usual items that score at least as high, `[n]`: an empirical p-value, never below 1 / (m + 1).

    Args:
        scores: `[n]`.
        reference_scores: of m usual items that the model was not fitted to, by the same method.

    >>> tail_share([0.5, 9.0], [0.0, 1.0, 2.0]).tolist()
    [0.75, 0.25]
    """
    reference = np.sort(_scores(reference_scores, "reference_scores"))
    above = len(reference) - np.searchsorted(reference, _scores(scores, "scores"), side="left")
    return np.asarray((above + 1) / (len(reference) + 1))


def auroc(usual: Any, anomalous: Any) -> float:
    """Area under the ROC curve: the probability that an anomalous item scores above a usual one, ties counting half.

    Args:
        usual: scores of usual items, `[n]`.
        anomalous: scores of anomalous ones, `[m]`.

    >>> auroc([0.0, 1.0, 2.0], [1.5, 3.0])
    0.8333...
    """
    from sklearn.metrics import roc_auc_score

    usual, anomalous = _scores(usual, "usual"), _scores(anomalous, "anomalous")
    truth = np.repeat([0, 1], [len(usual), len(anomalous)])
    return float(roc_auc_score(truth, np.concatenate([usual, anomalous])))


def _squared_error(X: Any, rebuilt: NDArray[Any]) -> NDArray[np.float64]:
    if hasattr(X, "lengths"):  # sequences, each as long as it is
        pairs = ((X.item(i)[None], np.asarray(rebuilt[i])[None]) for i in range(len(X)))
        return np.array([_squared_error(*pair)[0] for pair in pairs])
    given = X.toarray() if hasattr(X, "toarray") else np.asarray(X)
    top = 255.0 if rebuilt.dtype == np.uint8 else 1.0
    difference = (given.astype(np.float64).reshape(rebuilt.shape) - rebuilt.astype(np.float64)) / top
    return np.asarray((difference**2).reshape(len(rebuilt), -1).sum(axis=1))


def _scores(values: Any, what: str) -> NDArray[np.float64]:
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1 or not len(array) or not np.isfinite(array).all():
        raise DataError(
            f"{what}: expected one finite score for each of one or more items, [n]; got {array.shape}"
        )
    return array
