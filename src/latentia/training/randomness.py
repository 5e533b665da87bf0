"""The random state of Python, NumPy, torch and the device as one thing that can be set, kept and put back."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

RandomState = dict[str, Any]


def capture(device: torch.device) -> RandomState:
    """The state of all generators that a fit on `device` may draw from, in plain types and CPU tensors."""
    name, keys, position, has_gauss, gauss = np.random.get_state(legacy=True)  # noqa: NPY002  (the global one)
    state: RandomState = {
        "python": random.getstate(),
        "numpy": (name, torch.from_numpy(np.asarray(keys, np.int64)), position, has_gauss, gauss),
        "torch": torch.get_rng_state(),
    }
    if device.type == "cuda":
        state["cuda"] = torch.cuda.get_rng_state(device)
    elif device.type == "mps":
        state["mps"] = torch.mps.get_rng_state()
    return state


def restore(state: RandomState, device: torch.device) -> None:
    """Put all generators back to a captured `state`."""
    version, internal, gauss_next = state["python"]
    random.setstate((version, tuple(internal), gauss_next))
    name, keys, *rest = state["numpy"]
    np.random.set_state((name, keys.numpy().astype(np.uint32), *rest))  # noqa: NPY002
    torch.set_rng_state(state["torch"])
    if device.type == "cuda":
        torch.cuda.set_rng_state(state["cuda"], device)
    elif device.type == "mps":
        torch.mps.set_rng_state(state["mps"])


@contextmanager
def seeded(seed: int, device: torch.device) -> Iterator[None]:
    """Within the block all generators start from `seed`; after it they are as they were before.

    Example:
        >>> with seeded(0, torch.device("cpu")):
        ...     first = torch.rand(2)
        >>> with seeded(0, torch.device("cpu")):
        ...     bool(torch.equal(first, torch.rand(2)))
        True
    """
    before = capture(device)
    try:
        random.seed(seed)
        np.random.seed(seed)  # noqa: NPY002  (a model may draw from the global generator)
        # not torch.manual_seed: it would also seed, and wake, devices that this fit does not touch
        torch.default_generator.manual_seed(seed)
        if device.type == "cuda":
            with torch.cuda.device(device):
                torch.cuda.manual_seed(seed)
        elif device.type == "mps":
            torch.mps.manual_seed(seed)
        yield
    finally:
        restore(before, device)


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
