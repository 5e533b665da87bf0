"""What an objective may know of a fit before it starts, and how a catalog entry's objective is built for it."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from latentia.core import Objective
from latentia.errors import ConfigError


@dataclass(frozen=True)
class ObjectiveSetting:
    """The size of a fit, from which objectives take the defaults that would otherwise have to be tuned.

    Attributes:
        n_train: training items, N.
        latent_dim: length of a code, D.
        event_shape: shape of one datum.
        n_updates: optimizer steps of the whole fit, if it is not stopped early.
    """

    n_train: int
    latent_dim: int
    event_shape: tuple[int, ...]
    n_updates: int


ObjectiveFactory = Callable[..., Objective]
"""`factory(setting: ObjectiveSetting, *, option=default, ...) -> Objective`; its first parameter is named `setting`."""


def build_objective(
    objective: Objective | ObjectiveFactory,
    setting: ObjectiveSetting,
    options: Mapping[str, Any] | None = None,
) -> Objective:
    """The objective of one fit: a factory is called, anything else is the objective itself.

    Args:
        objective: an objective, or a factory: a callable whose first parameter is named `setting` and whose
            keyword-only parameters are its options.
        setting: the size of the fit.
        options: values for the factory's options.

    Raises:
        ConfigError: if there is no such option; the message names those that there are.

    Example:
        >>> from latentia.objectives import elbo
        >>> setting = ObjectiveSetting(n_train=100, latent_dim=2, event_shape=(4,), n_updates=50)
        >>> build_objective(elbo, setting, {"beta": 2.0}).terms[1].weight
        2.0
        >>> build_objective(elbo, setting, {"betta": 2.0})
        Traceback (most recent call last):
        latentia.errors.ConfigError: objective_options: unknown option 'betta'; did you mean 'beta'? Options: beta
    """
    options = options or {}
    if not isinstance(options, Mapping):
        raise ConfigError(f"objective_options={options!r}: a mapping of names to values is expected")
    known = options_of(objective)
    for name in options:
        if known is None or name not in known:
            raise ConfigError(_unknown(str(name), list(known or ())))
    if known is None:
        return cast(Objective, objective)
    return cast(ObjectiveFactory, objective)(setting, **options)


def options_of(objective: Objective | ObjectiveFactory) -> dict[str, Any] | None:
    """The options of a factory with their defaults; None for what is an objective itself.

    Example:
        >>> from latentia.objectives import elbo
        >>> options_of(elbo)
        {'beta': 1.0}
    """
    parameters = list(inspect.signature(objective).parameters.values())
    if not parameters or parameters[0].name != "setting":
        return None
    return {p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY}


def _unknown(name: str, known: list[str]) -> str:
    if not known:
        return f"objective_options: unknown option {name!r}; the objective of this model has none"
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    hint = f"; did you mean {near[0]!r}?" if near else "."
    return f"objective_options: unknown option {name!r}{hint} Options: {', '.join(known)}"
