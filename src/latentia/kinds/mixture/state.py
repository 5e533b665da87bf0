"""What a run folder keeps of a mixture: its arrays as tensors, its words in `config.json`."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from latentia.errors import ConfigError
from latentia.estimators.folder import Curves
from latentia.mixture.em import EMResult


def as_tensors(state: dict[str, np.ndarray]) -> tuple[dict[str, Any], dict[str, torch.Tensor]]:
    """Arrays of words for `config.json`, and arrays of numbers as tensors.

    Raises:
        ConfigError: if the state holds objects (class labels that are neither numbers nor words).
    """
    words: dict[str, Any] = {}
    tensors: dict[str, torch.Tensor] = {}
    for name, value in state.items():
        if value.dtype.kind in "UO" and all(isinstance(item, str) for item in value.ravel().tolist()):
            words[name] = value.tolist()
            continue
        if value.dtype.kind not in "biuf":
            raise ConfigError(f"{name} holds objects; only numbers and words can be written to a run folder")
        tensors[name] = torch.from_numpy(np.array(value))
    return words, tensors


def as_arrays(words: dict[str, Any], tensors: dict[str, torch.Tensor]) -> dict[str, np.ndarray]:
    """The inverse of `as_tensors`."""
    state = {key: value.numpy() for key, value in tensors.items()}
    return state | {key: np.asarray(value) for key, value in words.items()}


def curves_of(result: EMResult) -> Curves:
    """A row for each iteration."""
    expected = [*result.expected, *[None] * (len(result.log_likelihood) - len(result.expected))]
    return [
        {"iteration": i, "log_likelihood": mean, "expected": q}
        for i, (mean, q) in enumerate(zip(result.log_likelihood, expected, strict=True), 1)
    ]


def result_state(result: EMResult) -> dict[str, np.ndarray]:
    """The history of a fit as arrays."""
    return {
        "result.log_likelihood": np.asarray(result.log_likelihood),
        "result.expected": np.asarray(result.expected),
        "result.objective": np.asarray(result.objective),
        "result.criterion": np.asarray(result.criterion),
        "result.converged": np.asarray(result.converged),
        "result.rescued": np.asarray(result.rescued, dtype=np.int64).reshape(-1, 2),
        "result.kept": np.asarray(result.kept, dtype=np.int64),
    }


def result_from_state(state: dict[str, np.ndarray]) -> EMResult:
    """The history of a fit from `result_state`."""
    log_likelihood = tuple(np.asarray(state["result.log_likelihood"]).tolist())
    return EMResult(
        log_likelihood,
        float(state["result.objective"]),
        tuple(np.asarray(state["result.expected"]).tolist()),
        str(state["result.criterion"]),
        bool(state["result.converged"]),
        len(log_likelihood),
        tuple((int(i), int(k)) for i, k in state["result.rescued"]),
        tuple(int(i) for i in state["result.kept"]),
    )


_OF_COMPONENTS = ("weights", "means", "covariances", "probabilities", "rates", "alphas", "variances", "bits")
"""Parameters whose first axis is that of the components."""


def by_weight(mixture: Any) -> Any:
    """A fitted mixture with its components in the order of their weights, the heaviest first: so are they numbered."""
    order = np.argsort(-mixture.weights_, kind="stable")
    if (order == np.arange(len(order))).all():
        return mixture
    state = mixture.state()
    tied = str(state.get("setting.covariance_type", "")) == "tied"
    names = [f"parameters.{name}" for name in _OF_COMPONENTS if not (tied and name == "covariances")]
    for name in (*names, "stepwise.statistics"):
        if name in state:
            state[name] = state[name][order]
    rescued = np.array(state["result.rescued"])
    rescued[:, 1] = np.argsort(order)[rescued[:, 1]]
    layout, n_features = mixture.layout_, mixture.n_features_in_
    mixture.from_state({**state, "result.rescued": rescued})
    mixture.layout_, mixture.n_features_in_ = layout, n_features
    return mixture
