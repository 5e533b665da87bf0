from __future__ import annotations

import math
from dataclasses import fields, replace

import numpy as np
import pytest
import torch

from latentia.diagnostics import Sample, evaluate
from latentia.errors import DataError
from latentia.estimators.compose import compose
from latentia.kinds.vae.catalog import CATALOG


def same(a, b, tolerance=1e-9):
    for field in fields(a):
        if field.name == "seconds":
            continue
        left, right = getattr(a, field.name), getattr(b, field.name)
        assert left == (
            right if left is None or isinstance(left, str) else pytest.approx(right, rel=tolerance)
        ), field.name


def test_figures_agree_with_the_closed_form(linear_gaussian):
    oracle = linear_gaussian()
    x = oracle.sample(4000)
    figures = evaluate(oracle.model(widen=1.1), x.split(500), n_importance=50)
    mean, variance = oracle.posterior(x)
    q_variance = 1.1**2 * variance
    kl = 0.5 * (q_variance + mean.square() - 1 - q_variance.log())
    residual = (x - oracle.bias - mean @ oracle.weight.T).square().sum(-1)
    sse = float(residual.mean() + (q_variance * oracle.strength.square()).sum())
    distortion = 3 * math.log(2 * math.pi * oracle.sigma2) + sse / (2 * oracle.sigma2)
    assert figures.n == 4000
    assert figures.latent_dim == 3
    assert figures.kl_per_dim == pytest.approx(kl.mean(0).tolist())
    assert figures.kl == pytest.approx(float(kl.sum(-1).mean()))
    assert figures.sse == pytest.approx(sse, rel=0.02)  # one draw of z for each item
    assert figures.sse_of_mean == pytest.approx(float(residual.mean()))
    assert figures.distortion == pytest.approx(distortion, rel=0.01)
    assert figures.elbo == pytest.approx(-figures.distortion - figures.kl)
    assert figures.sigma2 == pytest.approx(oracle.sigma2)
    assert figures.sigma2_optimal == pytest.approx(figures.sse / 6)
    exact = oracle.log_prob(x)
    assert figures.log_likelihood == pytest.approx(float(exact.mean()), abs=0.01)
    assert figures.log_likelihood_se == pytest.approx(float(exact.std() / math.sqrt(4000)), rel=0.01)
    assert figures.elbo < figures.log_likelihood
    assert figures.bits_per_dim is None


def test_neither_batches_nor_order_matter(linear_gaussian):
    oracle = linear_gaussian()
    x, model = oracle.sample(60), oracle.model(widen=1.2)
    for items in (None, 20):
        whole = evaluate(model, [x], n_importance=10, importance_items=items)
        same(whole, evaluate(model, x.flip(0).split(7), n_importance=10, importance_items=items))
    assert evaluate(model, [x], n_importance=10, seed=1).sse != whole.sse


def test_importance_weights_on_part_of_the_items_estimate_those_of_all(linear_gaussian):
    oracle = linear_gaussian()
    x, model = oracle.sample(3000), oracle.model(widen=1.5)
    part = evaluate(model, x.split(1000), n_importance=100, importance_items=300)
    assert part.n_importance_items == 300
    # The choice alone would be off by the spread of log p(x) over items.
    of_items = oracle.log_prob(x)
    exact, alone = float(of_items.mean()), float(of_items.std()) / math.sqrt(300)
    assert part.log_likelihood_se < 0.95 * alone
    assert abs(part.log_likelihood - exact) < 4 * part.log_likelihood_se
    assert abs(part.elbo - exact) > 0.2
    more = evaluate(model, x.split(1000), n_importance=100, importance_items=10_000)
    assert more.n_importance_items == 3000
    same(more, evaluate(model, x.split(1000), n_importance=100))


def test_a_part_is_as_far_off_as_its_standard_error_says(linear_gaussian):
    oracle = linear_gaussian()
    model = oracle.model(widen=1.5)
    deviations = []
    for seed in range(40):
        torch.manual_seed(seed)
        x = oracle.sample(600)
        part = evaluate(model, [x], n_importance=100, importance_items=100, seed=seed)
        deviations.append((part.log_likelihood - float(oracle.log_prob(x).mean())) / part.log_likelihood_se)
    # The error on the very items at hand: a little below the standard error, which counts the draw of the items too.
    assert 0.5 < np.std(deviations) < 1.3
    assert abs(np.mean(deviations)) < 0.5


@pytest.mark.parametrize("items", [None, 5])
def test_no_importance_samples_no_log_likelihood(linear_gaussian, items):
    oracle = linear_gaussian()
    figures = evaluate(oracle.model(), [oracle.sample(9)], n_importance=0, importance_items=items)
    assert figures.log_likelihood is None
    assert figures.log_likelihood_se is None
    assert figures.effective_samples is None
    assert figures.n_importance == figures.n_importance_items == 0
    assert figures.elbo is not None


@pytest.mark.parametrize("items", [None, 5])
def test_no_bound_for_deterministic_codes(items):
    model = compose(CATALOG["autoencoder"], (1, 4, 4), 2, likelihood="gaussian", network="mlp")
    figures = evaluate(model, [torch.rand(9, 1, 4, 4)], n_importance=7, importance_items=items)
    assert (figures.elbo, figures.kl, figures.log_likelihood, figures.bits_per_dim) == (
        None,
        None,
        None,
        None,
    )
    assert figures.kl_per_dim == ()
    assert figures.n_importance == 0
    assert figures.sse == pytest.approx(figures.sse_of_mean)
    assert math.isfinite(figures.distortion)


