"""Whether training ended too early."""

from __future__ import annotations

from collections.abc import Sequence

from latentia.diagnostics.finding import Finding, Remedy
from latentia.vocabulary import (
    UNDERTRAINED,
)

LAST_TENTH = 0.2
"""Under-trained: the last tenth of the epochs brought more than a fifth of all improvement. A rule of this project."""


LAST_GAIN = 0.05
"""And more than this, in nats per number of a datum: a learning rate that falls to zero always gains in the last of a few
epochs. Of one or two epochs: the bound after the last lies this much above its mean during it. A rule of this project."""


def undertraining(history: Sequence[float], last_gain: float | None, numbers: int | None) -> Finding | None:
    """How much of the improvement fell to the last tenth of the epochs; of few epochs, to the last itself."""
    n = len(history)
    last = max(1, n // 10)
    if n < 3:
        return _few_epochs(n, last_gain, numbers)
    first, before, end = history[0], max(history[:-last]), max(history)
    gain = end - before
    share = gain / max(end - first, 1e-12)
    epochs = "epoch" if last == 1 else f"{last} epochs"
    text = f"The last {epochs} of {n} brought {gain:.3g} nats, {share:.0%} of the improvement of the validation bound"
    if share <= LAST_TENTH or (numbers is not None and gain <= LAST_GAIN * numbers):
        return Finding("", f"{text}.")
    return Finding(UNDERTRAINED, f"{text}: it was still rising.", (_longer(2 * n),))


def _few_epochs(n: int, last_gain: float | None, numbers: int | None) -> Finding | None:
    if not n or last_gain is None or not numbers:
        return None
    text = f"After the last of {n} epoch{'s' * (n > 1)} the bound is {last_gain:.3g} nats above its mean during that epoch"
    if last_gain <= LAST_GAIN * numbers:
        return Finding("", f"{text}.")
    return Finding(UNDERTRAINED, f"{text}: it was still rising.", (_longer(10 * n),))


def _longer(epochs: int) -> Remedy:
    return Remedy(f"`--epochs {epochs}`", settings={"max_epochs": epochs})
