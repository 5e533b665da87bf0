"""The progress bar of a fit: loss, its parts and the time left, drawn on standard error a few times a second."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

if TYPE_CHECKING:
    from latentia.training.records import EpochRecord

_SECONDS = 0.5  # between two looks at the figures, each of which waits for the device


class ProgressBar:
    """Shows where a fit stands; silent where standard error is no terminal."""

    def __init__(self, total_steps: int, done: int, max_epochs: int) -> None:
        self.max_epochs = max_epochs
        self._next = 0.0
        self._bar = Progress(
            TextColumn("epoch {task.fields[epoch]}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[figures]}"),
            console=Console(stderr=True),
            auto_refresh=False,
        )
        self._bar.disable = not self._bar.console.is_terminal
        self._validation = ""
        self._task = self._bar.add_task(
            "", total=total_steps, completed=done, epoch=f"1/{max_epochs}", figures=""
        )

    def start(self) -> None:
        """Draw the bar."""
        self._bar.start()

    def stop(self) -> None:
        """Leave the bar as it is."""
        self._bar.stop()

    def due(self) -> bool:
        """Whether it is time for another look; asked in every step, so it must cost nothing."""
        return not self._bar.disable and time.monotonic() >= self._next

    def show(self, epoch: int, step: int, means: dict[str, float]) -> None:
        """Draw the state at `step` in epoch `epoch` (from 0), with the epoch's means so far."""
        figures = "  ".join(f"{name} {value:.1f}" for name, value in means.items())
        self._bar.update(
            self._task,
            completed=step,
            epoch=f"{epoch + 1}/{self.max_epochs}",
            figures=figures + self._validation,
            refresh=True,
        )
        self._next = time.monotonic() + _SECONDS

    def finish_epoch(self, record: EpochRecord) -> None:
        """Remember the validation bound for the epochs that follow."""
        if "elbo" in record.validation:
            self._validation = f"  validation bound {record.validation['elbo']:.1f}"
        if not self._bar.disable:
            self.show(record.epoch - 1, record.step, record.train)
