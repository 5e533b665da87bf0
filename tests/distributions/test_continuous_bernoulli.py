"""The continuous Bernoulli against quadrature in many digits, torch's class, and its own moments."""

import math

import pytest
import torch
from scipy import integrate, stats

from latentia.distributions import ContinuousBernoulli

LOGITS = [
    -300.0,
    -40.0,
    -17.0,
    -3.0,
    -0.5,
    -0.101,
    -0.099,
    -1e-3,
    -1e-9,
    0.0,
    1e-6,
    0.05,
    0.1,
    0.4,
    0.6,
    2.0,
    16.5,
    90.0,
]


def oracle_log_prob(logit, x):
    """Truncated-exponential density by SciPy (rate |l|, mirrored for positive logits)."""
    if logit == 0:
        return 0.0
    t = abs(logit)
    y = 1 - x if logit > 0 else x
    return stats.truncexpon.logpdf(y * t, b=t) + math.log(t)


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 3e-6), (torch.float64, 1e-12)])
def test_density_agrees_with_scipy(dtype, tolerance):
    x = torch.tensor([0.0, 1e-3, 0.3, 0.5, 0.99, 1.0], dtype=dtype)
    logits = torch.tensor(LOGITS, dtype=dtype)
    ours = ContinuousBernoulli(logits[:, None], validate_args=True).log_prob(x)
    for i, logit in enumerate(logits.tolist()):
        for j, value in enumerate(x.tolist()):
            assert ours[i, j].item() == pytest.approx(
                oracle_log_prob(logit, value), rel=tolerance, abs=tolerance
            )


@pytest.mark.parametrize("logit", [-12.0, -0.1, 0.0, 0.3, 25.0])
def test_it_integrates_to_one_and_has_its_moments(logit):
    p = ContinuousBernoulli(torch.tensor(logit, dtype=torch.float64))

    def moment(power):
        return integrate.quad(
            lambda x: x**power * p.log_prob(torch.tensor(x, dtype=torch.float64)).exp().item(),
            0,
            1,
            points=[0.1, 0.9],
        )[0]

    assert moment(0) == pytest.approx(1, abs=1e-9)
    assert p.mean.item() == pytest.approx(moment(1), abs=1e-9)
    assert p.variance.item() == pytest.approx(moment(2) - moment(1) ** 2, abs=1e-9)


def test_mean_is_accurate_in_float32_across_the_switch_of_formulas():
    logits = torch.linspace(-1, 1, 2001, dtype=torch.float64)
    for name in ("mean", "variance"):
        wide = getattr(ContinuousBernoulli(logits), name)
        narrow = getattr(ContinuousBernoulli(logits.float()), name)
        torch.testing.assert_close(narrow.double(), wide, atol=3e-6, rtol=0)
        # A jump where the formulas meet would show as a second difference.
        assert wide.diff().diff().abs().max() < 1e-6


def test_gradients_are_right_and_finite_everywhere():
    logits = torch.tensor(LOGITS, dtype=torch.float64, requires_grad=True)
    x = torch.full_like(logits, 0.3).requires_grad_()
    assert torch.autograd.gradcheck(
        lambda a, b: ContinuousBernoulli(a, validate_args=False).log_prob(b), (logits, x)
    )
    extreme = torch.tensor([-1e30, -1e4, 0.0, 1e4, 1e30], requires_grad=True)
    p = ContinuousBernoulli(extreme)
    (p.log_prob(torch.tensor(0.5)).sum() + p.mean.sum() + p.variance.sum()).backward()
    assert extreme.grad.isfinite().all()


def test_samples_follow_the_density():
    torch.manual_seed(0)
    for logit in (-30.0, -2.0, 1e-5, 0.5, 8.0):
        x = ContinuousBernoulli(torch.tensor(logit, dtype=torch.float64)).sample((20_000,)).numpy()
        assert x.min() >= 0
        assert x.max() <= 1
        y = (1 - x if logit > 0 else x) * abs(logit)
        assert stats.kstest(y, stats.truncexpon(b=abs(logit)).cdf).pvalue > 1e-3


def test_reparameterised_gradient_is_that_of_the_mean():
    torch.manual_seed(0)
    logit = torch.tensor(1.5, dtype=torch.float64, requires_grad=True)
    x = ContinuousBernoulli(logit).rsample((200_000,))
    (slope,) = torch.autograd.grad(x.mean(), logit)
    assert slope.item() == pytest.approx(
        ContinuousBernoulli(logit).variance.item(), rel=0.02
    )  # A'' = variance


def test_shapes_and_refusals():
    p = ContinuousBernoulli(torch.zeros(3, 1)).expand((2, 3, 4))
    assert p.sample((5,)).shape == (5, 2, 3, 4)
    with pytest.raises(ValueError, match="support"):
        ContinuousBernoulli(torch.zeros(1), validate_args=True).log_prob(torch.tensor([1.1]))
