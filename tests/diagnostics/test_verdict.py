from __future__ import annotations

import json
import math
from dataclasses import replace

import pytest
import torch

from latentia.diagnostics import (
    DecoderDependence,
    Evaluation,
    MutualInformation,
    PriorGap,
    TruePosterior,
    diagnose,
    evaluate,
    judge,
    prior_gap,
)
from latentia.diagnostics.undertraining import ShortOf
from latentia.estimators.compose import compose
from latentia.kinds.vae.catalog import CATALOG
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
INFORMED = MutualInformation(
    value=6.5,
    upper=40.0,
    bound=6.9,
    n=1000,
    standard_error=0.01,
    rate=20.0,
    aggregate_kl=13.5,
    moment_kl=0.5,
    active_units=10,
    latent_dim=10,
)
SPREAD = replace(INFORMED, moment_kl=3.0)  # 0.3 nats per dimension
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
    [{"kl": 0.05}, {"active_units": 0, "active": (False,) * 10}, {"kl": 0.4, "kl_per_dim": (0.04,) * 10}],
    ids=["no rate", "no active unit", "no working dimension"],
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


@pytest.mark.parametrize(("active", "name"), [(6, "healthy"), (5, "partial posterior collapse")])
def test_partial_collapse_is_when_half_the_dimensions_are_inactive(active, name):
    alive = tuple(d >= 10 - active for d in range(10))
    verdict = judge(replace(GOOD, active_units=active, active=alive), gap=FITTING)
    assert verdict.name == name
    assert any("--latent-dim 5" in remedy for remedy in verdict.remedies) is (active == 5)
    assert ("dimensions 0, 1, 2, 3, 4 carry nothing" in verdict.evidence[0]) is (active == 5)


def test_codes_that_vary_but_tell_nothing_are_collapse():
    silent = judge(GOOD, information=replace(INFORMED, value=0.05, upper=0.06))
    assert silent.name == "posterior collapse"
    assert "0.05 of them mutual information (of at most log 1000 = 6.9" in silent.evidence[0]
    ignored = judge(GOOD, information=INFORMED, dependence=DecoderDependence(0.01, 0.02, 0.5, 1000))
    assert ignored.name == "posterior collapse"
    assert "falls by 0.01 nats" in ignored.evidence[0]
    assert (
        judge(GOOD, information=INFORMED, dependence=DecoderDependence(50.0, 1.0, 1.0, 1000)).name
        == "healthy"
    )


@pytest.mark.parametrize(
    ("variance", "name"), [((0.5, 0.0), "inference collapse"), ((0.05, 0.0), "posterior collapse")]
)
def test_collapse_is_told_apart_by_the_means_of_the_true_posterior(variance, name):
    true = TruePosterior(variance, (0.0, 0.0), sum(v > 0.01 for v in variance), 0, 20.0, 200, 64)
    verdict = judge(replace(GOOD, kl=0.01, active_units=0), true=true, rate_weight=1.0)
    assert verdict.name == name
    assert ("model collapse" in verdict.evidence[0]) is (name == "posterior collapse")
    assert "lagging-vae" in verdict.actions[0].models


def test_a_dear_rate_is_named_as_the_cause_of_collapse():
    verdict = judge(replace(GOOD, kl=0.01), rate_weight=50.0)
    assert "weighed by 50" in verdict.evidence[0]
    assert verdict.actions[0].models == ("sigma-vae",)


def test_an_encoder_that_a_dear_rate_keeps_still_does_not_lag():
    moving = TruePosterior((0.5, 0.0), (0.0, 0.0), 1, 0, 20.0, 200, 64)
    verdict = judge(replace(GOOD, kl=0.01, active_units=0), true=moving, rate_weight=12.0)
    assert verdict.name == "posterior collapse"
    assert "means of the true posterior do move" in verdict.evidence[0]
    assert verdict.actions[0].models == ("sigma-vae",)


