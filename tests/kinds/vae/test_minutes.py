"""Fits of so many minutes: network and updates are chosen once, before the first, and a resumed fit keeps them."""

from __future__ import annotations

import json
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

from command_line import fails, run
from latentia import VAE, training
from latentia.errors import ConfigError, RunFolderError
from latentia.estimators.hints import short_of
from latentia.estimators.plan import FEWEST_UPDATES, Plan, Work, planned
from latentia.kinds.run import Run
from latentia.training.loop import Loop

IMAGES = (load_digits().images[:300, None] * 16).clip(0, 255).astype(np.uint8)
WORK = Work(n_train=50_000, n_held=5000, batch_size=50, passes=1000, seconds=2)


def seconds_of(found, work=WORK):
    """What a plan takes, counted anew."""
    update = found.seconds[found.network]
    passes = 8 * (2048 + 2000) + 10_000 + work.passes
    return found.updates * update + passes * update / (3 * work.batch_size) + work.seconds


@pytest.mark.parametrize("minutes", [0.5, 2, 8, 20])
@pytest.mark.parametrize("speed", [0.3, 1, 5])
def test_the_largest_network_with_enough_updates_fills_the_time(minutes, speed):
    seconds = {"large": 0.2 / speed, "middle": 0.03 / speed, "small": 0.004 / speed}
    found = planned(minutes, list(seconds), seconds.__getitem__, WORK, lambda: 3.0)
    assert seconds_of(found) + 3 == pytest.approx(60 * minutes, abs=seconds[found.network])
    tried = list(found.seconds)
    assert tried == list(seconds)[: len(tried)]
    assert found.updates >= FEWEST_UPDATES or found.network == "small"
    for larger in tried[:-1]:
        assert seconds_of(Plan(minutes, larger, FEWEST_UPDATES, seconds)) + 3 > 60 * minutes


def test_there_is_always_an_update():
    assert planned(0.01, ["only"], lambda _: 5.0, WORK, lambda: 100.0).updates == 1


def slow(seconds):
    """A clock for updates."""
    return lambda model, objective, train, config: seconds


def test_the_plan_is_told_and_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(training, "update_seconds", slow(0.1))
    vae = VAE(latent_dim=2, max_minutes=0.05, sampler="prior", refinement_steps=0, random_state=0)
    vae.fit(IMAGES, run_dir=tmp_path / "run")
    plan = vae.plan_
    assert plan.network == "mlp"  # the smallest: three seconds are few
    assert list(plan.seconds) == ["conv", "patch", "mlp"]
    assert vae.history_[-1]["step"] == plan.updates <= 30
    said = [str(choice) for choice in vae.choices_]
    assert any(choice.startswith(f"updates: {plan.updates} (0.05 minutes") for choice in said)
    assert any("conv: fewer than 4000, patch: fewer than 1500 updates" in choice for choice in said)
    verdict = vae.diagnose(IMAGES[:100]).verdict
    assert "under-trained" in verdict.names  # the schedule came to rest, so the curve's end is flat
    assert f"over after {plan.updates} update" in " ".join(verdict.evidence)
    vae.save(tmp_path / "saved")
    again = VAE.load(tmp_path / "saved")
    assert again.plan_ == plan
    assert again.diagnose(IMAGES[:100]).names == verdict.names


def fitted_for(step, epoch, *, plan=None, cooled=False, stopped=False, max_epochs=300):
    """What the diagnosis reads of a fit."""
    history = [{"step": step, "epoch": epoch}]
    return SimpleNamespace(
        plan_=plan,
        cooled_=cooled,
        stopped_early_=stopped,
        history_=history,
        settings_={"max_epochs": max_epochs},
    )


PLAN = Plan(1, "mlp", 100, {"mlp": 0.1})


