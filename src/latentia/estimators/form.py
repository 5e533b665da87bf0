"""Which kind of data a person's array is, and which likelihood suits it.

| kind | what was given | what the model sees |
| --- | --- | --- |
| pixels | uint8 images | x / 255 |
| unit | float images in [0, 1] | x |
| deep | images of whole numbers above 255 | x / (2^b - 1), of the b bits that they use |
| binary | exactly two values a < b | (x - a) / (b - a) |
| counts | a table of non-negative integers that do not look measured, or a sparse one | x |
| continuous | anything else | columns (or, for images, all pixels) with mean 0 and standard deviation 1 |
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentia.data.compositions import why_no_composition
from latentia.data.number_columns import FEWEST_ROWS
from latentia.data.pictures import white_of
from latentia.errors import ConfigError, DataError
from latentia.estimators.choices import Choice
from latentia.estimators.forms.scaled import Kind, Scaled
from latentia.latent import LIKELIHOODS

_NUMBERS_AT_ONCE, _FIRST = 1 << 21, 100_000

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
    """The kind of an array `[n, *event]`, decided by all of its rows, and the reason in words."""
    two = _two_values(x)
    if two is not None:
        return "binary", f"the data hold two values only, {two[0]:g} and {two[1]:g}"
    low, high = (0, 255) if x.dtype == np.uint8 and x.ndim == 4 else _span(x)
    if x.ndim == 4:
        if x.dtype == np.uint8:
            return "pixels", "8-bit images, read as [0, 1]"
        if x.dtype == np.uint16:
            return (
                "deep",
                f"images of whole numbers up to {x.max()}, read as [0, 1] with {white_of(x)} as white",
            )
        if low >= 0 and high <= 1:
            return "unit", "images with values in [0, 1]"
        return "continuous", f"images with values from {low:g} to {high:g}, standardised"
    if low >= 0 and (x.dtype.kind in "iub" or (was_sparse and _all_whole(x))):
        reason = "" if was_sparse else why_no_composition(x)
        if reason:
            return "continuous", f"{reason}; standardised by column ({_OTHERWISE})"
        return (
            "counts",
            "a sparse table of whole numbers" if was_sparse else "a table of non-negative integers",
        )
    return "continuous", "real numbers, standardised by column"


_OTHERWISE = "likelihood='multinomial' or 'negative-binomial' takes the table as counts of one kind of thing"


def _blocks(x: NDArray[Any]) -> Iterator[NDArray[Any]]:
    """All rows, some at a time: a memory map is never whole in memory."""
    size = max(1, _NUMBERS_AT_ONCE // max(1, math.prod(x.shape[1:])))
    return (np.asarray(x[start : start + size]) for start in range(0, len(x), size))


def _span(x: NDArray[Any]) -> tuple[float, float]:
    """The smallest and the largest number."""
    ends = [(block.min(), block.max()) for block in _blocks(x) if block.size]
    return float(min(low for low, _ in ends)), float(max(high for _, high in ends))


def _all_whole(x: NDArray[Any]) -> bool:
    return all(bool(np.all(block == np.rint(block))) for block in _blocks(x))


def _two_values(x: NDArray[Any]) -> tuple[float, float] | None:
    """The two values that are all there are: of images 0 and 1 or 0 and 255, of tables any two; None where there are more, or one."""
    first = np.unique(np.asarray(x[: max(1, _FIRST // max(1, math.prod(x.shape[1:])))]))
    if len(first) > 2:
        return None
    low, high = _span(x)
    if low >= high or (x.ndim == 4 and (low != 0 or high not in (1, 255))):
        return None
    if x.ndim == 2 and len(x) < FEWEST_ROWS and not (low == 0 and high in (1, 255)):
        return None
    return (
        (low, high) if all(bool(((block == low) | (block == high)).all()) for block in _blocks(x)) else None
    )


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
    total = np.sum([block.sum(0, dtype=np.float64) for block in _blocks(x)], axis=0, keepdims=True)
    chi_square = 0.0
    for block in _blocks(x):
        rows = block.astype(np.float64)
        expected = rows.sum(1, keepdims=True) * total / max(total.sum(), 1.0)
        used = expected > 0
        chi_square += float(((rows[used] - expected[used]) ** 2 / expected[used]).sum())
    dispersion = chi_square / max(1, (len(x) - 1) * (int((total > 0).sum()) - 1))
    if dispersion > 5.0:
        return "negative-binomial", f"counts {dispersion:.1f} times as dispersed as multinomial ones"
    return "multinomial", f"counts {dispersion:.1f} times as dispersed as multinomial ones: close to it"


def choose(
    x: NDArray[Any],
    likelihood: str,
    was_sparse: bool,
    binarize: bool = False,
    gaussian: str = "gaussian",
    weight: NDArray[np.float64] | None = None,
) -> tuple[Scaled, str, list[Choice]]:
    """The form of the data and the likelihood for it.

    Args:
        x: training data `[n, *event]`.
        likelihood: a name, or "auto".
        was_sparse: whether the person gave a sparse matrix.
        binarize: draw binary pixels from grey ones.
        gaussian: which likelihood "auto" takes for real numbers.
        weight: of each row, for the constants of the form; what the data are, is decided by all rows alike.

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
        if allowed == ("counts",) and kind != "counts" and x.ndim == 2 and _span(x)[0] >= 0 and _all_whole(x):
            kind = "counts"  # as asked for
        if allowed is None and kind in ("binary", "counts"):
            kind = "continuous" if x.ndim == 2 else "pixels" if x.dtype == np.uint8 else "unit"
        elif allowed is not None and kind not in allowed:
            raise ConfigError(
                f"likelihood={likelihood!r} is for {' or '.join(allowed)} data, these are {kind} ({reason}); "
                "likelihood='auto' picks one that fits"
            )
    if math.prod(x.shape[1:]) == 0:
        raise DataError(f"the data have shape {x.shape}: there is nothing in a row")
    return Scaled(kind, x.shape[1:], str(x.dtype)).fit(x, weight), likelihood, choices


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
