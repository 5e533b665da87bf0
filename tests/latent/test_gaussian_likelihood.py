"""The Gaussian and Laplace likelihoods: optimal variance against brute force in float64, and its gradient."""

import math

import numpy as np
import pytest
import torch
from scipy import optimize, stats

from latentia.errors import ConfigError
from latentia.latent import LIKELIHOODS
from latentia.latent.likelihoods import GaussianLikelihood, LaplaceLikelihood
from latentia.latent.likelihoods.spread import LOG_FLOOR

EVENT = (3, 4, 5)
AXES = {"all": (0, 1, 2, 3, 4), "channel": (0, 1, 3, 4), "pixel": (0, 1)}


def batch(seed=0, s=2, b=6, event=EVENT):
    generator = torch.Generator().manual_seed(seed)
    noise = torch.tensor([0.05, 0.1, 0.2]).reshape(3, 1, 1) if event == EVENT else 0.1
    outputs = torch.randn(s, b, 1, *event, generator=generator)
    return outputs, outputs[0, :, 0] + noise * torch.randn(b, *event, generator=generator)


@pytest.mark.parametrize("shared", list(AXES))
def test_training_uses_the_batch_residual(shared):
    outputs, x = batch()
    p = GaussianLikelihood(EVENT, shared=shared)(outputs, x)
    residual = (x - outputs[:, :, 0]).double().numpy()
    expected = np.broadcast_to((residual**2).mean(AXES[shared], keepdims=True), residual.shape)
    np.testing.assert_allclose(p.variance.double().numpy(), expected, rtol=1e-5)
    log_p = stats.norm.logpdf(residual, scale=np.sqrt(expected)).sum((2, 3, 4))
    np.testing.assert_allclose(p.log_prob(x).double().numpy(), log_p, rtol=1e-4)


@pytest.mark.parametrize("shared", list(AXES))
def test_the_plugged_in_variance_maximises_the_likelihood(shared):
    outputs, x = batch()
    likelihood = GaussianLikelihood(EVENT, shared=shared)
    best = likelihood(outputs, x).log_prob(x).mean()
    for factor in (0.97, 1.03):
        likelihood.eval()
        sigma2 = likelihood.train()(outputs, x).variance[0, 0] * factor
        likelihood.spread.value.copy_(sigma2[tuple(slice(0, n) for n in likelihood.spread.value.shape)])
        assert likelihood.eval()(outputs, x).log_prob(x).mean() < best


def test_the_gradient_is_that_of_the_log_mean_squared_error():
    outputs, x = batch()
    a, b = (outputs.double().requires_grad_() for _ in range(2))
    GaussianLikelihood(EVENT).double()(a, x.double()).log_prob(x.double()).mean().backward()
    (-0.5 * math.prod(EVENT) * (x.double() - b[:, :, 0]).square().mean().log()).backward()
    torch.testing.assert_close(a.grad, b.grad)


def test_evaluation_uses_the_calibrated_variance_never_the_batch():
    likelihood = GaussianLikelihood(EVENT)
    assert likelihood.calibrates
    residuals = []
    likelihood.start_calibration()
    for seed, b in ((1, 6), (2, 1), (3, 9)):
        outputs, x = batch(seed, b=b)
        likelihood.accumulate(outputs, x)
        residuals.append((x - outputs[:, :, 0]).double().numpy().ravel())
    likelihood.finish_calibration()
    exact = (np.concatenate(residuals) ** 2).mean()
    assert likelihood.variance.item() == pytest.approx(exact, rel=1e-6)
    outputs, x = batch(9)
    p = likelihood.eval()(outputs, x)
    assert p.variance.unique().item() == pytest.approx(exact, rel=1e-6)
    assert likelihood.train()(outputs).variance.unique().item() == pytest.approx(exact, rel=1e-6)
    assert likelihood(outputs, x).variance.unique().item() != pytest.approx(exact, rel=1e-3)


def test_a_second_calibration_forgets_the_first():
    likelihood = GaussianLikelihood((2,))
    for size in (1.0, 3.0):
        likelihood.start_calibration()
        likelihood.accumulate(torch.zeros(4, 1, 2), torch.full((4, 2), size))
        likelihood.finish_calibration()
    assert likelihood.variance.item() == pytest.approx(9)
    with pytest.raises(ConfigError, match="saw no data"):
        likelihood.finish_calibration()


def test_calibration_does_not_lose_small_residuals_in_a_long_sum():
    likelihood = GaussianLikelihood((1,))
    likelihood.start_calibration()
    for size, times in ((1e4, 1), (1.0, 2000)):
        for _ in range(times):
            likelihood.accumulate(torch.zeros(1, 1, 1), torch.full((1, 1), size))
    likelihood.finish_calibration()
    assert likelihood.variance.item() == pytest.approx(
        (1e8 + 2000) / 2001, rel=1e-7
    )  # float32 sums would drop the ones


def test_channel_variances_recover_the_noise():
    generator = torch.Generator().manual_seed(0)
    sigma = torch.tensor([0.05, 0.1, 0.2])
    x = sigma[:, None, None] * torch.randn(200, 3, 8, 8, generator=generator)
    likelihood = GaussianLikelihood((3, 8, 8), shared="channel")
    likelihood.start_calibration()
    likelihood.accumulate(torch.zeros(200, 1, 3, 8, 8), x)
    likelihood.finish_calibration()
    assert likelihood.variance.shape == (3,)
    torch.testing.assert_close(likelihood.variance.sqrt(), sigma, rtol=0.05, atol=0)


