"""Rows of tables drawn given some of their cells."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.distributions import Distribution

from latentia.data.column import Column
from latentia.data.schema import later
from latentia.distributions import Delta
from latentia.errors import DataError
from latentia.training.randomness import seeded

logger = logging.getLogger("latentia")

WEIGHED_AT_LEAST, WEIGHED_A_ROW = 10_000, 10
"""Codes that are weighed: the more, the less often two rows share one."""
FEW = 100
"""Effective draws below which a person is warned."""


@dataclass(frozen=True, eq=False)
class Conditioned:
    """Rows given some cells.

    Attributes:
        rows: `[n, d]`.
        effective: how many independent draws of codes the weighed ones are worth (Kish 1965); None: the draws are exact.
        weighed: how many were weighed.
    """

    rows: NDArray[np.float64]
    effective: float | None = None
    weighed: int = 0

    @property
    def told(self) -> str:
        """In words."""
        if self.effective is None:
            return "drawn exactly from p(row | given)"
        return f"resampled from {self.weighed} weighed codes, effective sample size {self.effective:.0f}"


def given_row(given: Any, columns: Sequence[Column]) -> NDArray[np.float64]:
    """What is given of a row as numbers of its columns, `[1, d]`, NaN for what is not.

    Args:
        given: name of a column -> its cell, as a person writes it.
        columns: of the table.

    Raises:
        DataError: nothing, a column or level that there is not, a missing cell, or one that its column cannot hold.

    Example:
        >>> plan = Column("plan", "category", levels=("free", "pro"), dtype="str")
        >>> given_row({"plan": "pro"}, [plan, Column("paid", "number")]).tolist()
        [[1.0, nan]]
    """
    names = [column.name for column in columns]
    if not isinstance(given, Mapping) or not given:
        raise DataError(
            f"given={given!r}: expected cells by the name of their column, such as {{{names[0]!r}: ...}}"
        )
    cells = {str(name): cell for name, cell in given.items()}
    strange = next((name for name in cells if name not in names), None)
    if strange is not None:
        raise DataError(
            f"given: no column {strange!r}; there are {', '.join(names[:12])}{', ...' * (len(names) > 12)}"
        )
    for name, cell in cells.items():
        if not pd.api.types.is_scalar(cell):
            raise DataError(f"given: {name!r} is a {type(cell).__name__}; one cell was expected")
        if pd.isna(cell) or cell == "":
            raise DataError(f"given: the cell of {name!r} is missing; leave out what is not known")
        if isinstance(cell, float | np.floating) and np.isinf(cell):
            raise DataError(f"given: the cell of {name!r} is infinite; a finite number was expected")
    frame = pd.DataFrame({name: pd.Series([cells.get(name)], dtype=object) for name in names})
    found = later(frame, names, columns, "given")
    if found.unseen:
        name, levels = next(iter(found.unseen.items()))
        column = columns[names.index(name)]
        known = [str(level) for level in (*column.levels, *(level for level, _ in column.rare))]
        shown = ", ".join(known[:12]) + (", ..." if len(known) > 12 else "")
        raise DataError(f"given: {next(iter(levels))!r} is no level of {name!r}; there are {shown}")
    return found.items.values


def conditioned(
    module: Any,
    form: Any,
    row: NDArray[np.float64],
    n: int,
    *,
    seed: int,
    mean: bool = False,
    prior: Distribution | None = None,
) -> Conditioned:
    r"""Rows of a model with codes, given what is known of one: codes are weighed, resampled and decoded.

    Half of the codes come from q(z|x of the known cells), half from the prior, so that no weight exceeds twice p(known|z):

    .. math:: w_s \propto \frac{p(x_{known}|z_s) \, p(z_s)}{\tfrac12 q(z_s|x_{known}) + \tfrac12 p(z_s)}, \qquad
        n_{eff} = \Big(\sum_s w_s\Big)^2 \Big/ \sum_s w_s^2

    Args:
        module: gives q(z|x), p(z), p(x|z).
        form: between rows and what the module sees.
        row: `[1, d]`, NaN for what is not known.
        n: rows.
        seed: of the draws.
        mean: decode means of p(x|z) in place of draws.
        prior: what codes are drawn from in place of p(z).

    Source: Rubin 1988, Using the SIR algorithm to simulate posterior distributions; Owen & Zhou 2000, Safe and effective importance sampling,
    section 3 (the mixture of proposals); Mattei & Frellsen 2019, MIWAE (weights where cells are missing).
    """
    device = next(module.parameters()).device
    weighed = max(WEIGHED_AT_LEAST, WEIGHED_A_ROW * n)
    with torch.inference_mode(), seeded(seed, device):
        x = form.model_input(torch.from_numpy(row).to(device))
        source = module.prior() if prior is None else prior
        q = module.amortised(x)
        z, log_ratio = _proposed(q, source, weighed)
        log_weight = (module.conditional(z, x).log_prob(x) + log_ratio)[:, 0].double().log_softmax(0)
        chosen = torch.multinomial(log_weight.exp(), n, replacement=True)
        p = module.decode(z[chosen, 0])
        rows = form.items(p.mean if mean else p.sample())
    known = ~np.isnan(row[0])
    rows[:, known] = row[0, known]
    return Conditioned(rows, float(torch.exp(-torch.logsumexp(2 * log_weight, 0))), weighed)


def _proposed(q: Distribution, source: Distribution, n: int) -> tuple[Tensor, Tensor]:
    """Codes `[S, 1, D]`, and the log of p(z) over what they were drawn from, `[S, 1]`."""
    far = source.sample(torch.Size([n if isinstance(q, Delta) else n // 2]))[:, None]
    if isinstance(q, Delta):
        return far, far.new_zeros(far.shape[:2])
    z = torch.cat([q.sample(torch.Size([n - n // 2])), far])
    log_p = source.log_prob(z)
    return z, log_p - torch.logaddexp(q.log_prob(z), log_p)


def tell(found: Conditioned, given: Mapping[str, Any]) -> None:
    """Warn where draws stand on few codes."""
    if found.effective is not None and found.effective < FEW:
        cells = ", ".join(f"{name}={cell}" for name, cell in given.items())
        logger.warning(
            "rows given %s are %s: what is given is improbable to the model, and many rows share a code",
            cells,
            found.told,
        )
