from __future__ import annotations

import logging
from dataclasses import replace

import numpy as np
import pytest
from sklearn.datasets import load_digits

from latentia import VAE
from latentia.estimators.entry import Entry
from latentia.kinds.vae.catalog import CATALOG
from latentia.kinds.vae.monitoring import Monitor
from latentia.objectives import negative_elbo
from latentia.training.watching import Watch


@pytest.fixture
def digits():
    return (load_digits().images / 16 * 255).round().astype(np.uint8)[:600]


@pytest.fixture(autouse=True)
def every_epoch(monkeypatch):
    monkeypatch.setattr(
        "latentia.training.fitting.Watch", lambda measure, seed: Watch(measure, seed, share=1e9)
    )


def of_beta(beta: float) -> Entry:
    return replace(CATALOG["sigma-vae"], objective=negative_elbo(beta))


def test_information_and_active_units_are_in_the_learning_curves(digits, caplog):
    with caplog.at_level(logging.WARNING):
        vae = VAE(latent_dim=4, network="mlp-small", max_epochs=8, random_state=0).fit(digits)
    last = vae.history_[-1]
    assert 1.0 < last["mutual_information"] <= np.log(last["watched_items"]) + 1e-9
    assert last["watched_items"] == 60
    assert last["active_units"] == 4
    assert last["aggregate_kl"] >= 0
    assert caplog.messages == []


def test_collapse_is_warned_of_once_when_it_shows(digits, caplog):
    with caplog.at_level(logging.WARNING):
        vae = VAE(of_beta(200.0), latent_dim=4, network="mlp-small", max_epochs=8, random_state=0).fit(digits)
    assert len(caplog.messages) == 1
    assert "posterior collapse" in caplog.messages[0]
    assert "0 of 4 dimensions are active" in caplog.messages[0]
    assert vae.history_[-1]["active_units"] == 0


def test_overload_is_warned_of(linear_gaussian, caplog):
    oracle = linear_gaussian()
    x, monitor = oracle.sample(200), Monitor()
    monitor(oracle.model(1.0, 8.0), [x], 1, 0.05)
    assert caplog.messages == []  # too early to tell
    monitor(oracle.model(1.0, 8.0), [x], 2, 0.2)
    assert caplog.messages == []  # young codes settle
    monitor(oracle.model(1.0, 8.0), [x], 3, 0.3)
    monitor(oracle.model(1.0, 8.0), [x], 4, 0.4)
    assert [("information overload" in text, "epoch 3" in text) for text in caplog.messages] == [(True, True)]


def test_deterministic_codes_are_not_watched(digits):
    vae = VAE("autoencoder", latent_dim=2, network="mlp-small", max_epochs=2, random_state=0).fit(digits)
    assert "mutual_information" not in vae.history_[-1]
