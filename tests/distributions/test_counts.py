"""Count distributions against SciPy, in float32 at scales where float32 formulas have no correct digit."""

import mpmath
import numpy as np
import pytest
import torch
from scipy import special, stats

from latentia.distributions import Multinomial, NegativeBinomial, Poisson, ZeroInflatedNegativeBinomial

COUNTS = torch.tensor([0.0, 1.0, 2.0, 7.0, 100.0, 12_345.0, 1e6])
MEANS = [1e-6, 0.3, 5.0, 800.0, 1e5]
DISPERSIONS = [1e-3, 0.5, 1.0, 30.0, 1e6]


def nb(mean, dispersion):
    return stats.nbinom(dispersion, dispersion / (dispersion + mean))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_poisson_agrees_with_scipy(dtype):
    mean = torch.tensor(MEANS, dtype=dtype)
    ours = Poisson(mean.log(), validate_args=True).log_prob(COUNTS.to(dtype)[:, None]).double()
    expected = stats.poisson(mean.log().double().exp().numpy()).logpmf(COUNTS.double().numpy()[:, None])
    np.testing.assert_allclose(ours.numpy(), expected, rtol=3e-7, atol=1e-6)


def nb_log_prob(x, log_mean, r):
    """The formula in 60 digits: SciPy's own parameter p = r / (r + mu) rounds to one for large r."""
    with mpmath.workdps(60):
        x, mean, r = mpmath.mpf(x), mpmath.exp(log_mean), mpmath.mpf(r)
        coefficient = mpmath.loggamma(x + r) - mpmath.loggamma(r) - mpmath.loggamma(x + 1)
        return float(coefficient + r * mpmath.log(r / (r + mean)) + x * mpmath.log(mean / (r + mean)))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("dispersion", DISPERSIONS)
