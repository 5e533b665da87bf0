"""What a run knows of its data: a file that has changed, moved or lost columns is told of, and no row changes its part."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import command_line
from latentia.data import load
from latentia.errors import DataError, RunFolderError
from latentia.kinds.known import DataSpec, RunData
from latentia.kinds.run import Effort, Run
from run_folders import rewrite

N = 100
EFFORT = Effort(n_importance=2, importance_items=10)


def table(n=N, seed=0):
    random = np.random.default_rng(seed)
    z = random.integers(0, 3, n)
    rows = random.normal(size=(n, 4)) * 0.3 + z[:, None] * [1.0, -2.0, 0.5, 3.0]
    frame = pd.DataFrame(rows.round(4), columns=list("abcd"))
    frame.insert(0, "plant", [f"p{i + 1000 * seed}" for i in range(n)])
    frame["kind"] = np.array(["ash", "beech", "cedar"])[z]
    return frame


@pytest.fixture(scope="module")
def fitted(tmp_path_factory):
    """A folder with a table, and runs of two kinds on it."""
    folder = tmp_path_factory.mktemp("known")
    table().to_csv(folder / "t.csv", index=False)
    for name, options in (
        ("gmm", ["gaussian-mixture", "--n-components", 3]),
        ("vae", ["sigma-vae", "--epochs", 2]),
    ):
        command_line.run("fit", folder / "t.csv", "--model", *options, "--label-column", "kind", "--out", folder / name, "--quiet", "--no-report")  # fmt: skip
    return folder


@pytest.fixture(params=["gmm", "vae"])
def run(request, fitted, tmp_path, monkeypatch):
    """The folder of a run of its own, beside its table."""
    for part in ("t.csv", request.param):
        source = fitted / part
        (shutil.copytree if source.is_dir() else shutil.copy)(source, tmp_path / part)

    def move(config):
        config["data"]["name"] = config["known"]["path"] = str(tmp_path / "t.csv")

    rewrite(tmp_path / request.param, move)
    monkeypatch.chdir(tmp_path)
    return tmp_path / request.param


def figures(folder, split="test"):
    found = Run.open(folder).measure(split, EFFORT).figures
    return {name: value for name, value in found.items() if name != "seconds"}


def names_of(folder, split):
    return set(Run.open(folder).split(split).names)


@pytest.mark.parametrize(
    "change",
    [
        lambda t: t,
        lambda t: t.sample(frac=1, random_state=1),
        lambda t: t.sort_values("a"),
        lambda t: t[["plant", "kind", "d", "c", "b", "a"]],
        lambda t: t.assign(kind=t.kind.map({"ash": "z-ash", "beech": "beech", "cedar": "cedar"})),
    ],
    ids=["same", "shuffled", "sorted", "columns in another order", "a class renamed"],
)
def test_figures_stay_whatever_the_order(run, change):
    before, parts = figures(run), {name: names_of(run, name) for name in ("train", "validation", "test")}
    change(table()).to_csv("t.csv", index=False)
    assert {name: names_of(run, name) for name in parts} == parts
    again = figures(run)
    assert again.keys() == before.keys()
    for name, value in before.items():
        assert (
            value == pytest.approx(again[name], rel=1e-5, abs=1e-6) if isinstance(value, float) else True
        ), name


def test_new_rows_are_new(run, caplog):
    parts = {name: names_of(run, name) for name in ("train", "validation", "test")}
    pd.concat([table(), table(30, seed=1)]).sample(frac=1, random_state=0).to_csv("t.csv", index=False)
    opened = Run.open(run)
    assert {name: set(opened.split(name).names) for name in parts} == parts
    assert set(opened.split("new").names) == set(table(30, seed=1).plant)
    assert "t.csv is not as it was when the model was fitted: 80 of 80 train, 10 of 10 validation, 10 of 10 test rows are known again, 30 are new" in caplog.text  # fmt: skip
    measured = opened.measure("new", EFFORT)
    assert measured.split == "new"
    assert measured.figures["n"] == 30


def test_no_figure_of_a_changed_file_is_kept(run):
    kept = (run / "evaluation.json").read_text() if (run / "evaluation.json").exists() else ""
    pd.concat([table(), table(30, seed=1)]).to_csv("t.csv", index=False)
    Run.open(run).evaluate("new", n_importance=2)
    assert ((run / "evaluation.json").read_text() if (run / "evaluation.json").exists() else "") == kept


def test_a_row_with_other_values_keeps_its_part_by_its_name(run, caplog):
    changed = table()
    changed.loc[changed.plant.isin(["p3", "p7"]), "a"] += 9.0
    parts = {name: names_of(run, name) for name in ("train", "validation", "test")}
    changed.to_csv("t.csv", index=False)
    assert {name: names_of(run, name) for name in parts} == parts
    assert "2 have the name of a row that was there, and other values" in caplog.text


def test_rows_that_are_gone_are_told(run, caplog):
    table()[20:].to_csv("t.csv", index=False)
    opened = Run.open(run)
    n = sum(len(opened.split(name)) for name in ("train", "validation", "test"))
    assert n == N - 20
    assert f"{len(opened.split('train'))} of 80 train" in caplog.text


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda t: t.drop(columns="c"), "lacks the column 'c' that the model was fitted to"),
        (lambda t: t.drop(columns=["a", "c"]), "lacks the columns 'a', 'c'"),
        (lambda t: t.rename(columns={"c": "e"}), "lacks the column 'c'"),
        (lambda t: t.assign(b="text"), "'b'"),
    ],
)
def test_columns_that_are_missing_are_one_line(run, capsys, change, words):
    change(table()).to_csv("t.csv", index=False)
    for argv in (
        ["evaluate", run],
        ["report", run],
        ["anomaly", run],
        ["encode" if run.name == "vae" else "predict", run, "t.csv"],
    ):
        line = command_line.fails(capsys, *argv)
        assert words in line
        assert "t.csv" in line


def test_columns_that_are_too_many_are_left_out_and_named(run, caplog):
    before = figures(run)
    table().assign(e=1.0, f=2.0).to_csv("t.csv", index=False)
    again = figures(run)
    assert again["n"] == before["n"]
    assert "'e', 'f'" in caplog.text


def test_a_file_that_moved_with_its_run_is_found(run, tmp_path):
    before = figures(run)
    (tmp_path / "there").mkdir()
    moved = shutil.move(run, tmp_path / "there" / run.name)
    shutil.move("t.csv", tmp_path / "there" / "t.csv")
    rewrite(tmp_path / "there" / run.name, lambda config: config["known"].update(relative="../t.csv"))
    assert figures(moved) == before


def test_a_file_that_is_gone_is_asked_for(run, capsys):
    before = figures(run)
    shutil.move("t.csv", "elsewhere.csv")
    line = command_line.fails(capsys, "evaluate", run)
    assert "gone" in line
    assert "--data PATH" in line
    command_line.run("evaluate", run, "--data", "elsewhere.csv", "--json", "--n-importance", 2)
    told = json.loads(capsys.readouterr().out)
    assert told["n"] == before["n"]


@pytest.mark.parametrize("command", ["evaluate", "report", "anomaly", "diagnose", "encode"])
def test_every_command_that_reads_data_takes_their_place(run, command, capsys):
    if command == "encode" and run.name == "gmm":
        command = "predict"
    shutil.move("t.csv", "elsewhere.csv")
    given = ["elsewhere.csv"] if command in ("encode", "predict") else ["--data", "elsewhere.csv"]
    command_line.run(command, run, *given)
    assert "error" not in capsys.readouterr().err


def test_one_row_is_scored(run, capsys):
    table()[:1].to_csv("one.csv", index=False)
    command_line.run("anomaly", run, "--other", "one.csv", "--out", "odd.csv")
    assert "one.csv: 1 items" in capsys.readouterr().out


def test_other_data_are_scored_whole_in_their_order(run):
    other = table(40, seed=2)
    other[["kind", "d", "plant", "b", "a", "c"]].to_csv("other.csv", index=False)
    command_line.run("anomaly", run, "--other", "other.csv", "--out", "odd.csv")
    kept = pd.read_csv("odd.csv")
    of_other = kept[kept["data"] == "other.csv"].sort_values("item")
    assert list(of_other["item"]) == list(range(40))
    assert list(of_other["name"]) == list(other.plant)
    opened, rows = Run.open(run), other[list("abcd")].to_numpy()
    items = opened.items("other.csv")
    assert list(items.names) == list(other.plant)
    assert np.allclose(opened.log_density(items.x), opened.log_density(rows), rtol=1e-5)
    assert np.corrcoef(of_other["score"], -opened.log_density(rows))[0, 1] > 0.99


def test_codes_have_the_names_of_rows(fitted, tmp_path):
    command_line.run("encode", fitted / "vae", "--out", tmp_path / "codes.csv")
    kept = pd.read_csv(tmp_path / "codes.csv")
    assert list(kept.iloc[:, 0]) == list(table().plant)
    expected = Run.open(fitted / "vae").estimator.transform(table()[list("abcd")].to_numpy())
    assert np.allclose(kept.iloc[:, 1:].to_numpy(), expected, atol=1e-5)


def test_components_have_the_names_of_rows(fitted, tmp_path):
    command_line.run("predict", fitted / "gmm", "--out", tmp_path / "assignments.csv")
    kept = pd.read_csv(tmp_path / "assignments.csv")
    assert list(kept["name"]) == list(table().plant)
    expected = Run.open(fitted / "gmm").memberships(table()[list("abcd")].to_numpy())
    assert np.allclose(kept[["p0", "p1", "p2"]].to_numpy(), expected, atol=1e-5)
    assert np.array_equal(kept["component"], expected.argmax(1))


def test_a_folder_of_an_earlier_version_splits_by_its_seed(run):
    before = figures(run)
    rewrite(run, lambda config: config.pop("known"))
    (run / "rows.safetensors").unlink()
    assert figures(run) == before


def test_a_run_folder_fetches_nothing_that_was_not_asked_for(tmp_path):
    named = RunData(DataSpec("hf://owner/name"), None, tmp_path, (3,), None)
    with pytest.raises(DataError, match=r"--data hf://owner/name"):
        named.found()
    asked = RunData(DataSpec("hf://owner/name"), None, tmp_path, (3,), None, "hf://owner/name")
    assert asked.where() == "hf://owner/name"


def test_lost_identities_are_one_line(run):
    (run / "rows.safetensors").unlink()
    pd.concat([table(), table(5, seed=1)]).to_csv("t.csv", index=False)
    with pytest.raises(RunFolderError, match=r"rows\.safetensors"):
        Run.open(run).dataset  # noqa: B018


def test_data_of_which_no_row_is_known_are_all_new(run, caplog):
    table(50, seed=5).to_csv("t.csv", index=False)
    opened = Run.open(run)
    assert opened.whole_or("test") == "new"
    assert len(opened.split("new")) == 50
    with pytest.raises(DataError, match="--split new"):
        opened.split("test")
    assert "all 50 are new" in caplog.text


def pictures(folder, size, n=40):
    folder.mkdir()
    for i in range(n):
        pixels = np.random.default_rng(i).integers(0, 256, (size, size), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{i:03}.png")
    return folder


def test_pictures_of_another_size_are_taken_in_the_size_of_the_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    pictures(tmp_path / "small", 8)
    pictures(tmp_path / "large", 16, 12)
    command_line.run("fit", "small", "--model", "gaussian-mixture", "--n-components", 2, "--set", "covariance_type=diag", "--out", "run", "--quiet", "--no-report")  # fmt: skip
    opened = Run.open("run")
    assert opened.items("large").x.shape == (12, 1, 8, 8)
    command_line.run("anomaly", "run", "--other", "large")
    Image.fromarray(np.zeros((8, 8), np.uint8)).save(tmp_path / "small" / "zz.png")
    assert len(Run.open("run").split("new")) == 1


def test_parts_of_a_data_set_are_what_they_were():
    """The identities are of the rows that `load` gives: nothing of the split has changed by a bit."""
    digits = load("digits")
    assert [len(part) for part in (digits.train, digits.validation, digits.test)] == [1437, 180, 180]
