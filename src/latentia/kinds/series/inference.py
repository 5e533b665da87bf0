"""A fitted model of series as it is asked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.distributions import Distribution

from latentia.kinds.series.form import SeriesForm
from latentia.models import VAE
from latentia.training.randomness import seeded

TOGETHER = 256


@dataclass(frozen=True)
class SeriesInference:
    """A module in evaluation mode, and the form of its series.

    Attributes:
        module: on the device that it was fitted on.
        form: between series and rows.
    """

    module: VAE
    form: SeriesForm

    def log_volumes(self, rows: Any) -> float:  # noqa: ARG002
        """See `latentia.estimators.inference.Inference`: that of the form, the same for all rows."""
        return self.form.log_volume

    @property
    def device(self) -> torch.device:
        """Where the module is."""
        return next(self.module.parameters()).device

    @property
    def dtype(self) -> torch.dtype:
        """What the module computes in."""
        return next(self.module.parameters()).dtype

    def batches(self, rows: NDArray[Any], batch_size: int = TOGETHER) -> Iterator[Tensor]:
        """Rows `[n, T, 2C]`, some at a time."""
        for start in range(0, len(rows), batch_size):
            yield torch.from_numpy(np.asarray(rows[start : start + batch_size])).to(self.device)

    def codes(self, rows: NDArray[Any]) -> NDArray[Any]:
        """Means of q(z|x), `[n, D]`."""
        with torch.inference_mode():
            return np.concatenate([self.module.encode(x).mean.cpu().numpy() for x in self.batches(rows)])

    def means(self, z: Tensor) -> NDArray[np.float64]:
        """Means of p(x|z) for codes, `[n, T, C]`."""
        with torch.inference_mode():
            found: list[Any] = [self.module.decode(some) for some in z.split(TOGETHER)]
            return np.concatenate([p.loc.double().cpu().numpy() for p in found])

    def drawn(self, n: int, mean: bool, prior: Distribution | None, seed: int) -> NDArray[np.float64]:
        """`n` draws of the greatest length, or means at drawn codes, `[n, T, C]`."""
        source = self.module.prior() if prior is None else prior
        with torch.inference_mode(), seeded(seed, self.device):
            z = source.sample(torch.Size([n])).to(self.dtype)
            if mean:
                return self.means(z)
            found = [self.module.decode(some).sample() for some in z.split(TOGETHER)]
            return torch.cat(found)[..., : self.form.n_columns].double().cpu().numpy()

    def log_density(
        self,
        rows: NDArray[Any],
        n_importance: int,
        total: str = "given",  # noqa: ARG002  of counts alone
    ) -> NDArray[np.float64]:
        """Importance-weighted log p of what is observed in nats, `[n]`."""
        with torch.inference_mode():
            found = [
                self.module.log_prob(x, n_importance).double().cpu().numpy() for x in self.batches(rows, 128)
            ]
            return np.concatenate(found)
