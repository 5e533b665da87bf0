"""What is measured of a model of sequences beside what every model with codes has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from latentia.data.events import Events
from latentia.data.items import Ragged, Strings
from latentia.diagnostics import TeacherForcing, teacher_forcing
from latentia.diagnostics.ngrams import Trigram, Unigram
from latentia.kinds.sequence.inference import SequenceInference

FORCED_ITEMS = 500
REBUILT_ITEMS = 200
DRAWN_ITEMS = 2000
DRAWN_THOROUGHLY = 20_000


@dataclass(frozen=True)
class Counted:
    """What counts of neighbouring tokens say of some items; nats, means over items.

    Attributes:
        unigram: log-likelihood.
        trigram: the same.
        trigram_per_token: nats a token.
        gaps: log-density of the gaps under one log-normal for all; part of neither of the first two. 0 where gaps are not modelled.
    """

    unigram: float
    trigram: float
    trigram_per_token: float
    gaps: float = 0.0


@dataclass(frozen=True)
class Gaps:
    """What the gaps of some items cost; log-densities in nats, means over gaps.

    Attributes:
        log_likelihood: given what came before and the mean of q(z|x).
        baseline: under one log-normal for all, that of the training gaps.
        n: gaps.
    """

    log_likelihood: float
    baseline: float
    n: int


def timed(asked: SequenceInference, items: Strings) -> Gaps | None:
    """The gaps of items; None where they are not modelled, or there are none."""
    form = asked.form.gaps
    if form is None or not len(alone := form.independent(cast(Events, items))):
        return None
    total = sum(float(scores.sum()) for scores in asked.gap_scores(items))
    return Gaps(total / len(alone), float(alone.mean()), len(alone))


def counted(train: Ragged, items: Ragged, n_tokens: int, gaps: Gaps | None = None) -> Counted:
    """Unigram and trigram of the training items on these."""
    n, total = max(1, len(items)), max(1, len(items.values))
    unigram = Unigram.fit(train, n_tokens).token_log_prob(items)
    trigram = Trigram(train, n_tokens).token_log_prob(items)
    of_gaps = 0.0 if gaps is None else gaps.baseline * gaps.n / n
    return Counted(float(unigram.sum() / n), float(trigram.sum() / n), float(-trigram.sum() / total), of_gaps)


def forced(asked: SequenceInference, items: Strings) -> TeacherForcing:
    """Losses with and without true prefixes of at most 500 items."""
    return teacher_forcing(asked.module, asked.batches(some(items, FORCED_ITEMS)))


@dataclass(frozen=True)
class Rebuilt:
    """How like items their reconstructions are, in tokens: means over items; see `similarity`.

    Attributes:
        own: from their own codes.
        other: from the code of another item.
        zero: from z = 0.
        exact: share that come back whole.
        n: items.
    """

    own: float
    other: float
    zero: float
    exact: float
    n: int


def rebuilt(asked: SequenceInference, items: Strings) -> Rebuilt:
    """Reconstructions of at most 200 items against three controls."""
    import torch

    chosen = some(items, REBUILT_ITEMS)
    form = asked.form
    originals = form.cut(chosen)
    codes = torch.as_tensor(asked.codes(chosen), device=asked.device)

    def likeness(z: torch.Tensor) -> list[float]:
        said = [form.said(item) for item in asked.decoded(z)]
        return [similarity(a, b) for a, b in zip(originals, said, strict=True)]

    own = likeness(codes)
    return Rebuilt(
        float(np.mean(own)),
        float(np.mean(likeness(codes.roll(1, 0)))),
        float(np.mean(likeness(torch.zeros_like(codes)))),
        float(np.mean(np.asarray(own) == 1.0)),
        len(chosen),
    )


@dataclass(frozen=True)
class Drawn:
    """Draws from the model as a whole.

    Attributes:
        reverse_perplexity: of the items, by a trigram of the draws.
        of_data: the same by a trigram of as many training items.
        copies: share of the draws that are training items word by word.
        distinct_pairs: different pairs of neighbouring tokens over all pairs, among the draws.
        distinct_of_data: the same among as many training items.
        mean_length: tokens of a draw.
        mean_length_of_data: tokens of a training item.
        n: draws.
    """

    reverse_perplexity: float
    of_data: float
    copies: float
    distinct_pairs: float
    distinct_of_data: float
    mean_length: float
    mean_length_of_data: float
    n: int


def drawn(asked: SequenceInference, train: Strings, items: Strings, most: int, seed: int = 0) -> Drawn:
    """Reverse perplexity, copies and variety of at most `most` draws.

    Source: reverse perplexity is that of Zhao et al. 2018, Adversarially Regularized Autoencoders, here by a trigram.

    Args:
        asked: the model.
        train: training items.
        items: held-out ones.
        most: draws, as many as there are training items at most.
        seed: of the draws.
    """
    form = asked.form
    n = min(most, len(train))
    like = some(train, n, seed)
    made = asked.drawn(n, False, None, seed)
    draws = Strings.of_labels([form.said(item) for item in made]) if train.labels else Strings.of_texts(made)
    scored = form.stored(items)
    of_draws, of_data = form.stored(draws), form.stored(like)
    known = set(map(_hashable, form.cut(train)))
    return Drawn(
        reverse_perplexity=_perplexity(of_draws, scored, form.n_tokens),
        of_data=_perplexity(of_data, scored, form.n_tokens),
        copies=float(np.mean([_hashable(item) in known for item in form.cut(draws)])),
        distinct_pairs=distinct_pairs(of_draws),
        distinct_of_data=distinct_pairs(of_data),
        mean_length=float(of_draws.lengths.mean()),
        mean_length_of_data=float(of_data.lengths.mean()),
        n=n,
    )


def similarity(a: Sequence[Any], b: Sequence[Any]) -> float:
    """1 - Levenshtein distance over the longer length; 1 for two empty sequences.

    >>> similarity("kitten", "sitting"), similarity([], [])
    (0.5714285714285714, 1.0)
    """
    longest = max(len(a), len(b))
    if not longest:
        return 1.0
    before = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        row = [i]
        for j, y in enumerate(b, 1):
            row.append(min(before[j] + 1, row[-1] + 1, before[j - 1] + (x != y)))
        before = row
    return 1 - before[-1] / longest


def distinct_pairs(items: Ragged) -> float:
    """Different pairs of neighbouring tokens over all pairs (distinct-2 of Li et al. 2016).

    >>> distinct_pairs(Ragged.of([np.array([1, 2, 1, 2]), np.array([3])]))
    0.6666666666666666
    """
    values = np.asarray(items.values, dtype=np.int64)
    inside = np.ones(max(0, len(values) - 1), dtype=bool)
    ends = items.offsets[1:-1]
    inside[ends[(ends > 0) & (ends < len(values))] - 1] = False
    pairs = np.stack([values[:-1], values[1:]], 1)[inside]
    return len(np.unique(pairs, axis=0)) / len(pairs) if len(pairs) else 0.0


def _perplexity(train: Ragged, items: Ragged, n_tokens: int) -> float:
    return float(np.exp(-Trigram(train, n_tokens).token_log_prob(items).mean()))


def _hashable(tokens: Sequence[str]) -> tuple[str, ...]:
    return tuple(tokens)


def some(items: Strings, most: int, seed: int = 0) -> Strings:
    """At most so many items, at random, in their order."""
    if len(items) <= most:
        return items
    return items[np.sort(np.random.default_rng(seed).permutation(len(items))[:most])]
