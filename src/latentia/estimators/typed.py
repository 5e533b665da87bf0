"""Values that come from files and command lines, held against the types that signatures say."""

from __future__ import annotations

import inspect
import math
import numbers
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, Union, get_args, get_origin

from latentia.errors import ConfigError

_WORDS = {
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    str: "text",
    type(None): "null",
    dict: "a mapping",
    list: "a list",
    tuple: "a list",
}


def conforms(value: Any, hint: Any) -> bool:
    """Whether a value is of a type; what is no plain type (a protocol, a callable) accepts whatever is no plain value.

    Example:
        >>> conforms(3, int | None), conforms(True, int), conforms("3", int | str), conforms([1, "a"], list[int])
        (True, False, True, False)
        >>> conforms(2, float), conforms(float("nan"), float)
        (True, False)
    """
    origin = get_origin(hint)
    if hint is Any:
        return True
    if origin in (Union, types.UnionType):
        return any(conforms(value, each) for each in get_args(hint))
    if origin is Literal:
        return value in get_args(hint)
    if hint is None or hint is type(None):
        return value is None
    if hint is float:
        plain = isinstance(value, numbers.Real) and not isinstance(value, bool)
        return plain and math.isfinite(value)
    if hint is int:
        return isinstance(value, numbers.Integral) and not isinstance(value, bool)
    if hint in (str, bool):
        return isinstance(value, hint)
    return _of_container(value, hint, origin)


def _of_container(value: Any, hint: Any, origin: Any) -> bool:
    inner = get_args(hint)
    if hint is dict or origin in (dict, Mapping):
        return isinstance(value, Mapping) and (
            not inner or all(conforms(k, inner[0]) and conforms(v, inner[1]) for k, v in value.items())
        )
    if hint in (list, tuple) or origin in (list, tuple, Sequence):
        each = [hint for hint in inner if hint is not Ellipsis]
        return isinstance(value, (list, tuple)) and (
            not each or all(any(conforms(item, hint) for hint in each) for item in value)
        )
    return not isinstance(value, (int, float, str, bool, list, tuple, dict, type(None)))


def in_words(hint: Any) -> str:
    """A type, as a person says it; of several, those that can be typed.

    Example:
        >>> in_words(int | None), in_words(float), in_words(Literal["a", "b"])
        ('a whole number or null', 'a number', 'one of a, b')
    """
    if get_origin(hint) in (Union, types.UnionType):
        return " or ".join(dict.fromkeys(in_words(each) for each in get_args(hint)))
    if get_origin(hint) is Literal:
        return f"one of {', '.join(map(str, get_args(hint)))}"
    if hint is Callable or get_origin(hint) is Callable or (inspect.isclass(hint) and hint not in _WORDS):
        return "an object"
    if get_origin(hint) is Mapping:
        return _WORDS[dict]
    return _WORDS.get(get_origin(hint) or hint, "a list" if get_origin(hint) is Sequence else "an object")


def hints_of(cls: Any) -> dict[str, Any]:
    """The types of a constructor's arguments, by name; what is only known to type checkers is left out."""
    function = cls.__init__
    found: dict[str, Any] = {}
    for name, written in inspect.get_annotations(function).items():
        try:
            found[name] = (
                eval(written, {**vars(typing), **vars(types), **function.__globals__})
                if isinstance(written, str)
                else written
            )
        except NameError:
            continue
    return {name: hint for name, hint in found.items() if name != "return"}


def check_params(cls: Any, params: Mapping[str, Any]) -> None:
    """Hold arguments of a constructor against its signature.

    Raises:
        ConfigError: for the first that is of another type; says what it takes.
    """
    for name, hint in hints_of(cls).items():
        if name in params and hint is Any:
            _check_open(name, params[name])
        if name in params and not conforms(params[name], hint):
            raise ConfigError(
                f"{name}={params[name]!r:.80}: expected {in_words(hint).removesuffix(' or an object')}"
            )


def _check_open(name: str, value: Any) -> None:
    """What is left to signatures that say nothing: seeds, starts of an iteration, objectives."""
    wanted: Any = str
    if name == "random_state":
        wanted = int | None
    elif name.endswith("_init"):
        wanted = float | list[float] | list[list[float]] | list[list[list[float]]] | None
    if isinstance(value, (int, float, str, bool, list, tuple, dict, type(None))) and not conforms(
        value, wanted
    ):
        raise ConfigError(f"{name}={value!r:.80}: expected {_OPEN.get(name, in_words(wanted))}")
    if name == "random_state" and value is not None and not 0 <= value < 2**32:
        raise ConfigError(f"{name}={value!r:.80}: expected {_OPEN[name]}")


_OPEN = {"random_state": "a whole number from 0 to 2^32 - 1", "objective": "a name of an objective"}


def check_entries(entries: Mapping[str, Any], wanted: Mapping[str, Any], where: str) -> None:
    """Hold entries of a file against the types that they must have; those that are absent are left to their readers.

    Raises:
        ConfigError: for the first that is of another type.
    """
    for name, hint in wanted.items():
        if name in entries and not conforms(entries[name], hint):
            raise ConfigError(f"{where}: {name} is {entries[name]!r:.80}, expected {in_words(hint)}")
