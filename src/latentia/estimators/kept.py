"""What a run folder keeps of an estimator with an encoder and a decoder."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from torch import Tensor, nn

from latentia.estimators.folder import Curves
from latentia.objectives import ObjectiveSetting, build_objective


def described(estimator: Any) -> tuple[dict[str, Any], dict[str, Tensor], Curves]:
    """Entries of `config.json`, tensors and learning curves."""
    tensors = {
        f"{part}.{name}": value
        for part, module in _parts(estimator).items()
        for name, value in module.state_dict().items()
    }
    setting = estimator.objective_setting_
    entries = {
        "form": estimator.form_.describe(),
        "composition": estimator.composition_.describe(),
        "objective": {"n_train": setting.n_train, "n_updates": setting.n_updates},
        **estimator._describe_fit(),
    }
    usual = getattr(estimator, "usual_scores_", None)
    if usual is not None:
        entries["usual_scores"] = usual.tolist()
    return entries, tensors, estimator.history_


def restore(
    estimator: Any, config: dict[str, Any], tensors: dict[str, Tensor], curves: Callable[[], Curves]
) -> None:
    """Put an unfitted estimator into the state that `described` told.

    Raises:
        RunFolderError: if the weights are not those of the configuration.
    """
    estimator.composition_ = estimator._composition_of(config["composition"])
    estimator.form_ = estimator._way.form_of(config["form"])
    entry = estimator._entry()
    estimator.schedule_ = estimator._schedule(entry)
    estimator._compose()
    estimator.n_features_in_ = getattr(estimator.form_, "n_given", math.prod(estimator.event_shape_))
    estimator._take_fit(config, curves())
    usual = config.get("usual_scores")
    estimator.usual_scores_ = None if usual is None else np.array(usual)
    # Folders that were written before objectives were kept have no such entry; theirs begin anew.
    sizes = config.get("objective") or {"n_train": estimator.n_train_, "n_updates": 1}
    estimator.objective_setting_ = ObjectiveSetting(
        sizes["n_train"], estimator.latent_dim_, estimator.event_shape_, sizes["n_updates"]
    )
    estimator.objective_ = build_objective(
        entry.objective, estimator.objective_setting_, estimator._options()
    )
    for part, module in _parts(estimator).items():
        prefix = f"{part}."
        named = {name.removeprefix(prefix): t for name, t in tensors.items() if name.startswith(prefix)}
        if named or part != "objective":
            estimator._load_weights(module, named)


def _parts(estimator: Any) -> dict[str, nn.Module]:
    """What has tensors of its own; an objective, if it has multipliers that are learned."""
    parts = {"model": estimator.module_, "form": estimator.form_, "objective": estimator.objective_}
    return {name: part for name, part in parts.items() if isinstance(part, nn.Module)}
