"""The files of a run folder, read: each is whole and of the types that it must have, or refused in one line."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from torch import Tensor

from latentia.errors import ConfigError, RunFolderError
from latentia.estimators.sealed import check_finite
from latentia.estimators.typed import check_entries
from latentia.guard import read_plain, shown

CONFIG, WEIGHTS, METRICS, EVALUATION = "config.json", "model.safetensors", "metrics.jsonl", "evaluation.json"

_TYPES: dict[str, Any] = {
    "estimator": str, "params": dict[str, Any], "features": list[str] | None, "columns": list[str] | None,
    "weights": dict[str, str], "metrics": dict[str, str], "plugins": list[dict[str, str]] | None, "command": str,
    "source": str, "kind": str, "model": str | None, "data": dict[str, Any] | None, "known": dict[str, Any] | None,
    "latentia": str, "versions": dict[str, str], "choices": list[list[Any]], "fit": dict[str, Any],
}  # fmt: skip


def check_types(config: dict[str, Any], path: Path) -> None:
    """Raise `RunFolderError` for the first entry of a configuration that is of another type than it must be."""
    try:
        check_entries(config, _TYPES, str(path))
    except ConfigError as error:
        raise RunFolderError(f"{error}; restore the file or fit again") from None


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object of a run folder.

    Raises:
        RunFolderError: if it is absent, unreadable or no JSON object.
    """
    try:
        value = json.loads(read_plain(path))
    except FileNotFoundError:
        raise RunFolderError(
            f"{shown(path)} does not exist: {shown(path.parent)} is no run folder (they are made by `latentia fit --out DIR`)"
        ) from None
    except (OSError, ValueError, RecursionError) as error:
        raise RunFolderError(
            f"{shown(path)} cannot be read ({reason(error)}); restore the file or fit again"
        ) from error
    if not isinstance(value, dict):
        raise RunFolderError(f"{path} holds no JSON object; restore the file or fit again")
    return value


def read_metrics(folder: Path, digest: str | None = None) -> list[dict[str, Any]]:
    """The learning curves of a run, one dict an epoch; empty if none were kept.

    Raises:
        RunFolderError: if they cannot be read, or are not those of a digest.
    """
    path = folder / METRICS
    if not path.exists():
        return []
    try:
        content = read_plain(path)
        rows = [json.loads(line) for line in content.splitlines() if line]
    except (OSError, ValueError, RecursionError) as error:
        raise RunFolderError(
            f"{path} cannot be read ({reason(error)}); delete it to do without curves"
        ) from error
    altered = digest is not None and hashlib.sha256(content).hexdigest() != digest
    if altered or not all(isinstance(row, dict) for row in rows):
        raise RunFolderError(f"{path} was altered; restore it, or delete it to do without curves")
    return rows


def read_weights(folder: Path, digest: str) -> dict[str, Tensor]:
    """The tensors of a run folder, which must be those of a digest."""
    path = folder / WEIGHTS
    try:
        content = read_plain(path)
    except OSError as error:
        raise RunFolderError(f"{path} cannot be read ({error.strerror}); restore it or fit again") from error
    if hashlib.sha256(content).hexdigest() != digest:
        raise RunFolderError(
            f"{path} is not the file that {CONFIG} names (SHA-256 differs): it was altered or cut; "
            "restore it or fit again"
        )
    try:
        tensors = load_tensors(content)
    except SafetensorError as error:
        raise RunFolderError(f"{path} is no safetensors file ({error}); restore it or fit again") from error
    check_finite(tensors, str(path))
    return tensors


def reason(error: Exception) -> str:
    """Why a file cannot be read, in one line."""
    return str((error.strerror if isinstance(error, OSError) else None) or " ".join(str(error).split()))
