"""Annealing, floors and minimum rates: their gradients, and which epochs they judge by what."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from latentia.core import Objective
from latentia.errors import ConfigError
from latentia.models import SequenceVAE
from latentia.objectives import ObjectiveSetting, build_objective
from latentia.objectives.annealed import MinimumRate, annealed_elbo, minimum_rate

SETTING = ObjectiveSetting(n_train=10, latent_dim=4, event_shape=(), n_updates=100)


@pytest.fixture
def trace():
    torch.manual_seed(0)
    with torch.no_grad():
        return SequenceVAE.of_lstms(5, 3, latent_dim=4, width=6).trace(torch.randint(5, (7, 3)))


def with_rate(trace, kl):
    return dataclasses.replace(trace, kl=kl)


def test_beta_rises_and_judges_only_when_it_is_up(trace):
    objective = annealed_elbo(SETTING, beta={"ramp": "linear", "until": 0.5})
    assert isinstance(objective, Objective)
    for progress, beta in ((0.0, 0.0), (0.25, 0.5), (0.5, 1.0), (1.0, 1.0)):
        loss = objective(trace, progress)
        expected = -trace.log_likelihood.mean() + beta * trace.kl.sum(-1).mean()
        torch.testing.assert_close(loss.total, expected)
        judged = objective.validation_loss(trace)
        assert (judged is None) == (beta < 1)
        assert judged is None or torch.allclose(judged, -trace.elbo.mean())
    state = objective.state_dict()
    again = annealed_elbo(SETTING, beta={"ramp": "linear", "until": 0.5})
    assert again.validation_loss(trace) is None
    again.load_state_dict(state)
    assert again.validation_loss(trace) is not None


def test_the_floor_of_each_dimension_is_a_share_of_the_whole(trace):
    kl = torch.tensor([[[0.1, 3.0, 0.5, 0.0]] * 7]).requires_grad_()
    loss = annealed_elbo(SETTING, beta=1.0, nats=4.0)(with_rate(trace, kl))
    assert float((loss.total - loss.parts["distortion"]).detach()) == pytest.approx(1 + 3 + 1 + 1)
    assert float(loss.parts["kl"]) == pytest.approx(3.6)
    loss.total.backward()
    assert (kl.grad[0, 0] > 0).tolist() == [False, True, False, False]


def test_item_by_item_the_gradient_is_that_of_the_published_mask(trace):
    torch.manual_seed(1)
    kl = (2 * torch.rand(1, 7, 4)).requires_grad_()
    annealed_elbo(SETTING, beta=1.0, nats=4.0, per="per_dim_item")(with_rate(trace, kl)).total.backward()
    mask = (kl > 1.0).float()  # Li et al. 2019: dimensions of items above lambda / d alone
    torch.testing.assert_close(kl.grad, mask / 7)
    same = kl.detach()[:, :1].expand(-1, 7, -1).clone().requires_grad_()
    annealed_elbo(SETTING, beta=1.0, nats=4.0, per="per_dim")(with_rate(trace, same)).total.backward()
    torch.testing.assert_close(same.grad, (same > 1.0).float() / 7)


def test_a_minimum_rate_raises_its_multiplier_until_the_rate_is_there(trace):
    objective = MinimumRate(nats=5.0, step=0.5)
    low, high = (with_rate(trace, torch.full((1, 7, 4), value)) for value in (0.25, 3.0))
    first = float(objective(low).parts["multiplier"])
    second = float(objective(low).parts["multiplier"])
    assert second > first
    total = objective(low).total
    multiplier = float(torch.nn.functional.softplus(objective.dual))
    assert float(total) == pytest.approx(
        float(-trace.log_likelihood.mean()) + 1.0 + multiplier * 4.0, rel=1e-5
    )
    for _ in range(40):
        objective(high)
    assert float(objective(high).parts["multiplier"]) < 1e-3
    torch.testing.assert_close(objective.validation_loss(low), -low.elbo.mean())


def test_bad_options_are_refused():
    for options in ({"nats": -1}, {"beta": -1.0}, {"per": "word"}):
        with pytest.raises(ConfigError):
            annealed_elbo(SETTING, **options)
    with pytest.raises(ConfigError, match="without a code"):
        minimum_rate(dataclasses.replace(SETTING, latent_dim=0))
    with pytest.raises(ConfigError, match="nats=0"):
        build_objective(minimum_rate, SETTING, {"nats": 0})
