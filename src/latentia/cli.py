"""The command line: `latentia fit DATA`, `evaluate RUN`, `sample RUN`, ... Nothing heavy is imported before it is needed."""

from __future__ import annotations

import inspect
import itertools
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from jsonargparse import ActionYesNo, ArgumentParser, Namespace

from latentia.commands.anomaly import anomaly
from latentia.commands.benchmark import benchmark
from latentia.commands.complete import complete
from latentia.commands.compress import compress
from latentia.commands.count import count
from latentia.commands.datasets import datasets
from latentia.commands.decompress import decompress
from latentia.commands.diagnose import diagnose
from latentia.commands.disentangle import disentangle
from latentia.commands.edit import edit
from latentia.commands.encode import encode
from latentia.commands.ending import ended, fail
from latentia.commands.evaluate import evaluate
from latentia.commands.export import export
from latentia.commands.fit import fit
from latentia.commands.impute import impute
from latentia.commands.inpaint import inpaint
from latentia.commands.interpolate import interpolate
from latentia.commands.models import models
from latentia.commands.neighbours import neighbours
from latentia.commands.objects import objects
from latentia.commands.places import EITHER, FOLDERS, check_place
from latentia.commands.predict import predict
from latentia.commands.reconstruct import reconstruct
from latentia.commands.report import report
from latentia.commands.resample import resample
from latentia.commands.rollout import rollout
from latentia.commands.sample import sample
from latentia.commands.segment import segment
from latentia.commands.settings import check_settings
from latentia.commands.track import track
from latentia.commands.traverse import traverse
from latentia.commands.types import types
from latentia.data.head import check_head
from latentia.errors import ConfigError
from latentia.kinds import kind_flags, own_commands
from latentia.progress import told


class Parser(ArgumentParser):
    """An argument parser whose errors are one line and exit status 2."""

    def error(self, message: str, ex: Exception | None = None) -> NoReturn:  # noqa: ARG002
        """Print what is wrong in one line and exit with status 2."""
        lines = [line.strip() for line in str(message).splitlines() if line.strip()]
        fail(_of_wrong_type(lines) or "; ".join(lines))


_IN_WORDS = {"int": "a whole number", "float": "a number", "bool": "true or false", "str": "text"}


def _of_wrong_type(lines: list[str]) -> str | None:
    """What jsonargparse says of a value of the wrong type, as its user would: by the flag, and what it takes."""
    message = " ".join(lines)
    key = re.match(r'Parser key "(\w+)":', message)
    given = re.search(r"(?:Got|Given) value: ?(.*)$", message)
    if key is None or given is None:
        return None
    choices = re.search(r"Literal\[(.*?)\]", message)
    if choices is not None:
        wanted = f"one of {choices[1].replace(chr(39), '')}"
    else:
        types = dict.fromkeys(re.findall(r"Expected a <class '(\w+)'>", message))
        wanted = " or ".join(_IN_WORDS.get(name, name) for name in types if name != "NoneType")
    flag = f"-{key[1]}" if len(key[1]) == 1 else f"--{key[1].replace('_', '-')}"
    return f"{flag} takes {wanted}, not {given[1]!r}" if wanted else None


_FITTING = (fit, evaluate, diagnose, sample, reconstruct, complete, report, models, datasets, export)
_USING = (
    encode,
    predict,
    interpolate,
    traverse,
    neighbours,
    resample,
    inpaint,
    impute,
    anomaly,
    compress,
    decompress,
    disentangle,
    segment,
    objects,
    count,
    edit,
    rollout,
    track,
)
COMMANDS: tuple[Callable[..., None], ...] = (*_FITTING, *_USING, types, benchmark)
_POSITIONAL = {"data": "DATA", "run": "RUN", "table": "TABLE", "images": "IMAGES", "file": "FILE"}


