"""The command line with texts and events."""

from __future__ import annotations

import gzip
import json
import shutil

import pytest

from command_line import fails, run
from grammar import sentences

PETS = [f"{text} &amp; <b>" if i % 40 == 0 else text for i, text in enumerate(sentences(160)[0])]
BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


@pytest.fixture(scope="module")
def fitted(tmp_path_factory):
    folder = tmp_path_factory.mktemp("texts")
    (folder / "pets.txt").write_text("\n".join(PETS), encoding="utf-8")
    sizes = ["--epochs", "3", "--latent-dim", "2", "--set", "network.width=16"]
    run("fit", folder / "pets.txt", "--out", folder / "run", *sizes)
    return folder / "run"


def test_a_text_file_is_fitted_without_a_word_more(fitted):
    config = json.loads((fitted / "config.json").read_text())
    assert (config["estimator"], config["params"]["model"]) == ("SequenceVAE", "sequence-pretrained")
    assert (fitted / "report.html").exists()
    assert len(config["pretraining"]) == 2


def test_figures_have_the_units_of_text(fitted, capsys):
    run("evaluate", fitted, "--json")
    figures = json.loads(capsys.readouterr().out)
    assert figures["perplexity"] > 1
    assert figures["trigram_log_likelihood"] > figures["unigram_log_likelihood"]
    for name in (
        "bits_per_character",
        "free_loss",
        "free_loss_other",
        "edit_similarity",
        "reverse_perplexity",
    ):
        assert figures[name] is not None


def test_items_are_printed_a_line_each(fitted, capsys):
    run("sample", fitted, "--n", 5, "--seed", 1)
    drawn = capsys.readouterr().out.splitlines()
    run("sample", fitted, "--n", 5, "--seed", 1)
    assert capsys.readouterr().out.splitlines() == drawn
    assert len(drawn) == 5


def test_what_is_no_draw_from_the_model_is_said(fitted, capsys):
    run("sample", fitted, "--n", 2)
    assert capsys.readouterr().err == ""
    run("sample", fitted, "--n", 2, "--top-k", 1, "--avoid", "<unk>", "the")
    said = capsys.readouterr()
    assert "no draws from the model" in said.err
    assert "the" not in said.out.split()


def test_completions_begin_as_asked(fitted, capsys):
    run("complete", fitted, "--prefix", "the cat", "--n", 3)
    found = capsys.readouterr().out.splitlines()
    assert len(found) == 3
    assert all(text.startswith("the cat") for text in found)


def test_a_way_between_two_texts(fitted, capsys):
    run("interpolate", fitted, "--from", PETS[1], "--to", PETS[2], "--steps", 4, "--method", "linear")
    rows = [line.split("\t") for line in capsys.readouterr().out.splitlines()]
    assert [row[:2] for row in rows] == [["linear", str(i)] for i in range(4)]


def test_new_texts_are_rebuilt_into_a_table(fitted, tmp_path, capsys):
    (tmp_path / "new.txt").write_text("the cat eats\nthe zebra\n")
    run("reconstruct", fitted, tmp_path / "new.txt", "--out", tmp_path / "both.tsv")
    lines = (tmp_path / "both.tsv").read_text().splitlines()
    assert lines[0] == "item\treconstruction"
    assert [line.split("\t")[0] for line in lines[1:]] == ["the cat eats", "the zebra"]


def test_a_flag_of_texts_is_not_for_other_runs(tmp_path, capsys):
    run(
        "fit",
        "digits",
        "--model",
        "vae",
        "--epochs",
        1,
        "--latent-dim",
        2,
        "--quiet",
        "--no-report",
        "--out",
        tmp_path / "d",
    )
    assert "--prefix" in fails(capsys, "complete", tmp_path / "d", "--prefix", "a")


