from __future__ import annotations

import math

import pytest
import torch

from latentia.estimators.compose import compose
from latentia.kinds.vae.catalog import CATALOG
from latentia.models import evaluating, importance_estimate
from latentia.models.drafts import FEWEST_DRAFTS, MOST_SPREAD, RESCORED, correction, draws, worth_drafting


def weights(n_samples=1000, n_items=200, spread=3.0):
    generator = torch.Generator().manual_seed(0)
    return spread * torch.randn(n_samples, n_items, generator=generator, dtype=torch.float64)


def errors(n_samples=1000, n_items=200, spread=0.5):
    """An error of each item that its samples share, and one of each sample."""
    generator = torch.Generator().manual_seed(1)
    shared = 4 * torch.randn(n_items, generator=generator, dtype=torch.float64)
    return shared + spread * torch.randn(n_samples, n_items, generator=generator, dtype=torch.float64)


def test_the_correction_recovers_the_exact_sum():
    exact = weights()
    draft = exact + errors()
    shift = correction(draft, draft, lambda samples, items: exact[samples, items])
    left = draft.logsumexp(0) + shift - exact.logsumexp(0)
    assert float((draft.logsumexp(0) - exact.logsumexp(0)).std()) > 3
    assert float(left.std()) < 1.3 * 0.5 / math.sqrt(RESCORED)
    assert abs(float(left.mean())) < 3 * 0.5 / math.sqrt(RESCORED * 200)


def test_an_error_that_all_samples_share_goes_whole():
    exact = weights()
    draft = exact + errors(spread=0.0)
    shift = correction(draft, draft, lambda samples, items: exact[samples, items])
    torch.testing.assert_close(draft.logsumexp(0) + shift, exact.logsumexp(0), rtol=0, atol=1e-10)


def test_heavy_samples_are_drawn_often_and_decoded_once():
    log_weight = torch.zeros(1000, 2, dtype=torch.float64)
    log_weight[7, 0] = 100.0
    asked = []

    def rescore(samples, items):
        asked.extend(zip(samples.tolist(), items.tolist(), strict=True))
        return log_weight[samples, items]

    correction(log_weight, log_weight, rescore)
    assert [pair for pair in asked if pair[1] == 0] == [(7, 0)]
    assert len(asked) == 1 + RESCORED


def test_draws_follow_the_shares():
    shares = torch.tensor([[0.5, 0.0], [0.25, 1.0], [0.25, 0.0]], dtype=torch.float64)
    assert draws(shares.log(), 8).tolist() == [[0, 0, 0, 0, 1, 1, 2, 2], [1] * 8]


@pytest.mark.parametrize("broken", [math.nan, math.inf])
def test_drafts_that_overflow_are_not_used(broken):
    exact = weights(n_items=3)
    draft = exact.clone()
    draft[5, 1] = broken
    assert correction(draft, draft, lambda samples, items: exact[samples, items]) is None


def test_drafts_that_are_far_off_are_not_used():
    exact = weights(n_items=3)
    draft = exact + errors(n_items=3, spread=3 * MOST_SPREAD)
    assert correction(draft, draft, lambda samples, items: exact[samples, items]) is None


@pytest.mark.parametrize("n_items", [1, 5])
def test_the_estimate_from_drafts_is_that_of_float32(n_items):
    torch.manual_seed(0)
    model = compose(CATALOG["sigma-vae"], (1, 8, 8), 3, likelihood="gaussian", network="conv")
    x = torch.rand(n_items, 1, 8, 8)
    with evaluating(model):
        plain = importance_estimate(model, x, 300, drafted=False)
        drafted = importance_estimate(model, x, 300, drafted=True, codes_per_pass=64)
        again = importance_estimate(model, x, 300, drafted=True, codes_per_pass=64)
    torch.testing.assert_close(drafted.log_prob, plain.log_prob, rtol=0, atol=0.02)
    torch.testing.assert_close(drafted.effective_samples, plain.effective_samples, rtol=0.1, atol=0)
    assert torch.equal(drafted.log_prob, again.log_prob)


def test_drafts_are_for_many_samples_of_float32_images(monkeypatch):
    images, enough = torch.zeros(2, 1, 8, 8), FEWEST_DRAFTS
    monkeypatch.setattr("latentia.models.drafts.has_bfloat16_units", lambda device: device.type == "cpu")
    assert worth_drafting(images, enough)
    assert not worth_drafting(images, enough - 1)
    assert not worth_drafting(images.double(), enough)
    assert not worth_drafting(images.flatten(1), enough)
    monkeypatch.setattr("latentia.models.drafts.has_bfloat16_units", lambda device: False)
    assert not worth_drafting(images, enough)
