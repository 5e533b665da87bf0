"""What columns of people's tables are taken as: each right, or one line that says what to mend."""

from __future__ import annotations

import datetime
import decimal

import numpy as np
import pandas as pd
import pytest

from latentia.data import load
from latentia.data.deciding import decided
from latentia.data.frames import frame_of
from latentia.data.items import Mixed
from latentia.data.schema import Asked, later, table_of
from latentia.errors import ConfigError, DataError

N = 60
RNG = np.random.default_rng(0)
DAYS = pd.date_range("2019-01-01", periods=N, freq="11D")


def cycled(*cells):
    """Cells again and again, N of them."""
    return [cells[i % len(cells)] for i in range(N)]


KINDS = {
    "floats": (RNG.normal(size=N), "number"),
    "floats with gaps": (np.where(np.arange(N) % 5, RNG.normal(size=N), np.nan), "number"),
    "one value": (np.full(N, 3.5), "number"),
    "two values": (cycled(0, 1), "binary"),
    "two other values": (cycled(1, 2), "binary"),
    "two values with gaps": (cycled(0.0, 1.0, np.nan), "binary"),
    "booleans": (cycled(True, False), "binary"),
    "booleans with gaps": (cycled(True, False, None), "binary"),
    "nullable booleans": (pd.array(cycled(True, None, False), dtype="boolean"), "binary"),
    "few whole numbers": (cycled(1, 2, 3, 4), "category"),
    "counts": (np.random.default_rng(1).negative_binomial(1, 0.1, N), "count"),
    "measured whole numbers": (np.random.default_rng(2).normal(120, 15, N).round().astype(int), "number"),
    "nullable integers": (pd.array([i * 7 % 53 if i % 6 else None for i in range(N)], dtype="Int64"), "number"),
    "negative whole numbers": (RNG.integers(-500, 500, N), "number"),
    "one to n": (np.arange(1, N + 1), "id"),
    "very large whole numbers": (np.arange(N, dtype=np.int64) * 7 + 2**60, "id"),
    "decimals": ([decimal.Decimal(i * 13 % 101) / 7 for i in range(N)], "number"),
    "words": (cycled("free", "pro", "studio"), "category"),
    "words with gaps": (cycled("free", None, "pro"), "category"),
    "blanks around words": (cycled(" free", "free ", "pro"), "category"),
    "emoji": (cycled("🙂", "🙃"), "category"),
    "a word a row": ([f"row {i}" for i in range(N)], "id"),
    "free text": ([f"text {i // 2}" for i in range(N)], "left out"),
    "categories": (pd.Categorical(cycled("a", "b")), "category"),
    "ordered categories": (pd.Categorical(cycled("low", "high", "mid"), ["low", "mid", "high"], ordered=True), "ordinal"),
    "leading zeros": (cycled("00501", "10001", "02139"), "category"),
    "thousands": ([f"{1000 + 37 * i:,}" for i in range(N)], "number"),
    "percent": ([f"{i * 17 % 89}%" for i in range(N)], "number"),
    "money": ([f"${3 + i * 7 % 83}.50" for i in range(N)], "number"),
    "decimal commas": ([f"{i * 3 % 47},5" for i in range(N)], "number"),
    "numbers as text with NA": (["NA" if i % 9 == 0 else str(i * 1.5) for i in range(N)], "number"),
    "dates": (DAYS, "date"),
    "dates with a zone": (DAYS.tz_localize("Europe/Berlin"), "date"),
    "dates as text": ([day.strftime("%d.%m.%Y") for day in DAYS], "date"),
    "ISO dates with gaps": ([day.isoformat() if i % 7 else None for i, day in enumerate(DAYS)], "date"),
    "dates before 1900": ([f"{1700 + i}-05-03" for i in range(N)], "date"),
    "date objects": ([datetime.date(2000, 1, 1 + i % 28) for i in range(N)], "date"),
    "times between": (pd.to_timedelta(RNG.integers(1, 10**6, N), unit="s"), "number"),
    "nothing": ([None] * N, "left out"),
    "empty text": ([""] * N, "left out"),
    "ten thousand levels": ([f"w{i}" for i in range(10_000)] * 2, "left out"),
}  # fmt: skip
PROBLEMS = {
    "infinity": ([1.0] * (N - 1) + [np.inf], "row 60, column 'x' is inf"),
    "a slip": ([*(str(i) for i in range(N - 1)), "oops"], "row 60, column 'x' holds 'oops' where a number"),
    "unlike numbers": (["1,5", "2.5"] * 30, "not all written in one way"),
    "bytes": ([b"a"] * N, "row 1, column 'x' holds bytes"),
    "lists": ([[1, 2]] * N, "row 1, column 'x' holds a list"),
    "dictionaries": ([{"a": 1}] * N, "row 1, column 'x' holds a dictionary"),
    "complex numbers": (np.ones(N) * 1j, "complex numbers"),
}


