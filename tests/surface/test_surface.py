"""What people lean on stays: public names and their parameters, commands and their flags, keys of JSON.

`surface.json` holds what was there; names, parameters and keys may be added, none may go or move. A default
that an issue changes is changed there and told in CHANGELOG.md (of `VAE`, `optimizer`: "auto" since the rule by price).
"""

from __future__ import annotations

import importlib
import inspect
import json
from pathlib import Path
from typing import Any

import pytest

import gallery
from latentia import cli

KEPT = json.loads((Path(__file__).parent / "surface.json").read_text())


def parameters(thing: Any) -> list[list[str]]:
    """Name, kind and default of each parameter of a function."""
    return [
        [p.name, p.kind.name, "" if p.default is p.empty else repr(p.default)]
        for p in inspect.signature(thing).parameters.values()
    ]


def described(thing: Any) -> dict[str, Any]:
    """Parameters of a function, or of a class and of its own public methods."""
    if inspect.isclass(thing):
        methods = {
            name: parameters(getattr(thing, name))
            for name in dir(thing)
            if not name.startswith("_")
            and inspect.isfunction(inspect.getattr_static(thing, name))
            and "sklearn" not in (inspect.getmodule(getattr(thing, name)) or inspect).__name__
        }
        return {"parameters": parameters(thing), "methods": methods}
    return {"parameters": parameters(thing)} if inspect.isfunction(thing) else {}


def flags() -> dict[str, dict[str, Any]]:
    """Command -> flag -> default."""
    (subcommands,) = (a for a in cli.build_parser()._actions if hasattr(a, "_name_parser_map"))
    return {
        name: {
            ", ".join(action.option_strings or [action.dest]): repr(action.default)
            for action in parser._actions
            if action.dest not in ("help", "config", "print_config", "print_shtab")
        }
        for name, parser in sorted(subcommands._name_parser_map.items())
    }


def surface() -> dict[str, Any]:
    """All of it but the keys of JSON, as it is now."""
    modules = ("latentia", "latentia.data", "latentia.explore", "latentia.diagnostics")
    names = {
        module: {
            name: described(getattr(importlib.import_module(module), name))
            for name in sorted(importlib.import_module(module).__all__)
            if name != "__version__"
        }
        for module in modules
    }
    return {"names": names, "flags": flags()}


def missing(kept: list[list[str]], now: list[list[str]]) -> list[str]:
    """Parameters that are gone, or have another kind or default (but one that was required may get a default); and those before which a positional one was put."""
    there = {name: rest for name, *rest in now}
    gone = [
        str(p)
        for p in kept
        if there.get(p[0]) != p[1:] and not (p[2] == "" and there.get(p[0], [""])[0] == p[1])
    ]
    places = [p[0] for p in kept if p[1] == "POSITIONAL_OR_KEYWORD"]
    return gone or [] if [p[0] for p in now[: len(places)]] == places else [*gone, f"order of {places}"]


@pytest.mark.parametrize("module", KEPT["names"])
def test_public_names_and_parameters_stay(module):
    home = importlib.import_module(module)
    found = []
    for name, was in KEPT["names"][module].items():
        if not hasattr(home, name):
            found.append(f"{module}.{name} is gone")
            continue
        now = described(getattr(home, name))
        found += [f"{name}: {each}" for each in missing(was.get("parameters", []), now.get("parameters", []))]
        for method, before in was.get("methods", {}).items():
            if method in KEPT["gone"].get(name, ()):
                assert not hasattr(getattr(home, name), method)
            elif not hasattr(getattr(home, name), method):
                found.append(f"{name}.{method} is gone")
            else:
                here = parameters(getattr(getattr(home, name), method))
                found += [f"{name}.{method}: {each}" for each in missing(before, here)]
    assert not found


def test_commands_and_flags_stay():
    now = flags()
    for command, was in KEPT["flags"].items():
        changed = {flag: default for flag, default in was.items() if now[command].get(flag) != default}
        assert not {f: d for f, d in changed.items() if [command, f] not in KEPT["changed"]}, command


OF_KIND = {
    "vae": "vae-table",
    "codes": "codes",
    "autoregressive": "autoregressive",
    "mixture": "gaussian-mixture",
}
"""Kind -> the run of the first version whose keys its runs must have."""


@pytest.mark.parametrize("exhibit", gallery.exhibits(), ids=lambda exhibit: exhibit.name)
def test_keys_of_figures_stay(exhibit):
    if exhibit.kind.name not in OF_KIND:
        pytest.skip("a kind that the first version did not have")
    was = KEPT["keys"]["evaluate"][OF_KIND[exhibit.kind.name]]
    assert [key for key in was if key not in gallery.opened(exhibit).figures("test")] == []
