"""What a model loses from the items that it was fitted to on those that it was not."""

from __future__ import annotations

from dataclasses import dataclass

from latentia.diagnostics.evaluation import Evaluation


@dataclass(frozen=True)
class GeneralisationGap:
    """Training items against held-out ones.

    Attributes:
        elbo: bound on training items less that on held-out ones, nats per item; None without a bound.
        error_ratio: squared error on held-out items over that on training items; None where it is not defined.
        n_train: items.
        n_held_out: items.
    """

    elbo: float | None
    error_ratio: float | None
    n_train: int
    n_held_out: int


def generalisation_gap(train: Evaluation, held_out: Evaluation) -> GeneralisationGap:
    """The gap between two evaluations of one model (Cremer et al. 2018, section 5.3, take it in the bound as well)."""
    known = train.elbo is not None and held_out.elbo is not None
    return GeneralisationGap(
        elbo=train.elbo - held_out.elbo if known else None,  # type: ignore[operator]
        error_ratio=None
        if held_out.sse is None or train.sse is None
        else held_out.sse / max(train.sse, 1e-300),
        n_train=train.n,
        n_held_out=held_out.n,
    )
