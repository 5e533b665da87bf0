"""What a learned prior is for: data whose codes do not fill a Gaussian."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from latentia import VAE
from latentia.catalog import CATALOG


def ring_of_gaussians(n, seed):
    """Eight Gaussians on a circle."""
    rng = np.random.default_rng(seed)
    angle = 2 * np.pi * rng.integers(0, 8, n) / 8
    return 4 * np.stack([np.cos(angle), np.sin(angle)], 1) + 0.15 * rng.normal(size=(n, 2))


def bound(prior):
    entry = replace(CATALOG["sigma-vae"], prior=prior)
    vae = VAE(entry, latent_dim=2, max_epochs=25, random_state=0).fit(ring_of_gaussians(4000, seed=0))
    return vae.evaluate(ring_of_gaussians(4000, seed=1), n_importance=0).elbo


@pytest.mark.slow
def test_a_flow_prior_raises_the_bound_where_the_aggregate_posterior_is_no_gaussian():
    standard = bound("standard-normal")
    assert bound("coupling-flow") > standard + 0.2
