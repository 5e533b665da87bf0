"""How a classifier is fitted into a run folder, what its runs can do, and the verdict on them."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning

from latentia.data import Dataset, Split
from latentia.data.items import Mixed
from latentia.diagnostics import Finding, Remedy, Verdict, ordered
from latentia.errors import DataError
from latentia.estimators.parameters import numbers_of
from latentia.kinds.classifier.catalog import CLASSIFIERS, ClassifierEntry
from latentia.kinds.classifier.estimator import GaussianMixtureClassifier
from latentia.kinds.classifier.words import OVERCONFIDENT, USELESS, WORDS
from latentia.kinds.kind import make
from latentia.kinds.mixture.recipe import DEFAULT_RANGE, kept_selection
from latentia.kinds.mixture.run import findings_of, remedies_of, selection_findings
from latentia.kinds.mixture.words import CRITERIA
from latentia.kinds.run import TRAIN_ROWS, Effort, Measured, Run, SplitName
from latentia.kinds.serving import ExportsGraphs
from latentia.mixture import select
from latentia.vocabulary import OVERFITTED

CRITERION = "bic"
"""By which the number of components is chosen from a range, of the joint density of rows and classes."""
SKILL = 0.1
"""No better than guessing: the log loss saves less than this share of the entropy of the classes. A rule of this project."""
DEARER = 0.25
"""Overfitted: held-out rows cost more than training rows by more than this share of the entropy. A rule of this project."""
SURER = 0.1
"""Overconfident: the mean confidence exceeds the accuracy by more than this and two standard errors. A rule of this project."""


class ClassifierRecipe:
    """Fit a classifier with a given number of components, or with each of a range and keep the best.

    Args:
        params: `model`; `n_components` (a number, a range as "1..7", or None for 1..10); arguments of the estimator.

    Attributes:
        holds_out: True: what it is worth shows on rows that it has not seen.
    """

    holds_out = True

    def __init__(self, params: dict[str, Any]) -> None:
        self.numbers = numbers_of(params.get("n_components"), "--n-components", DEFAULT_RANGE)
        given = {key: value for key, value in params.items() if key not in ("model", "n_components")}
        self.estimator = make(GaussianMixtureClassifier, {**given, "n_components": self.numbers[-1]})
        asked = {key: list(value) if isinstance(value, tuple) else value for key, value in params.items()}
        self.asked = {"model": params["model"], "asked": asked}

    def fit(
        self,
        dataset: Dataset,
        out: Path,  # noqa: ARG002  EM is short: there are no checkpoints
        resume: bool,  # noqa: ARG002  the same seed gives the same fit again
        say: Callable[[str], None],
    ) -> tuple[Any, dict[str, Any]]:
        """The fitted estimator, and further entries of `config.json`."""
        part, entries = dataset.train, {"fitted_as": self.asked["asked"]}
        y = classes_of(part, dataset.name)
        if len(self.numbers) == 1:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ConvergenceWarning)  # the verdict says it
                return self.estimator.fit(_rows(part.x), y), entries
        selection = select(self.estimator, _rows(part.x), self.numbers, y=y)
        say(str(selection))
        return selection.best(CRITERION), {**entries, "selection": kept_selection(selection, CRITERION)}


def recipe(params: dict[str, Any]) -> ClassifierRecipe:
    """How the model that the parameters name is fitted."""
    return ClassifierRecipe(params)


def classes_of(part: Split, name: str) -> NDArray[np.int64]:
    """The numbers of the classes of rows.

    Raises:
        DataError: if there are none.
    """
    if part.y is None:
        raise DataError(
            f"{name} has no classes, which a classifier learns: say which column holds them by --label-column"
        )
    return part.y


def _rows(items: Any) -> Any:
    """A table of unlike columns as it is, any other as numbers."""
    return items if isinstance(items, Mixed) else np.asarray(items, dtype=np.float64)


@dataclass(frozen=True)
class Predicted:
    """What a classifier says of rows whose classes are known.

    Attributes:
        n: rows.
        accuracy: share of rows whose most probable class is the true one.
        log_loss: mean of -log P(true class) in nats.
        confidence: mean probability of the most probable class.
        shares: share of each class among the rows.
    """

    n: int
    accuracy: float
    log_loss: float
    confidence: float
    shares: tuple[float, ...]

    @classmethod
    def of(cls, probabilities: NDArray[np.float64], y: NDArray[np.int64]) -> Predicted:
        """From P(y=c|x) `[n, C]` and the classes' places `[n]`; -1, a class that was not fitted, has probability 0."""
        floor = np.finfo(np.float64).tiny
        of_true = np.where(y >= 0, probabilities[np.arange(len(y)), np.maximum(y, 0)], floor)
        shares = np.bincount(np.maximum(y, 0), minlength=probabilities.shape[1]) / len(y)
        return cls(
            len(y),
            float((probabilities.argmax(1) == y).mean()),
            float(-np.log(np.maximum(of_true, floor)).mean()),
            float(probabilities.max(1).mean()),
            tuple(shares.tolist()),
        )

    @property
    def entropy(self) -> float:
        """Of the classes, in nats: what always giving them their shares costs."""
        shares = np.array([share for share in self.shares if share])
        return float(-(shares * np.log(shares)).sum())


