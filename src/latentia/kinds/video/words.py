"""The figures and faults of a model of videos."""

from __future__ import annotations

from latentia.vocabulary import (
    KEPT_EARLY,
    OVERFITTED,
    UNDERTRAINED,
    FaultWord,
    FigureWord,
    Words,
    faults,
    figures,
)

UNSEEN, SWITCHES, IGNORED, DRIFTS = (
    "objects not followed",
    "identities switch",
    "dynamics ignored",
    "energy drifts",
)

_AHEAD = (
    "Mean distance of the places that are foretold from those that come, as a share of the frame, objects matched once on the first frames; "
    "the reference is the true places where they are known, else those that the model itself sees later."
)

WORDS = Words(
    (
        FigureWord("error_10", "error ten frames ahead", "of the frame", "", _AHEAD),
        FigureWord("reflecting_10", "the same of bouncing off walls alone", "of the frame", "baseline", _AHEAD),
        *figures("elbo"),
        FigureWord("position_error", "error of seen places", "of the frame", "against the true ones"),
        FigureWord("linear_10", "the same of straight motion", "of the frame", "baseline", _AHEAD),
        FigureWord("static_10", "the same of no motion", "of the frame", "baseline", _AHEAD),
        FigureWord("error_20", "error twenty frames ahead", "of the frame", "", _AHEAD),
        FigureWord("reflecting_20", "the same of bouncing off walls alone, twenty ahead", "of the frame", "baseline", _AHEAD),
        FigureWord("summed_10", "sum of the errors of ten frames", "of the frame", "", _AHEAD),
        FigureWord(
            "energy_ratio", "kinetic energy kept", "", "at the furthest frame, over that at the start",
            "Median over videos; 1 where nothing slows down or speeds up.",
        ),
        FigureWord("identity_switches", "identity switches", "in 100 frames", "against the true places"),
        FigureWord("seen_share", "variance of the frames that is seen", "", "by the reconstruction"),
        *figures("log_likelihood", "distortion", "kl", "sse", "sigma2"),
    ),
    (
        FaultWord(UNSEEN, "bad", "The objects that the model paints are not those of the frames: what follows from them says nothing.", 3),
        FaultWord(IGNORED, "bad", "What is foretold is no better than straight motion with bounces off the walls.", 2),
        FaultWord(SWITCHES, "caution", "Objects exchange their identities.", 2),
        *faults(KEPT_EARLY, UNDERTRAINED, OVERFITTED),
        FaultWord(DRIFTS, "caution", "In rollouts objects slow down or speed up.", 1),
    ),
    ("error_10", "reflecting_10", "elbo", "position_error"),
)  # fmt: skip
