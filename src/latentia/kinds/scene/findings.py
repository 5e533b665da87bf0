"""What each fault of a model of scenes looks like in figures."""

from __future__ import annotations

import numpy as np

from latentia.diagnostics import Finding, Remedy
from latentia.diagnostics.evaluation import ACTIVE_VARIANCE
from latentia.diagnostics.finding import another_seed, longer
from latentia.kinds.scene.state import SceneState
from latentia.kinds.scene.words import (
    BLIND,
    BY_COLOUR,
    COUNT_COLLAPSE,
    DOUBLED,
    EXHAUSTED,
    IDLE,
    LEAK,
    NOT_BLACK,
    ONE_SLOT,
)
from latentia.vocabulary import COLLAPSE, PARTIAL_COLLAPSE

# Rules of this project, set on made states and on fits of seeds that no test or bar uses.
ONE_EFFECTIVE, ONE_SHARE, ALONE = 1.15, 0.8, 0.01
"""All in one slot: fewer effective slots than this in more than this share of the images, and the largest slot alone loses less than
this share of the variance of the pixels."""
MASK_VARIANCE = 0.01
"""Masks ignore the image: no mask varies over images by more than this, mean over pixels."""
PIECES = 1.3
"""Grouped by colour: an object's mask has more connected regions than this."""
TOUCHING, LEAKED = 0.2, 0.1
"""Background leak: share of images with an object that touches three borders; share of the true background in objects."""
FULL = 0.2
"""Slots exhausted: share of images in which all are taken."""
ONE_NUMBER, VARIED, UNSURE = 0.95, 0.8, 0.5
"""Count collapse: one number in more than this share of images, though no number of regions is in so many; entropy of q(n|x), nats."""
TWICE = 0.05
"""Doubled objects: share of images."""
SPARE = 2
"""Slots idle: so many places that fewer than one image in a hundred needs; one spare place says that the others are enough."""
ACTIVE_SHARE = 0.5
BLACK = 0.1
"""Ground not black: median brightness of the border above this."""


def found_in(state: SceneState) -> list[Finding]:
    """All that is looked at."""
    asked = (
        (not_black, codes, count_collapse, doubled) if state.windows else (codes, one_slot, blind, by_colour)
    )
    every = (*asked, leak, exhausted, idle)
    findings = [finding for ask in every if (finding := ask(state)) is not None]
    named = {finding.name for finding in findings}
    # one mask that is 1 everywhere does not vary either; and where nothing is separated, what is used says nothing
    hidden = {BLIND, IDLE} if ONE_SLOT in named else {IDLE} if named & {BLIND, COUNT_COLLAPSE} else set()
    return [finding for finding in findings if finding.name not in hidden]


def not_black(state: SceneState) -> Finding | None:
    """Whether a model of windows on black was given something else."""
    if state.ground is None:
        return None
    text = f"The border of the images has a median brightness of {state.ground:.2f} (0 is black)"
    strength = state.ground / BLACK
    if strength <= 1:
        return Finding("", f"{text}.", strength=strength)
    other = Remedy("a model that divides an image by masks: `--model genesis-v2`", ("genesis-v2", "monet"))
    turned = Remedy("where objects are dark on white: images turned round, 255 - x")
    return Finding(NOT_BLACK, f"{text}.", (other, turned), strength)


def codes(state: SceneState) -> Finding | None:
    """Whether codes of objects say what the objects look like."""
    if state.code_variance is None:
        return None
    d = len(state.code_variance)
    active = int((state.code_variance > ACTIVE_VARIANCE).sum())
    text = f"{active} of {d} numbers of an object's code vary over the objects (variance of their mean above {ACTIVE_VARIANCE})"
    strength = ACTIVE_SHARE * d / max(active, 1e-12)
    if not active:
        return Finding(
            COLLAPSE,
            f"{text}: all objects look the same to the model.",
            (longer(2 * max(1, state.epochs)), _sharper(state)),
            strength,
        )
    if active <= ACTIVE_SHARE * d:
        fewer = Remedy(
            f"if the reconstructions satisfy you, `--latent-dim {active}` says the same",
            settings={"latent_dim": active},
        )
        return Finding(PARTIAL_COLLAPSE, f"{text}.", (fewer, _sharper(state)), strength)
    return Finding("", f"{text}.", strength=strength)


def count_collapse(state: SceneState) -> Finding | None:
    """Whether one number of objects is found whatever there is, or none is sure."""
    number, share = _commonest(state.numbers)
    other, varied = _commonest(state.regions)
    text = (
        f"{share:.0%} of {state.n} images are said to hold {number} object{'s' * (number != 1)}; the most frequent number of regions, "
        f"{other}, is that of {varied:.0%}"
    )
    if state.entropy is not None:
        text += f"; the entropy of q(n|x) is {state.entropy:.2g} nats"
    one = share > ONE_NUMBER and varied < VARIED
    unsure = state.entropy is not None and state.entropy > UNSURE
    strength = max(share / ONE_NUMBER if varied < VARIED else 0.0, (state.entropy or 0.0) / UNSURE)
    if not (one or unsure):
        return Finding("", f"{text}.", strength=min(strength, 1.0))
    return Finding(
        COUNT_COLLAPSE,
        f"{text}.",
        (longer(2 * max(1, state.epochs)), _sharper(state), another_seed()),
        strength,
    )


