"""Muon's price: the multiplications that its step takes, and the vectors that pass through each layer."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from latentia.estimators import way
from latentia.nn.conv import ConvDecoder, ConvEncoder
from latentia.training.optimizers import hidden_matrices, orthogonalised
from latentia.training.prices import price, products, vectors_passed, worthy_of


class Counted(torch.overrides.TorchFunctionMode):
    """Counts multiplications of matrix products."""

    def __init__(self) -> None:
        super().__init__()
        self.multiplications = 0

    def __torch_function__(self, func, types, args=(), kwargs=None):
        named = {"matmul": (0, 1), "__matmul__": (0, 1), "addmm": (1, 2), "baddbmm": (1, 2)}
        if (places := named.get(func.__name__)) is not None:
            a, b = (args[place] for place in places)
            self.multiplications += a.numel() * b.shape[-1]
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize(("rows", "columns"), [(64, 64), (32, 288), (288, 32), (40, 50)])
def test_the_products_are_those_that_are_taken(rows, columns):
    with Counted() as counted:
        orthogonalised(torch.randn(1, rows, columns, dtype=torch.float64))
    short = min(rows, columns)
    assert counted.multiplications == pytest.approx(short**3 * products(rows, columns), rel=0.03)


@pytest.mark.parametrize(("rows", "columns", "passed"), [(64, 64, 16), (32, 288, 500)])
def test_the_price_is_held_against_a_pass_forward_and_back(rows, columns, passed):
    layer = nn.Linear(columns, rows, bias=False)
    x = torch.randn(passed, columns, requires_grad=True)
    with Counted() as own:
        orthogonalised(torch.randn(1, rows, columns, dtype=torch.float64))
    # forward, and back to the input and to the weight: as many multiplications each
    assert price(rows, columns, passed) == pytest.approx(
        own.multiplications / (3 * layer(x).numel() * columns), rel=0.03
    )


def test_vectors_are_counted_by_layer_and_nothing_changes():
    model = nn.ModuleDict({"encoder": ConvEncoder((1, 28, 28)), "decoder": ConvDecoder(5, 1, (1, 28, 28))})
    encoder, decoder = model["encoder"], model["decoder"]
    before = {name: value.clone() for name, value in model.state_dict().items()}
    model.train()

    def run():
        encoder(torch.rand(2, 1, 28, 28))
        decoder(torch.randn(6, 5))

    passed = vectors_passed(model, run, times=32)
    assert passed[id(encoder.maps[0].weight)] == 2 * 14 * 14 * 32
    assert passed[id(encoder.maps[-2].body[1].weight)] == 2 * 4 * 4 * 32
    assert passed[id(encoder.head[1].weight)] == 2 * 32
    assert passed[id(decoder.head[0].weight)] == 6 * 32
    assert passed[id(decoder.maps[-1].weight)] == 6 * 28 * 28 * 32
    assert model.training
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert not encoder.maps[0]._forward_hooks


def test_what_a_transposed_convolution_multiplies_are_the_positions_that_go_in():
    layer = nn.ConvTranspose2d(16, 32, 3, stride=2)
    assert vectors_passed(layer, lambda: layer(torch.rand(3, 16, 5, 5))) == {id(layer.weight): 3 * 25}


def test_a_layer_that_is_called_twice_counts_twice():
    layer = nn.Linear(4, 4)
    assert vectors_passed(layer, lambda: layer(layer(torch.rand(3, 4)))) == {id(layer.weight): 6}


def worthy(model, run, items, device="cpu"):
    passed = vectors_passed(model, run, items / 2)
    hidden = hidden_matrices(model)
    return hidden, worthy_of(model.parameters(), hidden, passed, items, torch.device(device))


@pytest.fixture
def plain(monkeypatch):
    monkeypatch.setattr("latentia.training.prices.has_bfloat16_units", lambda device: False)


@pytest.mark.usefixtures("plain")
def test_kernels_are_worth_it_and_dense_layers_are_not():
    model = ConvEncoder((1, 28, 28))
    hidden, chosen = worthy(model, lambda: model(torch.rand(2, 1, 28, 28)), 64)
    kernels = {id(weight) for weight in model.parameters() if weight.ndim == 4}
    assert hidden - chosen == {id(model.head[1].weight)}
    assert chosen == hidden & kernels
    assert chosen


@pytest.mark.usefixtures("plain")
def test_a_dense_layer_is_worth_it_in_large_batches():
    model = nn.Sequential(nn.Linear(64, 64), nn.Linear(64, 64))
    assert worthy(model, lambda: model(torch.rand(2, 64)), 64)[1] == set()
    hidden, chosen = worthy(model, lambda: model(torch.rand(2, 64)), 64 * 15)
    assert chosen == hidden


def test_all_are_worth_it_on_a_machine_with_units(monkeypatch):
    monkeypatch.setattr("latentia.training.prices.has_bfloat16_units", lambda device: True)
    model = nn.Sequential(nn.Linear(64, 64), nn.Linear(64, 64))
    hidden, chosen = worthy(model, lambda: model(torch.rand(2, 64)), 2)
    assert chosen == hidden != set()


@pytest.mark.parametrize(
    ("optimizer", "shape", "units", "n", "epochs"),
    [
        ("auto", (4,), False, 1600, 42),
        ("auto", (4,), False, 8000, 2 * 19),
        ("auto", (4,), False, 20_000, 36),
        ("muon", (4,), False, 20_000, 12),
        ("adamw", (4,), False, 20_000, 12),
        ("auto", (4,), True, 20_000, 12),  # Muon moves all
        ("auto", (1, 4, 4), False, 20_000, 12),
    ],
)
def test_what_adamw_saves_on_rows_is_spent_on_updates(monkeypatch, optimizer, shape, units, n, epochs):
    monkeypatch.setattr(way, "has_bfloat16_units", lambda device: units)
    fit = SimpleNamespace(
        optimizer=optimizer, event_shape_=shape, device="cpu", learning_rate=1e-3, module_=None
    )
    found = way.Way().defaults(fit, np.zeros((n, *shape)))
    assert found.epochs(n, 64, True) == pytest.approx(epochs, abs=1)
