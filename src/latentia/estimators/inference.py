"""A fitted module as it is asked: items in batches, and data for codes."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.distributions import Distribution

from latentia.data.pictures import Axes
from latentia.distributions import Delta
from latentia.latent.totals import Exposed, check_total, total_model, without_counts
from latentia.models.importance import importance_log_prob
from latentia.training.randomness import seeded

TOGETHER = 512


@dataclass(frozen=True)
class Inference:
    """A module in evaluation mode, and what its data go through.

    Attributes:
        module: for vectors in float64, so that an item's figures do not depend on what stands beside it.
        form: between items and model input, in evaluation mode: images are binarized the same way each time.
        typical: the row `[1, d]` whose size count rows are given; None: the data are no counts.
    """

    module: Any
    form: Any
    typical: Tensor | None

    @classmethod
    def of(cls, module: nn.Module, form: Any, typical_size: float) -> Self:
        """For a fitted module."""
        device = next(module.parameters()).device
        dtype = torch.float32
        if len(form.event_shape) == 1 and device.type != "mps":
            module, dtype = copy.deepcopy(module).double(), torch.float64
        form = frozen(form).to(device)
        form.output = dtype
        typical = None
        if form.kind == "counts":
            size = form.event_shape[0]
            typical = torch.full((1, size), typical_size / size, dtype=dtype, device=device)
        return cls(module.eval(), form, typical)

    @property
    def device(self) -> torch.device:
        """Where the module is."""
        return next(iter(self.module.parameters())).device

    @property
    def dtype(self) -> torch.dtype:
        """What the module computes in."""
        return self.form.output

    def batches(self, rows: NDArray[Any], batch_size: int = 500) -> Iterator[Tensor]:
        """Rows `[n, *event]` as the module sees them, some at a time."""
        for start in range(0, len(rows), batch_size):
            stored = np.array(rows[start : start + batch_size])
            x = self.form.model_input(torch.from_numpy(stored).to(self.device))
            yield x.contiguous(memory_format=torch.channels_last) if x.ndim == 4 else x

    def codes(self, rows: NDArray[Any]) -> NDArray[Any]:
        """Means of q(z|x) of rows."""
        with torch.inference_mode():
            return gathered(len(rows), (self.module.encode(x).mean.cpu().numpy() for x in self.batches(rows)))

    def rebuilt(self, rows: NDArray[Any], axes: Axes | None = None) -> NDArray[Any]:
        """Rows by way of their codes: means of p(x|z) at the means of q(z|x)."""

        def rebuilt(x: Tensor) -> NDArray[Any]:
            z = self.module.encode(x).mean[None]
            # of rows with gaps, the missing cells too
            p = self.module.decode(z) if self.form.kind == "mixed" else self.module.conditional(z, x)
            return self.form.items(p.mean[0], axes)

        with torch.inference_mode():
            return gathered(len(rows), map(rebuilt, self.batches(rows)))

    def drawn(self, n: int, mean: bool, prior: Distribution | None, seed: int) -> NDArray[Any]:
        """`n` draws of x, or means of p(x|z) at drawn z, which come from `prior` if one is given."""
        source = {} if prior is None else {"prior": prior}
        with seeded(seed, self.device):
            sizes = (min(TOGETHER, n - start) for start in range(0, n, TOGETHER))
            return gathered(
                n, (self.form.items(self.module.sample(size, mean=mean, **source)) for size in sizes)
            )

    def log_density(
        self, rows: NDArray[Any], n_importance: int, total: str = "given"
    ) -> NDArray[np.float64] | None:
        """Importance-weighted log p(x) in nats in the units of the data, `[n]`; None for codes that are points."""
        check_total(total)
        counts = self.form.kind == "counts"
        model = total_model(self.module.likelihood) if counts and total == "modelled" else None
        scored = Exposed(self.module) if counts and total == "modelled" and model is None else None
        with torch.inference_mode():
            if len(rows) and isinstance(self.module.amortised(next(self.batches(rows[:1]))), Delta):
                return None
            asked = self.module.log_prob if scored is None else partial(importance_log_prob, scored)
            each = (asked(x, n_importance).double().cpu().numpy() for x in self.batches(rows, 128))
            found = gathered(len(rows), each)
        found = found - log_volumes(self.form, rows)
        if not counts or scored is not None:
            return found
        totals = rows.sum(1, dtype=np.float64)
        return without_counts(totals, found) if model is None else found + model.log_prob(totals)

    def decoded(self, z: Tensor, mean: bool = True, axes: Axes | None = None) -> NDArray[Any]:
        """Items for codes: means of p(x|z), or draws; count rows of the typical size."""

        def decoded(some: Tensor) -> NDArray[Any]:
            p = self.module.likelihood(self.module.outputs(some), self.typical)
            return self.form.items(p.mean if mean else p.sample(), axes)

        with torch.inference_mode():
            return gathered(len(z), map(decoded, z.split(TOGETHER)))


def log_volumes(form: Any, rows: Any) -> Any:
    """Log |d(person's units) / d(model units)| in nats: of each row, where it is not the same for all."""
    of_rows = getattr(form, "log_volumes", None)
    return form.log_volume if of_rows is None else of_rows(rows)


def gathered(n: int, parts: Iterable[NDArray[Any]]) -> NDArray[Any]:
    """Parts `[m, ...]` of an array of n rows, put where they belong as they come.

    Small arrays that are kept between large ones that come and go would keep the heap from shrinking: a kilobyte or two for each row.

    >>> gathered(3, iter([np.ones((2, 1)), np.zeros((1, 1))])).tolist()
    [[1.0], [1.0], [0.0]]
    """
    out, start = np.empty(0), 0
    for part in parts:
        if not start:
            out = np.empty((n, *part.shape[1:]), part.dtype)
        out[start : start + len(part)] = part
        start += len(part)
    return out


def frozen(form: Any) -> Any:
    """A copy in evaluation mode: data are binarized the same way each time."""
    return copy.deepcopy(form).eval()
