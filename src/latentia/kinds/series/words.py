"""The figures and faults of models of series."""

from __future__ import annotations

from latentia.vocabulary import FAULTS, FaultWord, FigureWord, Words, figures

CHEATING = "cheating decoder"
_FREE = "1 - squared error over that of the columns' means, in units of their deviations, where each number follows those that the decoder said itself."

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
        FigureWord(
            "forced_explained", "variance explained with true numbers before", "share", "a decoder that is told them; z the posterior mean",
            "1 - squared error over that of the columns' means, in units of their deviations, given the true numbers before each.",
        ),
        FigureWord("free_explained", "variance explained left alone", "share", "z the posterior mean", _FREE),
        FigureWord("free_explained_other", "variance explained left alone, another's code", "share", "", _FREE),
        FigureWord("free_explained_zero", "variance explained left alone, no code", "share", "z = 0", _FREE),
        FigureWord(
            "regression_explained", "variance explained by the number before", "share", "least squares of the training part",
            "What a regression of each number on the one before it explains: a decoder that is told more must do better.",
        ),
        FigureWord("missing", "missing numbers", "share", "", "Share of the numbers that are missing, within the lengths of their series."),
    ),
    (
        FaultWord(
            CHEATING, "bad",
            "The decoder foretells each number from the true ones before it and does without the code: left alone it says the same whatever the series.", 3,
        ),
        *FAULTS.values(),
    ),
)  # fmt: skip
