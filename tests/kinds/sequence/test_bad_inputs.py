"""Texts, events and series that cannot be used, and uses that mean nothing: each is told in one line; odd ones that can be used are."""

from __future__ import annotations

import gzip

import numpy as np
import pytest

from command_line import fails, run
from latentia import SequenceVAE
from latentia.data.loading import read
from latentia.kinds.written import write_rows

GOOD = "a b c\nb c a\n" * 20
EVENT_ROWS = "id,order,event\n" + "".join(
    f"{i},{j},{'abc'[(i + j) % 3]}\n" for i in range(15) for j in range(3)
)
SERIES_ROWS = "id,time,v,w\n" + "".join(f"{i},{j},{i * j % 5}.5,{i}\n" for i in range(15) for j in range(4))
EVENTS = ["--id", "id", "--order", "order", "--event", "event"]
SERIES = ["--id", "id", "--time", "time"]
SMALL = ["--model", "sequence-vae", "--epochs", 1, "--set", "network.width=8"]
TIMED = [*EVENTS, *SMALL, "gaps=true"]


def rows(header, line):
    """A table with three rows for each of twenty ids."""
    return f"{header}\n" + "".join(
        line.format(i=i, j=j, day=j + 1) + "\n" for i in range(20) for j in range(3)
    )


