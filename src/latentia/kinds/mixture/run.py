"""A run of a mixture: how many components, fit, evaluation and verdict, kept in a folder as a VAE's run is."""

from __future__ import annotations

import math
import re
import warnings
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning

import latentia
from latentia import data
from latentia.diagnostics import Verdict
from latentia.diagnostics.evaluation import DENSITY_NOTE, LEVELS_NOTE
from latentia.errors import ConfigError
from latentia.kinds.kind import make
from latentia.kinds.mixture.catalog import MIXTURES, MixtureEntry
from latentia.kinds.names import mixture_name
from latentia.kinds.run import Effort, Run, SplitName, plain
from latentia.mixture import Finding, Selection, select

DEFAULT_RANGE = "1..10"
EDGE = "K at the edge"
VERDICTS = {
    "singular": "singular component",
    "empty": "empty component",
    "duplicate": "duplicate components",
    "not-converged": "not converged",
}
"""Kind of a finding -> verdict, gravest first; then `EDGE`."""

LABELS = {"aic": "AIC", "bic": "BIC", "icl": "ICL", "laplace": "Laplace"}


def numbers_of(n_components: int | str | None) -> range:
    """The numbers of components that were asked for.

    Raises:
        ConfigError: if it is neither a positive number nor a range of them.

    Example:
        >>> numbers_of(8), numbers_of("1..7")
        (range(8, 9), range(1, 8))
    """
    text = DEFAULT_RANGE if n_components is None else str(n_components)
    match = re.fullmatch(r"(\d+)(?:\.\.(\d+))?", text.strip())
    if match is None:
        raise ConfigError(f"--n-components {text}: a number (8) or a range (1..7) was expected")
    low, high = int(match[1]), int(match[2] or match[1])
    if low < 1 or high < low:
        raise ConfigError(f"--n-components {text}: numbers of at least 1, the smaller first, were expected")
    return range(low, high + 1)


@dataclass(frozen=True)
class Layout:
    """How items `[n, *event]` become the rows `[n, d]` of a mixture, and back.

    Attributes:
        event_shape: of an item.
        dense: whether sparse tables are made dense: Gaussians take no others.
        white: images are divided by it: 255 where bytes stand for [0, 1]; 1 for 0/1 images, and where bytes are counts.
        constant: pixels that a Gaussian leaves out because they are the same in all images, with their values.
    """

    event_shape: tuple[int, ...]
    dense: bool = False
    white: int = 1
    constant: tuple[tuple[int, float], ...] = ()

    @classmethod
    def of(cls, dataset: data.Dataset, kind: str) -> Layout:
        """The layout for a mixture of class `kind`."""
        x, gaussian = dataset.train.x, kind == "GaussianMixture"
        if not dataset.is_image:
            return cls(dataset.event_shape, gaussian)
        scaled = gaussian or kind == "BernoulliMixture"
        layout = cls(
            dataset.event_shape, gaussian, 255 if scaled and x.dtype == np.uint8 and int(x.max()) > 1 else 1
        )
        if not gaussian:
            return layout
        rows = layout.rows(x)
        same = np.flatnonzero(rows.min(0) == rows.max(0))
        return replace(layout, constant=tuple((int(i), float(rows[0, i])) for i in same))

    def rows(self, items: Any) -> Any:
        """Items as rows."""
        if hasattr(items, "toarray"):
            return items.toarray() if self.dense else items
        rows = np.asarray(items).reshape(len(items), -1)
        rows = rows if self.white == 1 else rows.astype(np.float32) / np.float32(self.white)
        return np.delete(rows, [i for i, _ in self.constant], axis=1) if self.constant else rows

    def items(self, rows: np.ndarray) -> np.ndarray:
        """Rows as items; images of bytes stay on the scale 0 to 1."""
        if self.constant:
            full = np.empty((len(rows), math.prod(self.event_shape)), rows.dtype)
            places, values = map(list, zip(*self.constant, strict=True))
            full[:, places] = values
            full[:, np.setdiff1d(np.arange(full.shape[1]), places)] = rows
            rows = full
        return rows.reshape(len(rows), *self.event_shape)


