"""What of series a decoder foretells that is told the numbers before each, and whether it does without the code."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from latentia.data.items import Ragged
from latentia.diagnostics import DecoderDependence, Finding, MutualInformation, Remedy
from latentia.kinds.series.words import CHEATING

IGNORED = 0.2
"""Nats that another series' code must cost for the code to be used; of collapsed rates (below .1) it costs up to .12. A rule of this project."""
UNSEEN = 0.05
"""Share of the variance that the own code must explain beyond none where the decoder is left alone. A rule of this project: decoders that use a code of
1 nat explain .08 to .16 more, collapsed ones up to .03."""
ABLE = 1.25
"""A decoder foretells well if its squared error with true numbers before each is at most so many times that of a regression on the number before: a tenth of a
nat a number. A rule of this project."""
TOLD = 1.0
"""Nats that codes must tell for those of a decoder that may do without them to be worth something."""
ITEMS = 500

_STEPS = Remedy("a decoder that sees the code and the time alone: `--model series-vae`", ("series-vae",))


@dataclass(frozen=True)
class Running:
    """Variance explained, over what is observed of all columns in units of their deviations, by several predictions.

    Attributes:
        forced: with the true numbers before each, and the own code.
        free: left alone with the own code.
        free_other: left alone with the code of another series.
        free_zero: left alone with z = 0.
        regression: of a number on the one before it, as in the training part; the mean where that is missing.
    """

    forced: float
    free: float
    free_other: float
    free_zero: float
    regression: float


def running(estimator: Any, items: Ragged, train: Ragged) -> Running:
    """What predictions explain of at most 500 series."""
    items = items[:ITEMS]
    form, module = estimator.form_, estimator._inference().module
    means, scales = (
        np.asarray(each) for each in (estimator.composition_.means, estimator.composition_.scales)
    )
    x = torch.from_numpy(form.rows(items)).to(next(module.parameters()).device)
    with torch.inference_mode():
        z = module.encode(x).mean
        found = {
            "forced": module.conditional(z, x).loc,
            "free": module.decode(z).loc,
            "free_other": module.decode(z.roll(1, 0)).loc,
            "free_zero": module.decode(torch.zeros_like(z)).loc,
        }
    values, _ = items.padded(np.nan)
    steps = values.shape[1]
    predictions = {name: each[:, :steps].double().cpu().numpy() for name, each in found.items()}
    predictions["regression"] = regressed(values, train.padded(np.nan)[0], means)
    whole = np.nansum(np.square((values - means) / scales))
    return Running(
        **{
            name: float(1 - np.nansum(np.square((values - each) / scales)) / whole)
            for name, each in predictions.items()
        }
    )


def regressed(
    values: NDArray[np.float64], train: NDArray[np.float64], means: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Each number of `values [n, T, C]` by the one before it, with the least-squares slope of the training numbers; the mean where that is missing.

    >>> regressed(np.array([[[2.0], [np.nan], [9.0]]]), np.array([[[1.0], [0.5], [0.25]]]), np.zeros(1))[0, :, 0].tolist()
    [0.0, 1.0, 0.0]
    """
    a, b = train[:, :-1] - means, train[:, 1:] - means
    both = ~np.isnan(a * b)
    square = np.where(both, a * a, 0).sum((0, 1))
    slope = np.where(both, a * b, 0).sum((0, 1)) / np.where(square > 0, square, 1)
    before = np.nan_to_num(values[:, :-1] - means)
    return means + np.concatenate([np.zeros_like(values[:, :1]), slope * before], 1)


def cheating(dependence: DecoderDependence | None, told: Running) -> Finding:
    """Whether the decoder foretells well and does without the code: a collapse whose cause is teacher forcing."""
    drop = 0.0 if dependence is None else dependence.drop
    text = (
        f"With the true numbers before each {told.forced:.1%} of the variance are explained, by a regression on the number before {told.regression:.1%}; "
        f"left alone with the code of the series {told.free:.1%}, with another's {told.free_other:.1%}, without one {told.free_zero:.1%}"
    )
    strength = min(
        IGNORED / max(drop, 1e-9),
        UNSEEN / max(told.free - told.free_zero, 1e-9),
        ABLE * (1 - told.regression) / max(1 - told.forced, 1e-9),
    )
    if strength > 1:
        return Finding(
            CHEATING, f"{text}: the numbers before each are all that it looks at.", (_STEPS,), strength
        )
    return Finding("", f"{text}.", strength=strength)


def warned(information: MutualInformation | None) -> Finding | None:
    """A note on a decoder that may do without codes, where these tell little."""
    if information is None or information.value > TOLD:
        return None
    text = (
        f"The decoder is told the numbers before each and can do without the code, which tells {max(0.0, information.value):.2f} nats, less than 1: "
        "for codes take `--model series-vae`."
    )
    return Finding("", text)
