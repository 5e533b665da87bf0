"""Types in a run folder: tables for other programs, the table of counts with its types, the model, the verdict and the page."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd

from latentia.data import Dataset
from latentia.errors import RunFolderError
from latentia.estimators import folder as run_folder
from latentia.files import write_atomically
from latentia.kinds.fitting import check_folder
from latentia.kinds.known import KNOWN, DataSpec, knowledge_of
from latentia.kinds.plain import plain
from latentia.kinds.replacing import put_back_unless_begun
from latentia.kinds.run import Run
from latentia.kinds.types.run import TABLE, WORKFLOW
from latentia.kinds.types.workflow import Types

TABLES = ("types", "drivers", "criteria", "associations", "stability", "comparison")
METHODS = "methods.txt"


def check_out(out: Path, overwrite: bool) -> None:
    """Raise if a folder may not be written to; before the fit.

    Raises:
        RunFolderError: if it holds something and `overwrite` was not asked for.
    """
    if out.is_dir() and not (out / run_folder.CONFIG).exists() and not any(out.iterdir()):
        return
    check_folder(out, DataSpec(str(out / TABLE), hold_out=False), {}, False, overwrite)


def keep(
    found: Types, out: Path, *, command: str = "", arguments: Sequence[str] = (), overwrite: bool = False
) -> Run:
    """Write everything but the page, and return the run.

    Args:
        found: by `latentia.types`.
        out: the folder.
        command: what was typed.
        arguments: words of the command that stand for the table and its options, for remedies.
        overwrite: replace what is in `out`.

    Raises:
        RunFolderError: if the folder holds something else, or cannot be written.
    """
    check_out(out, overwrite)
    with put_back_unless_begun(out, replaces=overwrite and out.exists(), resumes=False):
        dataset = _written(found, out, command, arguments)
    run = Run.open(out)
    run._dataset = dataset
    run.evaluate()
    return run


def _written(found: Types, out: Path, command: str, arguments: Sequence[str]) -> Dataset:
    """Write tables, counts and model; give the data as the run will have them."""
    run_folder.start(
        found.estimator, out, {"kind": "types", "command": command}
    )  # until all is there: unfinished
    for name in TABLES:
        if name in found.tables:
            write_tsv(out / f"{name}.tsv", found.tables[name])
        else:
            (out / f"{name}.tsv").unlink(missing_ok=True)  # of a run that was there before
    write_atomically(out / METHODS, f"{found.methods}\n".encode())
    created = datetime.datetime.now().isoformat(timespec="seconds")
    found.table.write_biom(out / TABLE, about_samples(found), created)
    spec = DataSpec(str(out / TABLE), seed=found.estimator.random_state or 0, hold_out=False)
    dataset = spec.load()
    params = {"model": "community-types", **found.estimator.get_params(deep=False)}
    run_folder.save(
        found.estimator,
        out,
        {
            "kind": "types",
            "model": "community-types",
            "data": asdict(spec),
            "command": command,
            "source": found.table.source,
            "columns": found.table.taxa.tolist(),
            KNOWN: knowledge_of(spec, dataset, out),
            "fitted_as": params,
            WORKFLOW: {
                "table": found.asked["table"],
                "source": found.table.source,
                "arguments": list(arguments),
                "steps": [asdict(step) for step in found.table.steps],
                "notes": list(found.notes),
                "block": found.blocks.name,
                "methods": found.methods,
                "associations": plain(found.associations.to_dict("records")),
                "comparison": [] if found.comparison is None else plain(found.comparison.to_dict("records")),
            },
        },
    )
    return dataset


def about_samples(found: Types) -> pd.DataFrame:
    """What `table-with-types.biom` says of its samples: their metadata, then their types."""
    own = found.types.drop(columns="sample-id").rename(columns={"type": "community_type"})
    own = own[["community_type", "max_p", "certain", "usual"]].astype(str).reset_index(drop=True)
    if found.table.metadata is None:
        return own
    metadata = found.table.metadata.reset_index(drop=True)
    return pd.concat([metadata[[name for name in metadata.columns if name not in own.columns]], own], axis=1)


def write_tsv(path: Path, table: pd.DataFrame) -> None:
    """Tab-separated values with a header; what is not defined is empty.

    Raises:
        RunFolderError: if it cannot be written.
    """
    write_atomically(path, table.to_csv(sep="\t", index=False, lineterminator="\n").encode())


def opened(folder: Path) -> Any:
    """A run of community types.

    Raises:
        RunFolderError: if the folder holds another run, or none.
    """
    run: Any = Run.open(folder)
    if run.kind.name != "types":
        raise RunFolderError(
            f"{folder} holds a {run.model}, no community types: make them by `latentia types TABLE --out {folder}`"
        )
    return run
