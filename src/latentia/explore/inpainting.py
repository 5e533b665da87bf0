r"""Missing pixels, from those that are there: z is inferred from the observed part of an item, and decoded.

With o the observed elements, log p(z | x_o) = log p(x_o | z) + log p(z) - log p(x_o), where p(x_o | z) is the product over
observed elements alone: what is missing never enters.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.distributions import Distribution, Independent

from latentia.distributions import DiagonalGaussian
from latentia.draws import seeded
from latentia.errors import ConfigError, DataError
from latentia.explore.protocol import LatentEstimator

Method = Literal["optimise", "sample"]
METHODS: tuple[Method, ...] = ("optimise", "sample")

_FILLING_ROUNDS = 5
_LEARNING_RATE = 0.1
_ACCEPTANCE = 0.574  # optimal for Langevin proposals (Roberts and Rosenthal 1998)


@dataclass(frozen=True)
class Inpainted:
    """Completed items.

    Attributes:
        items: the observed elements as given, the missing ones decoded: `[n, *event]`, or with "sample"
            `[n, draws, *event]`.
        codes: `[n, D]` or `[n, draws, D]`.
        log_joint: log p(x_o, z) of each code in nats of model-scaled data, `[n]` or `[n, draws]`.
        acceptance: share of Langevin proposals that were accepted, of "sample"; else None.
    """

    items: NDArray[Any]
    codes: NDArray[Any]
    log_joint: NDArray[np.float64]
    acceptance: float | None = None


def inpaint(
    estimator: LatentEstimator,
    X: Any,
    missing: Any,
    method: Method = "optimise",
    *,
    draws: int = 8,
    restarts: int = 8,
    steps: int = 300,
    seed: int = 0,
) -> Inpainted:
    r"""Complete items of which a part is missing.

    * ``"optimise"``: the most probable code, :math:`\arg\max_z \log p(x_o|z) + \log p(z)`, by Adam from `restarts` starts:
      one from the encoder, which is shown the item with the gaps filled by its own decoding in turn (Rezende, Mohamed and
      Wierstra 2014, appendix F), the others from the prior; the best end is taken.
    * ``"sample"``: `draws` codes from p(z | x_o), each the end of a Metropolis-adjusted Langevin chain (Roberts and Tweedie
      1996) that starts at such an optimum; step sizes adapt in the first half of the steps.

    Args:
        estimator: a fitted VAE whose likelihood is a product over elements (over pixels, for mixtures of channels).
        X: items `[n, *event]`; what stands at missing places is ignored (NaN will do).
        missing: True where an element is missing, `[n, *event]` or `[*event]`.
        method: "optimise" or "sample".
        draws: of "sample", for each item.
        restarts: starts of the optimisation, at least 1.
        steps: of Adam, and again of each chain.
        seed: of starts and chains.

    Raises:
        ConfigError: for an unknown method, numbers below 1, or a likelihood that is no product.
        DataError: for a mask of another shape, or one that leaves nothing observed.
    """
    for name, value in (("draws", draws), ("restarts", restarts), ("steps", steps)):
        if value < 1:
            raise ConfigError(f"{name}={value}: at least 1 is needed")
    if method not in METHODS:
        raise ConfigError(f"method={method!r} is unknown; give one of {', '.join(METHODS)}")
    array, hidden = _masked(X, missing)
    module, x = estimator.tensors(array)
    observed = torch.as_tensor(~hidden.reshape(x.shape), device=x.device)
    target = _Target(module, x, observed)
    generator = torch.Generator().manual_seed(seed)
    z = _optimum(target, _starts(target, restarts, generator), steps)
    acceptance = None
    if method == "sample":
        z, acceptance = _langevin(target, z.expand(draws, -1, -1), steps, generator)
    with torch.no_grad():
        log_joint = target(z).double().cpu().numpy()
    codes = z.detach().cpu().numpy()
    decoded = estimator.inverse_transform(codes.reshape(-1, codes.shape[-1]))
    decoded = decoded.reshape(len(codes), *array.shape)
    items = np.where(hidden, decoded, array.astype(decoded.dtype))
    if method == "optimise":
        return Inpainted(items[0], codes[0], log_joint[0])
    return Inpainted(items.swapaxes(0, 1), codes.swapaxes(0, 1), log_joint.T, acceptance)


def _masked(X: Any, missing: Any) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """X with zeros at missing places, and the mask in its shape."""
    array, mask = np.array(X), np.asarray(missing)
    if mask.dtype != bool:
        raise DataError(f"missing has type {mask.dtype}; expected booleans, True where an element is missing")
    if mask.shape not in (array.shape, array.shape[1:]):
        raise DataError(
            f"missing has shape {list(mask.shape)}; expected that of X, {list(array.shape)}, or of one item"
        )
    mask = np.broadcast_to(mask, array.shape)
    empty = np.flatnonzero(mask.reshape(len(mask), -1).all(axis=1))
    if len(empty):
        raise DataError(f"nothing of item {empty[0]} is observed: at least one element must be")
    array[mask] = 0
    return array, mask


class _Target:
    """log p(x_o | z) + log p(z), `[S, B]` in nats, for codes `[S, B, D]`."""

    def __init__(self, module: Any, x: Tensor, observed: Tensor) -> None:
        self.module, self.x, self.observed = module, x, observed

    def __call__(self, z: Tensor) -> Tensor:
        elements = _elementwise(self.module.conditional(z, self.x), self.x)
        observed = self.observed
        if (
            elements.ndim == observed.ndim
        ):  # a pixel's channels are one element: it is observed if all of them are
            observed = observed.all(1)
        likelihood = torch.where(observed, elements, torch.zeros_like(elements)).flatten(2).sum(-1)
        return likelihood + self.module.prior().log_prob(z)

    def gradient(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """The value and its gradient with respect to z."""
        with torch.enable_grad():
            z = z.detach().requires_grad_()
            value = self(z)
            (gradient,) = torch.autograd.grad(value.sum(), z)
        return value.detach(), gradient


def _elementwise(p: Distribution, x: Tensor) -> Tensor:
    """Log-probability of each element, `[S, B, *elements]`."""
    if isinstance(p, DiagonalGaussian):
        return p.base.log_prob(x)
    if isinstance(p, Independent):
        return p.base_dist.log_prob(x)
    raise ConfigError(
        f"a likelihood {type(p).__name__} is no product over elements: it has no probability of a part of an item; "
        "fit with a Gaussian, Bernoulli or discretized logistic one to inpaint"
    )


def _starts(target: _Target, restarts: int, generator: torch.Generator) -> Tensor:
    """Codes to optimise from, `[restarts, B, D]`."""
    module, filled = target.module, target.x
    with torch.no_grad():
        for _ in range(_FILLING_ROUNDS):
            z = module.amortised(filled).mean
            filled = torch.where(target.observed, target.x, module.conditional(z[None], target.x).mean[0])
        with seeded(int(torch.randint(2**31, (), generator=generator)), z.device):
            others = module.prior().sample(torch.Size([restarts - 1, len(z)]))
    return torch.cat([z[None], others.to(z)])


def _optimum(target: _Target, start: Tensor, steps: int) -> Tensor:
    """The best end of the ascents from `start` `[R, B, D]`: `[1, B, D]`."""
    z, best = start.clone(), start.clone()
    optimiser = torch.optim.Adam([z], lr=_LEARNING_RATE)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    highest = torch.full(start.shape[:2], -torch.inf, dtype=start.dtype, device=start.device)
    for step in range(steps + 1):
        value, gradient = target.gradient(z)
        better = value > highest
        highest = torch.where(better, value, highest)
        best = torch.where(better[..., None], z, best)
        if step < steps:
            z.grad = -gradient
            optimiser.step()
            schedule.step()
    winner = highest.argmax(0)
    return best[winner, torch.arange(best.shape[1], device=best.device)][None].clone()


def _langevin(target: _Target, start: Tensor, steps: int, generator: torch.Generator) -> tuple[Tensor, float]:
    """The ends of Metropolis-adjusted Langevin chains, one for each code of `start`, and their acceptance."""

    def noise(*shape: int) -> Tensor:
        return torch.randn(shape, generator=generator, dtype=start.dtype).to(start.device)

    z, scale = start.clone(), torch.full(start.shape[:2], 0.1, dtype=start.dtype, device=start.device)
    value, gradient = target.gradient(z)
    accepted, counted = 0.0, 0
    for step in range(steps):
        s2 = scale[..., None].square()
        move = noise(*z.shape)
        proposal = z + 0.5 * s2 * gradient + scale[..., None] * move
        new_value, new_gradient = target.gradient(proposal)
        back = (z - proposal - 0.5 * s2 * new_gradient) / scale[..., None]
        log_ratio = new_value - value + 0.5 * (move.square() - back.square()).sum(-1)
        uniform = torch.rand(z.shape[:2], generator=generator, dtype=start.dtype).to(start.device)
        accept = uniform.log() < log_ratio
        z = torch.where(accept[..., None], proposal, z)
        value = torch.where(accept, new_value, value)
        gradient = torch.where(accept[..., None], new_gradient, gradient)
        if (
            step < steps // 2
        ):  # afterwards the kernel is fixed, and with it the distribution that it leaves unchanged
            chance = log_ratio.clamp(max=0).exp().nan_to_num()
            scale = scale * torch.exp((chance - _ACCEPTANCE) / (1 + step) ** 0.5)
        else:
            accepted, counted = accepted + float(accept.double().mean()), counted + 1
    return z, accepted / max(counted, 1)
