"""A kind of model that is none of latentia's: probabilistic PCA, as a person would add it."""

from latentia import register
from latentia.data.shapes import Shape
from latentia.kinds.kind import Flag, Kind

KIND = Kind(
    "toy-pca",
    "toy models",
    "toypca",
    ("ToyPCA",),
    frozenset({Shape.TABLE}),
    (Flag("--toy-dim", "n_directions", int | None, "directions that are kept; 2 if left out."),),
    ("Samples", "Scores", "Encodes"),
    shows_progress=False,
)

register(kind=KIND)
