"""From the run folder of community types to its report."""

from __future__ import annotations

import numpy as np

from latentia.data.counts.table import CountTable
from latentia.diagnostics.prediction_strength import MODERATE, STRONG
from latentia.kinds.types import charts
from latentia.kinds.types.associating import BY_SHARE, BY_TYPE, Blocks, associations_table
from latentia.kinds.types.honesty import STABLE
from latentia.kinds.types.judging import NO_GRADIENT, agreement, between_in_words
from latentia.kinds.types.methods import methods_paragraph
from latentia.kinds.types.run import TypesRun
from latentia.kinds.types.tables import CLEAR, drivers_table
from latentia.kinds.types.view import View
from latentia.kinds.types.words import KEPT_BY
from latentia.report.cards import Card
from latentia.report.content import number
from latentia.report.head import about, head_of
from latentia.report.page import Page

BARS, HEAT, DRIVERS = 10, 30, 25  # taxa shown


def page(run: TypesRun) -> Page:
    """What the report of a run of community types shows: of the samples that were fitted."""
    split = run.whole_or("test")
    all_rows = run.spec is not None and not run.spec.hold_out
    figures = run.figures("train" if all_rows and split != "new" else split)
    e = run.estimator
    head = head_of(
        run,
        figures,
        run.kind.words,
        about=about(run.entry),
        settings=e.get_params(deep=False),
        choices=[("number of types", sentence) for sentence in agreement(e.choice_, e.criterion)],
    )
    return Page(head, run.event_shape, cards(run, run.table))


def cards(run: TypesRun, table: CountTable) -> list[Card]:
    """All cards in reading order."""
    e = run.estimator
    shares = e.predict_proba(table.counts)
    view = View(table, shares, e)
    found = [_data(run, table), _honesty(run), _criteria(run), _types(run, view)]
    found += [_bars(view), _heat(view) if view.k > 1 else None, _drivers(run, table)]
    found += [
        _certainty(view) if view.k > 1 else None,
        _ordination(view),
        _associations(run),
        _comparison(run),
        _methods(run, table),
    ]
    return [card for card in found if card is not None]


def _data(run: TypesRun, table: CountTable) -> Card:
    kept = run.workflow
    steps = [(s.name, s.samples, s.taxa, s.reads, s.note) for s in table.steps] if kept is None else [
        (s["name"], s["samples"], s["taxa"], s["reads"], s["note"]) for s in kept["steps"]
    ]  # fmt: skip
    body = [(name, f"{n:,}", f"{d:,}", f"{reads:,}", note) for name, n, d, reads, note in steps]
    source = table.source if kept is None else kept["source"]
    notes = [] if kept is None else kept["notes"]
    lead = ". ".join([*([source] if source else []), *notes]) or "The samples as they were given."
    return Card(
        "samples",
        "Samples, taxa and reads",
        lead,
        table=(("step", "samples", "taxa", "reads", ""), *body),
        wide=True,
    )


def _honesty(run: TypesRun) -> Card | None:
    e, honesty = run.estimator, run.estimator.honesty_
    if len(e.weights_) == 1:
        return None
    facts = []
    if honesty.strength is not None:
        facts.append(
            (
                f"{honesty.strength:.2f}",
                f"prediction strength: {MODERATE:g} is moderate, {STRONG:g} strong support",
            )
        )
    if honesty.stability is not None:
        facts.append(
            (
                f"{honesty.stability:.2f}",
                f"agreement with bootstrap draws (median adjusted Rand index): {STABLE:g} or more is stable",
            )
        )
    if honesty.between:
        pair = (honesty.gradients or honesty.between)[0]
        facts.append(
            (
                f"{pair.observed:.1%}",
                f"of samples lie between types {pair.pair[0] + 1} and {pair.pair[1] + 1}; {pair.simulated:.1%} of draws do",
            )
        )
    chosen = e.choice_.chosen
    agree = sum(k == len(e.weights_) for k in chosen.values())
    facts.append((f"{agree} of {len(chosen)}", "criteria choose this number of types"))
    gradient = (
        between_in_words(honesty.gradients[0])
        if honesty.gradients
        else "No pair of types has clearly more samples between than types would."
    )
    if honesty.halved is not None and not honesty.halved.is_gradient:
        gradient += f" {NO_GRADIENT}"
    return Card(
        "honesty",
        "Types or a gradient?",
        f"Whether other samples of the same kind would give the same types, and whether there are any. {gradient}",
        facts=tuple(facts),
        alt="Prediction strength of each split, agreement with each bootstrap draw, and samples between types, seen and drawn.",
        draw=lambda theme: charts.honesty_figure(honesty, theme),
        wide=True,
    )


