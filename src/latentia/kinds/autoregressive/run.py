"""How an autoregressive model is fitted into a run folder, what its runs can do, and the verdict on them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentia.diagnostics import Finding, Remedy, Verdict, ordered
from latentia.diagnostics.bits import bits_of_levels, levels
from latentia.diagnostics.findings import HELD_OUT_COST
from latentia.diagnostics.margins import FEWEST, Margins, margins, unlike
from latentia.diagnostics.undertraining import ShortOf, undertraining
from latentia.errors import ConfigError
from latentia.estimators.forms.arrays import first_rows
from latentia.estimators.hints import last_gain, short_of
from latentia.kinds.autoregressive.estimator import AutoregressiveModel
from latentia.kinds.autoregressive.use import DensityEvaluation, channels_of
from latentia.kinds.autoregressive.words import WORDS
from latentia.kinds.kind import NetworkRecipe
from latentia.kinds.run import TRAIN_ROWS, Effort, Measured, Run, SplitName
from latentia.vocabulary import OVERFITTED

COMPARED = 500  # drawn rows of a table, held against its own

FEWEST_CHANNELS = 4  # that a smaller network is left with


def recipe(params: dict[str, Any]) -> NetworkRecipe:
    """How the model that the parameters name is fitted."""
    return NetworkRecipe(AutoregressiveModel, params)


class DensityRun(Run):
    """A fitted autoregressive model, its data and its folder."""

    def measure(self, split: SplitName, effort: Effort) -> Measured:  # noqa: ARG002  the likelihood is exact
        """Exact figures and the verdict on one part of the data."""
        part = self.split(split)
        found = self.estimator.evaluate(part.x, part.y)
        of_train: DensityEvaluation | None = found
        if split != "train":
            of_train = None
            if len(self.dataset.train):
                seen = self.split("train").take(TRAIN_ROWS)
                of_train = self.estimator.evaluate(seen.x, seen.y)
        bounds = [row["validation_elbo"] for row in self.estimator.history_ if "validation_elbo" in row]
        bits = bits_of_levels(found.log_likelihood, math.prod(self.event_shape), levels(found.n_levels))
        figures = {
            "n": found.n,
            "n_levels": found.n_levels,
            "log_likelihood": found.log_likelihood,
            "log_likelihood_se": found.log_likelihood_se,
            "train_log_likelihood": None if of_train is None else of_train.log_likelihood,
            "bits_per_dim": bits.value,
            "bits_per_dim_note": f"exact; {bits.note}",
            "bits_per_dim_alphabet": bits.alphabet,
        }
        against = None if split == "train" else of_train
        gain = last_gain(self.estimator.history_)
        size = channels_of(self.estimator)
        apart, short = self._margins(part.x), short_of(self.estimator)
        verdict = judge(found, against, bounds, gain, apart, self.columns, channels=size, short=short)
        return Measured(split, figures, verdict)

    def _margins(self, items: Any) -> Margins | None:
        """Of tables: columns of draws against those of the data."""
        if self.is_image or self.estimator.conditional or len(items) < FEWEST:
            return None
        return margins(np.asarray(items, dtype=float), np.asarray(self.drawn(COMPARED, seed=0), dtype=float))

    def drawn(self, n: int, *, seed: int, mean: bool = True, label: str | None = None) -> Any:  # noqa: ARG002
        """See `latentia.kinds.abilities.Samples`."""
        classes = self.estimator.classes_
        known = next((each for each in classes if str(each) == label), label)
        return self.estimator.sample(n, labels=known, random_state=seed)

    def log_density(self, items: Any) -> NDArray[np.float64]:
        """See `latentia.kinds.abilities.Scores`.

        Raises:
            ConfigError: for a model of p(x|class), which has no density of items alone.
        """
        if self.estimator.conditional:
            raise ConfigError("this model gives p(x|class), not p(x): fit one without conditional=true")
        return np.asarray(self.estimator.score_samples(items))

    def completed(self, items: Any, keep: float, *, seed: int, labels: Any = None) -> Any:
        """See `latentia.kinds.abilities.Completes`."""
        array = np.asarray(items)
        labels = labels if self.estimator.conditional else None
        # images `[n, C, H, W]`, or the columns of a table
        mask = (
            first_rows(array.shape[2:], keep) if array.ndim == 4 else first_rows((1, array.shape[1]), keep)[0]
        )
        return self.estimator.complete(array, mask, labels=labels, random_state=seed)


RISING = 0.01
"""Under-trained: the gain is more than this share of what an item costs. A rule of this project."""


def judge(
    found: DensityEvaluation,
    train: DensityEvaluation | None,
    history: Sequence[float],
    gain: float | None = None,
    found_margins: Margins | None = None,
    columns: Sequence[str] | None = None,
    *,
    channels: int = 0,
    short: ShortOf | None = None,
) -> Verdict:
    """The verdict on an autoregressive model: overfitted, under-trained, samples unlike the data, or healthy.

    Args:
        found: on held-out rows.
        train: on (part of) the training rows; None: overfitting is not judged.
        history: validation log-likelihood after each epoch.
        gain: of the last epoch over its own mean, see `undertraining`.
        found_margins: of a table, its columns against those of samples.
        columns: their names.
        channels: features of a layer; 0: not known.
        short: what a fit that a person cut short had.

    Example:
        >>> held_out = DensityEvaluation(10, 2, -120.0, 1.0, 0.2)
        >>> judge(held_out, DensityEvaluation(10, 2, -100.0, 1.0, 0.2), []).name
        'overfitted'
    """
    findings = []
    if train is not None:
        cost = found.log_likelihood / min(train.log_likelihood, -1e-300) - 1
        text = (
            f"The mean log-likelihood is {found.log_likelihood:.4g} nats on held-out rows and {train.log_likelihood:.4g} on"
            f" training rows: held-out rows cost {100 * cost:.1f} % more."
        )
        half = channels // 2
        smaller = Remedy(f"a smaller network: `--set n_channels={half}`", settings={"n_channels": half})
        less = (*([smaller] if half >= FEWEST_CHANNELS else []), Remedy("more data"))
        findings.append(Finding(OVERFITTED if cost > HELD_OUT_COST else "", text, less, cost / HELD_OUT_COST))
    more = 2 * channels
    larger = Remedy(f"a larger network: `--set n_channels={more}`", settings={"n_channels": more})
    findings += [
        finding
        for finding in (
            undertraining(history, gain, RISING * max(1.0, -found.log_likelihood), short),
            unlike(found_margins, columns, (larger,) if more else ()),
        )
        if finding is not None
    ]
    return ordered(findings, WORDS.order)


RUN = DensityRun
