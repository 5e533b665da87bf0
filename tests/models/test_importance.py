from __future__ import annotations

import pytest
import torch

from latentia.errors import ConfigError
from latentia.models import importance_estimate, importance_log_prob


def test_true_posterior_gives_the_exact_value_with_one_sample(linear_gaussian):
    oracle = linear_gaussian()
    x = oracle.sample(50)
    torch.testing.assert_close(
        importance_log_prob(oracle.model(), x, 1), oracle.log_prob(x), rtol=0, atol=1e-10
    )


@pytest.mark.parametrize(("widen", "shift"), [(1.2, 0.0), (1.0, 0.3), (1.3, -0.2)])
def test_1000_samples_agree_with_the_closed_form_within_a_hundredth_of_a_nat(linear_gaussian, widen, shift):
    oracle = linear_gaussian()
    x = oracle.sample(200)
    estimate = importance_log_prob(oracle.model(widen, shift), x, 1000)
    assert abs(float((estimate - oracle.log_prob(x)).mean())) < 0.01
    # and one sample does not: the posterior is really another one
    assert (
        abs(float((importance_log_prob(oracle.model(widen, shift), x, 1) - oracle.log_prob(x)).mean())) > 0.01
    )


def test_rises_with_the_number_of_samples_towards_the_exact_value(linear_gaussian):
    oracle = linear_gaussian()
    x = oracle.sample(2000)
    model = oracle.model(widen=1.6, shift=0.5)
    means = [float(importance_log_prob(model, x, n).mean()) for n in (1, 2, 4, 16, 64, 256)]
    exact = float(oracle.log_prob(x).mean())
    assert means == sorted(means)
    assert means[0] < exact - 0.5
    assert abs(means[-1] - exact) < 0.02


def test_one_sample_is_the_bound_in_expectation(linear_gaussian):
    oracle = linear_gaussian()
    x = oracle.sample(4000)
    model = oracle.model(widen=1.3)
    torch.manual_seed(0)
    with torch.no_grad():
        bound = model.trace(x, 20).elbo.mean()
    assert abs(float(importance_log_prob(model, x, 1).mean() - bound)) < 0.05


@pytest.mark.parametrize("codes_per_pass", [1, 7, 64, 10_000])
def test_chunks_and_batches_change_nothing(linear_gaussian, codes_per_pass):
    oracle = linear_gaussian((1, 2, 3))
    x = oracle.sample(11)
    model = oracle.model(widen=1.5)
    whole = importance_estimate(model, x, 33, seed=5, codes_per_pass=363)
    chunked = importance_estimate(model, x, 33, seed=5, codes_per_pass=codes_per_pass)
    alone = torch.cat([importance_log_prob(model, item, 33, seed=5) for item in x.flip(0).split(1)])
    torch.testing.assert_close(chunked.log_prob, whole.log_prob, rtol=0, atol=1e-12)
    torch.testing.assert_close(chunked.effective_samples, whole.effective_samples)
    torch.testing.assert_close(alone.flip(0), whole.log_prob, rtol=0, atol=1e-12)
    assert not torch.equal(importance_log_prob(model, x, 33, seed=6), whole.log_prob)


@pytest.mark.parametrize("n_items", [1, 5, 300])
def test_no_pass_decodes_more_codes_than_allowed(linear_gaussian, n_items, monkeypatch):
    oracle = linear_gaussian()
    model = oracle.model()
    passes = []
    decode = model.outputs
    monkeypatch.setattr(model, "outputs", lambda z: passes.append(z[..., 0].numel()) or decode(z))
    importance_estimate(model, oracle.sample(n_items), 40, codes_per_pass=50)
    assert max(passes) <= 50
    assert sum(passes) == 40 * n_items


def test_passes_shrink_with_the_size_of_a_code(linear_gaussian, monkeypatch):
    oracle = linear_gaussian()
    model = oracle.model()
    passes = []
    decode = model.outputs
    monkeypatch.setattr(model, "outputs", lambda z: passes.append(z[..., 0].numel()) or decode(z))
    monkeypatch.setattr("latentia.models.importance.CPU_PASS_BYTES", 10 * 8 * model.numbers_per_code)
    importance_log_prob(model, oracle.sample(3), 20)
    assert max(passes) == 9  # three samples of three items fit into ten codes


def test_effective_samples_by_hand(linear_gaussian):
    oracle = linear_gaussian()
    x = oracle.sample(4)
    exact = importance_estimate(oracle.model(), x, 25)
    torch.testing.assert_close(exact.effective_samples, torch.full((4,), 25.0, dtype=torch.float64))
    off = importance_estimate(oracle.model(shift=3.0), x, 25).effective_samples
    assert bool(((off >= 1) & (off < 15)).all())


def test_at_least_one_sample_is_needed(linear_gaussian):
    oracle = linear_gaussian()
    with pytest.raises(ConfigError, match="n_importance=0"):
        importance_log_prob(oracle.model(), oracle.sample(2), 0)


def test_no_items_no_figures(linear_gaussian):
    oracle = linear_gaussian()
    assert importance_log_prob(oracle.model(), oracle.sample(0), 5).shape == (0,)
