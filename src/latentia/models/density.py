"""An autoregressive density as a model like the others: one without hidden variables."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from latentia.core import Trace
from latentia.distributions import Delta
from latentia.latent.autoregressive import AutoregressiveDensity, AutoregressiveDistribution


class DensityModel(nn.Module):
    """p(x), or p(x|class), given by an autoregressive density; its trace has a code of no dimensions and no rate.

    So the bound of its trace is the exact log-likelihood, and training, validation and objectives serve it as they are.

    Args:
        density: over images of levels; with classes its `n_context` is their number.
        n_classes: 0 for p(x).
    """

    def __init__(self, density: AutoregressiveDensity, n_classes: int = 0) -> None:
        super().__init__()
        self.density, self.n_classes = density, n_classes

    def split(self, rows: Tensor) -> tuple[Tensor, Tensor | None]:
        """Levels `[B, C, H, W]` and one-hot classes `[B, n_classes]` (or None) of rows `[B, C H W (+ 1)]`.

        The last number of a row is its class, where there are classes.
        """
        if not self.n_classes:
            return rows.reshape(-1, *self.density.event_shape), None
        weight = next(self.density.parameters())
        classes = F.one_hot(rows[:, -1], self.n_classes).to(weight.dtype)
        return rows[:, :-1].reshape(-1, *self.density.event_shape), classes

    def trace(self, rows: Tensor, n_samples: int = 1) -> Trace:
        """One pass over rows of integers, whose log-likelihood is exact: more samples of nothing are the same."""
        levels, classes = self.split(rows)
        grid = levels.to(next(self.density.parameters()).dtype) / max(1, self.density.n_levels - 1)
        nothing = grid.new_zeros(len(rows), 0)
        log_prob = self.density.log_prob(levels, classes)
        return Trace(
            x=grid,
            z=nothing.expand(n_samples, -1, -1),
            posterior=Delta(nothing),
            prior=Delta(nothing.new_zeros(0)),
            likelihood=AutoregressiveDistribution(self.density, classes, batch_shape=(len(rows),)),
            log_likelihood=log_prob.expand(n_samples, -1),
            kl=torch.zeros_like(log_prob).expand(n_samples, -1)[..., None],
        )

    def log_prob(self, rows: Tensor) -> Tensor:
        """Exact log-probability in nats, `[B]`."""
        levels, classes = self.split(rows)
        return self.density.log_prob(levels, classes)

    def prepare(self, x: Tensor) -> None:
        """Nothing depends on a look at the data."""

    def calibrate(self, x_batches: Iterable[Tensor]) -> None:
        """Everything is learned by gradient."""
