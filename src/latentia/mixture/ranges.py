"""Whether columns of numbers can be told apart and squared in the arithmetic of a fit: right, or refused by name."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from latentia.errors import DataError
from latentia.mixture.summary import Summary

_HEADROOM = 1e3
"""Squares of deviations are summed and multiplied: so far below the largest number they must stay (a square root each)."""
_FEWEST_STEPS = 8
"""Columns whose deviation is less than so many steps of their type hold the rounding of the type and not their own shape."""


def check_ranges(summary: Summary, dtype: torch.dtype, n_rows: int) -> None:
    """Raise `DataError` for columns that a Gaussian cannot be fitted to, with the remedy.

    Constant columns; numbers whose squares overflow or vanish; columns whose deviation is lost in the rounding of their type.
    """
    low, high = summary.minimum.double(), summary.maximum.double()
    scale, deviation = torch.maximum(low.abs(), high.abs()), summary.variance.sqrt()
    flat = (low == high) | ((deviation <= 1e-14 * scale) & (high - low <= 1e-13 * scale))
    if bool(flat.any()):
        raise DataError(
            f"column {_first(flat)} is constant over the data (n_samples={n_rows}): a Gaussian needs a variance above zero; drop "
            "the column"
        )
    limits = torch.finfo(dtype)
    large = scale > limits.max**0.5 / _HEADROOM
    if bool(large.any()):
        raise DataError(
            f"column {_first(large)} holds numbers up to {float(scale[large][0]):.3g}, whose squares overflow {_name(dtype)}: divide "
            "the column by a number of that size"
        )
    small = (high - low) < limits.tiny**0.5 * _HEADROOM
    if bool(small.any()):
        raise DataError(
            f"the numbers of column {_first(small)} differ by {float((high - low)[small][0]):.3g} at most, whose square vanishes in "
            f"{_name(dtype)}: multiply the column"
        )
    lost = deviation < _FEWEST_STEPS * limits.eps * scale
    if bool(lost.any()):
        raise DataError(
            f"column {_first(lost)} has the standard deviation {float(deviation[lost][0]):.3g} about {float(scale[lost][0]):.3g}: "
            f"{_name(dtype)} has too few digits for it; subtract a constant from the column"
            + (" or give float64" if dtype == torch.float32 else "")
        )


def check_floor(summary: Summary, reg_covar: float) -> None:
    """Raise `DataError` if `reg_covar` is above the variance of every column, and would decide the fit."""
    if reg_covar > 0 and float(summary.variance.max()) <= reg_covar:
        raise DataError(
            f"reg_covar={reg_covar:g} is above the variance of every column (at most {float(summary.variance.max()):.3g}) and would "
            "decide the fit: scale the columns, or give a smaller reg_covar"
        )


def _first(which: Tensor) -> int:
    return int(which.nonzero()[0])


def _name(dtype: torch.dtype) -> str:
    return np.dtype(str(dtype).removeprefix("torch.")).name