class MixtureRecipe:
    """Fit a mixture with a given number of components, or with each of a range and keep the best.

    Args:
        params: `model`, `n_components`, and arguments of the estimator.

    Raises:
        ConfigError: an unknown parameter, or numbers of components that are none.
    """

    holds_out = False

    def __init__(self, params: dict[str, Any]) -> None:
        name = mixture_name(params["model"])
        assert name is not None
        self.name, self.entry = name, MIXTURES[name]
        self.numbers = numbers_of(params.get("n_components"))
        given = {key: value for key, value in params.items() if key not in ("model", "n_components")}
        kind = getattr(latentia, self.entry.estimator)
        self.estimator = make(kind, {**given, "n_components": self.numbers[-1]})
        self.asked = {"model": name, "asked": {key: _listed(value) for key, value in params.items()}}

    def fit(
        self,
        dataset: data.Dataset,
        out: Path,  # noqa: ARG002  EM is short: there are no checkpoints
        resume: bool,  # noqa: ARG002  the same seed gives the same fit again
        say: Callable[[str], None],
    ) -> tuple[Any, dict[str, Any]]:
        """The fitted estimator, and further entries of `config.json`."""
        layout = Layout.of(dataset, self.entry.estimator)
        rows = layout.rows(dataset.train.x)
        entries: dict[str, Any] = {"layout": asdict(layout)}
        if layout.constant:
            say(f"{len(layout.constant)} pixels are the same in all training images and are left out")
        if len(self.numbers) == 1:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ConvergenceWarning)  # the verdict says it
                return self.estimator.fit(rows), entries
        selection = select(self.estimator, rows, self.numbers)
        criterion = self.entry.criterion
        say(str(selection))
        say(f"n_components: {selection.chosen[criterion]}, the smallest {LABELS[criterion]}")
        return selection.best(criterion), {**entries, "selection": _kept(selection, criterion)}