def _criteria(run: TypesRun) -> Card:
    choice, criterion = run.estimator.choice_, run.estimator.criterion
    spread = choice.of(len(run.estimator.weights_))
    lead = "Each criterion by the number of types, its best marked: smaller is better but for held-out samples, whose band is a standard error."
    if len(spread.starts) > 1:
        lead += (
            f" The log posteriors of {len(spread.starts)} starts with {spread.n_components} types differ by up to {spread.spread:.1f} nats; that "
            f"of the best {KEPT_BY[criterion]} is kept, and the second agrees with it by {spread.agreement:.2f} (adjusted Rand index)."
        )
    return Card(
        "criteria", "How many types", lead, alt=f"Criteria for {len(choice.tried)} numbers of types.", wide=True,
        draw=lambda theme: charts.criteria_figure(choice, criterion, theme),
    )  # fmt: skip


def _types(run: TypesRun, view: View) -> Card:
    e, taxa = run.estimator, view.names
    body = []
    for k in range(view.k):
        difference = e.proportions_[k] - e.pooled_
        top = np.argsort(-np.abs(difference) if view.k > 1 else -e.proportions_[k], kind="stable")[:4]
        told = "; ".join(f"{taxa[j]} {e.proportions_[k, j]:.1%} (all: {e.pooled_[j]:.1%})" for j in top)
        body.append(
            (
                str(k + 1),
                f"{e.weights_[k]:.1%}",
                number(int(view.counts[k])),
                f"{e.theta_[k]:.3g}",
                told,
            )
        )
    lead = (
        "Types by weight. Theta is the precision: where it is low, samples of the type differ much. The last column has mean proportions, which "
        "do not depend on how deep samples were sequenced."
    )
    head = ("type", "weight", "samples", "theta", "what is special")
    return Card("types", "Types", lead, table=(head, *body), wide=True)


def _bars(view: View) -> Card:
    top = np.argsort(-view.estimator.pooled_, kind="stable")[:BARS]
    shares = view.proportions(top)
    shares = np.column_stack([shares, np.maximum(0, 1 - shares.sum(1))])
    names = [*(view.names[j] for j in top), "all others"]
    return Card(
        "compositions", "Compositions", f"Samples, sorted by type, and their {len(top)} most abundant taxa.", wide=True,
        alt=f"Stacked bars of {len(shares)} samples.", draw=lambda theme: charts.bars_figure(shares, names, view.labels, theme),
    )  # fmt: skip


def _heat(view: View) -> Card:
    top = view.drivers(HEAT)
    roots = np.sqrt(view.proportions(top))
    names = [view.names[j] for j in top]
    lead = f"Square roots of proportions of the {len(top)} taxa that differ most between types; a column is a sample, sorted by type."
    return Card(
        "heat-map", "Drivers in every sample", lead, wide=True, alt=f"Heat map of {len(top)} taxa in {len(roots)} samples.",
        draw=lambda theme: charts.heat_figure(roots, names, view.labels, theme),
    )  # fmt: skip


def _drivers(run: TypesRun, table: CountTable) -> Card | None:
    e, k = run.estimator, len(run.estimator.weights_)
    if k == 1:
        return None
    frame = drivers_table(e, table.taxa.tolist(), table.prevalence, table.taxonomy).head(DRIVERS)
    ranged = e.honesty_.lower is not None
    body = []
    for row in frame.to_dict("records"):
        cells = [
            f"{row[f'proportion_{i}']:.1%}"
            + (f" ({row[f'low_{i}']:.1%} to {row[f'high_{i}']:.1%})" if ranged else "")
            for i in range(1, k + 1)
        ]
        body.append(
            (
                f"{row['taxon']} ({row['lineage']})" if row["lineage"] else str(row["taxon"]),
                f"{row['proportion_all']:.1%}",
                *cells,
                f"{row['share']:.1%}",
                f"{row['cumulative']:.1%}",
                f"{row['prevalence']:.0%}",
            )
        )
    head = ("taxon", "all", *(f"type {i}" for i in range(1, k + 1)), "share", "cumulative", "prevalence")
    lead = "Mean proportions of each type" + (" with 95 % intervals over bootstrap draws" if ranged else "")
    lead += ", and each taxon's share of the whole difference between types and all samples as one type. All taxa are in drivers.tsv."
    return Card("drivers", "What drives the types", lead, table=(head, *body), wide=True)


