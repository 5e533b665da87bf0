"""The Expectation-Maximization loop (Dempster, Laird & Rubin 1977): it knows passes, not families.

One iteration is one pass over the rows in chunks (E-step: responsibilities by log-sum-exp; their sufficient
statistics are summed in float64) and one update of the components (M-step). The observed log-likelihood comes with
the pass; that it never falls is checked against the bound

    l(new) - l(old) >= Q(new) - Q(old)        (Gibbs' inequality; McLachlan & Krishnan 2008, eq. 3.7),

which also holds for penalised and generalized M-steps.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from latentia.errors import ConfigError, TrainingError
from latentia.mixture.components import Components, Features, StepValues
from latentia.mixture.responsibilities import normalize, thin
from latentia.mixture.rows import Chunk, Rows
from latentia.progress import each

_ROUNDING = {
    torch.float32: 1e-5,
    torch.float64: 1e-9,
}  # of Q and of the log-likelihood, relative to their terms
CRITERIA = ("log-likelihood", "q")


@dataclass(frozen=True)
class Pass:
    """One E-step over all rows: statistics `[K, F]`, weighted log-likelihood (without h), optional responsibilities."""

    statistics: Tensor
    log_likelihood: float
    responsibilities: Tensor | None = None


@dataclass(frozen=True)
class EMResult:
    """How one run of EM went.

    Attributes:
        log_likelihood: mean observed log-likelihood at each iteration, in nats a row, before its M-step.
        objective: log-likelihood plus log prior of the last iteration, in nats a row.
        expected: the maximised Q of each iteration, in nats a row.
        criterion: the stopping rule in force, in words.
        converged: whether it was met.
        n_iter: number of iterations.
        rescued: (iteration, component) of each empty component that was moved.
        kept: iterations whose M-step was refused because it would have lowered Q (generalized EM only).
        statistics: of the last E-step, means a row about the components' centre, `[K, F]`: what later batches are added to.
    """

    log_likelihood: tuple[float, ...]
    objective: float
    expected: tuple[float, ...]
    criterion: str
    converged: bool
    n_iter: int
    rescued: tuple[tuple[int, int], ...] = ()
    kept: tuple[int, ...] = ()
    statistics: Tensor | None = field(default=None, repr=False, compare=False)


@dataclass
class _Trail:
    log_likelihood: list[float] = field(default_factory=list)
    expected: list[float] = field(default_factory=list)
    rescued: list[tuple[int, int]] = field(default_factory=list)
    kept: list[int] = field(default_factory=list)
    objective: float = -math.inf


def posterior(components: Components, chunk: Chunk) -> tuple[Features, Tensor, Tensor]:
    """Features, responsibilities `[K, B]` and log-sum-exp `[B]` of one chunk (all in scratch memory)."""
    phi = components.encode(chunk)
    return phi, *normalize(components.log_joint(phi))


def e_step(components: Components, rows: Rows) -> Pass:
    """One pass over the rows: responsibilities r_ik, their statistics, and the log-likelihood.

    Shapes: statistics `[K, F]` float64; responsibilities `[K, n]` only for families that need them.
    """
    components.begin(sums_only=not components.needs_rows)
    shape = (components.n_components, components.n_statistics)
    statistics = torch.zeros(shape, dtype=torch.float64, device=rows.device)
    log_likelihood = torch.zeros((), dtype=torch.float64, device=rows.device)
    kept: list[Tensor] = []
    share = 0.0 if components.needs_rows or components.gaps else components.thin_share
    for chunk in components.chunks(rows):
        phi = components.encode(chunk)
        log_joint = components.log_joint(phi)
        found = thin(log_joint, share) if share and isinstance(phi, Tensor) else None
        if found is None:
            share = 0.0  # where one chunk is crowded the next will be
            responsibilities, log_evidence = normalize(log_joint)
            if chunk.weights is not None:
                responsibilities.mul_(chunk.weights)
            if components.needs_rows:
                kept.append(responsibilities.clone())
            statistics += components.statistics(phi, responsibilities)
        else:
            few, log_evidence = found
            few = few if chunk.weights is None else few.weighed(chunk.weights)
            statistics += components.statistics(phi, few)
        if chunk.weights is not None:
            log_evidence.mul_(chunk.weights)
        log_likelihood += log_evidence.sum(dtype=torch.float64)
    return Pass(statistics, float(log_likelihood), torch.cat(kept, 1) if kept else None)


def base_total(components: Components, rows: Rows) -> float:
    """sum_i w_i h(x_i) in nats: the part of the log-likelihood that no parameter touches."""
    total = 0.0
    for chunk in components.chunks(rows):
        h = components.base_measure(chunk)
        if h is None:
            return 0.0
        total += float((h if chunk.weights is None else h * chunk.weights).sum(dtype=torch.float64))
    return total


def run_em(
    components: Components,
    rows: Rows,
    *,
    max_iter: int = 100,
    tol: float = 1e-3,
    criterion: str = "log-likelihood",
    report: Callable[[int, float, float], None] | None = None,
) -> EMResult:
    """Run EM from the components' present parameters, which are replaced by the fitted ones.

    Args:
        components: start of the run; `prepare` has been called.
        rows: the data.
        max_iter: most iterations.
        tol: with "log-likelihood", stop when the mean log-likelihood changes by less than `tol` nats a row; with
            "q", when Q changes by less than `tol` relative to its size.
        criterion: "log-likelihood" or "q".
        report: called as `report(iteration, mean log-likelihood, change)`.

    Raises:
        ConfigError: an unknown criterion.
        TrainingError: a log-likelihood that is not finite, or an M-step that lowered what it maximises.
    """
    if criterion not in CRITERIA:
        raise ConfigError(f"criterion={criterion!r} is unknown; expected one of {', '.join(CRITERIA)}")
    named = {
        "log-likelihood": f"mean log-likelihood changes by less than {tol:g} nats a row",
        "q": f"Q changes by less than {tol:g} of its size",
    }[criterion]
    trail, base, total = _Trail(), base_total(components, rows), rows.total_weight
    converged, gain = False, -math.inf
    statistics: Tensor | None = None
    for iteration in each("iterations of EM", range(1, max_iter + 1)):
        step = e_step(components, rows)
        mean = (step.log_likelihood + base) / total
        if not math.isfinite(mean):
            raise TrainingError(
                f"the log-likelihood is {mean} at iteration {iteration}; rescale the data or use float64"
            )
        change = mean - trail.log_likelihood[-1] if trail.log_likelihood else math.inf
        if change * total < gain:
            raise TrainingError(
                f"the log-likelihood fell by {-change * total:.3g} nats at iteration {iteration} where the M-step "
                f"promised a change of at least {gain:.3g}; the M-step is wrong or rounding is too coarse: use float64"
            )
        trail.log_likelihood.append(mean)
        trail.objective = mean + components.log_prior() / total
        gain = _m_step(components, rows, step, iteration, trail)
        trail.expected[-1] = (trail.expected[-1] + base) / total
        if report is not None:
            report(iteration, mean, change)
        if criterion == "q" and len(trail.expected) > 1:
            old, new = trail.expected[-2:]
            change = abs(new - old) / max(abs(old), 1e-12)
        converged = abs(change) < tol and not (trail.rescued and trail.rescued[-1][0] == iteration)
        if (converged or iteration == max_iter) and not components.needs_rows:
            statistics = components.centred(step.statistics) / total
        if converged:
            break
    return EMResult(
        tuple(trail.log_likelihood),
        trail.objective,
        tuple(trail.expected),
        named,
        converged,
        len(trail.log_likelihood),
        tuple(trail.rescued),
        tuple(trail.kept),
        statistics,
    )


def run_restarts(
    components: Components,
    rows: Rows,
    start: Callable[[], None],
    n_init: int,
    **options: Any,
) -> EMResult:
    """Run EM from `n_init` starts and leave the components at the best end, by log-likelihood plus log prior.

    Args:
        components: prepared components.
        rows: the data.
        start: puts the components at the next start (draws chance as it likes).
        n_init: number of starts.
        options: passed to `run_em`.
    """
    best: tuple[EMResult, dict[str, Tensor]] | None = None
    for _ in each("starts", range(n_init)):
        start()
        result = run_em(components, rows, **options)
        if best is None or result.objective > best[0].objective:
            best = result, components.copy_parameters()
    if best is None:
        raise ConfigError(f"n_init={n_init}: at least one start was expected")
    components.parameters = best[1]
    return best[0]


def _m_step(components: Components, rows: Rows, step: Pass, iteration: int, trail: _Trail) -> float:
    """Update the components; return the gain that the next log-likelihood may not fall short of (Q's, less rounding)."""
    statistics = step.statistics
    # Q is a sum of terms that may cancel: their size says what rounding can do.
    tolerance = _ROUNDING[rows.dtype] * (components.magnitude(statistics) + rows.total_weight)
    empty = (statistics[:, 0] < 1e-2 * rows.total_weight / rows.n_rows).nonzero()[:, 0].tolist()
    if empty and components.n_components > 1 and len(trail.rescued) < 5 * components.n_components:
        worst = _worst_rows(components, rows, len(empty))
        for k, row in zip(empty, worst, strict=True):
            statistics = components.revive(statistics, k, row)
            trail.rescued.append((iteration, k))
        components.update(statistics)
        trail.expected.append(components.expected(statistics))
        return -math.inf
    saved = components.copy_parameters()
    if step.responsibilities is not None:
        values = components.update_with_rows(statistics, rows, step.responsibilities)
    else:
        before, objective_before = components.expected(statistics), components.objective(statistics)
        components.update(statistics)
        after, objective_after = components.expected(statistics), components.objective(statistics)
        values = StepValues(before, after, objective_before, objective_after)
    tolerance = max(tolerance, _ROUNDING[rows.dtype] * components.magnitude(statistics))
    if values.objective_after < values.objective_before - tolerance:
        if components.exact:
            raise TrainingError(
                f"the M-step lowered its objective from {values.objective_before:.9g} to "
                f"{values.objective_after:.9g} at iteration {iteration}"
            )
        components.parameters = saved
        trail.kept.append(iteration)
        trail.expected.append(values.before)
        return -tolerance
    trail.expected.append(values.after)
    return values.after - values.before - tolerance


def _worst_rows(components: Components, rows: Rows, count: int) -> list[Tensor]:
    """The `count` rows of positive weight that the mixture explains least, each `[1, d]`."""
    scores: list[np.ndarray] = []
    for chunk in components.chunks(rows):
        log_evidence = posterior(components, chunk)[2]
        if (h := components.base_measure(chunk)) is not None:
            log_evidence = log_evidence + h
        if chunk.weights is not None:
            log_evidence = torch.where(chunk.weights > 0, log_evidence, torch.inf)
        value, index = torch.topk(log_evidence, min(count, len(log_evidence)), largest=False)
        scores.append(np.stack([value.cpu().numpy(), index.cpu().numpy() + chunk.start], 1))
    table = np.concatenate(scores)
    chosen = table[np.argsort(table[:, 0], kind="stable")][:count, 1].astype(int)
    return [rows.read(i, i + 1) for i in chosen.tolist()]
