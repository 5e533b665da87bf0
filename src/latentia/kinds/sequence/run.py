"""How a model of sequences is fitted into a run folder, and what its runs can do."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentia.diagnostics import Evaluation, Finding, TeacherForcing, ordered
from latentia.diagnostics.findings import overfitting
from latentia.diagnostics.generalisation import generalisation_gap
from latentia.diagnostics.undertraining import undertraining
from latentia.estimators.hints import last_gain, score_of, short_of
from latentia.kinds.kind import NetworkRecipe
from latentia.kinds.latent_run import LatentRun
from latentia.kinds.run import TRAIN_ROWS, Effort, Measured, SplitName
from latentia.kinds.sequence import findings, measures
from latentia.kinds.sequence.estimator import SequenceVAE
from latentia.kinds.sequence.words import WORDS
from latentia.kinds.serving import ExportsGraphs
from latentia.kinds.written import typed
from latentia.vocabulary import OVERFITTED

_Looked = tuple[Evaluation, dict[str, Any], list[Finding | None]]


def recipe(params: dict[str, Any]) -> NetworkRecipe:
    """How the model that the parameters name is fitted."""
    return NetworkRecipe(SequenceVAE, params)


class SequenceRun(ExportsGraphs, LatentRun):
    """A fitted model of sequences, its data and its folder."""

    @property
    def has_code(self) -> bool:
        """Whether it is no language model."""
        return bool(self.estimator.latent_dim_)

    def measure(self, split: SplitName, effort: Effort) -> Measured:
        """Figures, verdict and diagnosis on one part of the data, beside what counts of tokens say of it."""
        estimator, asked = self.estimator, self.estimator._inference()
        form, items = estimator.form_, self.split(split).x
        train = self.split("train").x if len(self.dataset.train) else items
        stored = form.stored(items)
        gaps = measures.timed(asked, items)
        counts = measures.counted(form.stored(train), stored, form.n_tokens, gaps)
        forcing = measures.forced(asked, items)
        most = measures.DRAWN_THOROUGHLY if effort.thorough else measures.DRAWN_ITEMS
        draws, share = measures.drawn(asked, train, items, most), form.unknown_share(stored)
        details: dict[str, Any] = {"rows": [], "teacher_forcing": asdict(forcing), "draws": asdict(draws)}
        if self.has_code:
            evaluation, own, found = self._with_code(split, effort, forcing, counts, details)
        else:
            evaluation, own, found = self._without_code(split, effort)
        log_likelihood = evaluation.log_likelihood if self.has_code else evaluation.elbo
        found += [
            findings.below_counts(
                log_likelihood,
                counts,
                self._epochs,
                estimator.composition_.network.width,
                rising=self._rising,
                overfitted=any(each is not None and each.name == OVERFITTED for each in found),
            ),
            findings.holes(draws, self._epochs, floored=estimator._entry().floored),
            findings.unknown(share, form.unit),
            None if gaps is None else findings.timed(gaps),
        ]
        figures = {
            "likelihood": self.likelihood,
            **{name: value for name, value in asdict(evaluation).items() if name not in _OF_NUMBERS},
            **self._units(evaluation, log_likelihood, stored.lengths.sum(), form.characters(items).sum()),
            "perplexity_note": self._bound(evaluation),
            "trigram_log_likelihood": counts.trigram + counts.gaps,
            "unigram_log_likelihood": counts.unigram + counts.gaps,
            **(
                {}
                if gaps is None
                else {"gap_log_likelihood": gaps.log_likelihood, "gap_baseline": gaps.baseline}
            ),
            **{name: getattr(forcing, name) for name in _OF_FORCING},
            "reverse_perplexity": draws.reverse_perplexity,
            "reverse_perplexity_of_data": draws.of_data,
            "unknown_share": share,
            **own,
        }
        verdict = ordered([each for each in found if each is not None], WORDS.order)
        return Measured(split, figures, verdict, {"diagnosis": details})

    def _with_code(
        self,
        split: SplitName,
        effort: Effort,
        forcing: TeacherForcing,
        counts: measures.Counted,
        details: dict[str, Any],
    ) -> _Looked:
        """Figures, further ones, and findings of a model with a code."""
        evaluation, diagnosis = self.examine(split, effort)
        likeness = measures.rebuilt(self.estimator._inference(), self.split(split).x)
        shown = {k: v for k, v in diagnosis.as_json().items() if k not in _TOLD_ABOVE}
        details |= {**shown, "rows": [asdict(row) for row in diagnosis.rows()]}
        details["reconstruction"] = asdict(likeness)
        found: list[Finding | None] = [*findings.of_sequences(diagnosis.verdict.findings, self._epochs)]
        found += [
            findings.cheating(evaluation, diagnosis.dependence, forcing, counts),
            findings.leaning(diagnosis.information, likeness),
        ]
        told = None if diagnosis.information is None else max(0.0, diagnosis.information.value)
        return evaluation, {"mutual_information": told, "edit_similarity": likeness.own}, found

    def _without_code(self, split: SplitName, effort: Effort) -> _Looked:
        """The same of a language model, whose likelihood is exact."""
        estimator = self.estimator
        evaluation = estimator.evaluate(self.split(split).x, importance_items=effort.importance_items)
        train = None
        if self._judges_against_train(split):
            train = estimator.evaluate(self.split("train").take(TRAIN_ROWS).x, n_importance=0)
        gap = None if train is None else generalisation_gap(train, evaluation)
        history = [score_of(row) for row in estimator.history_ if row.get("validation_elbo") is not None]
        looked_at = [
            overfitting(evaluation, train, gap),
            undertraining(history, last_gain(estimator.history_), None, short_of(estimator)),
        ]
        found = findings.of_sequences([each for each in looked_at if each is not None], self._epochs)
        return evaluation, {}, [*found]

    @property
    def _epochs(self) -> int:
        return max(1, int(self.estimator.settings_.get("max_epochs", 1)))

    @property
    def _rising(self) -> bool:
        """Whether no epoch of the fit was better than the last."""
        scores = [score_of(row) for row in self.estimator.history_ if row.get("validation_elbo") is not None]
        return not scores or scores[-1] == max(scores)

    def _bound(self, evaluation: Evaluation) -> str:
        """Of which figure the perplexity is."""
        if not self.has_code:
            return "exact"
        return (
            "of the bound (ELBO)"
            if evaluation.log_likelihood is None
            else f"importance-weighted, {evaluation.n_importance} samples"
        )

    def _units(
        self, evaluation: Evaluation, log_likelihood: float | None, n_tokens: int, n_characters: int
    ) -> dict[str, Any]:
        """The likelihood in the units of text: perplexity and bits per character; of events with gaps, whose scores are densities, neither."""
        nats = log_likelihood if log_likelihood is not None else evaluation.elbo
        if nats is None or self.estimator.form_.gaps is not None:
            return {"perplexity": None, "bits_per_character": None}
        total = -nats * evaluation.n
        return {
            "perplexity": math.exp(min(700.0, total / n_tokens)),
            "bits_per_character": total / math.log(2) / n_characters,
        }

    # ------------------------------------------------------------------ what it can do

    def drawn(self, n: int, *, seed: int, mean: bool = False, label: str | None = None) -> Any:
        """See `latentia.kinds.abilities.Samples`; draws, unless `mean` asks for the likeliest token at each step."""
        return super().drawn(n, seed=seed, mean=mean, label=label)

    def listed(self, items: Any) -> list[Any]:
        """Items of a split as draws are: texts, lists of labels, or of (label, time)."""
        return self.estimator.form_.listed(items)

    def typed(self, texts: Sequence[Any]) -> list[Any]:
        """What a person typed, as this run has its items: labels have spaces between, and times behind @."""
        form = self.estimator.form_
        if form.gaps is not None:
            return [typed(text) for text in texts]
        return [text.split() for text in texts] if form.unit == "none" else list(texts)

    def coded(self, items: Any) -> NDArray[Any]:
        """See `latentia.kinds.abilities.Walks`."""
        return np.asarray(self.estimator.transform(items))

    def decoded(self, codes: NDArray[Any]) -> Any:
        """See `latentia.kinds.abilities.Walks`."""
        return self.estimator.inverse_transform(codes)

    def way(self, ends: Any, steps: int, method: str) -> list[tuple[Any, float]]:
        """Items on the way between two, both ends rebuilt, each with its log p(x|z) a token in nats.

        Args:
            ends: two items.
            steps: items on the way.
            method: "linear", "spherical" or "geodesic" (along the training items).
        """
        from latentia import explore
        from latentia.explore.interpolation import steps_between

        a, b = self.coded(ends)
        if method == "geodesic":
            codes = explore.geodesic(a, b, self.coded(self.split("train").take(TRAIN_ROWS).x), steps)
        else:
            codes = (explore.linear if method == "linear" else explore.slerp)(
                a, b, steps_between(steps, "steps")
            )
        asked = self.estimator._inference()
        z = self.estimator._codes_of(codes)
        return list(zip(asked.decoded(z), asked.greedy_scores(z), strict=True))

    def completed(self, items: Any, keep: float, *, seed: int, labels: Any = None) -> Any:  # noqa: ARG002
        """See `latentia.kinds.abilities.Completes`: of each item the first share of its tokens is kept."""
        prefixes = self.estimator.form_.beginnings(items, keep)
        return [found[0] for found in self.estimator.complete(prefixes, 1, random_state=seed)]


_TOLD_ABOVE = ("verdict", "verdicts", "evidence", "remedies", "evaluation", "seconds")
_OF_NUMBERS = ("bits_per_dim", "bits_per_dim_note", "sse", "sse_of_mean", "sigma2", "sigma2_optimal")
"""Figures of items that are numbers."""
_OF_FORCING = (
    "forced_loss", "forced_loss_other", "free_loss", "free_loss_other", "free_accuracy", "free_accuracy_other", "free_accuracy_zero",
)  # fmt: skip


RUN = SequenceRun
