"""From a run, or from a fitted model and data, to the page that tells how the fit went."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from latentia.data import Dataset, Split
from latentia.data.items import length
from latentia.errors import ConfigError, DataError
from latentia.estimators import folder as run_folder
from latentia.kinds import kind_of_estimator
from latentia.kinds.run import Run
from latentia.progress import stage
from latentia.report.page import write_page


def report_run(run: Run) -> Path:
    """Write the report of a run, on its test part, and return the page's path.

    Raises:
        RunFolderError: if the folder cannot be written.
    """
    assert run.folder is not None
    with stage("the report"):
        return write_page(run.kind.page(run), run.folder)


def report(
    estimator: Any, X: Any, path: str | Path, y: Any = None, columns: Any = None, *, train: Any = None
) -> Path:
    """Write the report of a fitted model, or of a pipeline that ends in one, on rows X, and return the page's path.

    Args:
        estimator: a fitted estimator of latentia, or a `sklearn.pipeline.Pipeline` whose last step is one; the page is then in
            the features that the last step sees.
        X: rows that it was not fitted to, as its `fit` takes them.
        path: a folder (`report.html` and `figures/` are written there), or a file that ends in .html (the page alone).
        y: classes `[n]`, to colour maps and to be held against groups.
        columns: names of the features, where X does not have them.
        train: rows that it was fitted to; with them overfitting is judged.

    Raises:
        ConfigError: if the estimator, or the last step, is none of latentia's.
        DataError: if X, y or columns do not fit the model, or each other.
        RunFolderError: if the page cannot be written.
    """
    if isinstance(estimator, Pipeline):
        before, last = estimator[:-1], estimator[-1]
        if len(before):
            columns = _names_after(before) if columns is None else columns
            X = before.transform(X)
            train = None if train is None else before.transform(train)
        return report(last, X, path, y, columns, train=train)
    return write_report(estimator, X, path, y, columns, train=train)


def write_report(
    estimator: Any, X: Any, path: str | Path, y: Any, columns: Any, *, train: Any = None
) -> Path:
    """What the method `report` of an estimator does; the arguments are its."""
    run = run_of(estimator, X, y, columns, train=train)
    place = Path(path)
    page = run.kind.page(run)
    if place.suffix in (".html", ".htm"):
        return write_page(page, place.parent, place.name, pictures=False)
    return write_page(page, place)


def run_of(estimator: Any, X: Any, y: Any = None, columns: Any = None, *, train: Any = None) -> Run:
    """A run in memory: a fitted estimator, and rows that take the place of the test part.

    Raises:
        ConfigError: if it is no estimator of latentia.
        DataError: if X, y or columns do not fit the model, or each other.
    """
    names = [cls.__name__ for cls in type(estimator).__mro__]
    kind = next((kind for kind in map(kind_of_estimator, names) if kind is not None), None)
    if kind is None:
        raise ConfigError(
            f"report: expected a fitted estimator of latentia, or a pipeline that ends in one; got a {type(estimator).__name__}"
        )
    check_is_fitted(estimator)
    fitted_names = getattr(estimator, "feature_names_in_", None)
    columns = _columns_of(X, fitted_names) if columns is None else [str(name) for name in columns]
    nameless = copy.copy(estimator)  # the page asks it about rows without names
    vars(nameless).pop("feature_names_in_", None)
    run: Run = kind.run(None, nameless, None, run_folder.described(estimator), kind)
    test = _part(run, X, y, fitted_names)
    known = _part(run, train, None, fitted_names) if train is not None else test.subset([])
    if columns is not None and len(run.event_shape) == 1 and len(columns) != run.event_shape[0]:
        raise DataError(f"{len(columns)} columns; the model has {run.event_shape[0]} features")
    classes = None
    if y is not None:
        classes = tuple(str(name) for name in np.unique(np.asarray(y)))
    source = f"{len(test)} rows given from Python"
    if columns is not None:
        run.config["columns"] = columns
    run._dataset = Dataset(
        "data", known, test.subset([]), test, None if columns is None else tuple(columns), classes, source
    )
    run.told = lambda verdict: setattr(estimator, "_verdict", verdict)
    return run


def _part(run: Run, X: Any, y: Any, fitted_names: Any) -> Split:
    """Rows as runs have them: images with their channels, tables without names, in the order of the fit."""
    if hasattr(X, "columns") and fitted_names is not None:
        missing = [name for name in fitted_names if name not in X.columns]
        if missing:
            raise DataError(
                f"X lacks the columns {', '.join(map(str, missing))}, which the model was fitted to"
            )
        X = X[list(fitted_names)]
    if hasattr(X, "detach"):
        X = X.detach().cpu().numpy()
    if not sparse.issparse(X) and (hasattr(X, "columns") or isinstance(X, list)):
        X = np.asarray(X)
    shape = run.event_shape
    if len(shape) == 3 and getattr(X, "ndim", 0) == 3 and shape[0] == 1:
        X = X[:, None]
    if len(shape) == 3 and getattr(X, "ndim", 0) == 2:
        X = X.reshape(-1, *shape)
    if not length(X):
        raise DataError("X has no rows; a report needs some")
    if tuple(X.shape[1:]) != tuple(shape):
        raise DataError(f"X has items of shape {list(X.shape[1:])}, the model was fitted to {list(shape)}")
    numbers = None
    if y is not None:
        y = np.asarray(y)
        if y.shape != (length(X),):
            raise DataError(
                f"y of shape {list(y.shape)}; expected the class of each of the {length(X)} rows of X"
            )
        numbers = np.unique(y, return_inverse=True)[1].astype(np.int64)
    return Split(X, numbers)


def _columns_of(X: Any, fitted_names: Any) -> list[str] | None:
    names: Sequence[Any] | None = fitted_names if fitted_names is not None else getattr(X, "columns", None)
    return None if names is None else [str(name) for name in names]


def _names_after(steps: Pipeline) -> list[str] | None:
    """Names of the features that a pipeline gives; None where a step does not say."""
    try:
        return [str(name) for name in steps.get_feature_names_out()]
    except (AttributeError, ValueError):
        return None
