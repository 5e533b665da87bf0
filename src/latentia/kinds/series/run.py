"""How a model of series is fitted into a run folder, and what its runs can do."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentia.data.items import Ragged
from latentia.diagnostics import Finding, ordered
from latentia.diagnostics.finding import another_seed, longer
from latentia.kinds.kind import NetworkRecipe
from latentia.kinds.latent_run import LatentRun
from latentia.kinds.run import Effort, Measured, SplitName
from latentia.kinds.series import findings
from latentia.kinds.series.estimator import SeriesVAE
from latentia.kinds.series.form import as_series
from latentia.kinds.series.words import WORDS
from latentia.kinds.serving import ExportsGraphs
from latentia.vocabulary import COLLAPSE, INFERENCE_COLLAPSE, PARTIAL_COLLAPSE

_TOLD_ABOVE = ("verdict", "verdicts", "evidence", "remedies", "evaluation", "seconds")
_OF_TABLES = ("bits_per_dim", "bits_per_dim_note", "sse", "sse_of_mean", "sigma2", "sigma2_optimal")
_OF_RUNNING = (("forced", ""), ("free", ""), ("free", "_other"), ("free", "_zero"), ("regression", ""))
_SETTINGS = ("max_epochs", "latent_dim", "patience")


def recipe(params: dict[str, Any]) -> NetworkRecipe:
    """How the model that the parameters name is fitted."""
    return NetworkRecipe(SeriesVAE, params)


class SeriesRun(ExportsGraphs, LatentRun):
    """A fitted model of series, its data and its folder."""

    @property
    def event_shape(self) -> tuple[int, ...]:
        """Shape of a step."""
        return (int(self.estimator.form_.n_columns),)

    @property
    def names(self) -> list[str]:
        """Names of the columns."""
        n = self.event_shape[0]
        return self.columns or (["value"] if n == 1 else [f"column {i}" for i in range(n)])

    def coded(self, items: Any) -> NDArray[Any]:
        """See `latentia.kinds.abilities.Walks`."""
        return np.asarray(self.estimator.transform(items))

    def decoded(self, codes: NDArray[Any]) -> NDArray[Any]:
        """See `latentia.kinds.abilities.Walks`; of the greatest length."""
        found: NDArray[Any] = self.estimator.inverse_transform(codes)
        return found

    def measure(self, split: SplitName, effort: Effort) -> Measured:
        """Figures, verdict and diagnosis on one part of the data, beside Gaussians without a code."""
        evaluation, diagnosis = self.examine(split, effort)
        items = as_series(self.split(split).x)
        errors = column_errors(items, self.estimator.reconstruct(items), self.estimator.composition_.means)
        seen = int((~np.isnan(items.values)).sum())
        nats = evaluation.log_likelihood if evaluation.log_likelihood is not None else evaluation.elbo
        composition = self.estimator.composition_
        information = diagnosis.information
        figures = {
            "likelihood": self.likelihood,
            **{name: value for name, value in asdict(evaluation).items() if name not in _OF_TABLES},
            "explained": float(np.mean([each["explained"] for each in errors])),
            "nats_per_value": None if nats is None else nats * len(items) / seen,
            "baseline_per_value": without_code(items, composition.means, composition.scales),
            "mutual_information": None if information is None else max(0.0, information.value),
            "missing": float(np.isnan(items.values).mean()),
        }
        found = [
            of_series(each, max(1, int(self.estimator.settings_.get("max_epochs", 1))))
            for each in diagnosis.verdict.findings
        ]
        if self.estimator._entry().forced:
            train = as_series(self.split("train").x) if len(self.dataset.train) else items
            told = findings.running(self.estimator, items, train)
            figures |= {f"{name}_explained{rest}": getattr(told, name + rest) for name, rest in _OF_RUNNING}
            found.append(findings.cheating(diagnosis.dependence, told))
            found += [each for each in [findings.warned(information)] if each is not None]
        names = self.names
        shown = {name: value for name, value in diagnosis.as_json().items() if name not in _TOLD_ABOVE}
        details = {
            "diagnosis": {
                **shown,
                "rows": [asdict(row) for row in diagnosis.rows()],
                "columns": [{"column": name, **each} for name, each in zip(names, errors, strict=True)],
            }
        }
        verdict = ordered([*found, _explained(names, errors)], WORDS.order)
        return Measured(split, figures, verdict, details)


def _explained(names: list[str], errors: list[dict[str, float]]) -> Finding:
    """A note: which columns codes tell most and least of."""
    order = np.argsort([each["explained"] for each in errors])
    told = [
        f"{names[i]} {errors[i]['explained']:.1%}" for i in dict.fromkeys((int(order[-1]), int(order[0])))
    ]
    return Finding("", f"Reconstructions explain of the variance of {' and of '.join(told)}.")


def of_series(finding: Finding, epochs: int) -> Finding:
    """A finding with those of its remedies that this kind has; where there is none, longer training, or another seed.

    Args:
        finding: that every model with codes may have.
        epochs: of the fit.
    """
    kept = [each for each in finding.remedies if not each.models and set(each.settings) <= set(_SETTINGS)]
    if finding.name and not any(each.settings for each in kept):
        rates = (COLLAPSE, INFERENCE_COLLAPSE, PARTIAL_COLLAPSE)
        kept.insert(0, longer(2 * epochs) if finding.name in rates else another_seed())
    return replace(finding, remedies=tuple(kept))


def column_errors(items: Ragged, rebuilt: NDArray[Any], means: tuple[float, ...]) -> list[dict[str, float]]:
    """For each column the root mean squared error of reconstructions, and the share of its variance that they explain.

    >>> items = Ragged.of([np.array([[0.0], [2.0], [np.nan]])])
    >>> column_errors(items, [np.array([[0.0], [1.0], [5.0]])], (1.0,))
    [{'rmse': 0.7071067811865476, 'explained': 0.5}]
    """
    found = np.concatenate(list(rebuilt))
    square = np.nanmean(np.square(items.values - found), 0)
    whole = np.nanmean(np.square(items.values - np.asarray(means)), 0)
    return [
        {"rmse": float(np.sqrt(a)), "explained": float(1 - a / b) if b > 0 else 0.0}
        for a, b in zip(square, whole, strict=True)
    ]


def without_code(items: Ragged, means: tuple[float, ...], scales: tuple[float, ...]) -> float:
    """Log-density of a number in nats under a Gaussian for each column, mean over what is observed.

    >>> round(without_code(Ragged.of([np.array([[0.0], [np.nan]])]), (0.0,), (1.0,)), 4)
    -0.9189
    """
    z = (items.values - np.asarray(means)) / np.asarray(scales)
    return float(np.nanmean(-0.5 * z**2 - np.log(scales) - 0.5 * np.log(2 * np.pi)))


RUN = SeriesRun
