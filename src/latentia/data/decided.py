"""What was made of a column, and the words for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from latentia.data.column import Column

EXACT = 2.0**53
"""Up to which whole numbers are told apart as floating-point numbers."""
Role = Literal["feature", "id", "left out"]


@dataclass(frozen=True, eq=False)
class Decided:
    """What was made of a column.

    Attributes:
        column: what it is; None where it is no feature.
        values: `[n]`, float64, NaN where a cell is missing; categories as numbers of their levels.
        role: "feature", "id" (it names the rows) or "left out".
        why: the reason, for what is no feature.
        problem: what must be mended first, or nothing.
    """

    column: Column | None = None
    values: NDArray[np.float64] | None = None
    role: Role = "feature"
    why: str = ""
    problem: str = ""


def share_missing(missing: NDArray[np.bool_]) -> str:
    """Words for the share of missing cells, or none."""
    share = float(np.mean(missing))
    return f", {share:.1%} missing" if share else ""


def figure(value: float) -> str:
    """A number in a line."""
    return f"{int(value)}" if abs(value) < EXACT and value == round(value) else f"{value:g}"


def problem(name: str, row: int, what: str, mend: str) -> str:
    """What is wrong with a cell, and how to mend it; rows are counted from 1, without the header."""
    return f"row {row + 1}, column {name!r} {what}; {mend}"


def shell(name: str) -> str:
    """The name of a column as it is typed in a shell."""
    return name if name.replace("_", "").replace("-", "").isalnum() else repr(name)
