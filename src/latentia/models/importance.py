"""The project's one importance-weighted estimate of log p(x)."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor
from torch.distributions import Distribution

from latentia.distributions import item_keys, per_item_noise
from latentia.distributions.numerics import widened
from latentia.errors import ConfigError
from latentia.models.drafts import correction, worth_drafting

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


@runtime_checkable
class Weighs(Protocol):
    """A model that gives its importance weights itself: what is discrete in it is summed out, not drawn."""

    def log_weights(self, z: Tensor, x: Tensor, posterior: Any, prior: Any) -> Tensor:
        """Log p(x, z) / q(z|x) in nats, `[S, B]`, of draws z `[S, B, *latent]` of the posterior, or what has the same mean."""
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
def codes_within_budget(model: Codec, x: Tensor) -> int:
    """Codes to decode at a time, at least 1: as many as keep a pass within the memory budget of the device of `x`."""
    budget = CPU_PASS_BYTES if x.device.type == "cpu" else GPU_PASS_BYTES
    return max(1, budget // (x.element_size() * model.numbers_per_code))


def importance_estimate(
    model: Codec,
    x: Tensor,
    n_importance: int,
    *,
    seed: int = 0,
    codes_per_pass: int | None = None,
    drafted: bool | None = None,
) -> ImportanceEstimate:
    r"""Log p(x) \approx logsumexp_s[log p(x|z_s) + log p(z_s) - log q(z_s|x)] - log S, z_s ~ q(z|x), in nats.

    A model may give its weights itself (`Weighs`).

    A lower bound on log p(x) in expectation, non-decreasing in S (Burda, Grosse & Salakhutdinov 2016, theorem 1).
    The noise of each item is a function of the item itself and of `seed`: an item's figure does not depend on the batch
    in which it stands, nor on the chunks in which items and samples are decoded (but for rounding).

    Many samples of images are drafted in bfloat16 where a device is faster at it, and the estimate is corrected by float32 weights
    of those that count (`latentia.models.drafts`): on average over items the figure is that of float32, and the effective samples
    are those of the drafts.

    Args:
        model: gives q(z|x), p(z) and p(x|z); in evaluation mode.
        x: a batch `[B, *event]` of any size: each item is encoded once, and decoded in chunks.
        n_importance: S >= 1.
        seed: of the noise.
        codes_per_pass: codes decoded at a time (default: as many as keep a pass within a memory budget).
        drafted: whether to draft in bfloat16 (default: where it is faster).

    Raises:
        ConfigError: if `n_importance` is less than 1.
    """
    if n_importance < 1:
        raise ConfigError(f"n_importance={n_importance}: at least one importance sample is needed")
    if codes_per_pass is None:
        codes_per_pass = codes_within_budget(model, x)
    if len(x) == 0:
        empty = x.new_empty(0, dtype=_figures_dtype(x))
        return ImportanceEstimate(empty, empty)
    if drafted is None:
        drafted = not isinstance(model, Weighs) and worth_drafting(x, n_importance)
    with _mapper(x.device) as mapper:
        parts = []
        for items in x.split(codes_per_pass):
            block = _Block(model, items, n_importance, seed, codes_per_pass, mapper)
            found = block.drafted_sums() if drafted else None
            parts.append(block.sums() if found is None else found)
    log_sum, log_square_sum = torch.cat(parts, 1).unbind(0)
    dtype = _figures_dtype(x)
    return ImportanceEstimate(
        (log_sum - math.log(n_importance)).to(dtype), (2 * log_sum - log_square_sum).exp().to(dtype)
    )


def importance_log_prob(model: Codec, x: Tensor, n_importance: int, *, seed: int = 0) -> Tensor:
    """Importance-weighted log p(x) in nats, `[B]`: the first half of `importance_estimate`."""
    return importance_estimate(model, x, n_importance, seed=seed).log_prob


class _Block:
    """A few items, encoded once, whose samples are decoded in passes."""

    def __init__(
        self, model: Codec, x: Tensor, n_importance: int, seed: int, codes_per_pass: int, mapper: _Mapper
    ) -> None:
        self.model, self.x, self.n, self.seed, self.mapper = model, x, n_importance, seed, mapper
        self.codes_per_pass = codes_per_pass
        self.samples_per_pass = _evenly(n_importance, max(1, codes_per_pass // len(x)), x.device)
        self.posterior, self.prior, self.keys = model.encode(x), model.prior(), item_keys(x)

    def sums(self) -> Tensor:
        """`[2, B]`: log of the sum of the weights and of their squares, in double precision."""

        def one_pass(first: int) -> Tensor:
            return _log_sums(widened(self._log_weights(self._codes(first))))

        x = self.x
        running = widened(torch.full((2, len(x)), -math.inf, dtype=_figures_dtype(x), device=x.device))
        for sums in self.mapper(one_pass, range(0, self.n, self.samples_per_pass)):
            running = torch.logaddexp(running, sums)
        return running

    def drafted_sums(self) -> Tensor | None:
        """The same from drafts and their correction; None where the drafts are no good."""
        codes: dict[int, Tensor] = {}  # by the first sample of their pass

        def one_pass(first: int) -> Tensor:
            z = codes[first] = self._codes(first)
            log_likelihood = self._log_likelihood(z, self.x, half=True)
            return torch.stack([log_likelihood, self._log_ratio(z).to(log_likelihood)])

        firsts = range(0, self.n, self.samples_per_pass)
        drafted, log_ratio = torch.cat(list(self.mapper(one_pass, firsts)), 1)
        log_weight = widened(drafted) + widened(log_ratio)
        z = torch.cat([codes[first] for first in firsts])

        def rescore(samples: Tensor, items: Tensor) -> Tensor:
            return self._log_likelihoods(z[samples, items], self.x[items])

        shift = correction(log_weight, drafted, rescore)
        return None if shift is None else _log_sums(log_weight) + torch.stack([shift, 2 * shift])

    def _log_likelihoods(self, z: Tensor, x: Tensor) -> Tensor:
        """Log p(x|z) of pairs, `[P]`."""
        step = _evenly(len(z), self.codes_per_pass, x.device)

        def one_pass(first: int) -> Tensor:
            part = slice(first, first + step)
            return self._log_likelihood(z[None, part], x[part])[0]

        return torch.cat(list(self.mapper(one_pass, range(0, len(z), step))))

    @torch.no_grad()  # a thread of the mapper has a gradient mode of its own
    def _codes(self, first: int) -> Tensor:
        """z_s ~ q(z|x) of the pass that begins at sample `first`, `[S, B, D]`."""
        n = min(self.samples_per_pass, self.n - first)
        with per_item_noise(self.keys, self.seed, first_sample=first):
            return self.posterior.rsample(torch.Size([n]))

    @torch.no_grad()
    def _log_weights(self, z: Tensor) -> Tensor:
        """Log w, `[S, B]`."""
        if isinstance(self.model, Weighs):
            return self.model.log_weights(z, self.x, self.posterior, self.prior)
        return self._log_likelihood(z, self.x) + self._log_ratio(z)

    @torch.no_grad()
    def _log_likelihood(self, z: Tensor, x: Tensor, half: bool = False) -> Tensor:
        """Log p(x|z), `[S, B]`; with `half` from networks in bfloat16."""
        with torch.autocast(x.device.type, torch.bfloat16, enabled=half):
            p = self.model.conditional(z, x)
        return p.log_prob(x)

    @torch.no_grad()
    def _log_ratio(self, z: Tensor) -> Tensor:
        """Log p(z) - log q(z|x), `[S, B]`."""
        return self.prior.log_prob(z) - self.posterior.log_prob(z)


def _log_sums(log_weight: Tensor) -> Tensor:
    return torch.stack([torch.logsumexp(log_weight, 0), torch.logsumexp(2 * log_weight, 0)])


def _figures_dtype(x: Tensor) -> torch.dtype:
    """The type of figures on data x: its own, or of tokens and counts the default."""
    return x.dtype if x.is_floating_point() else torch.get_default_dtype()


def _evenly(n: int, most: int, device: torch.device) -> int:
    """The size of a pass, at most `most`, with which n things go in passes that keep every thread of a CPU busy to the end."""
    side_by_side = torch.get_num_threads() if device.type == "cpu" else 1
    rounds = math.ceil(n / (most * side_by_side))
    return max(1, math.ceil(n / (rounds * side_by_side)))


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
