"""The likelihood of columns of unlike kinds beside closed forms and sums."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import integrate, stats

from latentia.errors import ConfigError
from latentia.latent.likelihoods.mixed import MixedLikelihood
from latentia.latent.likelihoods.terms import Term

TERMS = (
    Term("gaussian", 0, mask=8),
    Term("bernoulli", 1, mask=9),
    Term("categorical", 2, 3, mask=10),
    Term("ordinal", 5, mask=11, centre=1.0, scale=0.5, levels=4),
    Term("negative-binomial", 6, mask=12, centre=0.3, scale=0.7),
)
WIDTH = 13
OUT = torch.tensor([[[0.3, -0.4, 0.2, 1.0, -0.5, 0.6, 0.9, 0.0, *[0.0] * 5]]], dtype=torch.float64)


@pytest.fixture
def likelihood():
    found = MixedLikelihood((WIDTH,), TERMS).double().eval()
    found.sigma2.fill_(0.4)
    found.stray.fill_(0.05)
    return found


def row(number=0.0, bit=0, level=0, order=0, count=0, seen=(1, 1, 1, 1, 1)):
    x = torch.zeros(WIDTH, dtype=torch.float64)
    x[0], x[1], x[2 + level] = number, bit, 1.0
    x[5], x[6] = (order - 1.0) / 0.5, (np.log1p(count) - 0.3) / 0.7
    x[8:] = torch.tensor(seen, dtype=torch.float64)
    return x


def test_every_column_is_a_probability(likelihood):
    p = likelihood(OUT)
    by = lambda x: p.log_prob_by_column(x)[0].exp().detach().numpy()  # noqa: E731
    total, _ = integrate.quad(lambda t: by(row(number=t))[0], -np.inf, np.inf, limit=400)
    assert total == pytest.approx(1, abs=1e-7)
    assert sum(by(row(bit=b))[1] for b in (0, 1)) == pytest.approx(1, abs=1e-12)
    assert sum(by(row(level=k))[2] for k in range(3)) == pytest.approx(1, abs=1e-12)
    assert sum(by(row(order=k))[3] for k in range(4)) == pytest.approx(1, abs=1e-12)
    assert sum(by(row(count=k))[4] for k in range(400)) == pytest.approx(1, abs=1e-6)


def test_each_column_has_its_closed_form(likelihood):
    found = likelihood(OUT).log_prob_by_column(row(0.9, 1, 1, 2, 3))[0].detach().numpy()
    bulk = 0.95 * stats.norm.pdf(0.9, 0.3, np.sqrt(0.4)) + 0.05 * stats.cauchy.pdf(0.9, scale=4)
    logits = np.array([0.2, 1.0, -0.5])
    cuts = likelihood.cuts[0].detach().numpy() + 1e-3 * np.arange(3)
    below = 1 / (1 + np.exp(-(cuts - 0.6)))
    r, mean = float(likelihood.dispersion.detach()), np.exp(0.9)
    expected = [
        np.log(bulk),
        np.log(1 / (1 + np.exp(0.4))),
        logits[1] - np.log(np.exp(logits).sum()),
        np.log(below[2] - below[1]),
        stats.nbinom.logpmf(3, r, r / (r + mean)),
    ]
    np.testing.assert_allclose(found, expected, rtol=1e-9)


def test_a_missing_cell_says_nothing(likelihood):
    p = likelihood(OUT)
    whole = p.log_prob_by_column(row(2.0, 1, 2, 1, 5))[0]
    for j in range(5):
        seen = [1.0] * 5
        seen[j] = 0.0
        found = p.log_prob_by_column(row(2.0, 1, 2, 1, 5, seen))[0]
        assert found[j] == 0
        torch.testing.assert_close(found.sum(), whole.sum() - whole[j])
        assert p.log_prob(row(2.0, 1, 2, 1, 5, seen)).item() == pytest.approx(found.sum().item())


def test_a_column_in_which_nothing_is_known_changes_no_likelihood(likelihood):
    more = MixedLikelihood((WIDTH + 2,), (*TERMS, Term("gaussian", WIDTH, mask=WIDTH + 1))).double().eval()
    more.sigma2.fill_(0.4), more.stray.fill_(0.05)
    out = torch.cat([OUT, torch.randn(1, 1, 2, dtype=torch.float64)], -1)
    x = torch.cat([row(1.0, 1, 0, 3, 2), torch.zeros(2, dtype=torch.float64)])
    assert more(out).log_prob(x).item() == pytest.approx(
        likelihood(OUT).log_prob(x[:WIDTH]).item(), abs=1e-12
    )


def test_draws_have_the_margins_of_the_density(likelihood):
    torch.manual_seed(0)
    x = likelihood(OUT).sample(torch.Size([20_000]))[:, 0]
    assert x[:, 8:].min() == 1
    shares = x[:, 2:5].mean(0).numpy()
    np.testing.assert_allclose(shares, torch.tensor([0.2, 1.0, -0.5]).softmax(0), atol=0.015)
    assert float(x[:, 1].mean()) == pytest.approx(1 / (1 + np.exp(0.4)), abs=0.015)
    counts = torch.expm1(x[:, 6] * 0.7 + 0.3)
    assert float(counts.mean()) == pytest.approx(np.exp(0.9), rel=0.05)
    middle = float((x[:, 0] < 0.3).double().mean())
    assert middle == pytest.approx(0.95 * 0.5 + 0.05 * stats.cauchy.cdf(0.3, scale=4), abs=0.015)


def test_calibration_sets_variance_and_strays_of_the_known_cells():
    random = np.random.default_rng(0)
    likelihood = (
        MixedLikelihood((4,), [Term("gaussian", 0, mask=2), Term("gaussian", 1, mask=3)]).double().eval()
    )
    x = torch.ones(4000, 4, dtype=torch.float64)
    x[:, :2] = torch.from_numpy(random.normal(size=(4000, 2)) * [0.5, 1.5])
    x[:120, 0] = 25.0
    x[200:, 1], x[200:, 3] = 0.0, 0.0
    out = torch.zeros(1, 4000, 1, 4, dtype=torch.float64)
    for _ in range(3):
        likelihood.start_calibration()
        likelihood.accumulate(out, x)
        likelihood.finish_calibration()
    assert float(likelihood.sigma2[0]) == pytest.approx(0.25, rel=0.05)
    assert float(likelihood.stray[0]) == pytest.approx(0.03, abs=0.01)
    assert float(likelihood.sigma2[1]) == pytest.approx(2.25, rel=0.25)


def test_starts_give_the_margins_of_the_data():
    likelihood = MixedLikelihood((WIDTH,), TERMS).double()
    x = torch.stack([row(i % 5, i % 4 == 0, i % 3, i % 4, i % 6) for i in range(600)])
    likelihood.prepare(x)
    p = likelihood.eval()(likelihood.initial_outputs()[None])
    np.testing.assert_allclose(p.mean[0, 2:5].detach(), [1 / 3] * 3, atol=1e-3)
    assert float(p.mean[0, 1].detach()) == pytest.approx(0.25, abs=1e-3)
    shares = [float(p.log_prob_by_column(row(order=k))[0, 3].exp().detach()) for k in range(4)]
    np.testing.assert_allclose(shares, [0.25] * 4, atol=5e-3)


def test_what_cannot_be_is_refused():
    with pytest.raises(ConfigError, match="rows of a table"):
        MixedLikelihood((1, 8, 8))
    with pytest.raises(ConfigError, match="reach beyond"):
        MixedLikelihood((2,), [Term("categorical", 0, 3)])


def test_dispersions_are_those_of_the_residuals(likelihood):
    """Counts of a known dispersion given their means: calibration finds it, and all but Poisson ones a large one."""
    random = np.random.default_rng(0)
    mean = random.uniform(2, 30, 20_000)
    for r in (3.0, np.inf):
        rate = mean if np.isinf(r) else random.gamma(r, mean / r)
        count = random.poisson(rate)
        x = row().repeat(len(mean), 1)
        x[:, 6] = torch.from_numpy((np.log1p(count) - 0.3) / 0.7)
        outputs = OUT.expand(1, len(mean), 1, -1).clone()
        outputs[0, :, 0, 6] = torch.from_numpy(np.log(mean))
        likelihood.start_calibration()
        for part in range(0, len(mean), 5000):
            likelihood.accumulate(outputs[:, part : part + 5000], x[part : part + 5000])
        likelihood.finish_calibration()
        found = float(likelihood.dispersion)
        assert found == pytest.approx(3.0, rel=0.1) if r == 3.0 else found > 150


def test_dispersions_follow_the_residuals_in_training_and_not_gradients(likelihood):
    random = np.random.default_rng(1)
    likelihood.train()
    assert not likelihood.raw_dispersion.requires_grad
    assert MixedLikelihood((WIDTH,), TERMS, "learned").raw_dispersion.requires_grad
    for _ in range(60):
        mean = random.uniform(2, 30, 64)
        x = row().repeat(64, 1)
        x[:, 6] = torch.from_numpy((np.log1p(random.poisson(random.gamma(3.0, mean / 3.0))) - 0.3) / 0.7)
        outputs = OUT.expand(1, 64, 1, -1).clone()
        outputs[0, :, 0, 6] = torch.from_numpy(np.log(mean))
        p = likelihood(outputs, x)
        assert torch.equal(p.dispersion, likelihood.dispersion)
    assert float(likelihood.dispersion) == pytest.approx(3.0, rel=0.35)
    x[:, 12] = 0.0  # a column that is not observed in a batch
    before = float(likelihood.dispersion)
    likelihood(outputs, x)
    assert float(likelihood.dispersion) == pytest.approx(before, rel=1e-6)
