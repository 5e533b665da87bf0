"""How long a fit is, where it is judged, and how it comes to rest when it is interrupted."""

from __future__ import annotations

import itertools
import json
import os
import signal
from dataclasses import replace

import pytest
import torch
from standin import batches, bound, identical, model, rows, weights_of

from latentia.training import Batches, TrainingConfig, fit, update_seconds
from latentia.training.config import learning_rate_at
from latentia.training.judging import Judge
from latentia.training.loop import Loop
from latentia.training.pace import Cooling, Pace

ITERATIONS = 6  # an epoch: 90 rows in batches of 16
CONFIG = TrainingConfig(max_epochs=10, batch_size=16, seed=1)


def run(config, folder=None, objective=None, **options):
    standin = model()
    history = fit(standin, objective or CutAt(), batches(), batches(40, seed=1), config, folder, **options)
    return weights_of(standin), history


@pytest.mark.parametrize("updates", [1, 2, 7, 8, 9, 20, 24, 25, 59])
@pytest.mark.parametrize("n_batches", [1, 3, 7, 50])
def test_marks_are_even_and_the_last_is_the_end(updates, n_batches):
    pace = Pace(TrainingConfig(max_epochs=updates, max_updates=updates), n_batches)
    marks = [pace.mark(leg) for leg in range(pace.marks)]
    assert marks[-1] == pace.total == min(updates, updates * n_batches)
    assert all(a < b for a, b in itertools.pairwise([0, *marks]))
    lengths = [b - a for a, b in itertools.pairwise([0, *marks])]
    if 8 * n_batches <= updates:
        assert set(lengths[:-1]) == {n_batches}
    else:
        assert len(marks) == min(8, updates)
        assert max(lengths) - min(lengths) <= 1


@pytest.mark.parametrize("ends", [13, 15, 16, 17, 20, 38, 40])
def test_an_early_end_has_no_empty_leg(ends):
    pace = Pace(TrainingConfig(max_epochs=9, max_updates=40), 100, Cooling(12, ends))
    marks = [pace.mark(leg) for leg in range(pace.marks)]
    assert marks[-1] == ends
    assert all(a < b for a, b in itertools.pairwise([0, *marks]))


def test_a_fit_ends_within_an_epoch_and_is_judged_eight_times():
    _, history = run(replace(CONFIG, max_updates=16))
    assert [record.step for record in history.epochs] == [2, 4, 6, 8, 10, 12, 14, 16]
    assert [record.epoch for record in history.epochs][:4] == [0.333, 0.667, 1, 1.333]
    assert history.epochs[-1].learning_rate == learning_rate_at(15, 16, CONFIG)


def test_a_fit_of_whole_epochs_is_the_same_by_its_updates():
    assert identical(run(CONFIG)[0], run(replace(CONFIG, max_epochs=99, max_updates=60))[0])


def test_rows_are_those_of_the_epochs(monkeypatch):
    seen = []

    def noted(stored):
        seen.append(stored.clone())
        return stored.float() / 255

    def order(config):
        seen.clear()
        fit(model(), bound, Batches(rows(), noted), None, config, prepare=False)
        return seen[:14]

    assert all(
        (a == b).all() for a, b in zip(order(replace(CONFIG, max_updates=14)), order(CONFIG), strict=True)
    )


@pytest.mark.parametrize("step", [1, 3, 8, 9, 17])
def test_a_fit_in_legs_resumes_to_the_same_bits(tmp_path, step):
    config = replace(CONFIG, max_updates=19, averaging=0.9, optimizer="auto", checkpoint_seconds=1e-9)
    weights, history = run(config)
    with pytest.raises(Cut):
        run(config, tmp_path, CutAt(step))
    resumed, again = run(config, tmp_path, resume=True)
    assert identical(resumed, weights)
    assert [record.step for record in again.epochs] == [record.step for record in history.epochs]


class Cut(Exception):
    """Stands for a crash."""


class CutAt:
    """An objective that crashes, or has Ctrl-C pressed, at calls that are given."""

    def __init__(self, crash=-1, press=()):
        self.calls, self.crash, self.press = 0, crash, press

    def __call__(self, trace, progress=1.0):
        self.calls += 1
        self.progress = progress
        if self.calls in self.press:
            os.kill(os.getpid(), signal.SIGINT)
        if self.calls == self.crash:
            raise Cut
        return bound(trace, progress)


