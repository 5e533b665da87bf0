"""Refined codes in the estimators: when they are taken, what they bring, that they are kept, and who may ask for them."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_digits, load_wine

from latentia import VAE, load
from latentia.errors import ConfigError
from latentia.kinds.vae import refining
from run_folders import rewrite


@pytest.fixture(scope="module")
def digits():
    return (load_digits().data.reshape(-1, 8, 8) / 16 * 255).astype(np.uint8)


@pytest.fixture(scope="module")
def fitted(digits):
    return VAE(latent_dim=4, max_epochs=4, sampler="prior", random_state=0).fit(digits[:750])


def choice(vae):
    return next((c for c in vae.choices_ if c.what == "refinement_steps"), None)


def test_the_default_refines_where_held_out_rows_gain(fitted, digits):
    assert fitted.module_.refinement_steps == 5
    assert choice(fitted).value == "5"
    assert "held-out rows" in choice(fitted).reason
    refined = fitted.evaluate(digits[1500:], n_importance=0)
    codes = fitted.transform(digits[1500:])
    fitted.module_.refinement_steps = 0
    plain = fitted.evaluate(digits[1500:], n_importance=0)
    other = fitted.transform(digits[1500:])
    fitted.module_.refinement_steps = 5
    assert refined.elbo > plain.elbo + 1
    assert refined.sse < plain.sse
    assert not np.allclose(codes, other)
    again = fitted.transform(digits[1500:1503])
    # images are refined in bfloat16, whose rounding depends on the batch; in posteriors' widths that is little
    np.testing.assert_allclose(again, codes[:3], atol=0.05)


def test_the_variance_is_that_of_the_refined_codes(fitted, digits):
    # ELBO at the calibrated variance against the best variance for the very residuals
    figures = fitted.evaluate(digits[:750], n_importance=0)
    assert figures.sigma2 == pytest.approx(figures.sse / 64, rel=0.05)


def test_run_folders_keep_it_and_older_ones_have_none(fitted, digits, tmp_path):

    folder = fitted.save(tmp_path / "run")
    again = load(folder)
    assert again.module_.refinement_steps == 5
    assert np.array_equal(again.transform(digits[:20]), fitted.transform(digits[:20]))
    rewrite(folder, lambda config: config.pop("refinement_steps"))
    assert load(folder).module_.refinement_steps == 0


def test_models_of_the_literature_refine_only_if_asked_to(digits):
    settings = {"latent_dim": 2, "max_epochs": 1, "random_state": 0}
    assert VAE("beta-vae", **settings).fit(digits[:200]).module_.refinement_steps == 0
    asked = VAE("vae", refinement_steps=2, **settings).fit(digits[:200])
    assert asked.module_.refinement_steps == 2
    assert choice(asked) is None
    assert VAE(refinement_steps=0, **settings).fit(digits[:200]).module_.refinement_steps == 0


def test_where_the_gain_is_within_chance_the_encoder_stays_alone(monkeypatch):
    X = load_wine().data
    settings = {"latent_dim": 2, "max_epochs": 2, "random_state": 0}
    gains = np.array([1.0, -0.9, 0.8, -0.7])
    monkeypatch.setattr(refining, "bound_gains", lambda *_: gains)
    assert VAE(**settings).fit(X).module_.refinement_steps == 0
    monkeypatch.setattr(refining, "bound_gains", lambda *_: gains + 2)
    assert VAE(**settings).fit(X).module_.refinement_steps == 5
    assert VAE(validation_fraction=0.0, **settings).fit(X).module_.refinement_steps == 0


def test_codes_of_another_objective_than_the_bound_are_left_to_it(digits, monkeypatch):
    monkeypatch.setattr(refining, "bound_gains", lambda *_: np.array([5.0, 6.0, 7.0]))
    settings = {"latent_dim": 2, "max_epochs": 1, "random_state": 0}
    vae = VAE(objective_options={"beta": 50.0}, **settings).fit(digits[:200])
    assert vae.module_.refinement_steps == 0
    assert VAE(**settings).fit(digits[:200]).module_.refinement_steps == 5
    asked = VAE(objective_options={"beta": 50.0}, refinement_steps=1, **settings).fit(digits[:200])
    assert asked.module_.refinement_steps == 1


def test_chunks_are_learned_by_the_encoder_alone(digits):
    vae = VAE(latent_dim=2, max_epochs=1, random_state=0, refinement_steps=2).partial_fit(digits[:100])
    assert vae.module_.refinement_steps == 2
    assert vae.partial_fit(digits[100:200]).module_.refinement_steps == 2
    by_itself = VAE(latent_dim=2, max_epochs=1, random_state=0).partial_fit(digits[:100])
    assert by_itself.module_.refinement_steps == 0


def test_errors_name_what_is_wrong(digits):
    with pytest.raises(ConfigError, match="refinement_steps=-1: expected a whole number"):
        VAE(refinement_steps=-1).fit(digits[:50])
    with pytest.raises(ConfigError, match=r"refinement_steps='many'.*'auto'"):
        VAE(refinement_steps="many").fit(digits[:50])
    for model in ("ladder-vae", "iaf-vae", "autoencoder", "uae"):
        with pytest.raises(ConfigError, match=rf"{model}.* cannot be refined"):
            VAE(model, refinement_steps=3).fit(digits[:50])
