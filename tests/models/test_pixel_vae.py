"""The VAE with an autoregressive decoder: its bound against enumeration, its trace, its estimator."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch

from latentia import VAE, VQVAE
from latentia.errors import ConfigError
from latentia.estimators.compose import compose
from latentia.kinds.vae.catalog import CATALOG
from latentia.latent.likelihoods import PixelCNNLikelihood
from latentia.objectives import ObjectiveSetting, build_objective


def build(event=(1, 4, 4), latent_dim=2, likelihood="pixelcnn-binary"):
    torch.manual_seed(0)
    return compose(CATALOG["pixel-vae"], event, latent_dim, likelihood=likelihood, network="conv")


def test_given_z_the_probabilities_of_all_images_sum_to_one():
    torch.manual_seed(0)
    likelihood = PixelCNNLikelihood((1, 2, 2), n_levels=2, n_maps=3).double()
    images = torch.tensor(list(itertools.product([0.0, 1.0], repeat=4)), dtype=torch.float64).reshape(
        -1, 1, 2, 2
    )
    p = likelihood(torch.randn(3, 1, 3, 1, 2, 2, dtype=torch.float64))
    total = p.log_prob(images).detach().exp().sum(1)
    torch.testing.assert_close(total, torch.ones(3, dtype=torch.float64), rtol=0, atol=1e-10)


def test_trace_has_the_shapes_of_any_vae_and_gradients_reach_all_parts():
    model = build()
    x = (torch.rand(5, 1, 4, 4) < 0.4).float()
    trace = model.trace(x, n_samples=3)
    assert trace.z.shape == (3, 5, 2)
    assert trace.log_likelihood.shape == (3, 5)
    assert trace.kl.shape == (3, 5, 2)
    objective = build_objective(CATALOG["pixel-vae"].objective, ObjectiveSetting(5, 2, (1, 4, 4), 1))
    objective(trace).total.backward()
    for part in (model.encoder, model.posterior, model.decoder, model.likelihood):
        assert sum(float(p.grad.abs().sum()) for p in part.parameters() if p.grad is not None) > 0
    drawn = model.sample(6)
    assert drawn.shape == (6, 1, 4, 4)
    assert set(drawn.unique().tolist()) <= {0.0, 1.0}
    assert model.log_prob(x, 4).shape == (5,)


def test_colour_images_of_256_levels():
    model = build((3, 4, 5), likelihood="pixelcnn")
    x = torch.randint(256, (2, 3, 4, 5)) / 255
    assert torch.isfinite(model.trace(x).log_likelihood).all()
    assert model.sample(2).shape == (2, 3, 4, 5)


def test_estimator_picks_the_likelihood_by_the_kind_of_image():
    X = np.random.default_rng(0).integers(0, 2, (40, 1, 8, 8)).astype(np.uint8)
    vae = VAE("pixel-vae", latent_dim=1, max_epochs=1, random_state=0).fit(X)
    assert vae.likelihood_ == "pixelcnn-binary"
    assert set(np.unique(vae.sample(3, random_state=0))) <= {0, 1}
    grey = VAE("pixel-vae", latent_dim=1, max_epochs=0, random_state=0).fit(
        (X * 200 + np.arange(8)).astype(np.uint8)
    )
    assert grey.likelihood_ == "pixelcnn"


def test_tables_are_refused():
    with pytest.raises(ConfigError, match="images"):
        VAE("pixel-vae").fit(np.random.default_rng(0).normal(size=(20, 4)))
    with pytest.raises(ConfigError, match="images"):
        PixelCNNLikelihood((4,))


def test_discrete_codes_and_their_prior_are_learned_in_one_bound():
    rng = np.random.default_rng(0)
    X = np.repeat(rng.integers(0, 2, (60, 1, 1, 8)), 8, axis=2).astype(np.uint8)  # stripes
    model = VQVAE("pixel-vae++", n_codes=4, latent_dim=4, max_epochs=2, random_state=0).fit(X)
    assert model.likelihood_ == "pixelcnn-binary"
    assert not hasattr(model, "prior_history_")
    assert "train_prior" in model.history_[-1]
    assert set(np.unique(model.sample(3, random_state=0))) <= {0, 1}
    grey = VQVAE("pixel-vae++", max_epochs=0, random_state=0).fit((X * 200 + np.arange(8)).astype(np.uint8))
    assert grey.likelihood_ == "pixelcnn++"
    after = VQVAE(
        "pixel-vae++", prior_training="two-stage", prior="independent", max_epochs=1, random_state=0
    )
    assert len(after.fit(X).prior_history_) == 1


def test_discrete_codes_are_refused_tables():
    with pytest.raises(ConfigError, match="images"):
        VQVAE("pixel-vae++").fit(np.random.default_rng(0).normal(size=(20, 4)))
