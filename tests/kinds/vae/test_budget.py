"""Fits whose length nobody gave: as they were where they are short, planned for half an hour where they would plainly be longer."""

from __future__ import annotations

import json
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

import latentia
from command_line import run
from latentia import VAE, training
from latentia.diagnostics import Remedy, Verdict
from latentia.estimators import planning
from latentia.estimators.forms.arrays import as_rows
from latentia.estimators.planning import budgeted, seconds_with
from latentia.kinds import kind_of, params_of
from latentia.kinds.extending import extend_run
from latentia.kinds.known import DataSpec
from latentia.kinds.remedies import changes_of, command
from latentia.training.loop import Loop

IMAGES = (load_digits().images[:300, None] * 16).clip(0, 255).astype(np.uint8)
PARAMS = {"latent_dim": 2, "sampler": "prior", "refinement_steps": 0, "random_state": 0}
SMALL = {**PARAMS, "network": "mlp-small"}


def slow(seconds):
    """A clock for updates."""
    return lambda model, objective, train, config: seconds


def never(*_):
    """A clock that nobody may ask."""
    raise AssertionError("an update was timed")


def same_weights(a, b):
    theirs = b.module_.state_dict()
    return all(torch.equal(value, theirs[name]) for name, value in a.module_.state_dict().items())


@pytest.fixture
def brief(monkeypatch):
    """The budget is a second; time stands still between the updates."""
    monkeypatch.setattr(planning, "BUDGET_MINUTES", 1 / 60)
    still = SimpleNamespace(monotonic=lambda: 0.0)
    monkeypatch.setattr("latentia.estimators.fitting.time", still)
    monkeypatch.setattr("latentia.estimators.planning.time", still)


def test_a_short_fit_is_as_it_was_and_never_timed(monkeypatch):
    monkeypatch.setattr(training, "update_seconds", never)
    monkeypatch.setattr("latentia.estimators.way.default_epochs", lambda n, size, on_cpu: 2)
    default = VAE(**SMALL).fit(IMAGES)
    assert default.max_minutes == "auto"
    assert default.plan_ is None
    assert not any(choice.what in ("minutes", "updates") for choice in default.choices_)
    assert same_weights(default, VAE(**SMALL, max_minutes=None).fit(IMAGES))


def images_of(n, channels, side):
    """Images of no content, which take no memory."""
    return np.broadcast_to(np.zeros((1, 1, 1, 1), np.uint8), (n, channels, side, side))


