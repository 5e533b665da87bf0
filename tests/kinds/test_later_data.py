"""Data after the fit are held against those of the fit, by every kind: converted where that is meant, else refused by place."""

import numpy as np
import pandas as pd
import pytest

import latentia
from latentia import (
    VAE,
    VQVAE,
    AutoregressiveModel,
    BernoulliMixture,
    CategoricalMixture,
    DirichletMultinomialMixture,
    GaussianMixture,
    MultinomialMixture,
    PoissonMixture,
)
from latentia.errors import DataError

RANDOM = np.random.default_rng(5)
PIXELS = RANDOM.integers(0, 256, (40, 1, 8, 8)).astype(np.uint8)
UNIT = (PIXELS / 255).astype(np.float32)
BITS = (PIXELS > 99).astype(np.uint8)
COUNTS = RANDOM.poisson(9, (60, 4))


def neural(kind, X, **params):
    return kind(**params, max_epochs=1, random_state=0).fit(X)


FITS = {
    "vae": lambda X, **params: neural(VAE, X, latent_dim=1, **params),
    "codes": lambda X: neural(VQVAE, X, latent_dim=2),
    "autoregressive": lambda X: neural(AutoregressiveModel, X, n_channels=4, n_layers=2),
    "mixture": lambda X: GaussianMixture(2, max_iter=3, tol=1e9, covariance_type="diag", random_state=0).fit(
        X
    ),
}


@pytest.fixture(scope="module", params=FITS)
def of_bytes(request):
    return FITS[request.param](PIXELS)


@pytest.fixture(scope="module", params=[name for name in FITS if name != "codes"])
def of_units(request):
    return FITS[request.param](UNIT)


def said(model, X):
    return model.score_samples(X) if hasattr(model, "score_samples") else model.transform(X)


@pytest.mark.parametrize(
    "same",
    [
        PIXELS / 255,
        UNIT,
        PIXELS.astype(np.int64),
        PIXELS.astype(np.float32),
        PIXELS.astype(">i2"),
        PIXELS[:, 0],
        PIXELS.transpose(0, 2, 3, 1),
        np.asfortranarray(PIXELS),
    ],
    ids=["unit64", "unit32", "int64", "whole floats", "big endian", "flat", "last", "fortran"],
)
def test_the_same_pictures_have_the_same_scores(of_bytes, same):
    np.testing.assert_array_equal(said(of_bytes, PIXELS[:4]), said(of_bytes, same[:4]))


@pytest.mark.parametrize(
    "other",
    [UNIT * 2 - 1, UNIT - UNIT.mean(), PIXELS.astype(np.uint16) * 257, PIXELS + 0.25],
    ids=["-1..1", "centred", "16 bits", "quarters"],
)
def test_pictures_on_another_scale_are_refused(of_bytes, other):
    with pytest.raises(DataError, match="image 0, channel 0, row"):
        said(of_bytes, other[:4])


def test_bytes_are_read_by_a_model_of_units(of_units):
    np.testing.assert_allclose(
        of_units.score_samples(UNIT[:4]), of_units.score_samples(PIXELS[:4]), rtol=1e-4
    )
    with pytest.raises(DataError, match=r"image 0|row 0"):
        of_units.score_samples(UNIT[:4] * 2 - 1)


@pytest.mark.parametrize(
    "fit",
    [
        lambda X: neural(VAE, X, latent_dim=1),
        lambda X: neural(AutoregressiveModel, X, n_channels=4, n_layers=2),
        lambda X: BernoulliMixture(2, random_state=0).fit(X),
    ],
    ids=["vae", "autoregressive", "mixture"],
)
def test_masks_of_any_two_values_are_the_same(fit):
    model = fit(BITS)
    np.testing.assert_array_equal(model.score_samples(BITS[:4]), model.score_samples(BITS[:4] * 255))
    np.testing.assert_array_equal(model.score_samples(BITS[:4]), model.score_samples(BITS[:4].astype(bool)))
    with pytest.raises(DataError, match=r"image \d|row \d"):
        model.score_samples(UNIT[:4])


COUNTED = {
    "multinomial": lambda X: neural(VAE, X, latent_dim=1, likelihood="multinomial"),
    "negative-binomial": lambda X: neural(VAE, X, latent_dim=1, likelihood="negative-binomial"),
    "poisson": lambda X: neural(VAE, X, latent_dim=1, likelihood="poisson"),
    "poisson mixture": lambda X: PoissonMixture(2, random_state=0).fit(X),
    "multinomial mixture": lambda X: MultinomialMixture(2, random_state=0).fit(X),
    "dirichlet-multinomial": lambda X: DirichletMultinomialMixture(2, random_state=0).fit(X),
    "categorical": lambda X: CategoricalMixture(2, random_state=0).fit(X),
}


