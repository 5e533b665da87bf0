"""What `sample_weight` means to estimators that are trained by gradients."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import sparse
from sklearn import config_context
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from latentia import VAE, VQVAE, AutoregressiveModel, SceneVAE, SequenceVAE, SeriesVAE, VideoVAE
from latentia.core import Loss
from latentia.errors import ConfigError, DataError, TrainingError
from latentia.estimators.forms.columns import mean_and_deviation
from latentia.training import Batches

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(60, 3)).astype(np.float32)
WEIGHT = RANDOM.integers(1, 5, 60).astype(float)
BRIEF = {"max_epochs": 2, "random_state": 0}


def vae(**options):
    return VAE(latent_dim=2, **{**BRIEF, **options})


def codes(**options):
    return VQVAE(n_codes=4, n_groups=2, **{**BRIEF, "prior": "independent", **options})


def pixels(**options):
    return AutoregressiveModel("pixelcnn", n_channels=4, n_layers=2, **{**BRIEF, **options})


MAKERS = {
    "VAE": (vae, X),
    "VQVAE": (codes, X),
    "pixels": (pixels, (X > 0).astype(np.uint8).reshape(60, 1, 3)),
}
of_makers = pytest.mark.parametrize(
    ("make", "rows"),
    [
        pytest.param(*made, id=name, marks=[pytest.mark.slow] * (name == "VQVAE"))
        for name, made in MAKERS.items()
    ],
)


def same(one, other):
    there = other.module_.state_dict()
    return all(torch.equal(weight, there[name]) for name, weight in one.module_.state_dict().items())


@of_makers
def test_rows_of_weight_zero_are_not_there_and_equal_weights_are_none(make, rows):
    weight = WEIGHT.copy()
    weight[::3] = 0
    there = weight > 0
    held = {"validation": rows[:9]}
    zeroed = make().fit(rows, sample_weight=weight, **held)
    assert same(zeroed, make().fit(rows[there], sample_weight=weight[there], **held))
    assert not same(zeroed, make().fit(rows[there], **held))
    assert same(make().fit(rows, sample_weight=np.full(60, 3.0), **held), make().fit(rows, **held))
    assert same(zeroed, make().fit(rows, sample_weight=8 * weight, **held))  # only their ratios matter


@of_makers
def test_a_resumed_fit_has_the_weights_of_the_first(make, rows, tmp_path):
    whole = make().fit(rows, sample_weight=WEIGHT, run_dir=tmp_path / "run")
    assert same(whole, make().fit(rows, sample_weight=WEIGHT, run_dir=tmp_path / "run", resume=True))
    with pytest.raises(TrainingError, match="training data weights is"):
        make().fit(rows, sample_weight=WEIGHT[::-1].copy(), run_dir=tmp_path / "run", resume=True)
    with pytest.raises(TrainingError, match="training data weights is only there"):
        make().fit(rows, run_dir=tmp_path / "run", resume=True)


def test_a_fit_that_is_cut_off_resumes_to_the_same_bits(tmp_path, monkeypatch):
    from latentia.training.loop import Loop

    whole = vae().fit(X, sample_weight=WEIGHT)
    step = Loop._step

    def cut(self, *given):
        if self.position.step == 5:
            self.save()
            raise RuntimeError("cut")
        return step(self, *given)

    monkeypatch.setattr(Loop, "_step", cut)
    with pytest.raises(RuntimeError, match="cut"):
        vae().fit(X, sample_weight=WEIGHT, run_dir=tmp_path)
    monkeypatch.undo()
    assert same(whole, vae().fit(X, sample_weight=WEIGHT, run_dir=tmp_path, resume=True))


def test_the_model_moves_to_the_heavy_rows():
    two = np.concatenate([np.full((30, 2), -1.0), np.full((30, 2), 1.0)]) + 0.1 * RANDOM.normal(size=(60, 2))
    weight = np.repeat([9.0, 1.0], 30)
    model = VAE(latent_dim=1, max_epochs=30, sampler="prior", random_state=0).fit(two, sample_weight=weight)
    left = (model.sample(2000, random_state=0)[:, 0] < 0).mean()
    assert left > 0.75
    assert model.score(two, sample_weight=weight) > model.score(two, sample_weight=weight[::-1])


def test_scales_start_values_and_samplers_are_those_of_repeated_rows():
    times = WEIGHT.astype(int)
    for rows in (X, X * np.float32(1e25), X[:, :1]):
        mean, deviation = mean_and_deviation(rows, 0, WEIGHT)
        repeated = np.repeat(rows, times, 0).astype(np.float64)
        assert np.allclose(mean, repeated.mean(0), rtol=1e-10)
        assert np.allclose(deviation, repeated.std(0), rtol=1e-10)
    batches = Batches(X, torch.as_tensor).weighed(WEIGHT)
    found = np.bincount(batches.subset(60, 0), minlength=60)
    assert (np.abs(found - 60 * WEIGHT / WEIGHT.sum()) < 1).all()
    average = np.mean([np.bincount(batches.subset(20, seed), minlength=60) for seed in range(2000)], 0)
    assert np.allclose(average, 20 * WEIGHT / WEIGHT.sum(), atol=0.06)


def test_weights_of_batches_are_those_of_their_rows():
    weight = np.arange(1.0, 61.0)
    batches = Batches(np.arange(60.0)[:, None], torch.as_tensor).weighed(weight)
    seen = [(rows[:, 0] + 1, each) for rows, each in batches.epoch(3, 2, 16)]
    assert all(torch.allclose(rows.float() / weight.mean(), each) for rows, each in seen)
    assert torch.equal(next(batches.epoch(3, 2, 16, 2)).weight, seen[2][1])


@pytest.mark.parametrize(
    ("weight", "told"),
    [
        (np.ones(7), "expected (60,)"),
        (np.ones((60, 2)), "2 dimensions"),
        (np.r_[np.ones(59), np.nan], "NaN or infinity at row 59"),
        (np.r_[-1.0, np.ones(59)], "negative (-1) at row 0"),
        (np.zeros(60), "zero for every row"),
        (["a"] * 60, "not made of numbers"),
    ],
)
def test_weights_that_are_none_are_refused(weight, told):
    with pytest.raises(DataError) as caught:
        vae().fit(X, sample_weight=weight)
    assert told in str(caught.value)


@pytest.mark.parametrize("rows", [X.tolist(), torch.as_tensor(X), pd.DataFrame(X), sparse.csr_matrix(X)])
def test_rows_of_any_make_are_left_out(rows):
    weight = WEIGHT.copy()
    weight[5:50] = 0
    assert vae(max_epochs=1).fit(rows, sample_weight=pd.Series(weight)).n_train_ == 15 - 2


def test_classes_of_rows_of_weight_zero_are_left_out():
    labels = np.arange(60) % 3
    weight = np.where(labels == 2, 0.0, WEIGHT)
    model = codes(prior="gated-pixelcnn", prior_by_class=True).fit(X, labels, sample_weight=weight)
    assert model.classes_.tolist() == [0, 1]


@pytest.mark.parametrize("make", [SceneVAE, SequenceVAE, SeriesVAE, VideoVAE])
def test_models_of_other_items_refuse_weights_in_a_line(make):
    with pytest.raises(ConfigError, match="takes no sample_weight"):
        make().fit(np.zeros((4, 3, 8, 8)), sample_weight=np.ones(4))


class Careless:
    """An objective of one's own that knows no weights."""

    def __call__(self, trace, progress=1.0):
        return Loss(-trace.elbo.mean(), {})


