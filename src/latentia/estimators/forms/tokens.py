"""How a person's texts or lists of labels are cut into tokens, and which of these have numbers of their own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from latentia.data.items import Strings
from latentia.errors import ConfigError, DataError
from latentia.estimators.choices import Choice
from latentia.estimators.forms.token_form import END, SPECIAL, UNKNOWN, TokenForm, Unit, cut
from latentia.estimators.parameters import whole

__all__ = ["END", "SPECIAL", "UNKNOWN", "TokenForm", "Tokens", "choose_tokens", "cut"]

UNITS: tuple[Unit, ...] = ("word", "char", "none")
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
