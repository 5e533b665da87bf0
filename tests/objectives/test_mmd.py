from __future__ import annotations

import dataclasses
import math

import pytest
import torch

from latentia.errors import ConfigError
from latentia.objectives import ObjectiveSetting, aggregate_mmd, info_elbo, mmd2, rate

SETTING = ObjectiveSetting(n_train=50, latent_dim=3, event_shape=(6,), n_updates=100)


def points(n: int, seed: int, shift: float = 0.0) -> torch.Tensor:
    return shift + torch.randn(n, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def kernel_by_hand(name: str, square: float, widths: tuple[float, ...], dims: int) -> float:
    if name == "rbf":
        return sum(math.exp(-square / (2 * dims * w)) for w in widths) / len(widths)
    return sum(2 * dims * w / (2 * dims * w + square) for w in widths) / len(widths)


@pytest.mark.parametrize("widths", [(1.0,), (0.1, 0.5, 2.0, 10.0)])
@pytest.mark.parametrize("kernel", ["rbf", "imq"])
def test_mmd_by_a_double_loop(kernel, widths):
    a, b = points(7, 0), points(5, 1, 0.7)

    def k(x: torch.Tensor, y: torch.Tensor) -> float:
        square = sum((float(x[d]) - float(y[d])) ** 2 for d in range(3))
        return kernel_by_hand(kernel, square, widths, 3)

    within = [
        sum(k(s[i], s[j]) for i in range(len(s)) for j in range(len(s)) if i != j) / (len(s) * (len(s) - 1))
        for s in (a, b)
    ]
    between = sum(k(x, y) for x in a for y in b) / 35
    assert float(mmd2(a, b, kernel, widths)) == pytest.approx(sum(within) - 2 * between, rel=1e-10)


def test_mmd_is_unbiased():
    values = torch.stack([mmd2(points(8, 2 * i), points(8, 2 * i + 1)) for i in range(200)])
    assert abs(float(values.mean())) < 4 * float(values.std()) / math.sqrt(200)
    assert float(values.min()) < 0  # which only an unbiased estimate can be


def test_mmd_of_a_shift_by_its_closed_form():
    # RBF of squared width s2 between N(0, I) and N(m, I) in D dimensions (Gretton et al. 2012):
    # E k(x, y) = (s2 / (s2 + 2))^(D/2) exp(-|m|^2 / (2 (s2 + 2)))
    s2, shift = 3.0, 1.0
    scale = (s2 / (s2 + 2)) ** 1.5
    exact = 2 * scale * (1 - math.exp(-3 * shift**2 / (2 * (s2 + 2))))
    estimate = mmd2(points(1000, 0), points(1000, 1, shift), "rbf", (1.0,))
    assert float(estimate) == pytest.approx(exact, rel=0.1)


def test_gradients_are_finite_where_codes_coincide():
    a = torch.zeros(6, 3, dtype=torch.float64, requires_grad=True)
    mmd2(a, points(6, 0)).backward()
    assert bool(a.grad.isfinite().all())


@pytest.mark.parametrize("kernel", ["rbf", "imq"])
def test_far_codes_are_drawn_towards_the_prior(kernel):
    a = points(40, 3, 4.0).requires_grad_()
    mmd2(a, points(40, 4), kernel).backward()
    assert bool((a.grad.mean(0) > 0).all())  # a step against the gradient brings them nearer


def test_codes_are_compared_with_draws_of_the_prior(linear_gaussian):
    oracle = linear_gaussian()
    x = oracle.sample(400)
    # sampled from the true posterior of data from the model, codes have the prior's distribution
    fits = aggregate_mmd()(oracle.model().trace(x))
    misfits = aggregate_mmd()(oracle.model(shift=3.0).trace(x))
    assert abs(float(fits)) < 5e-3
    assert float(misfits) > 0.1


def test_one_item_contributes_nothing(linear_gaussian):
    oracle = linear_gaussian()
    assert float(aggregate_mmd()(oracle.model().trace(oracle.sample(1)))) == 0


def test_samples_of_z_are_averaged(linear_gaussian):
    oracle = linear_gaussian()
    trace = oracle.model().trace(oracle.sample(20), 3)
    torch.manual_seed(0)
    value = aggregate_mmd()(trace)
    torch.manual_seed(0)
    drawn = trace.prior.sample((3, 20))
    expected = torch.stack([mmd2(trace.z[s], drawn[s]) for s in range(3)]).mean()
    torch.testing.assert_close(value, expected)


@pytest.mark.parametrize(("alpha", "lambda_"), [(1.0, None), (0.0, 3.0), (0.5, 10.0), (-1.0, 2.0)])
def test_weights_of_info_vae(linear_gaussian, alpha, lambda_):
    oracle = linear_gaussian()
    trace = oracle.model(widen=1.5).trace(oracle.sample(9))
    torch.manual_seed(0)
    total = info_elbo(SETTING, alpha=alpha, lambda_=lambda_)(trace).total
    torch.manual_seed(0)
    mmd = aggregate_mmd()(trace)
    lam = 6.0 if lambda_ is None else lambda_  # a datum holds six numbers
    expected = -trace.log_likelihood.mean() + (1 - alpha) * rate(trace) + (alpha + lam - 1) * mmd
    torch.testing.assert_close(total, expected)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kernel": "linear"}, "kernel='linear': expected one of imq, rbf"),
        ({"widths": ()}, "at least one width"),
        ({"widths": (1.0, -1.0)}, "widths=-1.0"),
        ({"alpha": 2.0}, "alpha=2.0"),
        ({"lambda_": -1.0}, "lambda_=-1.0"),
        ({"alpha": -3.0, "lambda_": 1.0}, "at least 1 is expected"),
    ],
)
def test_bad_options_are_refused(options, message):
    with pytest.raises(ConfigError, match=message):
        info_elbo(SETTING, **options)


def test_setting_gives_the_weight_its_scale():
    wide = dataclasses.replace(SETTING, event_shape=(1, 28, 28))
    assert info_elbo(wide).terms[1].weight == 784