@pytest.mark.parametrize(
    "gap", [PriorGap(0.3, 0.9, 0.9, 500), PriorGap(0.9, 0.3, 0.9, 500)], ids=["precision", "recall"]
)
def test_holes(gap):
    verdict = judge(GOOD, gap=gap, information=INFORMED)
    assert verdict.names == ("prior holes",)
    assert "30%" in verdict.evidence[0]
    assert any("--latent-dim 5" in remedy for remedy in verdict.remedies)


def test_holes_are_judged_where_samples_are_drawn_from():
    empty = PriorGap(0.1, 0.2, 0.9, 500)
    fitting = judge(GOOD, gap=empty, sampler_gap=FITTING, information=INFORMED)
    assert fitting.names == ()
    assert "80% of decoded draws of the aggregate-posterior sampler" in fitting.evidence[-1]
    assert "the prior itself, from which no sample is drawn: 10% and 20%" in fitting.evidence[-1]
    verdict = judge(GOOD, gap=FITTING, sampler_gap=empty, information=INFORMED)
    assert verdict.names == ("prior holes",)
    assert "the sampler does not follow the codes" in verdict.evidence[0]
    assert any("sampler=aggregate-posterior" in remedy for remedy in judge(GOOD, gap=empty).remedies)


def test_a_sampler_supplies_deterministic_codes_but_not_codes_with_a_rate():
    empty = PriorGap(0.1, 0.2, 0.9, 500)
    codes = replace(GOOD, kl=None, elbo=None, kl_per_dim=())
    assert judge(codes, gap=empty).names == ("information overload", "prior holes")
    fitting = judge(codes, gap=empty, sampler_gap=FITTING)
    assert fitting.names == ()
    assert "a sampler that was fitted to the codes draws them" in fitting.evidence[1]
    verdict = judge(GOOD, gap=empty, sampler_gap=FITTING, information=SPREAD)
    assert verdict.names == ("information overload",)


def test_overload_is_holes_of_codes_that_have_left_the_prior():
    gap = PriorGap(0.3, 0.9, 0.9, 500)
    verdict = judge(GOOD, gap=gap, information=SPREAD, rate_weight=1e-4)
    assert verdict.names == ("information overload", "prior holes")
    assert "at least 3 nats from the prior, 0.3 per dimension" in verdict.evidence[0]
    assert "only 0.0001" in verdict.evidence[0]
    assert verdict.actions[0].models == ("sigma-vae",)
    assert judge(GOOD, gap=FITTING, information=SPREAD).name == "healthy"


def test_a_cheap_rate_needs_no_holes_to_be_overload():
    cheap = judge(GOOD, gap=FITTING, information=SPREAD, rate_weight=0.5)
    assert cheap.names == ("information overload",)
    assert "only 0.5" in cheap.evidence[0]
    assert judge(GOOD, gap=FITTING, information=INFORMED, rate_weight=0.5).name == "healthy"


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


@pytest.mark.parametrize(("last", "name"), [(2.01, "under-trained"), (1.99, "healthy")])
def test_a_gain_below_a_twentieth_of_a_nat_per_number_is_no_undertraining(last, name):
    history = [0.0, 0.5, 1.0, last]  # half of all improvement came last
    assert judge(GOOD, history=history, numbers=20).name == name


@pytest.mark.parametrize(("gain", "name"), [(1.01, "under-trained"), (0.99, "healthy"), (None, "healthy")])
def test_one_epoch_is_judged_by_its_own_gain(gain, name):
    assert judge(GOOD, history=[5.0], last_gain=gain, numbers=20).name == name


