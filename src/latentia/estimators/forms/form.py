"""The one face of what stands between a person's items and a model."""

from __future__ import annotations

from typing import Any, Protocol

from numpy.typing import NDArray


class Form(Protocol):
    """From items to what is stored for training, to what a model sees, and back.

    Attributes:
        event_shape: shape of one item.
    """

    @property
    def event_shape(self) -> tuple[int, ...]: ...  # noqa: D102

    def stored(self, items: Any) -> Any:
        """What training holds of items `[n, *event]`."""
        ...

    def model_input(self, stored: Any) -> Any:
        """What a model sees of stored rows."""
        ...

    def items(self, output: Any) -> NDArray[Any]:
        """Items in the person's units, type and shape, of model output."""
        ...

    def viewable(self, items: Any) -> NDArray[Any]:
        """Items as they are drawn: images `[n, C, H, W]` as uint8 or on [0, 1], tables as they are."""
        ...

    @property
    def log_volume(self) -> float:
        """Log |d(person's units) / d(model units)| of one item in nats: subtract it from a log-density."""
        ...

    def describe(self) -> dict[str, Any]:
        """What rebuilds it, as plain values."""
        ...
