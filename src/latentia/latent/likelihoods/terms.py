"""Which part of a row's vector each column of a mixed table is, and by which family it is modelled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

from latentia.errors import ConfigError

Family = Literal["gaussian", "bernoulli", "categorical", "ordinal", "negative-binomial"]


@dataclass(frozen=True)
class Term:
    """One column within the vector `[W]` of a row.

    Attributes:
        family: of p(x_j|z).
        start: first of its numbers.
        width: how many they are: the levels of a category, else one.
        mask: place of the number that is 1 where the column is observed; -1: it always is.
        centre: what was subtracted from the column, or from log(1 + count).
        scale: what it was then divided by.
        levels: of an ordinal column.
        floor: least standard deviation of a Gaussian, in units of the vector: that of the rounding of the data.
    """

    family: Family
    start: int
    width: int = 1
    mask: int = -1
    centre: float = 0.0
    scale: float = 1.0
    levels: int = 0
    floor: float = 0.0

    def __post_init__(self) -> None:
        if self.family not in get_args(Family):
            raise ConfigError(
                f"family {self.family!r} is unknown; expected one of {', '.join(get_args(Family))}"
            )

    @property
    def stop(self) -> int:
        """Behind the last of its numbers."""
        return self.start + self.width


def gaussian_terms(width: int) -> tuple[Term, ...]:
    """A Gaussian for each number of a vector, all of them observed."""
    return tuple(Term("gaussian", i) for i in range(width))


def as_plain(terms: Sequence[Term]) -> list[dict[str, Any]]:
    """Terms as JSON has them."""
    return [asdict(term) for term in terms]


def from_plain(terms: Sequence[Mapping[str, Any]]) -> tuple[Term, ...]:
    """The inverse of `as_plain`."""
    return tuple(Term(**term) for term in terms)
