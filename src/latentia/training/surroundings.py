"""What surrounds a fit, and is as before when it ends: kernels' layout, checks of distributions, Lightning's voice, Ctrl-C."""

from __future__ import annotations

import logging
import signal
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.distributions import Distribution

if TYPE_CHECKING:
    pass


_checking = threading.Lock()


_unchecking = 0


_checked_before = True


@contextmanager
def training_form(model: nn.Module, compiled: bool) -> Iterator[None]:
    """Within the block kernels lie channels-last and parts are compiled; after it the model is as plain as before."""
    parts = list(model.children()) if compiled else []
    _lay_out(model, torch.channels_last)
    for part in parts:
        part.compile()
    try:
        yield
    finally:
        for part in parts:
            part._compiled_call_impl = None  # torch has no public way back
        _lay_out(model, torch.contiguous_format)


def _lay_out(model: nn.Module, memory_format: torch.memory_format) -> None:
    for weight in model.parameters():
        if weight.ndim == 4:
            # not `contiguous`: with a single channel it finds nothing to do, and convolutions take the slower layout
            weight.data = weight.data.to(memory_format=memory_format)
            weight.grad = None


@contextmanager
def unchecked_distributions() -> Iterator[None]:
    """Within the block distributions do not check their arguments, for which each would wait for the device."""
    global _unchecking, _checked_before
    with _checking:  # fits in several threads: the last one to end puts it back
        if not _unchecking:
            _checked_before = Distribution._validate_args
            Distribution.set_default_validate_args(False)
        _unchecking += 1
    try:
        yield
    finally:
        with _checking:
            _unchecking -= 1
            if not _unchecking:
                Distribution.set_default_validate_args(_checked_before)


@contextmanager
def quiet_lightning() -> Iterator[None]:
    """Within the block Lightning says nothing: what there is to say, this library says itself."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"lightning\.")
        import lightning.pytorch  # noqa: F401  (sets the levels of its loggers while it is imported)

        loggers = [logging.getLogger(name) for name in ("lightning.pytorch", "lightning.fabric")]
        levels = [logger.level for logger in loggers]
        warnings.filterwarnings("ignore", ".*does not have a deterministic implementation")
        for logger in loggers:
            logger.setLevel(logging.ERROR)
        try:
            yield
        finally:
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)


@contextmanager
def deferred_interrupts() -> Iterator[Callable[[], int]]:
    """Within the block the first two times that Ctrl-C is pressed are only counted, by the yielded function; the third acts at once.

    SIGTERM, where the command line hands it on, counts as pressed twice: whoever sends it does not wait for a fit to come to rest.
    """
    pressed = 0

    def press(number: int, frame: Any) -> None:
        nonlocal pressed
        pressed = pressed + 1 if number == signal.SIGINT else max(2, pressed + 1)
        if pressed > 2:
            signal.default_int_handler(number, frame)

    main = threading.current_thread() is threading.main_thread()
    before = signal.getsignal(signal.SIGINT) if main else None
    if before is signal.default_int_handler:
        signal.signal(signal.SIGINT, press)
    try:
        yield lambda: pressed
    finally:
        if before is not None:  # Lightning, too, leaves a handler of its own behind after an interrupt
            signal.signal(signal.SIGINT, before)
