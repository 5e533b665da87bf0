"""Likelihoods of pixels and counts: what the decoder's numbers mean, by summing to one or against SciPy."""

import numpy as np
import pytest
import torch
from scipy import integrate, special, stats

from latentia.errors import ConfigError
from latentia.latent import LIKELIHOODS
from latentia.latent.likelihoods import (
    BernoulliLikelihood,
    CategoricalLikelihood,
    ContinuousBernoulliLikelihood,
    DiscretizedLogisticLikelihood,
    LogisticMixtureLikelihood,
    NegativeBinomialLikelihood,
)

COUNTS = ("poisson", "multinomial", "dirichlet-multinomial", "negative-binomial", "zinb")


@pytest.mark.parametrize("scale", [0.1, 3.0, 100.0])
@pytest.mark.parametrize(
    "cls", [DiscretizedLogisticLikelihood, LogisticMixtureLikelihood, CategoricalLikelihood]
)
def test_probabilities_of_all_images_sum_to_one(cls, scale):
    torch.manual_seed(0)
    likelihood = cls((2, 1, 2), levels=4)
    p = likelihood((scale * torch.randn(1, likelihood.n_outputs, 2, 1, 2)).double())
    axis = torch.arange(4, dtype=torch.float64) / 3
    images = torch.cartesian_prod(*[axis] * 4).reshape(-1, 2, 1, 2)
    assert p.log_prob(images).exp().sum().item() == pytest.approx(1, abs=1e-9)


def test_the_rgb_mixture_is_a_joint_distribution_of_the_channels():
    torch.manual_seed(0)
    likelihood = LogisticMixtureLikelihood((3, 1, 1), n_components=2, levels=8)
    p = likelihood(2 * torch.randn(1, likelihood.n_outputs, 3, 1, 1).double())
    axis = torch.arange(8, dtype=torch.float64) / 7
    joint = p.log_prob(torch.cartesian_prod(axis, axis, axis).reshape(-1, 3, 1, 1)).exp().reshape(8, 8, 8)
    assert joint.sum().item() == pytest.approx(1, abs=1e-9)
    red, green = joint.sum((1, 2)), joint.sum((0, 2))
    assert (joint.sum(2) - red[:, None] * green).abs().max() > 1e-3


def test_bernoulli_agrees_with_scipy():
    logits = torch.tensor([[[-50.0, -1.0, 0.0, 2.0, 30.0]]])
    x = torch.tensor([[0.0, 1.0, 1.0, 0.0, 1.0]])
    expected = stats.bernoulli.logpmf(x[0].numpy(), special.expit(logits[0, 0].double().numpy())).sum()
    p = BernoulliLikelihood((5,))(logits)
    assert p.log_prob(x).item() == pytest.approx(expected, rel=1e-6)
    np.testing.assert_allclose(p.mean[0].numpy(), special.expit(logits[0, 0].numpy()), rtol=1e-6)


def test_continuous_bernoulli_integrates_to_one_and_starts_at_the_mean():
    likelihood = ContinuousBernoulliLikelihood((4,))
    data = torch.rand(500, 4) ** torch.tensor([1.0, 0.2, 5.0, 20.0])
    likelihood.prepare(data)
    p = likelihood(likelihood.initial_outputs()[None])
    torch.testing.assert_close(p.mean[0], data.mean(0), atol=1e-4, rtol=0)
    for i in range(4):
        base = p.base_dist

        def density(t, i=i, base=base):
            return base.log_prob(torch.full((1, 4), t)).exp()[0, i].item()

        assert integrate.quad(density, 0, 1, epsabs=1e-6)[0] == pytest.approx(1, abs=1e-4)


def test_categorical_starts_at_the_histogram():
    x = torch.randint(0, 4, (1000, 2)).float() / 3
    likelihood = CategoricalLikelihood((2,), levels=4)
    likelihood.prepare(x)
    p = likelihood(likelihood.initial_outputs()[None]).base_dist
    frequencies = np.bincount((x * 3).round().long().flatten().numpy(), minlength=4) + 1
    grid = torch.arange(4)[:, None, None] / 3
    np.testing.assert_allclose(
        p.log_prob(grid).exp()[:, 0, 0].numpy(), frequencies / frequencies.sum(), rtol=1e-5
    )


def test_logistic_starts_with_the_spread_of_the_data():
    x = (torch.randn(2000, 3) * 0.1 + 0.5).clamp(0, 1)
    likelihood = DiscretizedLogisticLikelihood((3,))
    likelihood.prepare(x)
    sample = likelihood(likelihood.initial_outputs().expand(5000, 2, 3)).sample()
    torch.testing.assert_close(sample.std(0), x.std(0), rtol=0.08, atol=0)
    torch.testing.assert_close(sample.mean(0), x.mean(0), atol=0.01, rtol=0)