class ClassifierRun(ExportsGraphs, Run):
    """A fitted classifier, its data and its folder."""

    @property
    def entry(self) -> ClassifierEntry:
        """What the catalog says of it."""
        return next(
            entry for entry in CLASSIFIERS.values() if entry.estimator == type(self.estimator).__name__
        )

    @property
    def model(self) -> str:
        """Its name in the catalog."""
        return next(name for name, entry in CLASSIFIERS.items() if entry is self.entry)

    @property
    def event_shape(self) -> tuple[int, ...]:
        """Shape of an item."""
        columns = self.estimator.columns_
        return (int(self.estimator.n_features_in_) if columns is None else len(columns),)

    @property
    def asked(self) -> dict[str, Any]:
        """The parameters of the fit, the model among them."""
        kept = self.config.get("fitted_as") or self.config.get("asked")
        return dict(kept) if kept else {"model": self.model, **self.config["params"]}

    @property
    def class_names(self) -> list[str]:
        """Names of the classes, in the order of `classes_`: of a fit by the command line those of its data, else the labels themselves."""
        names = None if self.spec is None else self.dataset.class_names
        return [str(label) if names is None else names[label] for label in self.estimator.classes_]

    def places(self, part: Split) -> NDArray[np.int64]:
        """The place in `classes_` of each row's class; -1 for a class that was not fitted."""
        y = classes_of(part, self.name)
        names = self.dataset.class_names
        known = {name: place for place, name in enumerate(self.class_names)}
        return np.array([known.get(str(number) if names is None else names[number], -1) for number in y])

    def predicted(self, part: Split) -> Predicted:
        """What it says of rows whose classes are known."""
        return Predicted.of(self.class_probabilities(part.x), self.places(part))

    def measure(self, split: SplitName, effort: Effort) -> Measured:  # noqa: ARG002  everything is exact
        """Figures and verdict on one part of the data; criteria are of the training part."""
        part = self.split(split)
        found = self.predicted(part)
        seen = self.split("train").take(TRAIN_ROWS) if len(self.dataset.train) else None
        of_train = None if seen is None else self.predicted(seen)
        fitted = self.split("train") if seen is not None else part
        places = self.places(fitted)
        rows, y = _rows(fitted.x)[places >= 0], self.estimator.classes_[places[places >= 0]]
        scores = self.estimator.scores(rows, y)
        selection = self.config.get("selection")
        figures = {
            "n": found.n,
            "accuracy": found.accuracy,
            "majority": max(found.shares),
            "log_loss": found.log_loss,
            "class_entropy": found.entropy,
            "train_log_loss": None if of_train is None else of_train.log_loss,
            "confidence": found.confidence,
            "n_components": self.estimator.n_components,
            **{name: getattr(scores, name) for name in (*CRITERIA, "n_free")},
            "weights": self.estimator.weights_.tolist(),
            "n_iter": self.estimator.n_iter_,
            "converged": self.estimator.converged_,
            "selection": selection,
        }
        k = self.estimator.n_components
        findings = findings_of(self.estimator.verdict(rows, y), remedies_of(self.estimator, 0.0))
        verdict = judge(
            found, None if split == "train" else of_train, k, [*findings, *selection_findings(selection, k)]
        )
        return Measured(split, figures, verdict)

    def class_probabilities(self, items: Any) -> NDArray[np.float64]:
        """See `latentia.kinds.abilities.Classifies`."""
        return np.asarray(self.estimator.predict_proba(_rows(items)), dtype=np.float64)

    def log_density(self, items: Any) -> NDArray[np.float64]:
        """See `latentia.kinds.abilities.Scores`."""
        return np.asarray(self.estimator.score_samples(_rows(items)), dtype=np.float64)

    def drawn(self, n: int, *, seed: int, mean: bool = True, label: str | None = None) -> Any:  # noqa: ARG002
        """Rows in random order, or of a class; see `latentia.kinds.abilities.Samples`."""
        self.estimator.set_params(random_state=seed)
        rows, classes = self.estimator.sample(n if label is None else 50 * n)
        if label is not None:
            names = self.class_names
            if label not in names:
                raise DataError(f"--label {label!r}: the classes are {', '.join(names)}")
            rows = rows[classes == self.estimator.classes_[names.index(label)]]
        chosen = np.random.default_rng(seed).permutation(len(rows))[:n]
        return rows.iloc[chosen].reset_index(drop=True) if hasattr(rows, "iloc") else np.asarray(rows[chosen])


