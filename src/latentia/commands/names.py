"""Names of images as names of files, that stay in their folder and do not meet."""

from __future__ import annotations

from collections.abc import Sequence

from latentia.errors import DataError
from latentia.guard import shown

_LONGEST = 200  # bytes
_RESERVED = frozenset('/\\:*?"<>|')  # by one system or another


def names_for(stems: Sequence[str]) -> list[str]:
    """Names that can be restored anywhere: as they are where they can be, a number behind those that came before.

    Example:
        >>> names_for(["a", "b", "A", "x:y"])
        ['a', 'b', 'A-2', 'x_y']
    """
    taken: set[str] = set()
    out = []
    for stem in stems:
        plain = "".join("_" if c in _RESERVED or not c.isprintable() else c for c in stem)
        plain = plain.encode()[: _LONGEST - 10].decode(errors="ignore").strip(" .") or "image"
        chosen, number = plain, 2
        while chosen.casefold() in taken:
            chosen, number = f"{plain}-{number}", number + 1
        taken.add(chosen.casefold())
        out.append(chosen)
    return out


def file_names(names: Sequence[str], n: int) -> tuple[str, ...]:
    """What n images are called.

    Raises:
        DataError: for a name that is none of a file.

    Example:
        >>> file_names((), 2), file_names(("a", "b"), 2)
        (('000000', '000001'), ('a', 'b'))
    """
    if not names:
        return tuple(f"{i:06d}" for i in range(n))
    taken: set[str] = set()
    for name in names:
        plain = name.isprintable() and not set(name) & _RESERVED and len(name.encode()) <= _LONGEST
        if not plain or not name or name.strip(" .") != name or name.casefold() in taken:
            raise DataError(
                f"{shown(name)!r} is no name of a file, or there are two of it; nothing was written"
            )
        taken.add(name.casefold())
    return tuple(names)
