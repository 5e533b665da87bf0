"""The figures and faults of a mixture."""

from __future__ import annotations

from latentia.vocabulary import UNLIKE, FaultWord, Words, faults, figures

SINGULAR, EMPTY, DUPLICATE, NOT_CONVERGED = (
    "singular component",
    "empty component",
    "duplicate components",
    "not converged",
)
EDGE = "K at the edge"
FAULTS = {"singular": SINGULAR, "empty": EMPTY, "duplicate": DUPLICATE, "not-converged": NOT_CONVERGED}
"""What the estimator calls a fault -> what the verdict calls it."""

CRITERIA = {"aic": "AIC", "bic": "BIC", "icl": "ICL", "laplace": "Laplace"}

WORDS = Words(
    figures(
        "log_likelihood", "n_components", "train_log_likelihood", "bits_per_dim", "aic", "bic", "icl", "laplace", "n_free"
    ),
    (
        FaultWord(
            SINGULAR, "bad", "A component has shrunk onto too few items: its density says nothing of new ones.", 3
        ),
        FaultWord(EMPTY, "caution", "A component explains next to nothing, or did so during the fit.", 2),
        FaultWord(DUPLICATE, "caution", "Two components do the work of one.", 2),
        FaultWord(NOT_CONVERGED, "caution", "The likelihood was still rising when EM stopped.", 1),
        *faults(UNLIKE),
        FaultWord(EDGE, "caution", "The best number of components is the first or last that was tried.", 1),
    ),
)  # fmt: skip
