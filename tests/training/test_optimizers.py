"""Muon against a singular value decomposition, and which weights it moves."""

from __future__ import annotations

import math
from typing import ClassVar

import pytest
import torch
from torch import nn

from latentia.nn.conv import ConvDecoder, ConvEncoder
from latentia.training.optimizers import (
    MUON_RATE,
    Muon,
    hidden_matrices,
    optimizers_for,
    orthogonalised,
)


def polar(matrix: torch.Tensor) -> torch.Tensor:
    """The nearest orthogonal matrix, U V^T."""
    u, _, vh = torch.linalg.svd(matrix, full_matrices=False)
    return u @ vh


@pytest.mark.parametrize(("rows", "columns"), [(16, 16), (16, 144), (144, 16), (64, 33)])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_singular_values_come_near_one_and_directions_stay(
    rows: int, columns: int, dtype: torch.dtype
) -> None:
    torch.manual_seed(0)
    matrices = torch.randn(3, rows, columns, dtype=torch.float64)
    got = orthogonalised(matrices.to(dtype)).double()
    for matrix, near in zip(matrices, got, strict=True):
        u, s, vh = torch.linalg.svd(matrix, full_matrices=False)
        inner = u.T @ near @ vh.T
        kept = inner.diagonal()[s > 0.02 * s.norm()]  # five steps lift what is above that
        assert kept.min() > 0.6
        assert kept.max() < 1.3
        # what is not on the diagonal is rounding: of float64, or of bfloat16 where products are taken in it
        off = inner - inner.diagonal().diag()
        assert off.abs().max() < (1e-10 if dtype == torch.float64 else 0.06)


class BySide(Muon):
    """As on a GPU."""

    def by_side(self, weight: torch.Tensor) -> bool:
        return True


def test_matrices_filled_up_to_one_side_move_as_they_do_alone() -> None:
    shapes = [(16, 16), (16, 40), (40, 16), (20, 16, 3, 3), (16, 17), (32, 32), (64, 32), (16, 4, 3, 3)]
    torch.manual_seed(3)
    alone = [nn.Parameter(torch.randn(shape, dtype=torch.float64)) for shape in shapes]
    filled = [nn.Parameter(weight.detach().clone()) for weight in alone]
    for _ in range(3):
        for one, other in zip(alone, filled, strict=True):
            one.grad = torch.randn_like(one)
            other.grad = one.grad.clone()
        Muon(alone, lr=0.1, weight_decay=0.1).step()
        BySide(filled, lr=0.1, weight_decay=0.1).step()
    for one, other in zip(alone, filled, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-10, atol=1e-12)


def polynomial_of_singular_values(matrix: torch.Tensor) -> torch.Tensor:
    u, s, vh = torch.linalg.svd(matrix, full_matrices=False)
    x = s / s.norm()
    for _ in range(5):
        x = 3.4445 * x - 4.7750 * x**3 + 2.0315 * x**5
    return u @ x.diag() @ vh


@pytest.mark.parametrize(("k", "rows", "columns"), [(1, 5, 9), (1, 9, 9), (3, 9, 5), (2, 9, 8)])
def test_the_iteration_is_the_quintic_polynomial_of_the_singular_values(
    k: int, rows: int, columns: int
) -> None:
    torch.manual_seed(1)
    matrices = torch.randn(k, rows, columns, dtype=torch.float64)
    for matrix, got in zip(matrices, orthogonalised(matrices), strict=True):
        torch.testing.assert_close(got, polynomial_of_singular_values(matrix), rtol=0, atol=1e-12)


def test_oblong_matrices_keep_their_small_directions_in_float32(monkeypatch: pytest.MonkeyPatch) -> None:
    # the Gram matrix squares what is small; no CPU's bfloat16 may stand in for float32 here
    monkeypatch.setattr("latentia.training.optimizers.has_bfloat16_units", lambda device: False)
    torch.manual_seed(5)
    u, _, vh = torch.linalg.svd(torch.randn(32, 288, dtype=torch.float64), full_matrices=False)
    matrix = u @ torch.logspace(0, -6, 32, dtype=torch.float64).diag() @ vh
    got = orthogonalised(matrix.float()[None])[0].double()
    torch.testing.assert_close(got, polynomial_of_singular_values(matrix), rtol=0, atol=1e-3)
    smallest = (u[:, -1] @ got @ vh[-1]).item()
    expected = (u[:, -1] @ polynomial_of_singular_values(matrix) @ vh[-1]).item()
    assert smallest == pytest.approx(expected, rel=0.01)


def test_one_step_is_the_formula_and_equal_shapes_do_not_mix() -> None:
    torch.manual_seed(2)
    first, second = (nn.Parameter(torch.randn(32, 8, 3, 3, dtype=torch.float64)) for _ in range(2))
    third = nn.Parameter(torch.randn(40, 20, dtype=torch.float64))
    before = [weight.detach().clone() for weight in (first, second, third)]
    for weight in (first, second, third):
        weight.grad = torch.randn_like(weight)
    Muon([first, second, third], lr=0.1, momentum=0.9, weight_decay=0.5).step()
    for weight, old in zip((first, second, third), before, strict=True):
        assert weight.grad is not None
        momentum = 0.1 * weight.grad
        direction = (0.1 * weight.grad + 0.9 * momentum).reshape(1, weight.shape[0], -1)
        scale = math.sqrt(max(1.0, weight.shape[0] / weight[0].numel()))
        expected = 0.95 * old - 0.1 * scale * orthogonalised(direction)[0].reshape(weight.shape)
        torch.testing.assert_close(weight.detach(), expected, rtol=0, atol=1e-12)


