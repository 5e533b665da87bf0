"""What a column of a table is: its kind, its levels, and how its cells are written."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any, Literal, Self, get_args

from latentia.data.cells import NumberStyle
from latentia.data.dates import DateStyle

ColumnKind = Literal["number", "count", "binary", "category", "ordinal", "date"]
COLUMN_KINDS: tuple[str, ...] = get_args(ColumnKind)


@dataclass(frozen=True)
class Column:
    """A column of `Mixed` items.

    Attributes:
        name: as the person has it.
        kind: "number", "count" (a whole number of at least 0), "binary" (0 or 1), "category" or "ordinal" (numbers of `levels`), "date"
            (days since 1970-01-01).
        levels: what the numbers of a category stand for; of "binary" what 0 and 1 stand for, if that is something else.
        rare: further levels of a category with the rows of each: all of them are the number `len(levels)`, "other", as is a level that was
            not there.
        dtype: of the person's column, as pandas names it.
        whole: whether all values are whole numbers; of dates, whether they are days without a time.
        digits: of the fractions, where all have few.
        number: how numbers are written, where they are text.
        date: how dates are written.
        cycles: of `latentia.data.dates.CYCLES`, those that dates follow.
        why: what it was taken as and why, in words.
    """

    name: str
    kind: ColumnKind
    levels: tuple[Any, ...] = ()
    rare: tuple[tuple[Any, int], ...] = ()
    dtype: str = "float64"
    whole: bool = False
    digits: int | None = None
    number: NumberStyle | None = None
    date: DateStyle | None = None
    cycles: tuple[str, ...] = ()
    why: str = ""

    @property
    def is_number(self) -> bool:
        """Whether its cells are quantities: numbers, counts, and levels that are numbers; dates are not."""
        return self.kind in ("number", "count") or (
            self.kind in ("binary", "category", "ordinal")
            and not self.rare
            and all(isinstance(level, int | float) for level in self.levels)
            and self.dtype != "category"
        )

    @property
    def n_levels(self) -> int:
        """How many numbers a category may be, "other" among them; 0 for what is no category."""
        return {"category": len(self.levels) + 1, "ordinal": len(self.levels)}.get(self.kind, 0)

    def describe(self) -> dict[str, Any]:
        """What rebuilds it, as plain values; what is as usual is left out."""
        usual = asdict(replace(self, levels=(), rare=(), dtype="float64", whole=False, digits=None, number=None, date=None,
                               cycles=(), why=""))  # fmt: skip
        told = {name: value for name, value in asdict(self).items() if value != usual[name]}
        return {"name": self.name, "kind": self.kind, **told}

    @classmethod
    def rebuild(cls, described: dict[str, Any]) -> Self:
        """The inverse of `describe`."""
        found = dict(described)
        found["levels"] = tuple(found.get("levels", ()))
        found["rare"] = tuple((level, int(n)) for level, n in found.get("rare", ()))
        found["cycles"] = tuple(found.get("cycles", ()))
        for name, style in (("number", NumberStyle), ("date", DateStyle)):
            if found.get(name) is not None:
                found[name] = style(**found[name])
        return cls(**found)
