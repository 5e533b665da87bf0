"""Which kind of data a person's array is, and which likelihood suits it.

| kind | what was given | what the model sees |
| --- | --- | --- |
| pixels | uint8 images | x / 255 |
| unit | float images in [0, 1] | x |
| deep | images of whole numbers above 255 | x / (2^b - 1), of the b bits that they use |
| binary | exactly two values a < b | (x - a) / (b - a) |
| counts | a table of non-negative integers, or a sparse one | x |
| continuous | anything else | columns (or, for images, all pixels) with mean 0 and standard deviation 1 |
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentia.data.pictures import white_of
from latentia.errors import ConfigError, DataError
from latentia.estimators.choices import Choice
from latentia.estimators.forms.scaled import Kind, Scaled
from latentia.latent import LIKELIHOODS

ROWS_LOOKED_AT = 20_000

# The kinds of data on which each likelihood is a probability, best first: the form that data take for it.
_KINDS_OF: dict[str, tuple[Kind, ...]] = {
    "bernoulli": ("binary",),
    "continuous-bernoulli": ("pixels", "unit", "deep", "binary"),
    "discretized-logistic": ("pixels",),
    "logistic-mixture": ("pixels",),
    "categorical": ("pixels",),
    "pixelcnn": ("pixels",),
    "pixelcnn-binary": ("binary",),
    "poisson": ("counts",),
    "multinomial": ("counts",),
    "dirichlet-multinomial": ("counts",),
    "negative-binomial": ("counts",),
    "zinb": ("counts",),
}


def kind_of(x: NDArray[Any], was_sparse: bool) -> tuple[Kind, str]:
    """The kind of an array `[n, *event]`, and the reason in words."""
    sample = x[:: max(1, len(x) // ROWS_LOOKED_AT)]
    values = np.unique(sample[: max(1, 2_000_000 // max(1, sample[0].size))])
    if len(values) == 2 and float(values[1] - values[0]) in (1.0, 255.0) and values[0] == 0:
        low_high = np.isin(sample, values)
        if low_high.all():
            return "binary", f"the data hold two values only, {values[0]:g} and {values[1]:g}"
    if x.ndim == 4:
        if x.dtype == np.uint8:
            return "pixels", "8-bit images, read as [0, 1]"
        if x.dtype == np.uint16:
            return (
                "deep",
                f"images of whole numbers up to {x.max()}, read as [0, 1] with {white_of(x)} as white",
            )
        low, high = float(sample.min()), float(sample.max())
        if low >= 0 and high <= 1:
            return "unit", "images with values in [0, 1]"
        return "continuous", f"images with values from {low:g} to {high:g}, standardised"
    integers = x.dtype.kind in "iub" or (was_sparse and bool(np.all(sample == np.rint(sample))))
    if integers and sample.min() >= 0:
        return (
            "counts",
            "a sparse table of whole numbers" if was_sparse else "a table of non-negative integers",
        )
    return "continuous", "real numbers, standardised by column"


def kinds_for(likelihood: str) -> tuple[Kind, ...] | None:
    """The kinds of data on which a likelihood is a probability, best first; None: any.

    A likelihood from elsewhere says it by an attribute `kinds`.
    """
    if likelihood in _KINDS_OF:
        return _KINDS_OF[likelihood]
    return getattr(LIKELIHOODS[likelihood], "kinds", None)


def count_likelihood(x: NDArray[Any]) -> tuple[str, str]:
    """Multinomial or negative binomial for a count table, by its dispersion around one common composition.

    The statistic is Pearson's chi-square against x_ij ~ n_i p_j divided by its degrees of freedom: 1 for a multinomial
    with one composition. Hidden structure raises it, so only a value far above 1 speaks for extra-multinomial noise.
    """
    rows = x[:: max(1, len(x) // ROWS_LOOKED_AT)].astype(np.float64)
    size, total = rows.sum(1, keepdims=True), rows.sum(0, keepdims=True)
    expected = size * total / max(total.sum(), 1.0)
    used = expected > 0
    freedom = max(1, (len(rows) - 1) * (int((total > 0).sum()) - 1))
    dispersion = float(((rows[used] - expected[used]) ** 2 / expected[used]).sum()) / freedom
    if dispersion > 5.0:
        return "negative-binomial", f"counts {dispersion:.1f} times as dispersed as multinomial ones"
    return "multinomial", f"counts {dispersion:.1f} times as dispersed as multinomial ones: close to it"


def choose(
    x: NDArray[Any], likelihood: str, was_sparse: bool, binarize: bool = False, gaussian: str = "gaussian"
) -> tuple[Scaled, str, list[Choice]]:
    """The form of the data and the likelihood for it.

    Args:
        x: training data `[n, *event]`.
        likelihood: a name, or "auto".
        was_sparse: whether the person gave a sparse matrix.
        binarize: draw binary pixels from grey ones.
        gaussian: which likelihood "auto" takes for real numbers.

    Raises:
        ConfigError: if the named likelihood is no probability on data of this kind.
        DataError: if the data have no columns.
    """
    kind, reason = kind_of(x, was_sparse)
    choices: list[Choice] = []
    if binarize:
        if kind not in ("pixels", "unit", "deep"):
            raise ConfigError(f"binarize=True needs grey images; these data are {kind} ({reason})")
        if likelihood not in ("auto", "bernoulli", "pixelcnn-binary"):
            raise ConfigError(
                f"binarize=True gives binary pixels, likelihood={likelihood!r} is not for those"
            )
        form = Scaled(kind, x.shape[1:], str(x.dtype), binarize=True).fit(x)
        name = "bernoulli" if likelihood == "auto" else likelihood
        return form, name, [Choice("likelihood", name, "pixels are drawn as binary at each look")]
    if likelihood == "auto":
        likelihood, why = _likelihood_for(kind, x, gaussian)
        choices.append(Choice("likelihood", likelihood, f"{reason}{why}"))
    else:
        allowed = kinds_for(likelihood)
        if allowed is None and kind in ("binary", "counts"):
            kind = "continuous" if x.ndim == 2 else "pixels" if x.dtype == np.uint8 else "unit"
        elif allowed is not None and kind not in allowed:
            raise ConfigError(
                f"likelihood={likelihood!r} is for {' or '.join(allowed)} data, these are {kind} ({reason}); "
                "likelihood='auto' picks one that fits"
            )
    if math.prod(x.shape[1:]) == 0:
        raise DataError(f"the data have shape {x.shape}: there is nothing in a row")
    return Scaled(kind, x.shape[1:], str(x.dtype)).fit(x), likelihood, choices


def defining_likelihood(
    x: NDArray[Any], was_sparse: bool, binarize: bool, likelihoods: Mapping[str, str], model: object
) -> str:
    """The likelihood of a model that is defined by it, for data of this kind.

    Raises:
        ConfigError: if the model is not for such data.
    """
    kind, reason = ("binary", "binarize=True") if binarize else kind_of(x, was_sparse)
    if kind not in likelihoods or x.ndim != 4:
        raise ConfigError(
            f"model {model!r} is for images of kind {' or '.join(likelihoods)}; these data are {kind}, of shape"
            f" {list(x.shape[1:])} ({reason}): take another model"
        )
    return likelihoods[kind]


def _likelihood_for(kind: Kind, x: NDArray[Any], gaussian: str) -> tuple[str, str]:
    if kind == "binary":
        return "bernoulli", ""
    if kind == "counts":
        name, why = count_likelihood(x)
        return name, f"; {why}"
    return gaussian, "; variance set to its optimum" if gaussian == "gaussian" else ""
