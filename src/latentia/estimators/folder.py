"""Run folders: what a fit leaves on disk, written so that a folder is either whole or says what it lacks.

| file | content |
| --- | --- |
| `config.json` | all that rebuilds the estimator: model, parameters, choices, data, versions, seed |
| `model.safetensors` | weights, and the constants of the data's scaling |
| `metrics.jsonl` | learning curves, a row an epoch (of EM: an iteration) |
| `evaluation.json` | figures of the last evaluation, by split |
| `report.html`, `figures/` | the report |
| `checkpoints/` | for resuming; never read by `load` |

Loading reads JSON and safetensors only: nothing in a folder is executed.
"""

from __future__ import annotations

import datetime
import hashlib
import json
import platform
from collections.abc import Callable
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import Any, Protocol, Self

import numpy as np
import torch
from safetensors.torch import save as save_tensors
from sklearn.utils.validation import check_is_fitted
from torch import Tensor

from latentia.errors import ConfigError, LatentiaError, RunFolderError
from latentia.estimators.folder_files import (
    CONFIG,
    EVALUATION,
    METRICS,
    WEIGHTS,
    check_types,
    read_json,
    read_metrics,
    read_weights,
    reason,
)
from latentia.estimators.sealed import DIGEST, for_reading, sealed, unsealed
from latentia.estimators.typed import check_params
from latentia.files import write_atomically
from latentia.guard import shown
from latentia.registry import entered
from latentia.version import __version__

__all__ = [
    "CONFIG", "EVALUATION", "FORMAT", "METRICS", "WEIGHTS", "Curves", "Savable", "described", "from_elsewhere", "params_of", "read",
    "read_config", "read_json", "read_metrics", "save", "save_fitted", "start", "versions", "write_json",
]  # fmt: skip

FORMAT = 1
PLAN = "plan"
"""Entry of the configuration: how long a fit was planned to be (`latentia.estimators.plan`)."""


Curves = list[dict[str, Any]]
"""Learning curves: a dict for each epoch, or iteration of EM."""


class Savable(Protocol):
    """An estimator that can say what rebuilds it, and so can be written to a run folder and read from it."""

    def describe(self) -> tuple[dict[str, Any], dict[str, Tensor], Curves]:
        """Entries of `config.json`, tensors and learning curves of the fitted estimator."""
        ...

    @classmethod
    def rebuild(
        cls, config: dict[str, Any], tensors: dict[str, Tensor], curves: Callable[[], Curves]
    ) -> Self:
        """The inverse of `describe`.

        Args:
            config: what `config.json` holds.
            tensors: of the run folder.
            curves: reads its learning curves.

        Raises:
            RunFolderError: if the tensors are not those of the configuration.
        """
        ...


def save_fitted(self: Any, folder: str | Path) -> Path:
    """Write a run folder (tensors, configuration, learning curves) that `latentia.load` reads; no pickle."""
    check_is_fitted(self)
    return save(self, Path(folder))


def params_of(config: dict[str, Any]) -> dict[str, Any]:
    """Constructor arguments from `config.json`, which has no tuples."""
    params: dict[str, Any] = config["params"]
    return {name: tuple(value) if isinstance(value, list) else value for name, value in params.items()}


def write_json(path: Path, value: Any) -> None:
    """Write JSON atomically; a configuration with its digest."""
    value = sealed(value) if path.name == CONFIG else value
    write_atomically(path, (json.dumps(value, indent=2, allow_nan=False) + "\n").encode())


def versions() -> dict[str, str]:
    """Versions of what a fit depends on."""
    names = ("torch", "lightning", "numpy", "scikit-learn")
    return {"python": platform.python_version(), **{name: metadata.version(name) for name in names}}


def start(estimator: Any, folder: Path, extra: dict[str, Any], resume: bool = False) -> None:
    """Mark a folder as being fitted into, with the settings that a resumed fit must have; its plan stays."""
    plan = {} if not resume or (plan := plan_in(folder)) is None else {PLAN: plan}
    content = {**_header("fitting", estimator), "params": _params(estimator), **extra, **plan}
    write_json(folder / CONFIG, content)


def plan_in(folder: Path) -> dict[str, Any] | None:
    """The plan of the fit that a folder holds, or that was begun in it; None if there is none."""
    path = folder / CONFIG
    return read_json(path).get(PLAN) if path.exists() else None


def note_plan(estimator: Any, folder: Path, plan: dict[str, Any]) -> None:
    """Write a plan down before it is carried out."""
    path = folder / CONFIG
    config = read_json(path) if path.exists() else _header("fitting", estimator)
    write_json(path, {**config, PLAN: plan})


