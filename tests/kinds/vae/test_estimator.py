from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_digits, load_wine
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from latentia import VAE
from latentia.errors import ConfigError, DataError

# equal in expectation alone (tests/objectives/test_weights.py): steps are taken on batches, whose number is that of rows
IN_EXPECTATION = dict.fromkeys(
    (
        "check_sample_weight_equivalence_on_dense_data",
        "check_sample_weight_equivalence_on_sparse_data",
    ),
    "updates are as many as rows, not as their weights, make them",
)


@parametrize_with_checks(
    [VAE(max_epochs=2, n_importance=4, random_state=0)], expected_failed_checks=lambda _: IN_EXPECTATION
)
def test_scikit_learn_conventions(estimator, check):
    check(estimator)


@pytest.fixture(scope="module")
def wine():
    return load_wine(return_X_y=True)


@pytest.fixture(scope="module")
def fitted(wine):
    return VAE(latent_dim=3, max_epochs=40, random_state=0).fit(wine[0])


@pytest.fixture(scope="module")
def digits():
    return (load_digits().images / 16 * 255).round().astype(np.uint8)


def test_codes_carry_what_a_classifier_needs(wine):
    X, y = wine
    model = make_pipeline(
        StandardScaler(), VAE(latent_dim=3, max_epochs=12, random_state=0), LogisticRegression()
    )
    assert cross_val_score(model, X, y, cv=3).mean() > 0.85


def test_grid_search_ranks_by_held_out_likelihood(wine):
    grid = {"latent_dim": [1, 3]}
    search = GridSearchCV(VAE(max_epochs=5, n_importance=10, random_state=0), grid, cv=2).fit(wine[0])
    scores = search.cv_results_["mean_test_score"]
    assert np.isfinite(scores).all()
    assert search.best_params_ == {"latent_dim": grid["latent_dim"][int(np.argmax(scores))]}
    assert search.score(wine[0]) == pytest.approx(search.best_estimator_.score_samples(wine[0]).mean())


def test_likelihood_beats_a_single_gaussian_per_column(fitted, wine):
    X = wine[0]
    independent = -0.5 * (np.log(2 * np.pi * X.var(0)) + 1).sum()
    assert fitted.score(X) > independent + 1.0


def test_score_is_a_density_in_the_units_of_the_data(wine):
    X = wine[0]
    settings = {"latent_dim": 2, "max_epochs": 3, "n_importance": 500, "random_state": 0}
    small, large = VAE(**settings).fit(X), VAE(**settings).fit(X * 1000.0)
    expected = small.score(X) - X.shape[1] * np.log(1000.0)
    # The noise of an item is a function of its bits, so the two differ by the error of the importance estimate.
    assert large.score(X * 1000.0) == pytest.approx(expected, abs=0.05)


def test_score_samples_of_a_row_does_not_depend_on_its_neighbours(digits):
    vae = VAE(latent_dim=2, max_epochs=1, n_importance=8, random_state=0).fit(digits[:200])
    whole = vae.score_samples(digits[:20])
    apart = np.concatenate([vae.score_samples(digits[i : i + 1]) for i in range(20)])
    np.testing.assert_allclose(whole, apart, rtol=1e-5, atol=1e-4)


def test_reconstruction_of_images_beats_their_mean_and_keeps_type_and_shape(digits):
    vae = VAE(latent_dim=8, max_epochs=4, network="mlp-small", random_state=0).fit(digits)
    rebuilt = vae.reconstruct(digits[:300])
    assert rebuilt.dtype == np.uint8
    assert rebuilt.shape == (300, 8, 8)
    x = digits[:300].astype(float)
    error = ((rebuilt - x) ** 2).mean()
    assert error < 0.5 * ((digits.mean(0) - x) ** 2).mean()


def test_sample_repeats_under_a_seed_and_varies_without(fitted):
    first = fitted.sample(5, random_state=1)
    np.testing.assert_array_equal(first, fitted.sample(5, random_state=1))
    assert not np.array_equal(first, fitted.sample(5, random_state=2))
    assert first.shape == (5, 13)


def test_samples_have_the_mean_and_spread_of_the_data(fitted, wine):
    X = wine[0]
    samples = fitted.sample(4000, random_state=0)
    assert np.abs((samples.mean(0) - X.mean(0)) / X.std(0)).max() < 0.35
    assert (samples.std(0) / X.std(0)).min() > 0.6


def test_same_seed_same_weights_and_the_global_state_is_left_alone(wine):
    torch.manual_seed(123)
    before = torch.get_rng_state()
    one = VAE(latent_dim=2, max_epochs=3, random_state=7).fit(wine[0])
    assert torch.equal(before, torch.get_rng_state())
    torch.manual_seed(99)
    two = VAE(latent_dim=2, max_epochs=3, random_state=7).fit(wine[0])
    for a, b in zip(one.module_.parameters(), two.module_.parameters(), strict=True):
        assert torch.equal(a, b)


