"""The figures and faults of models of series."""

from __future__ import annotations

from latentia.vocabulary import FAULTS, FigureWord, Words, figures

WORDS = Words(
    (
        *figures("log_likelihood", "elbo"),
        FigureWord(
            "explained", "variance explained", "share", "reconstructions, mean over columns",
            "1 - squared error of reconstructions over that of the columns' means, of what is observed; 1 is all.",
        ),
        *figures("active_units", "distortion", "kl"),
        FigureWord(
            "nats_per_value", "log-likelihood of a number", "nats", "over all that are observed",
            "The log-likelihood over the number of observed numbers: comparable between series of unlike lengths.",
        ),
        FigureWord(
            "baseline_per_value", "log-likelihood of a number without a code", "nats", "each column its own Gaussian",
            "What the columns' means and deviations in the training part say of the same numbers.",
        ),
        FigureWord(
            "mutual_information", "mutual information", "nats", "I(x; z) of at most 2000 items",
            "How much the codes tell of which series it is; never above the log of the number of series looked at.",
        ),
        FigureWord("missing", "missing numbers", "share", "", "Share of the numbers that are missing, within the lengths of their series."),
    ),
    tuple(FAULTS.values()),
)  # fmt: skip
