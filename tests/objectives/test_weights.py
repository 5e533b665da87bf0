"""Weights of items: a weighed batch has the loss of the batch in which each item is repeated as often as its weight says."""

from __future__ import annotations

import copy
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch

from latentia.distributions import item_keys, per_item_noise
from latentia.distributions.weighing import weighing
from latentia.estimators.compose import compose
from latentia.kinds.codes.catalog import DISCRETE
from latentia.kinds.vae.catalog import CATALOG
from latentia.latent.quantizers import VectorQuantizer
from latentia.objectives import ObjectiveSetting, build_objective, mmd2, quantized_bound
from latentia.objectives.annealed import annealed_elbo, minimum_rate
from latentia.objectives.objective import negative_elbo
from latentia.objectives.scenes import MaskSum

TIMES = torch.tensor([3, 1, 2, 5, 1, 4])
WEIGHT = TIMES.double() / TIMES.double().mean()
SETTING = ObjectiveSetting(100, 2, (4,), 50)
LIKELIHOODS = ("gaussian", "gaussian-learned", "laplace", "negative-binomial", "multinomial", "mixed")
# the discrepancy of two samples has an oracle of its own, below
ELSEWHERE = ("info-vae", "wae-mmd", "pixel-vae", "reslag-vae", "reslag-vae-light")
ALWAYS = (
    "sigma-vae",
    "capacity-vae",
    "constrained-vae",
    "free-bits-vae",
    "iwae",
    "beta-tc-vae",
    "ladder-vae",
)
MODELS = [
    pytest.param(name, marks=[pytest.mark.slow] * (name not in ALWAYS))
    for name in CATALOG
    if name not in ELSEWHERE
]


def items(likelihood):
    draw = torch.Generator().manual_seed(1)
    x = torch.randn(6, 4, dtype=torch.float64, generator=draw)
    counts = likelihood in ("negative-binomial", "multinomial")
    return (x.exp() * 5).round() + 1 if counts else x


def module(entry, likelihood):
    torch.manual_seed(0)
    return compose(entry, (4,), 2, likelihood=likelihood, network="mlp").double()


def losses(model, objective, x, n_samples=3):
    """Loss of the weighed batch, and of the one with repeated items, each item with noise of its own."""
    return [loss for loss, _ in passes(model, objective, x, n_samples)]


def passes(model, objective, x, n_samples=3):
    for batch, weight in ((x, WEIGHT), (x.repeat_interleave(TIMES, 0), None)):
        network, asked = copy.deepcopy((model, objective))  # a pass may leave something behind
        with per_item_noise(item_keys(batch), 0), weighing(weight):
            trace = network.trace(batch, n_samples)
            yield asked(replace(trace, weight=weight), 0.7).total, network


@pytest.mark.parametrize("name", MODELS)
def test_a_weighed_batch_has_the_loss_of_repeated_items(name):
    entry, x = CATALOG[name], items("gaussian")
    objective = build_objective(entry.objective, SETTING)
    objective = objective.double() if isinstance(objective, torch.nn.Module) else objective
    model = module(entry, entry.gaussian)
    model.prepare(x)
    (weighed, first), (repeated, second) = passes(model, objective, x)
    assert torch.allclose(weighed, repeated, rtol=1e-12)
    assert not torch.isclose(weighed, losses(model, objective, x.flip(0))[0], rtol=1e-6)
    weighed.backward()
    repeated.backward()
    for one, other in zip(first.parameters(), second.parameters(), strict=True):
        assert (one.grad is None) == (other.grad is None)
        assert one.grad is None or torch.allclose(one.grad, other.grad, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("likelihood", LIKELIHOODS)
def test_what_a_likelihood_takes_from_the_batch_is_weighed_too(likelihood):
    x = items(likelihood)
    model = module(CATALOG["vae"], likelihood)
    model.prepare(x)
    weighed, repeated = losses(model, negative_elbo(), x)
    # a memory of batches counts cells: a batch of more of them moves it further
    assert torch.allclose(weighed, repeated, rtol=0.02 if likelihood == "mixed" else 1e-12)


@pytest.mark.parametrize("per", ["total", "per_dim", "per_dim_item", "per_item"])
def test_objectives_of_other_kinds_are_weighed(per):
    x, model = items("gaussian"), module(CATALOG["vae"], "gaussian-learned")
    for objective in (annealed_elbo(SETTING, beta=0.5, nats=3.0, per=per), minimum_rate(SETTING)):
        objective.eval()
        assert torch.allclose(*losses(model, objective, x), rtol=1e-12)
        assert torch.allclose(*validation(model, objective, x), rtol=1e-12)
    masks = MaskSum(negative_elbo().terms)
    assert torch.allclose(*validation(model, masks, x), rtol=1e-12)


def validation(model, objective, x):
    if hasattr(objective, "progress"):
        objective.progress.fill_(1.0)
    return losses(model, lambda trace, _: SimpleNamespace(total=objective.validation_loss(trace)), x)


def test_a_weighed_discrepancy_is_the_double_sum_over_pairs_of_weights():
    draw = torch.Generator().manual_seed(0)
    a, b = (torch.randn(n, 2, dtype=torch.float64, generator=draw) for n in (6, 5))
    w = WEIGHT

    def kernel(x, y):
        return float(2 * 2 * 0.5 / (2 * 2 * 0.5 + (x - y).square().sum()))

    pairs = [(i, j) for i in range(6) for j in range(6) if i != j]
    within_a = sum(w[i] * w[j] * kernel(a[i], a[j]) for i, j in pairs) / sum(w[i] * w[j] for i, j in pairs)
    within_b = sum(kernel(b[i], b[j]) for i in range(5) for j in range(5) if i != j) / 20
    between = sum(w[i] * kernel(a[i], b[j]) for i in range(6) for j in range(5)) / (5 * w.sum())
    assert float(mmd2(a, b, "imq", (0.5,), w)) == pytest.approx(
        float(within_a + within_b - 2 * between), rel=1e-12
    )
    assert torch.allclose(mmd2(a, b, weight=torch.ones(6)), mmd2(a, b), rtol=1e-12)


def test_moving_averages_of_codes_are_weighed():
    z = torch.randn(6, 3, 2, generator=torch.Generator().manual_seed(0))
    found = []
    for batch, weight in ((z, WEIGHT), (z.repeat_interleave(TIMES, 0), None)):
        torch.manual_seed(0)
        quantizer = VectorQuantizer(2, 4, ema=True)
        with weighing(weight):
            quantizer(batch)
        found.append(quantizer.codebook)
    scale = float(TIMES.double().mean())  # hits are counted an item of the batch
    before = VectorQuantizer(2, 4, ema=True).codebook.usage[0] * quantizer.codebook.decay
    moved = [(book.usage - before) / each for book, each in zip(found, (1.0, scale), strict=True)]
    assert torch.allclose(*moved, rtol=1e-5)


@pytest.mark.parametrize("name", ["vq-vae", "vq-vae-rotation"])
def test_losses_of_codes_are_weighed(name):
    assert DISCRETE[name].quantizer
    from latentia import VQVAE

    x = items("gaussian").float()
    model = VQVAE(
        name,
        n_codes=4,
        n_groups=2,
        max_epochs=0,
        prior="independent",
        prior_training="concurrent",
        random_state=0,
    )
    network = model.fit(x.numpy()).module_.double().train()
    weighed, repeated = losses(network, quantized_bound(), x.double(), 1)
    assert torch.allclose(weighed, repeated, rtol=1e-12)
