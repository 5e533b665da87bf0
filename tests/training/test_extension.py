"""A finished fit is gone on with: from its weights, to better ones or to the same."""

from __future__ import annotations

import shutil
from dataclasses import replace

import pytest
import torch
from standin import StandIn, batches, bound, identical, model, weights_of

from latentia.errors import RunFolderError, TrainingError
from latentia.training import TrainingConfig, fit
from latentia.training.extension import hand_over
from latentia.training.loop import Loop

CONFIG = TrainingConfig(max_epochs=3, batch_size=16, seed=1)
MORE = replace(CONFIG, max_epochs=2)


def run(config, folder, objective=bound, train=None, **options):
    standin = model()
    history = fit(standin, objective, train or batches(), batches(40, seed=1), config, folder, **options)
    return standin, history


@pytest.fixture
def finished(tmp_path):
    standin, history = run(CONFIG, tmp_path / "first")
    hand_over(tmp_path / "first", tmp_path / "longer")
    return standin, history, tmp_path / "longer"


def test_it_begins_at_the_weights_and_counts_on(finished, monkeypatch):
    first, before, folder = finished
    begun, progress = [], []

    def watched(trace, done):
        progress.append(done)
        return bound(trace, done)

    step = Loop._step

    def noted(self, *given):
        begun.append(weights_of(self.model))
        return step(self, *given)

    monkeypatch.setattr(Loop, "_step", noted)
    longer, history = run(MORE, folder, watched)
    assert identical(begun[0], weights_of(first))
    assert set(progress) == {1.0}  # what ramps up has done so
    assert [record.epoch for record in history.epochs] == [1, 2, 3, 4, 5]
    assert [record.step for record in history.epochs] == [6, 12, 18, 24, 30]
    assert history.epochs[:3] == before.epochs
    assert (
        max(r.validation["elbo"] for r in history.epochs)
        == history.epochs[int(history.best_epoch) - 1].validation["elbo"]
    )
    assert not identical(weights_of(longer), weights_of(first))


def test_where_nothing_better_is_found_the_weights_stay(finished):
    first, before, folder = finished
    worse, history = run(replace(MORE, learning_rate=0.3), folder)
    assert identical(weights_of(worse), weights_of(first))
    assert history.best_epoch == before.best_epoch
    assert len(history.epochs) == 5


def test_it_can_be_cut_off_and_gone_on_with_again(finished, monkeypatch, tmp_path):
    _, _, folder = finished
    shutil.copytree(folder, tmp_path / "other")
    whole, history = run(MORE, folder)
    step = Loop._step

    def cut(self, *given):
        if self.position.step == 8:
            raise RuntimeError("cut")
        return step(self, *given)

    monkeypatch.setattr(Loop, "_step", cut)
    with pytest.raises(RuntimeError, match="cut"):
        run(MORE, tmp_path / "other")
    monkeypatch.undo()
    resumed, again = run(MORE, tmp_path / "other", resume=True)
    assert identical(weights_of(whole), weights_of(resumed))
    assert [record.validation for record in again.epochs] == [record.validation for record in history.epochs]
    hand_over(tmp_path / "other", tmp_path / "third")
    _, third = run(MORE, tmp_path / "third")
    assert [record.epoch for record in third.epochs] == list(range(1, 8))


def test_other_data_and_other_models_are_refused(finished, tmp_path):
    _, _, folder = finished
    with pytest.raises(TrainingError, match="training data checksum"):
        run(MORE, folder, train=batches(seed=2))
    with pytest.raises(TrainingError, match="shape of"):
        fit(StandIn(hidden=8), bound, batches(), batches(40, seed=1), MORE, folder)
    hand_over(tmp_path / "first", tmp_path / "codes", same_data=False)
    run(MORE, tmp_path / "codes", train=batches(seed=2))


def test_what_is_not_finished_is_not_handed_over(tmp_path):
    with pytest.raises(RunFolderError, match="no checkpoint of a finished fit"):
        hand_over(tmp_path, tmp_path / "longer")


def test_an_objective_that_learned_is_handed_over(tmp_path):
    class Learned(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.register_buffer("calls", torch.zeros(()))

        def forward(self, trace, progress=1.0):
            if self.training:
                self.calls += 1
            return bound(trace, progress)

    run(CONFIG, tmp_path / "first", Learned())
    hand_over(tmp_path / "first", tmp_path / "longer")
    objective = Learned()
    run(MORE, tmp_path / "longer", objective)
    assert objective.calls == 30
