"""Items of a fitted model at the edge of a graph: arrays, or tables of unlike columns as numbers and whole numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from latentia.data.column import Column
from latentia.estimators.serving.graph import Arrays, Port

NUMBERS = ("number", "count", "date")
"""Kinds of columns that go in as numbers; all others are whole numbers: of a level, or 0 and 1."""
_GAPS = 0.2
"""Share of the cells of examples that are missing."""


class Items(Protocol):
    """What is at the edge of the graphs of a model.

    Attributes:
        ports: the tensors that items are.
        facts: metadata: what columns and levels are.
        enter: from these tensors to rows as the model's form takes them, `[batch, *event]`.
        leave: from means in the model's units to the tensors.
    """

    ports: tuple[Port, ...]
    facts: dict[str, Any]
    enter: nn.Module
    leave: nn.Module

    def arrays(self, rows: NDArray[Any], seed: int) -> Arrays:
        """Rows `[n, *event]` as the tensors."""
        ...

    def rows(self, *arrays: NDArray[Any]) -> NDArray[Any]:
        """The rows that the tensors are."""
        ...


def column_facts(columns: Sequence[Column]) -> list[dict[str, Any]]:
    """Of each column its name and kind, the input that holds it, its place there, and what its whole numbers stand for."""
    places, found = {"numbers": 0, "categories": 0}, []
    for column in columns:
        port = "numbers" if column.kind in NUMBERS else "categories"
        described: dict[str, Any] = {
            "name": column.name,
            "kind": column.kind,
            "input": port,
            "place": places[port],
        }
        if port == "categories":
            described["levels"] = [*column.levels, *(["other"] if column.kind == "category" else [])] or [
                0,
                1,
            ]
        if column.kind == "date":
            described["unit"] = "days since 1970-01-01"
        places[port] += 1
        found.append(described)
    return found


class TableItems:
    """Rows of a table of unlike columns: `numbers` (NaN where a cell is missing) and `categories` (-1).

    Numbers are float64, so that dates and large whole numbers keep their digits.

    Args:
        form: a `latentia.estimators.forms.mixed.MixedForm`.
    """

    def __init__(self, form: Any) -> None:
        columns = form.columns
        self.numbers = [j for j, column in enumerate(columns) if column.kind in NUMBERS]
        self.categories = [j for j, column in enumerate(columns) if column.kind not in NUMBERS]
        both = (
            (
                "numbers",
                "float64",
                self.numbers,
                "numbers, counts and dates (days since 1970-01-01); NaN is missing",
            ),
            (
                "categories",
                "int64",
                self.categories,
                "numbers of levels, in the order of the metadata; -1 is missing",
            ),
        )
        self.ports = tuple(
            Port(name, dtype, ("batch", len(at)), meaning) for name, dtype, at, meaning in both if at
        )
        self.facts: dict[str, Any] = {"columns": column_facts(columns)}
        highest = [_highest(columns[j]) for j in self.categories]
        self.enter: nn.Module = _EnterTable(self.numbers, self.categories, highest)
        self.leave: nn.Module = _LeaveTable(form, self.numbers, self.categories)

    def arrays(self, rows: NDArray[Any], seed: int) -> Arrays:
        """Rows `[n, d]` as the tensors; a fifth of their cells is missing."""
        gaps = np.random.default_rng(seed).random(rows.shape) < _GAPS
        values = np.where(gaps, np.nan, rows)
        whole = np.where(np.isnan(values), -1, values)[:, self.categories].astype(np.int64)
        return [
            each for each, at in ((values[:, self.numbers], self.numbers), (whole, self.categories)) if at
        ]

    def rows(self, *arrays: NDArray[Any]) -> NDArray[Any]:
        """Rows `[n, d]`, NaN where a cell is missing."""
        out = np.empty((len(arrays[0]), len(self.numbers) + len(self.categories)))
        if self.numbers:
            out[:, self.numbers] = arrays[0]
        if self.categories:
            out[:, self.categories] = np.where(arrays[-1] < 0, np.nan, arrays[-1])
        return out


def _highest(column: Column) -> int:
    """The greatest number of a level: of a category that of "other"."""
    return 1 if column.kind == "binary" else column.n_levels - 1


class _EnterTable(nn.Module):
    order: Tensor
    highest: Tensor

    def __init__(self, numbers: Sequence[int], categories: Sequence[int], highest: Sequence[int]) -> None:
        super().__init__()
        self.register_buffer("order", torch.tensor([*numbers, *categories]).argsort())
        self.register_buffer("highest", torch.tensor(highest, dtype=torch.float64))
        self.both = bool(numbers) and bool(categories)

    def forward(self, *parts: Tensor) -> Tensor:
        """Rows `[B, d]` in float64, NaN where a cell is missing."""
        found = [parts[0].double()] if parts[0].is_floating_point() else []
        if self.both or not found:
            levels = torch.minimum(parts[-1].double(), self.highest)
            found.append(torch.where(levels < 0, torch.nan, levels))
        return torch.cat(found, 1)[:, self.order]


class _LeaveTable(nn.Module):
    def __init__(self, form: Any, numbers: Sequence[int], categories: Sequence[int]) -> None:
        super().__init__()
        self.form, self.numbers, self.categories = form, list(numbers), list(categories)

    def forward(self, mean: Tensor) -> tuple[Tensor, ...]:
        """Numbers, and the most probable levels."""
        values = self.form.values_of(mean)
        parts = (
            (values[:, self.numbers], self.numbers),
            (values[:, self.categories].long(), self.categories),
        )
        return tuple(each for each, at in parts if at)


class ArrayItems:
    """Arrays of numbers `[batch, *event]` in the person's units, float32: columns, counts, images with channels first.

    Args:
        form: a `latentia.estimators.forms.scaled.Scaled`.
        names: of the columns, if they have some.
        drawn: whether training drew binary pixels anew at each look, and here they must be black or white.
    """

    def __init__(self, form: Any, names: Sequence[str] | None, drawn: bool = False) -> None:
        self.form = form
        meaning = _MEANINGS[form.kind] + (
            ", each the least or the greatest: they were drawn at each look" if drawn else ""
        )
        self.ports: tuple[Port, ...] = (Port("x", "float32", ("batch", *form.event_shape), meaning),)
        self.facts: dict[str, Any] = {} if names is None else {"columns": list(names)}
        self.enter: nn.Module = nn.Identity()
        self.leave: nn.Module = _LeaveArray(form)

    def arrays(self, rows: NDArray[Any], seed: int) -> Arrays:  # noqa: ARG002
        """Rows as the tensor."""
        return [rows.astype(np.float32)]

    def rows(self, *arrays: NDArray[Any]) -> NDArray[Any]:
        """The tensor itself."""
        return arrays[0]


_MEANINGS = {
    "pixels": "pixels from 0 to 255",
    "unit": "pixels from 0 to 1",
    "deep": "pixels from 0 to the largest of their type",
    "binary": "the two values of the training data",
    "counts": "counts",
    "continuous": "numbers in the units of the training data",
}


class _LeaveArray(nn.Module):
    def __init__(self, form: Any) -> None:
        super().__init__()
        self.form = form

    def forward(self, mean: Tensor) -> Tensor:
        """In the person's units; pixels are not rounded."""
        x = mean * self.form.scale.to(mean.dtype) + self.form.mean.to(mean.dtype)
        if self.form.kind in ("pixels", "deep"):
            x = x.clamp(0.0, float(self.form.scale))
        elif self.form.kind == "unit":
            x = x.clamp(0.0, 1.0)
        return x.float()
