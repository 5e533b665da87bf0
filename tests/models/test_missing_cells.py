"""The importance bound over observed cells (MIWAE) beside the exact marginal of a linear-Gaussian model."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import stats
from torch import nn

from latentia.estimators.compose import compose
from latentia.kinds.vae.catalog import CATALOG
from latentia.latent.likelihoods.mixed import MixedLikelihood
from latentia.latent.likelihoods.terms import Term
from latentia.models.importance import importance_log_prob

D, NOISE = 5, 0.3
TERMS = tuple(Term("gaussian", j, mask=D + j) for j in range(D))


class Linear(nn.Module):
    """x = z W + b, with outputs `[N, 1, 2 D]`; marks of what is observed have none."""

    def __init__(self, weight, bias):
        super().__init__()
        self.register_buffer("weight", torch.cat([weight, torch.zeros_like(weight)], 1))
        self.register_buffer("bias", torch.cat([bias, torch.zeros_like(bias)]))

    def forward(self, z):
        return (z @ self.weight + self.bias)[:, None]


@pytest.fixture(scope="module")
def fitted():
    """A model whose decoder and noise are given, its encoder trained against them by the bound; and rows with gaps."""
    torch.manual_seed(0)
    weight, bias = torch.randn(1, D, dtype=torch.float64), 0.5 * torch.randn(D, dtype=torch.float64)
    x = (
        torch.randn(2000, 1, dtype=torch.float64) @ weight
        + bias
        + NOISE * torch.randn(2000, D, dtype=torch.float64)
    )
    seen = (torch.rand(2000, D) > 0.3).double()
    rows = torch.cat([x * seen, seen], 1)
    model = compose(
        CATALOG["vae"],
        (2 * D,),
        1,
        likelihood=lambda shape: MixedLikelihood(shape, TERMS, "data"),
        network="mlp-small",
    ).double()
    model.decoder = Linear(weight, bias)
    model.likelihood.sigma2.fill_(NOISE**2)
    model.likelihood.stray.fill_(1e-12)  # no stray cells: Gaussian alone
    optimizer = torch.optim.Adam([*model.encoder.parameters(), *model.posterior.parameters()], 5e-3)
    for step in range(300):
        batch = rows[(step * 128) % 1872 :][:128]
        trace = model.train().trace(batch)
        loss = -(trace.log_likelihood.mean() - trace.kl.sum(-1).mean())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return model.eval(), rows[-300:], weight.numpy(), bias.numpy()


def exact(rows, weight, bias):
    """Log N(x_o; b_o, W_o' W_o + s^2 I) of each row by SciPy."""
    covariance = weight.T @ weight + NOISE**2 * np.eye(D)
    out = np.zeros(len(rows))
    for i, row in enumerate(rows.numpy()):
        o = row[D:] > 0.5
        if o.any():
            out[i] = stats.multivariate_normal.logpdf(row[:D][o], bias[o], covariance[np.ix_(o, o)])
    return out


def test_the_bound_is_within_two_hundredths_of_a_nat_of_the_exact_marginal(fitted):
    model, rows, weight, bias = fitted
    expected = exact(rows, weight, bias)
    means = [
        float((importance_log_prob(model, rows, s).double().numpy() - expected).mean()) for s in (1, 20, 500)
    ]
    assert means[0] < means[1] < means[2] + 0.005  # it rises with the samples
    assert abs(means[2]) < 0.02
    assert np.abs(importance_log_prob(model, rows, 500).double().numpy() - expected).max() < 0.3


def test_a_cell_that_is_not_observed_has_no_say(fitted):
    model, rows, *_ = fitted
    other = rows.clone()
    other[:, :D] += 100 * (1 - rows[:, D:])  # whatever stands where nothing was observed
    p = model.likelihood(model.outputs(torch.zeros(1, len(rows), 1, dtype=torch.float64)), rows)
    torch.testing.assert_close(p.log_prob(other), p.log_prob(rows))
