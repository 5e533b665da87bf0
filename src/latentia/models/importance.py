"""The project's one importance-weighted estimate of log p(x)."""

from __future__ import annotations

import math
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor
from torch.distributions import Distribution

from latentia.distributions import item_keys, per_item_noise
from latentia.errors import ConfigError

MEMORY_BUDGET = 256 * 2**20


@runtime_checkable
class Codec(Protocol):
    """What the estimate asks of a model: its two conditional distributions and its prior."""

    def encode(self, x: Tensor) -> Distribution:
        """q(z|x)."""
        ...

    def prior(self) -> Distribution:
        """p(z)."""
        ...

    def conditional(self, z: Tensor, x: Tensor) -> Distribution:
        """p(x|z) for `[S, B, *latent]`, given the observed x for what is conditioned on (library sizes)."""
        ...


@torch.no_grad()
def importance_log_prob(
    model: Codec, x: Tensor, n_importance: int, *, seed: int = 0, samples_per_pass: int | None = None
) -> Float[Tensor, "batch"]:
    r"""Log p(x) \approx logsumexp_s[log p(x|z_s) + log p(z_s) - log q(z_s|x)] - log S, z_s ~ q(z|x), in nats.

    A lower bound on log p(x) in expectation, non-decreasing in S (Burda, Grosse & Salakhutdinov 2016, theorem 1).
    The noise of each item is a function of the item itself and of `seed`: an item's figure does not depend on the batch
    in which it stands, nor on the chunks in which samples are drawn.

    Args:
        model: gives q(z|x), p(z) and p(x|z).
        x: a batch `[B, *event]`.
        n_importance: S >= 1.
        seed: of the noise.
        samples_per_pass: samples decoded at a time (default: as many as keep the pass within a memory budget).

    Returns:
        `[B]`, in nats.
    """
    if n_importance < 1:
        raise ConfigError(f"n_importance={n_importance}: at least one importance sample is needed")
    posterior, prior, keys = model.encode(x), model.prior(), item_keys(x)
    if samples_per_pass is None:
        # Activations of a decoder take tens of floats for each element of the event.
        bytes_per_sample = 64 * x.element_size() * max(x[0].numel(), 1) * len(x)
        samples_per_pass = max(1, MEMORY_BUDGET // max(bytes_per_sample, 1))
    running = torch.full((len(x),), -math.inf, dtype=x.dtype, device=x.device)
    for first in range(0, n_importance, samples_per_pass):
        n = min(samples_per_pass, n_importance - first)
        with per_item_noise(keys, seed, first_sample=first):
            z = posterior.rsample(torch.Size([n]))
        log_weight = model.conditional(z, x).log_prob(x) + prior.log_prob(z) - posterior.log_prob(z)
        running = torch.logaddexp(running, torch.logsumexp(log_weight, 0))
    return running - math.log(n_importance)
