"""Names to things: one small table type for models, likelihoods, networks, quantizers and data sets."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from typing import Generic, TypeVar

from latentia.errors import ConfigError

T = TypeVar("T")


class Registry(Mapping[str, T], Generic[T]):
    """A read-only mapping from names to entries whose `KeyError` is a `ConfigError` with the nearest names.

    Args:
        kind: what the entries are, in words, for the error message ("model", "likelihood").

    Example:
        >>> registry = Registry[int]("number")
        >>> registry.add("one", 1)
        >>> registry["one"]
        1
        >>> registry["ones"]
        Traceback (most recent call last):
        latentia.errors.ConfigError: unknown number 'ones'; did you mean 'one'? Known: one
    """

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._entries: dict[str, T] = {}

    def add(self, name: str, entry: T) -> None:
        """Enter `entry` under `name`; a second entry of the same name is a programming error."""
        if name in self._entries:
            raise ValueError(f"{self.kind} {name!r} is registered twice")
        self._entries[name] = entry

    def __getitem__(self, name: str) -> T:
        """Return the entry called `name`; raises `ConfigError` with the nearest names if there is none."""
        try:
            return self._entries[name]
        except (KeyError, TypeError):
            raise ConfigError(self.unknown(name)) from None

    def __contains__(self, name: object) -> bool:
        """Whether `name` is registered."""
        return name in self._entries

    def __iter__(self) -> Iterator[str]:
        """Names in the order in which they were added."""
        return iter(self._entries)

    def __len__(self) -> int:
        """Number of entries."""
        return len(self._entries)

    def unknown(self, name: object) -> str:
        """The message for a name that is not here."""
        near = difflib.get_close_matches(str(name), self._entries, n=3, cutoff=0.5)
        hint = f"; did you mean {' or '.join(map(repr, near))}?" if near else "."
        return f"unknown {self.kind} {name!r}{hint} Known: {', '.join(self._entries)}"
