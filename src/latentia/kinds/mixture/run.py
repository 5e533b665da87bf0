"""A run of a mixture: figures, verdict, and what it can do."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentia.data import Split
from latentia.data.items import dense
from latentia.diagnostics import Finding, Remedy, Verdict, ordered
from latentia.diagnostics.bits import BEYOND, COUNTS, Bits, bits_of_density, bits_of_levels, levels
from latentia.diagnostics.margins import FEWEST, margins, unlike
from latentia.diagnostics.pairs import pairs, unlike_pairs
from latentia.errors import ConfigError
from latentia.kinds.mixture.catalog import MIXTURES, MixtureEntry
from latentia.kinds.mixture.recipe import MixtureRecipe
from latentia.kinds.mixture.words import CRITERIA, EDGE, FAULTS, WORDS
from latentia.kinds.run import Effort, Measured, Run, SplitName
from latentia.kinds.serving import ExportsGraphs
from latentia.kinds.tables import FillsTables
from latentia.mixture import ComponentFault

TOLD_OF_A_KIND = 3
COMPARED = 2000  # rows, drawn and of the data, that are held against each other


def recipe(params: dict[str, Any]) -> MixtureRecipe:
    """How the model that the parameters name is fitted."""
    return MixtureRecipe(params)


class MixtureRun(ExportsGraphs, FillsTables, Run):
    """A fitted mixture, its data and its folder."""

    @property
    def entry(self) -> MixtureEntry | None:
        """What the catalog says of the model; None for a mixture that it does not have."""
        return MIXTURES[self.model] if self.model in MIXTURES else None  # noqa: SIM401  a registry has no default

    @property
    def model(self) -> str:
        """Its name in the catalog, or that of its class."""
        name = type(self.estimator).__name__
        listed = next((model for model, entry in MIXTURES.items() if entry.estimator == name), name)
        return str(self.config.get("model") or listed)

    @property
    def event_shape(self) -> tuple[int, ...]:
        """Shape of an item."""
        return tuple(self.estimator.layout_.event_shape)

    @property
    def asked(self) -> dict[str, Any]:
        """The parameters of the fit, the model among them."""
        kept = self.config.get("fitted_as") or self.config.get("asked")
        return dict(kept) if kept else {"model": self.model, **self.config["params"]}

    def measure(self, split: SplitName, effort: Effort) -> Measured:  # noqa: ARG002  the likelihood is exact
        """The log-likelihood of the split; criteria and verdict are of the training part, to which the mixture was fitted."""
        all_rows = self.spec is not None and not self.spec.hold_out
        split = "train" if all_rows and split != "new" else split
        items = self.split(split).x
        train = self.split("train").x if len(self.dataset.train) else items
        of_items = self.log_density(items)
        log_likelihood = float(of_items.mean())
        same = train is items or split == "train"
        of_train = log_likelihood if same else self.estimator.score(train)
        scores = self.estimator.scores(train)
        bits = self._bits(log_likelihood)
        selection = self.config.get("selection")
        seen = _likelihoods(split, log_likelihood, of_train, self.estimator)
        k = self.estimator.n_components
        figures = {
            "n": int(items.shape[0]),
            "n_components": k,
            "log_likelihood": log_likelihood,
            "log_likelihood_se": standard_error(of_items),
            "train_log_likelihood": of_train,
            "bits_per_dim": bits.value,
            "bits_per_dim_note": bits.note,
            "bits_per_dim_alphabet": bits.alphabet,
            "n_free": scores.n_free,
            **{name: getattr(scores, name) for name in CRITERIA},
            "weights": self.estimator.weights_.tolist(),
            "n_iter": self.estimator.n_iter_,
            "converged": self.estimator.converged_,
            "selection": selection,
            **self._agreement(self.split("train" if len(self.dataset.train) else split)),
        }
        remedies = remedies_of(self.estimator, self.estimator.layout_.resolution(train))
        faults = self.estimator.verdict(train)
        verdict = judge(faults, k, selection, seen, remedies=remedies, found=self._unlike(items, k))
        return Measured(split, figures, verdict)

    def _unlike(self, items: Any, k: int) -> tuple[Finding | None, ...]:
        """Of tables: columns of draws, and of unlike columns how they go together, against those of the data."""
        if self.is_image or items.shape[0] < FEWEST:
            return ()
        rows = dense(items[:COMPARED])
        more = Remedy(f"more components: `--n-components {2 * k}`", settings={"n_components": 2 * k})
        drawn = dense(self.drawn(COMPARED, seed=0))
        if self.has_columns:
            rows, drawn = (self.estimator.layout_.viewable(each) for each in (rows, drawn))
        data, samples = np.asarray(rows, float), np.asarray(drawn, float)
        found = unlike(margins(data, samples), self.columns, (more,))
        if not self.has_columns:
            return (found,)
        columns = self.estimator.columns_
        nominal = [column.kind == "category" for column in columns]
        return found, unlike_pairs(
            pairs(data, samples, nominal), [column.name for column in columns], (more,)
        )

    def _agreement(self, part: Split) -> dict[str, float | None]:
        """How alike components and classes are, over the items whose class is known; None without classes."""
        y = part.y
        names = ("adjusted_rand_index", "normalized_mutual_information")
        if y is None or (y >= 0).sum() < 2:
            return dict.fromkeys(names)
        from sklearn import metrics

        component = self.memberships(part.x).argmax(1)[y >= 0]
        scores = (metrics.adjusted_rand_score, metrics.normalized_mutual_info_score)
        return {name: float(score(y[y >= 0], component)) for name, score in zip(names, scores, strict=True)}

    def _bits(self, log_likelihood: float) -> Bits:
        layout, size = self.estimator.layout_, math.prod(self.event_shape)
        if not layout.is_image:
            return Bits(None, "not images")
        if layout.constant:
            return Bits(None, f"{len(layout.constant)} constant pixels are left out of the density")
        if layout.dense:
            beyond = layout.scale == "continuous"
            return Bits(None, BEYOND) if beyond else bits_of_density(log_likelihood, size)
        known = 2 if self.model == "bernoulli-mixture" else getattr(self.estimator, "n_categories_", None)
        alphabet = COUNTS if known is None else levels(int(np.max(known)))
        return bits_of_levels(log_likelihood, size, alphabet)

    def drawn(self, n: int, *, seed: int, mean: bool = True, label: str | None = None) -> Any:  # noqa: ARG002
        """Items in random order; images of bytes are on the scale 0 to 1. See `latentia.kinds.abilities.Samples`."""
        if label is not None:
            raise ConfigError("--label is for models that are conditional on a class, which mixtures are not")
        self.estimator.set_params(random_state=seed)
        items = self.estimator.sample(n)[0]
        if self.has_columns:
            return items.iloc[np.random.default_rng(seed).permutation(n)] if hasattr(items, "iloc") else items
        items = items[np.random.default_rng(seed).permutation(n)]  # they come sorted by component
        return items if self.estimator.layout_.dense else items.astype(np.int64)

    @property
    def conditions_on_total(self) -> bool:
        """Whether scores are of counts whose total is given unless it is asked to be modelled."""
        return bool(self.estimator.conditions_on_total)

    def log_density(self, items: Any, total: str = "given") -> NDArray[np.float64]:
        """See `latentia.kinds.abilities.Scores`."""
        return np.asarray(
            self.estimator.score_samples(items, **({"total": total} if self.conditions_on_total else {})),
            dtype=np.float64,
        )

    def memberships(self, items: Any) -> NDArray[np.float64]:
        """See `latentia.kinds.abilities.Clusters`."""
        return np.asarray(self.estimator.predict_proba(items), dtype=np.float64)


def standard_error(values: NDArray[np.float64]) -> float | None:
    """Of the mean of some values; None of a single one."""
    return float(values.std(ddof=1) / math.sqrt(len(values))) if len(values) > 1 else None


def _likelihoods(split: str, log_likelihood: float, of_train: float, estimator: Any) -> str:
    how = "converged" if estimator.converged_ else "stopped"
    text = f"The mean log-likelihood is {of_train:.6g} nats an item on the rows that it was fitted to"
    if split != "train":
        text += f" and {log_likelihood:.6g} on the {split} part"
    return f"{text}; EM {how} after {estimator.n_iter_} iterations."


def judge(
    faults: tuple[ComponentFault, ...],
    n_components: int,
    selection: dict[str, Any] | None,
    *seen: str,
    remedies: Mapping[str, tuple[Remedy, ...]] = MappingProxyType({}),
    found: Sequence[Finding | None] = (),
) -> Verdict:
    """The verdict on a mixture.

    Args:
        faults: what `verdict(X)` of the estimator says.
        n_components: K of the fit.
        selection: the entry of `config.json`, or None if one K was given.
        seen: sentences that are evidence whatever the verdict.
        remedies: of each kind of fault, what mends it; see `remedies_of`.
        found: of samples against the data.
    """
    looked_at = [*findings_of(faults, remedies), *selection_findings(selection, n_components)]
    looked_at += [each for each in found if each is not None]
    extra = [*seen, *([] if selection is None else [chosen_by(selection, n_components)])]
    return ordered(looked_at, WORDS.order, extra)


def findings_of(
    faults: tuple[ComponentFault, ...], remedies: Mapping[str, tuple[Remedy, ...]]
) -> list[Finding]:
    """What `verdict(X)` of an estimator says, one finding a kind of fault."""
    return [
        Finding(FAULTS[kind], _told(same), remedies.get(kind, ()))
        for kind in FAULTS
        if (same := [fault for fault in faults if fault.kind == kind])
    ]


def selection_findings(selection: Mapping[str, Any] | None, n_components: int) -> list[Finding]:
    """Whether the chosen number of components is the first or last that was tried."""
    if selection is None or selection["criterion"] not in selection["at_edge"]:
        return []
    tried = len(selection["table"])
    text = (
        "The best number of components is at the edge of the range: another number outside it may be better."
    )
    span = f"{max(1, n_components - 2)}..{n_components + tried}"
    wider = Remedy(f"a wider range: `--n-components {span}`", settings={"n_components": span})
    return [Finding(EDGE, text, (wider,))]


def chosen_by(selection: Mapping[str, Any], n_components: int) -> str:
    """What each criterion chooses, and which of them chose; those at the edge of the range are named as such."""
    tried = [row["n_components"] for row in selection["table"]]
    own, chosen = selection["criterion"], selection["chosen"]
    others = [name for name in CRITERIA if name != own]
    edge = [CRITERIA[name] for name in others if name in selection["at_edge"]]
    inside = [f"{CRITERIA[name]} {chosen[name]}" for name in others if name not in selection["at_edge"]]
    text = f"Of {tried[0]} to {tried[-1]} components {CRITERIA[own]} chooses {n_components}"
    text += f" (others: {', '.join(inside)})" if inside else ""
    if edge:
        ends = sorted({chosen[name] for name in others if name in selection["at_edge"]})
        many = "s" * (len(edge) == 1)
        named = " and ".join([", ".join(edge[:-1]), edge[-1]] if edge[1:] else edge)
        text += f"; {named} choose{many} {' and '.join(map(str, ends))}, the edge of what was tried"
    return f"{text}."


def _told(faults: list[ComponentFault]) -> str:
    """Sentences for faults of a kind: the first three, and how many more there are."""
    texts = [fault.message.rsplit(": ", 1)[0] for fault in faults[:TOLD_OF_A_KIND]]
    sentences = [f"{text[:1].upper()}{text[1:]}." for text in texts]
    if len(faults) > TOLD_OF_A_KIND:
        sentences.append(f"So with {len(faults) - TOLD_OF_A_KIND} more.")
    return " ".join(sentences)


def remedies_of(estimator: Any, resolution: float) -> dict[str, tuple[Remedy, ...]]:
    """What mends each kind of fault, of parameters that the estimator has, with the numbers to take.

    Args:
        estimator: fitted.
        resolution: the width of a pixel that is no spike; 0 for tables.
    """
    params, k = estimator.get_params(deep=False), estimator.n_components - 1
    fewer = (Remedy(f"fewer components: `--n-components {k}`", settings={"n_components": k}),) if k else ()
    narrow: tuple[Remedy, ...] = fewer
    if resolution and "reg_covar" in params:
        floor = float(f"{resolution:.1g}")
        text = f"a floor under the variance of pixels that never change in a component: `--set reg_covar={floor:g}`"
        narrow = (Remedy(text, settings={"reg_covar": floor}), *fewer)
    elif params.get("covariance_type") in ("full", "tied"):
        plain = Remedy(
            "a variance for each column in place of a covariance: `--set covariance_type=diag`",
            settings={"covariance_type": "diag"},
        )
        narrow = (plain, *fewer)
    starts, longer = max(10, 2 * estimator.n_init), 10 * estimator.max_iter
    more = Remedy(
        f"more starts, of which the best is kept: `--set n_init={starts}`", settings={"n_init": starts}
    )
    return {
        "singular": narrow,
        "empty": (*fewer, more),
        "duplicate": fewer,
        "not-converged": (
            Remedy(f"more iterations: `--set max_iter={longer}`", settings={"max_iter": longer}),
        ),
    }


RUN = MixtureRun
