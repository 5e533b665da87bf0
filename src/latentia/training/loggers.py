"""Loggers by name: the curves of a fit in the tool that a person already looks at."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from latentia.errors import MissingExtraError


def _tensorboard(folder: Path) -> Any:
    from lightning.pytorch.loggers import TensorBoardLogger

    return TensorBoardLogger(folder, name="tensorboard")


def _csv(folder: Path) -> Any:
    from lightning.pytorch.loggers import CSVLogger

    return CSVLogger(folder, name="csv")


def _mlflow(folder: Path) -> Any:
    from lightning.pytorch.loggers import MLFlowLogger

    return MLFlowLogger(experiment_name="latentia", save_dir=str(folder / "mlflow"))


def _wandb(folder: Path) -> Any:
    from lightning.pytorch.loggers import WandbLogger

    folder.mkdir(parents=True, exist_ok=True)
    return WandbLogger(project="latentia", save_dir=folder)


# what `pip install` brings each, and how it is made
_KNOWN: dict[str, tuple[str, Callable[[Path], Any]]] = {
    "tensorboard": ("tensorboard", _tensorboard),
    "csv": ("lightning", _csv),
    "mlflow": ("mlflow", _mlflow),
    "wandb": ("wandb", _wandb),
}


def open_loggers(names: tuple[str, ...], folder: Path) -> list[Any]:
    """Lightning's loggers of these names, which write under `folder`.

    Raises:
        MissingExtraError: if the package behind one is not installed; gives the line that installs it.
    """
    loggers = []
    for name in names:
        package, make = _KNOWN[name]
        try:
            loggers.append(make(folder))
        except ImportError as error:  # Lightning's ModuleNotFoundError among them
            raise MissingExtraError(f"logger {name!r} needs {package}: pip install {package}") from error
    return loggers