def _listed(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _kept(selection: Selection, criterion: str) -> dict[str, Any]:
    return {
        "criterion": criterion,
        "chosen": plain(selection.chosen),
        "at_edge": list(selection.at_edge),
        "table": plain(selection.table),
    }


class MixtureRun(Run):
    """A fitted mixture, its data and its folder."""

    @property
    def model(self) -> str:
        """The name in `latentia.catalog.MIXTURES`."""
        return str(self.config["model"])

    @property
    def entry(self) -> MixtureEntry:
        """What the catalog says of the model."""
        return MIXTURES[self.model]

    @property
    def layout(self) -> Layout:
        """How items become rows."""
        return Layout(**self.config["layout"])

    def rows(self, split: SplitName) -> Any:
        """The items of a split as the estimator's rows."""
        return self.layout.rows(self.split(split).x)

    def _figures(self, split: SplitName, effort: Effort) -> dict[str, Any]:  # noqa: ARG002  the likelihood is exact
        """The log-likelihood of the split; criteria and verdict are of the training part, to which the mixture was fitted."""
        split = split if self.spec.hold_out else "train"
        rows, train = self.rows(split), self.rows("train")
        log_likelihood = self.estimator.score(rows)
        of_train = log_likelihood if split == "train" else self.estimator.score(train)
        scores = self.estimator.scores(train)
        bits, note = self._bits(log_likelihood)
        selection = self.config.get("selection")
        verdict = judge(
            self.estimator.verdict(train),
            self.estimator.n_components,
            selection,
            _likelihoods(split, log_likelihood, of_train, self.estimator),
        )
        return {
            "model": self.model,
            "data": self.spec.name,
            "split": split,
            "n": int(rows.shape[0]),
            "n_components": self.estimator.n_components,
            "log_likelihood": log_likelihood,
            "train_log_likelihood": of_train,
            "bits_per_dim": bits,
            "bits_per_dim_note": note,
            "n_free": scores.n_free,
            **{name: getattr(scores, name) for name in ("aic", "bic", "icl", "laplace")},
            "weights": self.estimator.weights_.tolist(),
            "n_iter": self.estimator.n_iter_,
            "converged": self.estimator.converged_,
            "selection": selection,
            "verdict": verdict.name,
            "evidence": list(verdict.evidence),
            "remedies": list(verdict.remedies),
        }

    def _bits(self, log_likelihood: float) -> tuple[float | None, str]:
        layout = self.layout
        if len(layout.event_shape) != 3:
            return None, "not images"
        if layout.constant:
            return None, f"{len(layout.constant)} constant pixels are left out of the density"
        nats = -log_likelihood / math.prod(layout.event_shape)
        if self.entry.estimator != "GaussianMixture":
            return nats / math.log(2), LEVELS_NOTE
        return (nats + math.log(256)) / math.log(2), DENSITY_NOTE


def _likelihoods(split: str, log_likelihood: float, of_train: float, estimator: Any) -> str:
    how = "converged" if estimator.converged_ else "stopped"
    text = f"The mean log-likelihood is {of_train:.6g} nats an item on the rows that it was fitted to"
    if split != "train":
        text += f" and {log_likelihood:.6g} on the {split} part"
    return f"{text}; EM {how} after {estimator.n_iter_} iterations."


def judge(
    findings: tuple[Finding, ...], n_components: int, selection: dict[str, Any] | None, *seen: str
) -> Verdict:
    """The verdict on a mixture.

    Args:
        findings: what `verdict(X)` of the estimator says.
        n_components: K of the fit.
        selection: the entry of `config.json`, or None if one K was given.
        seen: sentences that are evidence whatever the verdict.
    """
    names = list(VERDICTS)
    found = sorted(findings, key=lambda finding: names.index(finding.kind))
    evidence = _evidence(found) + list(seen)
    remedies = [remedy for kind in names for remedy in _remedies(kind, n_components) if _has(found, kind)]
    verdict = VERDICTS[found[0].kind] if found else "healthy"
    if selection is not None:
        criterion = selection["criterion"]
        tried = [row["n_components"] for row in selection["table"]]
        evidence.append(
            f"Of {tried[0]} to {tried[-1]} components {LABELS[criterion]} is smallest at {n_components}."
        )
        if criterion in selection["at_edge"]:
            evidence.append("That is the edge of the range: another number outside it may be better.")
            low, high = max(1, n_components - 2), n_components + len(tried)
            remedies.append(f"a wider range: `--n-components {low}..{high}`")
            verdict = verdict if found else EDGE
    return Verdict(verdict, tuple(evidence), tuple(dict.fromkeys(remedies)))


def _evidence(findings: list[Finding]) -> list[str]:
    """A sentence for each finding; of many of a kind, the first three and how many more there are."""
    sentences: list[str] = []
    for kind in VERDICTS:
        same = [finding.message.rsplit(": ", 1)[0] for finding in findings if finding.kind == kind]
        sentences += [f"{text[:1].upper()}{text[1:]}." for text in same[:3]]
        if len(same) > 3:
            sentences.append(f"So with {len(same) - 3} more.")
    return sentences


def _has(findings: list[Finding], kind: str) -> bool:
    return any(finding.kind == kind for finding in findings)


def _remedies(kind: str, n_components: int) -> tuple[str, ...]:
    fewer = (f"fewer components: `--n-components {n_components - 1}`",) if n_components > 1 else ()
    return {
        "singular": (
            *fewer,
            "`--set reg_covar=V` with a larger variance V, or `covariance_type=diag` if it is full",
        ),
        "empty": (*fewer, "`--set n_init=10`: other starts"),
        "duplicate": fewer,
        "not-converged": ("`--set max_iter=N` with a larger N",),
    }[kind]


def draw_items(estimator: Any, config: dict[str, Any], n: int, seed: int) -> np.ndarray:
    """Draw items `[n, *event]` from a fitted mixture, in random order; images of bytes are on the scale 0 to 1.

    Args:
        estimator: fitted; any but the classifier, whose draws have labels.
        config: of its run folder.
        n: how many.
        seed: of the draw.
    """
    estimator.set_params(random_state=seed)
    rows = estimator.sample(n)[0]
    rows = rows[np.random.default_rng(seed).permutation(n)]  # they come sorted by component
    if type(estimator).__name__ != "GaussianMixture":
        rows = rows.astype(np.int64)
    return Layout(**config["layout"]).items(rows) if "layout" in config else rows
