"""How a gradient passes a quantizer: pure functions from z_e and its code to what the decoder takes.

The map from z_e to its nearest code is constant within each cell, so its own gradient is zero: what a decoder has to say
about e never reaches the encoder. Each function here has the code's value and another gradient:

| name | gradient that z_e gets of a gradient g at the code |
| --- | --- |
| `straight-through` | g |
| `rotation` | g turned and scaled as the code is against z_e |
| `soft-to-hard` | through a softmax over the codes, whose temperature falls |
| `subgradient` | none: the encoder learns from the distortion alone |

The distortion d(z_e) = min_j |z_e - e_j|^2 is a minimum of smooth functions and does have a subgradient, 2 (z_e - e_k): that of
the commitment loss with respect to z_e and of the codebook loss with respect to e. The last row is descent along it
with nothing added.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

_PARALLEL = 1e-3
"""Opposite vectors, |u + q| below this, have no unique rotation onto each other."""


def straight_through(
    z_e: Float[Tensor, "*batch dim"], e: Float[Tensor, "*batch dim"]
) -> Float[Tensor, "*batch dim"]:
    r"""The code, with the identity for a gradient: :math:`z_e + \mathrm{sg}(e - z_e)`.

    Source: Bengio, Leonard and Courville 2013; van den Oord, Vinyals and Kavukcuoglu 2017, section 3.2.

    Example:
        >>> z = torch.tensor([[0.9, 0.2]], requires_grad=True)
        >>> straight_through(z, torch.tensor([[1.0, 0.0]])).mul(torch.tensor([3.0, 4.0])).sum().backward()
        >>> z.grad
        tensor([[3., 4.]])
    """
    return _valued(z_e, e)


def rotation(z_e: Float[Tensor, "*batch dim"], e: Float[Tensor, "*batch dim"]) -> Float[Tensor, "*batch dim"]:
    r"""The code, reached from z_e by a rotation and a scaling that count as constants: the rotation trick.

    .. math:: \mathrm{sg}(\lambda R) z_e, \quad \lambda = |e| / |z_e|, \quad R = I - 2 r r^T + 2 q u^T

    with u and q the directions of z_e and e, and r that of u + q. The gradient is :math:`\lambda R^T g`: it keeps its angle to the
    vector. Where R or its scale is not defined (either vector zero, or opposite directions) it is the straight-through one.

    Source: Fifty, Junkins, Duan, Iger, Liu, Amid, Thrun and Re 2025, Restructuring Vector Quantization with the Rotation
    Trick, eq. 3 and 4.

    Example:
        >>> z = torch.tensor([[1.0, 0.0]], requires_grad=True)
        >>> rotation(z, torch.tensor([[0.0, 2.0]])).mul(torch.tensor([0.0, 1.0])).sum().backward()
        >>> z.grad.round(decimals=5)
        tensor([[2., 0.]])
    """
    with torch.no_grad():
        size_z, size_e = (v.norm(dim=-1, keepdim=True) for v in (z_e, e))
        tiny = torch.finfo(z_e.dtype).tiny
        u, q = z_e / size_z.clamp(min=tiny), e / size_e.clamp(min=tiny)
        middle = u + q
        length = middle.norm(dim=-1, keepdim=True)
        r = middle / length.clamp(min=_PARALLEL)
        defined = (length > _PARALLEL) & (size_z > 1e-6 * size_e) & (size_e > 0)
        scale = torch.where(
            defined, size_e / size_z.clamp(min=tiny), 1.0
        )  # an infinity would reach the other branch
    turned = z_e - 2 * r * (r * z_e).sum(-1, keepdim=True) + 2 * q * (u * z_e).sum(-1, keepdim=True)
    return _valued(torch.where(defined, scale * turned, z_e), e)


def subgradient(
    z_e: Float[Tensor, "*batch dim"],  # noqa: ARG001  the face of all estimators
    e: Float[Tensor, "*batch dim"],
) -> Float[Tensor, "*batch dim"]:
    """The code, with no gradient to z_e, which then learns from the commitment loss alone.

    Example:
        >>> subgradient(torch.ones(1, 2, requires_grad=True), torch.zeros(1, 2)).requires_grad
        False
    """
    return e.detach()


def soft_to_hard(
    z_e: Float[Tensor, "*batch dim"], codebook: Float[Tensor, "codes dim"], temperature: float
) -> Float[Tensor, "*batch dim"]:
    r"""A mean of all codes, the near ones weighing most; it tends to the nearest code as the temperature falls.

    .. math:: \sum_j \mathrm{softmax}_j(-|z_e - e_j|^2 / (t \bar d)) \, e_j

    where :math:`\bar d`, the mean squared distance of the batch to its nearest codes, makes the temperature t free of units.
    It holds a number for each vector and code.

    Source: Agustsson et al. 2017, Soft-to-Hard Vector Quantization, eq. 4.

    Args:
        z_e: vectors.
        codebook: all codes.
        temperature: t > 0.

    Example:
        >>> codebook = torch.tensor([[0.0], [1.0]])
        >>> soft_to_hard(torch.tensor([[0.4]]), codebook, 1e-3).round(decimals=4)
        tensor([[0.]])
    """
    half = 0.5 * codebook.square().sum(-1)
    twice = (
        half - z_e @ codebook.T
    )  # (|z_e - e_j|^2 - |z_e|^2) / 2; what is the same for all j does not matter
    with torch.no_grad():
        nearest = 2 * twice.amin(-1) + z_e.square().sum(-1)
        unit = nearest.clamp(min=0).mean().clamp(min=torch.finfo(z_e.dtype).eps)
    return torch.softmax(-2 * twice / (temperature * unit), -1) @ codebook


def _valued(carrier: Tensor, value: Tensor) -> Tensor:
    """The value, exactly, with the gradient of the carrier."""
    valued: Tensor = _Valued.apply(carrier, value)
    return valued


class _Valued(torch.autograd.Function):
    """As `carrier + sg(value - carrier)`, without the rounding and without the additions."""

    @staticmethod
    def forward(ctx: object, carrier: Tensor, value: Tensor) -> Tensor:  # noqa: ARG004  torch's signature
        return value.detach().clone()

    @staticmethod
    def backward(ctx: object, gradient: Tensor) -> tuple[Tensor, None]:  # noqa: ARG004
        return gradient, None


ESTIMATORS = {"straight-through": straight_through, "rotation": rotation, "subgradient": subgradient}
"""Those that need a vector and its code alone."""
