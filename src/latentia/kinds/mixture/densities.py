"""Densities of mixtures as modules: what their graphs compute, in float64."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from latentia.estimators.serving.codec import LogTotal, log_volume
from latentia.latent.totals import TotalModel
from latentia.mixture.components import Components
from latentia.mixture.rows import Chunk


class Joint(nn.Module):
    """log w_k + log p(x|k) of each item and component, `[B, K]` in float64 nats."""

    def __init__(self, estimator: Any, held: Any) -> None:
        super().__init__()
        self.enter = held.enter
        self.form = getattr(estimator, "form_", None)
        components = estimator.components_
        density = _DENSITIES.get(components.family, _Linear)
        self.density = density(components)

    def forward(self, *parts: Tensor) -> Tensor:
        """`[B, K]`."""
        rows = self.enter(*parts)
        if self.form is None:
            return self.density(rows)
        volume = log_volume(self.form, rows)
        found = self.density(self.form.model_input(rows))
        return found - volume[:, None] if isinstance(volume, Tensor) else found


class _Linear(nn.Module):
    """A family whose log density is linear in the features of a row: W phi(x) + h(x)."""

    natural: Tensor

    def __init__(self, components: Components) -> None:
        super().__init__()
        self.components = components
        self.register_buffer("natural", components.natural().double().cpu())

    def forward(self, x: Tensor) -> Tensor:
        """`[B, K]`."""
        chunk = Chunk(x, None, None, 0, memo={})  # features of its own, not in memory that is used again
        self.components.dtype = torch.float64
        phi: Any = self.components.encode(chunk)
        found = phi @ self.natural[:, 1:].T + self.natural[:, 0]
        h = self.components.base_measure(chunk)
        return found if h is None else found + h[:, None]


class _Categories(nn.Module):
    """Categories; NaN for a row with one that was not fitted."""

    natural: Tensor
    levels: Tensor
    offset: Tensor

    def __init__(self, components: Any) -> None:
        super().__init__()
        self.register_buffer("natural", components.natural().double().cpu().T.contiguous())
        self.register_buffer("levels", components.levels.cpu())
        self.register_buffer("offset", 1 + components.levels.cpu().cumsum(0) - components.levels.cpu())

    def forward(self, x: Tensor) -> Tensor:
        """`[B, K]`."""
        level = x.long()
        unknown = ((level < 0) | (level >= self.levels)).any(1)
        at = torch.minimum(level.clamp(min=0), self.levels - 1) + self.offset
        found = self.natural[at].sum(1) + self.natural[0]
        return torch.where(unknown[:, None], torch.nan, found)


class _Gaussians(nn.Module):
    """Gaussians by their distances from the means: no digits are lost far from the centre of the data."""

    means: Tensor
    factor: Tensor
    constant: Tensor

    def __init__(self, components: Any) -> None:
        super().__init__()
        self.register_buffer("means", components.parameters["means"].double().cpu())
        self.register_buffer("factor", components.precisions.each_factor.double().cpu())
        half = components.precisions.half_log_det - 0.5 * components.n_features * math.log(2 * math.pi)
        self.register_buffer("constant", (components.log_weights() + half).double().cpu())

    def forward(self, x: Tensor) -> Tensor:
        """`[B, K]`."""
        if self.factor.ndim == 2:
            scaled = (x[:, None] - self.means) * self.factor
            return self.constant - 0.5 * scaled.square().sum(2)
        scaled = (x[None] - self.means[:, None]) @ self.factor
        return self.constant - 0.5 * scaled.square().sum(2).T


class _DirichletMultinomials(nn.Module):
    """log n! - sum log x! + log B(alpha + x) - log B(alpha)."""

    alphas: Tensor
    log_weights: Tensor

    def __init__(self, components: Any) -> None:
        super().__init__()
        self.register_buffer("alphas", components.parameters["alphas"].double().cpu())
        self.register_buffer("log_weights", components.log_weights().double().cpu())

    def forward(self, x: Tensor) -> Tensor:
        """`[B, K]`."""
        n, whole = x.sum(1, keepdim=True), self.alphas.sum(1)
        coefficient = torch.lgamma(n + 1) - torch.lgamma(x + 1).sum(1, keepdim=True)
        each = torch.lgamma(self.alphas + x[:, None]) - torch.lgamma(self.alphas)
        return self.log_weights + coefficient + torch.lgamma(whole) - torch.lgamma(whole + n) + each.sum(2)


_DENSITIES: dict[str, Callable[[Any], nn.Module]] = {
    "gaussian": _Gaussians,
    "gaussian-experts": _Gaussians,
    "categorical": _Categories,
    "dirichlet-multinomial": _DirichletMultinomials,
}


class Responsibilities(nn.Module):
    """What a mixture says of items."""

    def __init__(self, joint: Joint) -> None:
        super().__init__()
        self.joint = joint

    def forward(self, *parts: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Log w_k p(x|k), p(k|x), log p(x)."""
        found = self.joint(*parts)
        return found.float(), found.softmax(1).float(), torch.logsumexp(found, 1).float()


class Score(nn.Module):
    """How unusual items are, with the distribution of their totals where these are given."""

    def __init__(self, joint: Joint, totals: Tensor | None, gaps: nn.Module | None = None) -> None:
        super().__init__()
        self.joint, self.gaps = joint, gaps
        self.totals = None if totals is None else LogTotal(TotalModel.of(totals.cpu().numpy()))

    def forward(self, *parts: Tensor) -> Tensor:
        """-log p(x), and the cost of gaps."""
        found = torch.logsumexp(self.joint(*parts), 1)
        if self.gaps is not None:
            found = found - self.gaps(self.joint.enter(*parts))
        if self.totals is not None:
            found = found + self.totals(self.joint.enter(*parts).sum(1))
        return -found.float()


class Classes(nn.Module):
    """sum_k p(k|x) P(c|x, k)."""

    coefficients: Tensor

    def __init__(self, joint: Joint, components: Any) -> None:
        super().__init__()
        self.joint = joint
        self.register_buffer("coefficients", components.parameters["coefficients"].double().cpu())

    def forward(self, x: Tensor) -> Tensor:
        """`[B, C]`."""
        v = self.coefficients
        logits = x.double() @ v[:, :, :-1].transpose(1, 2) + v[:, None, :, -1]  # [K, B, rows]
        if v.shape[1] == 1:
            logits = torch.cat([torch.zeros_like(logits), logits], 2)
        share = self.joint(x).softmax(1).T[..., None]
        return (share * logits.softmax(2)).sum(0).float()