def doubled(state: SceneState) -> Finding | None:
    """Whether two windows hold one object, or a window holds nothing that pays for it."""
    if state.doubled is None or state.unpaid is None:
        return None
    text = f"In {state.doubled:.1%} of the images two windows overlap by half, in {state.unpaid:.1%} an object costs more nats than it saves"
    strength = max(state.doubled, state.unpaid) / TWICE
    if strength <= 1:
        return Finding("", f"{text}.", strength=strength)
    return Finding(DOUBLED, f"{text}.", (longer(2 * max(1, state.epochs)), another_seed()), strength)


def one_slot(state: SceneState) -> Finding | None:
    """Whether one slot paints everything."""
    if state.effective is None or state.alone is None:
        return None
    share = float((state.effective < ONE_EFFECTIVE).mean())
    text = (
        f"{share:.0%} of the images are divided among fewer than {ONE_EFFECTIVE} effective slots; the largest slot alone would lose "
        f"{max(0.0, state.alone):.1%} of the variance of the pixels"
    )
    if share <= ONE_SHARE or state.alone >= ALONE:
        return Finding("", f"{text}.")
    other = Remedy("a model that divides an image in one pass: `--model genesis-v2`", ("genesis-v2", "monet"))
    return Finding(ONE_SLOT, f"{text}.", (_sharper(state), other), share / ONE_SHARE)


def blind(state: SceneState) -> Finding | None:
    """Whether masks are the same for all images."""
    if state.mask_variance is None:
        return None
    text = (
        f"The mask that varies most over images has a variance of {state.mask_variance:.3g}, mean over pixels"
    )
    strength = MASK_VARIANCE / max(state.mask_variance, 1e-12)
    if state.mask_variance >= MASK_VARIANCE:
        return Finding("", f"{text}.", strength=strength)
    fewer = max(2, state.n_slots - 1)
    slots = Remedy(f"fewer slots: `--n-slots {fewer}`", settings={"n_slots": fewer})
    return Finding(
        BLIND,
        f"{text}: slots share places, not objects.",
        (another_seed(), slots, longer(2 * max(1, state.epochs))),
        strength,
    )


def by_colour(state: SceneState) -> Finding | None:
    """Whether a slot gathers what lies apart."""
    if state.pieces is None:
        return None
    text = f"The mask of an object has {state.pieces:.2f} connected regions, mean"
    if state.pieces <= PIECES:
        return Finding("", f"{text}.", strength=state.pieces / PIECES)
    more = state.n_slots + 2
    slots = Remedy(f"more slots: `--n-slots {more}`", settings={"n_slots": more})
    other = Remedy(
        "a model that groups by place as well: `--model genesis-v2`", ("genesis-v2", "slot-attention")
    )
    return Finding(BY_COLOUR, f"{text}.", (slots, other), state.pieces / PIECES)


def leak(state: SceneState) -> Finding | None:
    """Whether slots of objects take in the background."""
    if state.touching is None:
        return None
    text = f"In {state.touching:.0%} of the images an object touches three borders"
    strength = state.touching / TOUCHING
    if state.leak is not None:
        text += f"; {state.leak:.1%} of the true background belongs to objects"
        strength = max(strength, state.leak / LEAKED)
    if strength <= 1:
        return Finding("", f"{text}.", strength=strength)
    more = state.n_slots + 2
    slots = Remedy(f"more slots: `--n-slots {more}`", settings={"n_slots": more})
    return Finding(LEAK, f"{text}.", (slots, longer(2 * max(1, state.epochs))), strength)


def exhausted(state: SceneState) -> Finding | None:
    """Whether all places for objects are taken in many images."""
    places = state.n_slots if state.windows else state.n_slots - 1  # of masks one is the background's
    if places < 1:
        return None
    share = float((state.numbers >= places).mean())
    text = f"All {places} places for objects are taken in {share:.0%} of the images"
    if share <= FULL:
        return Finding("", f"{text}.", strength=share / FULL)
    more = state.n_slots + 2
    return Finding(
        EXHAUSTED,
        f"{text}.",
        (Remedy(f"more places: `--n-slots {more}`", settings={"n_slots": more}),),
        share / FULL,
    )


def idle(state: SceneState) -> Finding | None:
    """Whether places are never used."""
    places = state.n_slots if state.windows else state.n_slots - 1
    needed = int(np.quantile(state.numbers, 0.99, method="higher"))
    if places - needed < SPARE:
        return None
    fewer = max(1, state.n_slots - (places - needed) + 1)
    text = f"{places} places for objects, and hardly an image needs more than {needed}"
    return Finding(
        IDLE, f"{text}.", (Remedy(f"fewer: `--n-slots {fewer}` is faster", settings={"n_slots": fewer}),)
    )


def _commonest(values: np.ndarray) -> tuple[int, float]:
    names, counts = np.unique(values, return_counts=True)
    return int(names[counts.argmax()]), float(counts.max() / counts.sum())


def _sharper(state: SceneState) -> Remedy:
    half = float(f"{state.scale / 2:.2g}")
    return Remedy(
        f"a smaller standard deviation of pixels, so that details count more: `--set scale={half:g}`",
        settings={"scale": half},
    )
