"""Remedies as changed parameters of an estimator, and as commands that can be pasted; for every kind of model."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from latentia.diagnostics import Remedy, Verdict
from latentia.errors import ConfigError
from latentia.estimators.folder import PLAN
from latentia.estimators.planning import AUTO, is_time, one_step
from latentia.kinds import kind_of
from latentia.kinds.abilities import Change
from latentia.kinds.kind import Kind
from latentia.kinds.known import DataSpec

LONGER = 3
FEWEST_MINUTES = 1.0
"""That a longer fit is given: of a few seconds, three times as long is no cure."""


def known_params(kind: Kind, model: str) -> dict[str, Any]:
    """The parameters that a model has, with their defaults."""
    entry = kind.entries()[model]
    name = getattr(entry, "estimator", None) or kind.estimators[0]
    known: dict[str, Any] = kind.estimator(name)().get_params(deep=False)
    return {
        "model": model,
        **known,
        **{flag.parameter: None for flag in kind.flags if flag.parameter not in known},
    }


def changed(params: Mapping[str, Any], remedy: Remedy) -> dict[str, Any] | None:
    """The parameters of a fit after a remedy; None if it is words only, or would change nothing.

    Where it is another model, options that were meant for the old one are left out; of another kind of model, all.

    Example:
        >>> changed({"model": "beta-vae", "latent_dim": 8}, Remedy("", models=("sigma-vae",)))
        {'model': 'sigma-vae', 'latent_dim': 8}
        >>> changed({"model": "sigma-vae"}, Remedy("", models=("sigma-vae",)))
    """
    if not remedy.models and not remedy.settings:
        return None
    kind = kind_of(params["model"])
    new = dict(params)
    other = next((name for name in remedy.models if _exists(name) and name != params["model"]), None)
    if other is not None:
        here = kind_of(other)
        if here is kind:
            known = known_params(kind, other)
            new |= {name: known[name] for name in kind.of_model if name in params}
        else:
            new = {name: value for name, value in params.items() if name == "random_state"}
        kind, new = here, new | {"model": other}
    elif remedy.models and not remedy.settings:
        return None
    known = known_params(kind, new["model"])
    for name, value in remedy.settings.items():
        if name in known and value != params.get(name, known[name]):
            new[name] = value
    if is_time(new.get("max_minutes")):
        new = _in_time(kind, params, new)
    return new if new != dict(params) else None


def _in_time(kind: Kind, params: Mapping[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """The same for a fit of so many minutes: a longer one has three times as many, and as many epochs as are wanted where both were given;
    a model that cannot be told how long to take has none.

    Example:
        >>> longer = Remedy("", settings={"max_epochs": 16})
        >>> changed({"model": "sigma-vae", "max_minutes": 2}, longer)
        {'model': 'sigma-vae', 'max_minutes': 6}
        >>> changed({"model": "sigma-vae", "max_minutes": 2, "max_epochs": 4}, longer)
        {'model': 'sigma-vae', 'max_minutes': 6, 'max_epochs': 16}
        >>> changed({"model": "sigma-vae", "max_minutes": 2}, Remedy("", models=("lagging-vae",)))
        {'model': 'lagging-vae'}
    """
    asked = kind.recipe(new).estimator
    if not one_step(asked._schedule(asked._entry())):
        return {name: value for name, value in new.items() if name != "max_minutes"}
    if new.get("max_epochs") == params.get("max_epochs"):
        return new
    longer = max(FEWEST_MINUTES, float(f"{LONGER * new['max_minutes']:.3g}"))
    found = {**new, "max_minutes": int(longer) if longer.is_integer() else longer}
    if params.get("max_epochs") is not None:
        return found
    kept = {"max_epochs": None} if "max_epochs" in params else {}
    return {**{name: value for name, value in found.items() if name != "max_epochs"}, **kept}


def _exists(model: str) -> bool:
    try:
        kind_of(model)
    except ConfigError:
        return False
    return True


def command(spec: DataSpec, params: Mapping[str, Any], out: Path | str) -> str:
    """The command line that fits with these parameters.

    Example:
        >>> command(DataSpec("mnist"), {"model": "sigma-vae", "latent_dim": 8, "patience": 5}, "runs/second")
        'latentia fit mnist --model sigma-vae --latent-dim 8 --set patience=5 --out runs/second'
    """
    kind = kind_of(params["model"])
    flags = {"model": "--model", **{flag.parameter: flag.name for flag in kind.flags}}
    defaults = known_params(kind, params["model"])
    words = ["latentia", "fit", spec.name]
    others = []
    for name in [*flags, *(name for name in params if name not in flags)]:
        value, default = _listed(params.get(name)), _listed(defaults.get(name))
        same = spec.seed if name == "random_state" else default
        absent = value is None and (default is None or name not in params)
        if name == "verbose" or (name != "model" and (absent or value == same)):
            continue
        if name in flags and value is not None:
            words += [flags[name], str(value)]
        else:
            others.append(f"{name}={value if isinstance(value, str) else json.dumps(value)}")
    if spec.seed:
        words += ["--seed", str(spec.seed)]
    if spec.image_size is not None:
        words += ["--image-size", str(spec.image_size)]
    if spec.channels != "auto":
        words += ["--channels", spec.channels]
    if spec.label_column is not None:
        words += ["--label-column", spec.label_column]
    for name, kind_of_column in (spec.columns or {}).items():
        words += ["--column", f"{name}={kind_of_column}"]
    for name in spec.drop or ():
        words += ["--drop", name]
    if spec.id is not None:
        words += ["--id", spec.id]
    for role, column in (spec.roles or {}).items():
        words += [f"--{role}-column" if role in ("text", "input", "output") else f"--{role}", column]
    if not spec.hold_out and not kind.recipe({"model": params["model"]}).holds_out:
        words += ["--no-hold-out"]
    if others:
        words += ["--set", *others]
    return shlex.join([*words, "--out", str(out)])


def _listed(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def changes_of(run: Any, verdict: Verdict) -> list[Change]:
    """Each remedy that is a fit with other parameters, in the verdict's order; each as a command into a folder beside the run's."""
    found, asked = [], _in_minutes(run)
    for action in verdict.actions:
        new = changed(asked, action)
        if new is None:
            continue
        if new.get("max_minutes") == asked.get("max_minutes") and "max_minutes" in new:
            new["max_minutes"] = run.asked["max_minutes"]
        text = (
            re.sub(r"--model [\w-]+", f"--model {new['model']}", action.text)
            if action.models
            else action.text
        )
        minutes = new.get("max_minutes")
        if is_time(minutes) and minutes != run.asked.get("max_minutes"):
            both = new.get("max_epochs") is not None
            text = re.sub(
                r"--epochs \d+", rf"\g<0> --minutes {minutes:g}" if both else f"--minutes {minutes:g}", text
            )
        label = label_of(run.asked, new)
        line = ""
        if run.spec is not None and run.home is not None:
            line = command(run.spec, new, run.home.with_name(f"{run.home.name}-{label}"))
        found.append(Change(text, new, label, line, action.text))
    return found


def _in_minutes(run: Any) -> dict[str, Any]:
    """What was asked of a run; with the minutes that it was planned for, where nobody gave them."""
    asked: dict[str, Any] = run.asked
    plan = run.config.get(PLAN) if asked.get("max_minutes") == AUTO else None
    return asked if plan is None else {**asked, "max_minutes": plan["minutes"]}


def told(verdict: Verdict, changes: list[Change]) -> list[str]:
    """All remedies in words, each with the model that it comes to; those that would change nothing of this run are left out."""
    return [text for _, text in _applying(verdict, changes)]


def _applying(verdict: Verdict, changes: list[Change]) -> list[tuple[Change | None, str]]:
    """Remedies that are words only, and those that are another fit."""
    found = {change.remedy: change for change in changes}
    return [
        (found.get(action.text), found[action.text].text if action.text in found else action.text)
        for action in verdict.actions
        if action.text in found or not action.is_command
    ]


def steps_of(verdict: Verdict, changes: list[Change]) -> list[dict[str, str | None]]:
    """Each remedy in words with its command; where two come to the same command, the first."""
    out: list[dict[str, str | None]] = []
    for change, text in _applying(verdict, changes):
        line = change.command or None if change is not None else None
        if line is None or line not in [step["command"] for step in out]:
            out.append({"text": text, "command": line})
    return out


def label_of(old: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    """What was changed, short enough for the name of a folder.

    Example:
        >>> label_of({"model": "sigma-vae", "latent_dim": 8}, {"model": "sigma-vae", "latent_dim": 4})
        'dim-4'
        >>> label_of({"model": "vae"}, {"model": "vae", "objective_options": {"beta": 4}})
        'beta-4'
    """
    moved = new.get("model") != old.get("model")
    of_model = kind_of(new["model"]).of_model
    parts = []
    for name, value in new.items():
        if value == old.get(name) or (moved and name in of_model):
            continue
        short = {"model": "", "latent_dim": "dim-", "max_epochs": "epochs-", "max_minutes": "minutes-"}.get(
            name, f"{name.replace('_', '-')}-"
        )
        if isinstance(value, Mapping):
            parts += [f"{key}-{each}".replace("_", "-") for key, each in value.items()]
        else:
            parts.append(f"no-{short}".rstrip("-") if value is None else f"{short}{value}")
    return "-".join(parts)
