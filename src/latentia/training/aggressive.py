"""The aggressive encoder: while a phase lasts, the encoder catches up with the decoder before each of its steps."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from latentia.errors import ConfigError
from latentia.training.schedule import SCHEDULES, Course, Turn, whole

MOST_STEPS = 100
BLOCK = 15
"""An inner loop to convergence takes at most so many steps, and compares the losses of blocks of so many (He et al.)."""


@dataclass(frozen=True)
class Aggressive:
    r"""While its phase lasts, each iteration trains the encoder alone first, and then the decoder alone; joint afterwards.

    Early in training q(z|x) lags behind p(z|x), and a strong decoder learns to do without z. With the encoder brought
    near the optimum for the decoder at hand, the decoder's steps follow the gradient of log p(x).

    Inner loop: the first step is on the iteration's own batch, all others on batches of a second shuffled stream.

    * ``ratio=None``: to convergence, as published: at most 100 steps; it ends when the mean loss of a block of 15
      steps is worse than that of the block before. On small data it ends, besides, after one pass over the training set (which
      the paper does not say): more passes would fit the encoder to single items, and take for ever.
    * ``ratio=n``: n steps. This is the ResLag report's form (n = 3 or 5), and cheaper; with a strong decoder (an LSTM) it
      may be too little to prevent the collapse.

    Phase:

    * ``epochs=None``: until the mutual information I(x; z) on validation data has been below its best for `patience` epochs
      in a row; the published rule is ``patience=1``. The measure is noisy, and the phase ends for good.
    * ``epochs=m``: the first m epochs; a number below 1 is a share of all epochs.

    Args:
        ratio: encoder steps before each decoder step; None: until the loss no longer falls.
        epochs: length of the phase; None: until the mutual information no longer grows.
        patience: epochs below the best mutual information that end the phase (without `epochs`).

    Raises:
        ConfigError: if a value is out of range.

    Source: He, Spokoyny, Neubig and Berg-Kirkpatrick 2019, Lagging Inference Networks and Posterior Collapse in
    Variational Autoencoders, algorithm 1.

    Example:
        >>> import torch
        >>> course = Aggressive(ratio=2, epochs=1).start(max_epochs=3, n_batches=10)
        >>> for _ in range(3):
        ...     turn = course.turn(iteration=0)
        ...     print(turn.moves, turn.own_batch, turn.last)
        ...     course.stepped(turn, torch.zeros(()), n=8)
        encoder True False
        encoder False False
        decoder True True
    """

    ratio: int | None = None
    epochs: float | None = None
    patience: int = 1

    def __post_init__(self) -> None:
        """Check the ranges."""
        if self.ratio is not None:
            whole("ratio", self.ratio)
        whole("patience", self.patience)
        if self.epochs is not None and not (0 < self.epochs < 1):
            share = self.epochs
            if isinstance(share, bool) or share < 1 or share != int(share):
                raise ConfigError(
                    "schedule: epochs must be a whole number of at least 1, a share of all epochs between 0 and 1, or None,"
                    f" not {share!r}"
                )

    @property
    def measures(self) -> bool:
        """Whether the mutual information ends the phase."""
        return self.epochs is None

    def start(self, max_epochs: int, n_batches: int) -> Course:
        """A course that begins with the phase."""
        epochs = self.epochs
        if epochs is not None and epochs < 1:
            epochs = math.ceil(epochs * max_epochs)
        most = min(MOST_STEPS, n_batches) if self.ratio is None else self.ratio
        return _Phase(most, self.ratio is None, None if epochs is None else int(epochs), self.patience)


class _Phase(Course):
    """Where the phase, the inner loop and its block stand."""

    def __init__(self, most: int, converges: bool, epochs: int | None, patience: int) -> None:
        self.most, self.converges, self.epochs, self.patience = most, converges, epochs, patience
        self.active = True
        self.best: float | None = None
        self.below = 0  # epochs in a row
        self.encoder_steps = 0  # of the present epoch
        self._begin_inner_loop()

    def _begin_inner_loop(self) -> None:
        self.inner = 0
        self.converged = False
        self.last_block: float | None = None
        self.block: list[Tensor | float] = []  # losses, left on the device until the block is full
        self.items: list[int] = []

    def turn(self, iteration: int) -> Turn:  # noqa: ARG002  (the state tells)
        if not self.active:
            return Turn()
        if self.inner < self.most and not self.converged:
            return Turn("encoder", own_batch=self.inner == 0, last=False)
        return Turn("decoder")

    def stepped(self, turn: Turn, loss: Tensor, n: int) -> None:
        if turn.last:
            self._begin_inner_loop()
            return
        self.inner += 1
        self.encoder_steps += 1
        if self.converges:
            self.block.append(loss.detach())
            self.items.append(n)
            if len(self.block) == BLOCK:
                self._close_block()

    def _close_block(self) -> None:
        mean = sum(n * float(loss) for n, loss in zip(self.items, self.block, strict=True)) / sum(self.items)
        self.converged = self.last_block is not None and not mean <= self.last_block
        self.last_block, self.block, self.items = mean, [], []

    def epoch_ended(self, epoch: int, information: Callable[[], float]) -> dict[str, float]:
        figures: dict[str, float] = {"encoder_steps": self.encoder_steps}
        self.encoder_steps = 0
        if not self.active:
            return figures
        if self.epochs is not None:
            self.active = epoch < self.epochs
            return figures
        value = figures["mutual_information"] = information()
        self.below = 0 if self.best is None or value >= self.best else self.below + 1
        self.best = value if self.best is None else max(self.best, value)
        self.active = self.below < self.patience
        return figures

    def state(self) -> dict[str, Any]:
        names = ("active", "best", "below", "encoder_steps", "inner", "converged", "last_block", "items")
        return {
            **{name: getattr(self, name) for name in names},
            "block": [float(loss) for loss in self.block],
        }

    def load(self, state: dict[str, Any]) -> None:
        vars(self).update({**state, "block": list(state["block"]), "items": list(state["items"])})


SCHEDULES.add("aggressive", Aggressive)
