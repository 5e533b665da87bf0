"""What a transducer minimises: outputs of inputs, inputs of outputs, and outputs by way of inputs that are made up."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from latentia.core import Loss
from latentia.models.transducer import Paths


@dataclass(frozen=True)
class PairedLoss:
    r"""Nats a token of outputs and inputs of pairs, and :math:`\alpha` times those of outputs by way of made-up inputs.

    Each term is the mean over all tokens of the batch. With the last it is no bound.

    Attributes:
        weight: :math:`\alpha`.
    """

    weight: float = 0.5

    def __call__(self, trace: Paths, progress: float = 1.0) -> Loss:  # noqa: ARG002  (the model knows when)
        """The loss of a batch."""
        parts = {"output": _per_token(trace.output, trace.output_tokens)}
        total = parts["output"]
        if trace.given is not None:
            parts["input"] = _per_token(trace.given, trace.given_tokens)
            total = total + parts["input"]
            parts["through"] = total.new_zeros(())
        if trace.through is not None and trace.through_tokens is not None:
            parts["through"] = _per_token(trace.through, trace.through_tokens)
            total = total + self.weight * parts["through"]
        return Loss(total, parts)


def _per_token(log_prob: Tensor, tokens: Tensor) -> Tensor:
    return -log_prob.sum() / tokens.sum()
