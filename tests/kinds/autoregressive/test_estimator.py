"""The estimator of autoregressive densities: exact likelihoods, draws, completions, labels, keeping and resuming."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.datasets import load_digits

import latentia
from latentia import AutoregressiveModel
from latentia.errors import ConfigError, DataError, RunFolderError
from latentia.estimators.forms.levels import choose_levels
from latentia.kinds.autoregressive.catalog import DENSITY_MODELS
from latentia.kinds.autoregressive.run import judge
from run_folders import rewrite

SMALL = {"n_channels": 4, "n_layers": 2, "max_epochs": 2, "random_state": 0}


def stripes(n, size=4, seed=0):
    """Binary images whose rows are alike: half of them white on the left, half on the right."""
    left = np.random.default_rng(seed).integers(0, 2, n).astype(bool)
    x = np.zeros((n, 1, size, size), np.uint8)
    x[left, :, :, : size // 2] = 255
    x[~left, :, :, size // 2 :] = 255
    return x, left.astype(int)


@pytest.mark.parametrize("name", DENSITY_MODELS)
def test_fit_use_and_keep(name, tmp_path):
    X = load_digits().images[:60, None].astype(np.uint8)
    model = AutoregressiveModel(name, **SMALL).fit(X)
    assert model.levels_.n_levels == 17
    scores = model.score_samples(X)
    assert scores.shape == (60,)
    assert (scores < 0).all()
    drawn = model.sample(5, random_state=1)
    assert drawn.shape == (5, 1, 8, 8)
    assert drawn.dtype == np.uint8
    assert drawn.max() <= 16
    again = latentia.load(model.save(tmp_path / "run"))
    np.testing.assert_array_equal(again.score_samples(X), scores)
    np.testing.assert_array_equal(again.sample(5, random_state=1), drawn)
    assert [row["epoch"] for row in again.history_] == [1, 2]


def test_probabilities_of_all_images_sum_to_one():
    X, _ = stripes(40, size=2)
    model = AutoregressiveModel("gated-pixelcnn", **SMALL).fit(X)
    images = np.array(list(itertools.product([0, 255], repeat=4)), np.uint8).reshape(-1, 1, 2, 2)
    assert np.exp(model.score_samples(images)).sum() == pytest.approx(1, abs=1e-5)


def test_what_is_learned():
    X, _ = stripes(200)
    settings = {**SMALL, "n_channels": 8, "max_epochs": 25, "learning_rate": 1e-2}
    model = AutoregressiveModel("gated-pixelcnn", **settings).fit(X)
    # One bit decides everything: the entropy is ln 2 nats.
    assert model.score(X) > -1.1 * np.log(2)
    drawn = model.sample(40, random_state=0)
    known = {image.tobytes() for image in X}
    assert sum(image.tobytes() in known for image in drawn) >= 36
    done = model.complete(X[:20], np.arange(4)[:, None] < 1, random_state=0)
    assert (done == X[:20]).all(axis=(1, 2, 3)).mean() >= 0.9
    figures = model.evaluate(X)
    assert figures.log_likelihood == pytest.approx(model.score(X))
    assert figures.bits_per_dim == pytest.approx(-figures.log_likelihood / 16 / np.log(2))


def test_conditional_on_a_class():
    X, y = stripes(200)
    labels = np.where(y == 1, "left", "right")
    settings = {**SMALL, "n_channels": 8, "max_epochs": 25, "learning_rate": 1e-2, "conditional": True}
    model = AutoregressiveModel("gated-pixelcnn", **settings).fit(X, labels)
    assert model.score(X, labels) > -0.2
    assert model.score(X, labels[::-1]) < -1
    assert (model.sample(6, labels="left", random_state=0)[:, 0, :, 0] == 255).mean() > 0.9
    assert model.sample(4, random_state=0).shape == (4, 1, 4, 4)
    with pytest.raises(DataError, match="class"):
        model.score(X)
    with pytest.raises(DataError, match="up"):
        model.score(X[:2], ["left", "up"])
    with pytest.raises(ConfigError, match="classes"):
        model.sample(2, labels="up")
    with pytest.raises(DataError, match="class of each row"):
        AutoregressiveModel(conditional=True).fit(X)


def test_rows_of_few_values_and_unknown_ones():
    X = np.random.default_rng(0).choice([-1.5, 0.0, 7.0], (50, 6))
    model = AutoregressiveModel("pixelcnn", **SMALL).fit(X)
    assert set(np.unique(model.sample(10, random_state=0))) <= {-1.5, 0.0, 7.0}
    assert model.complete(X[:3], [True, True, False, True, True, True]).shape == (3, 6)
    with pytest.raises(DataError, match=r"2\.0"):
        model.score(np.full((1, 6), 2.0))


@pytest.mark.parametrize(
    ("x", "n_levels", "found"),
    [
        (np.arange(256, dtype=np.uint8).reshape(16, 1, 4, 4), None, 256),
        (np.arange(256, dtype=np.uint8).reshape(16, 1, 4, 4), 4, 4),
        (np.linspace(0, 1, 256).reshape(16, 1, 4, 4), None, 256),
        (np.linspace(0, 1, 256).reshape(16, 1, 4, 4), 8, 8),
        (np.array([[0, 3], [5, 3]]), None, 3),
        (np.zeros((4, 1, 2, 2), np.uint8), None, 1),
    ],
)
def test_levels_there_and_back(x, n_levels, found):
    levels, _ = choose_levels(x, n_levels)
    coded = levels.stored(x)
    assert levels.n_levels == found
    assert coded.max() == found - 1
    back = levels.items(coded)
    assert back.dtype == x.dtype
    assert np.abs(back.astype(float) - x).max() <= (x.max() - x.min()) / max(1, found - 1) + 1e-12
    np.testing.assert_array_equal(levels.stored(back), coded)
    assert type(levels).rebuild(levels.describe()) == levels


def test_data_that_are_no_levels():
    with pytest.raises(DataError, match="no levels"):
        AutoregressiveModel().fit(np.random.default_rng(0).normal(size=(50, 4)))
    with pytest.raises(ConfigError, match="n_levels"):
        AutoregressiveModel(n_levels=1).fit(stripes(20)[0])
    with pytest.raises(ConfigError, match="kernel_size"):
        AutoregressiveModel("causal-transformer", kernel_size=3).fit(stripes(20)[0])
    with pytest.raises(ConfigError, match="unknown model"):
        AutoregressiveModel("pixelcn").fit(stripes(20)[0])


def test_an_interrupted_fit_ends_with_the_same_bits(tmp_path, monkeypatch):
    X, _ = stripes(120)
    settings = {**SMALL, "max_epochs": 3}
    whole = AutoregressiveModel("row-lstm", **settings).fit(X)
    calls = 0
    original = torch.optim.AdamW.step

    def dies(self, *args, **kwargs):
        nonlocal calls
        calls += 1
        if calls == 19:
            raise RuntimeError("cut")
        return original(self, *args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(torch.optim.AdamW, "step", dies)
        with pytest.raises(RuntimeError, match="cut"):
            AutoregressiveModel("row-lstm", **settings).fit(X, run_dir=tmp_path)
    assert (tmp_path / "checkpoints").is_dir()
    resumed = AutoregressiveModel("row-lstm", **settings).fit(X, run_dir=tmp_path, resume=True)
    for name, value in whole.module_.state_dict().items():
        assert torch.equal(value, resumed.module_.state_dict()[name]), name


def test_folders_of_other_estimators_and_weights(tmp_path):
    X, _ = stripes(30)
    model = AutoregressiveModel("pixelcnn", **SMALL).fit(X)
    folder = model.save(tmp_path / "run")
    with pytest.raises(RunFolderError, match="AutoregressiveModel"):
        latentia.VAE.load(folder)
    (folder / "config.json").write_text(
        (folder / "config.json").read_text().replace('"n_channels": 4', '"n_channels": 5')
    )
    with pytest.raises(RunFolderError, match="was altered"):
        latentia.load(folder)
    rewrite(folder, lambda config: None)
    with pytest.raises(RunFolderError, match="do not fit"):
        latentia.load(folder)


def test_clone_has_the_same_parameters():
    model = AutoregressiveModel("row-lstm", n_levels=4, n_channels=3)
    assert clone(model).get_params() == model.get_params()


def test_verdicts():
    figures = AutoregressiveModel("pixelcnn", **SMALL).fit(stripes(30)[0]).evaluate(stripes(10)[0])
    rising = [-10.0, -8.0, -6.0, -4.0]
    assert judge(figures, figures, rising).name == "under-trained"
    assert judge(figures, figures, [-10.0, -5.0, -4.9, -4.89]).name == "healthy"