def test_events_come_back_as_labels(tmp_path, capsys):
    rows = [f"{who},{step},{'abc'[(who + step) % 3]}" for who in range(40) for step in range(2 + who % 4)]
    (tmp_path / "log.csv").write_text("id,order,event\n" + "\n".join(rows))
    roles = ["--id", "id", "--order", "order", "--event", "event"]
    run(
        "fit",
        tmp_path / "log.csv",
        *roles,
        "--model",
        "sequence-vae",
        "--epochs",
        1,
        "--quiet",
        "--out",
        tmp_path / "run",
    )
    capsys.readouterr()
    run("sample", tmp_path / "run", "--n", 6)
    assert set("".join(capsys.readouterr().out.split())) <= set("abc")


@pytest.mark.skipif(BROWSER is None, reason="no chromium, chromium-browser or google-chrome on the PATH")
@pytest.mark.parametrize("width", [390, 1280])
def test_the_page_in_a_browser(fitted, width):
    """Nothing overflows, every picture loads, and markup in a text is text."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=BROWSER, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": width, "height": 900})
        complaints: list[str] = []
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto((fitted / "report.html").as_uri())
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        assert page.evaluate("[...document.images].filter(i => !(i.complete && i.naturalWidth)).length") == 0
        assert (
            page.evaluate("document.querySelectorAll('#worst b, #reconstructions b, #neighbours b').length")
            == 0
        )
        assert complaints == []
        browser.close()


GOOD = ("a b c\n" * 30).encode()
EVENTS = ["--id", "id", "--order", "order", "--event", "event"]
BAD_FILES = {
    "empty.txt": (b"", [], "no line with anything"),
    "blank.txt": (b"\n\n  \n\t\n", [], "no line with anything"),
    "mark.txt": (b"\xef\xbb\xbf", [], "no line with anything"),
    "one.txt": (b"hello there\n", [], "1 row to train on"),
    "two.txt": (b"a\nb\n", [], "2 rows to train on"),
    "three.txt": (b"a\nb\nc\n", [], "at least 2"),
    "latin.txt": ("caf\xe9 au lait\n".encode("latin-1") * 20, [], "line 1 has the byte 0xe9"),
    "late.txt": (b"fine\n" * 6 + b"not \xff\n", [], "line 7 has the byte 0xff"),
    "utf16.txt": (("a b\n" * 20).encode("utf-16"), [], "is UTF-16"),
    "surrogate.txt": (b"\xed\xa0\x80 a\n" * 20, [], "no UTF-8"),
    "binary.txt": (bytes(range(256)) * 20, [], "no UTF-8"),
    "bad.txt.gz": (b"not gzip at all", [], "damaged"),
    "cut.txt.gz": (gzip.compress(GOOD * 200)[:-20], [], "damaged"),
    "empty.jsonl": (b"", [], "no line with anything"),
    "bad.jsonl": (b"{not json}\n", [], "line 1 is no JSON"),
    "deep.jsonl": (b"[" * 100_000 + b"\n", [], "line 1 is no JSON"),
    "mixed.jsonl": (b'"a"\n["b"]\n' * 9, [], "line 2"),
    "keys.jsonl": (b'{"a": "x", "b": "y"}\n' * 9, [], "which of the keys"),
    "nokey.jsonl": (b'{"x": "a"}\n' * 20, ["--text-column", "text"], "the key 'text' is not there"),
    "number.jsonl": (b'{"text": 3}\n' * 20, ["--text-column", "text"], "line 1 holds '3'"),
    "null.jsonl": (b'{"text": null}\n' * 20, ["--text-column", "text"], "line 1 holds 'None'"),
    "other.csv": (b"text,y\n" + b"c d,2\n" * 20, ["--text-column", "nope"], "no column 'nope'; its columns: text, y"),
    "header.csv": (b"text\n", ["--text-column", "text"], "holds no text"),
    "ragged.csv": (b"text\n" + b"a b\n,\n" * 20, ["--text-column", "text"], "Expected 1 fields"),
    "both.csv": (b"text,id\n" + b"a,1\n" * 9, ["--text-column", "text", "--id", "id"], "text"),
    "single.csv": (b"id,order,event\n1,1,a\n", EVENTS, "1 row to train on"),
    "word.csv": (b"id,order,event\n" + b"1,x,a\n" * 9, EVENTS, "row 1, column 'order'"),
    "missing.csv": (b"id,order,event\n" + b"1,,a\n" * 9, EVENTS, "row 1, column 'order'"),
    "whose.csv": (b"id,order,event\n" + b",1,a\n" * 9, EVENTS, "row 1, column 'id' is missing"),
    "what.csv": (b"id,order,event\n" + b"1,1,\n" * 9, EVENTS, "row 1, column 'event' is missing"),
    "without.csv": (b"id,event\n" + b"1,a\n" * 9, EVENTS, "no column 'order'"),
    "roles.csv": (b"id,event\n" + b"1,a\n2,b\n" * 9, ["--event", "event"], "need id"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD_FILES)
def test_files_that_cannot_be_used_are_told_in_one_line(name, tmp_path, capsys):
    content, flags, words = BAD_FILES[name]
    (tmp_path / name).write_bytes(content)
    assert words in fails(
        capsys, "fit", tmp_path / name, *flags, "--model", "sequence-vae", "--out", tmp_path / "run"
    )
    assert not (tmp_path / "run" / "config.json").exists()


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--model", "gmm"], "holds tokens"),
        (["--model", "vq-vae"], "holds tokens"),
        (["--model", "beta-vae"], "holds tokens"),
        (["--model", "sequence-nothing"], "did you mean"),
        (["--latent-dim", 0], "latent_dim=0"),
        (["--latent-dim", -3], "latent_dim=-3"),
        (["--model", "sequence-lm", "--latent-dim", 4], "has no code"),
        (["--set", "tokens=bytes"], "tokens='bytes'"),
        (["--set", "tokens=none"], "lists of labels"),
        (["--set", "tokens.min_count=0"], "min_count"),
        (["--set", "tokens.nothing=1"], "unknown entry 'nothing'"),
        (["--set", "network.width=0"], "network.width=0"),
        (["--set", "network.nothing=1"], "unknown entry 'nothing'"),
        (["--set", "network=big"], "network='big'"),
        (["--set", "network.dropout=1.5"], "dropout=1.5"),
        (["--set", "pretrain_epochs=-1"], "pretrain_epochs=-1"),
        (["--set", "objective_options.nats=-1"], "nats=-1"),
        (["--set", "schedule=nothing"], "unknown schedule"),
        (["--set", "precision=float8"], "precision"),
        (["--label-column", "y"], "label_column is for tables"),
        (["--image-size", 8], "image_size is for images"),
        (["--event", "a"], "need id"),
        (["--no-hold-out"], "for mixtures"),
    ],
)  # fmt: skip
def test_flags_that_mean_nothing_are_told_in_one_line(flags, words, tmp_path, capsys):
    (tmp_path / "good.txt").write_bytes(GOOD)
    assert words in fails(capsys, "fit", tmp_path / "good.txt", *flags, "--out", tmp_path / "run")


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (["sample", "--n", 0], "at least 1"),
        (["sample", "--avoid", "zebra"], "no such token"),
        (["sample", "--temperature", -1], "temperature"),
        (["sample", "--out", "a.png"], "--out"),
        (["complete", "--keep", 2], "--keep 2"),
        (["interpolate", "--from", "a"], "--from and --to"),
        (["interpolate", "--items", "0,x"], "whole numbers"),
        (["interpolate", "--items", "0,999"], "item 999"),
        (["neighbours", "--split", "nowhere"], "nowhere"),
        (["traverse", "--dims", "7"], "7"),
        (["predict"], "needs a mixture"),
    ],
)  # fmt: skip
def test_uses_that_mean_nothing_are_told_in_one_line(command, words, fitted, capsys):
    assert words in fails(capsys, command[0], fitted, *command[1:])
