from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from latentia.catalog import CATALOG, compose
from latentia.diagnostics import Evaluation, PriorGap, diagnose, evaluate, judge, prior_gap
from latentia.objectives import ObjectiveSetting, build_objective, negative_elbo
from latentia.training import Batches, TrainingConfig, fit

GOOD = Evaluation(
    n=1000,
    latent_dim=10,
    log_likelihood=700.0,
    log_likelihood_se=4.0,
    n_importance=100,
    n_importance_items=1000,
    effective_samples=9.0,
    elbo=695.0,
    distortion=-715.0,
    kl=20.0,
    bits_per_dim=6.7,
    bits_per_dim_note="",
    sse=8.0,
    sse_of_mean=7.5,
    sigma2=0.01,
    sigma2_optimal=0.0102,
    kl_per_dim=(2.0,) * 10,
    active_units=10,
    active=(True,) * 10,
    seconds=1.0,
)
FITTING = PriorGap(precision=0.8, recall=0.75, baseline=0.9, n=1000)


def test_nothing_wrong():
    verdict = judge(
        GOOD, gap=FITTING, train=replace(GOOD, sse=7.0), history=[0.0, 500.0, 600.0, 640.0, 650.0]
    )
    assert verdict.name == "healthy"
    assert verdict.remedies == ()
    assert len(verdict.evidence) == 4
    assert "20 nats" in verdict.evidence[0]
    assert "80%" in verdict.evidence[1]


@pytest.mark.parametrize(
    "change",
    [{"kl": 0.05}, {"active_units": 0, "active": (False,) * 10}],
    ids=["no rate", "no active unit"],
)
def test_collapse(change):
    verdict = judge(replace(GOOD, **change), gap=PriorGap(0.0, 0.0, 0.9, 100))
    assert verdict.name == "posterior collapse"
    assert len(verdict.evidence) == 1  # the prior gap of a collapsed model means nothing


def test_a_variance_far_above_the_residuals_is_named_as_the_cause():
    verdict = judge(replace(GOOD, kl=0.01, sigma2=1.0, sigma2_optimal=0.05))
    assert "20 times the mean squared residual" in verdict.evidence[0]
    assert "--model sigma-vae" in verdict.remedies[0]
    assert (
        "mean squared residual"
        not in judge(replace(GOOD, kl=0.01, sigma2=0.1, sigma2_optimal=0.05)).evidence[0]
    )


@pytest.mark.parametrize(("active", "name"), [(5, "healthy"), (4, "partial posterior collapse")])
def test_partial_collapse_is_when_most_dimensions_are_inactive(active, name):
    verdict = judge(replace(GOOD, active_units=active), gap=FITTING)
    assert verdict.name == name
    assert any("--latent-dim 4" in remedy for remedy in verdict.remedies) is (active == 4)


@pytest.mark.parametrize(
    "gap", [PriorGap(0.3, 0.9, 0.9, 500), PriorGap(0.9, 0.3, 0.9, 500)], ids=["precision", "recall"]
)
def test_overload(gap):
    verdict = judge(GOOD, gap=gap)
    assert verdict.name == "information overload"
    assert "30%" in verdict.evidence[0]
    assert any("--latent-dim 5" in remedy for remedy in verdict.remedies)


def test_overload_of_an_autoencoder_is_mended_by_a_prior():
    codes = replace(GOOD, kl=None, elbo=None, log_likelihood=None, kl_per_dim=())
    verdict = judge(codes, gap=PriorGap(0.1, 0.1, 0.9, 500))
    assert verdict.name == "information overload"
    assert "--model sigma-vae" in verdict.remedies[0]
    assert judge(codes, gap=FITTING).name == "healthy"


@pytest.mark.parametrize(("train_sse", "name"), [(4.1, "healthy"), (3.9, "overfitted")])
def test_overfitting_is_twice_the_error(train_sse, name):
    assert judge(GOOD, train=replace(GOOD, sse=train_sse, elbo=900.0)).name == name