_REPEATED = {"column": "NAME=KIND", "drop": "NAME", "given": "NAME=CELL"}
_TWO_PLACES = (encode, predict, impute, segment, objects, count, edit, rollout, track)
_PLUGIN = "a module (or .py file) that registers models, likelihoods, networks or kinds of your own; may be given more than once"


def build_parser() -> Parser:
    """The parser of all commands, from the signatures and docstrings of their functions."""
    from latentia.version import __version__

    parser = Parser(
        prog="latentia",
        description="Fit latent-variable models, judge them, and use them.",
        version=__version__,
    )
    subcommands = parser.add_subcommands(required=True, dest="command")
    forms = own_commands()
    for function in COMMANDS:
        summary = (function.__doc__ or "").splitlines()[0]
        sub = Parser(description=summary, exit_on_error=True)
        sub.add_argument("--config", action="config", help="file with settings, as --print_config writes it")
        names = function.__code__.co_varnames[: function.__code__.co_argcount]
        _add_arguments(sub, function, names)
        if function.__code__.co_flags & inspect.CO_VARKEYWORDS:
            for flag in kind_flags().values():
                sub.add_argument(flag.name, dest=flag.key, default=None, type=flag.type, help=flag.help)
        for kind, own in forms.get(function.__name__, ()):
            there = {action.dest for action in sub._actions}
            further = tuple(name for name in inspect.signature(own).parameters if name not in there)
            _add_arguments(sub, own, further, f"of {kind.title}: ")
        sub.add_argument("--plugin", action="append", type=str, metavar="MODULE", help=_PLUGIN)
        subcommands.add_subcommand(function.__name__, sub, help=summary)
    return parser


def _add_arguments(parser: Parser, function: Any, names: tuple[str, ...], whose: str = "") -> None:
    """One argument for each parameter: type and default from the signature, help from the docstring, after `whose` it is."""
    import typing

    hints = typing.get_type_hints(function)
    helps = _argument_help(function.__doc__ or "")
    places = 2 if function in _TWO_PLACES else 1
    for name in names:
        default = inspect.signature(function).parameters[name].default
        text = whose + helps.get(name, "")
        if name in _POSITIONAL and name in names[:places]:
            if hints[name] == list[str] | None:
                parser.add_argument(name, nargs="*", type=str, metavar=_POSITIONAL[name], help=text)
                continue
            parser.add_argument(name, nargs="?", type=str, metavar=_POSITIONAL[name], help=text)
            continue
        flags = ["-n", "--n"] if name == "n" else [f"--{name.rstrip('_').replace('_', '-')}"]
        if hints[name] is bool:
            yes_no = ActionYesNo(yes_prefix="", no_prefix="no-")
            parser.add_argument(*flags, dest=name, default=default, action=yes_no, help=text)
        elif name == "set":
            parser.add_argument(*flags, dest=name, nargs="+", default=[], type=str, metavar="K=V", help=text)
        elif name in _REPEATED:
            parser.add_argument(
                *flags, dest=name, action="append", type=str, metavar=_REPEATED[name], help=text
            )
        elif hints[name] in (list[str], list[str] | None):
            parser.add_argument(
                *flags, dest=name, nargs="+", default=default, type=str, metavar="NAME", help=text
            )
        else:
            parser.add_argument(*flags, dest=name, default=default, type=hints[name], help=text)


def _argument_help(docstring: str) -> dict[str, str]:
    lines = docstring.partition("Args:")[2].splitlines()
    pairs = (line.strip().partition(": ") for line in lines if ": " in line)
    return {name: text for name, _, text in pairs}


def _share_the_machine() -> None:
    """On a machine that other work keeps busy, let threads sleep where they wait for each other; before torch is loaded.

    OpenMP's threads spin at every barrier; beside another process they spin for one that has no core. How they wait
    changes no result.
    """
    if hasattr(os, "getloadavg") and os.getloadavg()[0] >= 1.0:
        os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


