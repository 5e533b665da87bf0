"""Stepwise (online) EM: one update for each batch, from a running average of its statistics."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from latentia.mixture.components import Components
from latentia.mixture.dirichlet_multinomial import DirichletMultinomialComponents
from latentia.mixture.em import EMResult, base_total, e_step
from latentia.mixture.rows import Rows

_DECAY = 0.6  # in (0.5, 1]: the nearer to 0.5 the faster early batches are forgotten


class StepwiseEM:
    """Running statistics s <- (1 - rho_t) s + rho_t sbar(batch), rho_t = (t + 1)^-0.6, then the M-step at s.

    The statistics are means a row; before the update they are scaled to the number of rows seen, so that a prior
    weighs as much as it would in a fit of all of them.

    Attributes:
        statistics: s, `[K, F]` float64, or None before the first batch.
        n_batches: t, batches seen.
        seen: total weight of the rows seen.

    Source: Cappe & Moulines (2009), JRSS B 71(3), eqs. 10-11 and section 3.1 for the step sizes.
    """

    def __init__(self, statistics: Tensor | None = None, n_batches: int = 0, seen: float = 0.0) -> None:
        self.statistics = statistics
        self.n_batches = n_batches
        self.seen = seen

    @classmethod
    def after_fit(cls, result: EMResult, total_weight: float) -> StepwiseEM:
        """To go on from a fit, whose rows count as seen."""
        return cls(result.statistics, 0, 0.0 if result.statistics is None else total_weight)

    def step(self, components: Components, rows: Rows) -> float:
        """Update the components on one batch; return its mean log-likelihood (nats a row) before the update."""
        if isinstance(components, DirichletMultinomialComponents):
            self._widen(components, rows)
        batch = e_step(components, rows)
        mean = components.centred(batch.statistics) / rows.total_weight
        if not self.n_batches and self.statistics is not None:
            self.n_batches = round(
                self.seen / rows.total_weight
            )  # of a fit: as many as its rows are batches like this
        self.n_batches += 1
        self.seen += rows.total_weight
        rho = float(self.n_batches) ** -_DECAY
        self.statistics = mean if self.statistics is None else (1 - rho) * self.statistics + rho * mean
        components.update(self.statistics * self.seen)
        return (batch.log_likelihood + base_total(components, rows)) / rows.total_weight

    def _widen(self, components: DirichletMultinomialComponents, rows: Rows) -> None:
        """Give the running statistics columns for the pairs and totals that a batch brings for the first time."""
        for chunk in components.chunks(rows):
            places = components.extend(chunk)
            if self.statistics is not None:
                wide = torch.zeros(len(self.statistics), components.n_statistics, dtype=torch.float64)
                wide = wide.to(self.statistics.device)
                wide[:, 0] = self.statistics[:, 0]
                wide[:, places] = self.statistics[:, 1:]
                self.statistics = wide

    def state(self, components: Components) -> dict[str, np.ndarray]:
        """Arrays that rebuild it with `from_state`; of what has seen nothing, none."""
        if self.statistics is None:
            return {"stepwise.seen": np.asarray(0.0)}
        kept = {"statistics": self.statistics.cpu().numpy(), **components.statistics_state()}
        kept |= {"n_batches": np.asarray(self.n_batches), "seen": np.asarray(self.seen)}
        return {f"stepwise.{name}": value for name, value in kept.items()}

    @classmethod
    def from_state(cls, state: dict[str, np.ndarray], components: Components) -> StepwiseEM | None:
        """What `state` gave; None if there is none in it, or none that can be read (a folder of an earlier version)."""
        own = {name.removeprefix("stepwise."): v for name, v in state.items() if name.startswith("stepwise.")}
        if not own:
            return None
        if "statistics" not in own:
            return cls()
        if not components.take_statistics_state(own):
            return None
        statistics = torch.tensor(own["statistics"], dtype=torch.float64, device=components.device)
        return cls(statistics, int(own["n_batches"]), float(own["seen"]))