FILES = {
    "utf32.txt": ("a b\n".encode("utf-32") * 20, SMALL, "is UTF-32"),
    "zipped.txt.gz": (b"PK\x03\x04aaaa", SMALL, "a zip archive"),
    "twice.txt.gz": (gzip.compress(gzip.compress(GOOD.encode())), SMALL, "is no UTF-8: line 1"),
    "packed.txt.bz2": (GOOD, SMALL, "'.bz2' cannot be read"),
    "letter.docx": (GOOD, SMALL, "'.docx' cannot be read"),
    "nosuffix": (GOOD, SMALL, "(no suffix)"),
    "types.txt": (GOOD, [*SMALL, "tokens.max_types=2"], "tokens.max_types=2"),
    "cut0.txt": (GOOD, [*SMALL, "tokens.max_length=0"], "tokens.max_length=0"),
    "cutword.txt": (GOOD, [*SMALL, "tokens.max_length=abc"], "tokens.max_length='abc'"),
    "unit.txt": (GOOD, [*SMALL, "tokens.unit=3"], "tokens=3"),
    "epochs.txt": (GOOD, ["--epochs", -1], "max_epochs=-1"),
    "batch.txt": (GOOD, [*SMALL, "batch_size=0"], "batch_size=0"),
    "rate.txt": (GOOD, [*SMALL, "learning_rate=-1"], "learning_rate must be positive"),
    "ratenan.txt": (GOOD, [*SMALL, "learning_rate=.nan"], "learning_rate="),
    "optimizer.txt": (GOOD, [*SMALL, "optimizer=lion"], "optimizer must be one of"),
    "samples.txt": (GOOD, [*SMALL, "n_importance=-3"], "n_importance=-3"),
    "heads.txt": (GOOD, ["--model", "sequence-transformer", "--set", "network.width=10"], "a multiple of 4"),
    "width.txt": (GOOD, [*SMALL[:-1], "network.width=9.5"], "network.width=9.5"),
    "layers.txt": (GOOD, [*SMALL, "network.layers=0"], "network.layers=0"),
    "keep.txt": (GOOD, [*SMALL, "network.keep=2"], "network.keep=2"),
    "kept.txt": (GOOD, [*SMALL, "network.keep=true"], "network.keep=True"),
    "dropped.txt": (GOOD, [*SMALL, "network.dropout=1"], "dropout=1.0"),
    "beta.txt": (GOOD, ["--model", "sequence-annealed", "--set", "objective_options.beta=-1"], "beta=-1"),
    "ramp.txt": (GOOD, ["--model", "sequence-annealed", "--set", 'objective_options={"beta": {"ramp": "spiral"}}'], "unknown ramp 'spiral'"),
    "nats.txt": (GOOD, ["--model", "sequence-free-bits", "--set", "objective_options.floor=3"], "unknown option 'floor'"),
    "first.txt": (GOOD, ["--set", "pretrain_epochs=1.5"], "pretrain_epochs=1.5"),
    "patience.txt": (GOOD, [*SMALL, "patience=0"], "patience must be at least 1"),
    "device.txt": (GOOD, [*SMALL, "device=tpu"], "device must be"),
    "state.txt": (GOOD, [*SMALL, "random_state=abc"], "random_state='abc'"),
    "seed.txt": (GOOD, [*SMALL, "--seed", -1], "seed is -1"),
    "untimed.txt": (GOOD, [*SMALL, "gaps=true"], "the items have no times"),
    "maybe.csv": (EVENT_ROWS, [*EVENTS, *SMALL, "gaps=maybe"], "gaps='maybe'"),
    "two.csv": (EVENT_ROWS, [*EVENTS, *SMALL, "gaps=2"], "gaps=2"),
    "ties.csv": (rows("id,order,event", "{i},1,a"), TIMED, "no event of an item is later"),
    "alone.csv": ("id,order,event\n" + "".join(f"{i},1,a\n" for i in range(20)), TIMED, "no event of an item is later"),
    "infinite.csv": (rows("id,order,event", "{i},inf,a"), TIMED, "'order' holds infinity"),
    "nan.csv": (rows("id,order,event", "{i},nan,a"), TIMED, "row 1, column 'order' holds 'nan'"),
    "mixed.csv": (EVENT_ROWS + "9,2024-01-02,a\n", TIMED, "row 46, column 'order' holds '2024-01-02'"),
    "february.csv": (rows("id,order,event", "{i},2024-02-3{j},a"), TIMED, "holds '2024-02-30'"),
    "american.csv": (rows("id,order,event", "{i},5/{day}/2024,a"), TIMED, "holds '5/1/2024'"),
    "separator.csv": (rows("id,order,event", "{i},{j},a\x1fb"), TIMED, "without the character U+001F"),
    "noid.csv": (EVENT_ROWS, [*EVENTS[2:], *SMALL], "sequences need id"),
    "label.csv": (EVENT_ROWS, [*EVENTS, "--label-column", "nope", *SMALL], "no column 'nope'"),
    "longer.csv": ("id,order,event\n" + "1,2,a,9\n" * 20, TIMED, "column 'order' holds 'a'"),
    "quote.csv": ('id,order,event\n"1,2,a\n' * 5, TIMED, "no readable table"),
    "latin.csv": ("id,order,event\n1,2,caf\xe9\n".encode("latin-1") * 5, TIMED, "line 2 has the byte 0xe9"),
    "nothing.csv": (b"", TIMED, "no readable table"),
    "titles.csv": (b"id,order,event\n", TIMED, "holds no rows"),
    "words.csv": (EVENT_ROWS, [*EVENTS, *SMALL, "tokens=word"], "cuts texts, but the items are lists of labels"),
    "roles.jsonl": ('{"id":1,"order":2,"event":"a"}\n' * 20, TIMED, "only the key of the text"),
    "of_series.csv": (EVENT_ROWS, [*EVENTS, "--model", "series-vae"], "holds tokens: take another --model"),
    "text_in_series.csv": (rows("id,time,v", "{i},{j},x"), SERIES, "row 1, column 'v' holds 'x'"),
    "infinite_series.csv": (rows("id,time,v", "{i},{j},inf"), SERIES, "'v' holds infinity"),
    "large_series.csv": (rows("id,time,v", "{i},{j},{day}e300"), SERIES, "too large: numbers up to 1e+18 can be fitted"),
    "no_numbers.csv": (rows("id,time", "{i},{j}"), SERIES, "no column of numbers"),
    "empty_column.csv": (rows("id,time,v,w", "{i},{j},1,"), SERIES, "column 'w' holds no number"),
    "empty_series.csv": (rows("id,time,v", "{i},{j},1") + "lost,1,\n", SERIES, "id 'lost' has no number in any of its rows"),
    "when.csv": (rows("id,time,v", "{i},x,1"), SERIES, "row 1, column 'time' holds 'x'"),
    "whose.csv": (rows("id,time,v", ",{j},1"), SERIES, "row 1, column 'id' is missing"),
    "series_width.csv": (SERIES_ROWS, [*SERIES, "--set", "width=2.5"], "width=2.5"),
    "series_code.csv": (SERIES_ROWS, [*SERIES, "--latent-dim", 0], "latent_dim=0"),
    "series_gaps.csv": (SERIES_ROWS, [*SERIES, "--set", "gaps=true"], "has no parameter 'gaps'"),
    "series_model.csv": (SERIES_ROWS, [*SERIES, "--model", "gmm"], "holds series: take another --model"),
    "array.npy": (b"\x93NUMPY junk", SERIES, "has no columns"),
}  # fmt: skip


