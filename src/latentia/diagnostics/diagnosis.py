"""The whole diagnosis of a fit: every figure with its unit and the items it is from, and the verdict."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

from torch import Tensor
from torch.distributions import Distribution

from latentia.core import LatentModel
from latentia.diagnostics.decoder_dependence import DecoderDependence, decoder_dependence
from latentia.diagnostics.diagnosis_rows import Row, digits, finite, rows_of
from latentia.diagnostics.evaluation import Evaluation, evaluate
from latentia.diagnostics.generalisation import GeneralisationGap, generalisation_gap
from latentia.diagnostics.margins import Margins, drawn_cells, margins
from latentia.diagnostics.mutual_information import MutualInformation, mutual_information
from latentia.diagnostics.pairs import Pairs, pairs
from latentia.diagnostics.prior_gap import PriorGap, prior_gaps
from latentia.diagnostics.refinement import AmortisationGap, Refined, amortisation_gap, refine
from latentia.diagnostics.sample_density import SampleDensity, sample_density
from latentia.diagnostics.sampling import Sample
from latentia.diagnostics.smoothness import Smoothness, smoothness
from latentia.diagnostics.true_posterior import TruePosterior, true_posterior
from latentia.diagnostics.undertraining import ShortOf
from latentia.diagnostics.verdict import Verdict, judge
from latentia.progress import stage
from latentia.vocabulary import COLLAPSE

SAMPLED_ITEMS = 2000
SCORED_ITEMS = 200
REFINED_NUMBERS = 2_000_000
"""Numbers held at a time by the per-item optimisation: sets on how many items (8 to 64) it is done."""


@dataclass(frozen=True)
class Diagnosis:
    """Verdict and figures of a fit on held-out items; a measure that does not apply, or was not taken, is None.

    Attributes:
        verdict: what is found, the evidence in words, the remedies.
        evaluation: bound, rate and distortion, active units.
        information: mutual information and divergence of the aggregate posterior, with the bound log N.
        dependence: what is lost with another item's code.
        prior_gap: decoded prior draws against decoded data.
        sampler_gap: the same of the sampler, where samples are not drawn from the prior.
        smoothness: decoded paths between codes.
        generalisation: training items against held-out ones.
        amortisation: the encoder against per-item optimisation.
        true_posterior: means of p(z|x) against those of q(z|x).
        sample_density: draws from the model scored by the model.
        seconds: time that it took, the evaluation included.
        margins: of a table, its columns against those of samples.
        pairs: of a table of columns of unlike kinds, how these go together, against samples.
    """

    verdict: Verdict
    evaluation: Evaluation
    information: MutualInformation | None
    dependence: DecoderDependence | None
    prior_gap: PriorGap | None
    sampler_gap: PriorGap | None
    smoothness: Smoothness | None
    generalisation: GeneralisationGap | None
    amortisation: AmortisationGap | None
    true_posterior: TruePosterior | None
    sample_density: SampleDensity | None
    seconds: float
    margins: Margins | None = None
    pairs: Pairs | None = None

    @property
    def name(self) -> str:
        """The verdict in a word or two."""
        return self.verdict.name

    @property
    def names(self) -> tuple[str, ...]:
        """All faults found, in the order in which to mend them."""
        return self.verdict.names

    @property
    def evidence(self) -> tuple[str, ...]:
        """Sentences with the figures."""
        return self.verdict.evidence

    @property
    def remedies(self) -> tuple[str, ...]:
        """What to do."""
        return self.verdict.remedies

    def rows(self) -> list[Row]:
        """Every figure that was taken, in reading order."""
        return rows_of(vars(self))

    def as_json(self) -> dict[str, Any]:
        """All figures as JSON has them: nested by measure; None for what was not taken or is not finite."""
        plain: dict[str, Any] = {
            "verdict": self.name,
            "verdicts": list(self.names),
            "evidence": list(self.evidence),
            "remedies": list(self.remedies),
        }
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name not in ("verdict", "seconds"):
                plain[field.name] = None if value is None else finite(asdict(value))
        return {**plain, "seconds": round(self.seconds, 3)}

    def __str__(self) -> str:
        """The verdict and its evidence, then the table of figures."""
        rows = [(row.name, digits(row.value), row.unit, f"{row.n:,}", row.note) for row in self.rows()]
        table = [("figure", "value", "unit", "items", ""), *rows]
        widths = [max(len(row[i]) for row in table) for i in range(4)]
        lines = [f"verdict: {', '.join(self.names) or self.name}"]
        lines += [f"  - {sentence}" for sentence in self.evidence]
        lines += [f"  try: {remedy}" for remedy in self.remedies]
        for name, value, unit, n, note in table:
            cells = (
                f"{name:<{widths[0]}}  {value:>{widths[1]}}  {unit:<{widths[2]}}  {n:>{widths[3]}}  {note}"
            )
            lines.append(cells.rstrip())
        return "\n".join(lines)


def diagnose(
    model: LatentModel,
    x_batches: Iterable[Tensor],
    *,
    evaluation: Evaluation | None = None,
    train: Evaluation | None = None,
    history: Sequence[float] = (),
    last_gain: float | None = None,
    rate_weight: float | None = None,
    bounds: Sequence[float] = (),
    kept: int | None = None,
    columns: Sequence[str] | None = None,
    short: ShortOf | None = None,
    sampler: Distribution | None = None,
    thorough: bool = True,
    seed: int = 0,
) -> Diagnosis:
    """Evaluate a model on held-out batches, measure all that can go wrong, and `judge`.

    The costly measures are taken on samples of the items, whose sizes stand beside the figures. The choice of the items and all
    noise are functions of the items and of `seed`, and torch's generators are left as they were.

    Args:
        model: a VAE.
        x_batches: held-out batches `[B, *event]`.
        evaluation: of the same batches, if it is there already; else one is made, without importance sampling.
        train: evaluation on (part of) the training data, if overfitting is to be judged.
        history: validation bound after each epoch, if under-training is to be judged.
        last_gain: see `judge`.
        rate_weight: weight of the rate in the objective, if it has one.
        bounds: validation bound after each epoch, see `judge`.
        kept: the judgement after which the weights that were kept are, see `judge`.
        columns: names of the columns of a table.
        short: see `judge`.
        sampler: codes that samples are decoded from, if not those of the prior.
        thorough: also take what needs an optimisation for each item; else only where the posterior seems collapsed.
        seed: of what is drawn.
    """
    started = time.perf_counter()
    evaluation, x = _looked_at(model, x_batches, evaluation, seed)
    with stage("draws from the prior against data"):
        cells = drawn_cells(model, x, seed, sampler=sampler)
        gap, *of_sampler = prior_gaps(model, x, seed, [None] if sampler is None else [None, sampler])
    with stage("what codes tell of items"):
        measured: dict[str, Any] = {
            "information": mutual_information(model, x.split(250), seed=seed),
            "dependence": decoder_dependence(model, x, seed=seed),
            "gap": gap,
            "sampler_gap": of_sampler[0] if of_sampler else None,
            "margins": None if cells is None else margins(*cells),
            "pairs": _pairs(model, cells),
        }
    known: dict[str, Any] = {
        "train": train, "history": history, "last_gain": last_gain, "numbers": math.prod(x.shape[1:]),
        "rate_weight": rate_weight, "bounds": bounds, "kept": kept, "columns": columns, "short": short,
    }  # fmt: skip
    verdict = judge(evaluation, **measured, **known)
    refined: Refined | None = None
    if thorough or verdict.name == COLLAPSE:
        with stage("the encoder against codes optimised for each item"):
            refined = refine(model, x[: _refined_items(model)], seed=seed)
    true = None if refined is None else true_posterior(model, refined)
    if true is not None:
        verdict = judge(evaluation, **measured, **known, true=true)
    return Diagnosis(
        verdict=verdict,
        evaluation=evaluation,
        information=measured["information"],
        dependence=measured["dependence"],
        prior_gap=measured["gap"],
        sampler_gap=measured["sampler_gap"],
        smoothness=smoothness(model, x),
        generalisation=None if train is None else generalisation_gap(train, evaluation),
        amortisation=None if refined is None else amortisation_gap(model, refined),
        true_posterior=true,
        sample_density=sample_density(model, x[:SCORED_ITEMS], seed=seed) if thorough else None,
        margins=measured["margins"],
        pairs=measured["pairs"],
        seconds=time.perf_counter() - started,
    )


def _pairs(model: LatentModel, cells: tuple[Any, Any] | None) -> Pairs | None:
    """How columns go together, where they are of unlike kinds."""
    terms = getattr(getattr(model, "likelihood", None), "terms", None)
    if cells is None or terms is None:
        return None
    data, samples = cells
    return pairs(data, samples, [term.family == "categorical" for term in terms])


def _refined_items(model: LatentModel) -> int:
    return int(min(64, max(8, REFINED_NUMBERS // model.numbers_per_code)))


def _looked_at(
    model: LatentModel, x_batches: Iterable[Tensor], evaluation: Evaluation | None, seed: int
) -> tuple[Evaluation, Tensor]:
    """The evaluation, and a sample of the items, in one pass."""
    sample = Sample(SAMPLED_ITEMS)

    def watched() -> Iterable[Tensor]:
        for x in x_batches:
            if len(x):
                sample.add(x)
            yield x

    if evaluation is None:
        return evaluate(model, watched(), n_importance=0, seed=seed), sample.items
    for _ in watched():
        pass
    return evaluation, sample.items
