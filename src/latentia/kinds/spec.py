"""Which data a run was fitted to."""

from __future__ import annotations

from dataclasses import dataclass

from latentia.data import Dataset
from latentia.data.loading import load


@dataclass(frozen=True)
class DataSpec:
    """Which data a run was fitted to: all that `latentia.data.load` needs to give them again."""

    name: str
    seed: int = 0
    image_size: int | None = None
    label_column: str | None = None
    hold_out: bool = True
    channels: str = "auto"
    roles: dict[str, str] | None = None

    def load(self) -> Dataset:
        """The data, split as they were when the run was fitted; without `hold_out` each part is the whole."""
        dataset = load(
            self.name,
            seed=self.seed,
            image_size=self.image_size,
            label_column=self.label_column,
            channels=self.channels,
            roles=self.roles,
        )
        return dataset if self.hold_out else dataset.whole()
