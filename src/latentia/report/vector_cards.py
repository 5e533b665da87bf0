"""The cards of a report on vectors: what is drawn, what is rebuilt, and the rows that are rebuilt worst."""

from __future__ import annotations

from itertools import zip_longest

import numpy as np

from latentia.report import tables
from latentia.report.cards import Card, of_split
from latentia.report.content import ReportInput, number

_MAX_WORST = 12


def vector_cards(report: ReportInput) -> tuple[list[Card | None], list[Card | None]]:
    """Cards before those that every report has, and after them."""
    originals, rebuilt = report.originals.astype(float), report.reconstructions.astype(float)
    samples = report.samples.astype(float)
    data = originals if report.rows is None else report.rows.astype(float)
    scale = ""
    if tables.is_count(originals):
        # Counts span orders of magnitude: what is compared is log(1 + count).
        originals, rebuilt, samples, data = (
            np.log1p(np.maximum(rows, 0)) for rows in (originals, rebuilt, samples, data)
        )
        scale = " Counts are compared as log(1 + count)."
    rebuilding = _rebuilt_rows(report, originals, rebuilt, scale) if len(originals) else []
    drawing = _drawn_rows(report, data, samples, scale) if len(data) and len(samples) else []
    # Side by side: what is drawn from the model on the left, what is rebuilt on the right.
    paired = [card for pair in zip_longest(drawing, rebuilding[:2]) for card in pair]
    return paired, [*rebuilding[2:], _worst_rows(report)]


def _drawn_rows(report: ReportInput, data: np.ndarray, samples: np.ndarray, scale: str) -> list[Card | None]:
    names = report.names
    apart = tables.marginal_distance(data, samples)
    least = int(apart.argmax())
    words = f"largest gap between samples and data in a column ({names[least]}): 0 alike, 1 apart"
    lead = (
        "Each feature in the data and in samples. KS is the largest gap between the two cumulative "
        f"distributions: 0 alike, 1 apart.{_most_different(len(names))}{scale}"
    )
    return [
        Card(
            "samples",
            f"Samples from {report.source}",
            lead,
            alt=f"Histograms of each feature: data filled, samples from {report.source} as a line.",
            draw=lambda theme: tables.marginals(data, samples, names, theme),
            headline=(f"{apart[least]:.2f}", words),
        ),
        Card(
            "correlations",
            "Dependence between features in samples",
            "A dot for each pair: on the line, samples keep it.",
            alt="Scatter: correlation of each pair of features in the data against that in the samples.",
            draw=lambda theme: tables.correlations(data, samples, theme),
        ),
    ]


def _rebuilt_rows(
    report: ReportInput, data: np.ndarray, rebuilt: np.ndarray, scale: str
) -> list[Card | None]:
    names = report.names
    rows = f"{number(len(data))} rows{of_split(report)}"
    kept = tables.r_squared(data, rebuilt)
    headline = None
    if np.isfinite(kept).any():
        least = int(np.nanargmin(kept))
        words = f"of a column's variance survives the code, on average; least of {names[least]}: {max(0.0, kept[least]):.0%}"
        headline = (f"{max(0.0, np.nanmean(kept)):.0%}", words)
    return [
        Card(
            "explained",
            "Reconstructions",
            f"Share of each feature's variance that survives the code.{scale}",
            alt="Bars: R squared of the reconstruction for each feature.",
            draw=lambda theme: tables.explained(data, rebuilt, names, theme),
            headline=headline,
        ),
        Card(
            "agreement",
            "Originals against reconstructions",
            f"{rows}, all features.",
            alt="Scatter of observed against reconstructed values, standardised.",
            draw=lambda theme: tables.agreement(data, rebuilt, theme),
        ),
        Card(
            "heatmap",
            "Row by row",
            f"Patterns on the left should come back on the right.{scale}",
            alt="Two heat maps of standardised values: observed rows left, reconstructed rows right.",
            draw=lambda theme: tables.side_by_side(data, rebuilt, names, theme),
        ),
    ]


def _most_different(features: int) -> str:
    return " Shown: the 12 features that differ most." if features > 12 else ""


def _worst_rows(report: ReportInput) -> Card | None:
    originals, rebuilt, scores = (np.asarray(part, dtype=float)[:_MAX_WORST] for part in report.worst)
    if not len(originals):
        return None
    spread = (
        report.originals.astype(float).std(axis=0) if len(report.originals) else np.ones(originals.shape[1])
    )
    misses = np.abs(originals - rebuilt) / np.where(spread > 0, spread, 1.0)
    rows = list(report.worst_names or [str(i + 1) for i in range(len(originals))])
    body = tuple(
        (
            name,
            number(float(score)),
            "; ".join(
                f"{report.names[j]}: {number(float(x[j]))} → {number(float(r[j]))}"
                for j in np.argsort(-miss)[:3]
            ),
        )
        for name, x, r, score, miss in zip(rows, originals, rebuilt, scores, misses, strict=False)
    )
    lead = f"The rows{of_split(report)} that the model explains least, by name or by place (from 0), with the features it misses most."
    head = ("row", report.score, "observed → reconstructed")
    return Card("worst", "Worst reconstructions", lead, table=(head, *body), wide=True)
