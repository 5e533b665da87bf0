"""Long work says where it stands: a line every few seconds, a bar on a terminal, nothing where nobody asks."""

from __future__ import annotations

import io
import time

import numpy as np
import pytest

from latentia import cli, progress


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_a_line_when_it_is_due_with_what_work_is_at():
    clock, stream = Clock(), io.StringIO()
    teller = progress.Teller(stream, clock)
    with progress.stage("restarts", 10) as at, progress.stage("iterations of EM"):
        at.done = 2
        clock.now = progress.LINES - 0.1
        teller.tell()
        assert stream.getvalue() == ""
        clock.now = 75.0
        teller.tell()
        teller.tell()
    assert stream.getvalue() == "  ... restarts 3/10, iterations of EM (1:15)\n"
    teller.spoke()
    clock.now += progress.LINES - 0.1
    teller.tell()
    assert stream.getvalue().count("\n") == 1


def test_no_more_than_ten_seconds_are_silent():
    clock, stream, spoken = Clock(), io.StringIO(), []
    teller = progress.Teller(stream, clock)
    for tick in range(600):
        clock.now = tick / 10
        before = stream.tell()
        teller.tell()
        spoken += [clock.now] if stream.tell() > before else []
    assert np.diff([0, *spoken, 60]).max() <= 10


def test_a_bar_on_a_terminal_is_taken_away_before_something_is_printed():
    clock, stream = Clock(), Terminal()
    teller = progress.Teller(stream, clock)
    with progress.stage("folds", 4) as at:
        at.done, clock.now = 1, 2.0
        teller.tell()
    assert "folds 2/4 ━━━━━━╌╌╌╌" in stream.getvalue()
    assert "\n" not in stream.getvalue()
    teller.clear()
    assert stream.getvalue().endswith("\r\x1b[K")


def test_a_bar_fits_into_its_line(monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    clock, stream = Clock(), Terminal()
    teller = progress.Teller(stream, clock)
    with progress.stage("something of a very long name that says much", 4):
        clock.now = 2.0
        teller.tell()
    assert len(stream.getvalue().removeprefix("\r\x1b[K")) == 39


def test_a_thread_tells_while_the_work_says_nothing(monkeypatch, capsys):
    monkeypatch.setattr(progress, "LINES", 0.04)
    with progress.told(), progress.told(), progress.stage("asleep"):
        time.sleep(0.5)
    said = capsys.readouterr().err.splitlines()
    assert 2 <= len(said) <= 13
    assert set(said) == {"  ... asleep (0:00)"}
    with progress.told(), progress.hushed(), progress.stage("asleep"):
        time.sleep(0.2)
    with progress.told(False):
        time.sleep(0.1)
    assert capsys.readouterr().err == ""


@pytest.fixture
def at_each_stage(monkeypatch):
    """Whoever tells, tells at the beginning of each stage."""

    class Stages(list):
        def append(self, stage):
            super().append(stage)
            if progress._teller is not None:
                progress._teller.tell()

    monkeypatch.setattr(progress, "LINES", 0.0)
    monkeypatch.setattr(progress, "_stages", Stages())
    monkeypatch.setattr(progress.Teller, "start", lambda self: None)
    monkeypatch.setattr(progress.Teller, "stop", lambda self: None)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("progress")
    random = np.random.default_rng(0)
    np.savetxt(folder / "t.csv", random.normal(size=(40, 3)), delimiter=",", header="a,b,c", comments="")
    np.save(folder / "i.npy", random.integers(0, 256, (40, 8, 8), dtype=np.uint8))
    counts = random.poisson(20, (30, 4))
    np.savetxt(
        folder / "c.csv", np.c_[np.arange(30), counts], "%d", ",", header="#SampleID,a,b,c,d", comments=""
    )
    return folder


TINY = ["--epochs", "1", "--set", "batch_size=16", "n_codes=4", "prior_epochs=1"]


@pytest.mark.parametrize(
    ("line", "stages"),
    [
        (
            ["fit", "i.npy", "--model", "vq-vae", "--out", "vq", *TINY],
            [
                "reading data",
                "fit of vq-vae",
                "second stage, the prior over codes",
                "judging on the test split",
                "the report",
            ],
        ),
        (["diagnose", "vq"], ["judging on the test split", "evaluation, batches"]),
        (
            ["fit", "t.csv", "--model", "gaussian-mixture", "--n-components", "1..3", "--out", "mixture"],
            ["numbers of components and starts 2/3", "starts 1/1", "iterations of EM 1/"],
        ),
        (
            [
                "types",
                "c.csv",
                "--no-report",
                "--out",
                "types",
                "--n-components",
                "2",
                "--n-init",
                "2",
                "--folds",
                "0",
                "--halves",
                "1",
                "--bootstrap",
                "2",
            ],
            ["starts and folds 2/2", "halves and bootstrap draws 3/3"],
        ),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_commands_say_what_they_are_at(folder, monkeypatch, capsys, at_each_stage, line, stages):
    monkeypatch.chdir(folder)
    cli.main(line)
    said = capsys.readouterr().err
    assert [stage for stage in stages if stage not in said] == []


def test_a_quiet_fit_says_nothing(folder, monkeypatch, capsys, at_each_stage):
    monkeypatch.chdir(folder)
    cli.main(
        [
            "fit",
            "t.csv",
            "--model",
            "gaussian-mixture",
            "--n-components",
            "2",
            "--quiet",
            "--no-report",
            "--out",
            "q",
        ]
    )
    assert capsys.readouterr().err == ""
