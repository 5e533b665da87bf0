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
from latentia.diagnostics.evaluation import Evaluation, evaluate
from latentia.diagnostics.generalisation import GeneralisationGap, generalisation_gap
from latentia.diagnostics.mutual_information import MutualInformation, mutual_information
from latentia.diagnostics.prior_gap import PriorGap, prior_gaps
from latentia.diagnostics.refinement import AmortisationGap, Refined, amortisation_gap, refine
from latentia.diagnostics.sample_density import SampleDensity, sample_density
from latentia.diagnostics.sampling import Sample
from latentia.diagnostics.smoothness import Smoothness, smoothness
from latentia.diagnostics.true_posterior import TruePosterior, true_posterior
from latentia.diagnostics.verdict import Verdict, judge
from latentia.vocabulary import COLLAPSE

SAMPLED_ITEMS = 2000
SCORED_ITEMS = 200
REFINED_NUMBERS = 2_000_000
"""Numbers held at a time by the per-item optimisation: sets on how many items (8 to 64) it is done."""


@dataclass(frozen=True)
class Row:
    """A figure as it is shown: name, value, unit, the items it is from, and what it says."""

    name: str
    value: float | int | str | None
    unit: str
    n: int
    note: str = ""


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
        found = [
            *_of_evaluation(self.evaluation),
            *_of_information(self.information),
            *_of_decoder(self.dependence, self.smoothness),
            *_of_inference(self.amortisation, self.true_posterior),
            *_of_prior(self.prior_gap, self.sampler_gap, self.sample_density),
            *_of_generalisation(self.generalisation),
        ]
        return [row for row in found if row.value is not None]

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
                plain[field.name] = None if value is None else _finite(asdict(value))
        return {**plain, "seconds": round(self.seconds, 3)}

    def __str__(self) -> str:
        """The verdict and its evidence, then the table of figures."""
        rows = [(row.name, _digits(row.value), row.unit, f"{row.n:,}", row.note) for row in self.rows()]
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
        sampler: codes that samples are decoded from, if not those of the prior.
        thorough: also take what needs an optimisation for each item; else only where the posterior seems collapsed.
        seed: of what is drawn.
    """
    started = time.perf_counter()
    sample = Sample(SAMPLED_ITEMS)

    def watched() -> Iterable[Tensor]:
        for x in x_batches:
            if len(x):
                sample.add(x)
            yield x

    if evaluation is None:
        evaluation = evaluate(model, watched(), n_importance=0, seed=seed)
    else:
        for _ in watched():
            pass
    x = sample.items
    gap, sampler_gap = (
        (*prior_gaps(model, x, seed, [None]), None)
        if sampler is None
        else prior_gaps(model, x, seed, [None, sampler])
    )
    measured: dict[str, Any] = {
        "information": mutual_information(model, x.split(250), seed=seed),
        "dependence": decoder_dependence(model, x, seed=seed),
        "gap": gap,
        "sampler_gap": sampler_gap,
    }
    known: dict[str, Any] = {
        "train": train,
        "history": history,
        "last_gain": last_gain,
        "numbers": math.prod(x.shape[1:]),
        "rate_weight": rate_weight,
    }
    verdict = judge(evaluation, **measured, **known)
    refined: Refined | None = None
    if thorough or verdict.name == COLLAPSE:
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
        seconds=time.perf_counter() - started,
    )


def _refined_items(model: LatentModel) -> int:
    return int(min(64, max(8, REFINED_NUMBERS // model.numbers_per_code)))


def _of_evaluation(e: Evaluation) -> list[Row]:
    nats = "nats per item"
    return [
        Row(
            "log-likelihood",
            e.log_likelihood,
            nats,
            e.n,
            f"{e.n_importance} importance samples on {e.n_importance_items} items",
        ),
        Row("bound (ELBO)", e.elbo, nats, e.n),
        Row("distortion", e.distortion, nats, e.n, "-E_q log p(x|z)"),
        Row("rate", e.kl, nats, e.n, "KL(q(z|x) || p(z))"),
        Row("active units", f"{e.active_units} of {e.latent_dim}", "dimensions", e.n),
    ]


def _of_information(m: MutualInformation | None) -> list[Row]:
    if m is None:
        return []
    limit = f"cannot exceed log N = {m.bound:.3g}"
    return [
        Row("mutual information", m.value, "nats", m.n, limit),
        Row(
            "aggregate posterior from prior",
            m.aggregate_kl,
            "nats",
            m.n,
            "KL(q(z) || p(z)), at most; rate - mutual information",
        ),
        Row("the same by mean and covariance", m.moment_kl, "nats", m.n, "at least"),
    ]


def _of_decoder(d: DecoderDependence | None, s: Smoothness | None) -> list[Row]:
    rows = []
    if d is not None:
        rows.append(
            Row(
                "loss with another's code",
                d.drop,
                "nats per item",
                d.n,
                f"{d.share:.0%} of items prefer their own",
            )
        )
    if s is not None:
        rows.append(
            Row(
                "path length over straight line",
                s.path_ratio,
                "",
                s.n,
                f"decoded paths of {s.steps} steps, median",
            )
        )
        rows.append(Row("largest step over mean step", s.jump, "", s.n, "median"))
    return rows


def _of_inference(a: AmortisationGap | None, t: TruePosterior | None) -> list[Row]:
    rows = []
    if a is not None:
        rows.append(
            Row(
                "amortisation gap",
                a.amortisation,
                "nats per item",
                a.n,
                f"{a.steps} steps of Adam for each item"
                + (f", beyond the model's own {a.own_steps}" if a.own_steps else ""),
            )
        )
        rows.append(
            Row("approximation gap", a.approximation, "nats per item", a.n, "of the best diagonal Gaussian")
        )
    if t is not None:
        dims = len(t.true_variance)
        note = f"by importance sampling, {t.effective_samples:.1f} of {t.samples} samples effective"
        rows.append(Row("dimensions in which p(z|x) moves", f"{t.true_active} of {dims}", "", t.n, note))
        rows.append(Row("dimensions in which q(z|x) moves", f"{t.approximate_active} of {dims}", "", t.n))
    return rows


def _of_prior(g: PriorGap | None, sampler: PriorGap | None, s: SampleDensity | None) -> list[Row]:
    rows = []
    for gap, draws in ((g, "prior draws"), (sampler, "sampler's draws")):
        if gap is not None:
            note = f"other data: {gap.baseline:.3g}"
            rows.append(Row(f"{draws} among data", gap.precision, "share", gap.n, note))
            rows.append(Row(f"data among {draws}", gap.recall, "share", gap.n))
    if s is not None:
        rows.append(
            Row(
                "data more probable than prior draws",
                s.drop,
                "nats per item",
                s.n,
                f"± {s.standard_error:.2g}",
            )
        )
    return rows


def _of_generalisation(g: GeneralisationGap | None) -> list[Row]:
    if g is None:
        return []
    return [
        Row(
            "generalisation gap",
            g.elbo,
            "nats per item",
            g.n_held_out,
            f"bound on {g.n_train:,} training items less that on held-out ones",
        ),
        Row("held-out over training error", g.error_ratio, "", g.n_held_out),
    ]


def _digits(value: float | int | str | None) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _finite(value: Any) -> Any:
    """Plain values, None for what JSON cannot hold."""
    if isinstance(value, dict):
        return {name: _finite(item) for name, item in value.items()}
    if isinstance(value, (tuple, list)):
        return [_finite(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
