"""The figures and faults of community types."""

from __future__ import annotations

from latentia.kinds.mixture.words import EDGE, NOT_CONVERGED
from latentia.kinds.mixture.words import WORDS as OF_MIXTURES
from latentia.vocabulary import FaultWord, FigureWord, Words, figures

UNSTABLE, GRADIENT = "unstable-types", "gradient"

LABELS = {
    "laplace": "Laplace",
    "bic": "BIC",
    "aic": "AIC",
    "icl": "ICL",
    "held-out": "held-out log p(x | depth)",
}
"""What criteria are called."""
KEPT_BY = {**LABELS, "held-out": "log posterior"}
"""By what the best of the starts of one number is kept, for each criterion."""

_STRENGTH = (
    "Share of pairs of samples of a type that a fit to the other half of the samples puts together, of the type where it is smallest: "
    "from .8 moderate, from .9 strong support (Tibshirani and Walther 2005; Koren et al. 2013)."
)
_STABILITY = "Median over bootstrap draws of the adjusted Rand index between the types and those of a fit to the draw: 1 is the same types, 0 chance."
_HELD_OUT = "Mean log-probability of samples that were not fitted to, given their depth; of the whole procedure with so many types, from folds."

WORDS = Words(
    (
        *figures("n_components"),
        FigureWord("prediction_strength", "prediction strength", "", "mean of splits into halves", _STRENGTH, "train"),
        FigureWord("bootstrap", "bootstrap agreement", "", "median adjusted Rand index", _STABILITY, "train"),
        FigureWord("held_out", "held-out log-likelihood", "nats", "mean per sample, given its depth", _HELD_OUT, "folds"),
        FigureWord("held_out_error", "its standard error", "nats", "", _HELD_OUT, "folds"),
        *figures("log_likelihood"),
        FigureWord("nle", "negative log posterior", "nats", "as R's DirichletMultinomial prints it", "", "train"),
        *figures("laplace", "bic", "aic", "icl", "n_free"),
        FigureWord("uncertain", "uncertain samples", "", "whose most probable type has p < .9", "", ""),
    ),
    (
        FaultWord(
            UNSTABLE, "bad", "Other samples of the same kind would give other types: what they say is said of these samples alone.", 3
        ),
        FaultWord(
            GRADIENT, "bad", "More samples lie between the types than types would have: they are stretches of a continuum.", 3
        ),
        *(OF_MIXTURES.fault(name) for name in (NOT_CONVERGED, EDGE)),
    ),
    ("n_components", "prediction_strength", "bootstrap", "held_out"),
)  # fmt: skip
