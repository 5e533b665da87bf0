"""Parts of a person's own: entered from a notebook or a module, found again when a run is opened.

Nothing is imported because a run folder names it: installed packages say by their entry points what they have (groups
`latentia.kinds`, `latentia.models`, `latentia.likelihoods`, `latentia.networks`), all else is imported by the person, or named
on the command line by `--plugin`.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from latentia.errors import ConfigError, LatentiaError
from latentia.kinds import KINDS, all_kinds, kind_of_estimator
from latentia.kinds.kind import Kind
from latentia.registry import Registry


def register(
    name: str | None = None,
    *,
    model: Any = None,
    likelihood: Callable[..., Any] | None = None,
    network: Any = None,
    objective: Any = None,
    kind: Kind | None = None,
) -> None:
    """Enter a part of your own under a name, by which estimators, the command line and run folders know it from then on.

    Args:
        name: of the part; a kind has its own.
        model: an entry of a catalog: what a named model is composed of (`latentia.estimators.entry.Entry`, or that of another kind).
        likelihood: `likelihood(event_shape)` gives a `latentia.latent.Likelihood`: from decoder outputs to p(x|z).
        network: a `latentia.nn.Network`: an encoder and a decoder as factories.
        objective: an objective or a factory of one (`factory(setting, *, option=default)`), for `VAE(objective=name)`.
        kind: a `latentia.kinds.kind.Kind`: a folder with models, estimators, runs and pages of a kind of their own.

    Raises:
        ConfigError: if not exactly one part is given, it has no name, or the name is taken.

    Example:
        >>> from latentia import register
        >>> from latentia.latent.likelihoods import GaussianLikelihood
        >>> register("my-gaussian", likelihood=GaussianLikelihood)
        >>> register("my-gaussian", likelihood=GaussianLikelihood)  # a cell that runs again takes the old one's place
    """
    parts = {
        "model": model,
        "likelihood": likelihood,
        "network": network,
        "objective": objective,
        "kind": kind,
    }
    given = [what for what, part in parts.items() if part is not None]
    if len(given) != 1:
        raise ConfigError(f"register: give one of {', '.join(parts)}; got {', '.join(given) or 'none'}")
    what = given[0]
    origin = str(sys._getframe(1).f_globals.get("__name__", "__main__"))
    if kind is not None:
        if not isinstance(kind, Kind):
            raise ConfigError(f"register(kind={kind!r}): expected a latentia.kinds.kind.Kind")
        name = kind.name
    if not isinstance(name, str) or not name:
        raise ConfigError(f"register: the {what} needs a name, as in register('my-{what}', {what}=...)")
    registry = _registry_of(what, parts[what])
    if name in registry and registry.origin(name) != origin:
        whose = registry.origin(name) or "latentia itself"
        raise ConfigError(
            f"register: there is a {registry.kind} {name!r} already, of {whose}: take another name"
        )
    registry.add(name, parts[what], origin, replace=True)


def _registry_of(what: str, part: Any) -> Registry[Any]:
    """Where a part is entered."""
    if what == "kind":
        return KINDS
    if what == "model":
        for kind in all_kinds():
            entries = kind.entries()
            if isinstance(entries, Registry) and type(part) is entries.of:
                return entries
        known = ", ".join(
            f"{entries.of.__module__}.{entries.of.__name__}"
            for kind in all_kinds()
            if isinstance(entries := kind.entries(), Registry) and entries.of is not None
        )
        raise ConfigError(f"register(model={part!r}): expected an entry of a catalog: one of {known}")
    registry = _named_parts()[what]
    if registry.of is not None and not isinstance(part, registry.of):
        raise ConfigError(
            f"register({what}={part!r}): expected a {registry.of.__module__}.{registry.of.__name__}"
        )
    if not callable(part) and what != "network":
        raise ConfigError(f"register({what}={part!r}): expected something that can be called")
    return registry


def _named_parts() -> Mapping[str, Registry[Any]]:
    from latentia.latent import LIKELIHOODS
    from latentia.nn import NETWORKS
    from latentia.objectives import OBJECTIVES

    return {"likelihood": LIKELIHOODS, "network": NETWORKS, "objective": OBJECTIVES}


def load_plugin(name: str) -> None:
    """Import a module that registers parts: a .py file, or a module by its name (of the working directory, or installed).

    Raises:
        ConfigError: if it is not there, or fails; says why.
    """
    path = Path(name)
    try:
        if path.suffix == ".py":
            if path.stem in sys.modules and getattr(sys.modules[path.stem], "__file__", None) == str(
                path.absolute()
            ):
                return
            spec = importlib.util.spec_from_file_location(path.stem, path.absolute())
            if spec is None or spec.loader is None or not path.is_file():
                raise ConfigError(f"--plugin {name}: there is no such file")
            module = importlib.util.module_from_spec(spec)
            sys.modules[path.stem] = module  # before it runs: what it defines is looked up there
            sys.path.insert(0, str(path.absolute().parent))  # for what lies beside it
            spec.loader.exec_module(module)
        else:
            if "" not in sys.path:
                sys.path.insert(0, "")
            found = importlib.import_module(name)
            if getattr(found, "__file__", None) is None and name not in sys.builtin_module_names:
                sys.modules.pop(name)
                raise ConfigError(f"--plugin {name} is a folder without a module; give a .py file")
    except LatentiaError:
        raise
    except Exception as error:
        sys.modules.pop(path.stem if path.suffix == ".py" else name, None)
        raise ConfigError(f"--plugin {name} cannot be imported: {type(error).__name__}: {error}") from error


def check_plugins(folder: Path, config: Mapping[str, Any]) -> None:
    """Look whether all parts from elsewhere that a run folder needs are there.

    Raises:
        ConfigError: if one is not; says which module to import, or to give as `--plugin`.
    """
    for each in config.get("plugins") or ():
        what, name, module = each["what"], each["name"], each["module"]
        if what == "kind":
            there = kind_of_estimator(name) is not None
        elif what == "model":
            there = any(kind.model_name(name) for kind in all_kinds())
        else:
            there = what in _named_parts() and name in _named_parts()[what]
        if not there:
            how = (
                "run again what registered it in that notebook or script"
                if module == "__main__"
                else f"import {module} first, or give --plugin {module} (or the path of its .py file)"
            )
            thing = f"the kind of the estimator {name}" if what == "kind" else f"the {what} {name!r}"
            raise ConfigError(f"{folder} needs {thing}, which the module {module!r} registers: {how}")
