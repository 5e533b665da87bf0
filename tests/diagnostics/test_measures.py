"""Each measure against closed forms of the linear-Gaussian model, and on constructed cases."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from torch import nn
from torch.distributions import Distribution, Independent, Laplace

from latentia.diagnostics import (
    amortisation_gap,
    codebook_usage,
    decoder_dependence,
    evaluate,
    generalisation_gap,
    mutual_information,
    refine,
    sample_density,
    smoothness,
    teacher_forcing,
    true_posterior,
)
from latentia.distributions import DiagonalGaussian
from latentia.errors import DataError
from latentia.estimators.compose import compose
from latentia.kinds.vae.catalog import CATALOG
from latentia.latent import Posterior


def normal_scores(n: int, dims: int) -> torch.Tensor:
    """Quasi-random standard-normal points: the closed forms are of the population, not of a noisy sample."""
    uniform = torch.quasirandom.SobolEngine(dims, scramble=True, seed=0).draw(n, dtype=torch.float64)
    return torch.special.ndtri(uniform.clamp(1e-9, 1 - 1e-9))


def population(oracle, n: int) -> torch.Tensor:
    """Items x = b + W z + sigma e, evenly spread."""
    dims = len(oracle.bias)
    draws = normal_scores(n, oracle.latent_dim + dims)
    z, noise = draws[:, : oracle.latent_dim], draws[:, oracle.latent_dim :]
    return oracle.bias + z @ oracle.weight.T + math.sqrt(oracle.sigma2) * noise


@pytest.mark.parametrize(("widen", "shift"), [(1.0, 4.0), (1.3, 2.0), (0.8, 3.0)])
def test_mutual_information_and_aggregate_divergence_agree_with_closed_forms(linear_gaussian, widen, shift):
    oracle = linear_gaussian()
    x = population(oracle, 4096)
    found = mutual_information(oracle.model(widen, shift), x.split(512), items=None)
    variance = oracle.posterior(x)[1]
    of_mean = 1 - variance  # over the items, of the posterior mean
    own = widen**2 * variance
    total = of_mean + own
    exact = 0.5 * float((total.log() - own.log()).sum())
    divergence = 0.5 * float((total + (shift * variance.sqrt()).square() - 1 - total.log()).sum())
    assert found.value == pytest.approx(exact, rel=0.02)
    assert found.upper == pytest.approx(exact, rel=0.02)
    assert found.aggregate_kl == pytest.approx(divergence, rel=0.02)
    assert found.moment_kl == pytest.approx(divergence, rel=0.02)
    assert found.value < found.upper
    assert found.rate == pytest.approx(exact + divergence, rel=0.01)
    assert found.n == 4096
    assert found.bound == pytest.approx(math.log(4096))


def encoding(loc: torch.Tensor, scale: float) -> nn.Module:
    """A model whose item i, an index, has the posterior N(loc[i], scale^2)."""

    class Fixed(nn.Module):
        def encode(self, x: torch.Tensor) -> Distribution:
            return DiagonalGaussian(loc[x[:, 0].long()], torch.full_like(loc[: len(x)], scale))

        def prior(self) -> Distribution:
            return DiagonalGaussian(torch.zeros(loc.shape[1]), torch.ones(loc.shape[1]))

    return Fixed()


def test_separate_posteriors_tell_all_that_can_be_seen_and_equal_ones_nothing():
    index = torch.arange(64.0)[:, None]
    apart = mutual_information(encoding(100 * torch.randn(64, 3), 0.01), [index])
    assert apart.value == pytest.approx(math.log(64), abs=1e-9)
    alike = mutual_information(encoding(torch.ones(64, 3), 0.5), index.split(10))
    assert alike.value == 0.0
    assert alike.aggregate_kl == alike.rate
    assert alike.moment_kl == pytest.approx(alike.rate, rel=1e-6)


def test_mutual_information_of_posteriors_that_are_no_gaussians():
    loc = torch.tensor([-3.0, 0.0, 4.0])

    class Laplaces(nn.Module):
        def encode(self, x: torch.Tensor) -> Distribution:
            return Independent(Laplace(loc[x[:, 0].long()][:, None], torch.ones(1)), 1)

        def prior(self) -> Distribution:
            return DiagonalGaussian(torch.zeros(1), torch.ones(1))

    items = torch.arange(3.0).repeat_interleave(500)[:, None]
    torch.manual_seed(0)
    found = mutual_information(Laplaces(), [items], items=None)
    grid = torch.linspace(-25, 25, 20001, dtype=torch.float64)
    log_q = -(grid - loc.double()[:, None]).abs() - math.log(2)
    mixture = log_q.logsumexp(0) - math.log(3)
    exact = float((log_q.exp() * (log_q - mixture)).mean(0).sum() * (grid[1] - grid[0]))
    assert found.value == pytest.approx(exact, abs=4 * found.standard_error)
    assert found.moment_kl is None


def test_mutual_information_is_the_same_whatever_the_batches_and_of_no_items_an_error(linear_gaussian):
    oracle = linear_gaussian()
    x, model = oracle.sample(50), oracle.model(1.1)
    whole = mutual_information(model, [x])
    assert mutual_information(model, x.split(7)).value == pytest.approx(whole.value, rel=1e-9)
    assert mutual_information(model, x.split(7), items=20).n == 20
    assert mutual_information(model, x[:1].split(1)).value == 0.0
    with pytest.raises(DataError, match="no items"):
        mutual_information(model, [])
    codes = compose(CATALOG["autoencoder"], (6,), 2, likelihood="gaussian", network="mlp")
    assert mutual_information(codes, [x.float()]) is None


@pytest.mark.parametrize(("widen", "shift"), [(1.5, 0.0), (1.2, 2.0), (0.4, 0.0)])
def test_amortisation_gap_is_the_divergence_from_the_true_posterior(linear_gaussian, widen, shift):
    oracle = linear_gaussian()
    model = oracle.model(widen, shift)
    found = amortisation_gap(model, refine(model, oracle.sample(300)), samples=128)
    exact = 1.5 * (widen**2 + shift**2 - 1 - 2 * math.log(widen))  # three dimensions
    assert found.amortisation == pytest.approx(exact, rel=0.02)
    assert found.approximation == pytest.approx(0.0, abs=0.03)  # the true posterior is a diagonal Gaussian
    assert found.n == 300


def test_refining_leaves_model_and_generators_alone(linear_gaussian):
    model = compose(CATALOG["sigma-vae"], (6,), 2, likelihood="gaussian", network="mlp").train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    torch.manual_seed(5)
    state = torch.get_rng_state()
    x = linear_gaussian().sample(20).float()
    with torch.inference_mode():
        refined = refine(model, x, steps=5)
        true_posterior(model, refined, samples=8)
        sample_density(model, x, samples=2)
    assert torch.equal(torch.get_rng_state(), state)
    assert model.training
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert all(weight.grad is None for weight in model.parameters())
    apart = [refine(model, x[i : i + 5], steps=5).posterior.mean for i in range(0, 20, 5)]
    torch.testing.assert_close(torch.cat(apart), refined.posterior.mean, rtol=1e-4, atol=1e-5)


def test_true_posterior_means_move_as_they_should_even_where_those_of_the_encoder_do_not(linear_gaussian):
    oracle = linear_gaussian()
    x = oracle.sample(150)
    exact = oracle.posterior(x)[0].var(0)

    class Prior(Posterior):
        def forward(self, features: torch.Tensor) -> Distribution:
            return DiagonalGaussian(torch.zeros_like(features), torch.ones_like(features))

    model = oracle.model()
    model.posterior = Prior(3, 3)
    lagging = true_posterior(model, refine(model, x))
    assert lagging.true_variance == pytest.approx(exact.tolist(), rel=0.03)
    assert lagging.approximate_variance == (0.0, 0.0, 0.0)
    assert lagging.collapse == "inference"
    model = oracle.model()
    fitting = true_posterior(model, refine(model, x))
    assert fitting.approximate_variance == pytest.approx(exact.tolist())
    assert fitting.collapse is None
    oracle.weight = torch.zeros_like(oracle.weight)  # a decoder that ignores z: the posterior is the prior
    model = oracle.model()
    gone = true_posterior(model, refine(model, x))
    assert max(map(abs, gone.true_variance)) < 0.01
    assert gone.collapse == "model"


def test_loss_with_the_code_of_another_item(linear_gaussian):
    oracle = linear_gaussian()
    x = population(oracle, 4096)[torch.randperm(4096, generator=torch.Generator().manual_seed(0))]
    found = decoder_dependence(oracle.model(), x)
    # |x - b - W z|^2 is |sigma e|^2 with z of its own posterior; with an independent one two |W z|^2 are added
    exact = float(oracle.strength.square().sum() / oracle.sigma2)
    assert found.drop == pytest.approx(exact, rel=0.03)
    assert found.share > 0.95
    assert decoder_dependence(oracle.model(), x[:1]) is None


def test_a_linear_decoder_draws_straight_lines_and_a_bent_one_does_not(linear_gaussian, monkeypatch):
    oracle = linear_gaussian()
    model, x = oracle.model(), oracle.sample(40)
    found = smoothness(model, x)
    assert found.path_ratio == pytest.approx(1.0)
    assert found.jump == pytest.approx(1.0)
    assert found.n == 20
    straight = model.decoder

    class Steps(nn.Module):
        def forward(self, z: torch.Tensor) -> torch.Tensor:
            return straight(3 * (z / 3).round())

    model.decoder = Steps()
    together = smoothness(model, x)
    assert together.jump > 3
    monkeypatch.setattr("latentia.models.importance.CPU_PASS_BYTES", 1)  # one path at a time
    apart = smoothness(model, x)
    assert (apart.path_ratio, apart.jump) == pytest.approx((together.path_ratio, together.jump))
    model.decoder = straight
    oracle.weight = torch.zeros_like(oracle.weight)
    assert smoothness(model, x) is None
    assert smoothness(model, x[:1]) is None


def test_samples_are_as_probable_as_data_of_the_same_law(linear_gaussian):
    oracle = linear_gaussian()
    x = oracle.sample(1000)
    same = sample_density(oracle.model(), x)
    assert abs(same.drop) < 4 * same.standard_error
    assert same.of_data == pytest.approx(float(oracle.log_prob(x).mean()), abs=1e-6)
    assert sample_density(oracle.model(), x + 1.0).drop < -1.0
    codes = compose(CATALOG["autoencoder"], (6,), 2, likelihood="gaussian", network="mlp")
    assert sample_density(codes, x.float()) is None
    assert refine(codes, x.float()) is None


def test_generalisation_gap_agrees_with_the_likelihoods(linear_gaussian):
    oracle = linear_gaussian()
    train = population(oracle, 4096)
    held_out = oracle.bias + 1.5 * (train - oracle.bias)
    model = oracle.model()  # the posterior is exact, so the bound is the likelihood
    figures = [evaluate(model, rows.split(512), n_importance=0) for rows in (train, held_out)]
    found = generalisation_gap(*figures)
    exact = float((oracle.log_prob(train) - oracle.log_prob(held_out)).mean())
    covariance = oracle.weight @ oracle.weight.T + oracle.sigma2 * torch.eye(6, dtype=torch.float64)
    of_population = 0.5 * (1.5**2 - 1) * float(torch.linalg.solve(covariance, covariance).trace())
    assert exact == pytest.approx(of_population, rel=0.01)
    assert found.elbo == pytest.approx(of_population, rel=0.02)
    assert found.error_ratio > 1.2
    assert generalisation_gap(replace(figures[0], elbo=None), figures[1]).elbo is None


def test_codebook_usage():
    usage = codebook_usage(torch.tensor([[[0, 0, 1, 1], [2, 2, 2, 2]]]), 5)
    assert (usage.used, usage.dead, usage.n) == (3, 2, 8)
    entropy = -(2 * 0.25 * math.log(0.25) + 0.5 * math.log(0.5))
    assert usage.entropy == pytest.approx(entropy)
    assert usage.perplexity == pytest.approx(math.exp(entropy))
    assert codebook_usage(torch.arange(512), 512).perplexity == pytest.approx(512)
    with pytest.raises(DataError, match=r"codes lie in \[0, 5\]"):
        codebook_usage(torch.tensor([0, 5]), 5)
    with pytest.raises(DataError, match="no codes"):
        codebook_usage(torch.tensor([], dtype=torch.int64), 5)


class Counting(nn.Module):
    """Tokens 0 to 3 in turn, well predicted from the last; left alone it begins at its code's number: the first token, if told."""

    def __init__(self, told: bool) -> None:
        super().__init__()
        self.told = told

    def means(self, x: torch.Tensor) -> torch.Tensor:
        return x[:, :1].double() * self.told

    def forced_log_prob(self, x: torch.Tensor, z: torch.Tensor) -> torch.Tensor:
        before = torch.cat([z.long() - 1, x[:, :-1]], 1) % 4
        return torch.where(x == (before + 1) % 4, math.log(0.9), math.log(0.1 / 3))

    def free_running(self, x: torch.Tensor, z: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        said = (z.long() + torch.arange(x.shape[1])) % 4
        return said, torch.where(said == x, math.log(0.9), math.log(0.1 / 3))


def test_a_sequence_decoder_may_predict_well_and_know_nothing_of_the_sequence():
    x = (torch.arange(4)[:, None] + torch.arange(6)) % 4
    x[2, 4:] = -1
    found = teacher_forcing(Counting(told=False), x.split(3))
    right, wrong = math.log(0.9), math.log(0.1 / 3)
    assert found.n_tokens == 22
    assert found.forced_loss == pytest.approx(
        -(3 * wrong + 19 * right) / 22
    )  # only the first sequence begins at 0
    assert found.forced_loss_other == found.forced_loss
    assert found.forced_perplexity == pytest.approx(math.exp(found.forced_loss))
    assert (
        found.free_accuracy == found.free_accuracy_other == found.free_accuracy_zero == pytest.approx(6 / 22)
    )
    assert found.free_loss == found.free_loss_other == pytest.approx(-(16 * wrong + 6 * right) / 22)
    assert found.exact == 0.25
    with pytest.raises(DataError, match="no tokens"):
        teacher_forcing(Counting(told=False), [torch.full((2, 3), -1)])


def test_a_code_that_is_used_shows_in_every_control():
    x = (torch.arange(4)[:, None] + torch.arange(6)) % 4
    found = teacher_forcing(Counting(told=True), [x])
    right, wrong = math.log(0.9), math.log(0.1 / 3)
    assert found.free_accuracy == found.exact == 1.0
    assert found.free_accuracy_other == 0.0
    assert found.free_accuracy_zero == 0.25
    assert found.free_loss == found.forced_loss == pytest.approx(-right)
    assert found.free_loss_other == pytest.approx(-wrong)
    assert found.forced_loss_other == pytest.approx(-(4 * wrong + 20 * right) / 24)
