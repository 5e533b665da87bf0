"""What a sequence decoder loses when it must go on from its own words."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from latentia.errors import DataError
from latentia.models import evaluating


@runtime_checkable
class SequenceModel(Protocol):
    """What the measure asks of a model of token sequences `[B, T]`; positions behind the end are negative."""

    def forced_log_prob(self, x: Tensor) -> Tensor:
        """Log p(x_t | x_<t, z) at each position with the true prefix, z the mean of q(z|x); `[B, T]` in nats."""
        ...

    def free_running(self, x: Tensor) -> Tensor:
        """The most probable token at each position, each given the model's own earlier ones; same z; `[B, T]`."""
        ...


@dataclass(frozen=True)
class TeacherForcing:
    """A sequence decoder with and without the true prefix.

    Attributes:
        forced_loss: -log p of a true token given the true prefix, nats per token.
        forced_perplexity: exp of it.
        free_accuracy: share of positions at which the decoder, left alone with z, gives the true token.
        exact: share of sequences that it gives back whole.
        n_tokens: positions.
        n: sequences.
    """

    forced_loss: float
    forced_perplexity: float
    free_accuracy: float
    exact: float
    n_tokens: int
    n: int


def teacher_forcing(model: SequenceModel, x_batches: Iterable[Tensor]) -> TeacherForcing:
    """Measure a sequence model with true prefixes and on its own: a collapsed one is good at the first, at chance at the second.

    Source: Bowman et al. 2016, Generating Sentences from a Continuous Space, section 3.1.

    Args:
        model: a sequence model; put into evaluation mode if it is a module.
        x_batches: batches of tokens `[B, T]`, negative where a sequence has ended.

    Raises:
        DataError: if there is no token.
    """
    loss, hits, whole, tokens, n = 0.0, 0, 0, 0, 0
    with torch.no_grad(), evaluating(model if isinstance(model, nn.Module) else nn.Identity()):
        for x in x_batches:
            real = x >= 0
            right = (model.free_running(x) == x) | ~real
            loss -= float(model.forced_log_prob(x).double().where(real, 0.0).sum())
            hits += int((right & real).sum())
            whole += int(right.all(1).sum())
            tokens += int(real.sum())
            n += len(x)
    if tokens == 0:
        raise DataError("teacher forcing on no tokens: expected at least one")
    mean = loss / tokens
    return TeacherForcing(mean, float(torch.tensor(mean).exp()), hits / tokens, whole / n, tokens, n)
