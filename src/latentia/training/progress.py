"""The progress bar of a fit: loss, its parts and the time left, drawn on standard error a few times a second."""

from __future__ import annotations

import math
import sys
import time
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from latentia.progress import hushed, spoke, where
from latentia.training.pace import Pace

if TYPE_CHECKING:
    from latentia.training.records import EpochRecord

_SECONDS = 0.5  # between two looks at the figures, each of which waits for the device
_LINE_SECONDS = 8.0  # the same, where each is a line of a file, of a log, or of a notebook


class ProgressBar:
    """Shows where a fit stands: a bar, or where standard error is no terminal, a line every few seconds."""

    def __init__(self, pace: Pace, done: int) -> None:
        self.pace = pace
        self._bar = Progress(
            TextColumn("epoch {task.fields[epoch]}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[figures]}"),
            console=Console(stderr=True),
            auto_refresh=False,
        )
        self._lines = not self._bar.console.is_terminal
        self._bar.disable = self._lines
        self._next = time.monotonic() + _LINE_SECONDS if self._lines else 0.0
        self._validation = ""
        self._task = self._bar.add_task(
            "", total=pace.total, completed=done, epoch=self._epoch(done), figures=""
        )

    def start(self) -> None:
        """Draw the bar."""
        self._hushed = hushed(not self._lines)
        self._hushed.__enter__()
        self._bar.start()

    def stop(self) -> None:
        """Leave the bar as it is."""
        self._bar.stop()
        self._hushed.__exit__(None, None, None)

    def due(self) -> bool:
        """Whether it is time for another look; asked in every step, so it must cost nothing."""
        return time.monotonic() >= self._next

    def _epoch(self, step: int) -> str:
        epochs = math.ceil(self.pace.total / self.pace.n_batches)
        return f"{min(step // self.pace.n_batches + 1, epochs)}/{epochs}"

    def show(self, step: int, means: dict[str, float]) -> None:
        """Draw the state after `step` iterations, with the means since the last mark."""
        figures = "  ".join(f"{name} {value:.1f}" for name, value in means.items())
        if self._lines:
            share = f"{100 * step // max(1, self.pace.total)}%"
            print(
                f"{where()}{': ' * bool(where())}epoch {self._epoch(step)}  {share}  {figures}{self._validation}",
                file=sys.stderr,
                flush=True,
            )
            spoke()
            self._next = time.monotonic() + _LINE_SECONDS
            return
        self._bar.update(
            self._task,
            total=self.pace.total,
            completed=step,
            epoch=self._epoch(step),
            figures=figures + self._validation,
            refresh=True,
        )
        self._next = time.monotonic() + _SECONDS

    def finish_leg(self, record: EpochRecord) -> None:
        """Remember the validation bound for what follows."""
        if "elbo" in record.validation:
            self._validation = f"  validation bound {record.validation['elbo']:.1f}"
        if not self._lines or self.due():
            self.show(record.step, record.train)
