"""Columns that people's tables have, each through fit, score, sample and impute: right, or one line that says what to mend."""

from __future__ import annotations

import datetime
import decimal
import pathlib

import numpy as np
import pandas as pd
import pytest

from latentia import MixedMixture
from latentia.data import load
from latentia.errors import DataError

N = 60
DAYS = pd.date_range("2019-01-01", periods=N, freq="11D")


def normal(size=N):
    return np.random.default_rng(0).normal(size=size)


def cycled(*cells):
    return [cells[i % len(cells)] for i in range(N)]


RIGHT = {
    "all missing": ([None] * N, "left out"),
    "one level": (["free"] * N, "category"),
    "one number": ([3.5] * N, "number"),
    "one level and gaps": (cycled("free", None), "category"),
    "10 000 levels": ([f"w{i}" for i in range(10_000)] * 2, "left out"),
    "a hundred and fifty levels": ([f"w{i % 150}" for i in range(3000)], "category"),
    "leading zeros": (cycled("00501", "10001", "02139"), "category"),
    "very large whole numbers": (np.arange(N, dtype=np.int64) * 7 + 2**60, "left out"),
    "very large whole numbers again and again": (np.arange(N, dtype=np.int64) % 7 + 2**60, "number"),
    "whole numbers beyond 64 bits": ([2**70 + i % 7 for i in range(N)], "number"),
    "huge numbers": (normal() * 1e100, "number"),
    "tiny numbers": (normal() * 1e-300, "number"),
    "half precision": (normal().astype(np.float16), "number"),
    "bytes of numbers": ((np.arange(N) * 4 % 251).astype(np.uint8), "number"),
    "nullable whole numbers": (pd.array([i * 7 % 53 if i % 6 else None for i in range(N)], dtype="Int64"), "number"),
    "nullable booleans": (pd.array(cycled(True, None, False), dtype="boolean"), "binary"),
    "decimals": ([decimal.Decimal(i * 13 % 101) / 7 for i in range(N)], "number"),
    "a sparse column": (pd.arrays.SparseArray(np.arange(N) % 3 * 1.0), "category"),
    "thousands": ([f"{1000 + 37 * i % 997:,}" for i in range(N)], "number"),
    "percent": ([f"{i * 17 % 89}%" for i in range(N)], "number"),
    "decimal commas": ([f"{i * 3 % 47},5" for i in range(N)], "number"),
    "words for gaps": (cycled("1", "n/a", "3", "-"), "binary"),
    "missing objects": ([pd.NA if i % 4 == 0 else f"w{i % 3}" for i in range(N)], "category"),
    "a zone": (DAYS.tz_localize("Europe/Berlin"), "date"),
    "two zones": ([f"2020-01-{1 + i % 28:02d}T00:00:00{'+01:00' if i % 2 else '-05:00'}" for i in range(N)], "date"),
    "dates before 1900": ([f"{1700 + i}-05-03" for i in range(N)], "date"),
    "dates of the year 9999": ([f"{9999 - i}-01-01" for i in range(N)], "date"),
    "dates with gaps": (DAYS.where(np.arange(N) % 5 > 0), "date"),
    "date objects": ([datetime.date(2000, 1, 1 + i % 28) for i in range(N)], "date"),
    "months": (pd.period_range("2019-01", periods=N, freq="M"), "date"),
    "times between": (pd.to_timedelta(np.arange(N) * 37 % 1001, unit="s"), "number"),
    "intervals": (pd.cut(np.arange(N), 4), "ordinal"),
    "categories that do not occur": (pd.Categorical(cycled("a", "b"), ["a", "b", "never"]), "category"),
    "emoji": (cycled("🙂", "🙃"), "category"),
    "spaces around words": (cycled(" free", "free ", "pro"), "category"),
    "line breaks, commas and quotes": (cycled("a\nb", "c,d", 'e"f'), "category"),
    "paths": ([pathlib.Path(f"x{i % 3}") for i in range(N)], "category"),
    "names of rows": ([f"row {i}" for i in range(N)], "left out"),
}  # fmt: skip
A_LINE = {
    "infinity": ([*normal(N - 1), np.inf], "row 60, column 'x' is inf"),
    "minus infinity": ([*normal(N - 1), -np.inf], "row 60, column 'x' is -inf"),
    "numbers and words": (cycled(1, "a", 2.5, None), "row 2, column 'x' holds 'a' where a number"),
    "numbers and a truth": (cycled(1.5, True, 3.0, 2.0), "row 2, column 'x' holds 'True' where a number"),
    "dates and a word": ([*(day.isoformat() for day in DAYS[:-1]), "soon"], "row 60, column 'x' holds 'soon' where a date"),
    "bytes": ([b"a"] * N, "row 1, column 'x' holds bytes"),
    "nested lists": ([[1, [2]]] * N, "row 1, column 'x' holds a list"),
    "dictionaries": ([{"a": 1}] * N, "row 1, column 'x' holds a dictionary"),
    "arrays": ([np.ones(2)] * N, "row 1, column 'x' holds an array"),
    "complex numbers": (normal() * 1j, "complex numbers"),
    "numbers whose squares overflow": (normal() * 1e300, "whose squares overflow; divide it"),
    "two ways of writing": (["1,5", "2.5"] * 30, "not all written in one way"),
}  # fmt: skip


