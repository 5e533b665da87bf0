"""What one column of a table is taken as: from its cells, all of them, to a kind with a reason."""

from __future__ import annotations

import datetime
import decimal
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from latentia.data.cells import number_style
from latentia.data.dates import DateStyle, date_style, days_of
from latentia.data.decided import EXACT, Decided, problem, shell
from latentia.data.level_columns import of_categories, of_words
from latentia.data.number_columns import of_dates, of_numbers

GAPS = frozenset(
    {"", "?", "-", "--", ".", "..", "na", "n/a", "#n/a", "nan", "null", "none", "nil", "missing", "#value!"}
)
_PEEK = 40  # characters of a cell that are shown


def decided(name: str, cells: pd.Series[Any], asked: str | None = None) -> Decided:
    """What a column is taken as.

    Args:
        name: of the column, for words.
        cells: `[n]`, of any type.
        asked: what a person says that it is: a kind, "date:FORMAT", or "decimal-comma"; None: it is concluded from the cells.

    Example:
        >>> decided("paid", pd.Series(["$1,200", "$80", None])).values.tolist()
        [1200.0, 80.0, nan]
        >>> decided("plan", pd.Series(["free", "pro", "free", None])).column.levels
        ('free', 'pro')
    """
    wanted, _, how = (asked or "").partition(":")
    wanted = "number" if wanted == "decimal-comma" else wanted
    sign = "," if asked == "decimal-comma" else None
    missing = cells.isna().to_numpy(dtype=bool)
    dtype = cells.dtype
    if missing.all():
        return Decided(role="left out", why="nothing is in it")
    if isinstance(dtype, pd.CategoricalDtype) and wanted in ("number", "count", "binary", "date"):
        return decided(name, cells.astype(cells.cat.categories.dtype), asked)
    if isinstance(dtype, pd.CategoricalDtype):
        return of_categories(name, cells, missing, wanted)
    if pd.api.types.is_complex_dtype(dtype):
        return Decided(problem=f"column {name!r} holds complex numbers; split it into two columns")
    if pd.api.types.is_bool_dtype(dtype):
        return of_numbers(name, cells.astype("float64"), missing, wanted, "bool")
    if (
        pd.api.types.is_integer_dtype(dtype)
        and not wanted
        and float(cells.abs().max()) > EXACT
        and cells.is_unique
    ):
        why = "whole numbers with one value a row, larger than what floating-point numbers tell apart"
        return Decided(role="id", why=why)
    if pd.api.types.is_numeric_dtype(dtype):
        numbers = pd.Series(cells.to_numpy(dtype=np.float64, na_value=np.nan))
        return of_numbers(name, numbers, missing, wanted, _plain_dtype(dtype))
    if isinstance(dtype, pd.PeriodDtype):
        cells = cells.dt.to_timestamp()
    if pd.api.types.is_datetime64_any_dtype(cells.dtype):
        return of_dates(name, days_of(cells), missing, DateStyle(zone=_zone(cells.dtype)), str(cells.dtype))
    if pd.api.types.is_timedelta64_dtype(dtype):
        days = cells.dt.total_seconds().to_numpy(dtype=np.float64) / 86_400
        return of_numbers(name, pd.Series(days), missing, wanted, str(dtype))
    return _objects(name, cells, missing, wanted, how, sign)


def _objects(
    name: str, cells: pd.Series[Any], missing: NDArray[np.bool_], wanted: str, how: str, sign: str | None
) -> Decided:
    """Text, or Python objects."""
    objects = cells.to_numpy(dtype=object)
    classes = {type(cell) for cell in objects[~missing]}
    if classes <= {bool, np.bool_}:
        return of_numbers(
            name, pd.Series(np.where(missing, np.nan, objects).astype(float)), missing, wanted, "bool"
        )
    if all(
        issubclass(cls, int | float | np.number | decimal.Decimal) and cls not in (bool, np.bool_)
        for cls in classes
    ):
        numbers = pd.Series(
            [np.nan if gap else float(cell) for cell, gap in zip(objects, missing, strict=True)]
        )
        return of_numbers(name, numbers, missing, wanted, "float64")
    if all(issubclass(cls, datetime.date) for cls in classes):
        days = days_of(
            pd.to_datetime(pd.Series(objects), errors="coerce", utc=_have_zones(objects[~missing]))
        )
        return of_dates(name, days, missing, DateStyle(), "datetime64[us]")
    for kind, word in ((bytes | bytearray | memoryview, "bytes"), (list | tuple | set | frozenset, "a list"),
                       (dict, "a dictionary"), (np.ndarray, "an array")):  # fmt: skip
        row = next((i for i, cell in enumerate(objects) if isinstance(cell, kind)), None)
        if row is not None:
            return Decided(
                problem=problem(name, row, f"holds {word}", "take it apart into columns of single values")
            )
    texts = [None if gap else str(cell).strip() for cell, gap in zip(objects, missing, strict=True)]
    return _texts(name, texts, wanted, how, sign)