@pytest.mark.parametrize(
    ("history", "name"),
    [
        ([0.0, 10.0, 20.0, 30.0], "under-trained"),
        ([0.0, 90.0, 95.0, 98.0], "healthy"),
        ([0.0, 90.0, 95.0, 80.0], "healthy"),
        ([5.0], "healthy"),
        ([float(i) for i in range(100)], "healthy"),
        ([0.0] * 50 + [0.1] * 40 + [10.0] * 10, "under-trained"),
    ],
)
def test_undertraining_is_a_bound_that_still_rises(history, name):
    assert judge(GOOD, history=history).name == name


def test_the_gravest_fault_gives_the_name_and_all_are_told():
    verdict = judge(
        replace(GOOD, active_units=2),
        gap=PriorGap(0.1, 0.1, 0.9, 500),
        train=replace(GOOD, sse=1.0),
        history=[0.0, 1.0, 2.0],
    )
    assert verdict.name == "information overload"
    assert len(verdict.evidence) == 4
    assert "2 of 10" in verdict.evidence[-1]


def test_prior_gap_is_small_where_the_aggregate_posterior_is_the_prior(linear_gaussian):
    oracle = linear_gaussian()
    gap = prior_gap(oracle.model(), oracle.sample(2000))
    assert gap.n == 1000
    assert 0.9 < gap.match < 1.1
    assert gap.baseline > 0.9


@pytest.mark.parametrize(("widen", "shift"), [(0.01, 8.0), (30.0, 0.0)], ids=["elsewhere", "too wide"])
def test_prior_gap_is_large_where_codes_lie_elsewhere(linear_gaussian, widen, shift):
    oracle = linear_gaussian()
    gap = prior_gap(oracle.model(widen, shift), oracle.sample(1000))
    assert gap.match < 0.5


def test_prior_gap_needs_items_and_disturbs_no_generator(linear_gaussian):
    oracle = linear_gaussian()
    assert prior_gap(oracle.model(), oracle.sample(31)) is None
    torch.manual_seed(3)
    before = torch.get_rng_state()
    first = prior_gap(oracle.model(), oracle.sample(64), seed=1)
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(4)
    assert prior_gap(oracle.model(), oracle.sample(64), seed=1) == first


def test_prior_gap_of_few_columns_and_of_constant_reconstructions(linear_gaussian):
    assert prior_gap(linear_gaussian((2,), 1).model(), linear_gaussian((2,), 1).sample(200)).match > 0.8
    model = compose(CATALOG["vae"], (3,), 2, likelihood="gaussian", network="mlp").eval()
    torch.nn.init.zeros_(model.decoder.head.weight)
    assert prior_gap(model, torch.randn(100, 3)).match == 1.0


def test_diagnose_takes_an_evaluation_or_makes_one(linear_gaussian):
    oracle = linear_gaussian()
    x, model = oracle.sample(400), oracle.model()
    own = diagnose(model, x.split(100))
    given = diagnose(model, x.split(100), evaluation=evaluate(model, x.split(100)))
    assert own == given
    assert own.name == "healthy"


def fitted(name: str, beta: float, x: torch.Tensor, latent_dim: int) -> object:
    torch.manual_seed(0)
    entry = CATALOG[name]
    setting = ObjectiveSetting(len(x), latent_dim, (1, 8, 8), 25 * len(x) // 64)
    objective = negative_elbo(beta) if beta != 1 else build_objective(entry.objective, setting)
    model = compose(entry, (1, 8, 8), latent_dim, likelihood=entry.gaussian, network="mlp")
    batches = Batches(x, lambda rows: rows)
    fit(model, objective, batches, None, TrainingConfig(max_epochs=25, batch_size=64, device="cpu"))
    return model


@pytest.mark.parametrize(
    ("name", "beta", "latent_dim", "verdict"),
    [
        ("sigma-vae", 1.0, 6, "healthy"),
        ("sigma-vae", 50.0, 6, "posterior collapse"),
        ("sigma-vae", 1e-4, 6, "information overload"),
        ("autoencoder", 1.0, 16, "information overload"),
    ],
)
def test_real_fits_get_the_verdict_they_deserve(name, beta, latent_dim, verdict):
    from sklearn.datasets import load_digits

    pixels = torch.from_numpy(load_digits().images).float()[:, None] / 16
    pixels = pixels[torch.randperm(len(pixels), generator=torch.Generator().manual_seed(0))]
    model = fitted(name, beta, pixels[:1200], latent_dim)
    assert diagnose(model, pixels[1200:].split(200)).name == verdict
