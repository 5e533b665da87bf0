"""Estimators that run folders keep."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

from sklearn.utils.validation import check_is_fitted
from torch import Tensor

Curves = list[dict[str, Any]]
"""Learning curves: a dict for each epoch, or iteration of EM."""


class Savable:
    """An estimator that can say what rebuilds it, and so can be written to a run folder and read from it."""

    def describe(self) -> tuple[dict[str, Any], dict[str, Tensor], Curves]:
        """Entries of `config.json`, tensors and learning curves of the fitted estimator."""
        raise NotImplementedError

    @classmethod
    def rebuild(
        cls, config: dict[str, Any], tensors: dict[str, Tensor], curves: Callable[[], Curves]
    ) -> Self:
        """The inverse of `describe`.

        Args:
            config: what `config.json` holds.
            tensors: of the run folder.
            curves: reads its learning curves.

        Raises:
            RunFolderError: if the tensors are not those of the configuration.
        """
        raise NotImplementedError

    def save(self, folder: str | Path) -> Path:
        """Write a run folder (tensors, configuration, learning curves) that `latentia.load` reads; no pickle."""
        from latentia.estimators.folder import save

        check_is_fitted(self)
        return save(self, Path(folder))


def params_of(config: dict[str, Any]) -> dict[str, Any]:
    """Constructor arguments from `config.json`, which has no tuples."""
    params: dict[str, Any] = config["params"]
    return {name: tuple(value) if isinstance(value, list) else value for name, value in params.items()}
