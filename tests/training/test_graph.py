"""Steps that are recorded: the same bits as steps that are not, and nothing in them that a recording could not hold."""

from __future__ import annotations

import logging

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits, load_wine
from torch.utils._python_dispatch import TorchDispatchMode

from latentia import VAE
from latentia.core import Loss
from latentia.estimators import building, fitting
from latentia.training import step as steps
from latentia.training.checkpoints import identity_of
from latentia.training.config import TrainingConfig
from latentia.training.graph import WARM, Direct, StepGraph
from latentia.training.optimizers import Muon

IMAGES = (load_digits().images[:140, None] * 16).clip(0, 255).astype(np.uint8)
TABLE = load_wine().data[:140]
QUICK = {"latent_dim": 2, "max_epochs": 2, "batch_size": 16, "random_state": 0, "device": "cpu"}
QUICK |= {"sampler": "prior", "refinement_steps": 0}


@pytest.fixture
def made(monkeypatch):
    """Every `StepGraph` of a test."""
    found = []

    class Noted(StepGraph):
        def __init__(self, *given):
            super().__init__(*given)
            found.append(self)

    monkeypatch.setattr(steps, "StepGraph", Noted)
    return found


def fitted(monkeypatch, x, graph, **params):
    """A fit with the bound of gradients and the moving average that the estimator gives it."""

    def configured(*given, **how):
        return building.configured(*given, **how, graph=graph)

    monkeypatch.setattr(fitting, "configured", configured)
    return VAE(**{**QUICK, **params}).fit(x)


def same(a, b):
    theirs = b.module_.state_dict()
    return all(torch.equal(value, theirs[name]) for name, value in a.module_.state_dict().items())


@pytest.mark.parametrize(
    ("x", "params"),
    [
        (TABLE, {}),
        (TABLE, {"optimizer": "muon"}),
        (TABLE, {"optimizer": "sgd"}),
        (TABLE, {"model": "iaf-vae"}),
        (IMAGES, {"network": "conv", "optimizer": "muon", "max_epochs": 1}),
        (IMAGES, {"network": "patch", "max_epochs": 1}),
        (IMAGES, {"network": "mlp-small", "binarize": True}),
    ],
)
def test_the_same_bits_with_draws_clip_average_and_rate(monkeypatch, made, x, params):
    recorded = fitted(monkeypatch, x, True, **params)
    (graph,) = made
    steps_done = recorded.history_[-1]["step"]
    assert 0 < graph.replayed <= steps_done - WARM
    assert same(recorded, fitted(monkeypatch, x, False, **params))
    assert len(made) == 1


@pytest.mark.parametrize(
    "params",
    [
        {"objective_options": {"beta": {"ramp": "linear", "until": 0.5}}},  # a weight that changes
        {"schedule": "alternating"},
        {"model": "lagging-vae"},
    ],
)
def test_what_changes_as_training_goes_on_is_never_recorded(monkeypatch, made, caplog, params):
    with caplog.at_level(logging.WARNING, "latentia"):
        asked = fitted(monkeypatch, TABLE, True, **{"max_epochs": 1, **params})
    assert not made
    assert caplog.text.count("one by one") == 1
    assert same(asked, fitted(monkeypatch, TABLE, False, **{"max_epochs": 1, **params}))


class Failing(Direct):
    def record(self, function):
        raise RuntimeError("operation not permitted when stream is capturing")


def test_where_a_recording_fails_steps_go_on(monkeypatch, made, caplog):
    monkeypatch.setattr(steps, "Direct", Failing)
    with caplog.at_level(logging.WARNING, "latentia"):
        failed = fitted(monkeypatch, TABLE, True)
    assert made[0].replayed == 0
    assert caplog.text.count("not permitted when stream is capturing") == 1
    assert same(failed, fitted(monkeypatch, TABLE, False))


def test_a_batch_of_another_size_does_not_touch_the_buffer():
    seen = []

    def step(x):
        seen.append(x.clone())
        return Loss(x.sum(), {})

    graph = StepGraph(step, 4, Direct())
    batches = [torch.full((n,), float(i)) for i, n in enumerate((4, 4, 4, 4, 3, 4, 5, 4))]
    totals = [float(graph(batch).total) for batch in batches]
    assert totals == [float(batch.sum()) for batch in batches]
    assert all(torch.equal(*pair) for pair in zip(seen, batches, strict=True))
    assert graph.replayed == 3


class Waiting(TorchDispatchMode):
    """Raises at a call for whose result the processor would wait, or whose shape depends on numbers on the card."""

    WAITS = ("_local_scalar_dense", "nonzero", "masked_select", "is_nonzero", "unique", "equal", "bincount")

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        name = func.overloadpacket.__name__
        if name in self.WAITS:
            raise AssertionError(f"{name} waits")
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize(
    ("network", "likelihood"),
    [("conv", "gaussian"), ("patch", "gaussian-learned"), ("mlp-small", "bernoulli")],
)
def test_no_call_of_the_default_waits_for_the_device(monkeypatch, made, network, likelihood):
    class Watching(Direct):
        def record(self, function):
            def watched():
                with Waiting():
                    return function()

            return watched

    monkeypatch.setattr(steps, "Direct", Watching)
    # the rate of AdamW and the number of its steps are on the processor here, in memory of the card there
    monkeypatch.setattr(torch.optim.AdamW, "step", lambda self: None)
    x = (IMAGES > 100).astype(np.uint8) if likelihood == "bernoulli" else IMAGES
    options = {"network": network, "likelihood": likelihood, "optimizer": "muon", "max_epochs": 1}
    fitted(monkeypatch, x, True, **options)
    assert made[0].replayed > 0


def test_waiting_is_noticed():
    with pytest.raises(AssertionError, match="_local_scalar_dense waits"), Waiting():
        float(torch.ones(3).sum())


def test_muon_takes_its_rate_from_memory():
    torch.manual_seed(0)
    plain, read = (torch.nn.Parameter(torch.eye(32, 48)) for _ in range(2))
    optimizers = [Muon([{"params": [w], "weight_decay": 0.1}], lr=0.02) for w in (plain, read)]
    rate = torch.zeros(())
    optimizers[1].param_groups[0]["lr"] = rate
    for number in (0.02, 0.01, 0.003):
        gradient = torch.randn(32, 48)
        for weight in (plain, read):
            weight.grad = gradient.clone()
        optimizers[0].param_groups[0]["lr"] = number
        rate.fill_(number)  # what a recording would read
        for optimizer in optimizers:
            optimizer.step()
    torch.testing.assert_close(plain, read, rtol=1e-6, atol=1e-7)
    assert not torch.equal(plain, torch.eye(32, 48))


def test_checkpoints_of_before_agree_with_a_fit_that_is_not_recorded():
    def setting(graph):
        class Nothing:
            def fingerprint(self):
                return None

        config = TrainingConfig(1, graph=graph)
        model = torch.nn.Linear(1, 1)
        return identity_of(model, 0, Nothing(), None, config, torch.device("cpu"), 0)["setting"]

    assert "graph" not in setting(False)
    assert setting(True)["graph"] is True
