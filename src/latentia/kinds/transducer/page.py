"""The report of a transducer: what it makes of held-out inputs, where it looks, by length, and what its generator makes up."""

from __future__ import annotations

import itertools
from typing import Any

import matplotlib.figure
import numpy as np
from markupsafe import Markup

from latentia.kinds.transducer.run import TransducerRun
from latentia.report import marked
from latentia.report.cards import Card
from latentia.report.content import number
from latentia.report.head import about, choices_of, head_of
from latentia.report.page import Page
from latentia.report.theme import Theme, canvas, style

SHOWN, MADE_UP = 12, 8
_LONGEST = 24  # tokens on a side of the map of attention


def page(run: TransducerRun) -> Page:
    """What the report of a transducer's run shows, on its test part."""
    split = run.whole_or("test")
    figures = run.figures(split)
    head = head_of(
        run,
        figures,
        run.kind.words,
        about=about(run.entry),
        settings={**run.estimator.get_params(deep=False), **run.estimator.settings_},
        choices=choices_of(run.estimator),
    )
    inputs, outputs = run.both(run.split(split).x)
    predicted = run.predicted(inputs)
    cards = [
        _predictions(inputs, outputs, predicted),
        _attention(run, inputs, outputs, predicted),
        _by_length(outputs, predicted),
        _learning(run),
        _made_up(run, inputs, outputs),
    ]
    return Page(head, (), [card for card in cards if card is not None])


def _predictions(inputs: list[str], outputs: list[str], predicted: list[str]) -> Card:
    order = np.sort(np.random.default_rng(0).permutation(len(inputs))[:SHOWN])
    rows: list[tuple[str, ...]] = [
        ("Input", "Output found, from the first wrong token on marked", "True output")
    ]
    for i in order:
        right = " ".join(outputs[i].split()) == predicted[i]
        truth = Markup("the same") if right else marked.shown(outputs[i])
        rows.append((marked.shown(inputs[i]), first_wrong(outputs[i].split(), predicted[i].split()), truth))
    lead = "Held-out inputs, and the likeliest token at each step of their outputs."
    return Card("predictions", "Predictions", lead, table=tuple(rows), wide=True)


def first_wrong(true: list[str], found: list[str]) -> Markup:
    """Tokens, from the first that is not the true one on marked.

    >>> str(first_wrong(["a", "b"], ["a", "c"]))
    'a <mark>c</mark>'
    """
    same = next(
        (i for i, (a, b) in enumerate(zip(true, found, strict=False)) if a != b), min(len(true), len(found))
    )
    if same == len(found):
        return marked.shown(" ".join(found))
    rest = Markup("<mark>{0}</mark>").format(marked.shown(" ".join(found[same:])))
    return Markup(" ").join([marked.shown(" ".join(found[:same])), rest]) if same else rest


def _attention(
    run: TransducerRun, inputs: list[str], outputs: list[str], predicted: list[str]
) -> Card | None:
    lengths = [len(x.split()) if a == b else 0 for x, a, b in zip(inputs, outputs, predicted, strict=True)]
    chosen = inputs[int(np.argmax(lengths))]
    given, found, weights = run.estimator.attention(chosen)
    if not len(found):
        return None
    lead = "Rows: the output that is found, from above; columns: the input. The brighter, the more the row looks there; rows sum to 1."
    return Card(
        "attention",
        "Where it looks",
        lead,
        alt=f"Attention of {len(found)} tokens of an output to {len(given)} of its input.",
        draw=lambda theme: attention_figure(given, found, weights, theme),
        wide=True,
    )


