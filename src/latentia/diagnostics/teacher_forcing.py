"""What a sequence decoder loses when it must go on from its own words."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from latentia.errors import DataError
from latentia.models import evaluating
from latentia.nn.gaps import tokens_of


@runtime_checkable
class SequenceModel(Protocol):
    """What the measure asks of a model of token sequences `[B, T]`; positions behind the end are negative."""

    def means(self, x: Tensor) -> Tensor:
        """Means of q(z|x), `[B, D]`."""
        ...

    def forced_log_prob(self, x: Tensor, z: Tensor) -> Tensor:
        """Log p(x_t | x_{<t}, z) at each position with the true prefix; `[B, T]` in nats."""
        ...

    def free_running(self, x: Tensor, z: Tensor) -> tuple[Tensor, Tensor]:
        """The most probable token at each position, each given the model's own earlier ones, and log p of the true one there; `[B, T]` each."""
        ...


@dataclass(frozen=True)
class TeacherForcing:
    """A sequence decoder with and without the true prefix, by the code of the item itself, of another item, and by none (z = 0).

    Losses are -log p of a true token in nats, mean over tokens; z is the mean of q(z|x).

    Attributes:
        forced_loss: with the true prefix.
        forced_perplexity: exp of it.
        free_accuracy: share of positions at which the decoder, left alone with z, gives the true token.
        exact: share of sequences that it gives back whole.
        n_tokens: positions.
        n: sequences.
        forced_loss_other: with the true prefix and another item's code.
        free_loss: where the prefix is what the decoder said itself.
        free_loss_other: the same with another item's code.
        free_accuracy_other: `free_accuracy` with another item's code.
        free_accuracy_zero: the same with z = 0.
    """

    forced_loss: float
    forced_perplexity: float
    free_accuracy: float
    exact: float
    n_tokens: int
    n: int
    forced_loss_other: float
    free_loss: float
    free_loss_other: float
    free_accuracy_other: float
    free_accuracy_zero: float


def teacher_forcing(model: SequenceModel, x_batches: Iterable[Tensor]) -> TeacherForcing:
    """Measure a sequence model with true prefixes and on its own: a collapsed one is good at the first, at chance at the second.

    The other item is the one that stands next to it in its batch.

    Source: Bowman et al. 2016, Generating Sentences from a Continuous Space, section 3.1.

    Args:
        model: a sequence model; put into evaluation mode if it is a module.
        x_batches: batches of tokens `[B, T]`, negative where a sequence has ended.

    Raises:
        DataError: if there is no token.
    """
    sums = dict.fromkeys(("forced", "forced_other", "free", "free_other", "own", "other", "zero"), 0.0)
    whole, tokens, n = 0, 0, 0
    with torch.no_grad(), evaluating(model if isinstance(model, nn.Module) else nn.Identity()):
        for x in x_batches:
            real = x >= 0
            z = model.means(x)
            for name, code in (("own", z), ("other", z.roll(1, 0)), ("zero", torch.zeros_like(z))):
                said, log_prob = model.free_running(x, code)
                right = (tokens_of(said) == tokens_of(x)) | ~real
                sums[name] += float((right & real).sum())
                if name == "own":
                    whole += int(right.all(1).sum())
                if name != "zero":
                    suffix = "" if name == "own" else "_other"
                    sums[f"free{suffix}"] -= _total(log_prob, real)
                    sums[f"forced{suffix}"] -= _total(model.forced_log_prob(x, code), real)
            tokens += int(real.sum())
            n += len(x)
    if tokens == 0:
        raise DataError("teacher forcing on no tokens: expected at least one")
    mean = {name: value / tokens for name, value in sums.items()}
    return TeacherForcing(
        forced_loss=mean["forced"],
        forced_loss_other=mean["forced_other"],
        forced_perplexity=float(torch.tensor(mean["forced"]).exp()),
        free_loss=mean["free"],
        free_loss_other=mean["free_other"],
        free_accuracy=mean["own"],
        free_accuracy_other=mean["other"],
        free_accuracy_zero=mean["zero"],
        exact=whole / n,
        n_tokens=tokens,
        n=n,
    )


def _total(log_prob: Tensor, real: Tensor) -> float:
    return float(log_prob.double().where(real, 0.0).sum())
