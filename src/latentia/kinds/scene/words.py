"""The figures and faults of a model of scenes."""

from __future__ import annotations

from latentia.vocabulary import (
    COLLAPSE,
    HOLES,
    KEPT_EARLY,
    OVERFITTED,
    PARTIAL_COLLAPSE,
    UNDERTRAINED,
    FaultWord,
    FigureWord,
    Words,
    faults,
    figures,
)

ONE_SLOT, BLIND, BY_COLOUR, LEAK = (
    "all in one slot",
    "masks ignore the image",
    "grouped by colour",
    "background leak",
)
NOT_BLACK = "ground not black"
EXHAUSTED, IDLE, COUNT_COLLAPSE, DOUBLED = (
    "slots exhausted",
    "slots idle",
    "count collapse",
    "doubled objects",
)

_ARI = (
    "Adjusted Rand index of the masks against the true ones over the pixels of true objects: 1 for the same division, 0 by chance. "
    "Images with one visible object are left out. It does not see objects that leak into the background."
)
_COUNTED = "Share of images in which the right number of objects was found."

WORDS = Words(
    (
        FigureWord("count_accuracy", "count accuracy", "", "share of images with the right number of objects", _COUNTED),
        FigureWord("ari_fg", "ARI of objects", "", "over the pixels of true objects", _ARI),
        *figures("log_likelihood"),
        FigureWord("mean_count", "objects found in an image", "objects", "mean"),
        FigureWord("component_ari_fg", "ARI of connected regions", "", "baseline: regions of one colour", _ARI),
        FigureWord("component_count_accuracy", "count accuracy of connected regions", "", "baseline", _COUNTED),
        FigureWord("kmeans_ari_fg", "ARI of k-means", "", "baseline: colours in the true number of groups", _ARI),
        FigureWord("ari_all", "ARI of all pixels", "", "the background is a group too", _ARI),
        FigureWord(
            "covering", "segmentation covering", "", "mean over true objects of the best overlap with a slot",
            "Mean over true objects of the best intersection over union with a slot; it falls where objects leak into the background.",
        ),
        FigureWord("position_error", "position error", "of the side", "distance of the centres of matched objects"),
        FigureWord("recall", "objects found", "", "share of true objects that one slot overlaps by half"),
        *figures("elbo", "distortion", "kl", "active_units", "bits_per_dim", "sse", "sse_of_mean", "sigma2"),
    ),
    (
        FaultWord(NOT_BLACK, "bad", "The images are not bright objects on black, which is all that this model can see.", 3),
        *faults(COLLAPSE),
        FaultWord(COUNT_COLLAPSE, "bad", "The model finds the same number of objects whatever there is, or cannot tell how many.", 3),
        FaultWord(ONE_SLOT, "bad", "One slot paints the whole image: nothing is separated.", 3),
        FaultWord(BLIND, "bad", "The masks are the same for all images: slots share places, not objects.", 3),
        FaultWord(DOUBLED, "caution", "An object is explained by two slots, or a slot holds nothing that pays for it.", 2),
        FaultWord(BY_COLOUR, "caution", "A slot gathers regions that lie apart: what it groups is colour, not objects.", 2),
        FaultWord(LEAK, "caution", "Slots of objects take in much of the background.", 2),
        FaultWord(EXHAUSTED, "caution", "Every place for an object is taken in many images: there may be more objects than places.", 1),
        *faults(KEPT_EARLY, UNDERTRAINED, OVERFITTED, HOLES, PARTIAL_COLLAPSE),
        FaultWord(IDLE, "caution", "Places for objects are never used.", 1),
    ),
    ("count_accuracy", "ari_fg", "log_likelihood", "mean_count"),
)  # fmt: skip