def test_clone_takes_parameters_and_nothing_learned(fitted):
    copy = clone(fitted)
    assert copy.get_params() == fitted.get_params()
    assert not hasattr(copy, "module_")


def test_pickle_gives_the_same_codes(fitted, wine):
    copy = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(copy.transform(wine[0]), fitted.transform(wine[0]))


@pytest.mark.parametrize(
    ("make", "likelihood"),
    [
        (lambda rng: rng.normal(size=(60, 5)), "gaussian"),
        (lambda rng: (rng.random((60, 5)) < 0.4).astype(np.float32), "bernoulli"),
        (lambda rng: rng.multinomial(40, np.full(5, 0.2), size=60), "multinomial"),
        (lambda rng: rng.negative_binomial(0.3, 0.01, size=(200, 5)), "negative-binomial"),
        (lambda rng: sparse.csr_matrix(rng.poisson(0.5, size=(60, 5))), "multinomial"),
        (lambda rng: rng.random((40, 1, 6, 5)).astype(np.float32), "gaussian"),
        (lambda rng: rng.integers(0, 256, (40, 3, 9, 7), dtype=np.uint8), "gaussian"),
        (lambda rng: (rng.random((40, 4, 4)) < 0.5).astype(np.uint8) * 255, "bernoulli"),
        (lambda rng: torch.from_numpy(rng.normal(size=(40, 3)).astype(np.float32)), "gaussian"),
        (lambda rng: pd.DataFrame(rng.normal(size=(40, 3)), columns=list("abc")), "gaussian"),
    ],
    ids=[
        "table",
        "binary",
        "counts",
        "dispersed",
        "sparse",
        "unit",
        "uint8",
        "black-white",
        "torch",
        "pandas",
    ],
)
def test_auto_picks_the_likelihood_by_the_data(make, likelihood):
    X = make(np.random.default_rng(0))
    vae = VAE(latent_dim=2, max_epochs=2, n_importance=5, random_state=0).fit(X)
    assert vae.likelihood_ == likelihood
    assert vae.choices_[0].value == likelihood
    assert vae.choices_[0].reason
    scores = vae.score_samples(X, **({"total": "modelled"} if vae.form_.kind == "counts" else {}))
    assert np.isfinite(scores).all()
    back = vae.inverse_transform(vae.transform(X))
    assert back.shape == tuple(X.shape)
    assert np.isfinite(np.asarray(back, dtype=float)).all()


@pytest.mark.parametrize(
    "likelihood",
    [
        "continuous-bernoulli",
        "laplace",
        "discretized-logistic",
        "logistic-mixture",
        "categorical",
        "gaussian-pixel",
    ],
)
def test_named_likelihoods_of_images(digits, likelihood):
    vae = VAE(latent_dim=2, likelihood=likelihood, max_epochs=1, n_importance=5, random_state=0).fit(
        digits[:100]
    )
    assert np.isfinite(vae.score_samples(digits[:10])).all()
    assert vae.sample(2).dtype == np.uint8


@pytest.mark.parametrize(
    "likelihood", ["poisson", "multinomial", "dirichlet-multinomial", "negative-binomial", "zinb"]
)
def test_named_likelihoods_of_counts_and_a_row_of_zeros(likelihood):
    X = np.random.default_rng(0).poisson(2.0, (50, 4))
    X[3] = 0
    vae = VAE(latent_dim=2, likelihood=likelihood, max_epochs=2, n_importance=5, random_state=0).fit(X)
    with pytest.warns(UserWarning, match=r"1 row.* have no counts"):
        given = vae.score_samples(X)
    assert np.flatnonzero(np.isnan(given)).tolist() == [3]
    assert np.isfinite(vae.score_samples(X, total="modelled")).all()


def test_constant_columns_one_feature_and_float32():
    X = np.random.default_rng(0).normal(size=(50, 3)).astype(np.float32)
    X[:, 1] = 5.0
    vae = VAE(latent_dim=1, max_epochs=3, n_importance=5, random_state=0).fit(X)
    assert np.isfinite(vae.score_samples(X)).all()
    np.testing.assert_allclose(vae.reconstruct(X)[:, 1], 5.0, atol=0.5)
    assert VAE(latent_dim=1, max_epochs=2, random_state=0).fit(X[:, :1]).transform(X[:, :1]).shape == (50, 1)


