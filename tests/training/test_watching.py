from __future__ import annotations

import json
import random
import time

import numpy as np
import pytest
import torch
from standin import batches, bound, identical, model, weights_of

from latentia.training import TrainingConfig, fit
from latentia.training.watching import Watch

CONFIG = TrainingConfig(max_epochs=6, batch_size=16, device="cpu", averaging=0.9)


class Greedy:
    """A measure that draws from every generator there is, and notes what it was shown."""

    def __init__(self) -> None:
        self.seen: list[tuple[int, float, int]] = []

    def __call__(self, module, x_batches, epoch, progress):
        assert not module.training
        assert not torch.is_grad_enabled()
        n = sum(len(module.trace(x).x) for x in x_batches)
        random.random()
        np.random.rand(3)  # noqa: NPY002  (the global generator is meant)
        torch.rand(3)
        self.seen.append((epoch, progress, n))
        return {"seen": float(n)}


def fitted(watch=None, folder=None):
    trained = model()
    history = fit(trained, bound, batches(), batches(30, seed=1), CONFIG, folder, watch=watch)
    return trained, history


def test_a_look_changes_neither_weights_nor_generators(monkeypatch, tmp_path):
    monkeypatch.setattr(
        "latentia.training.fitting.Watch", lambda measure, seed: Watch(measure, seed, share=1e9)
    )
    measure = Greedy()
    plain, history = fitted()
    watched, seen = fitted(measure, tmp_path)
    assert identical(weights_of(plain), weights_of(watched))
    assert [record.validation for record in history.epochs] == [record.validation for record in seen.epochs]
    assert [epoch for epoch, *_ in measure.seen] == [1, 2, 3, 4, 5, 6]
    assert [share for _, share, _ in measure.seen] == pytest.approx([(i + 1) / 6 for i in range(6)])
    assert {n for *_, n in measure.seen} == {30}
    rows = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert [row["seen"] for row in rows] == 6 * [30.0]
    assert all("seen" not in row for row in history.rows())


def test_which_epochs_are_looked_at_depends_on_numbers_of_items_alone():
    watch = Watch(Greedy(), seed=0, share=0.1)
    due = [epoch for epoch in range(1, 61) if watch.looks(30, 90 * (epoch - 1), 90 * epoch)]
    assert due == [
        7,
        14,
        20,
        27,
        34,
        40,
        47,
        54,
        60,
    ]  # 30 items at 6 passes for each 0.1 * 90 * 3 of an epoch


def test_two_fits_with_one_seed_watch_the_same_epochs(monkeypatch, tmp_path):
    monkeypatch.setattr(
        "latentia.training.fitting.Watch", lambda measure, seed: Watch(measure, seed, share=0.25)
    )
    rows = []
    for name, pause in (("a", 0.0), ("b", 0.05)):

        def slow(module, x_batches, epoch, progress, pause=pause):
            time.sleep(pause)
            return {"seen": float(epoch)}

        fitted(slow, tmp_path / name)
        lines = (tmp_path / name / "metrics.jsonl").read_text().splitlines()
        rows.append([{k: v for k, v in json.loads(line).items() if k != "seconds"} for line in lines])
    assert rows[0] == rows[1]
    assert 0 < sum("seen" in row for row in rows[0]) < 6
