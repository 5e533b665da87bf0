"""Location families: the decoder gives the mean of x, a spread says how far x lies from it."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from latentia.latent.likelihoods.base import Likelihood, data_mean, rows_at_once
from latentia.latent.likelihoods.spread import OptimalSpread, Spread, pooled


class LocationLikelihood(Likelihood):
    """Base of likelihoods with one decoder output, the location, and a `Spread` around it.

    Args:
        event_shape: `[d]` or `[C, H, W]`.
        spread: how the width is found.
    """

    start: Tensor | None

    def __init__(self, event_shape: Sequence[int], spread: Spread) -> None:
        super().__init__(event_shape)
        self.spread = spread
        self.calibrates = spread.calibrates
        self.register_buffer("start", None, persistent=False)

    def deviation(self, residual: Tensor) -> Tensor:
        """The measure of distance whose mean is the family's maximum-likelihood spread."""
        raise NotImplementedError

    def center(self, x: Tensor) -> Tensor:
        """The constant location that fits `x` best, `[*event]` in float64: for all but the Laplace their mean."""
        return data_mean(x)

    def prepare(self, x: Tensor) -> None:
        """Start from the center of the data and their spread around it."""
        center = self.center(x)
        totals, count = zip(
            *(pooled(self.deviation(r - center), self.spread.shape) for r in rows_at_once(x)), strict=True
        )
        initial = torch.stack(totals).sum(0) / sum(count)
        overall = initial.mean()
        # Constant data have no scale of their own; one unit is as good as any.
        self.spread.prepare(initial, torch.where(overall > 0, overall, torch.ones_like(overall)))
        self.start = center.to(x.dtype)

    def initial_outputs(self) -> Tensor | None:
        """The center of the data."""
        return None if self.start is None else self.start[None]

    def located(self, outputs: Tensor, x: Tensor | None) -> tuple[Tensor, Tensor]:
        """Location `[*batch, *event]` and spread (broadcastable) for a batch."""
        (loc,) = self.split(outputs)
        if x is None or not (self.training and self.calibrates):
            return loc, self.spread()
        with torch.no_grad():
            deviation = self.deviation(x - loc)
            return loc, self.spread(deviation)

    def start_calibration(self) -> None:
        """Forget what was accumulated."""
        if isinstance(self.spread, OptimalSpread):
            self.spread.start()

    @torch.no_grad()
    def accumulate(self, outputs: Tensor, x: Tensor) -> None:
        """Add the residuals of a batch."""
        if isinstance(self.spread, OptimalSpread):
            (loc,) = self.split(outputs)
            self.spread.accumulate(self.deviation(x - loc))

    def finish_calibration(self) -> None:
        """Set the spread to its optimum over all that was accumulated (computed in float64)."""
        if isinstance(self.spread, OptimalSpread):
            self.spread.finish()
