"""Generators of one's own: what is drawn beside a fit changes nothing in it, and it changes nothing outside."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits, load_wine
from torch import nn

from latentia import VAE, VQVAE, AutoregressiveModel, draws
from latentia.kinds.vae.catalog import CATALOG
from latentia.nn import NETWORKS, Network
from latentia.training import fitting

X = load_wine().data
IMAGES = (load_digits().images[:64, None] / 16 * 255).round().astype(np.uint8)


def weights(estimator):
    return [tensor.clone() for tensor in estimator.module_.state_dict().values()]


def same(one, other):
    return all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize("function", ["rand", "randn", "randint", "randperm"])
def test_the_same_numbers_as_torch_from_the_same_seed(function):
    torch.manual_seed(7)
    arguments = {"rand": (5,), "randn": (5,), "randint": (9, (5,)), "randperm": (5,)}[function]
    expected = getattr(torch, function)(*arguments)
    with draws.seeded(7, torch.device("cpu")):
        routed = getattr(torch, function)(*arguments)
    with draws.seeded(7, torch.device("cpu"), foreign=False):
        own = {
            "rand": lambda: draws.rand((5,)), "randn": lambda: draws.randn((5,)),
            "randint": lambda: draws.randint(9, (5,)), "randperm": lambda: draws.randperm(5),
        }[function]()  # fmt: skip
    assert torch.equal(routed, expected)
    assert torch.equal(own, expected)


def test_layers_and_their_noise_come_from_the_block():
    def made():
        layer = nn.Sequential(nn.Linear(4, 8), nn.Dropout(0.5), nn.Conv1d(1, 2, 3))
        x = nn.functional.dropout(torch.ones(6), 0.5)
        return [
            *layer.state_dict().values(),
            torch.rand_like(x),
            torch.randn_like(x),
            x,
            torch.bernoulli(x / 2),
        ]

    before = torch.get_rng_state()
    with draws.seeded(3, torch.device("cpu")):
        first = made()
    torch.rand(5)
    with draws.seeded(3, torch.device("cpu")):
        second = made()
    torch.set_rng_state(before)
    assert same(first, second)
    with draws.seeded(3, torch.device("cpu")):
        made()
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("name", CATALOG)
def test_a_fit_draws_from_its_own_generators_alone(name, monkeypatch):
    """Without what leads other code's draws: all of the library's own must not need it."""
    data = IMAGES if CATALOG[name].likelihoods else X
    monkeypatch.setattr(fitting, "_is_own", lambda *_: True)
    before = torch.get_rng_state()
    VAE(name, latent_dim=2, max_epochs=1, random_state=0).fit(data)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("name", ["vq-vae-ema", "gumbel-vae"])
def test_so_with_discrete_codes(name, monkeypatch):
    monkeypatch.setattr(fitting, "_is_own", lambda *_: True)
    before = torch.get_rng_state()
    VQVAE(name, n_codes=4, max_epochs=1, random_state=0).fit(X)
    assert torch.equal(torch.get_rng_state(), before)


def test_so_with_pixels(monkeypatch):
    monkeypatch.setattr(fitting, "_is_own", lambda *_: True)
    before = torch.get_rng_state()
    AutoregressiveModel(n_channels=4, n_layers=1, max_epochs=1, random_state=0).fit(IMAGES)
    VAE(latent_dim=2, binarize=True, max_epochs=1, random_state=0).fit(IMAGES)
    assert torch.equal(torch.get_rng_state(), before)


class Noisy(nn.Module):
    """An encoder of a person's own, with dropout."""

    n_features = 8

    def __init__(self, event_shape, inputs=None):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(event_shape[0], 8), nn.ReLU(), nn.Dropout(0.2))

    def forward(self, x):
        return self.layers(x) + 0.01 * torch.randn(len(x), 8)


def test_fits_in_several_threads_do_not_share_noise():
    network = Network(Noisy, NETWORKS["mlp-small"].decoder, "noisy")

    def fit(seed):
        kind = VAE(
            latent_dim=2, max_epochs=3, network=network if seed % 2 else "mlp-small", random_state=seed
        )
        return weights(kind.fit(X))

    alone = [fit(seed) for seed in range(4)]
    stop = threading.Event()

    def disturb():
        while not stop.is_set():
            torch.rand(100)
            np.random.random(10)  # noqa: NPY002

    disturber = threading.Thread(target=disturb)
    disturber.start()
    try:
        with ThreadPoolExecutor(4) as pool:
            together = list(pool.map(fit, range(4)))
    finally:
        stop.set()
        disturber.join()
    assert all(same(one, other) for one, other in zip(alone, together, strict=True))
