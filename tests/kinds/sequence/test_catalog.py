"""What every model of sequences must keep; a new entry is covered without a new test."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from grammar import sentences
from latentia import SequenceVAE, load
from latentia.core import Objective
from latentia.errors import ConfigError
from latentia.kinds.sequence.catalog import SEQUENCE_MODELS
from latentia.objectives import ObjectiveSetting, build_objective

TEXTS, TOPICS = sentences(160)
LABELS = [text.split() for text in TEXTS]
SETTING = ObjectiveSetting(n_train=100, latent_dim=3, event_shape=(), n_updates=50)

pytestmark = pytest.mark.parametrize("name", SEQUENCE_MODELS)


def fitted(name, X, **options):
    network = {"width": 16, "dropout": 0.1}
    return SequenceVAE(
        name,
        latent_dim=None if name == "sequence-lm" else 3,
        network=network,
        max_epochs=2,
        pretrain_epochs=1 if SEQUENCE_MODELS[name].pretraining else None,
        n_importance=4,
        random_state=0,
        **options,
    ).fit(X)


def test_entry_says_what_it_is(name):
    entry = SEQUENCE_MODELS[name]
    assert entry.summary
    assert entry.reference
    assert isinstance(build_objective(entry.objective, SETTING), Objective)


def test_fit_use_and_keep(name, tmp_path):
    model = fitted(name, TEXTS)
    losses = [row["train_distortion"] for row in model.history_]
    assert losses[-1] < losses[0]
    scores = model.score_samples(TEXTS[:9])
    assert np.isfinite(scores).all()
    assert (scores < 0).all()
    drawn = model.sample(5, random_state=1)
    assert drawn.shape == (5,)
    assert all(isinstance(text, str) for text in drawn)
    model.save(tmp_path)
    again = load(tmp_path)
    np.testing.assert_array_equal(again.score_samples(TEXTS[:9]), scores)
    assert again.sample(5, random_state=1).tolist() == drawn.tolist()
    assert again.form_ == model.form_
    if name == "sequence-lm":
        with pytest.raises(ConfigError, match="no code"):
            model.transform(TEXTS)
        return
    codes = model.transform(TEXTS)
    assert codes.shape == (160, 3)
    np.testing.assert_array_equal(again.transform(TEXTS), codes)
    assert model.inverse_transform(codes[:4]).tolist() == model.reconstruct(TEXTS[:4]).tolist()
    assert len(model.inverse_transform(codes[:2], how="beam")) == 2


def test_the_same_seed_gives_the_same_bits(name):
    one, other = (fitted(name, LABELS).module_.state_dict() for _ in range(2))
    assert all(torch.equal(value, other[key]) for key, value in one.items())


def test_an_item_has_the_same_figures_alone_and_among_others(name):
    model = fitted(name, TEXTS)
    together = model.score_samples(TEXTS[:12])
    alone = [model.score_samples([text])[0] for text in TEXTS[:12]]
    np.testing.assert_allclose(together, alone, rtol=2e-6)
