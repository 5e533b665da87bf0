"""Rows of columns of unlike kinds as vectors that a network sees, and back.

| column | in the vector | p(x|z) |
| --- | --- | --- |
| number, date | itself, by logarithm or a power where skewed, minus its centre, over its spread; what lies 8 spreads out by logarithm | Gaussian |
| count | log(1 + count), the same | negative-binomial |
| binary | 0 or 1 | Bernoulli |
| category | a one among zeros, "other" the last | categorical |
| ordinal | the number of its level, the same | cumulative logit |
| every column | 1 where its cell is observed; a missing cell is zeros | none |
| date with a cycle | sine and cosine of its phase | none |
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from latentia.data.column import Column
from latentia.data.dates import CYCLES
from latentia.data.skewness import power_log_slope, power_of, power_undone, reshape_of, robust_spread
from latentia.estimators.forms.hiding import hidden_cells
from latentia.estimators.forms.tails import tails_restored, tails_shortened
from latentia.estimators.forms.unlike import read_later
from latentia.latent.likelihoods.mixed import REACH
from latentia.latent.likelihoods.terms import Family, Term
from latentia.nn import Bounded

_FAMILIES: dict[str, Family] = {
    "number": "gaussian", "date": "gaussian", "count": "negative-binomial", "binary": "bernoulli", "category": "categorical",
    "ordinal": "ordinal",
}  # fmt: skip
_PLAIN, _LOG, _POWER = 0, 1, 2
_LARGEST = torch.finfo(torch.float64).max


class MixedForm(nn.Module):
    """Between the numbers `[n, d]` of columns (`latentia.data.items.Mixed`) and vectors `[n, W]`.

    Args:
        columns: what each column is.
        frames: whether a person gave a data frame, and so gets frames back.
        places: of the columns in what was given, among `n_given`; None: all in order.
        n_given: columns that were given.

    Attributes:
        kind: "mixed".
        event_shape: shape of one item, `(d,)`.
        output: floating-point type of vectors.
    """

    kind = "mixed"
    binarize = False
    reshape_kind: Tensor
    power: Tensor
    unit: Tensor
    centre: Tensor
    scale: Tensor
    low: Tensor
    high: Tensor
    step: Tensor
    mean_volume: Tensor

    def __init__(
        self,
        columns: Sequence[Column],
        frames: bool = True,
        places: Sequence[int] | None = None,
        n_given: int | None = None,
    ) -> None:
        super().__init__()
        self.columns, self.frames = tuple(columns), frames
        self.places = tuple(range(len(columns))) if places is None else tuple(places)
        self.n_given = len(columns) if n_given is None else n_given
        self.output = torch.float32
        d = len(self.columns)
        for name, value in (("reshape_kind", 0.0), ("power", 1.0), ("unit", 1.0), ("centre", 0.0), ("scale", 1.0), ("low", -_LARGEST),
                            ("high", _LARGEST), ("step", 0.0)):  # fmt: skip
            self.register_buffer(name, torch.full((d,), value, dtype=torch.float64))
        self.register_buffer("mean_volume", torch.zeros((), dtype=torch.float64))
        widths = [column.n_levels if column.kind == "category" else 1 for column in self.columns]
        self.starts = [sum(widths[:j]) for j in range(d)]
        self.widths, self.first_mark = widths, sum(widths)
        self.cycles = [
            (j, length)
            for j, column in enumerate(self.columns)
            for name, length in CYCLES
            if name in column.cycles
        ]
        self._index = {kind: [j for j, column in enumerate(self.columns) if (column.kind == "category") == (kind == "category")]
                       for kind in ("category", "quantity")}  # fmt: skip

    @property
    def event_shape(self) -> tuple[int, ...]:
        """Shape of one item, `(d,)`."""
        return (len(self.columns),)

    @property
    def vector_shape(self) -> tuple[int, ...]:
        """Shape of its vector, `(W,)`."""
        return (self.first_mark + len(self.columns) + 2 * len(self.cycles),)

    def fit(self, values: NDArray[np.float64]) -> Self:
        """Set the constants from training rows `[n, d]`, NaN where a cell is missing."""
        for j, column in enumerate(self.columns):
            told = values[~np.isnan(values[:, j]), j]
            if column.kind in ("category", "binary") or not len(told):
                continue
            self._fit_column(j, column, told)
        self.mean_volume.fill_(float(self.log_volumes(values).mean()))
        return self

    def _fit_column(self, j: int, column: Column, told: NDArray[np.float64]) -> None:
        if column.kind == "number":
            found = reshape_of(told)
            self.reshape_kind[j] = {"as it is": _PLAIN, "logarithm": _LOG, "power": _POWER}[found.kind]
            self.power[j], self.unit[j] = found.power, found.unit
        elif column.kind == "count":
            self.reshape_kind[j], self.power[j] = _POWER, 0.0
        y = self._reshaped(torch.from_numpy(told)[:, None], [j])[:, 0].numpy()
        self.centre[j], self.scale[j] = robust_spread(y)
        self.low[j], self.high[j] = float(told.min()), float(told.max())
        step = 1.0 if column.whole else 0.0 if column.digits is None else 10.0**-column.digits
        if column.kind in ("number", "date") and step:
            middle = torch.tensor([[float(np.median(told))]], dtype=torch.float64)
            slope = float(self._log_slope(middle, [j]).exp()) / float(self.scale[j])
            self.step[j] = step * slope

    @property
    def terms(self) -> tuple[Term, ...]:
        """Which part of the vector each column is."""
        return tuple(
            Term(
                _FAMILIES[column.kind], self.starts[j], self.widths[j], self.first_mark + j,
                float(self.centre[j]), float(self.scale[j]), column.n_levels if column.kind == "ordinal" else 0,
                float(self.step[j]) / math.sqrt(12),
            )
            for j, column in enumerate(self.columns)
        )  # fmt: skip

    # ------------------------------------------------------------------ to vectors

    def stored(self, items: NDArray[Any]) -> NDArray[Any]:
        """What training holds of rows: they themselves."""
        return items

    def model_input(self, stored: Tensor) -> Tensor:
        """Vectors `[B, W]` of rows `[B, d]`, in the type `self.output`."""
        return self(stored)

    def forward(self, stored: Tensor) -> Tensor:
        """See `model_input`; in training some cells are hidden."""
        values = stored.to(torch.float64 if stored.device.type != "mps" else torch.float32)
        seen = ~values.isnan()
        if self.training:
            seen = seen & ~hidden_cells(seen)
        values = torch.where(seen, values, 0.0)
        out = values.new_zeros((values.shape[0], *self.vector_shape))
        quantities, categories = self._index["quantity"], self._index["category"]
        if quantities:
            y = self._reshaped(values[:, quantities], quantities)
            y = tails_shortened(
                (y - self.centre[quantities]) / self.scale[quantities], self._long(quantities)
            )
            out[:, [self.starts[j] for j in quantities]] = torch.where(seen[:, quantities], y, 0.0)
        if categories:
            starts = torch.tensor([self.starts[j] for j in categories], device=values.device)
            places = values[:, categories].long() + starts
            out.scatter_(1, places, seen[:, categories].to(out.dtype))
        out[:, self.first_mark : self.first_mark + len(self.columns)] = seen.to(out.dtype)
        for i, (j, length) in enumerate(self.cycles):
            phase = 2 * math.pi * values[:, j] / length
            at = self.first_mark + len(self.columns) + 2 * i
            out[:, at] = torch.where(seen[:, j], phase.sin(), 0.0)
            out[:, at + 1] = torch.where(seen[:, j], phase.cos(), 0.0)
        return out.to(self.output)

    def _long(self, columns: Sequence[int]) -> Tensor:
        """Which of some columns are Gaussian, `[k]`: those whose far tails are shortened."""
        found = [_FAMILIES[self.columns[j].kind] == "gaussian" for j in columns]
        return torch.tensor(found, device=self.scale.device)

    def _reshaped(self, x: Tensor, columns: Sequence[int]) -> Tensor:
        """The maps of some columns, `[B, k]`."""
        at = list(columns)
        kind, unit = self.reshape_kind[at], self.unit[at]
        logged = (x / unit).clamp(min=1e-300).log()
        powered = power_of(x, self.power[at], unit, torch)
        return torch.where(kind == _LOG, logged, torch.where(kind == _POWER, powered, x))

    def _undone(self, y: Tensor, columns: Sequence[int]) -> Tensor:
        at = list(columns)
        kind, unit = self.reshape_kind[at], self.unit[at]
        return torch.where(
            kind == _LOG,
            y.clamp(max=700.0).exp() * unit,
            torch.where(kind == _POWER, power_undone(y, self.power[at], unit, torch), y),
        )

    def _log_slope(self, x: Tensor, columns: Sequence[int]) -> Tensor:
        """Log of the derivative of the maps."""
        at = list(columns)
        kind, unit = self.reshape_kind[at], self.unit[at]
        logged = -x.clamp(min=1e-300).log()
        powered = power_log_slope(x, self.power[at], unit, torch)
        return torch.where(kind == _LOG, logged, torch.where(kind == _POWER, powered, 0.0))

    # ------------------------------------------------------------------ and back

    def items(self, output: Tensor, axes: Any = None) -> NDArray[Any]:  # noqa: ARG002  rows have no channels
        """Rows `[n, d]` of vectors: of a category its most probable level; numbers within what training saw; NaN where not observed."""
        form = self if self.centre.device.type == "cpu" else self.cpu()
        return form.values_of(output.detach().cpu()).numpy()

    def values_of(self, output: Tensor) -> Tensor:
        """The same as a tensor of float64."""
        y = output.double()
        out = torch.full((y.shape[0], len(self.columns)), math.nan, dtype=torch.float64)
        quantities = self._index["quantity"]
        if quantities:
            vector = tails_restored(y[:, [self.starts[j] for j in quantities]], self._long(quantities))
            undone = self._undone(vector * self.scale[quantities] + self.centre[quantities], quantities)
            out[:, quantities] = undone.clamp(self.low[quantities], self.high[quantities])
        for j, column in enumerate(self.columns):
            if column.kind == "category":
                out[:, j] = y[:, self.starts[j] : self.starts[j] + self.widths[j]].argmax(-1).double()
            elif column.kind == "binary":
                out[:, j] = (out[:, j] > 0.5).double()
            elif column.kind != "number" or column.whole:
                out[:, j] = out[:, j].round() if column.kind != "date" or column.whole else out[:, j]
        seen = y[:, self.first_mark : self.first_mark + len(self.columns)] > 0.5
        return torch.where(seen, out, math.nan)

    def viewable(self, items: Any) -> NDArray[Any]:
        """Rows as numbers of the columns `[n, d]`, NaN where a cell is missing."""
        return read_later(items, self.columns, self.n_given)

    @property
    def log_volume(self) -> float:
        """Mean over the training rows of `log_volumes`."""
        return float(self.mean_volume)

    def log_volumes(self, rows: NDArray[Any]) -> NDArray[np.float64]:
        """Log |d(person's units) / d(model units)| of each row in nats, `[n]`: over its numbers that are not missing."""
        return self.log_volumes_by_column(rows).sum(1)

    def log_volumes_by_column(self, rows: NDArray[Any]) -> NDArray[np.float64]:
        """The same of each cell, `[n, d]`; zero of a missing one, and of what is no number."""
        found = np.zeros(np.shape(rows))
        at = [j for j, column in enumerate(self.columns) if _FAMILIES[column.kind] == "gaussian"]
        x = torch.from_numpy(np.asarray(rows, dtype=np.float64)[:, at]).to(self.scale.device)
        found[:, at] = self.log_volumes_of(x, at).cpu().numpy()
        return found

    def log_volumes_of(self, x: Tensor, columns: Sequence[int]) -> Tensor:
        """The same of the cells `[n, k]` of some Gaussian columns."""
        at, seen = list(columns), ~x.isnan()
        x = torch.where(seen, x, 1.0)
        out = ((self._reshaped(x, at) - self.centre[at]) / self.scale[at]).abs() - REACH
        each = self.scale[at].log() - self._log_slope(x, at) + out.clamp(min=0).log1p()
        return torch.where(seen, each, 0.0)

    def encoder_inputs(self, typical_size: float) -> nn.Module | None:  # noqa: ARG002  for counts of one kind of thing
        """What the encoder does first: cells far out are taken as at the bound."""
        return Bounded(REACH)

    # ------------------------------------------------------------------ keeping

    def describe(self) -> dict[str, Any]:
        """What rebuilds this form (its constants are in the weights file)."""
        return {
            "kind": self.kind,
            "columns": [column.describe() for column in self.columns],
            "frames": self.frames,
            "places": list(self.places),
            "n_given": self.n_given,
        }

    @classmethod
    def rebuild(cls, described: dict[str, Any]) -> Self:
        """The inverse of `describe`."""
        columns = [Column.rebuild(each) for each in described["columns"]]
        return cls(columns, described["frames"], described["places"], described["n_given"])
