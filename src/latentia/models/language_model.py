"""What stands at q(z|x) of a language model, which has no code: so it is a sequence model like the others."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from latentia.distributions import DiagonalGaussian
from latentia.latent import Posterior


class NoFeatures(nn.Module):
    """An encoder that reads nothing: features `[B, 0]`."""

    like: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.n_features = 0
        self.register_buffer(
            "like", torch.zeros(1, 0), persistent=False
        )  # follows the model's device and type

    def forward(self, x: Tensor) -> Tensor:
        """No features of each item."""
        return self.like.expand(len(x), 0)


class NoCode(Posterior):
    """A Gaussian of no dimensions: its rate is 0, and the bound of its model the exact log-likelihood.

    Example:
        >>> q = NoCode()(torch.zeros(3, 0))
        >>> q.batch_shape, q.event_shape, q.entropy().shape
        (torch.Size([3]), torch.Size([0]), torch.Size([3]))
    """

    def __init__(self) -> None:
        super().__init__(0, 0)

    def forward(self, features: Tensor) -> DiagonalGaussian:
        """q(z|x): batch `[B]`, event `[0]`."""
        return DiagonalGaussian(features, torch.ones_like(features), validate_args=False)
