"""All columns of a table: which are features, which name its rows, what is left out; and later tables read as the first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from latentia.data.coding import coded
from latentia.data.column import COLUMN_KINDS, Column
from latentia.data.decided import Decided
from latentia.data.deciding import decided
from latentia.data.items import Mixed
from latentia.errors import ConfigError, DataError

KINDS_ASKED = (*COLUMN_KINDS, "date:FORMAT", "decimal-comma", "id", "drop")
_MOST_PROBLEMS = 8


@dataclass(frozen=True)
class Asked:
    """What a person says of the columns of a table.

    Attributes:
        kinds: name of a column -> what it is to be taken as (`KINDS_ASKED`).
        drop: columns that are left out.
        id: the column that names the rows.
    """

    kinds: Mapping[str, str] = field(default_factory=dict)
    drop: tuple[str, ...] = ()
    id: str | None = None

    @property
    def is_any(self) -> bool:
        """Whether anything is said."""
        return bool(self.kinds or self.drop or self.id)

    def of(self, name: str) -> str | None:
        """What a column is to be taken as."""
        if name in self.drop:
            return "drop"
        return "id" if name == self.id else self.kinds.get(name)

    def checked(self, titles: Sequence[str], where: str) -> Asked:
        """Itself.

        Raises:
            ConfigError: for a kind that there is not.
            DataError: for a column that the table lacks.
        """
        for name, kind in self.kinds.items():
            if kind.partition(":")[0] not in {each.partition(":")[0] for each in KINDS_ASKED}:
                raise ConfigError(f"--column {name}={kind}: expected one of {', '.join(KINDS_ASKED)}")
        lacking = [
            name for name in (*self.kinds, *self.drop, *([self.id] if self.id else [])) if name not in titles
        ]
        if lacking:
            have = ", ".join(titles[:12]) + (", ..." if len(titles) > 12 else "")
            raise DataError(f"{where} has no column {lacking[0]!r}; its columns: {have}")
        return self


NOTHING = Asked()
"""Nothing is said."""


@dataclass(frozen=True, eq=False)
class Table:
    """What was made of a table.

    Attributes:
        items: its features.
        names: of its rows `[n]`, or None.
        ids: the columns that name them.
        left_out: further columns, with the reason.
        lines: a line for each column: what it was taken as, and why.
    """

    items: Mixed
    names: NDArray[Any] | None
    ids: tuple[str, ...] = ()
    left_out: tuple[tuple[str, str], ...] = ()
    lines: tuple[str, ...] = ()


def table_of(
    frame: pd.DataFrame, titles: Sequence[str], where: str, asked: Asked = NOTHING, names_first: bool = False
) -> Table:
    """Decide what each column of a table is, by all of its cells.

    Args:
        frame: the table, without a column of classes.
        titles: names of its columns.
        where: what it is, for messages.
        asked: what a person says of it.
        names_first: the first column has no name of its own, so it names the rows if its values are distinct.

    Raises:
        DataError: all problems of all columns in one message.
    """
    asked.checked(titles, where)
    found = [_decided(frame.iloc[:, i], title, asked.of(title)) for i, title in enumerate(titles)]
    if names_first and found and is_unique(frame.iloc[:, 0]) and asked.of(titles[0]) is None:
        found[0] = Decided(role="id", why="a column without a name whose values are distinct")
    found = _not_all_names(frame, titles, asked, found)
    problems = [each.problem for each in found if each.problem]
    if problems:
        more = (
            f"; and {len(problems) - _MOST_PROBLEMS} more columns" if len(problems) > _MOST_PROBLEMS else ""
        )
        raise DataError(
            f"{where}: {'; '.join(problems[:_MOST_PROBLEMS])}{more} (rows are counted from 1, without the header)"
        )
    features = [
        (each.column, each.values) for each in found if each.column is not None and each.values is not None
    ]
    if not features:
        raise DataError(
            f"{where} has no column of features: {'; '.join(_lines(titles, found)) or 'it has no columns'}"
        )
    columns, values = zip(*features, strict=True)
    ids = [title for title, each in zip(titles, found, strict=True) if each.role == "id"]
    names = None
    if ids:
        best = (
            asked.id
            if asked.id in ids
            else next((i for i in ids if not _counts_rows(frame, titles, i)), ids[0])
        )
        named = frame.iloc[:, titles.index(best)]
        names = named.astype(object).where(named.notna(), "").astype(str).to_numpy(dtype=str)
    left_out = tuple(
        (title, each.why) for title, each in zip(titles, found, strict=True) if each.role == "left out"
    )
    return Table(
        Mixed(np.column_stack(values), columns), names, tuple(ids), left_out, tuple(_lines(titles, found))
    )


def is_unique(cells: pd.Series[Any]) -> bool:
    """Whether no two cells are the same; cells that cannot be compared are not."""
    try:
        return bool(cells.is_unique)
    except TypeError:
        return False


def _counts_rows(frame: pd.DataFrame, titles: Sequence[str], name: str) -> bool:
    """Whether a column holds numbers: a name that is a word tells more."""
    return bool(pd.api.types.is_numeric_dtype(frame.dtypes.iloc[titles.index(name)]))


def _decided(cells: pd.Series[Any], title: str, asked: str | None) -> Decided:
    if asked == "drop":
        return Decided(role="left out", why="as asked for")
    if asked == "id":
        return Decided(role="id", why="as asked for")
    return decided(title, cells, asked)


def _not_all_names(
    frame: pd.DataFrame, titles: Sequence[str], asked: Asked, found: list[Decided]
) -> list[Decided]:
    """Where numbers alone are left and all of them seem to name rows, they are numbers."""
    if any(each.column is not None or each.problem for each in found):
        return found
    return [
        decided(title, frame.iloc[:, i], "number")
        if each.role == "id"
        and asked.of(title) is None
        and pd.api.types.is_numeric_dtype(frame.dtypes.iloc[i])
        else each
        for i, (title, each) in enumerate(zip(titles, found, strict=True))
    ]


def _lines(titles: Sequence[str], found: Sequence[Decided]) -> list[str]:
    lines = []
    for title, each in zip(titles, found, strict=True):
        if each.column is not None:
            lines.append(f"{title}: {each.column.kind} ({each.column.why})")
        else:
            what = {"id": "names of rows", "left out": "left out"}.get(each.role, "a problem")
            lines.append(f"{title}: {what} ({each.why or each.problem})")
    return lines


@dataclass(frozen=True, eq=False)
class Later:
    """A later table as numbers of the columns of the first.

    Attributes:
        items: its features.
        unseen: name of a column -> levels that the first table did not have, with their cells.
    """

    items: Mixed
    unseen: Mapping[str, Mapping[str, int]]

    @property
    def told(self) -> str:
        """Words for the levels that were not there, or none."""
        parts = []
        for name, levels in self.unseen.items():
            shown = ", ".join(f"{level!r} ({n})" for level, n in list(levels.items())[:4])
            more = f" and {len(levels) - 4} more" if len(levels) > 4 else ""
            parts.append(
                f"{sum(levels.values())} cells of {name!r} hold levels that the model was not fitted to, taken as 'other': {shown}{more}"
            )
        return "; ".join(parts)


def later(frame: pd.DataFrame, titles: Sequence[str], columns: Sequence[Column], where: str) -> Later:
    """A table read as an earlier one: its columns by name, their cells as that one's.

    Raises:
        DataError: a column is missing, or cells that it cannot hold; all problems in one message.
    """
    places = {title: i for i, title in enumerate(titles)}
    missing = [column.name for column in columns if column.name not in places]
    if missing:
        have = ", ".join(titles[:12]) + (", ..." if len(titles) > 12 else "")
        raise DataError(
            f"{where} lacks the column{'s' * (len(missing) > 1)} {', '.join(map(repr, missing[:12]))} that the model was"
            f" fitted to; it has {have}"
        )
    found = [coded(column, frame.iloc[:, places[column.name]]) for column in columns]
    problems = [each.problem for each in found if each.problem]
    if problems:
        more = (
            f"; and {len(problems) - _MOST_PROBLEMS} more columns" if len(problems) > _MOST_PROBLEMS else ""
        )
        raise DataError(
            f"{where}: {'; '.join(problems[:_MOST_PROBLEMS])}{more} (rows are counted from 1, without the header)"
        )
    unseen = {column.name: each.unseen for column, each in zip(columns, found, strict=True) if each.unseen}
    return Later(Mixed(np.column_stack([each.values for each in found]), tuple(columns)), unseen)
