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


def test_looks_take_no_more_than_their_share_of_the_time():
    calls = []

    def slow(module, x_batches, epoch, progress):
        calls.append(epoch)
        time.sleep(0.02)
        return {}

    watch, data = Watch(slow, seed=0, share=0.1), batches(30)
    module = model().eval()
    for epoch in range(1, 201):  # epochs of 10 milliseconds
        elapsed = 0.01 * epoch
        watch.look(module, data, 16, epoch=epoch, progress=0.5, elapsed=elapsed, validating=1e-4)
        # all but the first look, whose price is not known before
        assert watch.spent <= 0.1 * elapsed + 0.04
    assert 2 < len(calls) <= 10
