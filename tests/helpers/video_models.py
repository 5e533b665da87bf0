"""What every model of videos must do: tiny videos, and the laws of its bound."""

import math

import pytest
import torch

from latentia.draws import seeded
from latentia.models import importance_estimate


def noise_videos(n, shape):
    """Videos `[n, *shape]` of uniform noise in float64."""
    return torch.rand(n, *shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def untrained(kind, shape, n_objects, **options):
    """A small model in float64, the same every time."""
    with seeded(1, torch.device("cpu")):
        return kind(shape, n_objects, patch=4, width=16, **options).double().eval()


def check_rates(model, x, draws=3000):
    """Closed rates are the mean log ratio of posterior and prior over many draws."""
    with torch.no_grad():
        trace = model.trace(x, draws)
        drawn = trace.posterior.log_prob(trace.z) - trace.prior.log_prob(trace.z)
    closed = trace.kl.sum(-1)
    error = float((closed - drawn).std()) / math.sqrt(draws)
    assert float((closed - drawn).mean()) == pytest.approx(0, abs=4 * error)


def check_bound(model, x, draws=300):
    """The importance-weighted estimate is above the bound, within its error."""
    with torch.no_grad():
        bound = model.trace(x, draws).elbo
    found = importance_estimate(model, x, draws)
    error = bound.std(0) / math.sqrt(draws) + (1 / found.effective_samples - 1 / draws).sqrt()
    assert (found.log_prob >= bound.mean(0) - 3 * error).all()


def check_learning(model, x):
    """The bound has a gradient for every weight but those of the dynamics, which rollouts teach."""
    (-model.train().trace(x).elbo.mean()).backward()
    for name, parameter in model.named_parameters():
        if name.startswith("relations."):
            assert parameter.grad is None, name
            continue
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
        assert parameter.grad.abs().max() > 0, name
