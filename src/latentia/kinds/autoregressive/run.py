"""A run of an autoregressive model: fit, exact evaluation and verdict, kept in a folder as a VAE's run is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from latentia.diagnostics import Verdict
from latentia.diagnostics.evaluation import LEVELS_NOTE
from latentia.diagnostics.findings import HEALTHY, LAST_TENTH, OVERFITTED, UNDERTRAINED
from latentia.kinds.autoregressive.catalog import DENSITY_MODELS, DensityEntry
from latentia.kinds.autoregressive.estimator import DensityEvaluation
from latentia.kinds.run import TRAIN_ROWS, Effort, Run, SplitName

HELD_OUT_COST = 0.1
"""Overfitted: held-out rows cost a tenth more nats than training rows. A rule of this project."""


class DensityRun(Run):
    """A fitted autoregressive model, its data and its folder."""

    @property
    def entry(self) -> DensityEntry:
        """What the catalog says of the model."""
        return DENSITY_MODELS[self.estimator.model]

    def _figures(self, split: SplitName, effort: Effort) -> dict[str, Any]:  # noqa: ARG002  the likelihood is exact
        part = self.split(split)
        found = self.estimator.evaluate(part.x, part.y)
        seen = self.split("train").take(TRAIN_ROWS)
        of_train = found if split == "train" else self.estimator.evaluate(seen.x, seen.y)
        bounds = [row["validation_elbo"] for row in self.estimator.history_ if "validation_elbo" in row]
        verdict = judge(found, None if split == "train" else of_train, bounds)
        return {
            "model": self.estimator.model,
            "data": self.spec.name,
            "split": split,
            "n": found.n,
            "n_levels": found.n_levels,
            "log_likelihood": found.log_likelihood,
            "log_likelihood_se": found.log_likelihood_se,
            "train_log_likelihood": of_train.log_likelihood,
            "bits_per_dim": found.bits_per_dim,
            "bits_per_dim_note": f"exact; {LEVELS_NOTE}; {found.n_levels} levels",
            "verdict": verdict.name,
            "evidence": list(verdict.evidence),
            "remedies": list(verdict.remedies),
        }


def judge(found: DensityEvaluation, train: DensityEvaluation | None, history: Sequence[float]) -> Verdict:
    """The verdict on an autoregressive model: overfitted, under-trained or healthy.

    Args:
        found: on held-out rows.
        train: on (part of) the training rows; None: overfitting is not judged.
        history: validation log-likelihood after each epoch.

    Example:
        >>> held_out = DensityEvaluation(10, 2, -120.0, 1.0, 0.2)
        >>> judge(held_out, DensityEvaluation(10, 2, -100.0, 1.0, 0.2), []).name
        'overfitted'
    """
    names, evidence, remedies = [], [], []
    if train is not None:
        cost = found.log_likelihood / min(train.log_likelihood, -1e-300) - 1
        evidence.append(
            f"The mean log-likelihood is {found.log_likelihood:.6g} nats on held-out rows and {train.log_likelihood:.6g} on"
            f" training rows: held-out rows cost {100 * cost:.1f} % more."
        )
        if cost > HELD_OUT_COST:
            names.append(OVERFITTED)
            remedies += ["`--set n_channels=N` with a smaller N, or more data"]
    if len(history) >= 3:
        tenth = max(1, len(history) // 10)
        gain = (max(history) - max(history[:-tenth])) / max(max(history) - history[0], 1e-300)
        text = f"The last {tenth} of {len(history)} epochs brought {100 * gain:.0f} % of the improvement on the validation part"
        if gain > LAST_TENTH:
            names.append(UNDERTRAINED)
            evidence.append(f"{text}: the likelihood was still rising.")
            remedies.append("`--epochs N` with a larger N")
        else:
            evidence.append(f"{text}.")
    return Verdict(names[0] if names else HEALTHY, tuple(evidence), tuple(remedies))
