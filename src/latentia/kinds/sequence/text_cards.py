"""Cards of a run of sequences that need no code: against counts, with and without true prefixes, draws, the least probable items."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import torch

from latentia.data.items import Strings
from latentia.estimators.forms.tokens import END, UNKNOWN
from latentia.kinds.sequence import charts, measures
from latentia.kinds.sequence.charts import charted
from latentia.kinds.sequence.gap_card import gap_card
from latentia.kinds.sequence.run import SequenceRun
from latentia.kinds.written import shown
from latentia.report import marked
from latentia.report.cards import Card
from latentia.report.content import number

SAMPLES = 20
WORST = 12
SCORED = 500
_LONGEST = 60  # positions of the chart by position
_FEWEST = 20  # items that a position must have


def text_cards(run: SequenceRun, split: Any, figures: dict[str, Any]) -> list[Card | None]:
    """In reading order."""
    items = run.split(split).x
    some = measures.some(items, SCORED)
    found = [
        _counts(figures),
        _forcing(run, some, figures),
        _samples(run, figures),
        gap_card(run, items, figures),
    ]
    return [*found, _worst(run, some), _lengths(run, some), _learning(run), _vocabulary(run, items)]


def joint_of(run: SequenceRun) -> str:
    """What stands between tokens where they are read."""
    return "" if run.estimator.form_.unit == "char" else " "


def _counts(figures: dict[str, Any]) -> Card | None:
    own = {
        "this model, bound": figures.get("elbo"),
        "this model, importance-weighted": figures.get("log_likelihood"),
    }
    if not figures["latent_dim"]:
        own = {"this model": figures.get("elbo")}
    rows = [
        ("unigram", -figures["unigram_log_likelihood"]),
        ("trigram", -figures["trigram_log_likelihood"]),
        *((name, -value) for name, value in own.items() if value is not None),
    ]
    if not all(np.isfinite(value) for _, value in rows):
        rows = [(name, value) for name, value in rows if np.isfinite(value)]
    lead = "Negative log-likelihood beside what counts of one and of three neighbouring tokens in the training part give for the same items."
    if "gap_baseline" in figures:
        lead += " To the counts that of the gaps under one log-normal is added."
    card = Card("counts", "Against counts of neighbouring tokens", lead)
    alt = "Bars: " + ", ".join(f"{name} {value:.4g} nats" for name, value in rows) + "."
    return charted(card, alt, lambda theme: charts.against_counts(rows, theme))


def _forcing(run: SequenceRun, items: Strings, figures: dict[str, Any]) -> Card | None:
    asked = run.estimator._inference()
    curves = loss_by_position(asked, items, run.has_code)
    lead = (
        "What a true token costs by its position: given the true tokens before it, and where the decoder has only its own words to go on. "
        "A decoder that looks at its code is far better with that of the item than with another's."
    )
    words = [("forced_loss", "nats a token, true prefix"), ("free_loss", "nats a token, own words")]
    if run.has_code:
        words += [
            ("free_loss_other", "own words, another's code"),
            ("free_accuracy", "of the tokens right, left alone with the code"),
            ("free_accuracy_zero", "of the tokens right, left alone without one"),
        ]
    facts = tuple(
        (f"{figures[name]:.1%}" if "accuracy" in name else f"{figures[name]:.2f}", text)
        for name, text in words
    )
    card = Card("teacher-forcing", "With and without true prefixes", lead, facts=facts, wide=True)
    alt = "Loss of a token by position, for " + ", ".join(curves) + "."
    return charted(card, alt, lambda theme: charts.forced_and_free(curves, theme))


def loss_by_position(asked: Any, items: Strings, has_code: bool) -> dict[str, np.ndarray]:
    """Mean loss of a token at each position that enough items have, by prefix and code."""
    names = [
        "true prefix, own code",
        "true prefix, another's code",
        "own words, own code",
        "own words, another's code",
    ]
    names = names if has_code else names[::2]
    sums = {name: np.zeros(_LONGEST) for name in names}
    count = np.zeros(_LONGEST)
    with torch.inference_mode():
        for x in asked.batches(items):
            x = x[:, :_LONGEST]
            z = asked.module.means(x)
            length = x.shape[1]
            count[:length] += (x >= 0).sum(0).cpu().numpy()
            for name in names:
                code = z.roll(1, 0) if "another" in name else z
                forced = name.startswith("true")
                scores = (
                    asked.module.forced_log_prob(x, code) if forced else asked.module.free_running(x, code)[1]
                )
                sums[name][:length] -= scores.double().sum(0).cpu().numpy()
    enough = int((count >= min(_FEWEST, count.max())).sum())
    return {name: values[:enough] / count[:enough] for name, values in sums.items()}


def _samples(run: SequenceRun, figures: dict[str, Any]) -> Card:
    drawn = run.drawn(SAMPLES, seed=0)
    draws = figures["diagnosis"]["draws"]
    facts = (
        (f"{draws['copies']:.1%}", f"of {number(draws['n'])} draws are copies of training items"),
        (
            f"{draws['distinct_pairs']:.2f}",
            f"different pairs of neighbouring tokens over all pairs; of as many training items {draws['distinct_of_data']:.2f}",
        ),
        (
            f"{draws['mean_length']:.1f}",
            f"tokens of a draw with its end; of a training item {draws['mean_length_of_data']:.1f}",
        ),
        (
            f"{draws['reverse_perplexity']:.4g}",
            f"perplexity of held-out items by a trigram of the draws; by one of as many training items {draws['of_data']:.4g}",
        ),
    )
    rows = [("New items",), *((marked.shown(str(shown(item))),) for item in drawn)]
    how = "a code from the prior, then token by token" if run.has_code else "token by token"
    return Card(
        "samples", "Samples", f"Draws from the model: {how}.", facts=facts, table=tuple(rows), wide=True
    )


def _worst(run: SequenceRun, items: Strings) -> Card | None:
    estimator = run.estimator
    scores = estimator.token_scores(items)
    order = np.argsort([float(score.sum()) for score in scores])[:WORST]
    tokens = estimator.form_.cut(items[order])
    rows: list[tuple[str, ...]] = [("Nats", "A token", "Item, its least probable tokens underlined")]
    for place, own in zip(order, tokens, strict=True):
        score = scores[place]
        rows.append(
            (
                number(-float(score.sum())),
                number(-float(score.mean())),
                marked.costly(own, score, joint_of(run)),
            )
        )
    lead = (
        f"Of {len(items)} items those that the model finds least probable, with the mean of their own code."
        if run.has_code
        else (f"Of {len(items)} items those that the model finds least probable.")
    )
    return Card("worst", "Least probable items", lead, table=tuple(rows), wide=True)


def _lengths(run: SequenceRun, items: Strings) -> Card | None:
    scores = run.estimator.token_scores(items)
    lengths = np.array([len(score) for score in scores])
    keep = lengths > 0
    per_token = np.array([-float(score.mean()) if len(score) else 0.0 for score in scores])[keep]
    card = Card(
        "length",
        "Loss by length",
        "What a token costs in items of all lengths, given the true tokens before it.",
    )
    alt = f"Nats a token of {int(keep.sum())} items by their length."
    return charted(card, alt, lambda theme: charts.by_length(lengths[keep], per_token, theme))


def _learning(run: SequenceRun) -> Card | None:
    pretraining, history = run.estimator.pretraining_, run.estimator.history_
    if not history:
        return None
    lead = "Loss and rate by epoch."
    if pretraining:
        lead += f" Dark: {len(pretraining)} epochs as an autoencoder, after which the decoder began anew."
    if any((row.get("train_beta") or 1.0) < 0.999 for row in history):
        lead += " Light: epochs in which the rate's weight was still rising."
    alt = f"Negative bound and rate over {len(history)} epochs."
    return charted(
        Card("learning-curves", "Learning curves", lead),
        alt,
        lambda theme: charts.phases(pretraining, history, theme),
    )


def _vocabulary(run: SequenceRun, items: Strings) -> Card:
    form = run.estimator.form_
    stored = form.stored(items)
    facts = [
        (number(form.n_tokens), "types in the vocabulary, the end of an item and the unknown one among them"),
        (f"{form.unknown_share(stored):.1%}", "of the tokens here are unknown"),
    ]
    if form.n_cut:
        facts.append(
            (number(form.n_cut), f"training items were cut after {form.max_length} tokens, and have no end")
        )
    strange = Counter(
        token
        for own, start in zip(form.cut(items), stored.offsets, strict=False)
        for token, code in zip(own, stored.values[start : start + len(own)], strict=False)
        if code == UNKNOWN and code != END and token != form.vocabulary[UNKNOWN]
    )
    if not strange:
        return Card(
            "vocabulary", "Vocabulary", "No token here is without a number of its own.", facts=tuple(facts)
        )
    rows: list[tuple[str, ...]] = [("Unknown token", "Times")]
    rows += [(marked.shown(token), number(count)) for token, count in strange.most_common(10)]
    lead = "The most frequent tokens here that have no number of their own."
    return Card("vocabulary", "Vocabulary", lead, facts=tuple(facts), table=tuple(rows))
