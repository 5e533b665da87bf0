"""Maximum mean discrepancy between the codes of a batch and the prior: InfoVAE and Wasserstein autoencoders."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial

import torch
from jaxtyping import Float
from torch import Tensor

from latentia.core import Trace
from latentia.errors import ConfigError
from latentia.objectives.objective import Term, TermSum
from latentia.objectives.ramps import Number, positive
from latentia.objectives.setting import ObjectiveSetting
from latentia.objectives.terms import distortion, rate

WIDTHS = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
"""Of kernels, relative to the squared distance that is typical of codes from N(0, I): Tolstikhin et al. 2018, appendix."""

# squared distances and the squared width in code space -> kernel values
KERNELS: dict[str, Callable[[Tensor, float], Tensor]] = {
    "imq": lambda square, width: 2 * width / (2 * width + square),
    "rbf": lambda square, width: torch.exp(-square / (2 * width)),
}


def mmd2(
    a: Float[Tensor, "n dims"],
    b: Float[Tensor, "m dims"],
    kernel: str = "imq",
    widths: Sequence[float] = WIDTHS,
    weight: Float[Tensor, " n"] | None = None,
) -> Float[Tensor, ""]:
    r"""Unbiased estimate of the squared maximum mean discrepancy of two samples; it may fall below zero.

    .. math::
        \tfrac{1}{n(n-1)} \sum_{i \ne j} k(a_i, a_j) + \tfrac{1}{m(m-1)} \sum_{i \ne j} k(b_i, b_j)
        - \tfrac{2}{nm} \sum_{ij} k(a_i, b_j)

    With s^2 = D w for each relative width w, the kernel k is the mean over widths of

    * rbf: :math:`\exp(-|a - b|^2 / 2 s^2)`; the public code of InfoVAE has w = D / 2 alone;
    * imq: :math:`2 s^2 / (2 s^2 + |a - b|^2)`, the inverse multiquadric of Tolstikhin et al. 2018.

    Args:
        a: a sample, n of at least 2.
        b: a sample, m of at least 2.
        kernel: "imq", whose tails still reach codes far from the prior, or "rbf".
        widths: relative widths w; several, so that no one of them need be right.
        weight: of each of the first sample; a pair then has the product of its weights. None: all alike.

    Source: Gretton et al. 2012, A Kernel Two-Sample Test, eq. 3.

    Example:
        >>> x = torch.randn(50, 2, generator=torch.Generator().manual_seed(0))
        >>> bool(mmd2(x, x + 3.0) > 0.5), bool(mmd2(x[:25], x[25:]) < 0.1)
        (True, True)
    """
    n, m, dims = len(a), len(b), a.shape[-1]

    def value(square: Tensor) -> Tensor:
        return torch.stack([KERNELS[kernel](square, dims * width) for width in widths]).mean(0)

    # k(x, x) = 1 for both kernels, so that leaving out the diagonal is taking n from the sum
    within_b = (value(_squares(b, b)).sum() - m) / (m * (m - 1))
    if weight is not None:
        share = weight.to(a) / weight.to(a).sum()
        alone = share.square().sum()
        within_a = (share @ value(_squares(a, a)) @ share - alone) / (1 - alone)
        return within_a + within_b - 2 * (share @ value(_squares(a, b))).mean()
    within_a = (value(_squares(a, a)).sum() - n) / (n * (n - 1))
    return within_a + within_b - 2 * value(_squares(a, b)).mean()


def _squares(a: Tensor, b: Tensor) -> Tensor:
    """Squared distances `[n, m]`; by products, whose gradient is finite at distance 0, and exactly 0 on the diagonal."""
    square = a.square().sum(-1)[:, None] + b.square().sum(-1) - 2 * a @ b.T
    if a is b:
        square = square * (1 - torch.eye(len(a), dtype=a.dtype, device=a.device))
    return square.clamp(min=0)


def aggregate_mmd(kernel: str = "imq", widths: Sequence[Number] = WIDTHS) -> Callable[[Trace], Tensor]:
    """`mmd2` between a batch's codes and as many draws of the prior, averaged over the samples of z.

    A batch of a single item has no unbiased estimate and contributes nothing.

    Raises:
        ConfigError: if the kernel is unknown or a width not positive.
    """
    if kernel not in KERNELS:
        raise ConfigError(f"kernel={kernel!r}: expected one of {', '.join(KERNELS)}")
    if len(widths) == 0:
        raise ConfigError("widths=(): at least one width is expected")
    checked = tuple(positive("widths", width) for width in widths)
    return partial(_aggregate_mmd, kernel=kernel, widths=checked)


def _aggregate_mmd(trace: Trace, kernel: str, widths: Sequence[float]) -> Tensor:
    codes = trace.z.flatten(2)
    if codes.shape[1] < 2:
        return codes.sum() * 0
    drawn = trace.prior.sample(codes.shape[:2]).flatten(2)
    return torch.stack(
        [mmd2(a, b, kernel, widths, trace.weight) for a, b in zip(codes, drawn, strict=True)]
    ).mean()


def info_elbo(
    setting: ObjectiveSetting,
    *,
    alpha: Number = 1.0,
    lambda_: Number | None = None,
    kernel: str = "imq",
    widths: Sequence[Number] = WIDTHS,
) -> TermSum:
    r"""Distortion, a share of the rate, and the discrepancy of the aggregate posterior from the prior.

    .. math:: L = D + (1 - \alpha)\, E_x KL(q(z|x) \| p(z)) + (\alpha + \lambda - 1)\, \mathrm{MMD}^2(q(z), p(z))

    Source: Zhao, Song & Ermon 2019, InfoVAE, eq. 8. With alpha = 1 and a deterministic encoder it is WAE-MMD
    (Tolstikhin et al. 2018, algorithm 2) with -log p(x|z) as the cost.

    Args:
        setting: the size of the fit.
        alpha: 1 leaves the rate out, 0 keeps all of it.
        lambda_: None: the numbers in a datum, with which the distortion grows. For 28 x 28 pixels that is 784;
            published: 500 to 1000.
        kernel: "imq" or "rbf".
        widths: relative widths of the kernel; see `mmd2`.

    Raises:
        ConfigError: if a number is out of range, or the discrepancy would be rewarded (alpha + lambda below 1).
    """
    weight = positive("lambda_", math.prod(setting.event_shape) if lambda_ is None else lambda_, zero=True)
    if isinstance(alpha, bool) or not isinstance(alpha, (int, float)) or not -math.inf < alpha <= 1:
        raise ConfigError(f"alpha={alpha!r}: a number of at most 1 is expected")
    if alpha + weight < 1:
        raise ConfigError(
            f"alpha + lambda_ = {alpha + weight:g}: at least 1 is expected, or codes are driven off the prior"
        )
    terms = [Term("distortion", distortion), Term("mmd2", aggregate_mmd(kernel, widths), alpha + weight - 1)]
    if alpha != 1:
        terms.append(Term("kl", rate, 1.0 - alpha))
    return TermSum(tuple(terms))
