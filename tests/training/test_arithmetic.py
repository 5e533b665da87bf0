"""Operations of an update, held against torch's own count of a step."""

from __future__ import annotations

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from latentia.estimators.compose import compose
from latentia.kinds.vae.catalog import CATALOG
from latentia.latent import LIKELIHOODS
from latentia.objectives import ObjectiveSetting, build_objective
from latentia.training import Batches, TrainingConfig
from latentia.training.arithmetic import operations, ordinary_seconds, shortest_seconds
from latentia.training.validation import samples_of

CPU = torch.device("cpu")


def made(name, event, network):
    """An untrained model of the catalog, its objective, 64 items, and the settings of a fit with AdamW."""
    torch.manual_seed(0)
    entry = CATALOG[name]
    model = compose(entry, event, 4, likelihood=LIKELIHOODS["gaussian"], network=network, inputs=None)
    objective = build_objective(entry.objective, ObjectiveSetting(64, 4, event, 10), None)
    config = TrainingConfig(1, batch_size=32, optimizer="adamw")
    return model, objective, Batches(torch.randn(64, *event), lambda x: x), config


@pytest.mark.parametrize("name", ["sigma-vae", "iwae"])
@pytest.mark.parametrize(
    ("event", "network"), [((30,), "mlp"), ((1, 28, 28), "conv"), ((3, 32, 32), "patch")]
)
def test_torch_counts_as_many(name, event, network):
    model, objective, train, config = made(name, event, network)
    counted = operations(model, objective, train, config, CPU)
    with FlopCounterMode(display=False) as counter:
        objective(model.trace(train.x[:32], samples_of(objective)), 1.0).total.backward()
    # of a first layer no gradient of the data is taken, which torch does not count
    assert counter.get_total_flops() == pytest.approx(counted, rel=0.2)
    assert counter.get_total_flops() <= counted * 1.001


def test_muon_adds_its_products():
    model, objective, train, config = made("sigma-vae", (30,), "mlp")
    muon = TrainingConfig(1, batch_size=32, optimizer="muon")
    few, many = (operations(model, objective, train, each, CPU) for each in (config, muon))
    square = [w for w in model.parameters() if w.shape == (256, 256)]
    assert many - few >= len(square) * 2 * 256**3 * 15


def test_nothing_drawn_and_nothing_changed():
    model, objective, train, config = made("sigma-vae", (1, 28, 28), "conv")
    before = {name: value.clone() for name, value in model.state_dict().items()}
    state = torch.get_rng_state()
    operations(model, objective, train, config, CPU)
    assert torch.equal(state, torch.get_rng_state())
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_no_machine_is_faster_than_the_fastest(monkeypatch, device):
    for threads in (1, 2, 64):
        monkeypatch.setattr(torch, "get_num_threads", lambda threads=threads: threads)
        for count in (1e6, 1e10, 1e13):
            least, about = (
                each(count, torch.device(device)) for each in (shortest_seconds, ordinary_seconds)
            )
            assert least < about