def plan_for(monkeypatch, n, channels, side, clock):
    """What would be decided of a default fit to so many images, on two threads; the fit has the first 64 of them."""
    monkeypatch.setattr(torch, "get_num_threads", lambda: 2)
    monkeypatch.setattr(training, "update_seconds", clock)
    few = np.random.default_rng(0).integers(0, 256, (64, channels, side, side), dtype=np.uint8)
    vae = VAE(**PARAMS, batch_size=64, device="cpu")
    vae._before(few, None)
    given = as_rows(vae, few, reset=True)
    planning.build(vae, given)
    config = planning.configured(vae, images_of(n, channels, side), 0, True)
    batches = vae._way.batches(few, vae.form_)
    planning.take_objective(vae, few, batches, config)
    monkeypatch.setattr(batches, "n_batches", lambda size: n // size)
    return budgeted(vae, given, batches, config, None, planning.time.monotonic(), None, False)


@pytest.mark.parametrize("data", [(55_000, 1, 28), (45_000, 3, 32)])
def test_mnist_and_cifar_keep_their_default_on_two_cores_without_a_clock(monkeypatch, data):
    assert plan_for(monkeypatch, *data, never) is None


def test_a_folder_of_large_pictures_is_planned_for_half_an_hour(monkeypatch):
    monkeypatch.setattr("latentia.estimators.plan.MOST_EPOCHS", 10**6)  # of the 64 that are there
    seconds = iter([1.5, 0.4])
    plan = plan_for(monkeypatch, 20_000, 3, 96, lambda *_: next(seconds))
    assert plan.minutes == 30
    assert plan.seconds == {"conv": 1.5, "patch": 0.4}
    assert plan.network == "patch"
    assert 1500 <= plan.updates < 1800 / 0.4
    assert plan.otherwise == pytest.approx(1.5 * 12 * (20_000 // 64))


def test_what_the_clock_finds_short_enough_stays(monkeypatch):
    # half of what two cores take, by arithmetic, on a faster machine
    asked = []

    def clock(*_):
        asked.append(1)
        return 0.1

    assert plan_for(monkeypatch, 50_000, 3, 64, clock) is None
    assert len(asked) == 1


def test_a_network_out_of_reach_is_reckoned_not_timed(monkeypatch):
    monkeypatch.setattr(torch, "get_num_threads", lambda: 2)
    x = np.random.default_rng(0).integers(0, 256, (32, 3, 128, 128), dtype=np.uint8)
    vae = VAE(**{**PARAMS, "batch_size": 32, "device": "cpu"})
    vae._before(x, None)
    given = as_rows(vae, x, reset=True)
    monkeypatch.setattr(training, "update_seconds", never)
    assert seconds_with(vae, given, "conv", within=90) > 1
    monkeypatch.setattr(training, "update_seconds", slow(0.5))
    assert seconds_with(vae, given, "conv") == 0.5  # whoever asks for it gets it timed
    assert seconds_with(vae, given, "patch", within=1e5) == 0.5


def test_the_plan_is_told_and_kept(tmp_path, monkeypatch, brief):
    monkeypatch.setattr(training, "update_seconds", slow(0.01))
    vae = VAE(**PARAMS).fit(IMAGES, run_dir=tmp_path / "run")
    plan = vae.plan_
    assert list(plan.seconds) == ["conv", "patch", "mlp"]
    assert vae.history_[-1]["step"] == plan.updates < 100
    assert vae.settings_["max_updates"] == plan.updates
    updates = 26 * 17  # epochs, batches
    assert plan.otherwise == pytest.approx(updates * 0.01, rel=0.05)
    said = [str(choice) for choice in vae.choices_]
    assert any(choice.startswith("minutes: 0.0166667 (the default would take 5 seconds") for choice in said)
    assert json.loads((tmp_path / "run" / "config.json").read_text())["plan"] == plan.describe()
    vae.save(tmp_path / "saved")
    assert VAE.load(tmp_path / "saved").plan_ == plan


def test_its_fit_is_that_of_as_many_minutes(tmp_path, monkeypatch, brief):
    monkeypatch.setattr(training, "update_seconds", slow(0.02))
    whole = VAE(**SMALL).fit(IMAGES)
    assert same_weights(whole, VAE(**SMALL, max_minutes=1 / 60).fit(IMAGES))


@pytest.mark.parametrize("params", [{"max_epochs": 2}, {"max_minutes": None}, {"model": "lagging-vae"}])
def test_a_length_that_is_given_is_kept(monkeypatch, brief, params):
    monkeypatch.setattr(training, "update_seconds", never)
    monkeypatch.setattr("latentia.estimators.way.default_epochs", lambda n, size, on_cpu: 1)
    vae = VAE(**{**SMALL, **params}).fit(IMAGES)
    assert vae.plan_ is None
    assert vae.history_[-1]["epoch"] == params.get("max_epochs", 1)


class Cut(Exception):
    """Stands for a crash."""


@pytest.mark.parametrize("state", [0, np.random.RandomState])
@pytest.mark.parametrize(("before", "after", "planned"), [(0.01, 1.0, True), (0.001, 1.0, False)])
def test_a_resumed_fit_keeps_what_was_decided(tmp_path, monkeypatch, brief, state, before, after, planned):
    def fitted(folder, **how):
        params = {**SMALL, "random_state": state if state == 0 else state(3)}
        return VAE(**params, patience=2).fit(IMAGES, run_dir=tmp_path / folder, **how)

    monkeypatch.setattr("latentia.estimators.way.default_epochs", lambda n, size, on_cpu: 4)
    monkeypatch.setattr(planning, "PLAINLY", 0.5)
    monkeypatch.setattr(training, "update_seconds", slow(before))
    whole = fitted("whole")
    step, calls = Loop.training_step, []

    def crash(self, *args):
        calls.append(1)
        if len(calls) == 20:
            raise Cut
        return step(self, *args)

    monkeypatch.setattr(Loop, "training_step", crash)
    with pytest.raises(Cut):
        fitted("cut")
    monkeypatch.setattr(Loop, "training_step", step)
    monkeypatch.setattr(training, "update_seconds", slow(after))  # a slower day
    resumed = fitted("cut", resume=True)
    assert (whole.plan_ is not None) == planned
    assert resumed.plan_ == whole.plan_
    assert same_weights(whole, resumed)


def test_the_command_line_has_it_where_no_minutes_are_given():
    kind = kind_of("sigma-vae")
    assert params_of(kind, "sigma-vae", {})["max_minutes"] == "auto"
    assert params_of(kind, "sigma-vae", {"minutes": 2.0})["max_minutes"] == 2.0
    none = {"model": "sigma-vae", "max_minutes": None}
    assert "--set max_minutes=null" in command(DataSpec("digits"), none, "out")
    assert "minutes" not in command(DataSpec("digits"), {"model": "sigma-vae", "max_minutes": "auto"}, "out")


def test_remedies_of_a_planned_run_are_in_minutes():
    asked = {"model": "sigma-vae", "max_minutes": "auto", "max_epochs": None}
    planned = SimpleNamespace(asked=asked, config={"plan": {"minutes": 30.0}}, spec=None, home=None)
    longer = Remedy("train longer: `--epochs 18`", settings={"max_epochs": 18})
    wider = Remedy("more dimensions", settings={"latent_dim": 8})
    verdict = Verdict("under-trained", (), (), actions=(longer, wider))
    first, second = changes_of(planned, verdict)
    assert first.params["max_minutes"] == 90
    assert first.params["max_epochs"] is None
    assert "--minutes 90" in first.text
    assert second.params["max_minutes"] == "auto"
    short = SimpleNamespace(**{**vars(planned), "config": {}})
    assert changes_of(short, verdict)[0].params == {**asked, "max_epochs": 18}


@pytest.mark.parametrize(
    ("asked", "longer", "words"),
    [
        (
            {"max_minutes": 2.0, "max_epochs": 3},
            {"max_minutes": 6, "max_epochs": 18},
            "--epochs 18 --minutes 6`",
        ),
        ({"max_minutes": 1e-9}, {"max_minutes": 1}, "`--minutes 1`"),
        ({"max_minutes": 0.7}, {"max_minutes": 2.1}, "`--minutes 2.1`"),
    ],
)
def test_a_longer_fit_lengthens_what_ended_it(asked, longer, words):
    run = SimpleNamespace(asked={"model": "sigma-vae", **asked}, config={}, spec=None, home=None)
    remedy = Remedy("train longer: `--epochs 18`", settings={"max_epochs": 18})
    (change,) = changes_of(run, Verdict("under-trained", (), (), actions=(remedy,)))
    assert change.params == {"model": "sigma-vae", **longer}
    assert words in change.text


def test_a_run_of_before_is_resumed_and_extended(tmp_path, monkeypatch, capsys):
    out, data = tmp_path / "run", str(tmp_path / "table.npy")
    np.save(data, np.random.default_rng(0).normal(size=(100, 3)))
    fit = ("fit", data, "--latent-dim", 2, "--set", "network=mlp-small", "--no-report", "--epochs", 1)
    run(*fit, "--out", out)
    config = json.loads((out / "config.json").read_text())
    config["params"]["max_minutes"] = None
    config.pop("digest", None)
    (out / "config.json").write_text(json.dumps(config))
    capsys.readouterr()
    run(*fit, "--out", out, "--resume")
    assert "finished already" in capsys.readouterr().out
    # longer by the default, whatever time would choose
    monkeypatch.setattr("latentia.estimators.way.default_epochs", lambda n, size, on_cpu: 1)
    spec, params = DataSpec(data), {"model": "sigma-vae", "latent_dim": 2, "network": "mlp-small"}
    longer = extend_run(spec, {**params, "random_state": 0}, out, command="", judged=lambda run: None)
    assert longer.estimator.network_ == "mlp-small"
    assert latentia.load(out).history_[-1]["epoch"] == 2