@pytest.mark.parametrize(
    ("shared", "event", "shape"),
    [
        ("all", EVENT, ()),
        ("channel", EVENT, (3,)),
        ("pixel", EVENT, EVENT),
        ("channel", (5,), (5,)),
        ("pixel", (5,), (5,)),
        ("all", (5,), ()),
    ],
)
def test_variance_for_the_report_has_only_its_own_dimensions(shared, event, shape):
    assert GaussianLikelihood(event, shared=shared).variance.shape == shape


def test_before_calibration_it_is_the_spread_around_the_mean():
    x = torch.randn(10_000, 5) * torch.tensor([1.0, 2.0, 0.5, 1.0, 1.0]) + 10 * torch.arange(5)
    likelihood = GaussianLikelihood((5,), shared="channel")
    likelihood.prepare(x)
    torch.testing.assert_close(likelihood.variance, x.var(0, correction=0))
    torch.testing.assert_close(likelihood.initial_outputs()[0], x.mean(0))


def test_the_floor_is_relative_to_the_data():
    for unit in (1e-3, 1.0, 1e4):
        x = unit * torch.randn(1000, 2)
        likelihood = GaussianLikelihood((2,))
        likelihood.prepare(x)
        p = likelihood(x[:8, None], x[:8])  # a perfect reconstruction
        scale = math.exp(LOG_FLOOR / 2) * x.std(correction=0).item()
        assert p.stddev.unique().item() == pytest.approx(scale, rel=0.05)
        assert p.log_prob(x[:8]).isfinite().all()


def test_above_the_floor_nothing_is_bent():
    likelihood = GaussianLikelihood((1,))
    likelihood.prepare(torch.tensor([[0.0], [1.0]]))
    p = likelihood(torch.zeros(1, 1, 1), torch.full((1, 1), 0.01))
    assert p.stddev.item() == pytest.approx(0.01, rel=1e-6)


def test_data_variance_is_of_all_numbers_about_their_common_mean():
    x = torch.rand(30_000, 4) * torch.arange(1, 5)
    likelihood = LIKELIHOODS["gaussian-data"](torch.Size((4,)))
    likelihood.prepare(x)
    assert not likelihood.calibrates
    assert likelihood.variance.item() == pytest.approx(x.double().numpy().var(), rel=1e-6)
    assert likelihood(x[:5, None], x[:5]).variance.unique().item() == pytest.approx(
        likelihood.variance.item()
    )


def test_fixed_is_fixed():
    x = torch.randn(100, 4) * 7
    for likelihood, sigma2 in (
        (LIKELIHOODS["gaussian-fixed"](torch.Size((4,))), 1.0),
        (GaussianLikelihood((4,), "fixed", value=0.25), 0.25),
    ):
        likelihood.prepare(x)
        assert likelihood.variance.item() == sigma2
        expected = stats.norm.logpdf(x.numpy(), scale=math.sqrt(sigma2)).sum(1)
        np.testing.assert_allclose(
            likelihood(torch.zeros(100, 1, 4), x).log_prob(x).numpy(), expected, rtol=1e-5
        )


def test_learned_variance_starts_at_the_data_and_learns_the_optimum():
    torch.manual_seed(0)
    x = 0.3 * torch.randn(500, 4) + torch.arange(4)
    likelihood = GaussianLikelihood((4,), "learned")
    likelihood.prepare(x)
    assert likelihood.variance.item() == pytest.approx((x - x.mean(0)).square().mean().item(), rel=1e-5)
    outputs = x[:, None] + 0.1
    optimizer = torch.optim.Adam(likelihood.parameters(), lr=0.05)
    for _ in range(300):
        optimizer.zero_grad()
        (-likelihood(outputs, x).log_prob(x).mean()).backward()
        optimizer.step()
    assert likelihood.variance.item() == pytest.approx(0.01, rel=0.01)


def test_laplace_scale_is_its_maximum_likelihood():
    outputs, x = batch()
    likelihood = LaplaceLikelihood(EVENT)
    p = likelihood(outputs, x)
    residual = (x - outputs[:, :, 0]).double().numpy()
    best = optimize.minimize_scalar(lambda t: -stats.laplace.logpdf(residual, scale=math.exp(t)).sum())
    assert p.base_dist.scale.unique().item() == pytest.approx(math.exp(best.x), rel=1e-4)
    expected = stats.laplace.logpdf(residual, scale=math.exp(best.x)).sum((2, 3, 4))
    np.testing.assert_allclose(p.log_prob(x).numpy(), expected, rtol=1e-4)
    likelihood.start_calibration()
    likelihood.accumulate(outputs, x)
    likelihood.finish_calibration()
    assert likelihood.eval()(outputs, x).base_dist.scale.unique().item() == pytest.approx(
        math.exp(best.x), rel=1e-4
    )
    assert likelihood.variance is None


def test_bad_arguments_are_named():
    for arguments, message in (
        ({"variance": "free"}, "'optimal', 'learned'"),
        ({"shared": "rows"}, "'all', 'channel'"),
        ({"value": -1.0}, "positive"),
    ):
        with pytest.raises(ConfigError, match=message):
            GaussianLikelihood((2,), **arguments)
