"""The project's one importance-weighted estimate of log p(x)."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor
from torch.distributions import Distribution

from latentia.distributions import item_keys, per_item_noise
from latentia.distributions.numerics import widened
from latentia.errors import ConfigError

# On a CPU a pass should stay within the caches: more codes at a time are slower, not faster (measured on 28 x 28 pixels: a
# code takes 1.1 times as long among 256 and 1.3 times among 512 as among 128). A GPU wants as many as it can hold.
CPU_PASS_BYTES = 16 * 2**20
GPU_PASS_BYTES = 2 * 2**30

# (function of the index of a pass's first sample, indices) -> results in their order
_Mapper = Callable[[Callable[[int], Tensor], Iterable[int]], Iterable[Tensor]]


@runtime_checkable
class Codec(Protocol):
    """What the estimate asks of a model: its two conditional distributions, its prior, and what a decoded code costs."""

    @property
    def numbers_per_code(self) -> int:
        """About how many numbers are held at a time while one code is decoded and its likelihood taken."""
        ...

    def encode(self, x: Tensor) -> Distribution:
        """q(z|x)."""
        ...

    def prior(self) -> Distribution:
        """p(z)."""
        ...

    def conditional(self, z: Tensor, x: Tensor) -> Distribution:
        """p(x|z) for `[S, B, *latent]`, given the observed x for what is conditioned on (library sizes)."""
        ...


@dataclass(frozen=True)
class ImportanceEstimate:
    r"""What a set of importance weights w_s = p(x, z_s) / q(z_s|x) says of each item.

    Attributes:
        log_prob: log of their mean, `[B]` in nats: the estimate of log p(x).
        effective_samples: (\sum w)^2 / \sum w^2, `[B]`, between 1 and their number (Kong 1992): near 1, a single
            weight decides the estimate, which is then a loose bound.
    """

    log_prob: Float[Tensor, " batch"]
    effective_samples: Float[Tensor, " batch"]


@torch.no_grad()
def importance_estimate(
    model: Codec, x: Tensor, n_importance: int, *, seed: int = 0, codes_per_pass: int | None = None
) -> ImportanceEstimate:
    r"""Log p(x) \approx logsumexp_s[log p(x|z_s) + log p(z_s) - log q(z_s|x)] - log S, z_s ~ q(z|x), in nats.

    A lower bound on log p(x) in expectation, non-decreasing in S (Burda, Grosse & Salakhutdinov 2016, theorem 1).
    The noise of each item is a function of the item itself and of `seed`: an item's figure does not depend on the batch
    in which it stands, nor on the chunks in which items and samples are decoded (but for rounding).

    Args:
        model: gives q(z|x), p(z) and p(x|z); in evaluation mode.
        x: a batch `[B, *event]` of any size: each item is encoded once, and decoded in chunks.
        n_importance: S >= 1.
        seed: of the noise.
        codes_per_pass: codes decoded at a time (default: as many as keep a pass within a memory budget).

    Raises:
        ConfigError: if `n_importance` is less than 1.
    """
    if n_importance < 1:
        raise ConfigError(f"n_importance={n_importance}: at least one importance sample is needed")
    if codes_per_pass is None:
        budget = CPU_PASS_BYTES if x.device.type == "cpu" else GPU_PASS_BYTES
        codes_per_pass = max(1, budget // (x.element_size() * model.numbers_per_code))
    if len(x) == 0:
        empty = x.new_empty(0, dtype=_figures_dtype(x))
        return ImportanceEstimate(empty, empty)
    with _mapper(x.device) as mapper:
        parts = [
            _of_block(model, block, n_importance, seed, max(1, codes_per_pass // len(block)), mapper)
            for block in x.split(codes_per_pass)
        ]
    log_sum, log_square_sum = torch.cat(parts, 1).unbind(0)
    dtype = _figures_dtype(x)
    return ImportanceEstimate(
        (log_sum - math.log(n_importance)).to(dtype), (2 * log_sum - log_square_sum).exp().to(dtype)
    )


def importance_log_prob(model: Codec, x: Tensor, n_importance: int, *, seed: int = 0) -> Tensor:
    """Importance-weighted log p(x) in nats, `[B]`: the first half of `importance_estimate`."""
    return importance_estimate(model, x, n_importance, seed=seed).log_prob


def _of_block(
    model: Codec, x: Tensor, n_importance: int, seed: int, samples_per_pass: int, mapper: _Mapper
) -> Tensor:
    """`[2, B]`: log of the sum of the weights and of their squares, in double precision."""
    posterior, prior, keys = model.encode(x), model.prior(), item_keys(x)

    @torch.no_grad()
    def one_pass(first: int) -> Tensor:
        n = min(samples_per_pass, n_importance - first)
        with per_item_noise(keys, seed, first_sample=first):
            z = posterior.rsample(torch.Size([n]))
        log_weight = widened(model.conditional(z, x).log_prob(x) + prior.log_prob(z) - posterior.log_prob(z))
        return torch.stack([torch.logsumexp(log_weight, 0), torch.logsumexp(2 * log_weight, 0)])

    running = widened(torch.full((2, len(x)), -math.inf, dtype=_figures_dtype(x), device=x.device))
    for sums in mapper(one_pass, range(0, n_importance, samples_per_pass)):
        running = torch.logaddexp(running, sums)
    return running


def _figures_dtype(x: Tensor) -> torch.dtype:
    """The type of figures on data x: its own, or of tokens and counts the default."""
    return x.dtype if x.is_floating_point() else torch.get_default_dtype()


@contextmanager
def _mapper(device: torch.device) -> Iterator[_Mapper]:
    """On a CPU, passes side by side, each on one thread: its cores then need not wait for each other in every layer."""
    threads = torch.get_num_threads()
    if device.type != "cpu" or threads == 1:
        yield map
        return
    try:
        with ThreadPoolExecutor(threads, initializer=partial(torch.set_num_threads, 1)) as pool:
            yield pool.map
    finally:
        torch.set_num_threads(threads)