@pytest.mark.parametrize("name", COUNTED)
def test_counts_that_are_none_are_refused_by_row_and_column(name):
    model = COUNTED[name](COUNTS)
    np.testing.assert_allclose(model.score_samples(COUNTS[:5]), model.score_samples(COUNTS[:5].astype(float)))
    for value in (3.2, -1.0):
        wrong = COUNTS[:5].astype(float)
        wrong[2, 1] = value
        with pytest.raises(DataError, match=r"row 2, column 1"):
            model.score_samples(wrong)


def test_a_third_value_among_two_is_refused_by_name():
    frame = pd.DataFrame((RANDOM.random((60, 3)) < 0.4).astype(int), columns=["a", "b", "c"])
    model = neural(VAE, frame, latent_dim=1)
    assert model.likelihood_ == "bernoulli"
    wrong = frame.copy()
    wrong.loc[4, "b"] = 2
    with pytest.raises(DataError, match="row 4, column 'b'"):
        model.score_samples(wrong)


def test_channels_last_come_back_as_they_came():
    X = RANDOM.integers(0, 256, (30, 6, 7, 3)).astype(np.uint8)
    for model in (
        neural(VAE, X, latent_dim=1),
        neural(VQVAE, X, latent_dim=2),
        GaussianMixture(1, covariance_type="diag", max_iter=2, tol=1e9).fit(X),
    ):
        assert (
            model.event_shape_ == (3, 6, 7)
            if hasattr(model, "event_shape_")
            else model.layout_.event_shape == (3, 6, 7)
        )
        drawn = model.sample(2)
        drawn = drawn[0] if isinstance(drawn, tuple) else drawn
        assert drawn.shape == (2, 6, 7, 3)
    np.testing.assert_array_equal(
        model.score_samples(X[:3]), model.score_samples(X[:3].transpose(0, 3, 1, 2))
    )


def test_what_channels_cannot_be_told_is_asked(tmp_path):
    X = RANDOM.integers(0, 256, (30, 3, 6, 3)).astype(np.uint8)
    model = VAE(latent_dim=1, max_epochs=1, random_state=0)
    with pytest.raises(DataError, match="channels='first' or channels='last'"):
        model.fit(X)
    assert model.fit(X, channels="last").event_shape_ == (3, 3, 6)
    assert model.reconstruct(X[:2]).shape == (2, 3, 6, 3)
    model.save(tmp_path / "run")
    assert latentia.load(tmp_path / "run").reconstruct(X[:2]).shape == (2, 3, 6, 3)


def test_what_a_reader_was_told_is_not_asked_again(tmp_path):
    np.save(tmp_path / "x.npy", RANDOM.integers(0, 256, (60, 4, 7, 4)).astype(np.uint8))
    images = latentia.data.load(tmp_path / "x.npy", channels="first").train.x[:40]
    assert images.shape[1:] == (4, 7, 4)
    assert neural(VAE, images, latent_dim=1).event_shape_ == (4, 7, 4)
    mixture = GaussianMixture(1, covariance_type="diag", max_iter=2, tol=1e9).fit(images)
    assert mixture.layout_.event_shape == (4, 7, 4)
    with pytest.raises(DataError, match="channels='first' or channels='last'"):
        GaussianMixture(1).fit(np.array(images))


def test_sixteen_bit_pictures_come_back_with_their_levels(tmp_path):
    X = RANDOM.integers(0, 4096, (40, 8, 8)).astype(np.uint16)
    model = neural(VAE, X, latent_dim=1)
    assert model.form_.kind == "deep"
    assert "4095 as white" in str(model.choices_)
    back = model.reconstruct(X[:3])
    assert back.dtype == np.uint16
    assert 1000 < back.mean() < 3000
    np.testing.assert_allclose(model.score_samples(X[:3]), model.score_samples(X[:3] / 4095), atol=1e-3)
    model.save(tmp_path / "run")
    np.testing.assert_array_equal(latentia.load(tmp_path / "run").reconstruct(X[:3]), back)


@pytest.mark.parametrize("scale", [2.0**996, 2.0**-996, 2.0**700, 2.0**-700])
def test_columns_of_any_scale_shift_the_density_by_their_unit(scale):
    X = np.concatenate([RANDOM.normal(0, 1, (60, 4)), RANDOM.normal(5, 1, (60, 4))])
    one, other = neural(VAE, X, latent_dim=2), neural(VAE, X * scale, latent_dim=2)
    shifted = one.score_samples(X[:9]) - 4 * np.log(scale)
    np.testing.assert_allclose(
        other.score_samples(X[:9] * scale), shifted, atol=0.5
    )  # of importance sampling
    assert np.isfinite(other.sample(20, random_state=0)).all()
    back = other.reconstruct(X * scale) / scale
    assert abs(back - X).mean() < abs(X - X.mean(0)).mean()


def test_a_value_beyond_all_arithmetic_is_refused():
    X = RANDOM.normal(size=(60, 3))
    model = neural(VAE, X, latent_dim=1)
    far = X[:5].copy()
    far[3, 2] = 1e200
    with pytest.raises(DataError, match="row 3, column 2"):
        model.score_samples(far)