def beside(cells):
    return pd.DataFrame({"x": pd.Series(cells), "z": normal(len(cells))})


def fitted(frame):
    return MixedMixture(1, max_iter=3, tol=10).fit(frame)


@pytest.mark.parametrize("name", RIGHT)
def test_a_column_is_right(name):
    cells, kind = RIGHT[name]
    frame = beside(cells)
    mixture = fitted(frame)
    kinds = {column.name: column.kind for column in mixture.columns_}
    assert kinds.get("x", "left out") == kind
    assert np.isfinite(mixture.score_samples(frame)).all()
    drawn, filled = mixture.sample(20)[0], mixture.impute(frame)
    assert list(filled.columns) == ["x", "z"]
    if kind == "left out":
        assert list(drawn.columns) == ["z"]
        return
    assert not drawn["x"].isna().any()
    assert not filled["x"].isna().any()
    if kind == "category":
        known = frame["x"].notna()
        plain = [[str(cell).strip() for cell in table["x"][known]] for table in (filled, frame)]
        assert plain[0] == plain[1]
    assert np.isfinite(mixture.score_samples(drawn)).all()  # what was drawn is read as what it is
    if kind in ("category", "ordinal"):
        assert {str(level).strip() for level in drawn["x"]} <= {
            str(level).strip() for level in frame["x"].dropna()
        }


@pytest.mark.parametrize("name", A_LINE)
def test_a_column_that_cannot_be_is_told_in_a_line(name):
    cells, words = A_LINE[name]
    with pytest.raises(DataError, match=words) as told:
        fitted(beside(cells))
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("value", [np.inf, -np.inf])
def test_infinity_in_a_later_table_is_told_in_a_line(value):
    frame = pd.DataFrame({"x": (120 + 15 * normal()).round().astype(int), "z": normal()})
    with pytest.raises(DataError, match=r"row 1, column 'x' is -?inf"):
        fitted(frame).score_samples(frame.assign(x=value))


@pytest.mark.parametrize(
    "names", [["", "b"], [" a ", "b"], ["a", "a "], ["🙂", "b c=d"], [("a", "b"), "c"], [7, "b"]]
)
def test_names_are_kept(names):
    frame = pd.DataFrame(normal((N, 2)), columns=pd.Index(names, tupleize_cols=False))
    frame.iloc[::7, 0] = np.nan
    mixture = fitted(frame)
    assert list(mixture.impute(frame).columns) == names
    assert list(mixture.sample(2)[0].columns) == [str(name) for name in names]


@pytest.mark.parametrize("names", [["a", "a"], ["", ""], [1, "1"]])
def test_a_name_over_two_columns_is_told_in_a_line(names):
    frame = pd.DataFrame(normal((N, 2)), columns=names)
    frame.iloc[::7, 0] = np.nan
    with pytest.raises(DataError, match="stands over 2 columns"):
        fitted(frame)


def test_doubled_and_empty_names_of_a_file_are_told_apart(tmp_path):
    path = tmp_path / "t.csv"
    for head in ("a,a,b", "a, a,b", "a,,b"):
        rows = (f"{value:.3f},{i % 3},{i % 7}.5" for i, value in enumerate(normal()))
        path.write_text("\n".join([head, *rows]) + "\n")
        data = load(path)
        assert data.train.x.shape[1] == len(set(data.feature_names)) == 3
