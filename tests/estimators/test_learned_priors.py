"""What a learned prior is for, data whose codes do not fill a Gaussian; and that its training can be resumed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from latentia import VAE, training
from latentia.catalog import CATALOG, compose
from latentia.estimators.form import Form


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


class _Cut(Exception):
    """Stands for a crash."""


@pytest.mark.parametrize("name", ["vamp-vae", "iaf-vae", "f-vae"])
def test_a_fit_that_was_cut_off_resumes_to_the_same_bits(name, tmp_path):
    rows = np.random.default_rng(0).normal(size=(60, 4)).astype(np.float32)
    config = training.TrainingConfig(max_epochs=3, batch_size=16, seed=1, averaging=0.9)

    def run(folder=None, **options):
        torch.manual_seed(0)
        model = compose(CATALOG[name], (4,), 2, likelihood="gaussian", network="mlp")
        train = training.Batches(rows, Form("continuous", (4,), "float32").fit(rows))
        training.fit(model, CATALOG[name].objective, train, train, config, folder, **options)
        return model.state_dict()

    def cut(record):
        if record.epoch == 2:
            raise _Cut

    whole = run()
    with pytest.raises(_Cut):
        run(tmp_path, epoch_end=cut)
    resumed = run(tmp_path, resume=True)
    assert list(resumed) == list(whole)
    assert [key for key in whole if not torch.equal(resumed[key], whole[key])] == []
