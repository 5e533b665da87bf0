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