def test_bits_per_dimension_of_a_density(linear_gaussian):
    oracle = linear_gaussian((1, 2, 3))
    figures = evaluate(oracle.model(), [oracle.sample(50)], n_importance=2)
    assert figures.bits_per_dim == pytest.approx((-figures.log_likelihood / 6 + math.log(256)) / math.log(2))
    assert figures.bits_per_dim_alphabet == "256 levels, by density"
    scaled = evaluate(oracle.model(), [oracle.sample(50)], n_importance=2, log_volume=1.0)
    assert (scaled.bits_per_dim, scaled.bits_per_dim_alphabet) == (None, "")  # not on [0, 1]


def test_bits_per_dimension_of_levels_need_no_correction():
    torch.manual_seed(0)
    model = compose(CATALOG["vae"], (1, 4, 4), 2, likelihood="discretized-logistic", network="mlp")
    figures = evaluate(model, [torch.randint(0, 256, (20, 1, 4, 4)) / 255], n_importance=2)
    assert figures.bits_per_dim == pytest.approx(-figures.log_likelihood / 16 / math.log(2))
    assert "without correction" in figures.bits_per_dim_note
    assert figures.sigma2 is None


@pytest.mark.parametrize(
    ("likelihood", "alphabet"),
    [
        ("bernoulli", 2),
        ("categorical", 256),
        ("logistic-mixture", 256),
        ("pixelcnn", 256),
        ("pixelcnn-binary", 2),
    ],
)
def test_all_likelihoods_of_levels_are_known_as_such(likelihood, alphabet):
    model = compose(CATALOG["vae"], (1, 4, 4), 2, likelihood=likelihood, network="mlp")
    figures = evaluate(model, [torch.randint(0, 2, (20, 1, 4, 4)).float()], n_importance=1)
    assert figures.bits_per_dim_alphabet == f"{alphabet} levels"
    assert f"comparable with bits of the same {alphabet} levels only" in figures.bits_per_dim_note


@pytest.mark.parametrize(
    "likelihood", ["multinomial", "dirichlet-multinomial", "negative-binomial", "poisson", "zinb"]
)
def test_counts_are_evaluated(likelihood):
    torch.manual_seed(0)
    x = torch.poisson(torch.full((40, 7), 3.0))
    model = compose(CATALOG["vae"], (7,), 2, likelihood=likelihood, network="mlp")
    model.prepare(x)
    figures = evaluate(model, x.split(16), n_importance=5)
    assert figures.bits_per_dim is None
    assert figures.log_likelihood < 0  # a probability
    assert figures.sse < 40 * 7 * 3


def test_active_units_are_those_whose_mean_varies(linear_gaussian):
    oracle = linear_gaussian()
    x, model = oracle.sample(500), oracle.model()
    encode = model.encoder.forward
    # Burda's threshold is on the variance: standard deviations of 0.11 and 0.09 fall on either side.
    spread = encode(x).std(0)
    factor = torch.tensor([1.0, 0.11, 0.09]) / torch.tensor([1.0, *spread[1:]])
    model.encoder.forward = lambda x: encode(x) * factor + 1000.0
    figures = evaluate(model, x.split(60), n_importance=0)
    assert figures.active == (True, True, False)
    assert figures.active_units == 2


def test_log_volume_shifts_densities_to_the_original_units(linear_gaussian):
    oracle = linear_gaussian()
    x, model = oracle.sample(50), oracle.model(widen=1.2)
    plain = evaluate(model, [x], n_importance=5)
    shifted = evaluate(model, [x], n_importance=5, log_volume=2.0)
    same(
        shifted,
        replace(
            plain,
            log_likelihood=plain.log_likelihood - 2,
            elbo=plain.elbo - 2,
            distortion=plain.distortion + 2,
        ),
    )


def test_the_model_is_left_as_it_was():
    model = compose(CATALOG["sigma-vae"], (1, 8, 8), 2, likelihood="gaussian", network="conv").train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    x = torch.rand(20, 1, 8, 8)
    figures = evaluate(model, x.split(10), n_importance=3)
    assert model.training
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    model.eval()
    same(figures, evaluate(model, x.split(10), n_importance=3))


def test_an_empty_split_is_refused(linear_gaussian):
    oracle = linear_gaussian()
    with pytest.raises(DataError, match="no items"):
        evaluate(oracle.model(), [])
    with pytest.raises(DataError, match="no items"):
        evaluate(oracle.model(), [oracle.sample(0)])


def test_one_item_has_figures_but_no_standard_error(linear_gaussian):
    oracle = linear_gaussian()
    figures = evaluate(oracle.model(), [oracle.sample(1)], n_importance=3)
    assert figures.log_likelihood_se is None
    assert figures.active_units == 0


def test_a_sample_of_a_stream_is_as_random_as_a_hash():
    x = torch.randn(5000, 2)
    sample = Sample(1000)
    for part in x.split(13):
        sample.add(part)
    assert sample.items.shape == (1000, 2)
    assert float(sample.items.mean().abs()) < 0.1
    assert float(sample.items.var() - 1) < 0.15
