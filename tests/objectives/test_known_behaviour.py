"""What the papers say that each objective does, seen in fits to the digits that come with scikit-learn. Slow."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

from latentia import VAE
from latentia.diagnostics import prior_gap
from latentia.diagnostics.findings import OVERLOAD, PRIOR_MATCH
from latentia.objectives import mmd2

pytestmark = pytest.mark.slow


@cache
def digits() -> tuple[np.ndarray, np.ndarray]:
    images = (load_digits().images / 16 * 255).round().astype(np.uint8)
    images = images[np.random.default_rng(0).permutation(len(images))]
    return images[:1400], images[1400:]


def fitted(model: str, latent_dim: int = 8, max_epochs: int = 20, **options: Any) -> VAE:
    vae = VAE(
        model,
        latent_dim=latent_dim,
        network="mlp",
        objective_options=options or None,
        max_epochs=max_epochs,
        random_state=0,
    )
    return vae.fit(digits()[0])


def rates(vae: VAE) -> np.ndarray:
    """KL of each dimension, nats, on held-out images."""
    return np.asarray(vae.evaluate(digits()[1], n_importance=0).kl_per_dim)


def test_a_larger_beta_gives_a_smaller_rate():
    one, four = (rates(fitted("beta-vae", beta=beta, max_epochs=15)).sum() for beta in (1.0, 4.0))
    assert four < 0.8 * one


@pytest.mark.parametrize("capacity", [None, 8.0])
def test_capacity_is_reached(capacity):
    options = {} if capacity is None else {"capacity": capacity}
    target = 2.5 * 8 if capacity is None else capacity
    assert rates(fitted("capacity-vae", **options)).sum() == pytest.approx(target, rel=0.05)


@pytest.mark.parametrize("bound", [None, 3.0, 16.0])
def test_the_bound_on_the_rate_is_met(bound):
    options = {} if bound is None else {"bound": bound}
    vae = fitted("constrained-vae", **options)
    assert rates(vae).sum() == pytest.approx(8.0 if bound is None else bound, rel=0.05)
    assert np.isfinite(vae.history_[-1]["train_multiplier"])


def test_the_bound_on_the_error_is_met_and_a_tighter_one_costs_more_rate():
    rate = {}
    for bound in (1.5, 3.0):
        vae = fitted("constrained-vae", constraint="squared_error", bound=bound)
        figures = vae.evaluate(digits()[0], n_importance=0)  # the images on which it is imposed
        assert figures.sse == pytest.approx(bound, rel=0.05)
        rate[bound] = figures.kl
    assert rate[1.5] > rate[3.0] + 2


def test_free_bits_leave_no_dimension_below_the_floor():
    # more dimensions than the digits need: without a floor some are given up
    plain = rates(fitted("beta-vae", latent_dim=24, beta=4.0))
    floored = rates(fitted("free-bits-vae", latent_dim=24, nats=1.0))
    assert plain.min() < 0.1
    assert floored.min() > 0.95


@pytest.mark.parametrize("model", ["autoencoder", "uae"])
def test_codes_that_nothing_draws_to_the_prior_fail_the_prior_sample_test(model):
    vae = fitted(model, latent_dim=16)
    verdict = vae.diagnose(digits()[1])
    x = vae.form_(torch.from_numpy(digits()[1][:, None].copy()))
    gap = prior_gap(vae.module_, x)
    assert gap is not None
    assert gap.match < PRIOR_MATCH
    assert verdict.name == OVERLOAD


def test_the_discrepancy_is_lower_where_it_is_minimised():
    held_out = {}
    for model in ("autoencoder", "wae-mmd"):
        vae = fitted(model, latent_dim=8)
        codes = torch.from_numpy(vae.transform(digits()[1])).double()
        prior = torch.randn(codes.shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
        held_out[model] = float(mmd2(codes, prior))
    assert held_out["wae-mmd"] < held_out["autoencoder"] / 3


def test_total_correlation_falls_with_its_weight():
    last = [
        fitted("beta-tc-vae", beta=beta, max_epochs=15).history_[-1]["train_total_correlation"]
        for beta in (1.0, 10.0)
    ]
    # the weighted estimate has a large constant bias, the same for both: only the difference means something
    assert last[1] < last[0] - 2


def test_importance_weighting_gives_a_better_likelihood_than_the_bound_on_a_tight_network():
    x, held_out = digits()
    scores = {}
    for model, options in (("vae", None), ("iwae", {"n_samples": 20})):
        vae = VAE(
            model,
            latent_dim=8,
            network="mlp-tanh",
            binarize=True,
            objective_options=options,
            max_epochs=20,
            n_importance=200,
            random_state=0,
        )
        scores[model] = vae.fit(x).score(held_out)
    assert scores["iwae"] > scores["vae"]
