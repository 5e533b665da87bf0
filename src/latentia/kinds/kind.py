"""How each kind of model is fitted into a run folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import latentia
from latentia import data
from latentia.errors import ConfigError
from latentia.estimators.network import NetworkEstimator
from latentia.kinds.autoregressive.catalog import DENSITY_MODELS
from latentia.kinds.codes.catalog import DISCRETE
from latentia.kinds.names import mixture_name


class Recipe(Protocol):
    """How one kind of model is fitted into a run folder.

    Attributes:
        estimator: unfitted.
        asked: entries of `config.json` from the start, to which a resumed run must agree.
        holds_out: whether it cannot do without rows that are held out.
    """

    estimator: Any
    asked: dict[str, Any]
    holds_out: bool

    def fit(
        self, dataset: data.Dataset, out: Path, resume: bool, say: Callable[[str], None]
    ) -> tuple[Any, dict[str, Any]]:
        """The fitted estimator, and further entries of `config.json`."""
        ...


class NetworkRecipe:
    """Fit an estimator around a torch module.

    Args:
        kind: its class.
        params: its arguments.
    """

    holds_out = True

    def __init__(self, kind: type[NetworkEstimator], params: dict[str, Any]) -> None:
        self.estimator = make(kind, params)
        self.asked: dict[str, Any] = {}

    def fit(
        self,
        dataset: data.Dataset,
        out: Path,
        resume: bool,
        say: Callable[[str], None],  # noqa: ARG002  training shows its own progress
    ) -> tuple[Any, dict[str, Any]]:
        """The fitted estimator, and no further entries of `config.json`."""
        self.estimator.fit(dataset, run_dir=out, resume=resume)
        return self.estimator, {}


def make(kind: Any, params: dict[str, Any]) -> Any:
    """An estimator; raises `ConfigError` with the names that there are for a parameter that it does not have."""
    try:
        return kind(**params)
    except TypeError as error:
        known = ", ".join(kind().get_params(deep=False))
        raise ConfigError(f"{error}; the parameters are {known}") from None


def recipe_of(params: dict[str, Any]) -> Recipe:
    """How the model that the parameters name is fitted; raises `ConfigError` for an unknown name or parameter."""
    model = params.get("model")
    if isinstance(model, str) and mixture_name(model):
        from latentia.kinds.mixture.run import MixtureRecipe

        return MixtureRecipe(params)
    if model in DENSITY_MODELS:
        return NetworkRecipe(latentia.AutoregressiveModel, params)
    if model in DISCRETE:
        return NetworkRecipe(latentia.VQVAE, params)
    return NetworkRecipe(latentia.VAE, params)
