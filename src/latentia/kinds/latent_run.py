"""A run of a model with an encoder and a decoder: what all kinds of them share."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentia.diagnostics import Diagnosis, Evaluation
from latentia.errors import ConfigError
from latentia.estimators.plan import refined_passes
from latentia.kinds.run import TRAIN_ROWS, Effort, Measured, Run, SplitName

JUDGED_SHARE, FEWEST_JUDGED = 0.1, 1000
_TOLD_ABOVE = ("verdict", "verdicts", "evidence", "remedies", "evaluation", "seconds")


class LatentRun(Run):
    """Figures from `evaluate` and `diagnose` of the estimator; codes, reconstructions, draws, densities."""

    def examine(self, split: SplitName, effort: Effort) -> tuple[Evaluation, Diagnosis]:
        """Figures and diagnosis of one part of the data; nothing is written."""
        part = self.split(split)
        if effort.items is not None:
            part = part.take(effort.items)
        evaluation = self.estimator.evaluate(
            part.x, n_importance=effort.n_importance, importance_items=effort.importance_items
        )
        train = self.split("train").take(TRAIN_ROWS).x if self._judges_against_train(split) else None
        diagnosis = self.estimator.diagnose(
            part.x, train=train, evaluation=evaluation, thorough=effort.thorough, columns=self.columns
        )
        return evaluation, diagnosis

    def items_in_proportion(self) -> int | None:
        """See `Run`: a tenth of the time that a fit was planned for, and 1000 at least."""
        plan = self.estimator.plan_
        if plan is None:
            return None
        size, steps = self.estimator.settings_["batch_size"], self.estimator.module_.refinement_steps
        one = refined_passes(steps) * plan.pass_seconds(size)
        return max(FEWEST_JUDGED, int(JUDGED_SHARE * 60 * plan.minutes / one))

    def _judges_against_train(self, split: SplitName) -> bool:
        return split != "train" and len(self.dataset.train) > 0

    def measure(self, split: SplitName, effort: Effort) -> Measured:
        """Figures, verdict and diagnosis on one part of the data."""
        evaluation, diagnosis = self.examine(split, effort)
        measures = {name: value for name, value in diagnosis.as_json().items() if name not in _TOLD_ABOVE}
        figures = {"likelihood": self.likelihood, **asdict(evaluation)}
        details = {"diagnosis": {**measures, "rows": [asdict(row) for row in diagnosis.rows()]}}
        return Measured(split, figures, diagnosis.verdict, details)

    @property
    def likelihood(self) -> str:
        """Name of p(x|z)."""
        return str(self.estimator.likelihood_)

    def drawn(self, n: int, *, seed: int, mean: bool = True, label: str | None = None) -> Any:
        """See `latentia.kinds.abilities.Samples`."""
        if label is not None:
            raise ConfigError(
                "--label is for models that are conditional on a class, such as autoregressive models fitted with `--set "
                "conditional=true`"
            )
        return self.estimator.sample(n, mean=mean, random_state=seed)

    @property
    def conditions_on_total(self) -> bool:
        """Whether scores are of counts whose total is given unless it is asked to be modelled."""
        return bool(self.estimator.conditions_on_total)

    def log_density(self, items: Any, total: str = "given") -> NDArray[np.float64]:
        """See `latentia.kinds.abilities.Scores`."""
        asked = {"total": total} if self.conditions_on_total else {}
        return np.asarray(self.estimator.score_samples(items, **asked), dtype=np.float64)

    def vectors(self, items: Any) -> NDArray[Any]:
        """See `latentia.kinds.abilities.Encodes`."""
        return np.asarray(self.estimator.transform(items))

    def rebuilt(self, items: Any) -> Any:
        """See `latentia.kinds.abilities.Rebuilds`."""
        return self.estimator.reconstruct(items)
