"""Text, events and series as files: what is read, what is said, what is refused."""

from __future__ import annotations

import gzip
import json

import numpy as np
import pytest

from latentia.data import load
from latentia.data.identity import row_identities
from latentia.data.items import Ragged, Strings, joined, shape_of
from latentia.data.loading import read, shape_before
from latentia.data.shapes import Shape
from latentia.errors import ConfigError, DataError

SCRIPTS = [
    "plain ascii", "naïve café", "cafe\u0301", "Привет мир", "γειά σου", "שלום עולם", "مرحبا بالعالم", "नमस्ते दुनिया",
    "你好世界", "こんにちは", "안녕하세요", "สวัสดี", "👩‍👩‍👧‍👦 family", "𝔘𝔫𝔦𝔠𝔬𝔡𝔢", "Ⅷ ½ ﬁ", "\u202eright to left", "tab\tinside", "a\u2028b",
    "null\x00byte", "\U0010ffff",
]  # fmt: skip


def test_strings_come_back_whatever_their_script():
    assert Strings.of_texts(SCRIPTS).lists() == SCRIPTS
    assert Strings.of_texts([*SCRIPTS, "", "\ud800"])[[21, 20, 3]].lists() == ["\ud800", "", SCRIPTS[3]]
    labels = [["a b", "é"], [], ["", "c"]]
    assert Strings.of_labels(labels).lists() == labels


def test_strings_keep_what_they_are_in_subsets_and_sums():
    events = Strings.of_labels([["x", "y"], ["z"]])
    both = joined([events[[1]], events])
    assert isinstance(both, Strings)
    assert both.lists() == [["z"], ["x", "y"], ["z"]]
    assert shape_of(both) is Shape.TOKENS


def test_the_identity_of_an_item_does_not_depend_on_the_others():
    alone, among = row_identities(Strings.of_texts(["b"])), row_identities(Strings.of_texts(["ä", "b", "𝔘"]))
    assert alone[0] == among[1]


@pytest.mark.parametrize("bad", [[None], [3], [b"bytes"], ["ok", ["list"]]])
def test_what_is_no_string_is_named(bad):
    with pytest.raises(DataError, match=f"item {len(bad) - 1} "):
        Strings.of_texts(bad)


def test_a_label_may_not_hold_the_separator():
    with pytest.raises(DataError, match=r"item 0, position 1: 'a\\x1fb'"):
        Strings.of_labels([["ok", "a\x1fb"]])


def test_lines_of_any_system_and_blank_ones_are_counted(tmp_path):
    file = tmp_path / "lines.txt"
    file.write_bytes(b"\xef\xbb\xbffirst line \r\n\r\n  second\tline\r\nthird\r\n   \r\n")
    raw = read(file)
    assert raw.train.x.lists() == ["first line", "second\tline", "third"]
    assert "3 lines" in raw.source
    assert "2 blank ones skipped" in raw.source
    file.write_bytes(b"old\rmac\r")
    assert read(file).train.x.lists() == ["old", "mac"]
    packed = tmp_path / "lines.txt.gz"
    packed.write_bytes(gzip.compress(b"ein\nzwei"))
    assert read(packed).train.x.lists() == ["ein", "zwei"]


def test_every_script_survives_a_file(tmp_path):
    lines = [line for line in SCRIPTS if "\n" not in line]
    file = tmp_path / "scripts.txt"
    file.write_text("\n".join(lines), encoding="utf-8")
    assert read(file).train.x.lists() == lines


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"good\nbad \xff here\n", "line 2 has the byte 0xff"),
        ("ä".encode("utf-16"), "is UTF-16"),
        ("naïve".encode("latin-1"), "line 1 has the byte 0xef"),
        (b"", "no line with anything"),
        (b"\n \n\t\n", "no line with anything"),
    ],
)
def test_a_file_that_is_no_text_is_refused_by_line_and_byte(tmp_path, content, words):
    file = tmp_path / "bad.txt"
    file.write_bytes(content)
    with pytest.raises(DataError, match=words):
        read(file)


