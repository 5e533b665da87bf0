"""How a model of scenes is fitted into a run folder, and what its runs can do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentia.diagnostics import Diagnosis, Evaluation
from latentia.kinds.kind import NetworkRecipe
from latentia.kinds.latent_run import LatentRun
from latentia.kinds.run import TRAIN_ROWS, Effort, Measured, SplitName
from latentia.kinds.scene.estimator import SceneVAE
from latentia.kinds.scene.separation import figures_of


def recipe(params: dict[str, Any]) -> NetworkRecipe:
    """How the model that the parameters name is fitted."""
    return NetworkRecipe(SceneVAE, params)


class SceneRun(LatentRun):
    """A fitted model of scenes, its data and its folder."""

    def examine(self, split: SplitName, effort: Effort) -> tuple[Evaluation, Diagnosis]:
        """Figures and diagnosis of one part of the data, with what is true of it; nothing is written."""
        part = self.split(split)
        evaluation = self.estimator.evaluate(
            part.x, n_importance=effort.n_importance, importance_items=effort.importance_items
        )
        train = self.split("train").take(TRAIN_ROWS).x if self._judges_against_train(split) else None
        diagnosis = self.estimator.diagnose(
            part.x, train=train, evaluation=evaluation, thorough=effort.thorough, truth=part.truth
        )
        return evaluation, diagnosis

    def measure(self, split: SplitName, effort: Effort) -> Measured:
        """Figures, verdict and diagnosis on one part of the data; with what is true of it, how well objects are separated."""
        part, found = self.split(split), super().measure(split, effort)
        agreed = self.estimator.separation(part.x, part.truth)
        own = {**figures_of(agreed), "mean_count": float(self.estimator.count(part.x).mean())}
        judged = {
            **found.details["diagnosis"],
            "separation": {name: value and asdict(value) for name, value in vars(agreed).items()},
        }
        if agreed.counts is not None:
            judged["confusion"] = agreed.counts.confusion
        return replace(
            found, figures={**found.figures, **own}, details={**found.details, "diagnosis": judged}
        )

    def masks(self, items: Any) -> NDArray[Any]:
        """See `latentia.kinds.abilities.Segments`."""
        found = []
        for seen in self.estimator.seen(items):
            ground = seen.ground[..., None, None]
            rest = np.clip(1 - seen.masks.sum(1, keepdims=True), 0, None)
            behind = rest + (seen.masks * ground).sum(1, keepdims=True)
            shares = np.concatenate([behind, np.where(ground, 0, seen.masks)], 1)
            found.append(shares / shares.sum(1, keepdims=True))
        return np.concatenate(found)

    def labels(self, items: Any) -> NDArray[Any]:
        """See `latentia.kinds.abilities.Segments`."""
        return np.asarray(self.estimator.segment(items))

    def objects(self, items: Any) -> Any:
        """See `latentia.kinds.abilities.Segments`."""
        return self.estimator.objects(items)

    def numbers(self, items: Any) -> tuple[NDArray[Any], NDArray[Any] | None]:
        """See `latentia.kinds.abilities.Segments`."""
        counts = np.asarray(self.estimator.count(items))
        return counts, self.estimator.count_proba(items) if self.estimator._entry().windows else None

    def edited(self, items: Any, *, remove: Any, move: Mapping[int, tuple[float, float]], swap: Any) -> Any:
        """See `latentia.kinds.abilities.Segments`."""
        return self.estimator.edit(items, remove=remove, move=move, swap=swap)


RUN = SceneRun
