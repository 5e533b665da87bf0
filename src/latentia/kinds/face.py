"""Methods that the estimators of all kinds have, and that need what stands above them: a report, and how a notebook shows them."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

from sklearn.exceptions import NotFittedError
from sklearn.utils import estimator_html_repr
from sklearn.utils.validation import check_is_fitted


def report(  # noqa: D417  a method
    self: Any, X: Any, path: str | Path, y: Any = None, columns: Any = None, *, train: Any = None
) -> Path:
    """Write the page that `latentia report` writes, with figures and verdict on rows X.

    Args:
        X: rows that the model was not fitted to: a fit can be trusted by those alone.
        path: a folder (`report.html` and `figures/` are written there), or a file that ends in .html (the page alone).
        y: classes `[n]`, to colour maps and to be held against groups.
        columns: names of the features, where X does not have them.
        train: rows that it was fitted to; with them overfitting is judged.

    Returns:
        Where the page is.

    Raises:
        DataError: if X, y or columns do not fit the model, or each other.
        RunFolderError: if the page cannot be written.
    """
    from latentia.kinds.reporting import write_report

    return write_report(self, X, path, y, columns, train=train)


class ServesOnnx:
    """Methods of estimators that are exported to programs without this library (docs/serving.md)."""

    def export(self: Any, folder: str | Path, only: Sequence[str] | None = None) -> Any:
        """Write what the fitted model serves as ONNX files: `encoder.onnx`, `decoder.onnx`, `components.onnx`, `score.onnx`, ... by its kind.

        Each is held against what Python gives, where onnxruntime is installed. Inputs, outputs, columns and levels stand in the metadata of the
        files (docs/serving.md).

        Args:
            folder: where they go; it is made if it is not there.
            only: names of the graphs that are written, such as `["encoder"]`; None: all.

        Returns:
            A `latentia.estimators.serving.graph.Written` for each file: its path, its graph, and the largest difference from Python.

        Raises:
            MissingExtraError: if onnx is not installed.
            ConfigError: if the model has a function that ONNX does not have, or a file does not give what Python gives.
            RunFolderError: if the folder cannot be written.
        """
        from latentia.kinds.serving import exported

        return exported(self, folder, only)

    def onnx_parser(self: Any) -> Any:
        """For skl2onnx: what declares the outputs of this step of a pipeline."""
        from latentia.kinds.pipelines import variables

        return lambda scope=None, inputs=None: None if scope is None else variables(self, scope)  # noqa: ARG005  its form

    def onnx_shape_calculator(self: Any) -> Any:
        """For skl2onnx: nothing is left to calculate, `onnx_parser` tells the shapes."""
        return lambda operator: None  # noqa: ARG005  its form

    def onnx_converter(self: Any) -> Any:
        """For skl2onnx: what puts the nodes of this step among those of the pipeline."""
        from latentia.kinds.pipelines import convert

        return lambda scope, operator, container: convert(self, scope, operator, container)


def html_repr(self: Any) -> str:
    """What a notebook shows: scikit-learn's diagram, and the last verdict on the fit below it."""
    diagram: str = estimator_html_repr(self)
    if not fitted(self):
        return diagram
    verdict = vars(self).get("_verdict")
    if verdict is None:
        text = "not judged yet: <code>.report(X, path)</code>, on rows held out, says whether the fit can be trusted"
        return f"{diagram}<p><b>verdict</b>: {text}</p>"
    names = escape(", ".join(verdict.names) or verdict.name)
    seen = "".join(f"<li>{escape(sentence)}</li>" for sentence in verdict.evidence)
    return f"{diagram}<p><b>verdict</b>: {names}</p><ul>{seen}</ul>"


def fitted(estimator: Any) -> bool:
    """Whether an estimator is fitted."""
    try:
        check_is_fitted(estimator)
    except NotFittedError:
        return False
    return True
