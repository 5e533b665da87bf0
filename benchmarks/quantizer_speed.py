"""Vector quantization, forward and backward: latentia beside vector-quantize-pytorch, in turns, with the largest tensor held."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from common import device, interleaved, machine, options, publish, seconds, table
from latentia.latent.quantizers import VectorQuantizer

VECTORS, DIM, CODES = 16_384, 64, 1024


class Largest(TorchDispatchMode):
    """Watches every operation for the largest tensor that it makes, of any type and of float64."""

    def __init__(self) -> None:
        super().__init__()
        self.bytes = self.double = 0

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = function(*args, **(kwargs or {}))
        for leaf in tree_leaves(out):
            if isinstance(leaf, Tensor):
                size = leaf.numel() * leaf.element_size()
                self.bytes = max(self.bytes, size)
                self.double = max(self.double, size if leaf.dtype == torch.float64 else 0)
        return out


def ours(where: str, **settings: Any) -> Callable[[], None]:
    torch.manual_seed(0)
    quantizer = VectorQuantizer(DIM, CODES, **settings).to(where).train()
    z = torch.randn(16, VECTORS // 16, DIM, device=where)
    quantizer.prepare(z.flatten(0, 1))
    z.requires_grad_()

    def step() -> None:
        codes = quantizer(z)
        (codes.z_q.square().sum() + sum(loss.sum() for loss in codes.losses.values())).backward()
        forget(quantizer, z)

    return step


def theirs(where: str, **settings: Any) -> Callable[[], None]:
    from vector_quantize_pytorch import VectorQuantize

    torch.manual_seed(0)
    quantizer = VectorQuantize(dim=DIM, codebook_size=CODES, **settings).to(where).train()
    z = torch.randn(16, VECTORS // 16, DIM, device=where, requires_grad=True)

    def step() -> None:
        z_q, _, loss = quantizer(z)
        (z_q.square().sum() + loss.sum()).backward()
        forget(quantizer, z)

    return step


def forget(quantizer: nn.Module, z: Tensor) -> None:
    z.grad = None
    quantizer.zero_grad(set_to_none=True)


def main() -> None:
    arguments = options(__doc__ or "")
    where = device()
    torch.set_num_threads(os.cpu_count() or 1)
    runs = {
        "latentia, EMA, straight-through": ours(where, ema=True),
        "vector-quantize-pytorch, EMA, straight-through": theirs(where, rotation_trick=False, decay=0.99),
        "latentia, EMA, rotation": ours(where, ema=True, estimator="rotation"),
        "vector-quantize-pytorch, EMA, rotation": theirs(where, rotation_trick=True, decay=0.99),
        "latentia, codebook loss": ours(where),
        "vector-quantize-pytorch, codebook loss": theirs(
            where, learnable_codebook=True, ema_update=False, rotation_trick=False
        ),
    }
    largest = {}
    for name, step in runs.items():
        with Largest() as watched:
            step()
        largest[name] = watched
        step()
    timed = interleaved(
        {name: lambda step=step: seconds(step, where) for name, step in runs.items()},
        max(3, round(10 * arguments.scale)),
    )
    rows = [
        [
            name,
            f"{1e3 * timed[name]:.1f}",
            f"{largest[name].bytes / 2**20:.1f}",
            f"{largest[name].double / 2**20:.1f}",
        ]
        for name in runs
    ]
    text = table(["quantizer", "ms a step", "largest tensor, MiB", "of float64"], rows)
    title = f"{VECTORS} vectors of {DIM} dimensions, {CODES} codes, forward and backward; {machine()}"
    publish("quantizer_speed", f"{title}\n\n{text}", arguments.save)


if __name__ == "__main__":
    main()