def _texts(name: str, texts: list[str | None], wanted: str, how: str, sign: str | None) -> Decided:
    """Words, or numbers and dates that are written as text."""
    blank = np.array([text is None or text == "" for text in texts])
    if blank.all():
        return Decided(role="left out", why="nothing is in it")
    codes, levels = pd.factorize(
        np.array([None if gap else text for text, gap in zip(texts, blank, strict=True)], dtype=object)
    )
    words = [str(level) for level in levels]
    told = [i for i, word in enumerate(words) if word.lower() not in GAPS]
    if wanted in ("", "number", "count", "binary"):
        found = number_style([words[i] for i in told], sign) if told else None
        if found is not None:
            return of_numbers(name, *_spread(codes, told, found[1]), wanted, "str", found[0])
    if wanted in ("", "date"):
        dates = date_style([words[i] for i in told], how or None) if told else None
        if dates is not None:
            days, gaps = _spread(codes, told, dates[1])
            return of_dates(name, days.to_numpy(), gaps, dates[0], "str")
    if wanted in ("number", "count", "date") or (not wanted and told):
        problem = _slip(name, codes, words, told, wanted)
        if problem:
            return Decided(problem=problem)
    return of_words(name, codes, words, wanted)


def _spread(
    codes: NDArray[np.int64], told: list[int], values: NDArray[np.float64]
) -> tuple[pd.Series[Any], NDArray[np.bool_]]:
    """Values of different cells as values of all cells, and which are missing."""
    of_level = np.full(int(codes.max(initial=0)) + 2, np.nan)  # the last stands for code -1
    of_level[told] = values
    found = of_level[codes]
    return pd.Series(found), np.isnan(found)


def _slip(name: str, codes: NDArray[np.int64], words: list[str], told: list[int], wanted: str) -> str:
    """The problem of a column of which most cells are numbers, or dates, and some are none."""
    if not wanted and _are_codes(words):
        return ""
    counts = np.bincount(codes[codes >= 0], minlength=len(words))[told]
    number, date = (
        _alike([_number_key(words[i]) for i in told], counts),
        [date_style([words[i]]) is not None for i in told],
    )
    for what, good in (("a number", np.array(number)), ("a date", np.array(date))):
        if wanted and (wanted == "date") != (what == "a date"):
            continue
        share = counts[good].sum() / max(1, counts.sum())
        if share == 1 and what == "a number":
            shown = ", ".join(map(repr, words[:3]))
            return f"column {name!r} holds numbers that are not all written in one way ({shown}); write them alike, or --column {shell(name)}=category"
        if share < 1 and (share >= 0.5 or wanted):
            place = told[int(np.flatnonzero(~good)[0])]
            row = int(np.flatnonzero(codes == place)[0])
            return problem(
                name, row, f"holds {words[place][:_PEEK]!r} where {what} is expected",
                f"mend or drop it, or take the column as it is written by --column {shell(name)}=category, or give "
                f"label_column={name!r} if it is the class",
            )  # fmt: skip
    return ""


def _are_codes(words: list[str]) -> bool:
    """Whether words are digits, some of which begin with a zero."""
    return all(word.isdigit() for word in words) and any(word[0] == "0" and len(word) > 1 for word in words)


def _number_key(word: str) -> str | None:
    """What stands around a number; None for what is none."""
    found = number_style([word])
    return None if found is None else f"{found[0].prefix}\0{found[0].suffix}"


def _alike(keys: list[str | None], counts: NDArray[np.int64]) -> list[bool]:
    """Which cells are numbers with the same around them as most have."""
    weight: dict[str, int] = {}
    for key, n in zip(keys, counts.tolist(), strict=True):
        if key is not None:
            weight[key] = weight.get(key, 0) + n
    usual = max(weight, key=weight.__getitem__) if weight else None
    return [key is not None and key == usual for key in keys]


def _plain_dtype(dtype: Any) -> str:
    text = str(dtype)
    return text if text.lower().startswith(("int", "uint", "float")) and "[" not in text else "float64"


def _zone(dtype: Any) -> str:
    return str(dtype.tz) if isinstance(dtype, pd.DatetimeTZDtype) else ""


def _have_zones(objects: NDArray[Any]) -> bool:
    return any(getattr(cell, "tzinfo", None) is not None for cell in objects)
