"""AIR with a count that is drawn, not summed out: the published estimators of its gradient, for comparison."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from latentia import draws
from latentia.core import Trace
from latentia.errors import ConfigError
from latentia.latent.scenes.counts import gaussian, stop_log_weights
from latentia.latent.scenes.objects import ObjectPosterior, Unrolled
from latentia.models.scenes.air import AIR

GRADIENTS = ("nvil", "relaxed")
_TEMPERATURE = 0.5
_MEMORY = 0.9


class _Quick(nn.Linear):
    """A dense layer that learns ten times as fast as the rest, as the baseline of the paper does."""

    rate_factors: Mapping[str, float] = {"weight": 10.0, "bias": 10.0}


class SampledAIR(AIR):
    r"""AIR whose training draws the count n ~ q(n|x, z); all figures outside training are those of `AIR`, with n summed out.

    * "nvil": the bound at the drawn n, with the score function's gradient (L - b(x)) grad log q(n), b a network that learns to foretell L,
      centred by moving averages. `auxiliary["score"]` and `["baseline"]` are what `latentia.objectives.scenes.nvil` adds to the bound.
    * "relaxed": each object's presence is a binary Concrete variable, which scales what it paints and what it costs; the bound is
      that of the relaxed model.

    Args:
        event_shape: `[C, H, W]`.
        gradient: "nvil" or "relaxed".
        **options: of `AIR`.

    Raises:
        ConfigError: for another gradient.

    Source: Eslami et al. 2016, section 3.1, with Mnih and Gregor 2014; Maddison, Mnih and Teh 2017, The Concrete Distribution.
    """

    mean_signal: Tensor
    square_signal: Tensor

    def __init__(self, event_shape: Any, *args: Any, gradient: str = "nvil", **options: Any) -> None:
        if gradient not in GRADIENTS:
            raise ConfigError(f"gradient={gradient!r}: expected one of {', '.join(GRADIENTS)}")
        super().__init__(event_shape, *args, **options)
        self.gradient = gradient
        self.register_buffer("mean_signal", torch.zeros(()))
        self.register_buffer("square_signal", torch.ones(()))
        if gradient == "nvil":
            size = self.event_shape.numel()
            self.baseline = nn.Sequential(
                nn.Flatten(), _Quick(size, 256), nn.ReLU(), _Quick(256, 1), nn.Flatten(0)
            )

    def _traced(self, x: Tensor, posterior: ObjectPosterior, found: Unrolled, n_samples: int) -> Trace:
        exact = super()._traced(x, posterior, found, n_samples)
        if not self.training:
            return exact
        return (self._drawn if self.gradient == "nvil" else self._relaxed)(exact, x, found, n_samples)

    def _drawn(self, exact: Trace, x: Tensor, found: Unrolled, n_samples: int) -> Trace:
        lead = (n_samples, len(x))
        log_q = self.log_counts(found.logits)
        n = draws.multinomial(log_q.detach().exp(), 1)  # [M, 1]
        own = log_q.gather(1, n)[:, 0]
        squares = (
            (x.repeat(n_samples, 1, 1, 1)[:, None] - found.canvases)
            .square()
            .flatten(2)
            .sum(-1)
            .gather(1, n)[:, 0]
        )
        log_likelihood = gaussian(squares, self.likelihood(), self.event_shape.numel())
        rate = found.rates * (torch.arange(self.n_slots, device=x.device) < n)[..., None]
        of_count = (own - self.count_prior()[n[:, 0]])[:, None]
        kl = torch.cat([rate.flatten(1), of_count], 1)
        bound = (log_likelihood - kl.sum(-1)).detach()
        guess = self.baseline(x).repeat(n_samples)
        signal = self._centred(bound - guess.detach() * self.event_shape.numel())
        score = -(signal * own)
        wrong = (guess - bound / self.event_shape.numel()).square()
        return _replaced(
            exact,
            log_likelihood.unflatten(0, lead),
            kl.unflatten(0, lead),
            {"score": score - score.detach(), "baseline": wrong},
        )

    @torch.no_grad()
    def _centred(self, signal: Tensor) -> Tensor:
        """Less its moving average, over its moving deviation where that is above 1 (Mnih and Gregor 2014, section 2.3.3)."""
        self.mean_signal.lerp_(signal.mean(), 1 - _MEMORY)
        self.square_signal.lerp_((signal - self.mean_signal).square().mean(), 1 - _MEMORY)
        return (signal - self.mean_signal) / self.square_signal.sqrt().clamp(min=1)

    def _relaxed(self, exact: Trace, x: Tensor, found: Unrolled, n_samples: int) -> Trace:
        lead = (n_samples, len(x))
        noise = draws.rand(found.logits.shape, dtype=x.dtype, device=x.device).clamp(1e-6, 1 - 1e-6).logit()
        log_there = F.logsigmoid((found.logits + noise) / _TEMPERATURE).cumsum(1)
        there = log_there.exp()
        canvas = (there[..., None, None, None] * found.layers).sum(1)
        squares = (x.repeat(n_samples, 1, 1, 1) - canvas).square().flatten(1).sum(-1)
        log_likelihood = gaussian(squares, self.likelihood(), self.event_shape.numel())
        log_q = stop_log_weights(found.logits)
        of_count = (log_q.exp() * (log_q - self.count_prior())).sum(-1, keepdim=True)
        kl = torch.cat([(there[..., None] * found.rates).flatten(1), of_count], 1)
        return _replaced(exact, log_likelihood.unflatten(0, lead), kl.unflatten(0, lead), {})


def _replaced(exact: Trace, log_likelihood: Tensor, kl: Tensor, auxiliary: dict[str, Tensor]) -> Trace:
    """The trace with another bound, and losses of its own."""
    return Trace(
        exact.x,
        exact.z,
        exact.posterior,
        exact.prior,
        exact.likelihood,
        log_likelihood,
        kl,
        auxiliary,
        scene=exact.scene,
    )
