"""What every entry of the catalog must keep, on every kind of data; a new entry is covered without a new test."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits, load_wine

from latentia import VAE, load
from latentia.core import Objective
from latentia.errors import ConfigError
from latentia.estimators.compose import compose
from latentia.kinds.vae.catalog import CATALOG
from latentia.objectives import ObjectiveSetting, build_objective

DATA = {
    "images": (load_digits().images[:120, None] / 16 * 255).round().astype(np.uint8),
    "table": load_wine().data,
    "binary": (load_wine().data > np.median(load_wine().data, 0)).astype(float),
    "counts": np.random.default_rng(0).poisson(3.0, (80, 6)),
}

SETTING = ObjectiveSetting(n_train=100, latent_dim=3, event_shape=(1, 8, 8), n_updates=50)


def parts(name):
    """What an entry is composed of, as far as another kind of data could meet it differently."""
    entry = CATALOG[name]
    made = getattr(entry.objective, "func", entry.objective)
    objective = getattr(made, "__name__", type(made).__name__)
    return {
        ("posterior", entry.posterior), ("prior", entry.prior), ("objective", objective), ("sampler", entry.sampler),
        ("schedule", type(entry.schedule).__name__), ("model", entry.model.__name__), ("Gaussian", entry.gaussian),
    }  # fmt: skip


def covering(names):
    """Entries, fewest first found, among which every part occurs that occurs in any of them."""
    left, chosen = set().union(*map(parts, names)), []
    while left:
        chosen.append(max(names, key=lambda name: len(parts(name) & left)))
        left -= parts(chosen[-1])
    return chosen


OF_ANY_DATA = [name for name in CATALOG if CATALOG[name].likelihoods is None]
PAIRS = [(name, "images") for name in CATALOG] + [
    (name, data) for data in ("table", "binary", "counts") for name in covering(OF_ANY_DATA)
]
"""All entries on images; on other data so many that each of their parts meets each kind of data."""
of_every_entry = pytest.mark.parametrize("name", CATALOG)


@of_every_entry
def test_entry_says_what_it_is(name):
    entry = CATALOG[name]
    assert entry.summary
    assert entry.reference
    assert isinstance(build_objective(entry.objective, SETTING), Objective)


def learning_curves(vae):
    """Losses by epoch: where weights ramp, the training losses of two epochs are of different objectives; the validation
    loss, on a dozen images, is of one."""
    return [
        [row.get(name, row["train_loss"]) for row in vae.history_]
        for name in ("train_loss", "validation_loss")
    ]


@pytest.mark.usefixtures("brief_refinement")
@pytest.mark.parametrize(("name", "data"), PAIRS)
def test_fit_use_and_keep(name, data, tmp_path):
    X = DATA[data]
    # five epochs are enough for Muon to learn something of every entry
    long = {"max_epochs": 5, "batch_size": 32, "optimizer": "muon"}
    settings = long if data == "images" else {"max_epochs": 2, "batch_size": 64}
    vae = VAE(name, latent_dim=3, n_importance=4, random_state=0, **settings).fit(X)
    if data == "images":
        assert any(losses[-1] < losses[0] for losses in learning_curves(vae))
    codes = vae.transform(X)
    assert codes.shape == (len(X), 3)
    assert np.isfinite(codes).all()
    assert vae.reconstruct(X).shape == (len(X), *vae.event_shape_)
    assert vae.sample(3, random_state=0).shape == (3, *vae.event_shape_)
    evaluation = vae.evaluate(X[:50])
    assert np.isfinite(evaluation.distortion)
    # perceptrons are quick enough for what is optimised item by item
    assert vae.diagnose(X[:8], thorough=data == "table").name
    again = load(vae.save(tmp_path / "run"))
    np.testing.assert_array_equal(again.transform(X), codes)
    np.testing.assert_array_equal(again.sample(3, random_state=0), vae.sample(3, random_state=0))


@of_every_entry
def test_trace_and_gradient(name):
    torch.manual_seed(0)
    model = compose(CATALOG[name], (1, 8, 8), 3, likelihood="gaussian", network="conv")
    x = torch.rand(6, 1, 8, 8)
    model.prepare(x)
    objective = build_objective(CATALOG[name].objective, SETTING)
    trace = model.trace(x, n_samples=2)
    assert trace.z.shape == (2, 6, 3)
    assert trace.log_likelihood.shape == (2, 6)
    assert trace.kl.shape[:2] == (2, 6)
    loss = objective(trace)
    loss.total.backward()
    gradients = [p.grad for p in model.parameters()]
    used = [g for g in gradients if g is not None]
    assert all(torch.isfinite(g).all() for g in used)
    assert any(g.abs().sum() > 0 for g in used)


@pytest.mark.parametrize("name", [name for name in CATALOG if name not in OF_ANY_DATA])
@pytest.mark.parametrize("data", ["table", "counts"])
def test_models_of_images_refuse_other_data(name, data):
    with pytest.raises(ConfigError, match="images"):
        VAE(name, latent_dim=2, max_epochs=2, random_state=0).fit(DATA[data])
