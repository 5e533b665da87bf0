"""Flags that are given as NAME=VALUE, once for each name."""

from __future__ import annotations

from collections.abc import Sequence

from latentia.errors import ConfigError


def named(flag: str, pairs: Sequence[str], what: str, example: str, *, last: bool = False) -> dict[str, str]:
    """Values by name.

    Args:
        flag: as a person writes it.
        pairs: NAME=VALUE each.
        what: the form, in words.
        example: of a pair.
        last: cut at the last "=", where values have none and names may; else at the first.

    Raises:
        ConfigError: for what is no such pair, and for a name that is given twice.

    >>> named("--column", ["plan=category", "a=b=count"], "NAME=KIND", "plan=category", last=True)
    {'plan': 'category', 'a=b': 'count'}
    """
    found: dict[str, str] = {}
    for pair in pairs:
        name, sign, value = pair.rpartition("=") if last else pair.partition("=")
        if not sign or not name:
            raise ConfigError(f"{flag} {pair!r}: expected {what}, for example {flag} {example}")
        if name in found:
            raise ConfigError(f"{flag} {pair!r}: {name!r} is given twice")
        found[name] = value
    return found
