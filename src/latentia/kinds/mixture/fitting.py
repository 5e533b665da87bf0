"""How a mixture is fitted: by EM from several starts, or batch by batch; whole or not at all."""

from __future__ import annotations

import copy
import warnings
from typing import Any

from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state

from latentia.errors import ConfigError
from latentia.estimators.parameters import whole
from latentia.estimators.whole import all_or_nothing
from latentia.mixture.components import Components, check_n_components
from latentia.mixture.em import EMResult, run_restarts
from latentia.mixture.ranges import check_floor
from latentia.mixture.rows import check_distinct
from latentia.mixture.start import STARTS
from latentia.mixture.stepwise import StepwiseEM


def fit_to(mixture: Any, X: Any, y: Any, sample_weight: Any) -> None:
    """What `BaseMixture.fit` does; the arguments are its."""
    with all_or_nothing(mixture):
        former = mixture.components_ if mixture.warm_start and hasattr(mixture, "components_") else None
        check_parameters(mixture)
        rows = mixture._rows(X, y, sample_weight, reset=True)
        summary = mixture._summary(rows)
        if mixture._gaussian and rows.n_rows > 1:
            check_floor(summary, float(mixture.reg_covar))
        check_distinct(rows, mixture.n_components)
        random = check_random_state(mixture.random_state)
        components = mixture._new_components(rows, random)
        if former is not None:
            _check_warm(former, components)
        components.prepare(rows, summary)
        prepared = components.copy_parameters()

        def start() -> None:
            components.parameters = dict(prepared)
            if former is not None:
                components.parameters = former.copy_parameters() | prepared
            else:
                mixture._start(components, rows, random)

        mixture.result_ = run_restarts(
            components,
            rows,
            start,
            1 if former is not None else mixture.n_init,
            max_iter=mixture.max_iter,
            tol=float(mixture.tol),
            criterion=mixture.criterion,
            report=_print_iteration if mixture.verbose else None,
        )
        mixture._stepwise = StepwiseEM.after_fit(mixture.result_, rows.total_weight)
        mixture._settle(components)
    if not mixture.result_.converged and mixture.max_iter > 0:
        warnings.warn(
            f"EM did not converge in max_iter={mixture.max_iter} iterations; raise max_iter or tol",
            ConvergenceWarning,
            stacklevel=3,
        )


def continue_with(mixture: Any, X: Any, y: Any, sample_weight: Any) -> None:
    """What `BaseMixture.partial_fit` does; the arguments are its."""
    first = not hasattr(mixture, "components_")
    with all_or_nothing(mixture):
        if first:
            check_parameters(mixture)
        rows = mixture._rows(X, y, sample_weight, reset=first)
        summary = mixture._summary(rows)
        if first:
            check_distinct(rows, mixture.n_components)
            random = check_random_state(mixture.random_state)
            components, stepwise = mixture._new_components(rows, random), StepwiseEM()
            components.prepare(rows, summary)
            mixture._start(components, rows, random)
        elif mixture._stepwise is None:
            raise ConfigError(
                "partial_fit: this model was saved by a version that did not keep the statistics of the rows it has "
                "seen, so that a batch would replace them; fit it again"
            )
        else:
            components, stepwise = copy.deepcopy((mixture.components_, mixture._stepwise))
        components.dtype, components.gaps = rows.dtype, summary.gaps
        mean = stepwise.step(components, rows)
        history = (*(() if first else mixture.result_.log_likelihood), mean)
        stopping = "stepwise EM does not stop by itself"
        mixture.result_ = EMResult(history, mean, (), stopping, True, len(history))
        mixture._stepwise = stepwise
        mixture._settle(components)


def check_parameters(mixture: Any) -> None:
    """Raise `ConfigError` for a parameter out of range."""
    check_n_components(mixture.n_components)
    if mixture.init_params not in STARTS:
        raise ConfigError(STARTS.unknown(mixture.init_params))
    whole("max_iter", mixture.max_iter, 0)
    whole("n_init", mixture.n_init, 1)
    if not mixture.tol >= 0:
        raise ConfigError(f"tol={mixture.tol!r}: a number of at least 0 was expected")


def _check_warm(old: Components, components: Components) -> None:
    if (old.n_components, old.n_features) != (components.n_components, components.n_features):
        raise ConfigError(
            f"warm_start: the former fit has n_components={old.n_components}, n_features={old.n_features}, "
            f"now {components.n_components} and {components.n_features}; make a new estimator"
        )


def _print_iteration(iteration: int, mean: float, change: float) -> None:
    """One line for an iteration of EM."""
    print(f"iteration {iteration}  log-likelihood {mean:.6f}  change {change:.2e}")
