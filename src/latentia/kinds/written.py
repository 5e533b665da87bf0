"""How items of texts and events are printed, and written as files."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentia.errors import ConfigError
from latentia.files import write_atomically, write_csv

_SUFFIXES = (".txt", ".tsv", ".csv", ".jsonl", ".npy")


def as_array(items: Sequence[Any]) -> NDArray[Any]:
    """Items as a NumPy array of objects `[n]`, texts or lists.

    >>> as_array([["a"], ["b", "c"]]).shape
    (2,)
    """
    found = np.empty(len(items), dtype=object)
    found[:] = items
    return found


def shown(value: Any) -> Any:
    """An item in one line: labels with spaces between, each with its time behind @ where it has one.

    >>> shown(["a", "b"]), shown([("a", 0.0), ("b", 2.5)])
    ('a b', 'a@0 b@2.5')
    """
    if not isinstance(value, list):
        return value
    return " ".join(f"{each[0]}@{each[1]:.6g}" if isinstance(each, tuple) else str(each) for each in value)


def typed(text: str) -> list[tuple[str, float]]:
    """The inverse of `shown` for labels with times.

    Raises:
        ConfigError: for a label without a time.

    >>> typed("a@0 b@2.5")
    [('a', 0.0), ('b', 2.5)]
    """
    found = []
    for word in text.split():
        label, _, time = word.rpartition("@")
        try:
            found.append((label, float(time)))
        except ValueError:
            label = ""
        if not label:
            raise ConfigError(f"{word!r}: a label and its time are expected, as left@2.5")
    return found


def printable(text: str) -> str:
    r"""A text without what a terminal would take for commands.

    >>> printable("red \x1b[31m text")
    'red \\x1b[31m text'
    """
    return "".join(
        c if c.isprintable() or c == "\t" else c.encode("unicode_escape", "surrogatepass").decode()
        for c in text
    )


def write_rows(out: str | None, columns: tuple[str, ...], rows: Sequence[tuple[Any, ...]]) -> None:
    """Print rows, or write them as a file.

    Raises:
        ConfigError: for a file that such rows cannot be written as.
    """
    if out is None:
        for row in rows:
            print("\t".join(printable(str(shown(value))) for value in row))
        return
    path = Path(out)
    suffix = path.suffix.lower()
    if suffix not in _SUFFIXES or (suffix == ".txt" and len(columns) > 1):
        kinds = _SUFFIXES if len(columns) == 1 else _SUFFIXES[1:]
        raise ConfigError(f"--out {out}: texts can be written as {', '.join(kinds)}")
    if suffix == ".npy":
        cells = np.array([[str(shown(value)) for value in row] for row in rows], dtype=np.str_)
        write_atomically(path, lambda file: np.save(file, cells, allow_pickle=False))
    elif suffix == ".jsonl":
        lines = [json.dumps(dict(zip(columns, row, strict=True)), ensure_ascii=False) for row in rows]
        write_atomically(path, "".join(f"{line}\n" for line in lines).encode("utf-8", "surrogatepass"))
    elif suffix == ".txt":
        write_atomically(path, "".join(f"{shown(row[0])}\n" for row in rows).encode("utf-8", "surrogatepass"))
    else:
        import pandas as pd

        table = pd.DataFrame([tuple(map(shown, row)) for row in rows], columns=list(columns))
        if suffix == ".csv":
            write_csv(path, table)
        else:
            write_atomically(path, table.to_csv(index=False, sep="\t").encode())
    print(path)
