"""Sampling from a mixture fitted to the codes: its moments, a hole that it avoids, and keeping it."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits, load_wine

from latentia import VAE, load
from latentia.errors import ConfigError
from latentia.kinds.vae.sampler import fit_aggregate_posterior


def clusters(n=2000, seed=0):
    rng = np.random.default_rng(seed)
    centres = np.array([[-6.0, 0.0, 1.0], [6.0, 1.0, 0.0], [0.0, 9.0, -5.0]])
    tril = np.array([[0.5, 0, 0], [0.4, 0.3, 0], [-0.2, 0.1, 0.6]])
    return centres[rng.integers(0, 3, n)] + rng.normal(size=(n, 3)) @ tril.T


@pytest.mark.parametrize("scale", [1.0, 1e-4, 1e5])
def test_the_mixture_has_the_moments_of_the_codes(scale):
    codes = scale * clusters() + 3 * scale
    p = fit_aggregate_posterior(codes, seed=0).distribution()
    np.testing.assert_allclose(p.mean, codes.mean(0), atol=0.02 * scale)
    np.testing.assert_allclose(p.variance, codes.var(0), rtol=0.01)
    torch.manual_seed(0)
    draws = p.sample((50_000,)).numpy()
    np.testing.assert_allclose(np.cov(draws.T), np.cov(codes.T), atol=0.3 * scale**2)


def test_the_number_of_components_is_chosen_by_bic():
    fitted = fit_aggregate_posterior(clusters(), seed=0)
    assert fitted.n_components in (2, 4)
    assert fitted.bic[fitted.n_components] == min(fitted.bic.values())
    assert fit_aggregate_posterior(np.random.default_rng(0).normal(size=(2000, 3)), seed=0).n_components == 1
    assert fit_aggregate_posterior(clusters(), seed=0, n_components=3).n_components == 3


def test_bic_of_one_gaussian_is_that_of_the_engine():
    from sklearn.mixture import GaussianMixture

    codes = clusters()
    z = (codes - codes.mean(0)) / codes.std(0)
    expected = GaussianMixture(1).fit(z).bic(z)
    assert fit_aggregate_posterior(codes, 0).bic[1] == pytest.approx(expected, abs=0.1)
    # and those of more components are in the same units
    three = GaussianMixture(3, random_state=0).fit(z).bic(z)
    assert fit_aggregate_posterior(codes, 0, n_components=3).bic[3] == pytest.approx(three, rel=0.01)


@pytest.mark.parametrize(
    "codes",
    [
        np.zeros((30, 3)),
        np.ones((1, 2)),
        np.random.default_rng(0).normal(size=(4, 6)),
        clusters() * [1, 0, 1],
    ],
)
def test_degenerate_codes_give_finite_samples(codes):
    fitted = fit_aggregate_posterior(codes, seed=0)
    draws = fitted.distribution().sample((100,)).numpy()
    assert np.isfinite(draws).all()
    spread = codes.std(0)
    np.testing.assert_allclose(draws.mean(0), codes.mean(0), atol=5 * spread.max() + 1e-3)
    assert (draws.std(0)[spread == 0] < 1e-6).all()


def autoencoder_with_a_hole(**kwargs):
    """Two far clusters in one dimension of code: the middle of the prior is where no data are."""
    rng = np.random.default_rng(0)
    X = np.concatenate([rng.normal(-4, 0.3, (150, 4)), rng.normal(4, 0.3, (150, 4))])
    return VAE("autoencoder", latent_dim=1, max_epochs=12, optimizer="muon", random_state=0, **kwargs).fit(
        X
    ), X


def share_near_data(samples, X):
    """Share of samples within two of the closest datum (the clusters are 16 apart, their radius is about 1)."""
    distance = np.linalg.norm(samples[:, None] - X[None], axis=2).min(1)
    return float((distance < 2).mean())


def test_where_the_prior_has_a_hole_the_fitted_sampler_has_none():
    vae, X = autoencoder_with_a_hole()
    from_prior = share_near_data(vae.sample(500, mean=True, random_state=0), X)
    assert vae.sampler_ is None
    vae.fit_sampler(X)
    fitted = share_near_data(vae.sample(500, mean=True, random_state=0), X)
    assert from_prior < 0.8
    assert fitted > 0.97
    assert "aggregate-posterior" in str(vae.choices_[-1])


def test_the_diagnosis_judges_what_samples_are_drawn_from():
    vae, X = autoencoder_with_a_hole()
    before = vae.diagnose(X)
    assert before.sampler_gap is None
    vae.fit_sampler(X)
    after = vae.diagnose(X)
    assert after.prior_gap == before.prior_gap
    assert after.sampler_gap.match > 0.8
    assert not {"prior holes", "information overload"} & set(after.names)
    assert "sampler's draws among data" in str(after)


def test_option_and_method_give_the_same_sampler_and_leave_the_model_alone():
    X = load_wine().data
    plain = VAE(latent_dim=2, max_epochs=2, validation_fraction=0, random_state=0).fit(X)
    before = plain.score_samples(X)
    chosen = VAE(
        latent_dim=2, max_epochs=2, validation_fraction=0, random_state=0, sampler="aggregate-posterior"
    ).fit(X)
    plain.fit_sampler(X)
    np.testing.assert_array_equal(plain.score_samples(X), before)
    for name, tensor in plain.sampler_.tensors().items():
        assert torch.equal(tensor, chosen.sampler_.tensors()[name])
    np.testing.assert_array_equal(plain.sample(4, random_state=0), chosen.sample(4, random_state=0))
    assert chosen.fit(X).sampler_ is not None
    assert [choice.what for choice in chosen.choices_].count("sampler") == 1


def test_codes_of_the_mixture_have_the_moments_of_the_codes_of_the_data():
    X = load_wine().data
    vae = VAE(latent_dim=2, max_epochs=5, random_state=0).fit(X).fit_sampler(X)
    asked = vae._inference()
    module, batches = asked.module, asked.batches(np.repeat(X, 50, axis=0).astype(np.float64))
    torch.manual_seed(0)
    with torch.no_grad():
        z = torch.cat([module.encode(x).rsample() for x in batches]).numpy()
    p = vae.sampler_.distribution()
    np.testing.assert_allclose(p.mean, z.mean(0), atol=4 * z.std() / len(X) ** 0.5)
    np.testing.assert_allclose(p.stddev, z.std(0), rtol=0.2)


@pytest.mark.parametrize("data", ["images", "table"])
def test_a_saved_sampler_gives_identical_samples(data, tmp_path):
    X = load_digits().images[:200].astype(np.uint8) if data == "images" else load_wine().data
    vae = VAE(latent_dim=2, max_epochs=2, random_state=0, sampler="aggregate-posterior").fit(X)
    again = load(vae.save(tmp_path / "run"))
    np.testing.assert_array_equal(again.sample(20, random_state=1), vae.sample(20, random_state=1))
    assert again.sampler_.bic == vae.sampler_.bic
    prior_only = VAE(latent_dim=2, max_epochs=2, random_state=0, sampler="prior").fit(X)
    assert not np.array_equal(prior_only.sample(20, random_state=1), vae.sample(20, random_state=1))
    assert load(prior_only.save(tmp_path / "other")).sampler_ is None


def test_a_model_that_moves_on_drops_a_mixture_fitted_by_hand():
    X = load_wine().data
    vae = VAE(latent_dim=2, random_state=0).partial_fit(X)
    vae.fit_sampler(X)
    assert vae.partial_fit(X).sampler_ is None
    follows = VAE(latent_dim=2, random_state=0, sampler="aggregate-posterior").partial_fit(X)
    first = follows.sampler_
    assert not torch.equal(follows.partial_fit(X).sampler_.means, first.means)


def test_wrong_arguments_are_named():
    X = load_wine().data
    with pytest.raises(ConfigError, match="sampler='posterior'"):
        VAE(sampler="posterior", max_epochs=1).fit(X)
    vae = VAE(latent_dim=2, max_epochs=1, random_state=0).fit(X)
    for number in (0, 179, 1.5):
        with pytest.raises(ConfigError, match="n_components="):
            vae.fit_sampler(X, n_components=number)


def test_the_default_draws_from_the_codes_where_there_are_enough_of_them():
    X = load_wine().data
    settings = {"latent_dim": 3, "max_epochs": 1, "random_state": 0}
    assert VAE(**settings).fit(X).sampler_ is not None
    assert (
        VAE(**settings).fit(X[:15]).sampler_ is None
    )  # fewer than two codes for each parameter of a Gaussian
    assert VAE("beta-vae", **settings).fit(X).sampler_ is None  # a model of the literature samples as it says
    assert VAE(**settings).partial_fit(X).sampler_ is None  # a chunk need not be like the whole


def test_a_frame_of_pandas_is_fitted_without_a_warning():
    X = load_wine(as_frame=True).data
    assert VAE(latent_dim=2, max_epochs=1, random_state=0).fit(X).sampler_ is not None