def test_negative_binomial_agrees_with_the_formula_in_many_digits(dtype, dispersion):
    log_mean = torch.tensor(MEANS, dtype=dtype).log()
    p = NegativeBinomial(log_mean, torch.tensor(dispersion, dtype=dtype), validate_args=True)
    ours = p.log_prob(COUNTS.to(dtype)[:, None]).double().numpy()
    r = p.dispersion[0].item()
    expected = [[nb_log_prob(x, m, r) for m in log_mean.tolist()] for x in COUNTS.tolist()]
    np.testing.assert_allclose(ours, expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("dispersion", [0.5, 1.0, 30.0])
def test_negative_binomial_is_scipys(dispersion):
    mean = torch.tensor([0.3, 5.0, 800.0], dtype=torch.float64)
    p = NegativeBinomial(mean.log(), torch.tensor(dispersion, dtype=torch.float64))
    oracle = nb(mean.numpy(), dispersion)
    x = COUNTS.double()[:5, None]
    np.testing.assert_allclose(p.log_prob(x).numpy(), oracle.logpmf(x.numpy()), rtol=1e-9)
    np.testing.assert_allclose(p.mean.numpy(), oracle.mean())
    np.testing.assert_allclose(p.variance.numpy(), oracle.var())


def test_negative_binomial_tends_to_poisson():
    log_mean = torch.tensor([0.1, 3.0, 500.0]).log()
    x = torch.tensor([[0.0], [3.0], [480.0]])
    limit = NegativeBinomial(log_mean, torch.tensor(1e9)).log_prob(x)
    torch.testing.assert_close(limit, Poisson(log_mean).log_prob(x), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("gate", [-200.0, -1.0, 3.0, 200.0])
def test_zero_inflated_agrees_with_scipy_and_sums_to_one(gate):
    log_mean, dispersion = (
        torch.tensor([0.5, 20.0], dtype=torch.float64).log(),
        torch.tensor([0.7, 3.0], dtype=torch.float64),
    )
    p = ZeroInflatedNegativeBinomial(
        log_mean, dispersion, torch.tensor(gate, dtype=torch.float64), validate_args=True
    )
    x = torch.arange(2000, dtype=torch.float64)[:, None]
    pi, rest = special.expit(gate), special.expit(-gate)
    mass = p.log_prob(x).exp()
    expected = rest * nb(log_mean.exp().numpy(), dispersion.numpy()).pmf(x.numpy()) + pi * (x.numpy() == 0)
    np.testing.assert_allclose(mass.numpy(), expected, rtol=1e-6, atol=1e-300)
    torch.testing.assert_close(mass.sum(0), torch.ones(2, dtype=torch.float64))
    torch.testing.assert_close((mass * x).sum(0), p.mean)
    torch.testing.assert_close((mass * x**2).sum(0) - p.mean**2, p.variance)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_multinomial_agrees_with_scipy_row_by_row(dtype):
    torch.manual_seed(0)
    logits = torch.randn(4, 6, dtype=dtype)
    totals = torch.tensor([1.0, 12.0, 3000.0, 100_000.0], dtype=dtype)
    p = Multinomial(totals, logits, validate_args=True)
    x = p.sample((3,))
    assert torch.equal(x.sum(-1), totals.expand(3, 4))
    ours = p.log_prob(x).double().numpy()
    for i in range(4):
        rho = logits[i].double().softmax(-1).numpy()
        expected = stats.multinomial.logpmf(x[:, i].double().numpy(), int(totals[i]), rho / rho.sum())
        np.testing.assert_allclose(ours[:, i], expected, rtol=1e-6, atol=1e-6)


def test_multinomial_sums_to_one():
    p = Multinomial(
        torch.tensor(5.0, dtype=torch.float64), torch.tensor([0.3, -1.0, 2.0], dtype=torch.float64)
    )
    rows = torch.tensor([[a, b, 5 - a - b] for a in range(6) for b in range(6 - a)], dtype=torch.float64)
    assert p.log_prob(rows).exp().sum().item() == pytest.approx(1, abs=1e-12)
    torch.testing.assert_close((p.log_prob(rows).exp()[:, None] * rows).sum(0), p.mean)


def test_empty_rows_and_impossible_categories_are_finite():
    logits = torch.tensor([[0.0, 1.0], [1e4, -1e4], [0.0, 0.0]], requires_grad=True)
    x = torch.tensor([[0.0, 0.0], [0.0, 3.0], [1.0, 1.0]])
    log_p = Multinomial(x.sum(-1), logits).log_prob(x)
    assert log_p[0] == 0
    assert log_p.isfinite().all()
    log_p.sum().backward()
    assert logits.grad.isfinite().all()
    assert torch.equal(Multinomial(torch.tensor([0.0]), torch.zeros(1, 3)).sample(), torch.zeros(1, 3))
    assert torch.equal(Multinomial(torch.tensor([4.0]), torch.zeros(1, 1)).sample(), torch.tensor([[4.0]]))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_gradients_are_finite_at_extremes(dtype):
    log_mean = (
        torch.tensor([-300.0, -20.0, 0.0, 15.0, 30.0], dtype=dtype)[:, None, None, None]
        .clone()
        .requires_grad_()
    )
    dispersion = torch.tensor([1e-6, 1e-2, 1.0, 1e6], dtype=dtype)[:, None, None].clone().requires_grad_()
    gate = torch.tensor([-1e3, 0.0, 1e3], dtype=dtype)[:, None].clone().requires_grad_()
    x = COUNTS.to(dtype)
    for p in (
        Poisson(log_mean),
        NegativeBinomial(log_mean, dispersion),
        ZeroInflatedNegativeBinomial(log_mean, dispersion, gate),
    ):
        log_p = p.log_prob(x)
        assert log_p.isfinite().all()
        parameters = [
            t
            for t, name in (
                (log_mean, "log_mean"),
                (log_mean, "log_rate"),
                (dispersion, "dispersion"),
                (gate, "zero_logits"),
            )
            if hasattr(p, name)
        ]
        for gradient in torch.autograd.grad(log_p.sum(), parameters):
            assert gradient.isfinite().all()


def test_gradcheck():
    def leaf(*values):
        return torch.tensor(values, dtype=torch.float64, requires_grad=True)

    x = torch.tensor([0.0, 1.0, 17.0], dtype=torch.float64)
    three = leaf(0.1, 0.5, 2.0), leaf(0.4, 2.0, 9.0), leaf(-1.0, 0.3, 1.0)
    assert torch.autograd.gradcheck(lambda m, r, g: ZeroInflatedNegativeBinomial(m, r, g).log_prob(x), three)
    assert torch.autograd.gradcheck(lambda m, r: NegativeBinomial(m, r).log_prob(x), three[:2])
    assert torch.autograd.gradcheck(lambda m: Poisson(m).log_prob(x), three[:1])
    assert torch.autograd.gradcheck(lambda m: Multinomial(x.sum(), m).log_prob(x), three[:1])


def test_samples_have_the_moments():
    torch.manual_seed(0)
    log_mean, dispersion = torch.tensor([0.5, 40.0]).log(), torch.tensor([0.8, 5.0])
    distributions = (
        Poisson(log_mean),
        NegativeBinomial(log_mean, dispersion),
        ZeroInflatedNegativeBinomial(log_mean, dispersion, torch.tensor([0.5, -1.0])),
    )
    for p in distributions:
        x = p.sample((200_000,))
        torch.testing.assert_close(x.mean(0), p.mean, rtol=0.02, atol=0)
        torch.testing.assert_close(x.var(0), p.variance, rtol=0.06, atol=0)
        assert torch.equal(x, x.round())
        assert p.expand((3, 2)).sample((4,)).shape == (4, 3, 2)
    p = Multinomial(torch.tensor(30.0), torch.tensor([0.0, 1.0, -2.0]))
    x = p.expand((50_000,)).sample()
    rho = p.mean / 30
    torch.testing.assert_close(x.mean(0), p.mean, rtol=0.02, atol=0)
    torch.testing.assert_close(x.T.cov(), 30 * (rho.diag() - rho[:, None] * rho), rtol=0.08, atol=0.02)
