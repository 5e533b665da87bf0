"""What a model makes of single cells of a table, given the others: what it expects, how probable a cell is, draws."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from latentia.distributions import Delta
from latentia.training.randomness import seeded

WEIGHED = 50
"""Codes a row that are weighed."""
_NUMBERS_AT_ONCE = 4_000_000


@dataclass(frozen=True)
class Told:
    """What follows for all cells of rows from those that are known.

    Attributes:
        expected: `[n, d]`: of numbers the mean, of levels the most probable.
        log_prob: of the cells that were asked about, `[n, d]` in nats; a density in the units of the data for numbers; zero where a cell
            is missing.
    """

    expected: NDArray[np.float64]
    log_prob: NDArray[np.float64]


class Cells(Protocol):
    """What is asked of a model of tables; rows are `[n, d]`, NaN where a cell is not known."""

    def told(self, rows: NDArray[np.float64], cells: NDArray[np.float64]) -> Told:
        """What the known cells of `rows` say of all, and how probable `cells` are then."""
        ...

    def drawn(self, rows: NDArray[np.float64], seed: int) -> NDArray[np.float64]:
        """A draw of all cells given the known ones, `[n, d]`."""
        ...


class CodedCells:
    r"""Cells by way of codes: codes z_s from q(z|x of the known cells), each with its weight.

    .. math:: w_s \propto p(x_{known}|z_s) \, p(z_s) / q(z_s|x_{known})

    Args:
        module: gives q(z|x), p(z), p(x|z).
        form: between rows and what the module sees.
        n_codes: codes a row.

    Source: Mattei & Frellsen 2019, MIWAE, eq. 11 and 12: self-normalised importance sampling, and resampling for draws.
    """

    def __init__(self, module: Any, form: Any, n_codes: int = WEIGHED) -> None:
        self.module, self.form, self.n_codes = module, form, n_codes
        self.device = next(module.parameters()).device

    def _weighted(self, rows: NDArray[np.float64], seed: int = 0) -> Iterator[tuple[slice, Any, Tensor]]:
        """Some rows at a time: p(x|z) `[S, B]` and the logs of weights `[S, B]` that sum to one over S."""
        at_once = max(1, _NUMBERS_AT_ONCE // (self.n_codes * self.form.vector_shape[0]))
        with torch.inference_mode(), seeded(seed, self.device):
            for start in range(0, len(rows), at_once):
                part = slice(start, start + at_once)
                x = self.form.model_input(torch.from_numpy(np.array(rows[part])).to(self.device))
                q = self.module.amortised(x)  # weights do what refinement would
                known = isinstance(q, Delta)
                z = q.sample(torch.Size([1 if known else self.n_codes]))
                log_weight = z.new_zeros(z.shape[:2])
                if not known:
                    log_weight = (
                        self.module.conditional(z, x).log_prob(x)
                        + self.module.prior().log_prob(z)
                        - q.log_prob(z)
                    )
                yield part, self.module.decode(z), log_weight.log_softmax(0)

    def told(self, rows: NDArray[np.float64], cells: NDArray[np.float64]) -> Told:
        """See `Cells`."""
        expected, log_prob = np.empty(rows.shape), np.empty(rows.shape)
        levels = [j for j, column in enumerate(self.form.columns) if column.kind in ("category", "binary")]
        for part, p, log_weight in self._weighted(rows):
            weight, mean = log_weight.exp()[..., None], p.mean
            items = self.form.items(mean.flatten(0, 1)).reshape(*mean.shape[:2], -1)
            expected[part] = (weight.double().cpu().numpy() * items).sum(0)
            expected[part, levels] = self.form.items((weight * mean).sum(0))[:, levels]
            x = self.form.model_input(torch.from_numpy(np.array(cells[part])).to(self.device))
            log_prob[part] = (
                torch.logsumexp(log_weight[..., None] + p.log_prob_by_column(x), 0).double().cpu().numpy()
            )
        log_prob = np.where(np.isnan(cells), 0.0, log_prob)
        return Told(expected, log_prob - self.form.log_volumes_by_column(cells))

    def drawn(self, rows: NDArray[np.float64], seed: int) -> NDArray[np.float64]:
        """See `Cells`."""
        out = np.empty(rows.shape)
        with seeded(seed, self.device):
            for part, p, log_weight in self._weighted(rows, seed):
                chosen = torch.distributions.Categorical(logits=log_weight.T).sample()
                x = p.sample()[chosen, torch.arange(len(chosen), device=chosen.device)]
                out[part] = self.form.items(x)
        return out


def log_prob_by_column(model: Cells, rows: NDArray[np.float64]) -> Told:
    """Of each cell log p(x_j | all other cells of its row), and what the others let expect there; d passes."""
    expected, log_prob = np.full(rows.shape, np.nan), np.zeros(rows.shape)
    for j in range(rows.shape[1]):
        known = ~np.isnan(rows[:, j])
        if not known.any():
            continue
        others = rows[known].copy()
        others[:, j] = np.nan
        told = model.told(others, rows[known])
        expected[known, j], log_prob[known, j] = told.expected[:, j], told.log_prob[:, j]
    return Told(expected, log_prob)
