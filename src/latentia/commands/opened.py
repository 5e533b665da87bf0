"""What the commands that use a run's items have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from latentia.errors import ConfigError

if TYPE_CHECKING:
    from latentia.kinds.run import Run, SplitName


def open_run(run: str, command: str) -> Run:
    """The run in a folder, which must be of a model with an encoder and a decoder.

    Raises:
        ConfigError: if it is a mixture.
        RunFolderError: if it cannot be read.
    """
    from latentia.kinds.run import Run, require_vae

    opened = Run.open(run)
    require_vae(opened.estimator, command)
    return opened


def dense(items: Any) -> Any:
    """Items as a NumPy array."""
    return items.toarray() if hasattr(items, "toarray") else items


def picked(opened: Run, split: SplitName, indices: list[int]) -> Any:
    """Items of a split by their places in it.

    Raises:
        ConfigError: for a place that there is not.
    """
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
