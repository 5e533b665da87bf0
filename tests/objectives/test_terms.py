"""Free bits, capacity and the total correlation against sums by hand, in float64."""

from __future__ import annotations

import dataclasses
import itertools
import math

import pytest
import torch

from latentia.core import Trace
from latentia.distributions import DiagonalGaussian
from latentia.errors import ConfigError
from latentia.objectives import (
    CapacityObjective,
    Linear,
    ObjectiveSetting,
    capacity_elbo,
    free_bits,
    free_bits_elbo,
    squared_error,
    total_correlation_elbo,
)
from latentia.objectives.total_correlation import batch_log_weights

KL = [[0.2, 3.0, 0.1], [1.4, 0.5, 0.3]]  # items x dimensions
SETTING = ObjectiveSetting(n_train=50, latent_dim=3, event_shape=(6,), n_updates=100)


@pytest.fixture
def trace(linear_gaussian) -> Trace:
    oracle = linear_gaussian()
    return oracle.model(widen=1.3, shift=0.2).trace(oracle.sample(5))


@pytest.fixture
def two_items(linear_gaussian) -> Trace:
    oracle = linear_gaussian()
    return oracle.model().trace(oracle.sample(2))


def with_kl(trace: Trace, kl: list[list[float]], requires_grad: bool = False) -> Trace:
    return dataclasses.replace(trace, kl=torch.tensor([kl], dtype=torch.float64, requires_grad=requires_grad))


def by_hand(per: str, floor: float) -> float:
    items, dims = range(2), range(3)
    totals = [sum(row) for row in KL]
    if per == "total":
        return max(floor, sum(totals) / 2)
    if per == "per_dim":
        return sum(max(floor, sum(KL[i][d] for i in items) / 2) for d in dims)
    if per == "per_dim_item":
        return sum(max(floor, KL[i][d]) for i in items for d in dims) / 2
    return sum(max(floor, total) for total in totals) / 2


@pytest.mark.parametrize("floor", [0.0, 0.25, 0.5, 2.6, 10.0])
@pytest.mark.parametrize("per", ["total", "per_dim", "per_dim_item", "per_item"])
def test_free_bits_by_hand(two_items, per, floor):
    value = free_bits(floor, per)(with_kl(two_items, KL))
    assert float(value) == pytest.approx(by_hand(per, floor), rel=1e-14)


@pytest.mark.parametrize(
    ("per", "floor", "pushed"),
    [
        # 1 where the rate counts, 0 where it lies below its floor
        ("total", 2.0, [[1, 1, 1], [1, 1, 1]]),
        ("total", 3.0, [[0, 0, 0], [0, 0, 0]]),
        ("per_dim", 0.5, [[1, 1, 0], [1, 1, 0]]),
        ("per_dim_item", 0.5 + 1e-9, [[0, 1, 0], [1, 0, 0]]),
        ("per_item", 2.5, [[1, 1, 1], [0, 0, 0]]),
    ],
)
def test_no_gradient_below_the_floor(two_items, per, floor, pushed):
    given = with_kl(two_items, KL, requires_grad=True)
    free_bits(floor, per)(given).backward()
    torch.testing.assert_close(given.kl.grad, torch.tensor([pushed], dtype=torch.float64) / 2)


def test_free_bits_average_samples_before_the_clamp(linear_gaussian):
    oracle = linear_gaussian()
    two = oracle.model().trace(oracle.sample(1), 2)
    two = dataclasses.replace(two, kl=torch.tensor([[[0.0]], [[1.0]]], dtype=torch.float64))
    assert float(free_bits(0.6)(two)) == 0.6


def test_free_bits_refuses_what_it_does_not_know():
    with pytest.raises(ConfigError, match="per='item': expected one of total, per_dim"):
        free_bits_elbo(SETTING, per="item")
    with pytest.raises(ConfigError, match="nats=-1"):
        free_bits_elbo(SETTING, nats=-1)


@pytest.mark.parametrize(("progress", "capacity"), [(0.0, 0.0), (0.25, 3.0), (0.5, 6.0), (1.0, 6.0)])
def test_capacity_by_hand_with_the_batch_mean_inside(two_items, progress, capacity):
    loss = CapacityObjective(Linear(6.0, until=0.5), gamma=7.0)(with_kl(two_items, KL), progress)
    mean = (3.3 + 2.2) / 2
    distortion = -float(two_items.log_likelihood.mean())
    assert float(loss.total) == pytest.approx(distortion + 7 * abs(mean - capacity), rel=1e-14)
    assert float(loss.parts["capacity"]) == capacity


def test_capacity_by_default_is_two_and_a_half_nats_a_dimension_reached_half_way():
    ramp = capacity_elbo(SETTING).capacity
    assert (ramp(0.0), ramp(0.5), ramp(1.0)) == (0.0, 7.5, 7.5)
    assert capacity_elbo(SETTING, capacity=3.0).capacity(0.25) == 1.5


def test_validation_is_against_the_final_capacity(two_items):
    objective = capacity_elbo(SETTING)
    given = with_kl(two_items, KL)
    assert objective.validation_loss(given) == objective(given, 1.0).total
    assert objective(given, 0.0).total != objective(given, 1.0).total


