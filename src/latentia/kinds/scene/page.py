"""The page of a run of a model of scenes: what it sees in images, how many objects, and what the simplest methods see."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import matplotlib.figure
import numpy as np
from numpy.typing import NDArray

from latentia.data import Split
from latentia.kinds.latent_page import latent_content
from latentia.kinds.scene.run import SceneRun
from latentia.kinds.scene.seen import Seen
from latentia.report.cards import Card, Tile
from latentia.report.content import number
from latentia.report.images import pixels
from latentia.report.page import Page
from latentia.report.sections import cards
from latentia.report.theme import LIGHT, Theme, canvas, legend, style

SHOWN = 12
ROWS = 15
_GAP = 2
_ENLARGED = 3


def page(run: SceneRun) -> Page:
    """What the report of a run of a model of scenes shows, on its test part."""
    split = run.whole_or("test")
    figures = run.figures(split)
    content = latent_content(run, rated=figures["kl"] is not None, source="the prior", exploration=None)
    # numbers of one code are spread over slots: a chart of dimensions would say nothing
    content = replace(content, kl_per_dim=np.array([]), active=np.array([]))
    part = run.split(split).take(SHOWN)
    seen = next(iter(run.estimator.seen(part.x)))
    asked, *general = cards(content)
    found = [
        asked,
        _strips(run, part, seen),
        *_agreement(figures),
        _numbers(run, figures, run.split(split)),
        _objects(run, part),
        *general,
    ]
    return Page(content, content.event_shape, found)


def _strips(run: SceneRun, part: Split, seen: Seen) -> Card:
    """Each image as a row: itself, what is found in it, its reconstruction, its slots."""
    images = pixels(run.estimator.form_.viewable(part.x))
    rebuilt = pixels(run.estimator.form_.viewable(run.rebuilt(part.x)))
    truth = part.truth.get("masks")
    windows = seen if run.estimator._entry().windows else None
    shown = [_enlarged(images), _overlay(images, seen.labels, windows), _enlarged(rebuilt)]
    words = "the image, what is found in it, the reconstruction"
    if truth is not None:
        shown.insert(1, _overlay(images, np.asarray(truth), None))
        words = "the image, the true objects, what is found in it, the reconstruction"
    frames = [_framed(_slot(seen, k), seen.objects[:, k], k) for k in range(seen.masks.shape[1])]
    tiles = tuple(
        Tile(
            (
                (
                    np.concatenate([_spaced(column[i]) for column in (*shown, *frames)], 1),
                    f"Image {i + 1}: {words}, and each slot",
                ),
            )
        )
        for i in range(len(images))
    )
    lead = f"From left to right: {words}, then each slot where it shows. Slots that hold an object are framed in its colour."
    return Card("scene-slots", "Objects", lead, tiles=tiles, columns=1, wide=True)


def _objects(run: SceneRun, part: Split) -> Card:
    """The first objects, one a row."""
    table = run.objects(part.x)
    head = ("image", "object", "x", "y", "width", "height", "area")
    shown = table[~table["background"]].head(ROWS)
    rows = [
        (str(int(row["item"]) + 1), str(int(row["slot"])), *(f"{row[name]:.3f}" for name in head[2:]))
        for _, row in shown.iterrows()
    ]
    lead = "The first objects of the images above; places and sizes as shares of the image, y downwards."
    return Card("scene-objects", "Table of objects", lead, table=(head, *rows), wide=True)


def _agreement(figures: Mapping[str, Any]) -> list[Card]:
    """How masks and counts agree with the truth, beside the simplest methods."""
    found = []
    rows: list[tuple[str, ...]] = [("", "model", "connected regions", "k-means of colours")]
    names = {"ari_fg": "ARI over the pixels of objects", "count_accuracy": "share of right counts"}
    for name, label in names.items():
        if figures.get(name) is not None:
            others = (figures.get(f"component_{name}"), figures.get(f"kmeans_{name}"))
            rows.append(
                (label, number(figures[name]), *("–" if value is None else number(value) for value in others))
            )
    if len(rows) > 1:
        lead = (
            "What the model finds against the truth, and what two methods find that know nothing but colour: regions of one colour that "
            "hang together, and k-means with the true number of groups."
        )
        name, words = next((name, words) for name, words in names.items() if figures.get(name) is not None)
        headline = (
            number(figures[name]),
            f"{words}; connected regions {number(figures[f'component_{name}'])}",
        )
        found.append(Card("scene-agreement", "Against the truth", lead, table=tuple(rows), headline=headline))
    confusion = figures["diagnosis"].get("confusion")
    if confusion:
        head = ("true", *(f"found {n}" for n in range(len(confusion[0]))))
        table = [head, *((str(n), *(number(int(value)) for value in row)) for n, row in enumerate(confusion))]
        found.append(
            Card(
                "scene-confusion",
                "Counts",
                "Images by true and by found number of objects.",
                table=tuple(table),
            )
        )
    return found


def _numbers(run: SceneRun, figures: Mapping[str, Any], part: Split) -> Card:
    """How often each number of objects is found."""
    counts, true = run.numbers(part.x)[0], part.truth.get("counts")
    lead = f"{number(figures['mean_count'])} objects are found in an image, mean over {number(len(counts))} images."
    return Card(
        "scene-numbers",
        "Numbers of objects",
        lead,
        alt="Bars: share of images in which each number of objects is found.",
        draw=lambda theme: numbers_figure(counts, None if true is None else np.asarray(true), theme),
    )


def numbers_figure(
    counts: NDArray[np.int64], true: NDArray[Any] | None, theme: Theme
) -> matplotlib.figure.Figure:
    """Shares of images by number of objects, found and true, as bars."""
    figure = canvas(theme, 5.2, 3.0)
    axes = figure.add_subplot()
    style(axes, theme, x="objects", y="share of images")
    most = int(max(counts.max(), 0 if true is None else true.max()))
    at = np.arange(most + 1)
    width = 0.8 if true is None else 0.4
    axes.bar(
        at - (0.2 if true is not None else 0),
        np.bincount(counts, minlength=most + 1) / len(counts),
        width,
        color=theme.model,
        label="found",
    )
    if true is not None:
        axes.bar(
            at + 0.2, np.bincount(true, minlength=most + 1) / len(true), width, color=theme.data, label="true"
        )
        legend(axes, theme)
    axes.set_xticks(at)
    return figure


# ------------------------------------------------------------------ pictures


def _colour(k: int) -> NDArray[np.uint8]:
    """Of a slot or an object: the same on all cards."""
    text = LIGHT.categories[k % len(LIGHT.categories)].lstrip("#")
    return np.array([int(text[i : i + 2], 16) for i in (0, 2, 4)], np.uint8)


def _enlarged(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    factor = max(1, _ENLARGED if images.shape[1] < 64 else 1)
    return images.repeat(factor, 1).repeat(factor, 2)


def _overlay(images: NDArray[np.uint8], labels: NDArray[Any], boxes: Seen | None) -> NDArray[np.uint8]:
    """Images with the pixels of each object in its colour, and windows as frames, `[n, H', W', 3]`."""
    tinted = images.copy()
    for k in range(1, int(labels.max(initial=0)) + 1):
        own = labels == k
        tinted[own] = (0.4 * tinted[own] + 0.6 * _colour(k - 1)).astype(np.uint8)
    out = _enlarged(tinted)
    if boxes is not None:
        side = np.array([out.shape[2], out.shape[1]])
        for i, k in zip(*np.nonzero(boxes.objects), strict=True):
            low = np.clip((boxes.where[i, k, :2] - boxes.where[i, k, 2:] / 2) * side, 0, side - 1).astype(int)
            high = np.clip((boxes.where[i, k, :2] + boxes.where[i, k, 2:] / 2) * side, 0, side - 1).astype(
                int
            )
            rank = int(boxes.objects[i, :k].sum())
            out[i, low[1] : high[1] + 1, [low[0], high[0]]] = _colour(rank)
            out[i, [low[1], high[1]], low[0] : high[0] + 1] = _colour(rank)
    return out


def _slot(seen: Seen, k: int) -> NDArray[np.uint8]:
    """A slot where it shows, on grey."""
    mask = seen.masks[:, k, None]
    return pixels(mask * seen.parts[:, k] + 0.25 * (1 - mask))


def _framed(images: NDArray[np.uint8], objects: NDArray[np.bool_], k: int) -> NDArray[np.uint8]:
    """Enlarged images, framed where the slot holds an object."""
    out = _enlarged(images)
    for i in np.flatnonzero(objects):
        out[i, :2] = out[i, -2:] = _colour(k)
        out[i, :, :2] = out[i, :, -2:] = _colour(k)
    return out


def _spaced(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """With a white gap to the right."""
    return np.pad(image, ((0, 0), (0, _GAP), (0, 0)), constant_values=255)