def test_a_folder_with_parts_is_split_as_its_source_has_it(tmp_path):
    for part, n in (("train", 5), ("valid", 2), ("test", 3)):
        (tmp_path / f"my.{part}.txt").write_text("\n".join(f"{part} {i}" for i in range(n)))
    data = load(tmp_path)
    assert [len(part) for part in (data.train, data.validation, data.test)] == [5, 2, 3]
    assert data.test.x.lists()[0] == "test 0"
    (tmp_path / "my.valid.txt").unlink()
    assert len(load(tmp_path).validation) == 1  # drawn from train


def test_json_lines_by_key(tmp_path):
    file = tmp_path / "reviews.jsonl"
    rows = [{"review": f"text {i}", "stars": i % 2, "label": "good" if i % 2 else "bad"} for i in range(4)]
    file.write_text("\n".join(map(json.dumps, rows)))
    raw = read(file)
    assert raw.train.x.lists()[1] == "text 1"
    assert raw.class_names == ("bad", "good")
    assert raw.train.y.tolist() == [0, 1, 0, 1]
    file.write_text('["a", "b"]\n["c"]\n')
    assert read(file).train.x.lists() == [["a", "b"], ["c"]]
    file.write_text('"one"\n"two"\n')
    assert read(file).train.x.lists() == ["one", "two"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ('{"text": "a"}\n{"text": 3}', "line 2 holds '3'"),
        ('{"text": "a"}\n{"txt": "b"}', "line 2: the key 'text' is not there; there is 'txt'"),
        ('{"a": "x", "b": "y"}', "which of the keys 'a', 'b' holds the text"),
        ("{not json}", "line 1 is no JSON"),
        ('{"text": "a"}\n[1]', "line 2: the key 'text' is not there"),
        ("[" * 100_000, "line 1 is no JSON"),
    ],
)
def test_json_lines_that_cannot_be_used(tmp_path, content, words):
    file = tmp_path / "bad.jsonl"
    file.write_text(content)
    with pytest.raises(DataError, match=words):
        read(file)


def test_a_column_of_text(tmp_path):
    file = tmp_path / "reviews.csv"
    file.write_text('stars,review,genre\n5,"good, really",a\n1,NA,b\n3,,a\n2,"  bad ",b\n')
    raw = read(file, roles={"text": "review"}, label_column="genre")
    assert raw.train.x.lists() == ["good, really", "NA", "bad"]
    assert raw.train.y.tolist() == [0, 1, 1]
    assert "1 rows without text skipped" in raw.source
    with pytest.raises(DataError, match=r"no column 'body'; its columns: stars, review, genre"):
        read(file, roles={"text": "body"})


def test_events_by_owner_in_their_order(tmp_path):
    file = tmp_path / "events.tsv"
    file.write_text("who\twhen\twhat\nb\t2\tx\na\t3\ty\nb\t1\tz\na\t3\tw\na\t10\tu\n")
    raw = read(file, roles={"id": "who", "order": "when", "event": "what"})
    assert raw.train.x.lists() == [["z", "x"], ["y", "w", "u"]]  # numbers, not texts, and ties as in the file
    assert raw.train.names.tolist() == ["b", "a"]
    timed = read(file, roles={"id": "who", "time": "when", "event": "what"})
    assert timed.train.x.lists() == raw.train.x.lists()
    unordered = read(file, roles={"id": "who", "event": "what"})
    assert unordered.train.x.lists() == [["x", "z"], ["y", "w", "u"]]


def test_dates_are_sorted_as_dates(tmp_path):
    file = tmp_path / "events.csv"
    file.write_text("id,date,code\n1,2024-03-01T12:00,b\n1,2024-02-28,a\n")
    assert read(file, roles={"id": "id", "time": "date", "event": "code"}).train.x.lists() == [["a", "b"]]


