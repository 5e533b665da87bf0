"""What the items of a data set may be."""

from __future__ import annotations

from enum import StrEnum


class Shape(StrEnum):
    """What one item is.

    Example:
        >>> Shape("images").value, Shape.TABLE.value
        ('images', 'table')
    """

    TABLE = "table"  # [d], real numbers
    COUNTS = "counts"  # [d], whole numbers of at least 0, dense or sparse
    IMAGES = "images"  # [C, H, W]
    TOKENS = "tokens"  # [T], whole numbers out of a vocabulary, T of each item its own
    PAIRS = "pairs"  # two sequences out of vocabularies, an input and an output
    SERIES = "series"  # [T, d], T of each item its own
    FRAMES = "frames"  # [T, C, H, W], T of each item its own
    MIXED = "mixed"  # [d], numbers, categories and gaps
