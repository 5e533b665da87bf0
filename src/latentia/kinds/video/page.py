"""The page of a run of a model of videos: what it sees, and what it foretells beside the simplest motions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.figure
import numpy as np
from numpy.typing import NDArray

from latentia.data.items import Ragged
from latentia.kinds.video.run import VideoRun
from latentia.kinds.video.state import CONTEXT
from latentia.kinds.video.use import on_unit
from latentia.kinds.video.words import DRIFTS, IGNORED, SWITCHES, UNSEEN
from latentia.report import figures as charts
from latentia.report.animation import above_below
from latentia.report.cards import Card, Tile
from latentia.report.content import number
from latentia.report.diagnosis import NO, YES, Check, question_card
from latentia.report.head import about, choices_of, head_of
from latentia.report.images import pixels
from latentia.report.page import Page
from latentia.report.theme import Theme, canvas, legend, style

_STRIPS = 4
_EVERY = 4
_MOST_AHEAD = 40
_GAP = 2


def page(run: VideoRun) -> Page:
    """What the report of a run of a model of videos shows, on its test part."""
    split = run.whole_or("test")
    figures, estimator = run.figures(split), run.estimator
    head = head_of(
        run,
        figures,
        run.kind.words,
        about=about(estimator._entry()),
        settings={**run.config.get("composition", {}), **estimator.settings_},
        choices=choices_of(estimator),
    )
    videos = estimator._videos(run.split(split).take(_STRIPS).x)
    found = [
        question_card(questions(figures)),
        _seen(run, videos),
        *_ahead(run, videos, figures),
        *_curves(estimator),
    ]
    return Page(head, run.event_shape, [card for card in found if card is not None])


def questions(figures: Mapping[str, Any]) -> list[Check]:
    """Questions and answers from what `latentia evaluate --json` gives."""
    faults, seen = set(figures["verdicts"]), list(figures["evidence"])

    def told(*begins: str) -> str:
        return next((text for text in seen if any(word in text for word in begins)), "")

    asked = [
        ("Are the objects followed?", {UNSEEN}, told("beyond their ground")),
        ("Do they keep their identities?", {SWITCHES}, told("Identities switch")),
        ("Does it foretell more than simple motion does?", {IGNORED}, told("Ten frames ahead")),
        ("Do rollouts keep their energy?", {DRIFTS}, told("kinetic energy")),
    ]
    return [Check(question, NO if faults & bad else YES, text) for question, bad, text in asked if text]


def _seen(run: VideoRun, videos: Ragged) -> Card:
    """Frames above, what is painted of them below."""
    form = run.estimator.form_
    tiles = []
    for i, painted in enumerate(run.estimator.reconstruct(videos[[j]])[0] for j in range(len(videos))):
        frames = videos.item(i)[: 8 * _EVERY : _EVERY]
        rows = [_strip(_pictures(form, part)) for part in (frames, painted[: 8 * _EVERY : _EVERY])]
        tiles.append(
            Tile(
                tuple(
                    (row, f"Video {i + 1}: {what}")
                    for row, what in zip(rows, ("frames", "as painted"), strict=True)
                )
            )
        )
    lead = f"Every {_EVERY}th frame above, and below what the model paints of the objects that it sees in it."
    return Card("video-seen", "What is seen", lead, tiles=tuple(tiles), columns=1, wide=True)


def _ahead(run: VideoRun, videos: Ragged, figures: Mapping[str, Any]) -> list[Card]:
    """Rollouts beside what came, and errors and energy over the horizon."""
    long = videos[np.flatnonzero(videos.lengths > CONTEXT + _EVERY)]
    if not len(long):
        return []
    cards = [_rollouts(run, long)]
    errors = figures["diagnosis"]["errors"]
    if errors:
        of = (
            "the true places"
            if figures["diagnosis"]["true_places"]
            else "the places that the model itself sees later"
        )
        text = f"Mean distance from {of}, as a share of the frame; beside the model three motions that know nothing of collisions, from the same states."
        headline = None
        if figures.get("error_10") is not None:
            headline = (
                number(figures["error_10"]),
                f"of the frame is the error ten frames ahead; bounces alone {number(figures['reflecting_10'])}",
            )
        cards.append(
            Card(
                "video-errors", "Error over the horizon", text, headline=headline,
                alt="Lines: mean distance of places over the frames ahead, of the model and of three simple motions.",
                draw=lambda theme: lines_figure(errors, "distance", theme),
            )
        )  # fmt: skip
    energy = figures["diagnosis"]["energy"]
    if energy:
        text = "Kinetic energy over that at the start, median over videos: 1 where nothing slows down or speeds up."
        cards.append(
            Card(
                "video-energy", "Energy over the horizon", text,
                alt="Line: kinetic energy over the frames ahead.",
                draw=lambda theme: lines_figure({"model": energy}, "energy over that at the start", theme),
            )
        )  # fmt: skip
    return cards


def _rollouts(run: VideoRun, long: Ragged) -> Card:
    """What is foretold of videos beside what came, as strips and moving."""
    form = run.estimator.form_
    first = Ragged.of([long.item(i)[:CONTEXT] for i in range(len(long))])
    steps = int(min(_MOST_AHEAD, long.lengths.min() - CONTEXT))
    foretold, _ = run.continued(first, steps)
    tiles = []
    for i in range(len(long)):
        come = long.item(i)[CONTEXT : CONTEXT + steps]
        rows = [_strip(_pictures(form, part[_EVERY - 1 :: _EVERY])) for part in (come, foretold[i])]
        tiles.append(
            Tile(
                tuple(
                    (row, f"Video {i + 1}: {what}")
                    for row, what in zip(rows, ("what came", "foretold"), strict=True)
                )
            )
        )
    lead = (
        f"From {CONTEXT} frames on: every {_EVERY}th of the frames that came above, the foretold ones below. The animation begins with the "
        "frames that were seen; below, what is framed in colour is foretold."
    )
    return Card(
        "video-rollouts",
        "Rollouts",
        lead,
        tiles=tuple(tiles),
        columns=1,
        wide=True,
        alt=f"Animation of {len(long)} videos beside each other: the frames that came above, {CONTEXT} seen and {steps} foretold ones below.",
        animation=_moving(form, long, foretold),
    )


def _moving(form: Any, videos: Ragged, foretold: NDArray[Any]) -> NDArray[np.uint8]:
    """What came above; what was seen, and then foretold, below."""
    above = np.stack(
        [_pictures(form, videos.item(i)[: CONTEXT + foretold.shape[1]]) for i in range(len(videos))]
    )
    below = np.concatenate([above[:, :CONTEXT], np.stack([_pictures(form, part) for part in foretold])], 1)
    return above_below(above, below, CONTEXT)


def _curves(estimator: Any) -> list[Card]:
    """Learning curves of the three phases."""
    found = []
    phases = {"frames": "Frames alone", "dynamics": "Dynamics on the paths that are seen"}
    rows = {
        **{title: estimator.phases_[name] for name, title in phases.items()},
        "The whole": estimator.history_,
    }
    for place, (title, curve) in enumerate(rows.items()):
        if curve:
            found.append(
                Card(
                    f"learning-curves-{place + 1}", f"Phase {place + 1}: {title.lower()}", "Loss on the training part and bound on the validation part.",
                    alt=f"Training loss and validation bound over {len(curve)} epochs.",
                    draw=lambda theme, curve=curve: charts.learning_curves(curve, theme),  # type: ignore[misc]
                )
            )  # fmt: skip
    return found


def lines_figure(curves: Mapping[str, Sequence[float]], y: str, theme: Theme) -> matplotlib.figure.Figure:
    """Curves over the frames ahead; the model's own is the strong one."""
    figure = canvas(theme, 5.2, 3.2)
    axes = figure.add_subplot()
    style(axes, theme, x="frames ahead", y=y)
    colours = {"model": theme.model, "reflecting": theme.data, "linear": theme.muted, "static": theme.faint}
    for name, curve in curves.items():
        width = 2.2 if name == "model" else 1.4
        axes.plot(
            np.arange(1, len(curve) + 1),
            curve,
            color=colours.get(name, theme.muted),
            linewidth=width,
            label=name,
        )
    if len(curves) > 1:
        legend(axes, theme)
    axes.set_ylim(bottom=0)
    return figure


def _pictures(form: Any, frames: NDArray[Any]) -> NDArray[np.uint8]:
    """Frames `[T, C, H, W]` as RGB."""
    return pixels(on_unit(form, frames))


def _strip(frames: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Frames in a row, with a gap between."""
    factor = 2 if frames.shape[1] < 48 else 1
    large = frames.repeat(factor, 1).repeat(factor, 2)
    return np.concatenate(
        [np.pad(frame, ((0, 0), (0, _GAP), (0, 0)), constant_values=128) for frame in large], 1
    )
