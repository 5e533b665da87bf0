"""What fitted models of any kind give to programs without this library."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from sklearn.utils.validation import check_is_fitted

from latentia.errors import ConfigError
from latentia.estimators.serving.graph import Graph, Written
from latentia.estimators.serving.onnx_file import write_graphs
from latentia.kinds import all_kinds, kind_of_estimator


def graphs_of(estimator: Any) -> tuple[Graph, ...]:
    """The graphs of a fitted estimator: those of the module `serving` of its kind's folder.

    Raises:
        ConfigError: for an estimator of a kind that has none.
    """
    check_is_fitted(estimator)
    names = [each.__name__ for each in type(estimator).__mro__]
    kind = next((found for found in map(kind_of_estimator, names) if found is not None), None)
    if kind is None or "Exports" not in kind.abilities:
        able = [name for each in all_kinds() if "Exports" in each.abilities for name in each.estimators]
        raise ConfigError(f"{names[0]} has no graphs to export; {', '.join(able)} have")
    graphs: tuple[Graph, ...] = kind.part("serving").graphs(estimator)
    return graphs


def exported(
    estimator: Any,
    folder: str | Path,
    only: Sequence[str] | None = None,
    columns: Sequence[str] | None = None,
) -> list[Written]:
    """The graphs of a fitted estimator as ONNX files; see `latentia.estimators.serving.onnx_file.write_graphs`.

    Args:
        estimator: fitted.
        folder: where they go.
        only: names of the graphs that are written; None: all.
        columns: names of the columns of its data, where it does not know them itself.

    Raises:
        ConfigError: for a name that it does not serve.
    """
    if isinstance(only, str):
        only = [only]
    served = {graph.name: graph for graph in graphs_of(estimator)}
    if only is not None and (
        unknown := [name for name in only if name not in served] or ([] if only else ["nothing"])
    ):
        raise ConfigError(f"only={unknown[0]!r}: this model serves {', '.join(served)}")
    named = {} if columns is None else {"columns": list(columns)}
    graphs = [
        replace(graph, facts={**named, **graph.facts})
        for graph in served.values()
        if only is None or graph.name in only
    ]
    return write_graphs(graphs, Path(folder))


class ExportsGraphs:
    """The ability `latentia.kinds.abilities.Exports` of a run."""

    estimator: Any

    def exported(self, folder: Path, only: Sequence[str] | None = None) -> list[Written]:
        """See `latentia.kinds.abilities.Exports`."""
        run: Any = self
        return exported(self.estimator, folder, only, run.columns)
