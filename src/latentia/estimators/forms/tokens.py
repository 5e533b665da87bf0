"""From a person's texts or lists of labels to numbered tokens, and back."""

from __future__ import annotations

import hashlib
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from latentia.data.items import Ragged, Strings
from latentia.errors import ConfigError, DataError
from latentia.estimators.choices import Choice
from latentia.estimators.parameters import whole

Unit = Literal["word", "char", "none"]
UNITS: tuple[Unit, ...] = ("word", "char", "none")
END, UNKNOWN = 0, 1
"""Numbers of the token behind the last of an item, and of one that is not in the vocabulary."""
SPECIAL = ("</s>", "<unk>")
SPACED = 0.2  # share of texts with white space from which their words are the tokens
MOST_WORDS = 20_000


@dataclass(frozen=True)
class Tokens:
    """How items are cut into tokens, and which of them have a number of their own.

    Attributes:
        unit: "word" (split at white space; nothing else is touched), "char" (code points, NFC, spaces among them) or "none" (labels).
        min_count: occurrences in training from which a token has a number of its own; None: 2 for words (1 where "<unk>" stands in the data),
            else 1.
        max_types: most numbers, the two special ones among them; None: 20,000 for words, else no bound.
        max_length: tokens behind which an item is cut; it then has no end. None: no cut.

    Raises:
        ConfigError: if a value is out of range.
    """

    unit: Unit | None = None
    min_count: int | None = None
    max_types: int | None = None
    max_length: int | None = None

    def __post_init__(self) -> None:
        """Check the ranges."""
        if self.unit is not None and self.unit not in UNITS:
            raise ConfigError(f"tokens={self.unit!r}: expected one of auto, {', '.join(UNITS)}")
        for name, least in (("min_count", 1), ("max_types", 3), ("max_length", 1)):
            if getattr(self, name) is not None:
                whole(f"tokens.{name}", getattr(self, name), least)

    @classmethod
    def of(cls, asked: Any) -> Self:
        """From what a person gives: "auto", a unit, a mapping with `unit`, `min_count`, `max_types`, `max_length`, or tokens.

        >>> Tokens.of("char").unit, Tokens.of({"min_count": 3}).min_count, Tokens.of("auto") == Tokens()
        ('char', 3, True)
        """
        if isinstance(asked, cls):
            return asked
        if isinstance(asked, str):
            return cls(None if asked == "auto" else asked)  # type: ignore[arg-type]
        if not isinstance(asked, Mapping):
            raise ConfigError(
                f"tokens={asked!r}: expected auto, word, char, none or a mapping with min_count, max_types or max_length; "
                "to cut items in another way, give lists of tokens"
            )
        known = ("unit", "min_count", "max_types", "max_length")
        for name in asked:
            if name not in known:
                raise ConfigError(f"tokens: unknown entry {name!r}; there are {', '.join(known)}")
        unit = asked.get("unit")
        return cls(**{**asked, "unit": None if unit == "auto" else unit})


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
    """

    unit: Unit
    vocabulary: tuple[str, ...]
    max_length: int | None = None
    end: bool = True
    numeric: bool = False
    n_cut: int = field(default=0, compare=False)

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

    def model_input(self, stored: Tensor) -> Tensor:
        """Padded numbers as a model takes them."""
        return stored.long()

    def items(self, output: Any) -> list[Any]:
        """Texts, or lists of labels, of tokens `[n, T]`, negative behind each end."""
        return [self.item(row) for row in np.asarray(output).tolist()]

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
            "digest": self.digest,
        }

    @classmethod
    def rebuild(cls, described: Mapping[str, Any]) -> Self:
        """The inverse of `describe`."""
        kept = {name: value for name, value in described.items() if name != "digest"}
        return cls(**{**kept, "vocabulary": tuple(described["vocabulary"])})


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


def choose_tokens(
    items: Strings, asked: Tokens, *, numeric: bool = False, end: bool = True
) -> tuple[TokenForm, list[Choice]]:
    """The tokens and the vocabulary of training items.

    Args:
        items: training texts or labels.
        asked: what a person left open is chosen: see `Tokens`.
        numeric: whether labels were whole numbers.
        end: whether items have ends of their own.

    Raises:
        ConfigError: if a unit is not for such items.
        DataError: if there is no token at all.
    """
    unit, why = _unit(items, asked.unit)
    lists = cut(items, unit)
    counts = Counter(token for tokens in lists for token in tokens)
    if not counts:
        raise DataError("the training items hold no token at all: expected text with something in it")
    marked = unit == "word" and SPECIAL[UNKNOWN] in counts
    least = asked.min_count or (2 if unit == "word" and not marked else 1)
    most = asked.max_types or (MOST_WORDS if unit == "word" else None)
    ranked = sorted(counts, key=lambda token: (-counts[token], token))
    known = [
        token for token in ranked if counts[token] >= least and not (marked and token == SPECIAL[UNKNOWN])
    ]
    known = known if most is None else known[: most - len(SPECIAL)]
    n_cut = 0 if asked.max_length is None else sum(len(tokens) > asked.max_length for tokens in lists)
    form = TokenForm(unit, (*SPECIAL, *known), asked.max_length, end, numeric, n_cut)
    seen = counts.total()
    left = seen - sum(counts[token] for token in known)
    words = {"word": "words", "char": "characters", "none": "labels"}[unit]
    rule = f"of {len(counts):,} different ones in {seen:,}, those that occur at least {least} time{'s' * (least > 1)}"
    rest = f"; the others, {left / seen:.1%} of the training tokens, are {SPECIAL[UNKNOWN]}" if left else ""
    choices = [
        Choice("tokens", words, why),
        Choice(
            "vocabulary",
            f"{len(form.vocabulary):,} types",
            f"{rule}{rest}; the end of an item and {SPECIAL[UNKNOWN]} among them",
        ),
    ]
    if n_cut:
        choices.append(
            Choice(
                "length",
                str(asked.max_length),
                f"{n_cut:,} of {len(lists):,} training items are cut, and have no end",
            )
        )
    return form, choices


def _unit(items: Strings, asked: Unit | None) -> tuple[Unit, str]:
    if items.labels:
        if asked not in (None, "none"):
            raise ConfigError(f"tokens={asked!r} cuts texts, but the items are lists of labels; leave it out")
        return "none", "items are lists of labels"
    if asked == "none":
        raise ConfigError("tokens='none' is for lists of labels; texts are cut into words or characters")
    if asked is not None:
        return asked, "as asked for"
    texts = items.lists()
    spaced = sum(any(character.isspace() for character in text.strip()) for text in texts) / max(
        1, len(texts)
    )
    share = f"{spaced:.0%} of the items hold white space"
    return (
        ("word", share)
        if spaced >= SPACED
        else ("char", f"only {share}" if spaced else "no item holds white space")
    )
