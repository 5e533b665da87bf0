"""Names to things: one small table type for models, likelihoods, networks, quantizers, data sets and kinds of models."""

from __future__ import annotations

import difflib
import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from latentia.errors import ConfigError

T = TypeVar("T")

logger = logging.getLogger("latentia")


@dataclass(frozen=True)
class Entered:
    """An entry that another module than this library's has made.

    Attributes:
        kind: of the registry: "model", "likelihood".
        name: of the entry.
        module: that entered it.
        entry: itself.
    """

    kind: str
    name: str
    module: str
    entry: Any


_ENTERED: dict[tuple[str, str], Entered] = {}


def entered() -> list[Entered]:
    """All that was entered from elsewhere, into any registry."""
    return list(_ENTERED.values())


class Registry(Mapping[str, T], Generic[T]):
    """A read-only mapping from names to entries whose `KeyError` is a `ConfigError` with the nearest names.

    Args:
        kind: what the entries are, in words, for the error message ("model", "likelihood").
        group: an entry-point group; what installed packages put there is looked up when a name is not known.
        of: entries of the group that are of another type belong to another registry, and are left alone.

    Example:
        >>> registry = Registry[int]("number")
        >>> registry.add("one", 1)
        >>> registry["one"]
        1
        >>> registry["ones"]
        Traceback (most recent call last):
        latentia.errors.ConfigError: unknown number 'ones'; did you mean 'one'? Known: one
    """

    def __init__(self, kind: str, *, group: str | None = None, of: type[Any] | None = None) -> None:
        self.kind = kind
        self.group = group
        self.of = of
        self._entries: dict[str, T] = {}
        self._origins: dict[str, str] = {}
        self._discovered = group is None

    def add(self, name: str, entry: T, origin: str = "", *, replace: bool = False) -> None:
        """Enter `entry` under `name`.

        Args:
            name: a second entry of the same name is a programming error, unless it comes from the same module with `replace`.
            entry: what is entered.
            origin: module that enters it, if that is none of this library.
            replace: take the place of what this module entered before (a notebook's cell that runs again).
        """
        if name in self._entries and not (replace and self._origins.get(name) == origin):
            raise ValueError(f"{self.kind} {name!r} is registered twice")
        self._entries[name] = entry
        if origin:
            self._origins[name] = origin
            _ENTERED[self.kind, name] = Entered(self.kind, name, origin, entry)

    def origin(self, name: str) -> str:
        """The module that entered `name`; "" for what is of this library, or not known."""
        return self._origins.get(name, "")

    def discover(self) -> None:
        """Enter what installed packages have in the group; once. One that cannot be loaded is told in the log, and left out."""
        if self._discovered:
            return
        self._discovered = True
        from importlib.metadata import entry_points

        for point in entry_points(group=self.group or ""):
            try:
                entry = point.load()
            except Exception as error:  # whatever another package does wrong must not stop this one
                logger.warning("%s %r of %s cannot be loaded: %s", self.kind, point.name, point.value, error)
                continue
            if self.of is not None and type(entry) is not self.of:
                continue
            if point.name in self._entries:
                logger.warning("%s %r of %s: there is one of that name", self.kind, point.name, point.value)
            else:
                self.add(point.name, entry, point.module)

    def __getitem__(self, name: str) -> T:
        """Return the entry called `name`; raises `ConfigError` with the nearest names if there is none."""
        if name in self:
            return self._entries[name]
        raise ConfigError(self.unknown(name)) from None

    def __contains__(self, name: object) -> bool:
        """Whether `name` is registered."""
        if not isinstance(name, str):
            return False
        if name not in self._entries:
            self.discover()
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