def judge(found: Predicted, train: Predicted | None, n_components: int, findings: list[Finding]) -> Verdict:
    """The verdict on a classifier.

    Args:
        found: on held-out rows.
        train: on training rows; None: overfitting is not judged.
        n_components: K of the fit.
        findings: on its components and their number.

    Example:
        >>> right, wrong = np.array([[0.9, 0.1]] * 50), np.array([[0.1, 0.9]] * 50)
        >>> y = np.repeat([0, 1], 50)
        >>> judge(Predicted.of(np.concatenate([right, wrong]), y), None, 1, []).name
        'healthy'
        >>> judge(Predicted.of(np.full((100, 2), 0.5), y), None, 1, []).name
        'no better than guessing'
    """
    entropy = max(found.entropy, 1e-12)
    skill = 1 - found.log_loss / entropy
    sure = found.confidence - found.accuracy
    chance = SURER + 2 * float(np.sqrt(found.accuracy * (1 - found.accuracy) / found.n))
    stiffer = Remedy("a stronger penalty: `--set l2=1`", settings={"l2": 1.0})
    fewer = () if n_components == 1 else (
        Remedy(f"fewer components: `--n-components {n_components - 1}`", settings={"n_components": n_components - 1}),
    )  # fmt: skip
    more = Remedy(
        f"more components: `--n-components {2 * n_components}`", settings={"n_components": 2 * n_components}
    )
    told = (
        f"{found.accuracy:.1%} of {found.n} held-out rows are given their class; the most frequent class alone would give "
        f"{max(found.shares):.1%}. The log loss is {found.log_loss:.3g} nats, {max(skill, -9.99):.0%} below the entropy of the classes"
    )
    # what was learned of the training rows and does not hold for others is not mended by a larger model
    learned = train is not None and 1 - train.log_loss / entropy >= SKILL
    larger = (stiffer, *fewer) if learned else (more, stiffer)
    looked_at = [
        Finding(USELESS if skill < SKILL else "", f"{told}.", larger, SKILL / max(skill, 1e-12)),
        Finding(
            OVERCONFIDENT if sure > chance else "",
            f"The mean confidence is {found.confidence:.1%}, the accuracy {found.accuracy:.1%}.",
            (stiffer, *fewer),
            sure / chance,
        ),
    ]
    if train is not None:
        dearer = (found.log_loss - train.log_loss) / entropy
        text = f"The log loss is {found.log_loss:.3g} nats on held-out rows and {train.log_loss:.3g} on training rows."
        looked_at.append(
            Finding(OVERFITTED if dearer > DEARER else "", text, (*fewer, stiffer), dearer / DEARER)
        )
    return ordered([*findings, *looked_at], WORDS.order)


RUN = ClassifierRun
