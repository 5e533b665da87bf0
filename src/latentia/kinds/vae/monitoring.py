"""What is watched while a VAE trains: mutual information and active units, and a warning when they show a fault."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from torch import Tensor, nn

from latentia.diagnostics import mutual_information
from latentia.diagnostics.findings import COLLAPSED_KL, EXCESS

WARNED_FROM = 0.1
"""Share of training that is done before anything is warned of: until then the learning rate is still rising."""

logger = logging.getLogger("latentia")


class Monitor:
    """A measure for `latentia.training.fit(watch=...)`: figures of the codes, and each warning once.

    Figures: `mutual_information` (nats, at most the log of the items looked at), `active_units`, `aggregate_kl` (the least that the
    aggregate posterior is from the prior, nats, where that is known) and `watched_items`.
    """

    def __init__(self) -> None:
        self.warned: set[str] = set()
        self.overloaded_before = False

    def __call__(
        self, model: nn.Module, x_batches: Iterable[Tensor], epoch: float, progress: float
    ) -> dict[str, float]:
        """Look at a model in evaluation mode; nothing for deterministic codes."""
        try:
            found = mutual_information(model, x_batches, items=None)  # type: ignore[arg-type]
        except (
            NotImplementedError
        ):  # a posterior whose density cannot be asked for at the codes of other items
            found = None
        if found is None:
            return {}
        if progress >= WARNED_FROM:
            if found.active_units == 0 or found.value < COLLAPSED_KL * found.latent_dim:
                self._warn(
                    "collapse",
                    f"epoch {epoch}: posterior collapse: codes tell {max(0.0, found.value):.2g} nats of the items, "
                    f"{found.active_units} of {found.latent_dim} dimensions are active",
                )
            # Young codes are often narrower or wider than the prior, and settle: twice what counts after training, twice in a row.
            excess = 0.0 if found.moment_kl is None else found.moment_kl / found.latent_dim
            overloaded = excess > 2 * EXCESS
            if overloaded and self.overloaded_before:
                self._warn(
                    "overload",
                    f"epoch {epoch}: information overload: all codes together lie at least {excess:.2g} nats per "
                    "dimension from the prior",
                )
            self.overloaded_before = overloaded
        figures: dict[str, float] = {
            "mutual_information": found.value,
            "active_units": found.active_units,
            "watched_items": found.n,
        }
        if found.moment_kl is not None:
            figures["aggregate_kl"] = found.moment_kl
        return figures

    def _warn(self, kind: str, text: str) -> None:
        if kind not in self.warned:
            self.warned.add(kind)
            logger.warning("%s; the diagnosis after the fit says what to do", text)