def attention_figure(
    given: list[str], found: list[str], weights: np.ndarray, theme: Theme
) -> matplotlib.figure.Figure:
    """A map of attention, at most 24 tokens a side."""
    given, found = given[:_LONGEST], found[:_LONGEST]
    figure = canvas(theme, 0.42 * len(given) + 2.2, 0.24 * len(found) + 1.4)
    axes = figure.add_subplot()
    style(axes, theme)
    axes.imshow(
        weights[: len(found), : len(given)],
        cmap=theme.sequential,
        vmin=0,
        vmax=1,
        aspect="auto",
    )
    axes.grid(False)
    axes.set_xticks(range(len(given)), [_plain(token) for token in given], rotation=60, ha="right")
    axes.set_yticks(range(len(found)), [_plain(token) for token in found])
    return figure


def _plain(token: str) -> str:
    """A token as matplotlib takes it: no dollar begins a formula."""
    return token.replace("$", r"\$")[:16]


def _by_length(outputs: list[str], predicted: list[str]) -> Card:
    lengths = np.array([len(text.split()) for text in outputs])
    right = np.array([" ".join(a.split()) == b for a, b in zip(outputs, predicted, strict=True)])
    edges = np.unique(np.quantile(lengths, [0, 0.2, 0.4, 0.6, 0.8, 1.0]).astype(int))
    rows: list[tuple[str, ...]] = [("Tokens of the output", "Items", "Exact")]
    for low, high in itertools.pairwise(edges):
        here = (lengths >= low) & (lengths <= high if high == edges[-1] else lengths < high)
        if here.any():
            upper = high if high == edges[-1] else high - 1
            rows.append((f"{low} to {upper}", number(int(here.sum())), f"{right[here].mean():.0%}"))
    if len(rows) == 1:
        rows.append((number(int(lengths[0])), number(len(lengths)), f"{right.mean():.0%}"))
    return Card("length", "By length", "Exact matches by the length of the true output.", table=tuple(rows))


def _learning(run: TransducerRun) -> Card | None:
    history = run.estimator.history_
    if len(history) < 2:
        return None
    lead = "Nats a token by epoch: outputs of inputs"
    if run.entry.generator:
        lead += ", inputs of outputs, and outputs by way of made-up inputs, from when these are learned from"
    return Card(
        "learning-curves",
        "Learning curves",
        f"{lead}.",
        alt=f"Loss of each term over {len(history)} epochs.",
        draw=lambda theme: learning_figure(history, theme),
    )


_TERMS = {
    "train_output": "outputs of inputs",
    "train_input": "inputs of outputs",
    "train_through": "outputs by way of made-up inputs",
}


def learning_figure(history: list[dict[str, Any]], theme: Theme) -> matplotlib.figure.Figure:
    """The terms of the loss by epoch."""
    figure = canvas(theme, 5.2, 3.6)
    axes = figure.add_subplot()
    style(axes, theme, x="epoch", y="nats a token", grid="both")
    for (name, label), shape in zip(_TERMS.items(), ("-", "--", ":"), strict=True):
        values = np.array([row.get(name) or np.nan for row in history], dtype=float)
        if np.isfinite(values).any():
            axes.plot([row["epoch"] for row in history], values, shape, color=theme.data, label=label)
    axes.legend(frameon=False, labelcolor=theme.ink)
    return figure


def _made_up(run: TransducerRun, inputs: list[str], outputs: list[str]) -> Card | None:
    if not run.entry.generator:
        return None
    order = np.sort(np.random.default_rng(1).permutation(len(inputs))[:MADE_UP])
    drawn = run.estimator.sample_inputs([outputs[i] for i in order], 2, random_state=0)
    rows: list[tuple[str, ...]] = [("Output", "Inputs drawn for it", "True input")]
    for i, texts in zip(order, drawn, strict=True):
        made = Markup("<br>").join(marked.shown(text, 160) for text in texts)
        rows.append((marked.shown(outputs[i], 160), made, marked.shown(inputs[i], 160)))
    lead = "What the second pair of networks makes up for outputs; that these are like true inputs is what outputs without inputs rest on."
    return Card("made-up", "Inputs made up", lead, table=tuple(rows), wide=True)
