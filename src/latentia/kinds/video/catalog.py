"""Models of videos by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from latentia.estimators.entry import Entry
from latentia.objectives import elbo
from latentia.registry import Registry


@dataclass(frozen=True)
class VideoEntry(Entry):
    """What a model of videos is composed of; of `Entry` only summary, reference, objective, schedule and likelihoods are read.

    Attributes:
        n_objects: K.
        scale: standard deviation of pixels on [0, 1].
        frames_first: passes over the frames alone, before the others, for each pass of the whole.
        dynamics_first: passes over the paths that are seen, after those, for each pass of the whole.
    """

    likelihoods: Mapping[str, str] | None = field(
        default_factory=lambda: dict.fromkeys(("pixels", "deep", "unit", "binary"), "gaussian")
    )
    n_objects: int = 3
    scale: float = 0.2
    frames_first: int = 6
    dynamics_first: int = 20


VIDEOS: Registry[VideoEntry] = Registry("model of videos", group="latentia.models", of=VideoEntry)
VIDEOS.add(
    "stove",
    VideoEntry(
        "objects that look alike, followed by a filter, with a dynamics of pairs by which they go on: a proper bound",
        "Kossen et al. 2020, Structured Object-Aware Physics Prediction; the bound and the renderer are this project's",
        elbo,
    ),
)

ENTRIES: Mapping[str, VideoEntry] = VIDEOS
"""Models of this kind by name."""
