"""What each fault of a model of videos looks like in figures."""

from __future__ import annotations

from latentia.diagnostics import Finding, Remedy
from latentia.diagnostics.finding import another_seed, longer
from latentia.kinds.video.state import VideoState
from latentia.kinds.video.words import DRIFTS, IGNORED, SWITCHES, UNSEEN

# Rules of this project.
SEEN = 0.5
"""Objects not followed: less than this share of the variance of the frames around their ground is painted."""
MOST_SWITCHES = 1.0
"""Identities switch: more than so many times in 100 frames."""
AS_REFLECTION = 0.95
"""Dynamics ignored: the error ten frames ahead is more than this share of that of straight motion with bounces off the walls."""
LEAST_ENERGY, MOST_ENERGY = 0.5, 2.0
"""Energy drifts: kinetic energy at the furthest frame over that at the start."""


def found_in(state: VideoState) -> list[Finding]:
    """All that is looked at; where objects are not followed, nothing that follows from them."""
    first = unseen(state)
    rest = [] if first.name else [switches(state), ignored(state), drifts(state)]
    told = (
        [Finding("", f"True states are given but not compared with: {state.unused}.")] if state.unused else []
    )
    return [first, *(finding for finding in rest if finding is not None), *told]


def unseen(state: VideoState) -> Finding:
    """Whether what is painted is what is in the frames."""
    text = f"{max(0.0, state.seen_share):.0%} of what the frames have beyond their ground is painted by the objects"
    if state.position_error is not None:
        text += f"; their places are {state.position_error:.3f} of the frame from the true ones, mean"
    strength = SEEN / max(state.seen_share, 1e-12)
    if strength <= 1:
        return Finding("", f"{text}.", strength=strength)
    more = state.n_objects + 1
    number = Remedy(f"a place for one object more: `--n-objects {more}`", settings={"n_objects": more})
    return Finding(UNSEEN, f"{text}.", (longer(2 * max(1, state.epochs)), number, another_seed()), strength)


def switches(state: VideoState) -> Finding | None:
    """Whether objects exchange their identities."""
    if state.switches is None:
        return None
    text = f"Identities switch {state.switches:.2f} times in 100 frames"
    strength = state.switches / MOST_SWITCHES
    if strength <= 1:
        return Finding("", f"{text}.", strength=strength)
    return Finding(
        SWITCHES,
        f"{text}.",
        (longer(2 * max(1, state.epochs)), Remedy("frames that lie closer in time")),
        strength,
    )


def ignored(state: VideoState) -> Finding | None:
    """Whether the dynamics foretells more than walls do; of one object alone, whether it knows the walls: there is no more to know."""
    own, wall = state.at("model", 10), state.at("reflecting", 10)
    if own is None or wall is None:
        return None
    line = state.at("linear", 10)
    of = "the true places" if state.known else "the places that the model sees later"
    text = f"Ten frames ahead places are {own:.3f} of the frame from {of}"
    if state.n_objects == 1 and line is not None:
        most, bounces = line, f" (with bounces off the walls, which is all that one object does: {wall:.3f})"
        text = f"{text}; straight motion, from the same states: {line:.3f}{bounces}"
    else:
        most = wall
        text = f"{text}; straight motion with bounces off the walls, from the same states: {wall:.3f}"
    strength = own / max(AS_REFLECTION * most, 1e-12)
    if strength <= 1:
        return Finding("", f"{text}.", strength=strength)
    return Finding(IGNORED, f"{text}.", (longer(2 * max(1, state.epochs)), Remedy("more videos")), strength)


def drifts(state: VideoState) -> Finding | None:
    """Whether rollouts keep their energy."""
    if not len(state.energy):
        return None
    ratio = float(state.energy[-1])
    text = f"After {len(state.energy)} frames ahead the kinetic energy is {ratio:.2f} times that at the start"
    strength = max(ratio / MOST_ENERGY, LEAST_ENERGY / max(ratio, 1e-12))
    if strength <= 1:
        return Finding("", f"{text}.", strength=strength)
    drawn = Remedy("draw paths instead of the expected one: `latentia rollout RUN --samples 1`")
    return Finding(DRIFTS, f"{text}.", (drawn, longer(2 * max(1, state.epochs))), strength)