def save(estimator: Savable, folder: Path, extra: dict[str, Any] | None = None) -> Path:
    """Write a fitted estimator; the configuration comes last, so that a folder with a whole one is whole.

    Args:
        estimator: fitted.
        folder: made if need be.
        extra: further entries of `config.json` (data, command).

    Raises:
        ConfigError: if a part was given as an object: only names can be written down.
        RunFolderError: if the folder cannot be written.
    """
    params = _params(estimator)
    entries, tensors, history = estimator.describe()
    weights = save_tensors(_apart(tensors))
    rows = "".join(json.dumps(row) + "\n" for row in history).encode()
    config = {
        **_header("fitted", estimator),
        "params": params,
        **entries,
        "plugins": from_elsewhere(estimator),
        "features": list(getattr(estimator, "feature_names_in_", [])) or None,
        "weights": {"file": WEIGHTS, "sha256": hashlib.sha256(weights).hexdigest()},
        "metrics": {"file": METRICS, "sha256": hashlib.sha256(rows).hexdigest()},
        **(extra or {}),
    }
    write_atomically(folder / WEIGHTS, weights)
    write_atomically(folder / METRICS, rows)
    write_json(folder / CONFIG, config)
    return folder


def from_elsewhere(estimator: Any) -> list[dict[str, str]]:
    """The parts that this library does not have and a fitted estimator needs: what each is, its name, the module that enters it."""
    cls = type(estimator).__name__
    found = []
    for each in entered():
        if cls in getattr(each.entry, "estimators", ()):
            found.append({"what": "kind", "name": cls, "module": each.module})
        what = each.kind.partition(" ")[0]
        if getattr(estimator, f"{what}_", getattr(estimator, what, None)) == each.name:
            found.append({"what": what, "name": each.name, "module": each.module})
    return found


def described(estimator: Savable) -> dict[str, Any]:
    """What `config.json` would hold of a fitted estimator; parts that were given as objects stay objects."""
    params: dict[str, Any] = estimator.get_params(deep=False)  # type: ignore[attr-defined]
    return {**_header("fitted", estimator), "params": params, **estimator.describe()[0], "command": ""}


def _apart(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Tensors as the file takes them: of those that two parts of a model share, each part has a copy."""
    seen: set[int] = set()
    out = {}
    for name, value in tensors.items():
        value = value.detach().cpu().contiguous()
        out[name] = value.clone() if value.data_ptr() in seen else value
        seen.add(value.data_ptr())
    return out


def read_config(folder: Path) -> dict[str, Any]:
    """The configuration of a fitted run, checked for version and state.

    Raises:
        RunFolderError: if the folder is absent, unfinished, or written by a newer version.
    """
    config = read_json(folder / CONFIG)
    written = config.get("format")
    if not isinstance(written, int):
        raise RunFolderError(f"{folder / CONFIG} has no format number: it was not written by latentia")
    if written > FORMAT:
        raise RunFolderError(
            f"{folder} has format {written} of latentia {config.get('latentia', 'unknown')}, this is "
            f"{__version__} with format {FORMAT}: upgrade latentia to read it"
        )
    if config.get("state") != "fitted":
        raise RunFolderError(
            f"{folder} holds an unfinished fit: finish it with the same command and --resume, or fit again"
        )
    plain = unsealed(config)
    if plain is None:
        raise RunFolderError(
            f"{folder / CONFIG} was altered (its digest does not fit); restore it or fit again. If you changed it yourself, "
            f'take its entry "{DIGEST}" out, and what it says is believed'
        )
    check_types(plain, folder / CONFIG)
    return plain


def read(folder: Path, config: dict[str, Any], estimator: type[Savable]) -> Any:
    """A fitted estimator of a class, from a run folder; nothing in it is executed.

    Raises:
        RunFolderError: if the folder is half-written or altered; the message says what.
    """
    try:
        check_params(estimator, params_of(config))
        tensors = read_weights(folder, config["weights"]["sha256"])
        curves = partial(read_metrics, folder, config.get("metrics", {}).get("sha256"))
        with for_reading(tensors):
            found: Any = estimator.rebuild(config, tensors, curves)
        features = config["features"]
    except ConfigError as error:
        raise RunFolderError(f"{folder / CONFIG}: {error}") from error
    except LatentiaError:
        raise
    except (
        Exception
    ) as error:  # entries that do not fit each other break parts of the model in ways of their own
        what = f"{type(error).__name__}: {reason(error)}"
        raise RunFolderError(
            f"{folder / CONFIG} lacks or distorts an entry ({shown(what)}); restore the file or fit again"
        ) from error
    if features:
        found.feature_names_in_ = np.asarray(features, dtype=object)
    return found


def _header(state: str, estimator: Any) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "latentia": __version__,
        "state": state,
        "created": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "estimator": type(estimator).__name__,
        "versions": versions(),
    }


def _params(estimator: Any) -> dict[str, Any]:
    params: dict[str, Any] = estimator.get_params(deep=False)
    params = {name: list(value) if isinstance(value, tuple) else value for name, value in params.items()}
    if not isinstance(params["random_state"], (int, type(None))):
        params["random_state"] = None  # the run's own seed is kept beside it
    for name, value in params.items():
        if not _is_plain(value):
            raise ConfigError(
                f"{name}={value!r} is an object and cannot be written to a run folder: enter it by "
                f"latentia.register('my-{name}', {name}=...) and give its name, {name}='my-{name}'"
            )
    return params


def _is_plain(value: Any) -> bool:
    """Whether JSON can hold a value."""
    if isinstance(value, dict):
        return all(isinstance(name, str) and _is_plain(item) for name, item in value.items())
    if isinstance(value, (list, tuple)):
        return all(_is_plain(item) for item in value)
    return isinstance(value, (str, int, float, bool, type(None)))
