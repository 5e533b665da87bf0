"""What was found, as tables: of samples, of taxa, of numbers of types, of stability."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from latentia.data.counts.table import CountTable
from latentia.data.counts.taxonomy import Taxonomy
from latentia.diagnostics.between import Between
from latentia.diagnostics.prediction_strength import MODERATE
from latentia.kinds.types.choosing import Choice
from latentia.kinds.types.fits import drawn, log_density, seed_of
from latentia.kinds.types.honesty import STABLE, Honesty

CLEAR = 0.9
"""A sample whose most probable type has less is called uncertain."""
RARE = 0.01
"""A sample whose log p(x | depth) is below this quantile of draws of its depth is called unusual."""
LEVELS, DRAWS = 12, 400
_UNUSUAL = 21  # a word of seeds


def type_name(k: int) -> str:
    """What type k, counted from 0, is called in tables: text, so that no program takes it for a quantity.

    Example:
        >>> type_name(0)
        'type-1'
    """
    return f"type-{k + 1}"


def types_table(estimator: Any, counts: sparse.csr_array, sample_ids: NDArray[np.str_]) -> pd.DataFrame:
    """A row for each sample: its type, how sure that is, and whether it is like what was fitted to; QIIME 2 takes it as metadata.

    Args:
        estimator: a fitted `CommunityTypes`.
        counts: `[n, d]`, with the taxa of the fit.
        sample_ids: `[n]`.
    """
    shares = estimator.predict_proba(counts)
    depth = np.asarray(counts.sum(axis=1)).ravel()
    logs = estimator.score_samples(counts)
    best = shares.argmax(1)
    entropy = -(shares * np.log(np.maximum(shares, 1e-300))).sum(1)
    flags = lowest(estimator, depth) > logs
    return pd.DataFrame(
        {
            "sample-id": sample_ids.astype(str),
            "type": [type_name(k) for k in best],
            **{f"p_{k + 1}": shares[:, k] for k in range(shares.shape[1])},
            "max_p": shares.max(1),
            "entropy_nats": np.maximum(entropy, 0.0),
            "depth": depth,
            "log_p": logs,
            "certain": np.where(shares.max(1) < CLEAR, "uncertain", "certain"),
            "usual": np.where(flags, "unusual", "usual"),
        }
    )


def lowest(estimator: Any, depth: NDArray[np.int64]) -> NDArray[np.float64]:
    """The log p(x | depth) that one of a hundred samples of the fit falls below, for each depth, `[n]`.

    Taken from draws at up to 12 depths, between which it is interpolated by the logarithm of the depth.
    """
    positive = depth[depth > 0]
    if not len(positive):
        return np.full(len(depth), -np.inf)
    ends = np.unique(positive)
    levels = (
        ends
        if len(ends) <= LEVELS
        else np.unique(np.rint(np.geomspace(ends[0], ends[-1], LEVELS))).astype(int)
    )
    seed = estimator.random_state or 0
    found = []
    for place, level in enumerate(levels):
        made = drawn(estimator.components_, np.full(DRAWS, level), seed_of(seed, _UNUSUAL, place))[0]
        found.append(np.quantile(log_density(estimator.components_, sparse.csr_array(made)), RARE))
    return np.interp(np.log(np.maximum(depth, 1)), np.log(levels), found)


def drivers_table(
    estimator: Any, taxa: Sequence[str], prevalence: NDArray[np.float64], taxonomy: Taxonomy | None
) -> pd.DataFrame:
    """A row for each taxon, by its share of the difference between the types' mean compositions and that of all samples as one type.

    Proportions alpha / theta, not reads: how deep samples of a type were sequenced does not enter.

    Args:
        estimator: a fitted `CommunityTypes`.
        taxa: `[d]`.
        prevalence: share of samples in which each was seen, `[d]`.
        taxonomy: their lineages.

    Source: Holmes, Harris & Quince 2012, Results, "Twins" (differences to K = 1, their cumulative share).
    """
    means, pooled = estimator.proportions_, estimator.pooled_
    difference = np.abs(means - pooled).sum(0)
    share = difference / max(difference.sum(), 1e-300)
    order = np.argsort(-difference, kind="stable")
    columns: dict[str, Any] = {
        "taxon": np.asarray(taxa, dtype=str),
        "lineage": [taxonomy.words(taxon) if taxonomy is not None else "" for taxon in taxa],
        "difference": difference,
        "share": share,
        "cumulative": np.empty(len(share)),
        "prevalence": prevalence,
        "proportion_all": pooled,
    }
    for k in range(len(means)):
        columns[f"proportion_{k + 1}"] = means[k]
        if estimator.honesty_.lower is not None:
            columns[f"low_{k + 1}"] = estimator.honesty_.lower[k]
            columns[f"high_{k + 1}"] = estimator.honesty_.upper[k]
        columns[f"difference_{k + 1}"] = means[k] - pooled
    columns["cumulative"][order] = np.cumsum(share[order])
    return pd.DataFrame(columns).iloc[order].reset_index(drop=True)


def criteria_table(choice: Choice) -> pd.DataFrame:
    """A row for each number of types that was tried."""
    rows = []
    for each in choice.tried:
        chosen = [name for name, k in choice.chosen.items() if k == each.n_components]
        rows.append(
            {
                "types": each.n_components,
                "nle": each.nle,
                "free_parameters": each.n_free,
                "laplace": each.laplace,
                "bic": each.bic,
                "aic": each.aic,
                "icl": each.icl,
                "held_out": each.held_out,
                "held_out_error": each.held_out_error,
                "starts": len(each.starts),
                "spread_of_starts": each.spread,
                "agreement_of_two_best": each.agreement,
                "chosen_by": ", ".join(chosen),
            }
        )
    return pd.DataFrame(rows)


def stability_table(
    honesty: Honesty, weights: NDArray[np.float64], theta: NDArray[np.float64]
) -> pd.DataFrame:
    """What the verdict rests on, a row each: halves, bootstrap draws, pairs of types; and weight and precision of each type."""
    rows: list[dict[str, Any]] = []

    def add(measure: str, of: str, value: float, beside: float | None = None, **p: float) -> None:
        rows.append(
            {
                "measure": measure,
                "of": of,
                "value": value,
                "beside": beside,
                "p": None,
                "holm_p": None,
                "ks_p": None,
                **p,
            }
        )

    for i, value in enumerate(honesty.prediction_strength, 1):
        add("prediction strength", f"split {i}", value, MODERATE)
    for i, value in enumerate(honesty.bootstrap, 1):
        add("bootstrap agreement", f"draw {i}", value, STABLE)
    for pair in honesty.between:
        name = f"{type_name(pair.pair[0])} and {type_name(pair.pair[1])}"
        add("share between", name, pair.observed, pair.simulated, **_p_of(pair))
    if (two := honesty.halved) is not None:
        add("share between", "two types of all samples", two.observed, two.simulated, **_p_of(two))
    for k in range(len(weights)):
        add("weight", type_name(k), float(weights[k]))
        add("precision theta", type_name(k), float(theta[k]))
    return pd.DataFrame(rows)


def _p_of(pair: Between) -> dict[str, float]:
    return {"p": pair.p, "holm_p": pair.holm_p, "ks_p": pair.ks_p}


def labels_of(table: CountTable) -> list[str]:
    """What taxa are called where people read: a lineage's deepest name before an id that says nothing, `[d]`.

    Example:
        >>> known = Taxonomy.of({"d29fe3c70564": "k__Bacteria; g__Rothia", "Rothia": "k__Bacteria; g__Rothia"})
        >>> labels_of(CountTable.of([[1, 2, 3]], ["s"], ["d29fe3c70564", "Rothia", "x"], taxonomy=known))
        ['Rothia (d29fe3c7)', 'Rothia', 'x']
    """
    found = []
    for taxon in table.taxa.tolist():
        name = "" if table.taxonomy is None else table.taxonomy.deepest(taxon)[1]
        found.append(taxon if not name or name.casefold() in taxon.casefold() else f"{name} ({taxon[:8]})")
    return found