def test_standardising_is_undone_far_from_the_origin():
    X = 1e6 + np.random.default_rng(0).normal(size=(300, 4)) @ np.diag([1e-2, 1, 10, 1e3])
    vae = VAE(latent_dim=2, max_epochs=10, random_state=0).fit(X)
    residual = vae.reconstruct(X) - X
    assert (residual.std(0) / X.std(0)).max() < 1.2
    assert np.abs(residual.mean(0) / X.std(0)).max() < 0.3


def test_dynamic_binarization_scores_the_same_item_the_same(digits):
    vae = VAE(latent_dim=2, binarize=True, max_epochs=2, n_importance=5, random_state=0).fit(digits[:200])
    assert vae.likelihood_ == "bernoulli"
    np.testing.assert_array_equal(vae.score_samples(digits[:5]), vae.score_samples(digits[:5]))
    assert np.isfinite(vae.score_samples(digits[:5])).all()


def test_partial_fit_learns_from_a_stream(wine):
    X = wine[0]
    order = np.random.default_rng(0).permutation(len(X))
    vae = VAE(latent_dim=2, network="mlp-small", n_importance=20, random_state=0)
    vae.partial_fit(X[order])
    first = vae.score(X)
    for _ in range(9):
        vae.partial_fit(X[order])
    assert vae.score(X) > first + 1.0
    assert vae.n_train_ == 10 * len(X)


def test_given_validation_rows_are_what_chooses_the_epoch(wine):
    X = wine[0]
    vae = VAE(latent_dim=2, max_epochs=3, random_state=0).fit(X[:100], validation=X[100:])
    assert vae.n_train_ == 100
    assert len(vae.history_) == 3
    assert np.isfinite(vae.history_[-1]["validation_elbo"])


def test_feature_names_and_pandas_output(wine):
    frame = pd.DataFrame(load_breast_cancer().data[:60], columns=load_breast_cancer().feature_names)
    vae = VAE(latent_dim=2, max_epochs=1, random_state=0).set_output(transform="pandas").fit(frame)
    assert list(vae.transform(frame).columns) == ["vae0", "vae1"]


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"latent_dim": 0}, "latent_dim=0"),
        ({"latent_dim": 14}, "larger than a datum"),
        ({"latent_dim": 2.5}, "whole number"),
        ({"max_epochs": -1}, "max_epochs"),
        ({"batch_size": 0}, "batch_size"),
        ({"learning_rate": -1.0}, "learning_rate"),
        ({"model": "sigma-vea"}, "did you mean 'sigma-vae'"),
        ({"likelihood": "gausian"}, "did you mean 'gaussian'"),
        ({"likelihood": "poisson"}, "is for counts data"),
        ({"network": "transformer"}, "unknown network"),
        ({"device": "tpu"}, "device"),
        ({"validation_fraction": 1.0}, "validation_fraction"),
        ({"precision": "int4"}, "precision"),
        ({"loggers": ("tensorbord",)}, "loggers"),
        ({"binarize": True}, "needs grey images"),
    ],
)
def test_a_wrong_parameter_is_named(wine, params, message):
    with pytest.raises(ConfigError, match=message):
        VAE(**{"max_epochs": 1, **params}).fit(wine[0])


def test_bad_data_are_named_by_place(wine):
    X = wine[0].copy()
    X[4, 2] = np.inf
    with pytest.raises(DataError, match=r"infinity in row 4, column \[2\]"):
        VAE(max_epochs=1).fit(X)
    frame = pd.DataFrame(X, columns=load_wine().feature_names)
    with pytest.raises(DataError, match="row 5, column 'ash' is inf"):
        VAE(max_epochs=1).fit(frame)


def test_images_of_another_shape_are_refused(digits):
    vae = VAE(latent_dim=2, max_epochs=0, random_state=0).fit(digits[:50])
    with pytest.raises(DataError, match="must agree"):
        vae.transform(digits[:5, :7])
    with pytest.raises(DataError, match="holds no images"):
        vae.transform(digits[:5].reshape(5, -1))
    with pytest.raises(DataError, match=r"expected \[n, 2\]"):
        vae.inverse_transform(np.zeros((1, 3)))


def test_deterministic_codes_have_no_likelihood(wine):
    vae = VAE("autoencoder", latent_dim=2, max_epochs=1, random_state=0).fit(wine[0])
    with pytest.raises(ConfigError, match="deterministic"):
        vae.score_samples(wine[0])


def test_more_importance_samples_raise_the_score_of_rows(fitted, wine):
    X = wine[0]
    one, many = (fitted.score_samples(X, n_importance=n) for n in (1, 50))
    assert many.mean() > one.mean()
    own = VAE(latent_dim=3, max_epochs=1, n_importance=2, random_state=0).fit(X)
    assert np.array_equal(own.score_samples(X), own.score_samples(X, n_importance=2))
    with pytest.raises(ConfigError, match="n_importance"):
        own.score_samples(X, n_importance=0)
