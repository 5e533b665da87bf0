"""What `config.json` says of the data of a run, held against the types that it must have."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_type_hints

from latentia.errors import ConfigError, RunFolderError
from latentia.estimators import folder as run_folder
from latentia.estimators.typed import check_entries
from latentia.kinds.known import KNOWN, DataSpec

_KNOWN: dict[str, Any] = {
    "path": str | None, "relative": str | None, "size": int | None, "sha256": str | None, "n": dict[str, int],
    "columns": list[dict[str, Any]] | None, "label_column": str | int | None, "classes": list[str] | None, "event_shape": list[int],
    "rows": dict[str, Any],
}  # fmt: skip


def spec_of(config: dict[str, Any], folder: Path) -> DataSpec | None:
    """Which data a configuration names; None for a model that was saved from Python.

    Raises:
        RunFolderError: if what it says of the data is not as a fit writes it.
    """
    data, known = config.get("data"), config.get(KNOWN)
    try:
        if known is not None:
            check_entries(known, _KNOWN, KNOWN)
            check_entries(known.get("rows", {}), {"file": str, "digest": dict[str, str]}, "rows")
            missing = [name for name in _KNOWN if name not in known]
            if missing:
                raise ConfigError(f"{KNOWN}: {missing[0]} is missing")
        if data is None:
            return None
        check_entries(data, get_type_hints(DataSpec), "data")
        return DataSpec(**data)
    except (ConfigError, TypeError) as error:
        raise RunFolderError(
            f'{folder / run_folder.CONFIG} distorts its entry "data" or "{KNOWN}" ({error}); restore the file or fit again'
        ) from None
