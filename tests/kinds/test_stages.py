"""Two fits in one command: a whole run folder soon, and the long fit in its place, whatever happens on the way."""

from __future__ import annotations

import json
import os
import shutil
import signal

import pytest

import latentia
from command_line import fails, run
from latentia.files import exchange
from latentia.kinds import stages
from latentia.kinds.vae import run as vae_run
from latentia.training.loop import Loop


class Killed(BaseException):
    """Stands for a kill: nothing that tidies up after an error is done."""


FIT = ("fit", "digits", "--latent-dim", 2, "--epochs", 4, "--set", "network=mlp-small", "--no-report")


@pytest.fixture(autouse=True)
def brief(monkeypatch):
    """Every fit is a long one, and a first model is had in a second or two."""
    monkeypatch.setattr(vae_run, "LONG_MINUTES", 0)
    monkeypatch.setattr(vae_run, "FIRST_MINUTES", 0.01)


def config(folder):
    return json.loads((folder / "config.json").read_text())


def test_the_long_fit_takes_the_place_of_the_first(tmp_path, capsys):
    run(*FIT, "--out", tmp_path / "run")
    out = capsys.readouterr().out
    assert "a first model within 1 seconds" in out
    assert out.count("verdict: ") == 2
    kept = config(tmp_path / "run")
    assert stages.FIRST not in kept
    assert kept["params"]["max_minutes"] == "auto"
    assert kept["params"]["max_epochs"] == 4
    assert latentia.load(tmp_path / "run").history_[-1]["epoch"] == 4
    assert [path.name for path in tmp_path.iterdir()] == ["run"]
    run(*FIT, "--out", tmp_path / "run", "--resume")
    assert "finished already" in capsys.readouterr().out


def test_the_page_of_the_long_fit_names_the_folder_where_it_is(tmp_path):
    run(*(argument for argument in FIT if argument != "--no-report"), "--out", tmp_path / "run")
    page = (tmp_path / "run" / "report.html").read_text()
    assert f"latentia sample {tmp_path / 'run'} " in page
    for text in (page, (tmp_path / "run" / "evaluation.json").read_text()):
        assert ".long" not in text


def test_quick_ends_with_the_first(tmp_path):
    run(*FIT, "--quick", "--out", tmp_path / "run")
    assert config(tmp_path / "run")["params"]["max_minutes"] == 0.01
    assert [path.name for path in tmp_path.iterdir()] == ["run"]
    run(*FIT, "--out", tmp_path / "run", "--resume")  # and then the long one after all
    assert config(tmp_path / "run")["params"]["max_minutes"] == "auto"


def test_quick_is_refused_where_fits_have_no_minutes(tmp_path, capsys):
    assert "take --minutes" in fails(
        capsys, "fit", "digits", "--model", "gmm", "--quick", "--out", tmp_path / "run"
    )


@pytest.mark.parametrize("fit", ["first", pytest.param("long", marks=pytest.mark.slow)])
def test_a_crash_in_either_fit_is_resumed_to_the_same_bits(tmp_path, monkeypatch, fit):
    run(*FIT, "--out", tmp_path / "whole")
    step, seen = Loop.training_step, []

    def crash(self, *args):
        if self.task.checkpoints is not None and (fit == "first") == (
            self.task.config.max_updates is not None
        ):
            seen.append(self.position.step)
            if len(seen) == 20 or fit == "first":
                raise Killed
        return step(self, *args)

    monkeypatch.setattr(Loop, "training_step", crash)
    with pytest.raises(Killed):
        run(*FIT, "--out", tmp_path / "cut")
    monkeypatch.setattr(Loop, "training_step", step)
    run(*FIT, "--out", tmp_path / "cut", "--resume")
    # the first fit's length depends on the clock; it is no part of the second's weights
    weights = [(tmp_path / name / "model.safetensors").read_bytes() for name in ("whole", "cut")]
    assert weights[0] == weights[1]
    assert {path.name for path in tmp_path.iterdir()} == {"whole", "cut"}


@pytest.mark.slow
def test_while_the_long_fit_goes_on_the_first_can_be_used(tmp_path, monkeypatch):
    step, seen = Loop.training_step, []

    def look(self, *args):
        timed = self.task.checkpoints is None
        if not timed and self.task.config.max_updates is None and not seen:
            seen.append(latentia.load(tmp_path / "run").settings_["max_updates"])
        return step(self, *args)

    monkeypatch.setattr(Loop, "training_step", look)
    run(*FIT, "--out", tmp_path / "run")
    assert seen[0] is not None


def test_other_settings_are_refused_when_the_first_is_resumed(tmp_path, capsys):
    run(*FIT, "--quick", "--out", tmp_path / "run")
    other = [*FIT, "--out", tmp_path / "run", "--resume"]
    other[other.index("--epochs") + 1] = 11
    assert "max_epochs=4" in fails(capsys, *other)


def test_ctrl_c_in_the_first_fit_ends_there(tmp_path, monkeypatch, capsys):
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    monkeypatch.setattr(vae_run, "FIRST_MINUTES", 10)
    step, calls = Loop.training_step, []

    def press(self, *args):
        if (self.task.config.max_updates or 0) > 1000:
            calls.append(1)
            if len(calls) == 50:
                os.kill(os.getpid(), signal.SIGINT)
        return step(self, *args)

    monkeypatch.setattr(Loop, "training_step", press)
    try:
        run(*FIT, "--set", "network=mlp-small", "max_epochs=null", "--out", tmp_path / "run")
    finally:
        signal.signal(signal.SIGINT, before)
    assert len(calls) == 62
    kept = config(tmp_path / "run")
    assert kept["fit"]["cooled"]
    assert ["end", "after 62 updates"] in [choice[:2] for choice in kept["choices"]]
    assert "now what was asked for" not in capsys.readouterr().out


@pytest.mark.parametrize("system", [True, False])
def test_folders_change_places(tmp_path, monkeypatch, system):
    if not system:
        monkeypatch.setattr("latentia.files._swapped", lambda first, second: False)
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_text(name)
    exchange(tmp_path / "a", tmp_path / "b")
    assert [(tmp_path / name / "file").read_text() for name in ("a", "b")] == ["b", "a"]
    assert len(list(tmp_path.iterdir())) == 2


def test_a_run_that_was_aside_when_it_was_cut_off_is_put_back(tmp_path):
    run(*FIT, "--quick", "--out", tmp_path / "run")
    shutil.move(tmp_path / "run", tmp_path / ".run.aside")
    stages.settle(tmp_path / "run")
    assert latentia.load(tmp_path / "run").latent_dim_ == 2
