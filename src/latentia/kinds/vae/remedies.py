"""Remedies as changed parameters of the estimator, and as commands that can be pasted."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from latentia.diagnostics import Remedy
from latentia.kinds.vae.catalog import CATALOG
from latentia.kinds.vae.estimator import VAE

if TYPE_CHECKING:
    from latentia.kinds.run import DataSpec, Run

_OF_MODEL = ("objective_options", "schedule", "schedule_options")
"""Parameters that mean what they mean beside one model: another is fitted as it is (a weight of 50 would go with its rate)."""
_FLAGS = {"model": "--model", "latent_dim": "--latent-dim", "max_epochs": "--epochs"}


def changed(params: Mapping[str, Any], remedy: Remedy) -> dict[str, Any] | None:
    """The parameters of `latentia.VAE` after a remedy; None if it is words only, or would change nothing.

    Where it is another model, options of the objective and the schedule, which were meant for the old one, are left out.

    Example:
        >>> changed({"model": "beta-vae", "latent_dim": 8}, Remedy("", models=("sigma-vae",)))
        {'model': 'sigma-vae', 'latent_dim': 8}
        >>> changed({"model": "sigma-vae"}, Remedy("", models=("sigma-vae",)))
    """
    known = VAE().get_params(deep=False)
    new = dict(params)
    others = [name for name in remedy.models if name in CATALOG and name != params.get("model")]
    if others:
        new |= {name: known[name] for name in _OF_MODEL if name in params} | {"model": others[0]}
    elif remedy.models and not remedy.settings:
        return None
    for name, value in remedy.settings.items():
        if name in known and value != params.get(name, known[name]):
            new[name] = value
    return new if new != dict(params) else None


def told(params: Mapping[str, Any], remedy: Remedy) -> str:
    """A remedy in words, with the model that it comes to beside these parameters.

    Example:
        >>> told({"model": "lagging-vae"}, Remedy("make it pay: `--model lagging-vae`", ("lagging-vae", "free-bits-vae")))
        'make it pay: `--model free-bits-vae`'
    """
    new = changed(params, remedy) if remedy.models else None
    return remedy.text if new is None else re.sub(r"--model [\w-]+", f"--model {new['model']}", remedy.text)


def command(spec: DataSpec, params: Mapping[str, Any], out: Path | str) -> str:
    """The command line that fits with these parameters.

    Example:
        >>> from latentia.kinds.run import DataSpec
        >>> command(DataSpec("mnist"), {"model": "sigma-vae", "latent_dim": 8, "patience": 5}, "runs/second")
        'latentia fit mnist --model sigma-vae --latent-dim 8 --set patience=5 --out runs/second'
    """
    words = ["latentia", "fit", spec.name]
    defaults = VAE().get_params(deep=False)
    others = []
    for name in [*_FLAGS, *(name for name in params if name not in _FLAGS)]:
        value = params.get(name)
        value = list(value) if isinstance(value, tuple) else value
        default = defaults.get(name)
        default = list(default) if isinstance(default, tuple) else default
        if name in ("verbose", "random_state") or (name != "model" and value == default):
            continue
        if name in _FLAGS:
            words += [_FLAGS[name], str(value)]
        else:
            others.append(f"{name}={value if isinstance(value, str) else json.dumps(value)}")
    if spec.seed:
        words += ["--seed", str(spec.seed)]
    if spec.image_size is not None:
        words += ["--image-size", str(spec.image_size)]
    if spec.label_column is not None:
        words += ["--label-column", spec.label_column]
    if others:
        words += ["--set", *others]
    return shlex.join([*words, "--out", str(out)])


def as_commands(run: Run, actions: Sequence[Remedy]) -> list[str]:
    """Each remedy that is a fit with other parameters, as a command into a new folder beside the run's."""
    params = run.config["params"]
    found: list[str] = []
    for action in actions:
        new = changed(params, action)
        if new is not None:
            out = run.folder.with_name(f"{run.folder.name}-{label_of(params, new)}")
            found.append(command(run.spec, new, out))
    return list(dict.fromkeys(found))


def label_of(old: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    """What was changed, short enough for the name of a folder."""
    moved = new.get("model") != old.get("model")
    parts = []
    for name, value in new.items():
        if value == old.get(name) or (moved and name in _OF_MODEL):
            continue
        short = {"model": "", "latent_dim": "dim-", "max_epochs": "epochs-"}.get(
            name, f"{name.replace('_', '-')}-"
        )
        parts.append(f"no-{short}".rstrip("-") if value is None else f"{short}{value}")
    return "-".join(parts)
