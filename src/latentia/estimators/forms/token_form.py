"""Texts, lists of labels and events as numbers of tokens, and back."""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, Self, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from latentia.data.events import Events
from latentia.data.items import Ragged, Strings
from latentia.errors import DataError
from latentia.estimators.forms.events import GapForm
from latentia.nn.gaps import tokens_of

Unit = Literal["word", "char", "none"]
END, UNKNOWN = 0, 1
"""Numbers of the token behind the last of an item, and of one that is not in the vocabulary."""
SPECIAL = ("</s>", "<unk>")


@dataclass(frozen=True)
class TokenForm:
    """Texts or lists of labels as numbers of tokens.

    Attributes:
        unit: see `Tokens`.
        vocabulary: the token of each number; the first two are the end and the unknown one.
        max_length: see `Tokens`.
        end: whether each item has the token `END` behind it (where it was not cut); else the length of an item is given.
        numeric: whether labels were whole numbers, to which they return.
        n_cut: training items that were cut.
        gaps: of events whose times are modelled; else None.
    """

    unit: Unit
    vocabulary: tuple[str, ...]
    max_length: int | None = None
    end: bool = True
    numeric: bool = False
    n_cut: int = field(default=0, compare=False)
    gaps: GapForm | None = None

    event_shape = ()
    kind = "tokens"

    @property
    def n_tokens(self) -> int:
        """V, the end and the unknown token among them."""
        return len(self.vocabulary)

    @property
    def digest(self) -> str:
        """A checksum of the vocabulary."""
        return hashlib.sha256("\x1f".join(self.vocabulary).encode("utf-8", "surrogatepass")).hexdigest()[:16]

    @cached_property
    def numbers(self) -> dict[str, int]:
        """The number of each token; what has none is unknown."""
        return {token: number for number, token in enumerate(self.vocabulary) if number > UNKNOWN} | (
            {SPECIAL[UNKNOWN]: UNKNOWN} if self.unit == "word" else {}
        )

    def train(self) -> Self:
        """Itself: nothing in it is drawn anew."""
        return self

    def eval(self) -> Self:
        """Itself."""
        return self

    def cut(self, items: Strings) -> list[list[str]]:
        """The tokens of each item, without an end."""
        return cut(items, self.unit)

    def stored(self, items: Strings) -> Ragged:
        """Numbers of tokens, int32, the end behind each item that was not cut."""
        numbers, longest = self.numbers, self.max_length
        found: list[int] = []
        lengths = []
        for tokens in self.cut(items):
            row = [numbers.get(token, UNKNOWN) for token in tokens]
            if longest is not None and len(row) > longest:
                row = row[:longest]
            elif self.end:
                row.append(END)
            found += row
            lengths.append(len(row))
        return Ragged(np.array(found, dtype=np.int32), np.concatenate([[0], np.cumsum(lengths)]))

    def encoded(self, items: Strings) -> Ragged:
        """The same as a model sees them: each with the gap before it where gaps are modelled."""
        stored = self.stored(items)
        return stored if self.gaps is None else self.gaps.attached(stored, cast(Events, items))

    def model_input(self, stored: Tensor) -> Tensor:
        """Padded numbers as a model takes them."""
        return stored.long()

    def items(self, output: Any) -> list[Any]:
        """Texts, or lists of labels or of (label, time), of tokens `[n, T]`, negative behind each end; times begin at 0."""
        if self.gaps is None:
            return [self.item(row) for row in np.asarray(output).tolist()]
        x = torch.as_tensor(output)
        found = [self.item(row) for row in tokens_of(x).tolist()]
        return [
            list(zip(item, row, strict=False))
            for item, row in zip(found, self.gaps.times(x).tolist(), strict=True)
        ]

    def listed(self, items: Strings) -> list[Any]:
        """Items as `items` gives them."""
        return cast(Events, items).timed() if self.gaps is not None else items.lists()

    def said(self, item: Any) -> list[str]:
        """The tokens of an item as `items` gives them, without times."""
        if self.unit == "none":
            return [str(label) for label in (item if self.gaps is None else (label for label, _ in item))]
        return item.split() if self.unit == "word" else list(item)

    def beginnings(self, items: Strings, keep: float) -> Any:
        """Of each item the first share of its tokens."""
        if self.gaps is not None:
            return Events.of_events([item[: round(keep * len(item))] for item in cast(Events, items).timed()])
        cut = [tokens[: round(keep * len(tokens))] for tokens in self.cut(items)]
        if self.unit == "none":
            return Strings.of_labels(cut)
        return Strings.of_texts((" " if self.unit == "word" else "").join(tokens) for tokens in cut)

    def item(self, numbers: Iterable[int]) -> Any:
        """The text, or the list of labels, of some numbers; what stands behind an end is left out."""
        tokens = []
        for number in numbers:
            if number < 0 or (self.end and number == END):
                break
            tokens.append(self.vocabulary[number])
        if self.unit == "none":
            return [int(token) if self.numeric and token not in SPECIAL else token for token in tokens]
        return (" " if self.unit == "word" else "").join(tokens)

    def viewable(self, items: Any) -> Any:
        """Items as they are."""
        return items

    @property
    def log_volume(self) -> float:
        """Zero: densities are probabilities of tokens."""
        return 0.0

    def unknown_share(self, stored: Ragged) -> float:
        """Share of the tokens that are unknown, ends left out."""
        body = stored.values[stored.values != END] if self.end else stored.values
        return float((body == UNKNOWN).mean()) if len(body) else 0.0

    def characters(self, items: Strings) -> NDArray[np.int64]:
        """Characters of each item and one for its end, by which bits per character count."""
        sep = 1 if self.unit == "word" else 0
        lengths = [sum(map(len, tokens)) + sep * max(0, len(tokens) - 1) for tokens in self.cut(items)]
        return np.asarray(lengths, dtype=np.int64) + 1

    def describe(self) -> dict[str, Any]:
        """What rebuilds it."""
        return {
            "unit": self.unit,
            "vocabulary": list(self.vocabulary),
            "max_length": self.max_length,
            "end": self.end,
            "numeric": self.numeric,
            "n_cut": self.n_cut,
            "gaps": None if self.gaps is None else self.gaps.describe(),
            "digest": self.digest,
        }

    @classmethod
    def rebuild(cls, described: Mapping[str, Any]) -> Self:
        """The inverse of `describe`."""
        kept = {name: value for name, value in described.items() if name != "digest"}
        gaps = GapForm.rebuild(
            described.get("gaps")
        )  # folders that were written before there were gaps have no such entry
        return cls(**{**kept, "vocabulary": tuple(described["vocabulary"]), "gaps": gaps})


def cut(items: Strings, unit: Unit) -> list[list[str]]:
    """The tokens of each item.

    >>> cut(Strings.of_texts(["to be", "or"]), "word"), cut(Strings.of_texts(["or"]), "char")
    ([['to', 'be'], ['or']], [['o', 'r']])
    """
    lists = items.lists()
    if items.labels != (unit == "none"):
        what = "lists of labels" if items.labels else "texts"
        raise DataError(f"items are {what}, but tokens are {unit!r}; give them as in fitting")
    if unit == "word":
        return [text.split() for text in lists]
    return [list(unicodedata.normalize("NFC", text)) for text in lists] if unit == "char" else lists
