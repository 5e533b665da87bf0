"""The figures of a fitted model on one split of the data, in one pass."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor

from latentia.core import LatentModel, Trace
from latentia.diagnostics.bits import BEYOND, Bits, alphabet_of, bits_of_density, bits_of_levels
from latentia.diagnostics.sampling import Sample
from latentia.distributions import Delta, item_keys, mean_of, per_item_noise
from latentia.errors import DataError
from latentia.models import evaluating, importance_estimate
from latentia.progress import each

ACTIVE_VARIANCE = 0.01
"""A latent dimension is active if the variance over x of E_q[z_d|x] exceeds this (Burda et al. 2016, section 5.2)."""


@dataclass(frozen=True)
class Evaluation:
    r"""What a model says of a split. Nats per item, means over items, unless said otherwise.

    Attributes:
        n: items.
        latent_dim: D.
        log_likelihood: importance-weighted log p(x); None if none was asked for or the posterior has no density.
        log_likelihood_se: its standard error over items.
        n_importance: importance samples for each item.
        n_importance_items: items on which they were drawn.
        effective_samples: effective number of importance samples, mean over those items; near 1, `log_likelihood` is loose.
        elbo: -distortion - kl; None for a posterior without density.
        distortion: -E_q log p(x|z).
        kl: the rate, E KL(q(z|x) || p(z)); None for a posterior without density.
        bits_per_dim: of images, from `log_likelihood` (from `elbo` where that is None), in bits per pixel and channel.
        bits_per_dim_note: how it was computed, and what it compares with.
        sse: E_q of the squared error between x and the mean of p(x|z), summed over the event; None where p(x|z) has no mean.
        sse_of_mean: the same with z the mean of q(z|x).
        sigma2: the variance of a Gaussian likelihood that is in force, mean over the event; None for other likelihoods.
        sigma2_optimal: `sse` / event size: the shared variance that is optimal on this split (Rybkin et al. 2021, eq. 8).
        kl_per_dim: the rate of each latent dimension (one number if q or p does not factorise).
        active_units: how many latent dimensions have Var_x E_q[z_d|x] > 0.01 (Burda et al. 2016).
        active: which.
        seconds: time that the evaluation took.
        bits_per_dim_alphabet: the values that a number can take; figures of unlike alphabets are not comparable.
    """

    n: int
    latent_dim: int
    log_likelihood: float | None
    log_likelihood_se: float | None
    n_importance: int
    n_importance_items: int
    effective_samples: float | None
    elbo: float | None
    distortion: float
    kl: float | None
    bits_per_dim: float | None
    bits_per_dim_note: str
    sse: float | None
    sse_of_mean: float | None
    sigma2: float | None
    sigma2_optimal: float | None
    kl_per_dim: tuple[float, ...]
    active_units: int
    active: tuple[bool, ...]
    seconds: float
    bits_per_dim_alphabet: str = ""


def evaluate(
    model: LatentModel,
    x_batches: Iterable[Tensor],
    *,
    n_importance: int = 100,
    importance_items: int | None = None,
    seed: int = 0,
    log_volume: float = 0.0,
) -> Evaluation:
    r"""Measure `model` on a split, in one pass, in evaluation mode.

    Each item's noise is a function of the item and of `seed`, and sums are taken in double precision: the figures do not
    depend on the order of the items nor on the batching (but for rounding in the networks). E_q is estimated with one
    sample for each item.

    Where `importance_items` is less than n, the importance weights are drawn for that many items, chosen by a hash of their
    values, and the bound of all items corrects for the choice (a regression estimator: Cochran 1977, section 7.2):

    .. math:: \overline{\log p} = \overline{\log p}_{chosen} + b (\overline{elbo}_{all} - \overline{elbo}_{chosen}), \quad
        b = \frac{cov(\log p, elbo)}{var(elbo)}

    with the bound of one sample for each item: a noisy one gets a small b.

    Args:
        model: a VAE, or any model with its face.
        x_batches: batches `[B, *event]` as the model takes them, on its device.
        n_importance: samples for each item; 0 leaves the log-likelihood out.
        importance_items: most items for which they are drawn; None draws for all.
        seed: of the noise.
        log_volume: log of the volume that one unit of the model's data has in the units of the original (the
            logarithm of the product of the columns' scales): subtracted from every log-density.

    Raises:
        DataError: if there is no item.
        ConfigError: if `n_importance` is negative.

    Example:
        >>> from latentia.estimators.compose import compose
        >>> from latentia.kinds.vae.catalog import CATALOG
        >>> model = compose(CATALOG["sigma-vae"], (4,), 2, likelihood="gaussian", network="mlp")
        >>> figures = evaluate(model, [torch.zeros(3, 4), torch.ones(2, 4)], n_importance=10)
        >>> figures.n, figures.latent_dim, len(figures.kl_per_dim)
        (5, 2, 2)
    """
    started = time.perf_counter()
    sums, chosen = _Sums(), Sample(importance_items)
    with torch.no_grad(), evaluating(model):
        for x in each("evaluation, batches", x_batches):
            if len(x) == 0:
                continue
            with per_item_noise(item_keys(x), seed):
                trace = model.trace(x)
            mean_code = trace.posterior.mean
            sums.add(trace, mean_code, mean_of(model.conditional(mean_code[None], x)))
            # With all items there is nothing to choose, and batches need not be kept.
            if importance_items is None:
                sums.add_importance(model, x, trace, n_importance, seed)
            elif n_importance:
                chosen.add(x)
        if sums.n == 0:
            raise DataError("there is nothing to evaluate: the split has no items; expected at least one")
        if importance_items is not None and n_importance and not sums.deterministic:
            # Its own small batches: the traces of all chosen items need not fit into memory at once.
            for x in chosen.items.split(256):
                with per_item_noise(item_keys(x), seed):
                    trace = model.trace(x)
                sums.add_importance(model, x, trace, n_importance, seed)
    return sums.figures(model, n_importance, log_volume, time.perf_counter() - started)


_FEWEST_FOR_SLOPE = 30  # below that many chosen items the slope would be noise


class _Sums:
    """What is gathered over batches: per-item scalars, and sums over items of what has a latent dimension."""

    def __init__(self) -> None:
        self.n = 0
        self.deterministic = False
        self.scalars: dict[str, list[Tensor]] = {}
        self.kl = self.code = self.code_square = torch.zeros(1, dtype=torch.float64)

    def add(self, trace: Trace, mean_code: Tensor, mean_reconstruction: Tensor | None) -> None:
        """Gather one batch."""
        self.deterministic = isinstance(trace.posterior, Delta)
        self.event_shape = trace.x.shape[1:]
        self.alphabet = alphabet_of(trace.likelihood)
        self.n += len(trace.x)
        self._append("log_likelihood", trace.log_likelihood.mean(0))
        self._append("elbo", trace.elbo.mean(0))
        mean = mean_of(trace.likelihood)
        if mean is not None and mean_reconstruction is not None:
            self._append("sse", _square_error(trace.x, mean))
            self._append("sse_of_mean", _square_error(trace.x, mean_reconstruction))
        code = _host(mean_code).flatten(1)
        self.kl = self.kl + _host(trace.kl).mean(0).sum(0)
        # Sums of squares about the first batch's mean lose no digits where codes lie far from 0 (autoencoders).
        if self.n == len(trace.x):
            self.origin = code.mean(0)
        self.code = self.code + (code - self.origin).sum(0)
        self.code_square = self.code_square + (code - self.origin).square().sum(0)

    def add_importance(
        self, model: LatentModel, x: Tensor, trace: Trace, n_importance: int, seed: int
    ) -> None:
        """Draw importance weights for one batch, if there is a density."""
        if self.deterministic or n_importance == 0:
            return
        estimate = importance_estimate(model, x, n_importance, seed=seed)
        self._append("log_prob", estimate.log_prob)
        self._append("chosen_elbo", trace.elbo.mean(0))
        self._append("effective_samples", estimate.effective_samples)

    def _append(self, name: str, values: Tensor) -> None:
        self.scalars.setdefault(name, []).append(_host(values))

    def values(self, name: str) -> Tensor:
        """Per-item values of a scalar, `[n]`."""
        return torch.cat(self.scalars[name])

    def mean(self, name: str) -> float:
        """Mean over items."""
        return float(self.values(name).mean())

    def log_likelihood(self) -> tuple[float, float | None, int]:
        """Importance-weighted log p(x), its standard error, and the items it is from."""
        log_prob = self.values("log_prob")
        m = len(log_prob)
        if m == self.n:
            se = float(log_prob.std() / math.sqrt(m)) if m > 1 else None
            return float(log_prob.mean()), se, m
        elbo, chosen = self.values("elbo"), self.values("chosen_elbo")
        if m < _FEWEST_FOR_SLOPE:
            slope = 1.0
        else:
            centred = chosen - chosen.mean()
            slope = float(
                (centred * (log_prob - log_prob.mean())).sum() / centred.square().sum().clamp_min(1e-300)
            )
        # The two parts are taken as independent: uncorrelated they are by the choice of the slope.
        rest = log_prob - slope * chosen
        variance = slope**2 * elbo.var() / self.n + (rest.var() / m if m > 1 else math.nan)
        return float(rest.mean()) + slope * self.mean("elbo"), float(variance**0.5), m

    def figures(self, model: LatentModel, n_importance: int, log_volume: float, seconds: float) -> Evaluation:
        """Reduce to the result."""
        active = self._active()
        distortion = log_volume - self.mean("log_likelihood")
        log_likelihood: float | None = None
        se: float | None = None
        items, kl, elbo = 0, None, None
        if not self.deterministic:
            kl = float(self.kl.sum() / self.n)
            elbo = -distortion - kl
            if "log_prob" in self.scalars:
                log_likelihood, se, items = self.log_likelihood()
                log_likelihood -= log_volume
        bits = self._bits(elbo if log_likelihood is None else log_likelihood, log_volume)
        sigma2 = getattr(getattr(model, "likelihood", None), "variance", None)
        sse = self.mean("sse") if "sse" in self.scalars else None
        return Evaluation(
            n=self.n,
            latent_dim=len(active),
            log_likelihood=log_likelihood,
            log_likelihood_se=se,
            n_importance=n_importance if items else 0,
            n_importance_items=items,
            effective_samples=self.mean("effective_samples") if items else None,
            elbo=elbo,
            distortion=distortion,
            kl=kl,
            bits_per_dim=bits.value,
            bits_per_dim_note=bits.note,
            sse=sse,
            sse_of_mean=None if sse is None else self.mean("sse_of_mean"),
            sigma2=None if sigma2 is None else float(_host(sigma2).mean()),
            sigma2_optimal=None if sse is None else sse / self.event_shape.numel(),
            kl_per_dim=() if self.deterministic else tuple((self.kl / self.n).tolist()),
            active_units=sum(active),
            active=active,
            seconds=seconds,
            bits_per_dim_alphabet=bits.alphabet,
        )

    def _active(self) -> tuple[bool, ...]:
        spread = self.code_square - self.code.square() / self.n
        return tuple((spread / max(self.n - 1, 1) > ACTIVE_VARIANCE).tolist())

    def _bits(self, log_prob: float | None, log_volume: float) -> Bits:
        if len(self.event_shape) != 3:
            return Bits(None, "not images")
        if log_prob is None:
            return Bits(None, "the posterior has no density, so there is no bound")
        if self.alphabet is not None:
            return bits_of_levels(log_prob, self.event_shape.numel(), self.alphabet)
        return Bits(None, BEYOND) if log_volume else bits_of_density(log_prob, self.event_shape.numel())


def _host(x: Tensor) -> Tensor:
    """`x` on the CPU in double precision (which Apple's GPUs lack)."""
    return x.detach().cpu().double()


def _square_error(x: Tensor, mean: Tensor) -> Tensor:
    """Squared error summed over the event, mean over samples: `[B]` from x `[B, *event]` and mean `[S, B, *event]`."""
    return (mean - x).square().flatten(2).sum(-1).mean(0)