def test_what_is_to_be_mended_first_gives_the_name_and_all_are_told():
    verdict = judge(
        replace(GOOD, active_units=2, active=(True, True) + 8 * (False,)),
        gap=PriorGap(0.1, 0.1, 0.9, 500),
        information=SPREAD,
        train=replace(GOOD, sse=1.0),
        history=[0.0, 1.0, 2.0],
    )
    assert verdict.names == (
        "under-trained",
        "overfitted",
        "information overload",
        "prior holes",
        "partial posterior collapse",
    )
    assert verdict.name == "under-trained"
    assert len(verdict.evidence) == 5
    assert "2 of 10" in verdict.evidence[-1]


def test_a_collapse_of_a_fit_that_was_cut_short_may_be_one_that_has_not_begun():
    collapsed = replace(GOOD, kl=0.05)
    verdict = judge(collapsed, short=ShortOf(1, 1500))
    assert verdict.names == ("under-trained", "posterior collapse")
    assert verdict.remedies[0].startswith("train longer")
    assert "over after 1 update;" in verdict.evidence[0]
    assert judge(collapsed, history=[0.0, 1.0, 2.0]).name == "posterior collapse"


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


def test_prior_gap_of_a_sampler_that_follows_codes_which_lie_elsewhere(linear_gaussian):
    oracle = linear_gaussian()
    model, x = oracle.model(1.0, 12.0), oracle.sample(1000)
    codes = model.encode(x).rsample(torch.Size([1]))[0]
    sampler = torch.distributions.MultivariateNormal(codes.mean(0), codes.T.cov())
    assert prior_gap(model, x).match < 0.5
    assert prior_gap(model, x, sampler=sampler).match > 0.8


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
    assert own.verdict == given.verdict
    assert own.name == "healthy"
    assert own.names == ()


def test_diagnosis_is_a_table_and_json(linear_gaussian):
    oracle = linear_gaussian()
    x, model = oracle.sample(300), oracle.model(1.2)
    train = evaluate(model, oracle.sample(200, seed=5).split(100), n_importance=0)
    found = diagnose(model, x.split(100), train=train, history=[1.0, 2.0, 2.1, 2.11, 2.12])
    names = [row.name for row in found.rows()]
    assert len(names) == len(set(names)) == 21
    table = str(found)
    assert table.startswith("verdict: healthy")
    assert all(name in table for name in names)
    plain = json.loads(json.dumps(found.as_json(), allow_nan=False))
    assert plain["verdict"] == "healthy"
    assert plain["information"]["bound"] == pytest.approx(math.log(300))
    assert plain["amortisation"]["n"] == 64
    assert plain["evaluation"]["n"] == 300
    quick = diagnose(model, x.split(100), thorough=False)
    assert quick.amortisation is quick.sample_density is None
    assert quick.information == found.information


def test_a_quick_diagnosis_looks_closer_where_the_posterior_seems_collapsed(linear_gaussian):
    oracle = linear_gaussian()
    x, model = oracle.sample(200), oracle.model()
    model.posterior = (
        compose(CATALOG["vae"], (6,), 3, likelihood="gaussian", network="mlp").double().posterior
    )
    model.posterior.linear = torch.nn.Linear(3, 6).double()
    torch.nn.init.zeros_(model.posterior.linear.weight)
    torch.nn.init.zeros_(model.posterior.linear.bias)
    found = diagnose(model, [x], thorough=False)
    assert found.name == "inference collapse"
    assert found.true_posterior.true_active == 3
    assert found.verdict.actions[0].models == ("lagging-vae",)


def fitted(name: str, beta: float, x: torch.Tensor, latent_dim: int) -> object:
    torch.manual_seed(0)
    entry = CATALOG[name]
    setting = ObjectiveSetting(len(x), latent_dim, (1, 8, 8), 25 * len(x) // 64)
    objective = negative_elbo(beta) if beta != 1 else build_objective(entry.objective, setting)
    model = compose(entry, (1, 8, 8), latent_dim, likelihood=entry.gaussian, network="mlp-small")
    batches = Batches(x, lambda rows: rows)
    fit(model, objective, batches, None, TrainingConfig(max_epochs=18, batch_size=64, device="cpu"))
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
