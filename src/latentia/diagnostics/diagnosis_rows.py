"""The rows of a diagnosis: each figure with what it means."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from latentia.diagnostics.decoder_dependence import DecoderDependence
from latentia.diagnostics.evaluation import Evaluation
from latentia.diagnostics.generalisation import GeneralisationGap
from latentia.diagnostics.margins import Margins
from latentia.diagnostics.mutual_information import MutualInformation
from latentia.diagnostics.pairs import Pairs
from latentia.diagnostics.prior_gap import PriorGap
from latentia.diagnostics.refinement import AmortisationGap
from latentia.diagnostics.sample_density import SampleDensity
from latentia.diagnostics.smoothness import Smoothness
from latentia.diagnostics.true_posterior import TruePosterior


@dataclass(frozen=True)
class Row:
    """A figure as it is shown: name, value, unit, the items it is from, and what it says."""

    name: str
    value: float | int | str | None
    unit: str
    n: int
    note: str = ""


def rows_of(measured: Mapping[str, Any]) -> list[Row]:
    """Every figure that was taken, in reading order, of measures by the names that `Diagnosis` has."""
    found = [
        *_of_evaluation(measured["evaluation"]),
        *_of_information(measured["information"]),
        *_of_decoder(measured["dependence"], measured["smoothness"]),
        *_of_inference(measured["amortisation"], measured["true_posterior"]),
        *_of_prior(measured["prior_gap"], measured["sampler_gap"], measured["sample_density"]),
        *_of_margins(measured["margins"]),
        *_of_pairs(measured["pairs"]),
        *_of_generalisation(measured["generalisation"]),
    ]
    return [row for row in found if row.value is not None]


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


def _of_margins(m: Margins | None) -> list[Row]:
    if m is None:
        return []
    chance = f"of {len(m.ks)} columns of samples and data; chance alone {m.chance:.2f}"
    return [
        Row("largest gap of distributions (KS)", max(m.ks), "", m.n, chance),
        Row("median gap of distributions (KS)", float(np.median(m.ks)), "", m.n, chance),
    ]


def _of_pairs(p: Pairs | None) -> list[Row]:
    if p is None:
        return []
    note = f"{p.unlike} of {p.together} pairs of columns that go together differ from samples; chance alone {p.chance:.2f}"
    return [Row("largest gap of an association", abs(p.in_data - p.in_samples), "", p.n, note)]


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


def digits(value: float | int | str | None) -> str:
    """A value as text: four digits of a number."""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def finite(value: Any) -> Any:
    """Plain values, None for what JSON cannot hold."""
    if isinstance(value, dict):
        return {name: finite(item) for name, item in value.items()}
    if isinstance(value, (tuple, list)):
        return [finite(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