def test_squared_error_by_hand(trace):
    residual = trace.likelihood.mean - trace.x
    expected = sum(float((residual[0, i] ** 2).sum()) for i in range(5)) / 5
    assert float(squared_error(trace)) == pytest.approx(expected, rel=1e-14)


def normal(x: float, mean: float, scale: float) -> float:
    return math.exp(-0.5 * ((x - mean) / scale) ** 2) / (scale * math.sqrt(2 * math.pi))


@pytest.mark.parametrize("sampling", ["weighted", "stratified"])
def test_total_correlation_by_a_double_loop(trace, sampling):
    n, dims, z = 5, 3, trace.z[0]
    mean, scale = trace.posterior.mean, trace.posterior.stddev
    alpha, beta, gamma = 0.5, 4.0, 2.0
    parts = [0.0, 0.0, 0.0]
    for i in range(n):
        weights = [1 / (SETTING.n_train * n)] * n
        if sampling == "stratified":
            weights = [1 / 4] * n
            weights[(i + 1) % n] = (SETTING.n_train - 4) / (SETTING.n_train * 4)
            weights[i] = 1 / SETTING.n_train
        density = [
            [normal(float(z[i, d]), float(mean[j, d]), float(scale[j, d])) for d in range(dims)]
            for j in range(n)
        ]
        own = math.log(math.prod(density[i]))
        joint = math.log(sum(w * math.prod(row) for w, row in zip(weights, density, strict=True)))
        marginals = sum(math.log(sum(weights[j] * density[j][d] for j in range(n))) for d in range(dims))
        prior = sum(math.log(normal(float(z[i, d]), 0, 1)) for d in range(dims))
        for k, part in enumerate((own - joint, joint - marginals, marginals - prior)):
            parts[k] += part / n
    loss = total_correlation_elbo(SETTING, beta=beta, alpha=alpha, gamma=gamma, sampling=sampling)(trace)
    names = ("mutual_information", "total_correlation", "dimension_wise_kl")
    assert [float(loss.parts[name]) for name in names] == pytest.approx(parts, rel=1e-10)
    expected = -float(trace.log_likelihood.mean()) + alpha * parts[0] + beta * parts[1] + gamma * parts[2]
    assert float(loss.total) == pytest.approx(expected, rel=1e-10)


def test_with_equal_weights_the_three_parts_are_the_rate_at_the_sample(trace):
    loss = total_correlation_elbo(SETTING, beta=1.0)(trace)
    rate = (trace.posterior.log_prob(trace.z) - trace.prior.log_prob(trace.z)).mean()
    torch.testing.assert_close(loss.total, rate - trace.log_likelihood.mean())


def test_stratified_weights_are_unbiased_over_all_batches():
    n_train, n_batch = 5, 3
    density = torch.tensor([0.1, 0.7, 0.2, 1.5, 0.4], dtype=torch.float64)  # q(z|x_n) of some z
    weights = batch_log_weights(n_batch, n_train, "stratified", torch.float64).exp()[0]
    for own in range(n_train):
        others = [n for n in range(n_train) if n != own]
        estimates = [
            float(weights @ density[[own, *pair]]) for pair in itertools.permutations(others, n_batch - 1)
        ]
        assert sum(estimates) / len(estimates) == pytest.approx(float(density.mean()), rel=1e-12)


@pytest.mark.parametrize(("n_items", "n_train"), [(1, 1), (1, 9), (2, 2), (4, 2), (3, 100)])
@pytest.mark.parametrize("sampling", ["weighted", "stratified"])
def test_weights_are_positive_at_any_size(n_items, n_train, sampling):
    weights = batch_log_weights(n_items, n_train, sampling, torch.float64).exp()
    assert bool((weights > 0).all())
    if sampling == "stratified" and n_items > 1:
        torch.testing.assert_close(weights.sum(1), torch.ones(n_items, dtype=torch.float64))


def test_total_correlation_needs_a_posterior_that_factorises(trace):
    full = torch.distributions.MultivariateNormal(
        torch.zeros(5, 3, dtype=torch.float64), torch.eye(3, dtype=torch.float64)
    )
    with pytest.raises(ConfigError, match="product over latent dimensions, not a MultivariateNormal"):
        total_correlation_elbo(SETTING)(dataclasses.replace(trace, posterior=full))
    with pytest.raises(ConfigError, match="sampling='all'"):
        total_correlation_elbo(SETTING, sampling="all")


def test_total_correlation_of_independent_dimensions_vanishes():
    # Every item has the same q(z|x) = p(z): no information, no correlation, no divergence.
    n = 64
    posterior = DiagonalGaussian(torch.zeros(n, 2).double(), torch.ones(n, 2).double())
    prior = DiagonalGaussian(torch.zeros(2).double(), torch.ones(2).double())
    z = posterior.rsample((1,))
    trace = Trace(
        torch.zeros(n, 1), z, posterior, prior, posterior, torch.zeros(1, n).double(), torch.zeros(1, n, 2)
    )
    setting = dataclasses.replace(SETTING, n_train=n)
    loss = total_correlation_elbo(setting, sampling="stratified")(trace)
    assert all(abs(float(part)) < 1e-12 for part in loss.parts.values())
