"""The figures and faults of a classifier."""

from __future__ import annotations

from latentia.kinds.mixture.words import DUPLICATE, EDGE, EMPTY, NOT_CONVERGED, SINGULAR
from latentia.kinds.mixture.words import WORDS as OF_MIXTURES
from latentia.vocabulary import OVERFITTED, FaultWord, FigureWord, Words, faults, figures

USELESS, OVERCONFIDENT = "no better than guessing", "overconfident"

_LOSS = (
    "Minus the logarithm of the probability that the model gave to the true class, in nats; lower is better. Always giving the "
    "classes their shares costs the entropy of the classes."
)

WORDS = Words(
    (
        FigureWord("accuracy", "accuracy", "", "share of items whose most probable class is the true one", "Share of right guesses."),
        FigureWord("majority", "accuracy of the most frequent class", "", "", "Share of right guesses of who always says the most frequent class."),
        FigureWord("log_loss", "log loss", "nats", "mean per item", _LOSS),
        FigureWord("class_entropy", "entropy of the classes", "nats", "", _LOSS),
        FigureWord("train_log_loss", "log loss (training)", "nats", "mean per item", _LOSS, "train"),
        FigureWord(
            "confidence", "mean confidence", "", "mean probability of the most probable class",
            "Where this exceeds the accuracy, the model is surer of itself than it should be.",
        ),
        *figures("n_components", "aic", "bic", "icl", "laplace", "n_free"),
    ),
    (
        *(OF_MIXTURES.fault(name) for name in (SINGULAR,)),
        *faults(OVERFITTED),
        FaultWord(USELESS, "bad", "Its probabilities tell next to nothing about the classes of new items.", 3),
        FaultWord(OVERCONFIDENT, "caution", "It is surer of its guesses than they are right.", 2),
        *(OF_MIXTURES.fault(name) for name in (EMPTY, DUPLICATE, NOT_CONVERGED, EDGE)),
    ),
    ("accuracy", "log_loss", "majority", "n_components"),
)  # fmt: skip
