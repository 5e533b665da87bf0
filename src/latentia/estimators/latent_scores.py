"""How good a fitted VAE is: likelihoods, figures, diagnosis."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from latentia.core import Objective
from latentia.diagnostics import Diagnosis, Evaluation, diagnose, evaluate
from latentia.distributions import Delta
from latentia.errors import ConfigError
from latentia.estimators.forms.arrays import as_rows
from latentia.estimators.hints import last_gain, rate_weight
from latentia.estimators.latent import VAECodes
from latentia.estimators.parameters import whole
from latentia.objectives import ObjectiveSetting, build_objective

DIAGNOSED_ROWS = 10_000


class VAEScores(VAECodes):
    """How well the model explains data, and whether the fit can be trusted."""

    objective_options: Mapping[str, Any] | None
    n_importance: int

    def score_samples(self, X: Any) -> NDArray[Any]:
        """Importance-weighted log p(x) in nats of each row, `[n]`, with `n_importance` samples.

        A density in the units of X for real-valued tables, on [0, 1] for pixels, a probability for binary and count data.

        Raises:
            ConfigError: for models with deterministic codes, which define no density.
        """
        rows, _ = as_rows(self, X, reset=False)
        n_importance = whole("n_importance", self.n_importance, 1)
        module, batches = self._inference(rows, 128)
        scores = []
        with torch.inference_mode():
            for x in batches:
                if isinstance(module.amortised(x[:1]), Delta):
                    raise ConfigError(
                        f"model {self.model!r} has deterministic codes and so no log-likelihood"
                    )
                scores.append(module.log_prob(x, n_importance).double().cpu().numpy())
        return np.concatenate(scores) - self.form_.log_volume

    def score(self, X: Any, y: Any = None) -> float:  # noqa: ARG002
        """Mean of `score_samples(X)`: nats per item, greater is better."""
        return float(self.score_samples(X).mean())

    def evaluate(
        self, X: Any, *, n_importance: int | None = None, importance_items: int | None = None
    ) -> Evaluation:
        """All figures of the fit on X: the bound and its parts, errors, active units (see `Evaluation`).

        Args:
            X: rows.
            n_importance: importance samples for the log-likelihood; None: the estimator's; 0: none.
            importance_items: most rows for which they are drawn; None: all.
        """
        rows, _ = as_rows(self, X, reset=False)
        module, batches = self._inference(rows, 250)
        return evaluate(
            module,
            batches,
            n_importance=self.n_importance if n_importance is None else n_importance,
            importance_items=importance_items,
            log_volume=self.form_.log_volume,
        )

    def diagnose(
        self, X: Any, *, train: Any = None, evaluation: Evaluation | None = None, thorough: bool = True
    ) -> Diagnosis:
        """Whether the fit can be trusted, judged on held-out rows: the verdict, all figures, and remedies.

        Args:
            X: held-out rows (the first 10 000 are looked at).
            train: training rows; with them overfitting is judged.
            evaluation: what `evaluate(X)` gave, if it is there already.
            thorough: also take the measures that need an optimisation for each of some rows.
        """
        rows, _ = as_rows(self, X, reset=False)
        module, batches = self._inference(rows[:DIAGNOSED_ROWS], 250)
        bounds = [_score(row) for row in self.history_ if row.get("validation_elbo") is not None]
        return diagnose(
            module,
            batches,
            evaluation=evaluation,
            train=None if train is None else self.evaluate(train, n_importance=0),
            history=bounds,
            last_gain=last_gain(self.history_),
            rate_weight=rate_weight(self._known_objective()),
            sampler=self._source(module),
            thorough=thorough,
        )

    def _known_objective(self) -> Objective:
        """What was minimised; of a loaded model built again, for as far as its weights do not depend on the length of the fit."""
        if hasattr(self, "objective_"):
            return self.objective_
        setting = ObjectiveSetting(self.n_train_, self.latent_dim_, self.event_shape_, 1)
        return build_objective(self._entry().objective, setting, self.objective_options)


def _score(row: Mapping[str, Any]) -> float:
    """What an epoch was judged by: minus the objective's loss, where that is known, else the bound; of held-out rows."""
    loss = row.get("validation_loss")
    return float(row["validation_elbo"] if loss is None else -loss)
