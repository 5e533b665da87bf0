"""Table 1 as people read it: which columns, how many digits, and in which order, for the terminal and the page."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from latentia.benchmarks.measure import bound
from latentia.benchmarks.protocol import published
from latentia.benchmarks.table1 import REAL, Table
from latentia.diagnostics.bits import DENSITY, alphabet_in


@dataclass(frozen=True)
class Column:
    """A column: its name in a row's figures, its heading, digits after the point, which end is better, what it means."""

    name: str
    heading: str
    digits: int
    better: int
    meaning: str


OF_LEVELS = "bits_of_levels"
COLUMNS = (
    Column("rec", "Rec", 2, -1, "squared error summed over an image, z drawn from q(z|x)"),
    Column("kl", "KL", 2, 0, "E KL(q(z|x) || p(z)) in nats"),
    Column("total", "Total", 2, -1, "(D/2) ln s² + Rec/(2 s²) + KL in nats, s² the variance of the data"),
    Column(
        "bound",
        "Bound",
        2,
        -1,
        "(D/2) ln(Rec/D) + D/2 + KL in nats: the true bound, at the optimal variance Rec/D; of published rows, from "
        "their Rec and KL",
    ),
    Column(
        "total_refined",
        "Total, ref.",
        2,
        -1,
        "Total with five steps from the encoder's codes toward each image's own best ones, for every model alike",
    ),
    Column("bound_refined", "Bound, ref.", 2, -1, "Bound with the same steps"),
    Column(
        "bits_per_dim",
        "bits/dim",
        3,
        -1,
        "importance-weighted −log p(x) under a Gaussian with the variance that is optimal on training images, as a "
        "density turned into 256 levels: (−log p / D + ln 256) / ln 2, pixels not dequantized",
    ),
    Column(
        OF_LEVELS,
        "bits/dim of levels",
        3,
        0,
        "the same of a likelihood that gives the levels probabilities, −log p / D / ln 2, with the number of levels: "
        "comparable with figures of as many levels only, and not with bits/dim of densities",
    ),
    Column(
        "active_units", "Active", 0, 0, "dimensions of the code with Var E[z|x] > 0.01 over the test images"
    ),
    Column(
        "sliced_wasserstein",
        "SW",
        3,
        -1,
        "sliced Wasserstein-1 distance between prior samples and test images in the features of a classifier",
    ),
    Column(
        "precision", "Prec.", 3, 1, "share of prior samples that lie among test images, in those features"
    ),
    Column("recall", "Recall", 3, 1, "share of test images that lie among prior samples, in those features"),
    Column("seconds", "Seconds", 0, 0, "of training, validation included"),
    Column("epochs", "Epochs", 0, 0, "passes over the training images"),
    Column("parameters", "Weights", 0, 0, "numbers that are trained"),
)
HEADERS = tuple(column.heading for column in COLUMNS)


@dataclass(frozen=True)
class Line:
    """A line of the table: its name, a text for each column, which of these are the best, and what kind of line it is."""

    name: str
    cells: tuple[str, ...]
    best: tuple[bool, ...]
    own: bool
    kind: str


def lines(table: Table, data: str) -> list[Line]:
    """The rows of a data set, then what real images get, then the published figures."""
    found = table.of(data)
    best = {column.name: _best(column, found) for column in COLUMNS}
    made = [
        Line(
            row["name"],
            tuple(_text(column, row["figures"]) for column in COLUMNS),
            tuple(
                best[column.name] is not None and _value(column, row["figures"]) == best[column.name]
                for column in COLUMNS
            ),
            True,
            row["group"],
        )
        for row in found
    ]
    if data in table.real:
        made.append(_other(REAL, table.real[data]["real"], "baseline"))
    made += [
        _other(f"{row['model']} (published)", row, "published")
        for row in published_rows(data, math.prod(found[0]["event_shape"]))
    ]
    return made


def published_rows(data: str, size: int) -> list[dict[str, Any]]:
    """The published figures of a data set whose images have `size` numbers, with the bound that follows from them."""
    chosen = [row for row in published()["rows"] if row["data"] == data]
    return [
        {**row, "bound": bound(row["rec"], row["kl"], size) if row["kl"] is not None else None}
        for row in chosen
    ]


def _other(name: str, figures: dict[str, Any], kind: str) -> Line:
    cells = tuple(_text(column, figures) for column in COLUMNS)
    return Line(name, cells, (False,) * len(COLUMNS), False, kind)


def _best(column: Column, found: list[dict[str, Any]]) -> float | None:
    """The best value of a column where one end is better and there is more than one row."""
    values = [value for row in found if (value := _value(column, row["figures"])) is not None]
    if column.better == 0 or len(values) < 2:
        return None
    return max(values) if column.better > 0 else min(values)


def _value(column: Column, figures: dict[str, Any]) -> float | None:
    """A figure that means what the others of its column mean: bits of levels and those of densities stand in columns of their own."""
    bits = column.name in ("bits_per_dim", OF_LEVELS)
    if bits and (column.name == OF_LEVELS) != (alphabet_in(figures) not in ("", DENSITY)):
        return None
    value: float | None = figures.get("bits_per_dim" if bits else column.name)
    return value


def _text(column: Column, figures: dict[str, Any]) -> str:
    value = _value(column, figures)
    if value is None:
        return ""
    told = f" ({alphabet_in(figures)})" if column.name == OF_LEVELS else ""
    return f"{value:,.{column.digits}f}".replace("-", "−") + told