class Careful:
    """One that does."""

    def __call__(self, trace, progress=1.0):
        return Loss(-trace.weighed(trace.elbo).mean(), {})


def test_an_objective_that_knows_no_weights_is_refused():
    with pytest.raises(ConfigError, match=r"trace\.weighed"):
        vae(objective=Careless()).fit(X, sample_weight=WEIGHT)
    vae(objective=Careful()).fit(X, sample_weight=WEIGHT)
    vae(objective=Careless()).fit(X)


def test_scikit_learn_routes_weights_through_a_pipeline():
    with config_context(enable_metadata_routing=True):
        asked = vae().set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
        steps = make_pipeline(StandardScaler().set_fit_request(sample_weight=False), asked)
        steps.fit(X, sample_weight=WEIGHT)
        scaled = StandardScaler().fit_transform(X)
        assert same(steps[-1], vae().fit(scaled, sample_weight=WEIGHT))
        assert steps.score(X, sample_weight=WEIGHT) == steps[-1].score(scaled, sample_weight=WEIGHT)


def test_a_stream_takes_weights_and_choices_tell_of_them():
    model = vae().partial_fit(X, sample_weight=WEIGHT)
    assert not same(model, vae().partial_fit(X))
    told = {choice.what: choice.reason for choice in vae().fit(X, sample_weight=WEIGHT).choices_}
    assert "tell as much as" in told["sample_weight"]
