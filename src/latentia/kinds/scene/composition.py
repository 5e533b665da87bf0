"""What a model of scenes is put together from."""

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
from latentia.estimators.way import Way
from latentia.kinds.scene.catalog import SceneEntry
from latentia.latent.scenes.noise import PixelNoise

_SMALLEST = 8
"""Pixels of the shorter side from which on an image may hold objects."""


@dataclass(frozen=True)
class SceneComposition(Composition):
    """`Composition`, with what scenes need beside it.

    Attributes:
        n_slots: places for objects.
        scale: standard deviation of pixels.
    """

    n_slots: int = 0
    scale: float = 0.0

    def build(self, entry: Entry, inputs: nn.Module | None) -> nn.Module:  # noqa: ARG002  images need none
        """The untrained module."""
        assert isinstance(entry, SceneEntry)
        noise = PixelNoise(self.scale, entry.optimal)
        return entry.build(self.event_shape, self.n_slots, self.latent_dim, noise=noise)

    def describe(self) -> dict[str, Any]:
        """What rebuilds it, as plain values."""
        return {**super().describe(), "n_slots": self.n_slots, "scale": self.scale}

    @classmethod
    def of(cls, described: dict[str, Any]) -> Self:
        """The inverse of `describe`."""
        own = {name: described[name] for name in ("n_slots", "scale")}
        return cls(**vars(Composition.of(described)), **own)


def composed(params: Any, entry: SceneEntry, given: Given, parts: Chosen) -> SceneComposition:
    """Choose the sizes that a person left open; choices go to `parts.choices`.

    Args:
        params: has `model, n_slots, latent_dim, scale`.
        entry: of the catalog.
        given: training images.
        parts: what follows from the data.

    Raises:
        ConfigError: for a number out of its range, or images too small to hold objects.
    """
    event = tuple(given.rows.shape[1:])
    if min(event[1:]) < _SMALLEST:
        raise ConfigError(
            f"images of {event[1]} x {event[2]} pixels are too small to hold objects: {_SMALLEST} a side are needed"
        )
    sizes: dict[str, Any] = {}
    reasons = {
        "n_slots": "places for objects in an image; give more if images hold more",
        "latent_dim": "length of each object's code",
        "scale": "standard deviation of pixels",
    }
    for name, own in (("n_slots", entry.n_slots), ("latent_dim", entry.code), ("scale", entry.scale)):
        value = getattr(params, name)
        if value is None:
            parts.choices.append(Choice(name, f"{own:g}", f"{reasons[name]}: the model's own"))
            value = own
        sizes[name] = float(value) if name == "scale" else whole(name, value, 1)
    return SceneComposition(
        params.model, event, sizes["latent_dim"], "gaussian", "own", 0.0, sizes["n_slots"], sizes["scale"]
    )


class SceneWay(Way):
    """The way of images whose objects are sought: losses of these models are not all of single items."""

    weighs = False
