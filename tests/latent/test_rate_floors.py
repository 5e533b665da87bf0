"""Posteriors whose rate cannot vanish: the bound that each promises, at any features."""

from __future__ import annotations

import pytest
import torch

from latentia.errors import ConfigError
from latentia.latent import PRIORS, kl_divergence
from latentia.latent.rate_floors import BatchNormPosterior, DeltaPosterior

PRIOR = PRIORS["standard-normal"](5)


def rates(q):
    return kl_divergence(q, PRIOR(), q.mean[None])[0]


@pytest.fixture(autouse=True)
def without_gradients(request):
    """But for the test of gradients."""
    with torch.set_grad_enabled("gradients" in request.node.name):
        yield


@pytest.mark.parametrize("scale", [1e-3, 1.0, 30.0])
@pytest.mark.parametrize("gamma", [0.5, 1.0])
def test_batch_norm_keeps_the_mean_rate_of_a_batch(scale, gamma):
    torch.manual_seed(0)
    posterior = BatchNormPosterior(8, 5, gamma=gamma).double()
    with torch.no_grad():
        posterior.shift.copy_(torch.linspace(-1, 1, 5))
    found = rates(posterior(scale * torch.randn(64, 8, dtype=torch.float64))).mean(0).sum()
    floor = float((gamma**2 + torch.linspace(-1, 1, 5).double() ** 2).sum() / 2)
    # the variance of a dimension is taken with 1e-8 under the root
    assert float(found.detach()) >= floor - (1e-5 if scale >= 1 else 0.05 * floor)


def test_batch_norm_in_evaluation_is_a_function_of_the_item():
    posterior = BatchNormPosterior(8, 5)
    x = torch.randn(64, 8)
    for _ in range(200):
        posterior(x)
    posterior.eval()
    assert torch.allclose(posterior(x).mean[:1], posterior(x[:1]).mean, atol=1e-6)
    assert float(rates(posterior(x)).mean(0).sum().detach()) >= 5 * posterior.gamma**2 / 2 - 0.1


@pytest.mark.parametrize("scale", [1e-3, 1.0, 100.0])
@pytest.mark.parametrize("delta", [0.1, 0.25, 2.0])
def test_delta_keeps_the_rate_of_each_dimension_of_each_item(scale, delta):
    torch.manual_seed(0)
    posterior = DeltaPosterior(8, 5, delta=delta).double()
    features = scale * torch.randn(64, 8, dtype=torch.float64)
    found = rates(posterior(features))
    assert float(found.min()) >= delta - 1e-5
    wish = posterior.linear(features)[:, :5]
    torch.testing.assert_close(found, delta + wish.relu() / 2, atol=1e-5, rtol=1e-6)


def test_gradients_are_finite_where_the_mean_is_zero():
    posterior = DeltaPosterior(8, 5)
    with torch.no_grad():
        posterior.linear.weight.zero_()
        posterior.linear.bias.copy_(
            torch.tensor([-1.0] * 5 + [-200.0] * 5)
        )  # sigma at its least, nothing wished for
    q = posterior(torch.randn(4, 8))
    rates(q).sum().backward()
    assert posterior.linear.bias.grad.isfinite().all()


def test_bad_floors_are_refused():
    with pytest.raises(ConfigError, match="gamma=0"):
        BatchNormPosterior(8, 5, gamma=0.0)
    with pytest.raises(ConfigError, match="delta=-1"):
        DeltaPosterior(8, 5, delta=-1.0)
