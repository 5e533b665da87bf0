"""An exponential moving average of weights, and weights that are swapped in for a while."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

Weights = dict[str, Tensor]


def copy_of(model: nn.Module) -> Weights:
    """A copy of all parameters and buffers of `model`."""
    return {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}


class Average:
    """Moving average of all floating parameters and buffers (so that running statistics fit the weights).

    `a <- d a + (1 - d) w` with `d = min(decay, (1 + t) / (10 + t))` after update t, so that the random start is
    forgotten soon; buffers of other types are those of the model.

    Args:
        model: whose weights are averaged.
        decay: in (0, 1).
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.decay = decay
        self.updates = 0
        self.weights = copy_of(model)
        self.follow(model)

    def follow(self, model: nn.Module) -> None:
        """Look the model's tensors up again, because a buffer may have been replaced by another tensor."""
        now = model.state_dict()
        names = [name for name, tensor in now.items() if tensor.is_floating_point()]
        self._sources = [now[name] for name in names]
        self._averages = [self.weights[name] for name in names]

    def state(self) -> dict[str, Any]:
        """For a checkpoint."""
        return {"weights": self.weights, "updates": self.updates}

    def load(self, state: dict[str, Any], model: nn.Module) -> None:
        """Go on from a checkpoint's `state`, with the tensors of `model` where they are now."""
        self.updates = state["updates"]
        now = model.state_dict()
        self.weights = {name: tensor.to(now[name].device) for name, tensor in state["weights"].items()}
        self.follow(model)

    @torch.no_grad()
    def update(self) -> None:
        """Move the average towards the weights as they are now."""
        self.updates += 1
        decay = min(self.decay, (1 + self.updates) / (10 + self.updates))
        torch._foreach_lerp_(self._averages, self._sources, 1 - decay)

    def apply(self, model: nn.Module) -> None:
        """Give `model` the averaged weights."""
        own = model.state_dict()
        model.load_state_dict(
            {
                name: self.weights[name] if tensor.is_floating_point() else tensor
                for name, tensor in own.items()
            }
        )

    @contextmanager
    def applied(self, model: nn.Module) -> Iterator[None]:
        """Within the block `model` has the averaged weights; after it its own."""
        own = copy_of(model)
        self.apply(model)
        try:
            yield
        finally:
            model.load_state_dict(own)