@pytest.mark.parametrize("name", KINDS)
def test_a_column_is_what_it_looks_like(name):
    cells, kind = KINDS[name]
    found = decided("x", pd.Series(cells))
    assert not found.problem
    assert (found.role if found.column is None else found.column.kind) == kind
    assert found.why or found.column.why


@pytest.mark.parametrize(
    "name", [name for name, (_, kind) in KINDS.items() if kind not in ("id", "left out")]
)
def test_a_column_comes_back_as_it_was_and_is_read_again_as_the_same(name):
    cells = pd.Series(KINDS[name][0])
    found = decided("x", cells)
    back = frame_of(found.values[:, None], [found.column])["x"]
    again = later(back.to_frame(), ["x"], [found.column], "X").items.values[:, 0]
    np.testing.assert_allclose(again, found.values, rtol=1e-9)
    own = later(cells.to_frame("x"), ["x"], [found.column], "X").items.values[:, 0]
    np.testing.assert_array_equal(own, found.values)
    if cells.dtype.kind in "ifbM":
        assert back.dtype.kind == cells.dtype.kind


@pytest.mark.parametrize("name", PROBLEMS)
def test_a_cell_that_no_column_can_hold_is_named(name):
    cells, words = PROBLEMS[name]
    assert words in decided("x", pd.Series(cells)).problem


def test_all_problems_stand_in_one_message():
    frame = pd.DataFrame({"a": PROBLEMS["a slip"][0], "b": PROBLEMS["lists"][0], "c": RNG.normal(size=N)})
    with pytest.raises(DataError, match=r"column 'a'.*column 'b'"):
        table_of(frame, ["a", "b", "c"], "t.csv")


def test_what_a_person_says_is_done_and_nothing_else_is_known():
    frame = pd.DataFrame(
        {"grade": cycled(1, 2, 3), "who": [f"p{i}" for i in range(N)], "x": RNG.normal(size=N)}
    )
    asked = Asked({"grade": "ordinal"}, ("x",), "who")
    table = table_of(frame, list(frame), "t.csv", asked)
    assert [column.kind for column in table.items.columns] == ["ordinal"]
    assert table.names[0] == "p0"
    assert table.left_out == (("x", "as asked for"),)
    with pytest.raises(DataError, match="no column 'y'"):
        table_of(frame, list(frame), "t.csv", Asked(drop=("y",)))
    with pytest.raises(ConfigError, match="--column x=colour"):
        table_of(frame, list(frame), "t.csv", Asked({"x": "colour"}))


def test_rare_levels_are_other_and_unseen_ones_are_counted():
    cells = pd.Series(["a"] * 40 + ["b"] * 30 + ["c", "d", "e"])
    column = decided("x", cells).column
    assert column.levels == ("a", "b")
    assert {level for level, _ in column.rare} == {"c", "d", "e"}
    found = later(pd.DataFrame({"x": ["a", "c", "zebra", None]}), ["x"], [column], "X")
    np.testing.assert_array_equal(found.items.values[:, 0], [0, 2, 2, np.nan])
    assert "'zebra' (1)" in found.told


def test_a_table_says_what_was_read_and_what_was_not(tmp_path):
    path = tmp_path / "t.csv"
    lines = [f'"{1000 + 7 * i:,}",{i % 9}.5,c{i},{"red" if i % 2 else "blue"},' for i in range(N)]
    path.write_text("price,qty,who,colour,empty\n" + "\n".join(lines) + "\n")
    data = load(path)
    assert isinstance(data.train.x, Mixed)
    assert data.feature_names == ("price", "qty", "colour")
    for words in (
        f"a table of {N} rows and 3 columns",
        "names of rows from 'who'",
        "1 left out: 'empty' (nothing is in it)",
    ):
        assert words in data.source
    assert any("price: number" in note and "written as '1,234'" in note for note in data.notes)


def test_formatted_numbers_are_no_names_of_rows(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("price,qty\n" + "".join(f'"{1000 + 7 * i:,}",{i % 9}.5\n' for i in range(N)))
    data = load(path)
    assert data.feature_names == ("price", "qty")
    assert data.train.names is None


def test_whole_numbers_of_unlike_scale_are_no_counts_and_a_late_value_counts():
    random = np.random.default_rng(0)
    frame = pd.DataFrame({"age": random.normal(45, 12, 400).round().clip(18).astype(int),
                          "salary": random.normal(40000, 9000, 400).round().astype(int)})  # fmt: skip
    from latentia.estimators.form import choose

    form, likelihood, choices = choose(frame.to_numpy(), "auto", False)
    assert (form.kind, likelihood) == ("continuous", "gaussian")
    assert "likelihood='multinomial'" in choices[0].reason
    assert choose(frame.to_numpy(), "multinomial", False)[0].kind == "counts"
    x = random.poisson(3, (50_000, 4))
    assert choose(x, "auto", False)[0].kind == "counts"
    x[1, 0] = -5
    assert choose(x, "auto", False)[0].kind == "continuous"