def test_zero_gradients_move_nothing_and_missing_ones_are_left_out() -> None:
    still, absent = nn.Parameter(torch.ones(16, 16)), nn.Parameter(torch.ones(16, 16))
    still.grad = torch.zeros(16, 16)
    Muon([still, absent]).step()
    assert torch.equal(still, torch.ones(16, 16))
    assert torch.equal(absent, torch.ones(16, 16))


def test_a_quadratic_is_solved() -> None:
    torch.manual_seed(3)
    target, weight = torch.randn(16, 24), nn.Parameter(torch.zeros(16, 24))
    optimizer = Muon([weight], lr=0.05)
    for step in range(300):
        optimizer.param_groups[0]["lr"] = 0.2 * (1 - step / 300)
        optimizer.zero_grad()
        (weight - target).square().sum().backward()
        optimizer.step()
    assert (weight - target).square().mean() < 1e-3 * target.square().mean()


def test_every_weight_is_moved_by_one_optimizer_and_narrow_ones_by_adamw() -> None:
    model = nn.ModuleDict(
        {
            "encoder": ConvEncoder((1, 28, 28)),
            "decoder": ConvDecoder(5, 1, (1, 28, 28)),
            "table": nn.Embedding(64, 64),
        }
    )
    adamw, muon = optimizers_for(model, "muon", 1e-3, 1e-2, 5000, fused=False)
    moved = [
        id(weight) for part in (adamw, muon) for group in part.param_groups for weight in group["params"]
    ]
    assert sorted(moved) == sorted(id(weight) for weight in model.parameters())
    assert muon.param_groups[0]["lr"] == pytest.approx(MUON_RATE * 1e-3)
    assert muon.param_groups[0]["weight_decay"] * MUON_RATE * 1e-3 * 5000 == pytest.approx(5.0)
    hidden = hidden_matrices(model)
    encoder, decoder = model["encoder"], model["decoder"]
    assert id(encoder.maps[0].weight) not in hidden  # nine numbers for each channel of the first layer
    assert id(decoder.maps[-1].weight) not in hidden  # one channel out
    assert id(model["table"].weight) not in hidden
    assert id(encoder.head[1].weight) in hidden


def test_adamw_alone_takes_everything() -> None:
    (adamw,) = optimizers_for(nn.Linear(32, 32), "adamw", 1e-3, 1e-2, 5000, fused=False)
    assert isinstance(adamw, torch.optim.AdamW)
    assert [group["weight_decay"] for group in adamw.param_groups] == [1e-2, 0.0]


def test_sgd_steps_along_the_gradient() -> None:
    layer = nn.Linear(32, 32)
    (sgd,) = optimizers_for(layer, "sgd", 0.5, 0.0, 5000, fused=False)
    layer(torch.ones(1, 32)).sum().backward()
    for _ in range(2):  # no momentum: equal gradients move it equally far
        before = layer.weight.detach().clone()
        sgd.step()
        torch.testing.assert_close(layer.weight.detach(), before - 0.5)


class Codes(nn.Module):
    """A table whose vectors want a rate of their own, beside a weight that does not."""

    rate_factors: ClassVar[dict[str, float]] = {"vectors": 20.0}

    def __init__(self) -> None:
        super().__init__()
        self.vectors = nn.Parameter(torch.randn(4, 3))
        self.other = nn.Parameter(torch.randn(4, 3))


@pytest.mark.parametrize("name", ["adamw", "muon", "sgd"])
def test_weights_with_a_rate_of_their_own(name):
    model = nn.Sequential(nn.Linear(32, 32), Codes())
    adamw, *_ = optimizers_for(model, name, 1e-3, 1e-2, 5000, fused=False)
    factors = {id(weight): group["factor"] for group in adamw.param_groups for weight in group["params"]}
    decays = {id(weight): group["weight_decay"] for group in adamw.param_groups for weight in group["params"]}
    vectors, other = id(model[1].vectors), id(model[1].other)
    assert factors[vectors] == 20 * factors[other]
    assert decays[vectors] == 0.0
    assert decays[other] == 1e-2


def test_a_layer_whose_units_have_died_comes_to_rest():
    weight = nn.Parameter(torch.randn(32, 16, generator=torch.Generator().manual_seed(0)))
    optimizer = Muon([weight], lr=0.02)
    weight.grad = torch.randn(32, 16, generator=torch.Generator().manual_seed(1))
    optimizer.step()
    weight.grad = torch.zeros_like(weight)
    for _ in range(900):
        optimizer.step()
    rested = weight.detach().clone()
    for _ in range(1500):  # the momentum's squares underflow on the way
        optimizer.step()
    assert torch.isfinite(weight).all()
    torch.testing.assert_close(weight.detach(), rested, rtol=0, atol=1e-6)
