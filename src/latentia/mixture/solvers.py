"""Weighted softmax regression and five ways to maximise it: the M-step of the linear experts.

Every solver has the signature `solve(problem, weights, start, random) -> coefficients` and takes a bounded number of
steps (a generalized M-step); `improve` keeps the start where a solver would end lower, so Q never falls.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from scipy.optimize import minimize
from torch import Tensor

from latentia.errors import MissingExtraError
from latentia.registry import Registry

_NEWTON_LIMIT = 600  # coefficients of one expert up to which the full Hessian is solved; above, L-BFGS


@dataclass(frozen=True)
class SoftmaxProblem:
    """sum_i r_i log p(y_i|x_i) - 1/2 sum_cj penalty_j v_cj^2 with p = softmax of v x.

    Two classes have one row of coefficients (that of class 1; class 0 has logit 0), C > 2 classes have C rows, made
    unique by the penalty.

    Attributes:
        features: `[n, p]` float64, the last column ones.
        targets: class of each row, `[n]` in 0..C-1.
        n_classes: C.
        penalty: `[p]`.
    """

    features: Tensor
    targets: Tensor
    n_classes: int
    penalty: Tensor

    @property
    def n_rows(self) -> int:
        """Rows of coefficients: 1 for two classes, else C."""
        return 1 if self.n_classes == 2 else self.n_classes

    def subset(self, index: Tensor) -> SoftmaxProblem:
        """The problem of some rows."""
        return SoftmaxProblem(self.features[index], self.targets[index], self.n_classes, self.penalty)

    def log_probabilities(self, v: Tensor) -> Tensor:
        """Log p(c|x_i) `[n, C]`."""
        return log_softmax(self.features @ v.T)

    def value(self, v: Tensor, weights: Tensor) -> float:
        """The objective in nats."""
        chosen = self.log_probabilities(v).gather(1, self.targets[:, None])[:, 0]
        return float(weights @ chosen - 0.5 * (self.penalty * v.square()).sum())

    def residual(self, v: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
        """r_i (1[y_i=c] - p_c) `[n, rows]` and p `[n, rows]`."""
        p = self.log_probabilities(v).exp_()
        hot = torch.nn.functional.one_hot(self.targets, self.n_classes).to(p.dtype)
        p, hot = p[:, -self.n_rows :], hot[:, -self.n_rows :]
        return weights[:, None] * (hot - p), p

    def gradient(self, v: Tensor, weights: Tensor) -> Tensor:
        """`[rows, p]`."""
        return self.residual(v, weights)[0].T @ self.features - self.penalty * v

    def newton_step(self, v: Tensor, weights: Tensor) -> Tensor:
        """(-Hessian)^-1 gradient, `[rows, p]` (iteratively reweighted least squares)."""
        residual, p = self.residual(v, weights)
        gradient = residual.T @ self.features - self.penalty * v
        rows, width = v.shape
        hessian = torch.zeros(rows, width, rows, width, dtype=v.dtype, device=v.device)
        for a in range(rows):
            for b in range(a, rows):
                curvature = weights * p[:, a] * ((1.0 if a == b else 0.0) - p[:, b])
                block = (self.features * curvature[:, None]).T @ self.features
                hessian[a, :, b], hessian[b, :, a] = block, block.T
            hessian[a, :, a] += torch.diag(self.penalty)
        matrix = hessian.reshape(rows * width, rows * width)
        return torch.linalg.solve(matrix, gradient.reshape(-1)).reshape(rows, width)


def log_softmax(logits: Tensor) -> Tensor:
    """Log class probabilities `[..., C]` from logits `[..., rows]`; a single row is the logit of class 1 against 0."""
    if logits.shape[-1] == 1:
        return torch.cat(
            [torch.nn.functional.logsigmoid(-logits), torch.nn.functional.logsigmoid(logits)], -1
        )
    return torch.log_softmax(logits, -1)


Solver = Callable[[SoftmaxProblem, Tensor, Tensor, np.random.RandomState], Tensor]


def newton(problem: SoftmaxProblem, weights: Tensor, start: Tensor, random: np.random.RandomState) -> Tensor:
    """Up to three Newton steps with halving; L-BFGS where the Hessian would be too large."""
    if start.numel() > _NEWTON_LIMIT:
        return lbfgs(problem, weights, start, random)
    v, value = start, problem.value(start, weights)
    for _ in range(3):
        step = problem.newton_step(v, weights)
        for halving in range(20):
            trial = v + 0.5**halving * step
            new = problem.value(trial, weights)
            if new >= value:
                break
        else:
            return v
        gain, v, value = new - value, trial, new
        if gain < 1e-10 * (1.0 + abs(value)):
            break
    return v


def lbfgs(problem: SoftmaxProblem, weights: Tensor, start: Tensor, random: np.random.RandomState) -> Tensor:  # noqa: ARG001
    """SciPy's L-BFGS-B, at most 50 iterations."""

    def negative(flat: np.ndarray) -> tuple[float, np.ndarray]:
        v = torch.as_tensor(flat, device=start.device).reshape(start.shape)
        return -problem.value(v, weights), -problem.gradient(v, weights).reshape(-1).cpu().numpy()

    found = minimize(
        negative, start.reshape(-1).cpu().numpy(), jac=True, method="L-BFGS-B", options={"maxiter": 50}
    )
    return torch.as_tensor(found.x, device=start.device).reshape(start.shape)


