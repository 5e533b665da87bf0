"""The figures and faults of a mixture."""

from __future__ import annotations

from latentia.vocabulary import UNLIKE, FaultWord, FigureWord, Words, faults, figures

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

_AGREEMENT = (
    FigureWord(
        "adjusted_rand_index", "components and classes (ARI)", "", "1: the same groups, 0: as alike as chance has it",
        "Adjusted Rand index: of pairs of items, how many are together or apart in both groupings, less what chance brings (Hubert & Arabie 1985).",
        "train",
    ),
    FigureWord(
        "normalized_mutual_information", "components and classes (NMI)", "", "1: each tells the other, 0: nothing",
        "Mutual information of component and class, over the mean of their entropies (Strehl & Ghosh 2002).", "train",
    ),
)  # fmt: skip

WORDS = Words(
    (
        *figures("log_likelihood", "n_components", "train_log_likelihood", "bits_per_dim"),
        *_AGREEMENT,
        *figures("aic", "bic", "icl", "laplace", "n_free"),
    ),
    (
        FaultWord(
            SINGULAR, "bad", "A component has next to no width in some direction: its density says nothing of new items.", 3
        ),
        FaultWord(EMPTY, "caution", "A component explains next to nothing, or did so during the fit.", 2),
        FaultWord(DUPLICATE, "caution", "Two components do the work of one.", 2),
        FaultWord(NOT_CONVERGED, "caution", "The likelihood was still rising when EM stopped.", 1),
        *faults(UNLIKE),
        FaultWord(EDGE, "caution", "The best number of components is the first or last that was tried.", 1),
    ),
)  # fmt: skip
