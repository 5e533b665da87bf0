"""What Muon's step of a weight costs beside the pass of a batch through it; the rule by which it is taken."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from latentia.distributions.numerics import has_bfloat16_units

MOST = 1.0
ITERATIONS = 5
OBLONG = 1.5  # from this ratio of sides on the iteration on the Gram matrix takes fewer products


def products(rows: int, columns: int) -> float:
    """Products of k x k matrices, k the shorter side, that an orthogonalisation takes (`latentia.training.optimizers`).

    >>> products(256, 256), products(64, 576)
    (15.0, 35.0)
    """
    short, long = sorted((rows, columns))
    if long > OBLONG * short:
        return 2 * long / short + 17
    return ITERATIONS * (2 * long / short + 1)


def price(rows: int, columns: int, passed: float) -> float:
    """Multiplications of Muon's step over those of a layer's pass forward and back.

    For a matrix `[m, n]`, k = min(m, n), through which T vectors pass in a step,

        r = k^3 products(m, n) / (3 T m n).

    Args:
        rows: m.
        columns: n; of a kernel the product of all its other sides.
        passed: T, items times positions.

    >>> round(price(256, 256, 64), 1), round(price(128, 1152, 64 * 49), 3)
    (20.0, 0.053)
    """
    short = min(rows, columns)
    return short**3 * products(rows, columns) / (3 * max(passed, 1.0) * rows * columns)


def vectors_passed(model: nn.Module, run: Callable[[], Any], times: float = 1.0) -> dict[int, float]:
    """By `id` of the weight of a layer: vectors that pass through it while `run` is called, so many times; nothing where none was seen.

    A vector is what the matrix of a layer is multiplied with: a row of a linear layer, a position of a convolution.
    """
    passed: dict[int, float] = {}

    def note(layer: nn.Module, inputs: tuple[Any, ...], output: Any) -> None:
        weight: Any = layer._parameters["weight"]
        seen = inputs[0] if isinstance(layer, nn.modules.conv._ConvTransposeNd) else output
        if isinstance(seen, Tensor):
            passed[id(weight)] = passed.get(id(weight), 0.0) + times * seen.numel() / len(weight)

    hooks = [
        layer.register_forward_hook(note)
        for layer in model.modules()
        if (weight := layer._parameters.get("weight")) is not None and weight.ndim > 1
    ]
    was_training = model.training
    model.eval()
    try:
        with torch.no_grad():
            run()
    finally:
        model.train(was_training)
        for hook in hooks:
            hook.remove()
    return passed


def worthy_of(
    weights: Iterable[Tensor], hidden: set[int], passed: Mapping[int, float], size: int, device: torch.device
) -> set[int]:
    """`id` of the hidden matrices that are worth Muon's price: all on machines with units for its products.

    Args:
        weights: of the fit.
        hidden: `id` of those that Muon could move.
        passed: by `id`, vectors that pass in a step; of what is not known, `size`.
        size: items in a batch.
        device: of the fit.
    """
    everywhere = has_bfloat16_units(device)
    return {
        id(weight)
        for weight in weights
        if id(weight) in hidden
        and (everywhere or price(len(weight), weight[0].numel(), passed.get(id(weight), size)) <= MOST)
    }