def test_series_by_owner_with_gaps(tmp_path):
    file = tmp_path / "series.csv"
    file.write_text("id,t,a,b,kind\n1,1,10,,x\n2,1,5,6,y\n1,0,1,2,x\n")
    raw = read(file, roles={"id": "id", "time": "t"}, label_column="kind")
    assert isinstance(raw.train.x, Ragged)
    assert shape_of(raw.train.x) is Shape.SERIES
    np.testing.assert_array_equal(raw.train.x.item(0), [[1, 2], [10, np.nan]])
    assert raw.feature_names == ("a", "b")
    assert raw.train.y.tolist() == [0, 1]
    assert "16.7% of the numbers missing" in raw.source


@pytest.mark.parametrize(
    ("content", "roles", "words"),
    [
        ("id,t,e\n1,1,a\n", {"id": "id", "event": "code"}, "no column 'code'"),
        ("id,t,e\n1,x,a\n", {"id": "id", "order": "t", "event": "e"}, r"row 1, column 't' holds 'x'"),
        ("id,t,e\n,1,a\n", {"id": "id", "order": "t", "event": "e"}, "row 1, column 'id' is missing"),
        ("id,t,e\n1,1,\n", {"id": "id", "order": "t", "event": "e"}, "row 1, column 'e' is missing"),
        ("id,t,e\n", {"id": "id", "order": "t", "event": "e"}, "holds no rows"),
        ("id,t,a\n1,1,ten\n", {"id": "id", "time": "t"}, "column 'a' holds 'ten' where a number is expected"),
        ("id,t,a\n1,1,inf\n", {"id": "id", "time": "t"}, "column 'a' holds infinity"),
        ("id,t\n1,1\n", {"id": "id", "time": "t"}, "no column of numbers"),
    ],
)
def test_long_tables_that_cannot_be_used(tmp_path, content, roles, words):
    file = tmp_path / "long.csv"
    file.write_text(content)
    with pytest.raises(DataError, match=words):
        read(file, roles=roles)


@pytest.mark.parametrize("roles", [{"words": "x"}, {"text": "a", "id": "b"}, {"id": "a"}, {"event": "e"}])
def test_roles_that_mean_nothing(roles):
    with pytest.raises(ConfigError, match="roles"):
        read("anything.csv", roles=roles)


def test_what_items_will_be_is_known_by_name(tmp_path):
    (tmp_path / "ptb.train.txt").write_text("a\n")
    assert shape_before(str(tmp_path)) is Shape.TOKENS
    assert shape_before("x.txt.gz") is Shape.TOKENS
    assert shape_before("lstm-sequences") is Shape.TOKENS
    assert shape_before("x.csv", {"id": "a", "time": "t"}) is Shape.SERIES
    assert shape_before("x.csv", {"text": "a"}) is Shape.TOKENS
    assert shape_before("x.csv") is None
    assert shape_before("digits") is None


def test_options_of_images_are_refused(tmp_path):
    file = tmp_path / "a.txt"
    file.write_text("a\nb\nc\n")
    with pytest.raises(DataError, match="image_size is for images"):
        read(file, image_size=8)
    with pytest.raises(DataError, match="label_column is for tables"):
        read(file, label_column="y")


def test_drawn_sequences_have_their_codes_as_truth():
    data = load("lstm-sequences")
    assert len(data.train) == 16_000
    assert data.train.truth["code"].shape == (16_000, 2)
    assert set(np.diff(data.test.x.offsets)) != {0}
    assert all(len(item) == 10 for item in data.test.x.lists()[:50])


def test_counts_of_ptb(real_data):
    data = load("ptb", data_dir=real_data("text"))
    assert [len(part) for part in (data.train, data.validation, data.test)] == [42_068, 3370, 3761]
    words = {
        name: [line.split() for line in getattr(data, name).x.lists()]
        for name in ("train", "validation", "test")
    }
    assert [sum(len(line) + 1 for line in lines) for lines in words.values()] == [929_589, 73_760, 82_430]
    assert len({word for line in words["train"] for word in line}) + 1 == 10_000
    assert sum(len(line) + 1 for line in data.test.x.lists()) == 442_423
