"""Components that each carry a linear classifier: a mixture of experts whose gates are p(k|x)."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from latentia.errors import ConfigError, DataError
from latentia.mixture.components import FAMILIES, Components, Features, StepValues
from latentia.mixture.gaussian import GaussianComponents
from latentia.mixture.mixed import MixedComponents
from latentia.mixture.rows import Chunk, Rows
from latentia.mixture.solvers import SOLVERS, SoftmaxProblem, improve, log_softmax
from latentia.mixture.summary import Summary

_INTERCEPT_PENALTY = 1e-6  # keeps the intercepts of more than two classes unique


class Experts(Components):
    """What components of any family need to carry a linear rule each: to be mixed in before the family.

    Parameters: those of the family, and `centre [d]`, `spread [d]` (of the features that rules see), `coefficients [K, rows, d + 1]` (intercept last;
    one row for two classes). Responsibilities of rows with a class are P(Z=k|x, y), of rows without one P(Z=k|x).

    Args:
        n_components: K.
        n_features: d.
        n_classes: C >= 2.
        l2: penalty l2 / 2 |W_k|^2 on the slopes of each expert.
        solver: a name in `latentia.mixture.solvers.SOLVERS`.
        seed: of the solvers that draw chance.
        gate: further arguments of the family.

    Source: Xu, Jordan & Hinton (1995), NIPS 7, eqs. 5-10, with logistic experts.
    """

    exact = False
    needs_rows = True

    def __init__(
        self,
        n_components: int,
        n_features: int,
        *,
        n_classes: int,
        l2: float = 1e-2,
        solver: str = "newton",
        seed: int = 0,
        **gate: Any,
    ) -> None:
        super().__init__(n_components, n_features, **gate)
        if solver not in SOLVERS:
            raise ConfigError(SOLVERS.unknown(solver))
        if not l2 > 0:
            raise ConfigError(f"l2={l2!r}: a number above 0 was expected (separable classes need it)")
        if n_classes < 2:
            raise DataError("y holds one class; a classifier needs at least two")
        self.n_classes, self.l2, self.solver, self.seed = n_classes, float(l2), solver, seed
        self._random = np.random.RandomState(seed)
        self._chunk: Chunk | None = None
        self._problem: SoftmaxProblem | None = None

    def settings(self) -> dict[str, Any]:
        """Keyword arguments of the constructor beside the precision and the device."""
        mine = {"n_classes": self.n_classes, "l2": self.l2, "solver": self.solver, "seed": self.seed}
        return super().settings() | mine

    @property
    def n_free(self) -> int:
        """Free parameters of weights, components and experts."""
        gate: Any = super()
        return int(gate.n_free) + self.n_components * (self.n_classes - 1) * (self.n_features + 1)

    def prepare(self, rows: Rows, summary: Summary) -> None:
        """Standardise the features of the experts (kept in memory, `[n, d + 1]`)."""
        super().prepare(rows, summary)
        spread = summary.variance.sqrt()
        self.parameters |= {"centre": summary.mean, "spread": torch.where(spread > 0, spread, 1.0)}
        assert rows.targets is not None
        x = torch.cat([chunk.x.to(torch.float64) for chunk in rows.chunks(65536)])
        z = torch.cat([(x - summary.mean) / self.parameters["spread"], torch.ones_like(x[:, :1])], 1)
        penalty = torch.cat(
            [self.l2 / self.parameters["spread"].square(), z.new_full((1,), _INTERCEPT_PENALTY)]
        )
        self._problem = SoftmaxProblem(z, rows.targets, self.n_classes, penalty)

    def reset_experts(self) -> None:
        """Indifferent experts: all coefficients zero; solvers start from the same seed."""
        rows = 1 if self.n_classes == 2 else self.n_classes
        shape = (self.n_components, rows, self.n_features + 1)
        self.parameters["coefficients"] = torch.zeros(shape, dtype=torch.float64, device=self.device)
        self._random = np.random.RandomState(self.seed)

    def encode(self, chunk: Chunk) -> Features:
        """Features of the components; the chunk is kept for the experts."""
        gate: Any = super()
        self._chunk = chunk
        found: Features = gate.encode(chunk)
        return found

    def log_joint(self, phi: Features) -> Tensor:
        """Log w_k + log p(x|k), plus log P(y|x, k) where the class is known, `[K, B]`."""
        out = super().log_joint(phi)
        assert self._chunk is not None
        if self._chunk.targets is None:
            return out
        log_p = self.class_log_probabilities(self._chunk.x)
        index = self._chunk.targets.view(1, -1, 1).expand(self.n_components, -1, 1)
        return out.add_(log_p.gather(2, index)[:, :, 0].to(out.dtype))

    def class_log_probabilities(self, x: Tensor) -> Tensor:
        """Log P(c|x, k), `[K, B, C]` in float64."""
        v = self.parameters["coefficients"]
        logits = torch.einsum("bd,krd->kbr", x.to(torch.float64), v[:, :, :-1]) + v[:, None, :, -1]
        return log_softmax(logits)

    def log_prior(self) -> float:
        """That of the components, and of the experts."""
        return super().log_prior() + self._experts_prior()

    def _experts_prior(self) -> float:
        """- l2 / 2 sum |W_k|^2, and the trace of a penalty on the (centred) intercepts."""
        assert self._problem is not None
        v = self._standardised(self.parameters["coefficients"])
        return -0.5 * float((self._problem.penalty * v.square()).sum())

    def update_with_rows(self, statistics: Tensor, rows: Rows, responsibilities: Tensor) -> StepValues:  # noqa: ARG002
        """Closed-form update of the components, then a few steps of the solver for each expert."""
        assert self._problem is not None
        prior, own = self._experts_prior(), self.expected(statistics)
        kept = super().log_prior() + self.slack(statistics)
        coefficients = self._standardised(self.parameters["coefficients"])
        found, before, after = [], 0.0, 0.0
        for weights, v in zip(responsibilities.to(torch.float64), coefficients, strict=True):
            better, old, new = improve(self.solver, self._problem, weights, v, self._random)
            found.append(better)
            before, after = before + old, after + new
        self.update(statistics)
        self.parameters["coefficients"] = self._raw(torch.stack(found))
        prior_new, own_new = self._experts_prior(), self.expected(statistics)
        kept_new = super().log_prior() + self.slack(statistics)
        return StepValues(
            own + before - prior, own_new + after - prior_new, own + before + kept, own_new + after + kept_new
        )

    def revive(self, statistics: Tensor, component: int, row: Tensor) -> Tensor:
        """As the family does, with an indifferent expert."""
        self.parameters["coefficients"][component] = 0.0
        return super().revive(statistics, component, row)

    def _standardised(self, v: Tensor) -> Tensor:
        """Coefficients of z = (x - centre) / spread from those of x."""
        intercept = v[..., -1:] + (v[..., :-1] * self.parameters["centre"]).sum(-1, keepdim=True)
        return torch.cat([v[..., :-1] * self.parameters["spread"], intercept], -1)

    def _raw(self, v: Tensor) -> Tensor:
        """Coefficients of x from those of z."""
        slope = v[..., :-1] / self.parameters["spread"]
        return torch.cat([slope, v[..., -1:] - (slope * self.parameters["centre"]).sum(-1, keepdim=True)], -1)

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "_problem": None, "_chunk": None}


class GaussianExperts(Experts, GaussianComponents):
    """Z ~ Categorical(w), X|Z=k ~ N(mu_k, Sigma_k), P(Y=c|X=x, Z=k) = softmax_c(W_k x + b_k)."""

    family = "gaussian-experts"


class MixedExperts(Experts, MixedComponents):
    """The same with columns of unlike kinds: p(x|k) by column over the observed cells, rules on the vectors of rows, zeros where a cell is missing."""

    family = "mixed-experts"


FAMILIES.add(GaussianExperts.family, GaussianExperts)
FAMILIES.add(MixedExperts.family, MixedExperts)
