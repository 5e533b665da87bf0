"""Which data a run is fitted to, and how they are read."""

from __future__ import annotations

from dataclasses import dataclass, replace

from latentia.data import Dataset, Split
from latentia.data.items import Mixed, joined
from latentia.data.loading import load, path_of
from latentia.errors import DataError
from latentia.kinds.matching import PARTS


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
    columns: dict[str, str] | None = None
    drop: list[str] | None = None
    id: str | None = None

    @property
    def is_file(self) -> bool:
        """Whether the data are one file."""
        path = path_of(self.name)
        return path is not None and path.is_file()

    def load(self) -> Dataset:
        """The data, split as they were when the run was fitted; without `hold_out` each part is the whole."""
        dataset = load(
            self.name, seed=self.seed, image_size=self.image_size, label_column=self.label_column,
            channels=self.channels, roles=self.roles,
            columns=self.columns, drop=self.drop or (), id=self.id,
        )  # fmt: skip
        return dataset if self.hold_out else dataset.whole()


def in_numbers(dataset: Dataset) -> Dataset:
    """Data for models that take numbers alone: columns that all are numbers without a gap become a table; other data stay.

    Raises:
        DataError: if columns are none, or have gaps; says which, and which models take them.
    """
    if not isinstance(dataset.train.x, Mixed):
        return dataset
    parts: dict[str, Split] = {name: getattr(dataset, name) for name in PARTS}
    whole: Mixed = joined([part.x for part in parts.values()])
    if not whole.is_numeric:
        strange = [column.name for column in whole.columns if not column.is_number]
        gaps = [name for j, name in enumerate(whole.names) if not whole.observed[:, j].all()]
        what = f"{', '.join(map(repr, (strange or gaps)[:8]))} {'are no numbers' if strange else 'have gaps'}"
        raise DataError(
            f"{dataset.name}: columns {what}, and this model takes numbers without gaps: take --model sigma-vae or mixed-mixture, "
            "which take such tables, or leave the columns out by --drop NAME"
        )
    train, validation, test = (replace(part, x=part.x.as_numbers()) for part in parts.values())
    return replace(dataset, train=train, validation=validation, test=test, notes=())
