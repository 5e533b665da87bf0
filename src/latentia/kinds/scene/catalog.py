"""Models that see images as several objects."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from torch import nn

from latentia.estimators.entry import Entry
from latentia.models.scenes.air import AIR
from latentia.models.scenes.air_sampled import SampledAIR
from latentia.models.scenes.genesis import GenesisV2
from latentia.models.scenes.monet import MONet
from latentia.models.scenes.slot_attention import SlotAutoencoder
from latentia.objectives import elbo
from latentia.objectives.scenes import monet, nvil, slot_reconstruction, tolerated_error
from latentia.registry import Registry

_IMAGES = dict.fromkeys(("pixels", "deep", "unit", "binary"), "gaussian")


@dataclass(frozen=True)
class SceneEntry(Entry):
    """What a model of scenes is composed of; of `Entry` only summary, reference, objective, schedule and likelihoods are read.

    Attributes:
        build: `build(event_shape, n_slots, latent_dim, noise=PixelNoise(...))` gives the module.
        n_slots: places for objects (of a model with masks one of them may become the background).
        code: length of a slot's code.
        scale: standard deviation of pixels on [0, 1].
        optimal: whether it follows the residuals after the first part of training.
        windows: whether objects are found in windows on black, and counted; else masks divide the image.
    """

    likelihoods: Mapping[str, str] | None = field(default_factory=lambda: dict(_IMAGES))
    build: Callable[..., nn.Module] = AIR
    n_slots: int = 3
    code: int = 16
    scale: float = 0.3
    optimal: bool = False
    windows: bool = True


_masks: Callable[..., SceneEntry] = partial(SceneEntry, n_slots=5, scale=0.1, optimal=True, windows=False)
_nvil: Any = partial(SampledAIR, gradient="nvil")
_relaxed: Any = partial(SampledAIR, gradient="relaxed")

SCENES: Registry[SceneEntry] = Registry("model of scenes", group="latentia.models", of=SceneEntry)
for _name, _scene in {
    "air": SceneEntry(
        "objects in windows on black, found one after another; their number is summed out exactly",
        "Eslami et al. 2016, Attend, Infer, Repeat; the sum over the number is this project's",
        elbo,
    ),
    "air-nvil": SceneEntry(
        "AIR whose number of objects is drawn, with the score function's gradient and a learned baseline, as published",
        "Eslami et al. 2016, Attend, Infer, Repeat; Mnih & Gregor 2014",
        nvil,
        build=_nvil,
    ),
    "air-relaxed": SceneEntry(
        "AIR whose presence variables are relaxed (binary Concrete)",
        "Eslami et al. 2016; Maddison, Mnih & Teh 2017, The Concrete Distribution",
        elbo,
        build=_relaxed,
    ),
    "genesis-v2": _masks(
        "pixels grouped around seeds in one pass, slots with an ordered prior; the bound, at the optimal variance of pixels",
        "Engelcke et al. 2021, GENESIS-V2: Inferring Unordered Object Representations without Iterative Refinement",
        elbo,
        build=GenesisV2,
    ),
    "genesis-v2-constrained": _masks(
        "GENESIS-V2 as it is trained in its paper: least rate at a small squared error",
        "Engelcke et al. 2021, section 3.3; Rezende & Viola 2018, Taming VAEs",
        tolerated_error,
        build=GenesisV2,
    ),
    "monet": _masks(
        "an attention network divides the image step by step, a VAE explains each part",
        "Burgess et al. 2019, MONet: Unsupervised Scene Decomposition and Representation",
        monet,
        build=MONet,
    ),
    "slot-attention": _masks(
        "slots that compete for pixels, as deterministic codes: an autoencoder without a bound",
        "Locatello et al. 2020, Object-Centric Learning with Slot Attention",
        slot_reconstruction,
        build=SlotAutoencoder,
        code=32,
    ),
}.items():
    SCENES.add(_name, _scene)

ENTRIES: Mapping[str, SceneEntry] = SCENES
"""Models of this kind by name."""
