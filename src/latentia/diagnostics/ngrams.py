"""Counts of neighbouring tokens as language models: what any text model must be better than."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from latentia.errors import DataError

DISCOUNT = 0.75

Ids = NDArray[np.int64]
Numbers = NDArray[np.float64]


@runtime_checkable
class Sequences(Protocol):
    """Sequences of tokens behind one another: `latentia.data.items.Ragged`."""

    @property
    def values(self) -> NDArray[Any]: ...  # noqa: D102
    @property
    def offsets(self) -> NDArray[np.int64]: ...  # noqa: D102


@dataclass(frozen=True)
class Unigram:
    """Each token by its share in training, whatever stands before it.

    Attributes:
        log_share: log p of each token in nats, `[V]`; -inf of one that does not occur.
    """

    log_share: Numbers

    @classmethod
    def fit(cls, items: Sequences, n_tokens: int) -> Unigram:
        """The shares in training items.

        Example:
            >>> from latentia.data.items import Ragged
            >>> words = Ragged.of([np.array([1, 1, 0]), np.array([1])])
            >>> Unigram.fit(words, 2).token_log_prob(words).round(3).tolist()
            [-0.288, -0.288, -1.386, -0.288]
        """
        counts = np.bincount(np.asarray(items.values, dtype=np.int64), minlength=n_tokens)
        with np.errstate(divide="ignore"):
            return cls(np.log(counts / max(1, counts.sum())))

    def token_log_prob(self, items: Sequences) -> Numbers:
        """Log p of each token in nats, `[total]`."""
        return self.log_share[np.asarray(items.values, dtype=np.int64)]


class _Counts:
    """How often each key occurs, for keys that are looked up by the thousand."""

    def __init__(self, keys: Ids) -> None:
        self.keys, self.counts = np.unique(keys, return_counts=True)

    def of(self, keys: Ids) -> Numbers:
        """Counts `[n]`; 0 for keys that do not occur."""
        if not len(self.keys):
            return np.zeros(len(keys))
        places = np.searchsorted(self.keys, keys).clip(max=len(self.keys) - 1)
        return np.where(self.keys[places] == keys, self.counts[places], 0).astype(np.float64)


class Trigram:
    r"""Interpolated Kneser-Ney with one discount D = 0.75: each token given the two before it.

    .. math::
        p_3(w|ab) &= \frac{\max(c(abw) - D, 0)}{c(ab)} + \frac{D\, n(ab)}{c(ab)} p_2(w|b) \\
        p_2(w|b) &= \frac{\max(N(\cdot bw) - D, 0)}{N(\cdot b \cdot)} + \frac{D\, n_2(b)}{N(\cdot b \cdot)} p_1(w) \\
        p_1(w) &= \frac{\max(N(\cdot w) - D, 0)}{N(\cdot\cdot)} + \frac{D\, n_1}{N(\cdot\cdot)} \frac1V

    with N the number of distinct tokens that stand at the dots, and n the number of distinct tokens that follow. A history that was never
    seen leaves the next shorter one. Two start symbols stand before each sequence.

    Source: Kneser and Ney 1995; in this form Chen and Goodman 1999, section 3.

    Args:
        items: training sequences.
        n_tokens: V.

    Raises:
        DataError: if there is no token.

    Example:
        >>> from latentia.data.items import Ragged
        >>> words = Ragged.of([np.array([1, 2, 0])] * 9)
        >>> bool(np.exp(Trigram(words, 3).token_log_prob(words)).min() > 0.8)
        True
    """

    def __init__(self, items: Sequences, n_tokens: int) -> None:
        if not len(items.values):
            raise DataError("a trigram of no tokens: expected at least one")
        self.n_tokens, self.base = n_tokens, n_tokens + 1  # the start symbol is token V
        a, b, w = self._histories(items)
        self.trigrams = _Counts(self._key(a, b, w))
        self.pairs_before = _Counts(self._key(a, b))
        kinds = self.trigrams.keys  # the distinct trigrams
        ab, bw = kinds // self.base, kinds % (self.base * self.base)
        self.followers = _Counts(ab)
        self.before_pair = _Counts(bw)
        pairs = self.before_pair.keys  # the distinct pairs b w
        self.before_any = _Counts(bw // self.base)
        self.followers_of_one = _Counts(pairs // self.base)
        self.before_token = _Counts(pairs % self.base)
        total = float(len(pairs))
        tokens = np.arange(n_tokens)
        seen = self.before_token.of(tokens)
        self.p1 = np.maximum(seen - DISCOUNT, 0) / total + DISCOUNT * (seen > 0).sum() / total / n_tokens

    def token_log_prob(self, items: Sequences) -> Numbers:
        """Log p of each token given the two before it in nats, `[total]`."""
        return np.log(self._probability(*self._histories(items)))

    def next_probabilities(self, a: int, b: int) -> Numbers:
        """The distribution of the token after a and b, `[V]`; V stands for the start."""
        tokens = np.arange(self.n_tokens)
        return self._probability(np.full(self.n_tokens, a), np.full(self.n_tokens, b), tokens)

    def _probability(self, a: Ids, b: Ids, w: Ids) -> Numbers:
        p1 = self.p1[w]
        total = self.before_any.of(b)
        p2 = _interpolated(self.before_pair.of(self._key(b, w)), total, self.followers_of_one.of(b), p1)
        ab = self._key(a, b)
        return _interpolated(
            self.trigrams.of(self._key(a, b, w)), self.pairs_before.of(ab), self.followers.of(ab), p2
        )

    def _histories(self, items: Sequences) -> tuple[Ids, Ids, Ids]:
        """The two tokens before each, and it itself, `[total]` each."""
        w = np.asarray(items.values, dtype=np.int64)
        starts = np.asarray(items.offsets[:-1])
        starts = starts[np.diff(items.offsets) > 0]
        a, b = np.roll(w, 2), np.roll(w, 1)
        b[starts] = self.n_tokens
        a[starts] = self.n_tokens
        second = starts + 1
        second = second[(second < len(w)) & ~np.isin(second, starts)]
        a[second] = self.n_tokens
        return a, b, w

    def _key(self, *parts: Ids) -> Ids:
        key = parts[0]
        for part in parts[1:]:
            key = key * self.base + part
        return key


def _interpolated(count: Numbers, total: Numbers, followers: Numbers, lower: Numbers) -> Numbers:
    """The discounted share, and what the discount leaves to the lower order; that alone where the history was never seen."""
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.maximum(count - DISCOUNT, 0) / total + DISCOUNT * followers / total * lower
    return np.where(total > 0, share, lower)
