"""What the commands that use a run's items have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from latentia.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable

    from latentia.kinds.run import Run, SplitName


def open_run(run: str, command: str, *abilities: Any, data: str | None = None) -> Any:
    """The run in a folder, which must be able to do what a command needs.

    Args:
        run: the folder.
        command: its name, for the error.
        abilities: of `latentia.kinds.abilities`.
        data: where the data of the run are now.

    Raises:
        ConfigError: if it cannot; names a model that can.
        RunFolderError: if it cannot be read.
    """
    from latentia.kinds.abilities import need
    from latentia.kinds.run import Run
    from latentia.kinds.uses import OF_ARRAYS

    opened = Run.open(run, data)
    for ability in abilities:
        need(opened, ability, command)
        if ability.__name__ in OF_ARRAYS and getattr(opened.estimator, "columns_", None) is not None:
            raise ConfigError(
                f"{command} is for items that are arrays; this run's data are a table of columns of unlike kinds: impute, anomaly, sample, "
                "reconstruct, encode, interpolate, traverse and neighbours are for those"
            )
    return opened


class Coder:
    """Codes and the way back, as `latentia.explore` asks for them, of a run that has them."""

    def __init__(self, run: Any) -> None:
        self.transform, self.inverse_transform = run.coded, run.decoded


def view_of(opened: Run) -> Callable[[Any], Any] | None:
    """From images of a run to what is drawn; None where nothing but the images themselves is known."""
    form = getattr(opened.estimator, "form_", None) or getattr(opened.estimator, "layout_", None)
    return None if form is None else form.viewable


def picked(opened: Run, split: SplitName, indices: list[int]) -> Any:
    """Items of a split by their places in it.

    Raises:
        ConfigError: for a place that there is not.
    """
    from latentia.data.items import dense

    part = opened.split(split)
    for index in indices:
        if not 0 <= index < len(part):
            raise ConfigError(f"item {index}: the {split} split has items 0 to {len(part) - 1}")
    return dense(part.subset(indices).x)


def numbers(text: str, flag: str) -> list[int]:
    """The whole numbers in "3,17".

    Raises:
        ConfigError: if there is anything else.
    """
    try:
        return [int(part) for part in str(text).split(",")]
    except ValueError:
        raise ConfigError(f"{flag} {text!r}: expected whole numbers with commas between, as 3,17") from None


def at_least_one(value: int, flag: str) -> int:
    """A number of things.

    Raises:
        ConfigError: if it is below 1.
    """
    if value < 1:
        raise ConfigError(f"{flag} {value}: expected a whole number of at least 1")
    return value
