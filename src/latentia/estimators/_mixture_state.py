"""What a run folder keeps of a mixture: its arrays as tensors, its words in `config.json`."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np
import torch

from latentia.errors import ConfigError

CLASSES = {
    "BernoulliMixture": "latentia.estimators.mixtures",
    "CategoricalMixture": "latentia.estimators.mixtures",
    "DirichletMultinomialMixture": "latentia.estimators.mixtures",
    "GaussianMixture": "latentia.estimators.mixtures",
    "GaussianMixtureClassifier": "latentia.estimators.mixture_classifier",
    "MultinomialMixture": "latentia.estimators.mixtures",
    "PoissonMixture": "latentia.estimators.mixtures",
}
"""Class -> module: what `latentia.load` may make; imported when it is needed."""


def mixture_class(name: str) -> Any:
    """The estimator class called `name`, one of `CLASSES`."""
    return getattr(importlib.import_module(CLASSES[name]), name)


def describe(estimator: Any) -> tuple[dict[str, Any], dict[str, torch.Tensor], list[dict[str, Any]]]:
    """Entries of `config.json`, tensors and a row for each iteration, of a fitted mixture.

    Raises:
        ConfigError: if the state holds objects (class labels that are neither numbers nor words).
    """
    words: dict[str, Any] = {}
    tensors: dict[str, torch.Tensor] = {}
    for name, value in estimator.state().items():
        if value.dtype.kind in "UO" and all(isinstance(item, str) for item in value.ravel().tolist()):
            words[name] = value.tolist()
            continue
        if value.dtype.kind not in "biuf":
            raise ConfigError(f"{name} holds objects; only numbers and words can be written to a run folder")
        tensors[name] = torch.from_numpy(np.array(value))
    result = estimator.result_
    expected = [*result.expected, *[None] * (len(result.log_likelihood) - len(result.expected))]
    history = [
        {"iteration": i, "log_likelihood": mean, "expected": q}
        for i, (mean, q) in enumerate(zip(result.log_likelihood, expected, strict=True), 1)
    ]
    return {"words": words}, tensors, history


def rebuild(name: str, config: dict[str, Any], tensors: dict[str, torch.Tensor]) -> Any:
    """The fitted mixture of class `name` that `describe` described."""
    params = {
        key: tuple(value) if isinstance(value, list) else value for key, value in config["params"].items()
    }
    state = {key: value.numpy() for key, value in tensors.items()}
    state |= {key: np.asarray(value) for key, value in config["words"].items()}
    return mixture_class(name)(**params).from_state(state)
