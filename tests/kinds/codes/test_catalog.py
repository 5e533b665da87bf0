"""What every model with discrete codes must keep, on every kind of data; a new entry is covered without a new test."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_digits, load_wine

from latentia import VAE, VQVAE, load
from latentia.core import Objective
from latentia.errors import ConfigError, DataError
from latentia.kinds.codes.catalog import DISCRETE

DATA = {
    "images": (load_digits().images[:120, None] / 16 * 255).round().astype(np.uint8),
    "table": load_wine().data,
    "binary": (load_wine().data > np.median(load_wine().data, 0)).astype(float),
    "counts": np.random.default_rng(0).poisson(3.0, (80, 6)),
}
SMALL = {
    "n_codes": 8,
    "latent_dim": 4,
    "max_epochs": 2,
    "batch_size": 64,
    "n_importance": 4,
    "random_state": 0,
}


def fitted(name="vq-vae", data="table", **options):
    return VQVAE(name, **{**SMALL, "prior": "independent", **options}).fit(DATA[data])


@pytest.mark.parametrize("name", DISCRETE)
def test_entry_says_what_it_is(name):
    entry = DISCRETE[name]
    assert entry.summary
    assert entry.reference
    assert isinstance(entry.objective, Objective)


IMAGES_ONLY = [name for name, entry in DISCRETE.items() if entry.likelihoods is not None]
PAIRS = [(name, data) for name in DISCRETE for data in DATA if data == "images" or name not in IMAGES_ONLY]


@pytest.mark.parametrize(("name", "data"), PAIRS)
def test_fit_use_and_keep(name, data, tmp_path):
    X = DATA[data]
    model = fitted(name, data)
    codes = model.transform(X)
    n = sum(h * w for h, w in model.code_shapes_)
    n_codes = model.module_.coder.n_codes
    assert codes.shape == (len(X), n)
    assert codes.dtype == np.int64
    assert codes.min() >= 0
    assert codes.max() < n_codes
    assert model.inverse_transform(codes).shape == (len(X), *model.event_shape_)
    # Rows of counts are rebuilt with their own totals, codes alone are given the typical one; PixelCNNs draw their pixels.
    if data != "counts" and name not in IMAGES_ONLY:
        np.testing.assert_array_equal(model.inverse_transform(codes), model.reconstruct(X))
    assert model.sample(3, random_state=0).shape == (3, *model.event_shape_)
    figures = model.evaluate(X[:50])
    assert np.isfinite(figures.elbo)
    assert 0 <= figures.kl < 1.3 * figures.uniform_rate
    if model.module_.coder.deterministic:  # a prior that has hardly learned anything is nearly uniform
        assert figures.kl > 0.7 * figures.uniform_rate
    assert 1 <= figures.used_codes <= n_codes
    assert 1 <= figures.perplexity <= n_codes
    assert len(figures.kl_per_dim) == n
    assert np.isfinite(model.score(X[:20]))
    assert model.diagnose(X[:16]).name
    again = load(model.save(tmp_path / "run"))
    assert isinstance(again, VQVAE)
    np.testing.assert_array_equal(again.transform(X), codes)
    np.testing.assert_array_equal(again.sample(3, random_state=0), model.sample(3, random_state=0))
    assert getattr(again, "prior_history_", None) == getattr(model, "prior_history_", None)


@pytest.mark.parametrize("name", DISCRETE)
def test_training_lowers_the_loss(name):
    model = fitted(name, "images", max_epochs=8, batch_size=32)
    losses = [row["train_distortion"] for row in model.history_]
    assert losses[-1] < losses[0]
    if DISCRETE[name].prior_training == "joint":
        return
    lengths = [row["train_loss"] for row in model.prior_history_]
    assert lengths[-1] < lengths[0]


def test_second_stage_learns_what_the_codes_are_like():
    X = DATA["images"]
    model = fitted("vq-vae-ema", "images", prior_epochs=150, max_epochs=4, batch_size=16)
    figures = model.evaluate(X)
    assert 40 < len(model.prior_history_) <= 150
    n_positions = figures.uniform_rate / np.log(8)
    assert figures.kl < figures.uniform_rate
    # less than with a prior that knows only the shares of the codes
    assert figures.kl < n_positions * np.log(figures.perplexity)
    assert figures.bits_per_dim < figures.uniform_bits_per_dim
    saved = (figures.uniform_rate - figures.kl) / 64 / np.log(2)
    assert figures.uniform_bits_per_dim - figures.bits_per_dim == pytest.approx(saved)
    assert figures.log_likelihood is None  # one code for each item: the bound is all there is
    assert model.score(X) == pytest.approx(figures.elbo, rel=1e-4)


def test_second_stage_leaves_the_first_as_it_is():
    first = fitted(prior="uniform")
    second = fitted(prior="gated-pixelcnn")
    codes = first.transform(DATA["table"])
    np.testing.assert_array_equal(codes, second.transform(DATA["table"]))
    assert first.history_[-1]["validation_elbo"] == second.history_[-1]["validation_elbo"]


@pytest.mark.parametrize("training", ["concurrent", "joint"])
def test_priors_learned_in_training(training):
    model = fitted(data="images", prior_training=training, max_epochs=4)
    assert not hasattr(model, "prior_history_") or model.prior_history_ == []
    assert np.isfinite(model.evaluate(DATA["images"]).elbo)
    assert np.isfinite(model.history_[-1]["validation_kl"])


def test_concurrent_prior_does_not_touch_the_autoencoder():
    X = DATA["table"]
    beside, alone = (
        fitted(prior_training="concurrent", prior=prior, patience=1000)
        for prior in ("independent", "uniform")
    )
    last = [model.history_[-1] for model in (beside, alone)]
    assert last[0]["train_distortion"] == pytest.approx(last[1]["train_distortion"], rel=1e-5)
    assert last[0]["train_kl"] != last[1]["train_kl"]
    assert beside.transform(X).shape == alone.transform(X).shape


def test_prior_by_class(tmp_path):
    X, y = DATA["images"], load_digits().target[:120] + 5
    model = VQVAE(**SMALL, prior="independent", prior_by_class=True, prior_epochs=60).fit(X, y)
    assert model.classes_.tolist() == list(range(5, 15))
    assert model.sample(4, y=7, random_state=0).shape == (4, 1, 8, 8)
    assert model.sample(2, y=[5, 14]).shape == (2, 1, 8, 8)
    again = load(model.save(tmp_path / "run"))
    np.testing.assert_array_equal(again.sample(4, y=7, random_state=0), model.sample(4, y=7, random_state=0))
    # codes drawn for a class are nearer to the codes of that class than to those of all
    prior, codes = model.module_.prior, model.transform(X)
    import torch

    labels = torch.from_numpy(y - 5)
    of_class = prior.log_probs_given(torch.from_numpy(codes), labels)
    mixed = prior.log_probs(torch.from_numpy(codes))
    picked = [part.gather(-1, torch.from_numpy(codes)[..., None]).mean() for part in (of_class, mixed)]
    assert picked[0] > picked[1]
    with pytest.raises(ConfigError, match="no class"):
        model.sample(1, y=3)


@pytest.mark.parametrize("model", ["vq-vae-ema", "vq-vae-2", "gumbel-vae"])
def test_completion_keeps_the_first_codes(model):
    X = DATA["images"][:6]
    fitted = VQVAE(model, **SMALL, prior="independent", prior_epochs=1).fit(DATA["images"])
    whole = np.concatenate([np.ones(h * w, dtype=bool) for h, w in fitted.code_shapes_])
    np.testing.assert_array_equal(
        fitted.complete(X, whole, mean=True), fitted.inverse_transform(fitted.transform(X))
    )
    half = np.concatenate([np.arange(h * w) < h * w // 2 for h, w in fitted.code_shapes_])
    done = [fitted.complete(X, half, mean=True, random_state=seed) for seed in (0, 0, 1)]
    assert done[0].shape == (6, 1, 8, 8)
    np.testing.assert_array_equal(done[0], done[1])
    assert (done[0] != done[2]).any()
    with pytest.raises(DataError, match="mask"):
        fitted.complete(X, np.ones(3, dtype=bool))
    with pytest.raises(ConfigError, match="prior_by_class"):
        fitted.complete(X, half, y=1)


def test_same_seed_same_model():
    a, b = fitted(prior="gated-pixelcnn"), fitted(prior="gated-pixelcnn")
    for (name, value), other in zip(
        a.module_.state_dict().items(), b.module_.state_dict().values(), strict=True
    ):
        assert bool((value == other).all()), name


def test_clone_and_parameters():
    model = VQVAE(n_codes=7, prior_training="joint")
    assert clone(model).get_params() == model.get_params()
    of_continuous_codes = {
        "max_minutes",
        "objective",
        "objective_options",
        "refinement_steps",
        "sampler",
        "schedule",
        "schedule_options",
    }
    assert set(VAE().get_params()) - set(model.get_params()) == of_continuous_codes


def test_usage_and_embedding():
    model = fitted()
    X = DATA["table"]
    usage = model.code_usage(X)
    assert usage.counts.sum() == model.transform(X).size
    assert usage.used + usage.dead == 8
    assert model.embed(X).shape == (len(X), model.transform(X).shape[1] * 4)


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"prior_training": "after"}, "two-stage"),
        ({"prior": "pixelcn"}, "did you mean"),
        ({"model": "vq-vae-2", "prior_training": "joint"}, "joint"),
        ({"model": "fsq-vae", "prior_training": "joint"}, "joint"),
        ({"model": "gumbel-vae", "prior_training": "concurrent"}, "joint"),
        ({"prior_by_class": True}, "fit\\(X, y\\)"),
        ({"prior_by_class": True, "prior": "uniform"}, "learned"),
        ({"n_codes": 1}, "n_codes"),
        ({"n_groups": 0}, "n_groups"),
        ({"quantizer": "vqx"}, "did you mean"),
    ],
)
def test_wrong_parameters_are_named(options, word):
    with pytest.raises(ConfigError, match=word):
        VQVAE(**{**SMALL, **options}).fit(DATA["table"])


def test_codes_that_are_none_are_named():
    model = fitted()
    codes = model.transform(DATA["table"])
    for wrong, word in ((codes[:, :1], "shape"), (codes + 0.5, "whole"), (codes + 100, "expected 0..7")):
        with pytest.raises(DataError, match=word):
            model.inverse_transform(wrong)


def test_a_stream_has_no_second_stage():
    with pytest.raises(ConfigError, match="second stage"):
        VQVAE(**SMALL).partial_fit(DATA["table"])
    streamed = VQVAE(**SMALL, prior="independent", prior_training="concurrent").partial_fit(DATA["table"])
    assert streamed.partial_fit(DATA["table"]).transform(DATA["table"]).shape[0] == 178


@pytest.mark.parametrize("n", [2, 3, 11])
def test_hardly_any_rows(n):
    model = VQVAE(**{**SMALL, "n_codes": 64}).fit(DATA["table"][:n])
    assert np.isfinite(model.sample(2)).all()


def test_constant_rows():
    model = VQVAE(**SMALL).fit(np.ones((64, 5)))
    assert np.isfinite(model.reconstruct(np.ones((3, 5)))).all()
    assert np.isfinite(model.evaluate(np.ones((3, 5))).elbo)
    assert model.code_usage(np.ones((3, 5))).used <= model.transform(np.ones((3, 5))).shape[1]