def main(argv: list[str] | None = None) -> None:
    """Run a command; an expected error is one line on standard error and exit status 2 (see `latentia.commands.ending`)."""
    _share_the_machine()
    if argv is not None:
        sys.argv = ["latentia", *argv]
    function, given = ended(_asked, sys.argv[1:])
    ended(_run, function, given, resumes=function is fit)


def _asked(argv: list[str]) -> tuple[Callable[..., None], dict[str, Any]]:
    """The command that is asked for, and its arguments.

    Raises:
        ConfigError: for what no command can have.
    """
    for name, path in _pairs(argv, "--config"):
        check_settings(Path(path), name)
    _load_plugins(argv)
    arguments: Namespace = build_parser().parse_args(argv)
    chosen = arguments.command
    given = arguments[chosen].as_dict()
    configs = given.pop("config", None) or []
    given.pop("plugin", None)
    for name in _POSITIONAL:  # an absent positional would hide what the configuration says of it
        if name in given and not given[name]:
            given[name] = _from_config(configs, name)
    function = next(function for function in COMMANDS if function.__name__ == chosen)
    if "run" in given and given["run"] is None and function.__code__.co_varnames[0] == "run":
        fail(f"RUN is missing: latentia {chosen} RUN, a folder that `latentia fit --out RUN` made")
    if chosen != "fit" and not 0 <= given.get("seed", 0) < 2**32:
        fail(f"--seed {given['seed']}: expected a whole number from 0 to 2^32 - 1")
    for name in ("data", "other"):  # before torch is loaded
        if isinstance(given.get(name), str):
            check_head(given[name])
    if given.get("out") and chosen not in EITHER:
        check_place(given["out"], chosen in FOLDERS)
    return function, given


def _pairs(argv: list[str], flag: str) -> list[tuple[str, str]]:
    """What a flag is given, as `--flag value` or `--flag=value`."""
    joined = [(flag, word.removeprefix(f"{flag}=")) for word in argv if word.startswith(f"{flag}=")]
    return joined + [(flag, after) for word, after in itertools.pairwise(argv) if word == flag]


def _run(function: Callable[..., None], given: dict[str, Any]) -> None:
    """Call a command, in the form that the kind of its run has of it if there is one.

    Raises:
        ConfigError: for a flag that the form which is called does not have.
    """
    with told(not given.get("quiet")):
        form, taken = _form(function, given)
        form(**taken)


def _form(function: Callable[..., None], given: dict[str, Any]) -> tuple[Callable[..., None], dict[str, Any]]:
    common = inspect.signature(function).parameters
    form: Callable[..., None] = function
    forms = own_commands().get(function.__name__, [])
    if forms:
        from latentia.estimators.folder import read_config

        name = read_config(Path(given["run"])).get("estimator")
        form = next((own for kind, own in forms if name in kind.estimators), function)
    parameters = inspect.signature(form).parameters
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values()):
        return form, given
    known = {
        name: each.default for _, own in forms for name, each in inspect.signature(own).parameters.items()
    }
    known |= {name: each.default for name, each in common.items()}
    taken = {}
    for key, value in given.items():
        untouched = value == known.get(key)
        if key in parameters:
            taken[key] = parameters[key].default if untouched and key in common else value
        elif not untouched:
            flag = f"--{key.rstrip('_').replace('_', '-')}"
            raise ConfigError(
                f"{flag} is not for this run, to which {function.__name__} gives {', '.join(parameters)}"
            )
    return form, taken


def _load_plugins(argv: list[str]) -> None:
    """Import what `--plugin` names, before the parser is built: a kind of model may bring flags of its own."""
    names = [name for _, name in _pairs(argv, "--plugin")]
    if not names:
        return
    from latentia.kinds.plugins import load_plugin

    for name in names:
        load_plugin(name)


def _from_config(configs: list[Any], name: str) -> str | None:
    """The entry `name` of the last configuration file that has one."""
    import yaml

    found = [yaml.safe_load(Path(str(path)).read_text()).get(name) for path in configs]
    return next((value for value in reversed(found) if value is not None), None)


if __name__ == "__main__":
    main()
