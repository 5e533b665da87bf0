"""Pairs of texts as data."""

from __future__ import annotations

import pytest

from latentia.data import load
from latentia.data.loading import read
from latentia.data.pairs import Pairs, anonymised
from latentia.data.shapes import Shape
from latentia.errors import ConfigError, DataError

ROLES = {"input": "q", "output": "a"}


def test_pairs_come_back_as_they_were():
    pairs = Pairs.of_pairs(["eins zwei", None, ""], ["one\ttwo", "thrée", "𝔁"])
    assert pairs.inputs() == ["eins zwei", None, ""]
    assert pairs.outputs() == ["one\ttwo", "thrée", "𝔁"]
    assert pairs[[2, 0]].outputs() == ["𝔁", "one\ttwo"]
    assert isinstance(pairs[[1]], Pairs)


def test_columns_of_a_table(tmp_path):
    (tmp_path / "p.tsv").write_text("id\tq\ta\n1\twhat\tthis\n2\t\tthat\n")
    found = read(tmp_path / "p.tsv", roles=ROLES)
    assert found.train.x.inputs() == ["what", None]
    assert found.source.endswith("1 of them outputs alone")


@pytest.mark.parametrize(
    ("content", "roles", "words"),
    [
        ("q\ta\nx\t\n", ROLES, "row 1, column 'a' is empty"),
        ("q\tb\nx\ty\n", ROLES, "no column 'a'; its columns: q, b"),
        ("q\ta\n", ROLES, "no pair"),
    ],
)
def test_tables_that_cannot_be_used(tmp_path, content, roles, words):
    (tmp_path / "p.tsv").write_text(content)
    with pytest.raises(DataError, match=words):
        read(tmp_path / "p.tsv", roles=roles)


@pytest.mark.parametrize(
    ("roles", "words"),
    [
        ({"input": "q"}, "pairs need an input and an output"),
        ({**ROLES, "id": "i"}, "pairs need an input and an output"),
        ({"output": "runs/x"}, "output column 'runs/x' .*--out"),
    ],
)
def test_roles_that_are_no_pair(roles, words):
    with pytest.raises(ConfigError, match=words):
        read("p.tsv", roles=roles)


@pytest.mark.parametrize(
    ("given", "wanted", "found"),
    [
        (
            "how long is the colorado river",
            "len:i colorado_river:r",
            ("how long is the r0", "len:i r0"),
        ),
        ("is austin in texas", "( loc:t austin_tx:c texas:s )", ("is c0 in s0", "( loc:t c0 s0 )")),
        ("texas or new york", "( or new_york:s texas:s )", ("s0 or s1", "( or s1 s0 )")),
        ("the capital of maine", "( capital:c maine:s )", ("the capital of s0", "( capital:c s0 )")),
        ("the united states", "usa:co", ("the united states", "usa:co")),
    ],
)
def test_constants_of_both_sides_become_kind_and_number(given, wanted, found):
    assert anonymised(given, wanted) == found


def test_counts_of_geoquery(real_data):
    folder = real_data("text")
    data = load("geoquery", data_dir=folder)
    assert data.shape is Shape.PAIRS
    assert (len(data.train) + len(data.validation), len(data.test)) == (600, 280)
    pairs = [*data.train.x.outputs(), *data.validation.x.outputs()]
    assert len(set(pairs)) == 460
    assert sum(text in set(pairs) for text in data.test.x.outputs()) == 101
    anonymous = load("geoquery-anonymised", data_dir=folder).test.x
    assert "s0" in " ".join(anonymous.inputs())
