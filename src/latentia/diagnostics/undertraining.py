"""Whether training ended too early, or the epoch that was kept was one of the first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from latentia.diagnostics.finding import Finding, Remedy, another_seed, longer
from latentia.vocabulary import (
    KEPT_EARLY,
    UNDERTRAINED,
)

EARLY, FEWEST_EPOCHS = 0.25, 4
"""Kept too early: the epoch that was kept lies in the first quarter of at least so many, and the bound rose later. A rule of this project."""

LAST_TENTH = 0.2
"""Under-trained: the last tenth of the epochs brought more than a fifth of all improvement. A rule of this project."""


LAST_GAIN = 0.05
"""And more than this, in nats per number of a datum: a learning rate that falls to zero always gains in the last of a few
epochs. Of one or two epochs: the bound after the last lies this much above its mean during it. A rule of this project."""


@dataclass(frozen=True)
class ShortOf:
    """A fit that was cut short.

    Attributes:
        updates: that it had.
        wanted: that it should have had at least.
        stopped: whether a person ended it, not the time that it was given.
    """

    updates: int
    wanted: int
    stopped: bool = False


def undertraining(
    history: Sequence[float], last_gain: float | None, least: float | None, short: ShortOf | None = None
) -> Finding | None:
    """How much of the improvement fell to the last tenth of the epochs; of few epochs, to the last itself.

    A fit that its time or a person cut short came to rest where it stood, so that its curve says nothing: the number of updates does. It is then
    the first thing to mend: a decoder that ignores the code may not yet have learned to use it.

    Args:
        history: what epochs were judged by, in nats, after each.
        last_gain: by how much the bound after the last epoch exceeds its mean over that epoch's training batches.
        least: gains of so many nats and less are none.
        short: what a fit that was cut short had, if it was.
    """
    n = len(history)
    if short is not None:
        text = f"The fit was over after {short.updates} update{'s' * (short.updates != 1)}; with fewer than {short.wanted} it ends far from what more time brings"
        more = Remedy("fit again, and let it run to its end") if short.stopped else longer(2 * max(n, 1))
        return Finding(UNDERTRAINED, f"{text}.", (more,), short.wanted / max(short.updates, 1), first=True)
    last = max(1, n // 10)
    if n < 3:
        return _few_epochs(n, last_gain, least)
    first, before, end = history[0], max(history[:-last]), max(history)
    gain = end - before
    share = gain / max(end - first, 1e-12)
    epochs = "epoch" if last == 1 else f"{last} epochs"
    text = f"The last {epochs} of {n} brought {gain:.3g} nats, {share:.0%} of the improvement of the validation bound"
    strength = share / LAST_TENTH if least is None else min(share / LAST_TENTH, gain / max(least, 1e-12))
    if share <= LAST_TENTH or (least is not None and gain <= least):
        return Finding("", f"{text}.", strength=strength)
    return Finding(UNDERTRAINED, f"{text}: it was still rising.", (longer(2 * n),), strength)


def _few_epochs(n: int, last_gain: float | None, least: float | None) -> Finding | None:
    if not n or last_gain is None or least is None:
        return None
    text = f"After the last of {n} epoch{'s' * (n > 1)} the bound is {last_gain:.3g} nats above its mean during that epoch"
    strength = last_gain / max(least, 1e-12)
    if last_gain <= least:
        return Finding("", f"{text}.", strength=strength)
    return Finding(UNDERTRAINED, f"{text}: it was still rising.", (longer(10 * n),), strength)


def kept_early(bounds: Sequence[float], kept: int | None, least: float | None) -> Finding | None:
    """Whether the epoch that the objective's own loss chose is one of the first, while the bound rose on.

    Args:
        bounds: validation bound at each judgement (an epoch's end, or one of eight even marks), in nats.
        kept: the judgement after which the weights that were kept are, from 1 on.
        least: gains of so many nats and less are none.
    """
    if kept is None or least is None or len(bounds) < FEWEST_EPOCHS or kept > EARLY * len(bounds):
        return None
    later = max(bounds[kept:])
    gain = later - bounds[kept - 1]
    if gain <= least:
        return None
    text = f"The weights are those of judgement {kept} of {len(bounds)}, which the objective's own loss chose; the bound rose by {gain:.3g} nats after it."
    by_bound = Remedy(
        "a model that is judged by its bound: `--model sigma-vae`",
        ("sigma-vae",),
        {"objective_options": None},
    )
    return Finding(KEPT_EARLY, text, (by_bound, another_seed()), gain / max(least, 1e-12))
