"""What columns of a table are, where a person says so: the text of an item, or whose row it is, when, and what happened."""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from latentia.data.checks import reading
from latentia.data.dataset import Raw
from latentia.data.shapes import Shape
from latentia.data.text import read_jsonl, text_of_frame
from latentia.errors import ConfigError, DataError

if TYPE_CHECKING:
    import pandas as pd

ROLES = ("text", "input", "output", "id", "order", "time", "event")


def checked(roles: Mapping[str, str] | None) -> dict[str, str]:
    """Roles that go together.

    Raises:
        ConfigError: for a role that there is not, or some that mean nothing together.

    Example:
        >>> checked({"id": "patient", "order": "visit", "event": "code"})["id"]
        'patient'
    """
    found = {name: column for name, column in (roles or {}).items() if column is not None}
    for name in found:
        if name not in ROLES:
            raise ConfigError(f"roles: {name!r} is no role of a column; expected one of {', '.join(ROLES)}")
    if {"input", "output"} & set(found):
        if set(found) == {"output"}:  # --output is short for --output-column
            raise ConfigError(
                f"roles: pairs need an input column beside the output column {found['output']!r} "
                "(where a run is to be kept: --out)"
            )
        if set(found) != {"input", "output"}:
            raise ConfigError("roles: pairs need an input and an output column, and no other")
        return found
    if "text" in found and len(found) > 1:
        raise ConfigError(
            "roles: a text column holds whole items; id, order, time and event are for a row an event"
        )
    if found and "text" not in found and not ("id" in found and ("event" in found or "time" in found)):
        raise ConfigError(
            "roles: sequences need id (whose row it is) and event, with order or time; series need id and time"
        )
    return found


def shape_of_roles(roles: Mapping[str, str]) -> Shape | None:
    """What items of a table with these roles are; None without roles."""
    if not roles:
        return None
    if "output" in roles:
        return Shape.PAIRS
    return Shape.TOKENS if "text" in roles or "event" in roles else Shape.SERIES


def read_roles(
    path: Path,
    kind: str,
    roles: Mapping[str, str],
    label: str | int | None,
    columns: tuple[str, ...] | None = None,
) -> Raw:
    """Read a `.csv`, `.tsv`, `.parquet` or `.jsonl` file by the roles of its columns.

    Args:
        path: the file; text tables also gzipped.
        kind: its suffix, without `.gz`.
        roles: see `checked`.
        label: column of the class.
        columns: of series, the columns of numbers.

    Raises:
        DataError: another kind of file, or what its reader says.
    """
    if kind == ".jsonl":
        if set(roles) != {"text"}:
            raise DataError(f"{path}: of a .jsonl file only the key of the text can be named")
        return read_jsonl(path, roles["text"], None if label is None else str(label))
    if kind not in (".csv", ".tsv", ".parquet"):
        raise DataError(f"{path} has no columns; roles of columns are for .csv, .tsv, .parquet and .jsonl")
    from latentia.data.long_tables import events_of_frame, series_of_frame
    from latentia.data.pairs import pairs_of_frame

    frame = _frame(path, kind)
    where = str(path)
    if "text" in roles:
        return text_of_frame(frame, where, roles["text"], label)
    if "output" in roles:
        return pairs_of_frame(frame, where, roles["input"], roles["output"])
    if "event" in roles:
        order = roles.get("order", roles.get("time"))
        return events_of_frame(frame, where, who=roles["id"], event=roles["event"], order=order, label=label)
    return series_of_frame(
        frame, where, who=roles["id"], time=roles.get("time") or roles["order"], label=label, columns=columns
    )


def _frame(path: Path, kind: str) -> pd.DataFrame:
    """All cells as they are written; empty ones are missing."""
    import pandas as pd

    with reading(path, "table"):
        if kind == ".parquet":
            return pd.read_parquet(path)
        packed = path.suffix.lower() == ".gz"
        with (
            gzip.open(path, "rt", encoding="utf-8-sig") if packed else path.open(encoding="utf-8-sig") as file
        ):
            header = file.readline()
        return pd.read_csv(
            path,
            sep="\t" if kind == ".tsv" else max(",;\t", key=header.count),
            dtype=str,
            keep_default_na=False,
            na_values=[""],
            encoding="utf-8-sig",
            compression="gzip" if packed else None,
        )
