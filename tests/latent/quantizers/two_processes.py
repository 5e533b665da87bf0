"""What each of two processes runs: its half of every batch; the state at the end goes to a file."""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from torch import distributed

from latentia.latent.quantizers import VectorQuantizer

STEPS = 60


def batch(seed: int) -> torch.Tensor:
    return torch.randn(8, 5, 3, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def quantizer(ema: bool) -> VectorQuantizer:
    torch.manual_seed(0)
    made = VectorQuantizer(3, 12, ema=ema, decay=0.9).double()
    with torch.no_grad():
        made.codebook.vectors[6:] += 1e3  # dead from the start, so that restarts are tried too
    return made


def train(made: VectorQuantizer, rows: slice, seed: int) -> dict[str, torch.Tensor]:
    torch.manual_seed(seed)
    for step in range(STEPS):
        made(batch(step)[rows])
    return made.state_dict()


if __name__ == "__main__":
    rank, folder = int(sys.argv[1]), Path(sys.argv[2])
    distributed.init_process_group("gloo", init_method=f"file://{folder}/store", rank=rank, world_size=2)
    rows = slice(4 * rank, 4 * rank + 4)
    made = quantizer(ema=True)
    made.codebook.revive = False
    states = {"plain": train(made, rows, rank)}
    states["restarted"] = train(quantizer(ema=True), rows, rank)
    started = quantizer(ema=True)
    torch.manual_seed(rank)
    started.prepare(batch(0)[rows].flatten(0, 1))
    states["started"] = started.state_dict()
    torch.save(states, folder / f"{rank}.pt")
    distributed.destroy_process_group()
