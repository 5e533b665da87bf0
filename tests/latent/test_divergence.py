"""KL of posterior from prior: torch's closed form where there is one, the same shape and expectation otherwise."""

import math

import pytest
import torch
from scipy import stats
from torch.distributions import (
    Categorical,
    Independent,
    MixtureSameFamily,
    MultivariateNormal,
    Normal,
    StudentT,
)
from torch.distributions import kl_divergence as torch_kl

from latentia.distributions import Delta, DiagonalGaussian
from latentia.latent import (
    DeterministicPosterior,
    DiagonalGaussianPosterior,
    StandardNormalPrior,
    kl_divergence,
)

S, B, D = 6, 4, 3


@pytest.fixture
def q():
    generator = torch.Generator().manual_seed(0)
    loc = torch.randn(B, D, generator=generator, dtype=torch.float64)
    return DiagonalGaussian(loc, torch.rand(B, D, generator=generator, dtype=torch.float64) + 0.2)


@pytest.fixture
def p():
    return DiagonalGaussian(torch.zeros(D, dtype=torch.float64), torch.ones(D, dtype=torch.float64))


def test_gaussians_are_analytic_per_dimension(q, p):
    z = q.rsample((S,))
    kl = kl_divergence(q, p, z)
    variance, mean = q.variance, q.mean
    expected = 0.5 * (mean**2 + variance - 1 - variance.log())
    torch.testing.assert_close(kl, expected.expand(S, B, D))
    torch.testing.assert_close(kl.sum(-1)[0], torch_kl(q, p))
    torch.testing.assert_close(kl_divergence(Independent(q.base, 1), p, z), kl)
    torch.testing.assert_close(kl_divergence(q, Independent(p.base, 1), z), kl)


def test_pairs_torch_has_but_that_do_not_factorise_give_one_column(q):
    full = MultivariateNormal(q.mean, torch.diag_embed(q.variance))
    prior = MultivariateNormal(torch.zeros(D, dtype=torch.float64), torch.eye(D, dtype=torch.float64) + 0.3)
    kl = kl_divergence(full, prior, full.rsample((S,)))
    assert kl.shape == (S, B, 1)
    torch.testing.assert_close(kl[..., 0], torch_kl(full, prior).expand(S, B))


def test_unknown_pairs_of_products_are_estimated_per_dimension(q):
    base = StudentT(torch.tensor(4.0, dtype=torch.float64), torch.zeros(D, dtype=torch.float64), 1.0)
    with pytest.raises(NotImplementedError):
        torch_kl(q.base, base)
    torch.manual_seed(0)
    z = q.rsample((100_000,))
    kl = kl_divergence(q, Independent(base, 1), z)
    assert kl.shape == (100_000, B, D)
    for i, j in ((0, 0), (1, 2), (3, 1)):
        a, b = stats.norm(q.mean[i, j].item(), q.stddev[i, j].item()), stats.t(4)
        exact = a.expect(lambda x, a=a, b=b: a.logpdf(x) - b.logpdf(x))
        spread = kl[:, i, j].std().item() / math.sqrt(1e5)
        assert kl[:, i, j].mean().item() == pytest.approx(exact, abs=4.5 * spread)


def test_a_mixture_prior_is_estimated_in_one_column(q):
    mixture = MixtureSameFamily(
        Categorical(torch.ones(2, dtype=torch.float64)),
        Independent(Normal(torch.tensor([[-1.0] * D, [1.0] * D], dtype=torch.float64), 1.0), 1),
    )
    z = q.rsample((S,))
    kl = kl_divergence(q, mixture, z)
    assert kl.shape == (S, B, 1)
    torch.testing.assert_close(kl[..., 0], q.log_prob(z) - mixture.log_prob(z))


def test_the_estimate_carries_gradients_to_both(q):
    loc = q.mean.clone().requires_grad_()
    prior_loc = torch.zeros(D, dtype=torch.float64, requires_grad=True)
    posterior = DiagonalGaussian(loc, q.stddev)
    mixture = MixtureSameFamily(
        Categorical(torch.ones(1, dtype=torch.float64)), Independent(Normal(prior_loc[None], 1.0), 1)
    )
    torch.manual_seed(0)
    kl_divergence(posterior, mixture, posterior.rsample((20_000,))).mean(0).sum().backward()
    torch.testing.assert_close(loc.grad, q.mean, atol=0.03, rtol=0)  # d KL / d mu = mu - 0
    torch.testing.assert_close(prior_loc.grad, -q.mean.sum(0), atol=0.06, rtol=0)


def test_a_point_mass_gives_zeros(p):
    q = Delta(torch.randn(B, D))
    assert torch.equal(kl_divergence(q, p, q.rsample((S,))), torch.zeros(S, B, D))


def test_latents_of_any_shape_are_flattened():
    q = DiagonalGaussian(torch.randn(B, 2, 3, 3), torch.ones(1), event_ndims=3)
    p = DiagonalGaussian(torch.zeros(2, 3, 3), torch.ones(1), event_ndims=3)
    kl = kl_divergence(q, p, q.rsample((S,)))
    assert kl.shape == (S, B, 18)
    torch.testing.assert_close(kl[0], q.mean.flatten(1).square() / 2)


def test_the_gaussian_posterior_is_finite_for_any_features():
    torch.manual_seed(0)
    posterior, prior = DiagonalGaussianPosterior(8, D), StandardNormalPrior(D)()
    for size in (0.0, 1.0, 1e4, 1e15):
        features = (size * torch.randn(B, 8)).requires_grad_()
        q = posterior(features)
        assert (q.batch_shape, q.event_shape) == ((B,), (D,))
        z = q.rsample((S,))
        assert q.stddev.min() >= math.exp(-7.001)
        assert q.stddev.max() <= math.exp(3.001)
        total = kl_divergence(q, prior, z).sum() / max(size, 1.0) ** 2 + q.log_prob(z).sum()
        assert total.isfinite()
        total.backward()
        assert features.grad.isfinite().all()


def test_the_log_variance_map_is_the_identity_inside_its_range():
    posterior = DiagonalGaussianPosterior(1, 1)
    with torch.no_grad():
        posterior.linear.weight.copy_(torch.tensor([[0.0], [1.0]]))
        posterior.linear.bias.zero_()
    raw = torch.linspace(-9.4, 1.4, 50)[:, None]
    torch.testing.assert_close(posterior(raw).variance.log(), raw, atol=0.0101, rtol=0)


def test_posteriors_and_prior_follow_the_dtype_and_keep_no_constants():
    prior = StandardNormalPrior(D).double()
    assert prior().sample((2,)).dtype == torch.float64
    assert prior().batch_shape == ()
    assert not prior.state_dict()
    features = torch.randn(B, 8)
    for posterior in (DiagonalGaussianPosterior(8, D), DeterministicPosterior(8, D)):
        with torch.autocast("cpu", dtype=torch.bfloat16):
            assert posterior(features).rsample().dtype == torch.float32
        assert posterior.double()(features.double()).mean.dtype == torch.float64