def _certainty(view: View) -> Card:
    clear = float((view.certain_all >= CLEAR).mean())
    return Card(
        "certainty", "How sure each sample's type is", "The probability of each sample's most probable type, given the types.",
        facts=((f"{clear:.1%}", f"of samples have a type with a probability of {CLEAR:g} or more"),), alt="Histogram of probabilities.",
        draw=lambda theme: charts.certainty_figure(view.certain_all, view.labels_all, view.k, theme),
    )  # fmt: skip


def _ordination(view: View) -> Card | None:
    """Samples by their two main directions of square-root proportions; depth should be none of them."""
    top = np.argsort(-view.table.mean_proportions(), kind="stable")[:500]
    roots = np.sqrt(view.proportions(top))
    centred = roots - roots.mean(0)
    u, s, _ = np.linalg.svd(centred, full_matrices=False)
    if len(s) < 2 or s[0] <= 0:
        return None
    points, share = u[:, :2] * s[:2], s**2 / (s**2).sum()
    depth = np.log(view.depth)
    told = [
        abs(float(np.corrcoef(points[:, i], depth)[0, 1]))
        if depth.std() > 0 and points[:, i].std() > 0
        else 0.0
        for i in (0, 1)
    ]
    return Card(
        "ordination", "Samples in a plane", "Main directions of square-root proportions (their distance is Hellinger's), in the colour of the type.",
        facts=((f"{told[0]:.2f} and {told[1]:.2f}", "correlation of the two directions with log depth: near 1, the plane would show sequencing depth"),),
        alt=f"{len(points)} samples in a plane, coloured by type.",
        draw=lambda theme: charts.ordination_figure(points, (float(share[0]), float(share[1])), view.labels, view.k, theme),
    )  # fmt: skip


def _associations(run: TypesRun) -> Card | None:
    rows = (run.workflow or {}).get("associations", [])
    if not rows:
        return None
    weighted = {row["column"]: row for row in rows if row["weighting"] == BY_SHARE}
    body = []
    for row in (row for row in rows if row["weighting"] == BY_TYPE):
        other = weighted[row["column"]]
        body.append(
            (row["column"], number(row["n"]), f"{row['statistic']} {row['value']:.4g}", f"{row['effect']} {row['effect_size']:.2f}",
             f"{row['p']:.2g}", f"{row['q']:.2g}", f"{other['p']:.2g}", row["permuted"])
        )  # fmt: skip
    block = (run.workflow or {}).get("block")
    lead = "Depth and batch stand first: types that go with them may be made by them. p by permutation, q after Benjamini and Hochberg over all tests."
    lead += f" Blocks are {block}." if block else ""
    head = ("column", "samples", "statistic", "effect", "p", "q", "p, weighted by p(k|x)", "permuted")
    return Card("associations", "What types go with", lead, table=(head, *body), wide=True)


def _comparison(run: TypesRun) -> Card | None:
    rows = (run.workflow or {}).get("comparison", [])
    body = [
        (row["model"], row["likelihood"], f"{row['mean']:.2f}", f"{row['error']:.2f}", f"{row['difference']:+.2f}", f"{row['difference_error']:.2f}")
        for row in rows
    ]  # fmt: skip
    lead = (
        "Mean log p(x | depth) in nats a sample, of samples that were not fitted to, on the same folds. Neural models have the likelihood "
        "dirichlet-multinomial; theirs is a lower bound."
    )
    head = ("model", "", "mean", "standard error", "difference to the types", "standard error")
    return Card("comparison", "Beside other models", lead, table=(head, *body), wide=True) if rows else None


def _methods(run: TypesRun, table: CountTable) -> Card:
    kept = run.workflow
    text = (
        methods_paragraph(
            table,
            run.estimator,
            associations_table([], np.ones((1, 1)), Blocks(), permutations=0, seed=0),
            Blocks(),
        )
        if kept is None
        else kept["methods"]
    )
    return Card("methods", "Methods, to paste", text, wide=True)