@pytest.mark.parametrize("name", FILES)
def test_a_fit_that_cannot_be_is_told_in_one_line(name, tmp_path, capsys):
    content, flags, words = FILES[name]
    (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    assert words in fails(capsys, "fit", tmp_path / name, *flags, "--out", tmp_path / "run")
    assert not (tmp_path / "run" / "config.json").exists()


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """A run of texts, one of events with times, one of series."""
    folder = tmp_path_factory.mktemp("runs")
    quiet = ["--quiet", "--no-report"]
    (folder / "t.txt").write_text(GOOD)
    (folder / "e.csv").write_text(EVENT_ROWS)
    (folder / "s.csv").write_text(SERIES_ROWS)
    (folder / "untimed.csv").write_text("id,event\n1,a\n1,b\n2,c\n")
    (folder / "long.csv").write_text("id,time,v,w\n" + "".join(f"1,{j},1,1\n" for j in range(50)))
    (folder / "narrow.csv").write_text("id,time,v\n1,1,1\n")
    (folder / "large.csv").write_text("id,time,v,w\n1,1,1e300,1\n")
    (folder / "empty.txt").write_text("")
    run("fit", folder / "t.txt", *SMALL, *quiet, "--out", folder / "texts")
    run("fit", folder / "e.csv", *TIMED, *quiet, "--out", folder / "events")
    made = [*SERIES, "--model", "series-autoregressive", "--epochs", 1, "--set", "width=4"]
    run("fit", folder / "s.csv", *made, *quiet, "--out", folder / "series")
    return folder


USES = [
    ("events", "reconstruct", ["untimed.csv"], "no column 'order'"),
    ("events", "reconstruct", ["t.txt"], "has no columns"),
    ("events", "anomaly", ["--other", "t.txt"], "has no columns"),
    ("events", "complete", ["--prefix", "a"], "'a': a label and its time are expected"),
    ("events", "complete", ["--prefix", "a@x"], "'a@x': a label and its time"),
    ("events", "complete", ["--prefix", "@3"], "'@3': a label and its time"),
    ("events", "complete", ["--prefix", "a@5 b@1"], "time 1.0 is before that of the event before it"),
    ("events", "complete", ["--prefix", "a@nan"], "time nan"),
    ("events", "interpolate", ["--from", "a", "--to", "b"], "'a': a label and its time"),
    ("events", "sample", ["--top-p", 0], "top_p=0.0"),
    ("events", "sample", ["--seed", -1], "--seed -1: expected a whole number from 0 to 2^32 - 1"),
    ("events", "export", [], "this model reads gaps too"),
    ("events", "neighbours", ["--k", 9999], "k=9999"),
    ("events", "traverse", ["--item", -1], "item -1"),
    ("texts", "reconstruct", ["empty.txt"], "no line with anything on it"),
    ("texts", "reconstruct", ["e.csv"], "the model was fitted to []"),
    ("texts", "reconstruct", ["nowhere.txt"], "does not exist"),
    ("texts", "complete", ["--keep", "nan"], "--keep takes a number"),
    ("texts", "complete", ["--seed", 2**40, "--prefix", "a"], "--seed 1099511627776"),
    ("texts", "interpolate", ["--steps", 1], "steps=1"),
    ("texts", "traverse", ["--steps", 0], "steps=0"),
    ("texts", "sample", ["--n", -3], "-n -3"),
    ("series", "reconstruct", ["long.csv"], "series 0 has 50 steps; the model was fitted to at most 4"),
    ("series", "reconstruct", ["narrow.csv"], "no column 'w'"),
    ("series", "reconstruct", ["large.csv"], "1e+300 is too large"),
    ("series", "export", ["--only", "decoder"], "this model serves encoder"),
    ("series", "complete", [], "complete needs"),
    ("series", "interpolate", ["--items", "0,77"], "item 77"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "command", "flags", "words"), USES)
def test_a_use_that_cannot_be_is_told_in_one_line(name, command, flags, words, runs, monkeypatch, capsys):
    monkeypatch.chdir(runs)
    assert words in fails(capsys, command, name, *flags)


@pytest.mark.parametrize(
    "content",
    [
        b"a\x00b c\n" * 20,
        b"a\x1b[31m b\n" * 20,
        b"a\x1fb c\n" * 20,
        b"a b\rc d\r" * 20,
        b"a b c\n" * 30,
        b"<unk> <unk>\n" * 30,
        b"</s> </s> a\n" * 30,
        "👩‍👩‍👧 a\ne\u0301 b\n".encode() * 20,
    ],
    ids=["NUL", "escapes", "U+001F", "returns", "one text", "unknown words", "ends", "joined emoji"],
)
def test_odd_texts_are_fitted(content, tmp_path, capsys):
    (tmp_path / "odd.txt").write_bytes(content)
    items = read(tmp_path / "odd.txt").train.x
    model = SequenceVAE(
        "sequence-vae", network={"width": 8}, max_epochs=1, n_importance=2, random_state=0
    ).fit(items)
    assert np.isfinite(model.score_samples(items)).all()
    write_rows(None, ("text",), [(item,) for item in model.sample(20, random_state=0)])
    printed = capsys.readouterr().out
    assert "\x1b" not in printed
    assert "\x00" not in printed
