"""What is looked at to judge a model of videos: how well places are seen, and how well the next ones are foretold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentia.data.items import Ragged
from latentia.diagnostics.tracking import (
    aligned,
    distances,
    energy_ratio,
    foretold,
    identity_switches,
    motions,
)
from latentia.errors import DataError
from latentia.kinds.video import use

CONTEXT = 8
"""Frames that a rollout is told."""
FURTHEST = 40
VIDEOS = 100
"""Videos that are looked at."""
_RADIUS = 0.12  # of the frame, for bounces, where it is not known


@dataclass(frozen=True)
class VideoState:
    """What a model does with videos; a thing that is not known is None.

    Attributes:
        n: videos that are long enough to be foretold.
        errors: frames ahead -> mean distance, of the model and of each simple motion, by name: `[horizon]`.
        energy: kinetic energy over that at the start at each frame ahead, of the model.
        position_error: of seen places against true ones.
        switches: identity switches in 100 frames.
        seen_share: share of the variance of the frames around their ground that the reconstruction has.
        known: whether the reference are true places.
        n_objects: places for objects.
        epochs: of the fit.
        unused: why true states that were given are not the reference; "" where none were, or they are.
    """

    n: int
    errors: Mapping[str, NDArray[np.float64]]
    energy: NDArray[np.float64]
    position_error: float | None
    switches: float | None
    seen_share: float
    known: bool
    n_objects: int = 3
    epochs: int = 0
    unused: str = ""

    def at(self, name: str, horizon: int) -> float | None:
        """The error of a way so many frames ahead."""
        curve = self.errors.get(name, ())
        return float(curve[horizon - 1]) if len(curve) >= horizon else None

    @property
    def figures(self) -> dict[str, float | None]:
        """By the names of the words."""
        model = self.errors.get("model", np.empty(0))
        return {
            "error_10": self.at("model", 10),
            **{f"{name}_10": self.at(name, 10) for name in ("reflecting", "linear", "static")},
            "error_20": self.at("model", 20),
            "reflecting_20": self.at("reflecting", 20),
            "summed_10": float(model[:10].sum()) if len(model) >= 10 else None,
            "energy_ratio": float(self.energy[-1]) if len(self.energy) else None,
            "position_error": self.position_error,
            "identity_switches": self.switches,
            "seen_share": self.seen_share,
        }


def state_of(estimator: Any, videos: Ragged, truth: Mapping[str, Any]) -> VideoState:
    """Look at (at most `VIDEOS`) videos, and at the true `states` `[n, T, K, 4]` of them."""
    videos = videos[np.arange(min(len(videos), VIDEOS))]
    asked = estimator._inference()
    seen = use.paths(asked, videos)
    states = truth.get("states")
    shortest = int(videos.lengths.min())
    states = None if states is None else np.asarray(states)[: len(videos)]
    if states is not None and states.ndim == 4 and (len(states) < len(videos) or states.shape[1] < shortest):
        raise DataError(
            f"true states of {states.shape[1]} frames of {len(states)} videos; those of all frames of {len(videos)} videos are expected, "
            f"at least {shortest} of each: [n, T, objects, numbers]"
        )
    unused = "" if states is None else _unusable(states, estimator.n_objects_)
    if unused:
        states = None
    ahead = min(FURTHEST, shortest - CONTEXT)
    errors: dict[str, NDArray[np.float64]] = {}
    energy = np.empty(0)
    if ahead > 0:
        errors, energy = _foretold(asked, videos, seen, states, truth.get("radius"), ahead)
    position = switches = None
    if states is not None:
        paths = np.stack([path[:shortest] for path in seen])
        own = aligned(states[:, :shortest], paths[..., :4])
        position = float(distances(states[:, :shortest], own).mean())
        switches = identity_switches(states[:, :shortest], paths[..., :4]).value
    return VideoState(
        len(videos) if ahead > 0 else 0,
        errors,
        energy,
        position,
        switches,
        _seen_share(asked, videos),
        states is not None,
        estimator.n_objects_,
        len(estimator.history_),
        unused,
    )


def _unusable(states: NDArray[Any], n_objects: int) -> str:
    """Why true states cannot be matched with those of a model, or ""."""
    if states.ndim != 4:
        return "they are not of each frame, [n, T, objects, numbers]"
    if states.shape[2] != n_objects:
        return f"they are of {states.shape[2]} objects, and the model has {n_objects}"
    return "" if np.isfinite(states).all() else "some are missing (NaN)"


def _foretold(
    asked: Any, videos: Ragged, seen: list[NDArray[Any]], states: NDArray[Any] | None, radius: Any, ahead: int
) -> tuple[dict[str, NDArray[np.float64]], NDArray[np.float64]]:
    """Errors of the model and of the simplest motions from the same states, and the energy."""
    first = Ragged.of([videos.item(i)[:CONTEXT] for i in range(len(videos))])
    start = use._states(asked.module, use.last_states(asked, first))[..., :4]
    _, rolled = use.rolled(asked, first, ahead, 0, 0)
    size = _RADIUS if radius is None else float(np.mean(radius))
    ways = {"model": rolled, **motions(start, ahead, size)}
    context = np.stack([path[:CONTEXT, :, :4] for path in seen])
    if states is None:
        reference = np.stack([path[: CONTEXT + ahead, :, :4] for path in seen])
    else:
        reference = states[:, : CONTEXT + ahead]
    errors = {}
    for name, path in ways.items():
        whole = aligned(reference, np.concatenate([context, path], 1))
        errors[name] = np.asarray(foretold(reference[:, CONTEXT:], whole[:, CONTEXT:]).curve)
    return errors, energy_ratio(rolled, start)


def _seen_share(asked: Any, videos: Ragged) -> float:
    """1 - squared error of the reconstruction over that of the ground alone."""
    some = videos[np.arange(min(len(videos), 20))]
    ground = asked.form.inverse(asked.module.still().detach()[None])[0].astype(np.float64)
    wrong = total = 0.0
    for i, image in enumerate(use.painted(asked, some)):
        frames = some.item(i).astype(np.float64)
        wrong += float(((frames - image) ** 2).sum())
        total += float(((frames - ground) ** 2).sum())
    return 1 - wrong / max(total, 1e-12)
