"""How a model of videos is fitted into a run folder, and what its runs can do."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentia.diagnostics import Diagnosis, Evaluation
from latentia.errors import ConfigError
from latentia.kinds.kind import NetworkRecipe
from latentia.kinds.run import TRAIN_ROWS, Effort, Measured, Run, SplitName
from latentia.kinds.video.estimator import VideoVAE
from latentia.kinds.video.state import state_of

_OF_CODES = ("active_units", "active", "bits_per_dim", "bits_per_dim_note", "sse_of_mean", "sigma2_optimal")
"""Figures of an evaluation that say nothing of paths."""
_TOLD_ABOVE = ("verdict", "verdicts", "evidence", "remedies", "evaluation", "seconds")


def recipe(params: dict[str, Any]) -> NetworkRecipe:
    """How the model that the parameters name is fitted."""
    return NetworkRecipe(VideoVAE, params)


class VideoRun(Run):
    """A fitted model of videos, its data and its folder."""

    @property
    def event_shape(self) -> tuple[int, ...]:
        """Shape of a frame: videos have as many as they have."""
        return tuple(self.estimator.event_shape_[1:])

    @property
    def is_image(self) -> bool:
        """They are not: an item is a video."""
        return False

    def examine(self, split: SplitName, effort: Effort) -> tuple[Evaluation, Diagnosis]:
        """Figures and diagnosis of one part of the data, with what is true of it; nothing is written."""
        part = self.split(split)
        evaluation = self.estimator.evaluate(
            part.x, n_importance=min(effort.n_importance, 20), importance_items=effort.importance_items
        )
        has_train = split != "train" and len(self.dataset.train) > 0
        train = self.split("train").take(TRAIN_ROWS // 20).x if has_train else None
        diagnosis = self.estimator.diagnose(part.x, train=train, evaluation=evaluation, truth=part.truth)
        return evaluation, diagnosis

    def measure(self, split: SplitName, effort: Effort) -> Measured:
        """Figures, verdict and diagnosis on one part of the data; with what is true of it, how well it is followed and foretold."""
        part = self.split(split)
        evaluation, diagnosis = self.examine(split, effort)
        state = state_of(self.estimator, self.estimator._videos(part.x), part.truth)
        judged = {name: value for name, value in diagnosis.as_json().items() if name not in _TOLD_ABOVE}
        details = {
            **judged,
            "rows": [asdict(row) for row in diagnosis.rows()],
            "errors": {name: curve.tolist() for name, curve in state.errors.items()},
            "energy": state.energy.tolist(),
            "true_places": state.known,
        }
        own = {name: value for name, value in asdict(evaluation).items() if name not in _OF_CODES}
        figures = {"likelihood": "gaussian", **own, **state.figures}
        return Measured(split, figures, diagnosis.verdict, {"diagnosis": details})

    def drawn(self, n: int, *, seed: int, mean: bool = True, label: str | None = None) -> Any:
        """See `latentia.kinds.abilities.Samples`."""
        if label is not None:
            raise ConfigError(
                "--label is for models that are conditional on a class; models of videos are not"
            )
        return self.estimator.sample(n, mean=mean, random_state=seed)

    def rebuilt(self, items: Any) -> Any:
        """See `latentia.kinds.abilities.Rebuilds`."""
        return self.estimator.reconstruct(items)

    def log_density(self, items: Any) -> NDArray[np.float64]:
        """See `latentia.kinds.abilities.Scores`."""
        return np.asarray(self.estimator.score_samples(items), dtype=np.float64)

    def vectors(self, items: Any) -> NDArray[Any]:
        """See `latentia.kinds.abilities.Encodes`."""
        return np.asarray(self.estimator.transform(items))

    def continued(
        self, items: Any, n_steps: int, *, n_samples: int = 0, seed: int = 0
    ) -> tuple[NDArray[Any], NDArray[Any]]:
        """See `latentia.kinds.abilities.Forecasts`."""
        found: tuple[NDArray[Any], NDArray[Any]] = self.estimator.rollout(
            items, n_steps, n_samples=n_samples, random_state=seed
        )
        return found

    def tracked(self, items: Any) -> Any:
        """See `latentia.kinds.abilities.Forecasts`."""
        return self.estimator.track(items)


RUN = VideoRun
