from __future__ import annotations

import dataclasses
import math

import pytest
import torch

from latentia.errors import ConfigError
from latentia.estimators.compose import compose
from latentia.kinds.vae.catalog import CATALOG
from latentia.objectives import ConstrainedObjective, ObjectiveSetting, constrained_elbo
from latentia.training import Batches, TrainingConfig, fit

SETTING = ObjectiveSetting(n_train=50, latent_dim=3, event_shape=(6,), n_updates=100)


@pytest.fixture
def trace(linear_gaussian):
    oracle = linear_gaussian()
    return oracle.model(widen=1.3).trace(oracle.sample(5))


def at_rate(trace, nats: float):
    return dataclasses.replace(trace, kl=torch.full((1, 5, 1), nats, dtype=torch.float64))


def test_multiplier_by_hand(trace):
    eta, p = 0.2, 1.5
    objective = ConstrainedObjective("kl", bound=4.0, step=eta, proportion=p)
    distortion = -float(trace.log_likelihood.mean())
    average, log_multiplier = None, 0.0
    for nats in (5.0, 12.0, 3.0, 4.0, 0.0):
        violation = (nats - 4) / 4
        cut = max(-1.0, min(1.0, violation))
        average = cut if average is None else 0.9 * average + 0.1 * cut
        log_multiplier += eta * average
        multiplier = math.exp(log_multiplier + p * average)
        loss = objective(at_rate(trace, nats))
        assert float(loss.parts["multiplier"]) == pytest.approx(multiplier, rel=1e-6)
        assert float(loss.parts["violation"]) == pytest.approx(violation)
        assert float(loss.total) == pytest.approx(distortion + multiplier * (nats - 4), abs=1e-5)


def test_constraint_on_the_error_weighs_the_error(trace):
    objective = ConstrainedObjective("squared_error", bound=2.0, step=0.1)
    loss = objective(trace)
    error = (trace.likelihood.mean - trace.x).square().sum(-1).mean()
    expected = trace.kl.sum(-1).mean() + objective.multiplier * (error - 2)
    torch.testing.assert_close(loss.total, expected)
    assert set(loss.parts) == {"kl", "squared_error", "multiplier", "violation"}


def test_gradient_is_that_of_the_two_terms_and_not_of_the_multiplier(trace):
    kl = torch.full((1, 5, 1), 3.0, dtype=torch.float64, requires_grad=True)
    objective = ConstrainedObjective("kl", bound=2.0, step=0.1)
    objective(dataclasses.replace(trace, kl=kl)).total.backward()
    torch.testing.assert_close(kl.grad, objective.multiplier.double().expand(1, 5, 1) / 5)


def test_multiplier_moves_in_training_only(trace):
    objective = ConstrainedObjective("kl", bound=0.1, step=0.5)
    objective.eval()
    objective(trace)
    assert float(objective.multiplier) == 1
    objective.train()
    objective(trace)
    assert float(objective.multiplier) > 1


def test_multiplier_stays_finite(trace):
    objective = ConstrainedObjective("kl", bound=1e-6, step=100.0)
    for _ in range(5):
        loss = objective(trace)
    assert math.isfinite(float(loss.total))


def test_defaults_follow_the_size_of_the_fit():
    objective = constrained_elbo(SETTING)
    assert objective.bound == 3.0
    longer = constrained_elbo(dataclasses.replace(SETTING, n_updates=1000))
    assert objective.step == pytest.approx(10 * longer.step)
    assert list(objective.parameters()) == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"constraint": "mse"}, "constraint='mse': expected one of kl, squared_error"),
        ({"constraint": "squared_error"}, "bound is missing"),
        ({"bound": 0}, "bound=0"),
        ({"bound": math.inf}, "bound=inf"),
    ],
)
def test_bad_options_are_refused(options, message):
    with pytest.raises(ConfigError, match=message):
        constrained_elbo(SETTING, **options)


class Killed(Exception):
    pass


def run(folder, kill_after=None, resume=False):
    rows = torch.randn(60, 4, generator=torch.Generator().manual_seed(0))
    torch.manual_seed(0)
    model = compose(CATALOG["constrained-vae"], (4,), 2, likelihood="gaussian", network="mlp")
    objective = constrained_elbo(ObjectiveSetting(60, 2, (4,), 12))

    def kill(record) -> None:
        if record.epoch == kill_after:
            raise Killed

    config = TrainingConfig(max_epochs=3, batch_size=15, device="cpu")
    data = Batches(rows, lambda x: x)
    history = fit(model, objective, data, data, config, folder, resume=resume, epoch_end=kill)
    return model.state_dict(), objective.state_dict(), history


def test_a_killed_fit_resumes_to_the_same_weights_and_multiplier(tmp_path):
    weights, multiplier, history = run(tmp_path / "whole")
    with pytest.raises(Killed):
        run(tmp_path / "killed", kill_after=1)
    again, multiplier_again, _ = run(tmp_path / "killed", resume=True)
    assert all(torch.equal(weights[name], again[name]) for name in weights)
    assert all(torch.equal(multiplier[name], multiplier_again[name]) for name in multiplier)
    assert float(multiplier["log_multiplier"]) != 0
    # logged; and epochs are not compared, so the last one is kept
    assert history.epochs[-1].train["multiplier"] > 0
    assert history.best_epoch == 3
    assert "loss" not in history.epochs[-1].validation