@pytest.mark.parametrize(
    "cls", [DiscretizedLogisticLikelihood, LogisticMixtureLikelihood, CategoricalLikelihood]
)
def test_one_level_is_refused(cls):
    with pytest.raises(ConfigError, match="levels=1"):
        cls((2,), levels=1)


def test_no_component_is_refused():
    with pytest.raises(ConfigError, match="n_components=0"):
        LogisticMixtureLikelihood((2,), n_components=0)


def oracle(name, outputs, x, dispersion):
    n = x.sum(1, keepdims=True)
    rho = special.softmax(outputs[:, 0], 1)
    mean = n * rho
    if name == "multinomial":
        return np.array(
            [stats.multinomial.logpmf(row, row.sum(), r / r.sum()) for row, r in zip(x, rho, strict=True)]
        )
    if name == "dirichlet-multinomial":
        rows = zip(x, rho, dispersion, strict=True)
        return np.array(
            [
                stats.dirichlet_multinomial.logpmf(row, r / r.sum() * theta, int(row.sum()))
                for row, r, theta in rows
            ]
        )
    if name == "poisson":
        return stats.poisson.logpmf(x, n * special.expit(outputs[:, 0])).sum(1)
    pmf = stats.nbinom.pmf(x, dispersion, dispersion / (dispersion + mean))
    if name == "zinb":
        gate = special.expit(outputs[:, 1])
        pmf = gate * (x == 0) + (1 - gate) * pmf
    return np.log(pmf).sum(1)


@pytest.mark.parametrize("name", COUNTS)
def test_counts_agree_with_scipy(name):
    torch.manual_seed(0)
    likelihood = LIKELIHOODS[name](torch.Size((6,)))
    x = torch.poisson(torch.rand(9, 6) * 8)
    likelihood.prepare(x)
    outputs = torch.randn(9, likelihood.n_outputs, 6)
    dispersion = (
        likelihood.dispersion.detach().double().numpy() if hasattr(likelihood, "dispersion") else None
    )
    if name == "dirichlet-multinomial":
        dispersion = np.full(9, likelihood.log_precision.exp().item())
    expected = oracle(name, outputs.double().numpy(), x.double().numpy(), dispersion)
    np.testing.assert_allclose(likelihood(outputs, x).log_prob(x).detach().numpy(), expected, rtol=1e-4)


@pytest.mark.parametrize("name", COUNTS)
def test_empty_rows_are_certain(name):
    likelihood = LIKELIHOODS[name](torch.Size((4,)))
    outputs = torch.randn(3, likelihood.n_outputs, 4, requires_grad=True)
    p = likelihood(outputs, torch.zeros(3, 4))
    torch.testing.assert_close(p.log_prob(torch.zeros(3, 4)), torch.zeros(3), atol=1e-6, rtol=0)
    p.log_prob(torch.zeros(3, 4)).sum().backward()
    assert outputs.grad.isfinite().all()
    assert torch.equal(p.sample(), torch.zeros(3, 4))


@pytest.mark.parametrize("name", COUNTS)
def test_samples_have_the_library_sizes_of_the_training_rows(name):
    torch.manual_seed(0)
    likelihood = LIKELIHOODS[name](torch.Size((4,)))
    with pytest.raises(ConfigError, match="prepare"):
        likelihood(torch.zeros(2, likelihood.n_outputs, 4))
    sizes = torch.tensor([100.0, 100.0, 1000.0]).repeat(100)
    likelihood.prepare((sizes[:, None] * torch.tensor([0.1, 0.2, 0.3, 0.4])).round())
    drawn = likelihood.library_size(torch.zeros(30_000, 1, 4), None)
    assert set(drawn.unique().tolist()) == {100.0, 1000.0}
    assert (drawn == 100).float().mean().item() == pytest.approx(2 / 3, abs=0.02)
    sample = likelihood(likelihood.initial_outputs().expand(4000, -1, 4)).sample()
    shares = sample.sum(0) / sample.sum()
    torch.testing.assert_close(shares, torch.tensor([0.1, 0.2, 0.3, 0.4]), atol=0.02, rtol=0)


def test_dispersion_starts_near_the_truth():
    torch.manual_seed(0)
    truth = torch.tensor([0.3, 1.0, 5.0, 20.0])
    each = truth.repeat(100)  # many features, so that the totals hardly vary with any one of them
    x = torch.poisson(50 * torch.distributions.Gamma(each, each).sample((2000,)))
    likelihood = NegativeBinomialLikelihood((400,))
    likelihood.prepare(x)
    found = likelihood.dispersion.detach().reshape(100, 4).median(0).values
    torch.testing.assert_close(found, truth, rtol=0.2, atol=0)


def test_counts_are_for_rows():
    with pytest.raises(ConfigError, match=r"\[1, 4, 4\]"):
        LIKELIHOODS["multinomial"](torch.Size((1, 4, 4)))
