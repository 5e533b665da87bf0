"""Numbers that are written as text: "1,500", "12 %", "$3.50", "1.234,5", "(80)"; how they are written, and back."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

_SPACES = "\u00a0\u202f\u2009"
_CURRENCIES = ("$", "€", "£", "¥", "₹", "USD", "EUR", "GBP", "CHF", "JPY", "SEK", "NOK", "DKK", "AUD", "CAD")
_UNITS = (
    "%", "‰", "°C", "°F", "°", "kg", "g", "mg", "µg", "t", "lb", "km", "m", "cm", "mm", "µm", "mi", "ft", "in", "s", "ms", "min",
    "h", "d", "l", "ml", "dl", "V", "mV", "A", "W", "kW", "kWh", "Hz", "kHz", "MHz", "GHz", "B", "kB", "MB", "GB", "TB", "px",
)  # fmt: skip
_CELL = re.compile(
    r"^(\()?([-+\u2212]?)([^\d\s.,'()+\u2212-]{0,3}\s?)([-+\u2212]?)([\d.,' ]*\d)(\s?\D{0,12}?)(\))?$"
)
_PLAIN = re.compile(r"^[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?$")
_SEPARATORS = ((",", "."), ("", "."), (" ", "."), ("'", "."), (".", ","), (" ", ","), ("'", ","), ("", ","))
"""Pairs of a separator of thousands and a decimal sign; of several that fit all cells, the first."""


@dataclass(frozen=True)
class NumberStyle:
    """How the numbers of a column are written.

    Attributes:
        prefix: before each, as "$".
        suffix: behind each, as " kg" or "%".
        thousands: between groups of three digits.
        decimal: before the fraction.
        digits: of the fraction, at most.
        brackets: whether negative numbers stand in brackets.

    Example:
        >>> style, values = number_style(["$1,500", "$980", "$12,000"])
        >>> values.tolist(), style.write(2500.0)
        ([1500.0, 980.0, 12000.0], '$2,500')
    """

    prefix: str = ""
    suffix: str = ""
    thousands: str = ""
    decimal: str = "."
    digits: int = 0
    brackets: bool = False

    @property
    def is_plain(self) -> bool:
        """Whether Python would read such numbers as they are."""
        return not (self.prefix or self.suffix or self.thousands or self.brackets) and self.decimal == "."

    def write(self, value: float) -> str:
        """A number, written so."""
        text = f"{abs(value):,.{self.digits}f}"
        text = text.replace(",", "\0").replace(".", self.decimal).replace("\0", self.thousands)
        text = f"{self.prefix}{text}{self.suffix}"
        if value >= 0:
            return text
        return f"({text})" if self.brackets else f"-{text}"

    def __str__(self) -> str:
        return f"written as {self.write(1234.5 if self.digits else 1234.0)!r}"


def number_style(
    texts: Sequence[str], decimal: str | None = None
) -> tuple[NumberStyle, NDArray[np.float64]] | None:
    """How all of some texts are written as numbers, and the numbers `[n]`; None where one of them is none.

    Digits that begin with a zero ("00501") are codes and no numbers; so is a word, and a unit that is not the same in all cells.

    Args:
        texts: different cells, without blanks around them.
        decimal: the sign before the fraction, if it is known.

    Example:
        >>> number_style(["1.234,5", "7,25"])[1].tolist()
        [1234.5, 7.25]
        >>> number_style(["00501", "10001"]), number_style(["s1", "s2"])
        (None, None)
    """
    cells = [_CELL.match(_narrow(text)) for text in texts]
    if decimal in (None, ".") and all(_PLAIN.match(text) for text in map(_narrow, texts)):
        if any(re.match(r"^[-+]?0\d", text) for text in texts):
            return None
        digits = max((len(text.partition(".")[2].partition("e")[0]) for text in texts), default=0)
        return NumberStyle(digits=min(digits, 12)), np.array([float(_narrow(text)) for text in texts])
    if not cells or not all(cells):
        return None
    parts = [cell.groups() for cell in cells if cell is not None]
    prefix, suffix = parts[0][2], parts[0][5]
    if any(part[2] != prefix or part[5] != suffix for part in parts) or not _known(prefix, suffix):
        return None
    if any(bool(part[0]) != bool(part[6]) or (part[1] and part[3]) for part in parts):
        return None
    numbers = [part[4] for part in parts]
    for thousands, sign in _SEPARATORS:
        if decimal not in (None, sign):
            continue
        values = _read(numbers, thousands, sign)
        if values is None:
            continue
        negative = np.array([bool(part[0]) or "-" in _signs(part) for part in parts])
        digits = max(len(number.rpartition(sign)[2]) if sign in number else 0 for number in numbers)
        used = thousands if thousands and any(thousands in number for number in numbers) else ""
        style = NumberStyle(prefix, suffix, used, sign, digits, any(part[0] for part in parts))
        return style, np.where(negative, -values, values)
    return None


def _narrow(text: str) -> str:
    for space in _SPACES:
        text = text.replace(space, " ")
    return text.strip().replace("\u2019", "'")


def _signs(part: tuple[Any, ...]) -> str:
    return f"{part[1]}{part[3]}".replace("\u2212", "-")


def _known(prefix: str, suffix: str) -> bool:
    """Whether what stands around a number is a currency or a unit; a letter before it makes a code of it."""
    before, behind = prefix.strip(), suffix.strip()
    unit = not behind or behind in _UNITS or behind in _CURRENCIES or (suffix[:1] == " " and behind.isalpha())
    return unit and (not before or before in _CURRENCIES)


def _read(numbers: Sequence[str], thousands: str, decimal: str) -> NDArray[np.float64] | None:
    """The numbers without their signs, if all of them are written with these separators."""
    fraction = rf"({re.escape(decimal)}\d+)?"
    grouped = rf"|\d{{1,3}}({re.escape(thousands)}\d{{3}})+{fraction}" if thousands else ""
    pattern = re.compile(rf"^(?:(?:0|[1-9]\d*){fraction}{grouped})$")
    if not all(pattern.match(number) for number in numbers):
        return None
    plain = [
        (number.replace(thousands, "") if thousands else number).replace(decimal, ".") for number in numbers
    ]
    return np.array([float(number) for number in plain])
