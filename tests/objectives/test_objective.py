from __future__ import annotations

import pytest
import torch

from latentia.objectives import Term, TermSum, distortion, negative_elbo, rate


def test_negative_elbo_is_the_mean_of_minus_the_bound(linear_gaussian):
    oracle = linear_gaussian()
    trace = oracle.model(widen=1.2).trace(oracle.sample(7), 3)
    loss = negative_elbo()(trace)
    torch.testing.assert_close(loss.total, -trace.elbo.mean())
    torch.testing.assert_close(loss.total, loss.parts["distortion"] + loss.parts["kl"])


def test_kl_of_a_known_gaussian_in_nats(linear_gaussian):
    oracle = linear_gaussian()
    x = oracle.sample(40)
    mean, variance = oracle.posterior(x)
    exact = 0.5 * (variance + mean.square() - 1 - variance.log()).sum(-1).mean()
    torch.testing.assert_close(rate(oracle.model().trace(x, 2)), exact)


def test_distortion_of_a_known_gaussian_in_nats(linear_gaussian):
    oracle = linear_gaussian()
    x = oracle.sample(10)
    trace = oracle.model().trace(x, 5)
    residual = (x - oracle.bias - trace.z @ oracle.weight.T).square().sum(-1)
    exact = 3 * torch.log(torch.tensor(2 * torch.pi * 0.25, dtype=torch.float64)) + residual / 0.5
    torch.testing.assert_close(distortion(trace), exact.mean())


def test_beta_weighs_the_rate_but_not_its_log_entry(linear_gaussian):
    oracle = linear_gaussian()
    trace = oracle.model().trace(oracle.sample(7))
    plain, heavy = negative_elbo()(trace), negative_elbo(beta=4.0)(trace)
    torch.testing.assert_close(heavy.total, plain.total + 3 * plain.parts["kl"])
    assert torch.equal(heavy.parts["kl"], plain.parts["kl"])


@pytest.mark.parametrize("progress", [0.0, 0.25, 1.0])
def test_weights_may_ramp_over_training(linear_gaussian, progress):
    oracle = linear_gaussian()
    trace = oracle.model().trace(oracle.sample(7))
    loss = negative_elbo(beta=lambda done: min(1.0, 2 * done))(trace, progress)
    expected = loss.parts["distortion"] + min(1.0, 2 * progress) * loss.parts["kl"]
    torch.testing.assert_close(loss.total, expected)


def test_only_the_total_carries_a_gradient(linear_gaussian):
    oracle = linear_gaussian()
    trace = oracle.model().trace(oracle.sample(4).requires_grad_())
    loss = TermSum((Term("squared", lambda t: t.x.square().sum()), Term("kl", rate)))(trace)
    assert loss.total.requires_grad
    assert not any(part.requires_grad for part in loss.parts.values())