def gradient_descent(
    problem: SoftmaxProblem,
    weights: Tensor,
    start: Tensor,
    random: np.random.RandomState,  # noqa: ARG001
) -> Tensor:
    """Fifty gradient steps; each doubles the former step size and halves it until the objective rises enough."""
    v, value = start, problem.value(start, weights)
    size = 4.0 / max(float(weights.sum()), 1e-12)
    for _ in range(50):
        gradient = problem.gradient(v, weights)
        slope, size = float(gradient.square().sum()), 2.0 * size
        while size * slope > 1e-12 * (1.0 + abs(value)):
            trial = v + size * gradient
            new = problem.value(trial, weights)
            if new >= value + 1e-4 * size * slope:
                v, value = trial, new
                break
            size *= 0.5
        else:
            break
    return v


def sgd(problem: SoftmaxProblem, weights: Tensor, start: Tensor, random: np.random.RandomState) -> Tensor:
    """Ten epochs over minibatches of 64 rows with steps falling as t^-1/2; the best epoch's (averaged) iterate."""
    n, total = len(weights), max(float(weights.sum()), 1e-12)
    best, best_value = start, problem.value(start, weights)
    v = start.clone()
    t = 0
    for _ in range(10):
        order = torch.from_numpy(random.permutation(n)).to(v.device)
        mean, count = torch.zeros_like(v), 0
        for index in order.split(64):
            part = problem.subset(index)
            batch = weights[index] * (n / len(index))
            t += 1
            v = v + part.gradient(v, batch) * (2.0 / (total * (1.0 + 0.05 * t) ** 0.5))
            mean, count = mean + v, count + 1
        for trial in (v, mean / count):
            if (value := problem.value(trial, weights)) > best_value:
                best, best_value = trial, value
    return best


def cma_es(problem: SoftmaxProblem, weights: Tensor, start: Tensor, random: np.random.RandomState) -> Tensor:
    """Covariance-matrix adaptation (Hansen 2016), 100 generations of its default size, without gradients."""
    try:
        import cma
    except ImportError as error:
        raise MissingExtraError(
            "solver='cma-es' needs the package cma: pip install 'latentia[cmaes]'"
        ) from error
    kept = np.random.get_state()  # noqa: NPY002  (cma draws from NumPy's global generator)
    try:
        options = {"seed": int(random.randint(1, 2**31 - 1)), "verbose": -9, "maxiter": 100, "tolfun": 1e-6}
        search = cma.CMAEvolutionStrategy(start.reshape(-1).cpu().numpy(), 0.5, options)
        while not search.stop():
            asked = search.ask()
            tried = [torch.as_tensor(a, device=start.device).reshape(start.shape) for a in asked]
            search.tell(asked, [-problem.value(v, weights) for v in tried])
        found = search.result.xbest
    finally:
        np.random.set_state(kept)  # noqa: NPY002
    return torch.as_tensor(found, device=start.device).reshape(start.shape)


SOLVERS: Registry[Solver] = Registry("solver")
SOLVERS.add("newton", newton)
SOLVERS.add("lbfgs", lbfgs)
SOLVERS.add("gradient-descent", gradient_descent)
SOLVERS.add("sgd", sgd)
SOLVERS.add("cma-es", cma_es)


def improve(
    solver: str, problem: SoftmaxProblem, weights: Tensor, start: Tensor, random: np.random.RandomState
) -> tuple[Tensor, float, float]:
    """Coefficients not worse than `start`, and the objective before and after (nats)."""
    before = problem.value(start, weights)
    found = SOLVERS[solver](problem, weights, start, random)
    after = problem.value(found, weights)
    return (found, before, after) if after >= before else (start, before, before)
