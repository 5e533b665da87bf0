"""Models of videos by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from torch import nn

from latentia.estimators.entry import Entry
from latentia.models.scenes.stove import STOVE
from latentia.models.scenes.stove_appearance import AppearanceFrames, AppearanceSTOVE
from latentia.models.scenes.stove_mixture import MixtureSTOVE
from latentia.models.scenes.stove_phases import FramePhase
from latentia.objectives import elbo
from latentia.registry import Registry


@dataclass(frozen=True)
class VideoEntry(Entry):
    """What a model of videos is composed of; of `Entry` only summary, reference, objective, schedule and likelihoods are read.

    Attributes:
        build: `build(event_shape, n_objects, ...)` gives the module; with `noise=PixelNoise(...)` where there is a scale, and with `look=...`
            where there are codes of what objects look like.
        frames_alone: what the module is trained as first, given the module.
        n_objects: K.
        scale: standard deviation of pixels on [0, 1]; None: the model learns its own.
        look: length of the code of what an object looks like; 0: there is none.
        frames_first: passes over the frames alone, before the others, for each pass of the whole.
        dynamics_first: passes over the paths that are seen, after those, for each pass of the whole.
    """

    likelihoods: Mapping[str, str] | None = field(
        default_factory=lambda: dict.fromkeys(("pixels", "deep", "unit", "binary"), "gaussian")
    )
    build: Callable[..., nn.Module] = STOVE
    frames_alone: Callable[..., nn.Module] = FramePhase
    n_objects: int = 3
    scale: float | None = 0.2
    look: int = 0
    frames_first: int = 6
    dynamics_first: int = 20


VIDEOS: Registry[VideoEntry] = Registry("model of videos", group="latentia.models", of=VideoEntry)
for _name, _video in {
    "stove": VideoEntry(
        "objects that look alike, followed by a filter, with a dynamics of pairs by which they go on: a proper bound",
        "Kossen et al. 2020, Structured Object-Aware Physics Prediction; the bound and the renderer are this project's",
        elbo,
    ),
    "stove-appearance": VideoEntry(
        "STOVE of objects that look unlike: each has a code of what it looks like, one for the whole sequence",
        "Kossen et al. 2020; the code of a sequence is this project's",
        elbo,
        build=AppearanceSTOVE,
        frames_alone=AppearanceFrames,
        look=8,
    ),
    "stove-mixture": VideoEntry(
        "STOVE whose frames are not painted: each pixel is one object's or the ground's, and mixtures of patches explain what it shows",
        "Kossen et al. 2020; Stelzner et al. 2019, Faster Attend-Infer-Repeat; who owns a pixel is this project's",
        elbo,
        build=MixtureSTOVE,
        scale=None,
    ),
}.items():
    VIDEOS.add(_name, _video)

ENTRIES: Mapping[str, VideoEntry] = VIDEOS
"""Models of this kind by name."""
