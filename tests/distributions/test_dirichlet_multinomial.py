"""The Dirichlet-multinomial: against SciPy, its limits, its moments, and where numbers are extreme."""

import math

import numpy as np
import pytest
import torch
from scipy import stats

from latentia.distributions import DirichletMultinomial, Multinomial


@pytest.mark.parametrize("log_theta", [-3.0, 1.0, 8.0])
def test_it_agrees_with_scipy_and_sums_to_one(log_theta):
    logits = torch.tensor([0.3, -1.0, 2.0], dtype=torch.float64)
    p = DirichletMultinomial(
        torch.tensor(5.0, dtype=torch.float64),
        logits,
        torch.tensor(log_theta, dtype=torch.float64),
        validate_args=True,
    )
    rows = torch.tensor([[a, b, 5 - a - b] for a in range(6) for b in range(6 - a)], dtype=torch.float64)
    alpha = (math.exp(log_theta) * logits.softmax(-1)).numpy()
    expected = [stats.dirichlet_multinomial.logpmf(row, alpha, 5) for row in rows.numpy().astype(int)]
    np.testing.assert_allclose(p.log_prob(rows).numpy(), expected, rtol=1e-10)
    assert p.log_prob(rows).exp().sum().item() == pytest.approx(1, abs=1e-9)
    torch.testing.assert_close((p.log_prob(rows).exp()[:, None] * rows).sum(0), p.mean)


def test_high_precision_is_a_multinomial():
    logits, x = (
        torch.tensor([0.3, -1.0, 2.0], dtype=torch.float64),
        torch.tensor([3.0, 0.0, 9.0], dtype=torch.float64),
    )
    limit = DirichletMultinomial(x.sum(), logits, torch.tensor(20.0, dtype=torch.float64)).log_prob(x)
    torch.testing.assert_close(limit, Multinomial(x.sum(), logits).log_prob(x), rtol=1e-6, atol=1e-6)


def test_samples_have_its_mean_and_overdispersion():
    torch.manual_seed(0)
    theta, n, logits = 4.0, 30.0, torch.tensor([0.0, 1.0, -2.0])
    x = (
        DirichletMultinomial(torch.tensor(n), logits, torch.tensor(math.log(theta)))
        .expand((60_000,))
        .sample()
    )
    rho = logits.softmax(-1)
    assert torch.equal(x.sum(-1), torch.full((60_000,), n))
    torch.testing.assert_close(x.mean(0), n * rho, rtol=0.02, atol=0)
    torch.testing.assert_close(x.var(0), n * rho * (1 - rho) * (n + theta) / (1 + theta), rtol=0.05, atol=0)


def test_tiny_concentrations_and_empty_rows_are_finite():
    logits = torch.tensor([[0.0, 1.0], [1e4, -1e4], [0.0, 0.0]], requires_grad=True)
    log_theta = torch.tensor(-20.0, requires_grad=True)
    x = torch.tensor([[0.0, 0.0], [0.0, 3.0], [1.0, 1.0]])
    p = DirichletMultinomial(x.sum(-1), logits, log_theta)
    log_p = p.log_prob(x)
    assert log_p[0] == 0
    assert log_p.isfinite().all()
    for gradient in torch.autograd.grad(log_p.sum(), (logits, log_theta)):
        assert gradient.isfinite().all()
    drawn = p.sample((50,))
    assert drawn.isfinite().all()
    assert (drawn[:, 2] == torch.tensor([2.0, 0.0])).all(-1).any()  # nearly all of a row is one category


def test_gradcheck():
    x = torch.tensor([0.0, 1.0, 17.0], dtype=torch.float64)
    logits = torch.tensor([0.1, 0.5, 2.0], dtype=torch.float64, requires_grad=True)
    log_theta = torch.tensor(1.3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(
        lambda m, t: DirichletMultinomial(x.sum(), m, t).log_prob(x), (logits, log_theta)
    )
