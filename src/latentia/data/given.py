"""What people hold in Python, as arrays that all libraries underneath take; what cannot be is refused by name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from latentia.errors import DataError

_SHOWN = 8


def plain_data(X: Any) -> Any:
    """X, with tensors, lists of pictures and unusual numbers as plain arrays; frames, arrays and nested lists stay what they are.

    Args:
        X: whatever a person hands to an estimator.

    Raises:
        DataError: for pictures of several sizes, and for what holds no rows that can be counted (loaders, iterators, paths, mappings).

    Example:
        >>> plain_data([np.zeros((2, 2)), np.ones((2, 2))]).shape, plain_data(np.ones((1, 2), ">f8")).dtype
        ((2, 2, 2), dtype('float64'))
    """
    if hasattr(X, "detach") and hasattr(X, "layout"):
        return _of_tensor(X)
    if isinstance(X, np.ndarray):
        return _native(X)
    if sparse.issparse(X):
        matrix: Any = X
        plain = matrix.dtype.isnative and matrix.dtype.itemsize <= 8
        return matrix if plain else matrix.astype(_plain_type(matrix.dtype))
    if isinstance(X, (list, tuple)) and len(X) and all(getattr(each, "ndim", 0) >= 2 for each in X):
        return _pictures(X)
    _refuse(X)
    return X


def _of_tensor(X: Any) -> Any:
    import torch

    if X.is_nested or X.is_meta:
        what = "of rows of unlike lengths" if X.is_nested else "without numbers (on the device meta)"
        raise DataError(f"X is a tensor {what}; give one of [n, d], or [n, C, H, W]")
    X = X.detach().cpu()
    if X.layout != torch.strided:
        rows = X.to_sparse_coo().coalesce() if X.layout != torch.sparse_coo else X.coalesce()
        if rows.ndim != 2:
            raise DataError(
                f"X is a sparse tensor of {rows.ndim} axes; give [n, d], or a dense one: X.to_dense()"
            )
        places = rows.indices().numpy()
        return sparse.csr_array(
            sparse.coo_array((_of_tensor(rows.values()), tuple(places)), tuple(rows.shape))
        )
    if X.dtype in (torch.bfloat16, torch.float16):
        X = X.float()
    if X.is_complex() or X.is_quantized:
        raise DataError(
            f"Complex data not supported: X is a tensor of {X.dtype}, and real numbers are expected"
            if X.is_complex()
            else f"X is a tensor of {X.dtype}; real numbers are expected: X.dequantize()"
        )
    return X.resolve_conj().resolve_neg().numpy()


def _native(array: NDArray[Any]) -> NDArray[Any]:
    kind = array.dtype.kind
    if kind in "fiub" and (not array.dtype.isnative or array.dtype.itemsize > 8):
        return array.astype(_plain_type(array.dtype))
    if (
        kind == "O"
        and array.ndim == 1
        and len(array)
        and all(getattr(each, "ndim", 0) >= 2 for each in array)
    ):
        return _pictures(list(array))
    return array


def _plain_type(dtype: np.dtype[Any]) -> np.dtype[Any]:
    return np.dtype(np.float64) if dtype.itemsize > 8 else dtype.newbyteorder("=")


def _pictures(pictures: Any) -> NDArray[Any]:
    found = [plain_data(picture) for picture in pictures]
    sizes = list(dict.fromkeys(tuple(picture.shape) for picture in found))
    if len(sizes) > 1:
        raise DataError(
            f"X is a list of pictures of different sizes ({sizes[0]}, {sizes[1]}, ...); bring them to one size, or give the folder that "
            "holds them to latentia.data.load(folder, image_size=64)"
        )
    return np.stack(found)


def _refuse(X: Any) -> None:
    what = f"X is a {type(X).__name__}"
    if isinstance(X, (str, bytes, Path)):
        raise DataError(f"{what}; give its rows: latentia.data.load({str(X)!r}) reads files and named sets")
    if isinstance(X, Mapping):
        raise DataError(f"{what}; give an array [n, d], or pandas.DataFrame(X)")
    if hasattr(X, "batch_size") and hasattr(X, "dataset"):
        raise DataError(
            f"{what}; give all rows as one array or tensor, or its batches one after another to partial_fit"
        )
    if isinstance(X, Iterator):
        raise DataError(
            f"{what}, which is used up by one pass; give all rows as one array, or its batches to partial_fit"
        )
    if (
        hasattr(X, "__getitem__")
        and hasattr(X, "__len__")
        and not hasattr(X, "__array__")
        and not isinstance(X, (list, tuple, range))
    ):
        module = type(X).__module__.partition(".")[0]
        if module in ("torch", "torchvision", "datasets"):
            raise DataError(f"{what}; give its items as one array: numpy.stack([x for x, *_ in X])")


def check_frame(X: Any) -> None:
    """Name all columns of a frame that hold no numbers, at once.

    Raises:
        DataError: for them, for doubled names, and for missing cells.
    """
    if not (hasattr(X, "dtypes") and hasattr(X, "columns") and hasattr(X, "iloc")):
        return
    names = [str(name) for name in X.columns]
    doubled = (
        list(dict.fromkeys(name for name in names if names.count(name) > 1))
        if len(set(names)) < len(names)
        else []
    )
    if doubled:
        raise DataError(f"X has several columns called {_listed(doubled)}; rename or drop them")
    kinds = [str(kind) for kind in X.dtypes]
    numeric = [
        getattr(kind, "kind", "O") in "biuf" and not str(kind).startswith(("datetime", "timedelta"))
        for kind in X.dtypes
    ]
    bad = [
        (name, kind)
        for name, kind, fine in zip(names, kinds, numeric, strict=True)
        if not fine and not _turns(X[name])
    ]
    if bad:
        found = ", ".join(f"{name!r} ({kind})" for name, kind in bad[:_SHOWN]) + (
            ", ..." if len(bad) > _SHOWN else ""
        )
        raise DataError(
            f"X has {len(bad)} column{'s' * (len(bad) > 1)} of no numbers: {found}; drop them, or turn categories into columns of 0 and 1 "
            "(pandas.get_dummies) and dates into numbers"
        )

    if not all(isinstance(kind, np.dtype) for kind in X.dtypes):
        missing = np.argwhere(np.asarray(X.isna()))
        if len(missing):
            row, column = missing[0]
            raise DataError(
                f"X: row {row}, column {names[column]!r} is missing; every value must be a finite number: fill in or drop such rows "
                "(rows are counted from 0)"
            )


def _turns(column: Any) -> bool:
    """Whether a column of objects holds numbers all the same."""
    if str(column.dtype) != "object":
        return False
    return all(isinstance(value, (int, float, np.number, np.bool_)) for value in column)


def _listed(names: list[str]) -> str:
    return ", ".join(map(repr, names[:_SHOWN])) + (", ..." if len(names) > _SHOWN else "")
