"""The cards of a report that explore the latent space: ways between items, single dimensions, neighbours, draws."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from latentia.report.cards import Card, Tile, of_split
from latentia.report.content import ReportInput, number
from latentia.report.exploring import Exploration
from latentia.report.images import LARGE_IMAGE, is_image, pixels

_NAMES = ("line", "circle", "data")
_TOLD = 4


def explore_cards(report: ReportInput) -> list[Card | None]:
    """Cards of what was explored; none if nothing was."""
    found = report.exploration
    if found is None:
        return []
    if not is_image(report.event_shape):
        return [_moved_features(report, found), _near_rows(report, found)]
    split = of_split(report)
    ways = found.ways.reshape(-1, *found.ways.shape[2:])
    names = list(found.names or [str(i + 1) for i in range(len(found.neighbours))])
    return [
        _sheet(
            report, "interpolations", "From one item to another",
            f"Codes between those of two items{split}, decoded: on a straight line, on a great circle around the origin, "
            "and along the training data (from neighbour to neighbour).",
            ways,
            lambda row, column: Tile(
                (), _NAMES[row % 3] if not column else "", first=row > 0 and not row % 3
            ),
            lambda row, column: f"Step {column + 1} of the {_NAMES[row % 3]} way from item {names[2 * (row // 3)]} to item {names[2 * (row // 3) + 1]}",
        ),
        _sheet(
            report, "traversals", "What single dimensions do",
            "The median code, one dimension moved over the range that it has in the data (2 % to 98 %), a row for each: the "
            "most varied first.",
            found.traversals,
            lambda row, column: Tile((), f"dim {found.dims[row]}" if not column else ""),
            lambda row, column: f"Dimension {found.dims[row]}, step {column + 1}",
        ),
        _sheet(
            report, "neighbours", "Nearest neighbours",
            f"An item{split} (framed), then the training items whose codes are nearest to its own, by name or place.",
            found.neighbours,
            lambda row, column: Tile((), names[row] if not column else (found.near[row][column - 1] if found.near else ""), not column),
            lambda row, column: f"Neighbour {column} of item {names[row]}" if column else f"Item {names[row]}, whose neighbours follow",
        ),
        _sheet(
            report, "resampled", "What the code leaves open",
            f"An item{split} (framed), then decodings of draws from its posterior q(z|x): what differs between them is not in the code.",
            found.resampled,
            lambda row, column: Tile((), names[row] if not column else "", not column),
            lambda row, column: f"Draw {column} for item {names[row]}" if column else f"Item {names[row]}, whose draws follow",
        ),
    ]  # fmt: skip


def _sheet(
    report: ReportInput,
    name: str,
    title: str,
    lead: str,
    rows: np.ndarray,
    look: Callable[[int, int], Tile],
    alt: Callable[[int, int], str],
) -> Card:
    drawn = pixels(rows.reshape(-1, *rows.shape[2:]))
    columns = rows.shape[1]
    tiles = tuple(
        replace(look(*divmod(i, columns)), images=((image, alt(*divmod(i, columns))),))
        for i, image in enumerate(drawn)
    )
    sheet = drawn.reshape(*rows.shape[:2], *drawn.shape[1:])
    large = max(report.event_shape[1:]) >= LARGE_IMAGE
    return Card(name, title, lead, tiles=tiles, columns=columns, sharp=not large, sheet=list(sheet))


def _near_rows(report: ReportInput, found: Exploration) -> Card | None:
    """For tables: which training rows are most like some others."""
    if not found.near:
        return None
    body = tuple((name, ", ".join(near)) for name, near in zip(found.names, found.near, strict=True))
    lead = f"Rows{of_split(report)}, and the training rows whose codes are nearest to theirs, the nearest first; by name or place."
    return Card("neighbours", "Nearest neighbours", lead, table=(("row", "nearest rows"), *body), wide=True)


def _moved_features(report: ReportInput, found: Exploration) -> Card:
    """For tables: the features that each dimension moves most."""
    spread = report.originals.astype(float).std(axis=0)
    scale = np.where(spread > 0, spread, np.inf)
    body = []
    for dim, (low, high), items in zip(found.dims, found.ranges, found.traversals, strict=True):
        first, last = items[0].astype(float), items[-1].astype(float)
        change = (last - first) / scale
        order = np.argsort(-np.abs(change), kind="stable")[:_TOLD]
        moved = "; ".join(
            f"{report.names[j]}: {number(float(first[j]))} → {number(float(last[j]))}"
            for j in order
            if change[j]
        )
        body.append((str(dim), f"{number(float(low))} to {number(float(high))}", moved or "nothing"))
    lead = (
        "The median code, one dimension moved over the range that it has in the data (2 % to 98 %), and the features that "
        "change most, in standard deviations."
    )
    head = ("dimension", "range", "features, from low to high")
    return Card("traversals", "What single dimensions do", lead, table=(head, *body), wide=True)
