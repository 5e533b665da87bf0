"""Kernels that give the same bits each time; the generators are those of `latentia.draws`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

from latentia.draws import seeded

__all__ = ["reproducible_kernels", "seeded"]


@contextmanager
def reproducible_kernels(device: torch.device) -> Iterator[None]:
    """Within the block CUDA kernels give the same bits each time; torch's global switches are put back after it."""
    if device.type != "cuda":
        yield
        return
    cudnn = torch.backends.cudnn
    before = cudnn.deterministic, cudnn.benchmark
    algorithms = torch.are_deterministic_algorithms_enabled()
    warn_only = torch.is_deterministic_algorithms_warn_only_enabled()
    memory: Any = torch.utils.deterministic  # its switch is a property that its stub does not know
    fill = memory.fill_uninitialized_memory
    try:
        cudnn.deterministic, cudnn.benchmark = True, False
        # A kernel that has no deterministic form still runs: exact resume is then as good as that kernel.
        torch.use_deterministic_algorithms(True, warn_only=True)
        memory.fill_uninitialized_memory = False
        yield
    finally:
        cudnn.deterministic, cudnn.benchmark = before
        torch.use_deterministic_algorithms(algorithms, warn_only=warn_only)
        memory.fill_uninitialized_memory = fill
