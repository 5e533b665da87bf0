"""A model with codes as the autoencoder that it is trained as first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import torch
from torch import Tensor, nn

from latentia.core import Trace
from latentia.distributions import Delta


class MeanCoded(nn.Module):
    """A model whose code is the mean of q(z|x), and whose rate is not counted: log p(x|z) alone is its bound.

    It shares all weights with the model. Source: Li, He, Neubig, Berg-Kirkpatrick & Yang 2019, A Surprisingly Effective Fix for
    Deep Latent Variable Modeling of Text, section 3.1 (its first phase).

    Args:
        model: with `encode`, `prior`, `conditional`, `encoder_parameters`, `prepare` and `calibrate`.
    """

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def trace(self, x: Tensor, n_samples: int = 1) -> Trace:
        """One pass with the mean of q(z|x) for every draw."""
        model: Any = self.model
        mean = model.encode(x).mean
        z = mean.expand(n_samples, *mean.shape)
        likelihood = model.conditional(z, x)
        return Trace(
            x=x,
            z=z,
            posterior=Delta(mean, validate_args=False),
            prior=model.prior(),
            likelihood=likelihood,
            log_likelihood=likelihood.log_prob(x),
            kl=torch.zeros_like(z).flatten(2),
        )

    def encoder_parameters(self) -> Iterator[nn.Parameter]:
        """Those of the model."""
        model: Any = self.model
        yield from model.encoder_parameters()

    def prepare(self, x: Tensor) -> None:
        """As the model does."""
        model: Any = self.model
        model.prepare(x)

    def calibrate(self, x_batches: Iterable[Any]) -> None:
        """Nothing: the model is calibrated once it is trained as what it is."""
