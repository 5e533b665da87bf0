"""A step of training that is recorded once and then replayed: on a card one call instead of some hundreds."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, Protocol

import torch
from torch import Tensor

from latentia.core import Loss
from latentia.draws import generator_for

logger = logging.getLogger("latentia")
WARM = 3
"""Steps that are taken as they are before one is recorded: optimizers make their state, kernels are chosen."""


class Recorder(Protocol):
    """What records the calls of a function, and gives what repeats them."""

    def warm(self, function: Callable[[], Loss]) -> Loss:
        """Call a function that will be recorded."""
        ...

    def record(self, function: Callable[[], Loss]) -> Callable[[], Loss]:
        """What repeats the calls that a function makes, on the memory that it made them on."""
        ...


class Direct:
    """Records nothing: what repeats a function is the function."""

    def warm(self, function: Callable[[], Loss]) -> Loss:
        """See `Recorder`."""
        return function()

    def record(self, function: Callable[[], Loss]) -> Callable[[], Loss]:
        """See `Recorder`."""
        return function


class CudaRecorder:
    """Records kernels as a `torch.cuda.CUDAGraph`; its draws go on with the generator of the fit.

    Args:
        device: a card.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device

    def warm(self, function: Callable[[], Loss]) -> Loss:
        """On a stream of its own, as memory that a recording meets must not be that of the default one."""
        stream, now = torch.cuda.Stream(self._device), torch.cuda.current_stream(self._device)
        stream.wait_stream(now)
        with torch.cuda.stream(stream):
            found = function()
        now.wait_stream(stream)
        return found

    def record(self, function: Callable[[], Loss]) -> Callable[[], Loss]:
        """See `Recorder`; raises what CUDA does where a call waits for the card."""
        graph: Any = torch.cuda.CUDAGraph()
        generator, register = generator_for(self._device), getattr(graph, "register_generator_state", None)
        if generator is not None and register is not None:  # where torch does not find it by itself
            register(generator)
        with torch.cuda.graph(graph):
            found = function()

        def replay() -> Loss:
            graph.replay()
            return found

        return replay


class StepGraph:
    """A step on batches of one size: recorded after a few, then replayed on a buffer that batches are copied to.

    Batches of another size, and all where a recording fails, are stepped on as they are.

    Args:
        step: what is recorded. It must read nothing that changes from one call to the next but its batch, tensors, and the generator.
        size: items of the batches that are replayed.
        recorder: how.

    Example:
        >>> doubled = StepGraph(lambda x: Loss(2 * x.sum(), {}), size=2, recorder=Direct())
        >>> [float(doubled(torch.full((n,), 1.0)).total) for n in (2, 2, 1, 2, 2, 2)]
        [4.0, 4.0, 2.0, 4.0, 4.0, 4.0]
        >>> doubled.replayed
        2
    """

    def __init__(self, step: Callable[[Tensor], Loss], size: int, recorder: Recorder) -> None:
        self._step, self._size = step, size
        self._recorder: Recorder | None = recorder
        self._buffer: Tensor | None = None
        self._replay: Callable[[], Loss] | None = None
        self._warm = 0
        self.replayed = 0

    def __call__(self, x: Tensor) -> Loss:
        """One step; the loss is overwritten by the next."""
        if self._recorder is None or len(x) != self._size:
            return self._step(x)
        if self._buffer is None:
            self._buffer = torch.empty_like(x)
        if self._buffer.shape != x.shape or self._buffer.dtype != x.dtype:
            return self._step(x)
        buffer = self._buffer.copy_(x)
        if self._warm < WARM:
            self._warm += 1
            return self._recorder.warm(lambda: self._step(buffer))
        if self._replay is None:
            try:
                self._replay = self._recorder.record(lambda: self._step(buffer))
            except RuntimeError as error:
                logger.warning("steps are taken one by one: one could not be recorded (%s)", error)
                self._recorder = None
                return self._step(x)
        self.replayed += 1
        return self._replay()
