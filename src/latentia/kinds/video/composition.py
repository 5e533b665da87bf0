"""What a model of videos is put together from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

from torch import nn

from latentia.errors import ConfigError
from latentia.estimators.choices import Choice
from latentia.estimators.composition import Chosen, Composition
from latentia.estimators.entry import Entry
from latentia.estimators.forms.arrays import Given
from latentia.estimators.parameters import whole
from latentia.kinds.video.catalog import VideoEntry
from latentia.latent.scenes.noise import PixelNoise
from latentia.latent.scenes.paths import STATE

_SMALLEST = 8
_MOST_OBJECTS = 12


@dataclass(frozen=True)
class VideoComposition(Composition):
    """`Composition`, with what videos need beside it.

    Attributes:
        n_objects: K.
        scale: standard deviation of pixels; None: learned.
    """

    n_objects: int = 0
    scale: float | None = None

    def build(self, entry: Entry, inputs: nn.Module | None) -> nn.Module:  # noqa: ARG002  videos need none
        """The untrained module."""
        assert isinstance(entry, VideoEntry)
        own: dict[str, Any] = {} if self.scale is None else {"noise": PixelNoise(self.scale)}
        if entry.look:
            own["look"] = entry.look
        return entry.build(self.event_shape, self.n_objects, **own)

    def describe(self) -> dict[str, Any]:
        """What rebuilds it, as plain values."""
        return {**super().describe(), "n_objects": self.n_objects, "scale": self.scale}

    @classmethod
    def of(cls, described: dict[str, Any]) -> Self:
        """The inverse of `describe`."""
        own = {name: described[name] for name in ("n_objects", "scale")}
        return cls(**vars(Composition.of(described)), **own)


def composed(params: Any, entry: VideoEntry, given: Given, parts: Chosen) -> VideoComposition:
    """Choose what a person left open; choices go to `parts.choices`.

    Raises:
        ConfigError: for a number out of its range, or frames too small to hold objects.
    """
    event = tuple(given.rows.shape[1:])
    if min(event[2:]) < _SMALLEST:
        raise ConfigError(
            f"frames of {event[2]} x {event[3]} pixels are too small to hold objects: {_SMALLEST} a side are needed"
        )
    n_objects, scale = params.n_objects, params.scale
    if n_objects is None:
        n_objects = entry.n_objects
        parts.choices.append(Choice("n_objects", str(n_objects), "the model's own; say how many there are"))
    if whole("n_objects", n_objects, 1) > _MOST_OBJECTS:
        raise ConfigError(f"n_objects={n_objects}: at most {_MOST_OBJECTS} are followed")
    if scale is None and entry.scale is not None:
        scale = entry.scale
        parts.choices.append(Choice("scale", f"{scale:g}", "standard deviation of pixels: the model's own"))
    elif scale is not None and entry.scale is None:
        raise ConfigError(
            f"scale={scale}: model {params.model!r} learns the standard deviations of its pixels; leave it out"
        )
    numbers = (STATE + entry.look) * n_objects
    return VideoComposition(
        params.model,
        event,
        numbers,
        "gaussian",
        "own",
        0.0,
        n_objects,
        None if scale is None else float(scale),
    )