@pytest.fixture
def heard():
    """Ctrl-C reaches Python also where whoever started the tests has it ignored (a job in the background)."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("heard")
def test_ctrl_c_lets_the_fit_come_to_rest(tmp_path, caplog):
    _, history = run(CONFIG, tmp_path, pressing := CutAt(press=(40,)))
    assert history.cooled
    assert pressing.calls == history.epochs[-1].step == 50  # a quarter of what was done
    assert "comes to rest in 10 more updates" in caplog.text
    rates = [record.learning_rate for record in history.epochs]
    assert rates[-1] == pytest.approx(learning_rate_at(40, 60, CONFIG) / 10)
    assert pressing.progress == pytest.approx(2 / 3 + 1 / 3 * 9 / 10)
    assert json.loads((tmp_path / "metrics.jsonl").read_text().splitlines()[-1])["step"] == 50
    # it is a fit like any other: done is done
    assert run(CONFIG, tmp_path, CutAt(crash=1), resume=True)[1] == history


@pytest.mark.usefixtures("heard")
@pytest.mark.parametrize("crash", [41, 45, 49])
def test_a_crash_on_the_way_to_rest_resumes_to_the_same_bits(tmp_path, crash):
    config = replace(CONFIG, averaging=0.9, checkpoint_seconds=1e-9)
    weights, history = run(config, tmp_path / "whole", CutAt(press=(40,)))
    with pytest.raises(Cut):
        run(config, tmp_path / "cut", CutAt(crash=crash, press=(40,)))
    resumed, again = run(config, tmp_path / "cut", resume=True)
    assert identical(resumed, weights)
    assert again.cooled
    assert [r.validation for r in again.epochs] == [r.validation for r in history.epochs]


@pytest.mark.usefixtures("heard")
def test_ctrl_c_again_stops_and_the_rest_can_be_resumed(tmp_path):
    second = CutAt(press=(40, 43))
    with pytest.raises(KeyboardInterrupt):
        run(CONFIG, tmp_path, second)
    assert second.calls == 43
    assert run(CONFIG, tmp_path, resume=True)[1].epochs[-1].step == 50


@pytest.mark.usefixtures("heard")
def test_near_the_end_the_fit_goes_on_as_planned():
    weights, history = run(CONFIG, None, CutAt(press=(57,)))
    assert not history.cooled
    assert identical(weights, run(CONFIG)[0])


@pytest.mark.usefixtures("heard")
def test_a_fit_that_has_hardly_begun_stops_at_once():
    with pytest.raises(KeyboardInterrupt):
        run(CONFIG, None, CutAt(press=(20,)))


TIMED = replace(CONFIG, max_epochs=99, max_updates=80, patience=5, averaging=0.9, checkpoint_seconds=1e-9)


@pytest.fixture
def stale(monkeypatch):
    """No judgement after the first finds a better bound."""
    judge = Judge.judge

    def judged(self, position, *arguments):
        found = judge(self, position, *arguments)
        position.best_leg = 1
        return found

    monkeypatch.setattr(Judge, "judge", judged)


@pytest.mark.usefixtures("stale")
def test_a_timed_fit_whose_bound_rises_no_more_comes_to_rest(caplog):
    _, history = run(TIMED)
    assert history.stopped_early
    assert not history.cooled  # nobody pressed anything
    steps = [record.step for record in history.epochs]
    # five judgements without a better one, and a quarter of what was done
    assert steps == [*range(6, 43, 6), 45]
    assert history.epochs[-1].learning_rate == pytest.approx(learning_rate_at(36, 80, CONFIG) / 9)
    assert "not risen 5 times in a row: the fit comes to rest in 9 more updates" in caplog.text


@pytest.mark.usefixtures("stale")
def test_without_a_time_it_stops_where_it_is():
    _, history = run(replace(TIMED, max_epochs=10, max_updates=None))
    assert history.stopped_early
    assert history.epochs[-1].step == 36


@pytest.mark.usefixtures("stale")
def test_near_its_end_a_timed_fit_goes_on_to_it():
    _, history = run(replace(TIMED, patience=10))  # stale at 66 of 80
    assert history.epochs[-1].step == 80
    assert history.epochs[-1].learning_rate == learning_rate_at(79, 80, CONFIG)
    assert not history.stopped_early


@pytest.mark.usefixtures("stale", "heard")
@pytest.mark.parametrize("crash", [30, 38, 44])
def test_a_crash_on_the_way_to_that_rest_resumes_to_the_same_bits(tmp_path, crash):
    weights, history = run(TIMED)
    with pytest.raises(Cut):
        run(TIMED, tmp_path, CutAt(crash=crash))
    resumed, again = run(TIMED, tmp_path, resume=True)
    assert identical(resumed, weights)
    assert (again.stopped_early, again.cooled) == (True, False)
    assert [record.step for record in again.epochs] == [record.step for record in history.epochs]


@pytest.mark.usefixtures("stale", "heard")
def test_ctrl_c_on_the_way_to_that_rest_changes_nothing(caplog):
    weights, _ = run(TIMED)
    pressed, history = run(TIMED, None, CutAt(press=(40,)))
    assert identical(pressed, weights)
    assert history.stopped_early
    assert "comes to rest in 5 more updates" in caplog.text


def test_a_slow_fit_rests_for_a_minute_at_most():
    pace = Pace(TrainingConfig(max_epochs=1), 10_000)
    assert pace.cool(4000, 0.5) == 120
    assert pace.total == 4120
    assert pace.rate(4060) == pytest.approx(0.5 * learning_rate_at(4000, 10_000, pace.config))


@pytest.mark.parametrize("n", [16, 90, 400])
def test_an_update_is_timed_on_a_copy(monkeypatch, n):
    """Each update takes two seconds, and the end of an epoch a hundred: which most updates are not."""
    now = [0.0]
    ended = Loop.on_train_epoch_end

    def late(self):
        now[0] += 100
        ended(self)

    def objective(trace, progress=1.0):
        now[0] += 2
        return bound(trace, progress)

    monkeypatch.setattr(Loop, "on_train_epoch_end", late)
    standin = model()
    before, state = weights_of(standin), torch.get_rng_state()
    seconds = update_seconds(standin, objective, batches(n), CONFIG, lambda: now[0])
    assert seconds == pytest.approx(102 if n == 16 else 2)  # 16 rows are an epoch of one batch
    assert identical(weights_of(standin), before)
    assert torch.equal(torch.get_rng_state(), state)