@pytest.mark.parametrize(
    ("fit", "wanted"),
    [
        (fitted_for(100, 0.1, plan=PLAN), 1500),
        (fitted_for(1500, 2, plan=PLAN), None),
        (fitted_for(900, 300, plan=PLAN), None),  # all epochs of a small table
        (fitted_for(900, 3, plan=PLAN, stopped=True), None),
        (fitted_for(900, 3), None),  # as many epochs as were asked for
        (fitted_for(100, 10, cooled=True, max_epochs=30), 150),
        (fitted_for(100, 16, cooled=True, max_epochs=30), None),  # more than half of what was asked for
        (fitted_for(100, 1, cooled=True, max_epochs=30), 1500),
    ],
)
def test_a_fit_that_was_cut_short_is_told_apart(fit, wanted):
    found = short_of(fit)
    assert (found and found.wanted) == wanted


class Cut(Exception):
    """Stands for a crash."""


def test_a_resumed_fit_is_never_timed_again(tmp_path, monkeypatch):
    still = SimpleNamespace(monotonic=lambda: 0.0)
    monkeypatch.setattr("latentia.estimators.fitting.time", still)
    monkeypatch.setattr("latentia.estimators.planning.time", still)
    monkeypatch.setattr(training, "update_seconds", slow(0.01))
    params = {"latent_dim": 2, "network": "mlp-small", "max_minutes": 0.02, "random_state": 0}
    params |= {"sampler": "prior", "refinement_steps": 0}
    whole = VAE(**params).fit(IMAGES, run_dir=tmp_path / "whole")
    step, calls = Loop.training_step, []

    def crash(self, *args):
        calls.append(1)
        if len(calls) == 30:
            raise Cut
        return step(self, *args)

    monkeypatch.setattr(Loop, "training_step", crash)
    with pytest.raises(Cut):
        VAE(**params).fit(IMAGES, run_dir=tmp_path / "cut")
    monkeypatch.setattr(Loop, "training_step", step)
    kept = json.loads((tmp_path / "cut" / "config.json").read_text())["plan"]
    assert kept == whole.plan_.describe()
    # a machine that is now a hundred times slower changes nothing
    monkeypatch.setattr(training, "update_seconds", slow(1.0))
    resumed = VAE(**params).fit(IMAGES, run_dir=tmp_path / "cut", resume=True)
    assert resumed.plan_ == whole.plan_
    assert resumed.history_[-1]["step"] == whole.plan_.updates > 30
    for name, value in whole.module_.state_dict().items():
        assert torch.equal(value, resumed.module_.state_dict()[name])


def test_a_distorted_plan_is_told():
    with pytest.raises(RunFolderError, match="distorts its entry"):
        Plan.of({"minutes": 1})


@pytest.mark.parametrize("minutes", [0, -1, float("nan"), float("inf"), "2", True])
def test_minutes_are_positive_numbers(minutes):
    with pytest.raises(ConfigError, match=f"max_minutes={minutes!r}: expected a positive number"):
        VAE(max_minutes=minutes).fit(IMAGES)


def test_a_schedule_of_several_steps_an_update_has_no_minutes():
    with pytest.raises(ConfigError, match="give max_epochs instead"):
        VAE("lagging-vae", max_minutes=1).fit(IMAGES)


def test_the_command_line_takes_minutes_and_judges_in_proportion(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("latentia.kinds.latent_run.FEWEST_JUDGED", 5)
    monkeypatch.setattr("latentia.kinds.latent_run.JUDGED_SHARE", 1e-3)
    out = tmp_path / "run"
    run("fit", "digits", "--minutes", 0.05, "--set", "network=mlp-small", "--no-report", "--out", out)
    assert "0.05 minutes, and an update took" in capsys.readouterr().out
    assert json.loads((out / "config.json").read_text())["params"]["max_minutes"] == 0.05
    opened = Run.open(out)
    n = json.loads((out / "evaluation.json").read_text())["test"]["n"]
    assert n == opened.items_in_proportion() < 180
    one = opened.estimator.plan_.seconds["mlp-small"] / (3 * opened.estimator.settings_["batch_size"])
    taken = n * one * (1 + 1.25 * opened.estimator.module_.refinement_steps)
    assert n == 5 or taken <= 1e-3 * 3 < taken * (n + 1) / n


def test_minutes_are_for_models_that_take_them(tmp_path, capsys):
    said = fails(capsys, "fit", "digits", "--model", "gmm", "--minutes", 1, "--out", tmp_path / "run")
    assert "--minutes" in said
