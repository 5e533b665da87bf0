"""Which parameters take the next step: the training loop asks a `Schedule` and knows nothing else about it.

What is counted. An epoch is one pass over the training set; each of its batches makes one *iteration*, which ends with
the step that belongs to the batch. A schedule may put further encoder-only steps before that one (an aggressive phase).
They come on top: `max_epochs`, `EpochRecord.step`, the learning rate and the ramps of objectives count iterations, so
that all of them mean the same under every schedule, and a schedule whose number of steps is not known beforehand has a learning
rate all the same. The encoder-only steps of an iteration have its learning rate; `EpochRecord.schedule` tells their number.

A model is split by its `encoder_parameters()`; all other parameters (decoder, prior, likelihood, and multipliers of the
objective) make up the other side.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from torch import Tensor

from latentia.errors import ConfigError
from latentia.registry import Registry

Side = Literal["all", "encoder", "decoder"]


@dataclass(frozen=True)
class Turn:
    """One step of the optimizer.

    Attributes:
        moves: the parameters that it moves; gradients of the others are not computed.
        own_batch: whether it is taken on the iteration's own batch; else on one drawn from a second shuffled stream.
        last: whether it ends the iteration.
    """

    moves: Side = "all"
    own_batch: bool = True
    last: bool = True


class Course:
    """One run of a schedule: says who moves next, and remembers where it stands. This one never changes its mind."""

    def turn(self, iteration: int) -> Turn:  # noqa: ARG002  (for those that count)
        """The next step, in iteration `iteration` (from 0, over the whole run)."""
        return Turn()

    def stepped(self, turn: Turn, loss: Tensor, n: int) -> None:
        """Note that `turn` was taken, with this loss (a scalar on the device) as a mean over `n` items."""

    def epoch_ended(self, epoch: int, information: Callable[[], float]) -> dict[str, float]:  # noqa: ARG002
        """Note the end of epoch `epoch` (from 1).

        Args:
            epoch: its number.
            information: measures the mutual information of data and codes in nats, on held-out data.

        Returns:
            Figures for the learning curves.
        """
        return {}

    def state(self) -> dict[str, Any]:
        """All that it remembers, in plain values, for a checkpoint."""
        return {}

    def load(self, state: dict[str, Any]) -> None:
        """Go on from a `state`."""


class Schedule(Protocol):
    """How groups of parameters take turns: settings only; `start` gives what has a state."""

    @property
    def measures(self) -> bool:
        """Whether its course asks for the mutual information."""
        ...

    def start(self, max_epochs: int, n_batches: int) -> Course:
        """A course for a run of at most `max_epochs` with `n_batches` each."""
        ...


@dataclass(frozen=True)
class Joint:
    """All parameters move in every step.

    Example:
        >>> Joint().start(max_epochs=1, n_batches=10).turn(iteration=0).moves
        'all'
    """

    measures = False

    def start(self, max_epochs: int, n_batches: int) -> Course:  # noqa: ARG002  (the protocol's signature)
        """A course without a state."""
        return Course()


@dataclass(frozen=True)
class Alternating:
    """Encoder and decoder take turns: so many iterations of the one, then so many of the other, each on its own batch.

    Coordinate ascent of the bound; in EM's words, partial E steps and partial M steps (Neal and Hinton 1998).

    Args:
        encoder: iterations in a row in which the encoder alone moves.
        decoder: iterations in a row in which all else moves.

    Raises:
        ConfigError: if one of them is less than 1.

    Example:
        >>> course = Alternating(encoder=2).start(max_epochs=1, n_batches=10)
        >>> [course.turn(iteration).moves for iteration in range(4)]
        ['encoder', 'encoder', 'decoder', 'encoder']
    """

    encoder: int = 1
    decoder: int = 1
    measures = False

    def __post_init__(self) -> None:
        """Check the counts."""
        whole("encoder", self.encoder)
        whole("decoder", self.decoder)

    def start(self, max_epochs: int, n_batches: int) -> Course:  # noqa: ARG002  (the protocol's signature)
        """A course without a state: whose turn it is follows from the iteration."""
        return _Alternation(self)


class _Alternation(Course):
    def __init__(self, schedule: Alternating) -> None:
        self.schedule = schedule

    def turn(self, iteration: int) -> Turn:
        place = iteration % (self.schedule.encoder + self.schedule.decoder)
        return Turn("encoder" if place < self.schedule.encoder else "decoder")


def whole(name: str, value: Any) -> None:
    """Raise `ConfigError` unless `value` is a whole number of at least 1."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ConfigError(f"schedule: {name} must be a whole number of at least 1, not {value!r}")


SCHEDULES: Registry[Callable[..., Schedule]] = Registry("schedule")
SCHEDULES.add("joint", Joint)
SCHEDULES.add("alternating", Alternating)


def build_schedule(name: str, options: Mapping[str, Any] | None = None) -> Schedule:
    """The schedule called `name` with these options.

    Raises:
        ConfigError: if there is no such schedule or option; the message names those that there are.

    Example:
        >>> build_schedule("alternating", {"encoder": 3})
        Alternating(encoder=3, decoder=1)
        >>> build_schedule("joint", {"ratio": 3})
        Traceback (most recent call last):
        latentia.errors.ConfigError: schedule 'joint' has no option 'ratio'; it has none
    """
    kind = SCHEDULES[name]
    known = list(inspect.signature(kind).parameters)
    for option in options or {}:
        if option not in known:
            raise ConfigError(
                f"schedule {name!r} has no option {option!r}; it has {', '.join(known) or 'none'}"
            )
    return kind(**(options or {}))
