"""Table 1: rows that are fitted once, kept in a file each, and laid side by side with the published figures."""

from __future__ import annotations

import csv
import datetime
import io
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentia.benchmarks.fits import fit
from latentia.benchmarks.images import COMPARED, FeatureSpace, Images, feature_space, load_images
from latentia.benchmarks.measure import figures_of
from latentia.benchmarks.protocol import DEFAULT, MODELS, OWN, PYTHAE, REPORT, SETTINGS, Row, published, rows
from latentia.errors import ConfigError, DataError, LatentiaError, RunFolderError
from latentia.estimators.folder import read_json, versions, write_json
from latentia.files import write_atomically
from latentia.kinds.plain import plain
from latentia.training import resolve_device

FORMAT = 2
REAL = "real images"


@dataclass(frozen=True)
class Table:
    """What stands in the folder of the benchmark.

    Attributes:
        folder: where it is kept.
        rows: finished rows, as their files have them, in the order of the table.
        real: for each data set, the feature space and how training images do in place of samples.
        missing: rows that were asked for and could not be had: data, name, reason.
    """

    folder: Path
    rows: list[dict[str, Any]]
    real: dict[str, dict[str, Any]]
    missing: list[dict[str, str]] = field(default_factory=list)

    @property
    def datasets(self) -> list[str]:
        """The data sets that have rows, in the report's order, others after them."""
        found = dict.fromkeys(row["data"] for row in self.rows)
        return [*(name for name in SETTINGS if name in found), *(n for n in found if n not in SETTINGS)]

    def of(self, data: str) -> list[dict[str, Any]]:
        """The rows of one data set."""
        return [row for row in self.rows if row["data"] == data]

    def pictures(self, row: dict[str, Any]) -> dict[str, NDArray[Any]]:
        """Originals, rebuilt and sampled images of a row, uint8 `[n, C, H, W]`."""
        with np.load(self.folder / "rows" / f"{row['key']}.npz", allow_pickle=False) as file:
            return {name: file[name] for name in ("originals", "rebuilt", "sampled")}


def run(
    models: Sequence[str],
    datasets: Sequence[str],
    out: Path,
    *,
    epochs: int | None = None,
    seed: int = 0,
    limit: int | None = None,
    device: str = "auto",
    say: Callable[[str], None] = lambda _: None,
    progress: bool = False,
) -> Table:
    """Fit and measure the rows that are not there yet, and give the table of all that are.

    Each row is written whole when it is finished, and is never run again; one that was interrupted goes on from its
    checkpoint.

    Args:
        models: names, or groups of them; see `latentia.benchmarks.protocol.rows`.
        datasets: names or paths of images.
        out: the folder of the benchmark.
        epochs: passes over the training images in place of the report's; "default" and rows with "@default" keep their own.
        seed: of every fit; all rows of a folder share it.
        limit: most training images; all rows of a folder share it.
        device: "auto", or as torch has it.
        say: told what happens.
        progress: draw progress bars.

    Raises:
        ConfigError: if a name is unknown, or the folder holds rows of another seed or limit.
        DataError: if there is nothing to show because data are missing.
        RunFolderError: if the folder cannot be written or read.
    """
    if epochs is not None and epochs < 1:
        raise ConfigError(f"--epochs {epochs}: at least 1 is needed")
    asked = rows(models, datasets)
    _agree(out, seed, limit)
    missing: list[dict[str, str]] = []
    pending = [row for row in asked if not _finished(out, row)]
    if len(pending) < len(asked):
        say(f"{len(asked) - len(pending)} of {len(asked)} rows are finished already")
    number = 0
    for data in dict.fromkeys(row.data for row in pending):
        here = [row for row in pending if row.data == data]
        try:
            images = load_images(data, limit)
            say(f"{data}: {images.dataset.source}")
            space = _space(images, out, device, say)
        except DataError as error:
            missing += [_without(row, error) for row in here]
            say(f"{data}: {error}")
            number += len(here)
            continue
        for row in here:
            number += 1
            say(f"[{number}/{len(pending)}] {row.data}: {row.name}")
            started = time.perf_counter()
            try:
                figures = _make(row, images, space, out, epochs, seed, limit, device, progress)
            except RunFolderError:
                raise
            except LatentiaError as error:
                missing.append(_without(row, error))
                say(f"  left out: {error}")
                continue
            say(_summary(figures, time.perf_counter() - started))
    table = read_table(out, missing)
    if not table.rows and missing:
        raise DataError(f"no row could be made; the first because {missing[0]['reason']}")
    write_atomically(out / "table1.csv", as_csv(table).encode())
    return table


def read_table(out: Path, missing: list[dict[str, str]] | None = None) -> Table:
    """The finished rows of a folder."""
    files = [_read(path) for path in sorted((out / "rows").glob("*.json"))]
    found = [row for row in files if row is not None]
    own = tuple(name + OWN for name in MODELS)
    order = {name: i for i, name in enumerate(dict.fromkeys((DEFAULT, *own, *REPORT, *PYTHAE, *MODELS)))}
    found.sort(key=lambda row: (row["data"], order.get(row["name"], len(order)), row["name"]))
    spaces = [read_json(path) for path in sorted((out / "features").glob("*.json"))]
    real = {space["data"]: space for space in spaces}
    return Table(out, found, real, missing or [])


def _make(
    row: Row,
    images: Images,
    space: FeatureSpace,
    out: Path,
    epochs: int | None,
    seed: int,
    limit: int | None,
    device: str,
    progress: bool,
) -> dict[str, Any]:
    own = None if row.own_length else epochs or row.setting.epochs
    # Another number of epochs is another fit: its checkpoint is of no use to this one.
    folder = out / "work" / f"{row.key}--{own or 'default'}"
    fitted = fit(row, images.dataset, own, folder, seed, device, progress)
    figures, pictures = figures_of(fitted, images.dataset, space)
    write_atomically(
        out / "rows" / f"{row.key}.npz",
        lambda file: np.savez_compressed(file, **pictures),  # type: ignore[arg-type]
    )
    content = {
        "format": FORMAT,
        "key": row.key,
        "data": row.data,
        "name": row.name,
        "group": row.group,
        "comparable": images.comparable,
        "note": images.note,
        "n_train": len(images.dataset.train),
        "n_test": len(images.dataset.test),
        "event_shape": list(images.dataset.event_shape),
        "seed": seed,
        "limit": limit,
        "settings": fitted.settings,
        "figures": {name: plain(value) for name, value in figures.items()},
        "features": space.words,
        "created": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "versions": versions(),
    }
    write_json(out / "rows" / f"{row.key}.json", content)
    return content


def _space(images: Images, out: Path, device: str, say: Callable[[str], None]) -> FeatureSpace:
    """The feature space of a data set, and the file that says what real images get in it."""
    stem = Row(images.dataset.name, "features", "catalog").key.removesuffix("--features")
    weights = out / "features" / f"{stem}.safetensors"
    space = feature_space(images, weights, str(resolve_device(device)))
    say(f"samples are judged by {space.words}")
    file = weights.with_suffix(".json")
    if not file.exists():
        real = np.asarray(images.dataset.train.take(len(space.test)).x)
        entries = {
            "data": images.dataset.name,
            "features": space.words,
            "accuracy": space.accuracy,
            "compared": min(len(space.test), COMPARED),
            "real": space.compare(real),
        }
        write_json(file, entries)
    return space


def _agree(out: Path, seed: int, limit: int | None) -> None:
    """Note what all rows of a folder share, or check that it is what is asked for."""
    if out.exists() and not out.is_dir():
        raise RunFolderError(f"{out} is a file, not a folder; give another --out")
    file = out / "table1.json"
    wanted = {"format": FORMAT, "seed": seed, "limit": limit}
    if not file.exists():
        write_json(file, wanted)
        return
    kept = read_json(file)
    for name, value in wanted.items():
        if kept.get(name) != value:
            raise ConfigError(
                f"the rows in {out} are of {name} {kept.get(name)}, not {value}: give another --out, or the same {name}"
            )


def _finished(out: Path, row: Row) -> bool:
    return _read(out / "rows" / f"{row.key}.json") is not None


def _read(path: Path) -> dict[str, Any] | None:
    """A row's file; None if it is not there or from another version of the table."""
    if not path.exists():
        return None
    content = read_json(path)
    whole = content.get("format") == FORMAT and path.with_suffix(".npz").exists()
    return content if whole else None


def _without(row: Row, error: Exception) -> dict[str, str]:
    return {"data": row.data, "name": row.name, "reason": " ".join(str(error).split())}


def _summary(row: dict[str, Any], seconds: float) -> str:
    figures = row["figures"]
    shown = [f"{name} {figures[name]:.2f}" for name in ("rec", "kl", "total") if figures[name] is not None]
    return f"  {', '.join(shown)}; trained {figures['seconds']:.0f} s, all {seconds:.0f} s"


COLUMNS = (
    "rec", "kl", "total", "bound", "bound_train_variance", "total_refined", "bound_refined", "bits_per_dim",
    "bits_per_dim_note", "bits_per_dim_alphabet", "log_likelihood", "active_units", "latent_dim", "sliced_wasserstein", "precision", "recall", "seconds", "epochs", "steps", "parameters",
)  # fmt: skip


def as_csv(table: Table) -> str:
    """All rows with all figures, the published ones among them; what is not known is left empty."""
    text = io.StringIO()
    writer = csv.DictWriter(text, ("data", "model", "source", *COLUMNS, "note"), lineterminator="\n")
    writer.writeheader()
    for data in table.datasets:
        for row in table.of(data):
            figures = {name: row["figures"].get(name) for name in COLUMNS}
            writer.writerow(
                {
                    "data": data,
                    "model": row["name"],
                    "source": row["group"],
                    **figures,
                    "note": row["note"],
                }
            )
        if data in table.real:
            writer.writerow({"data": data, "model": REAL, "source": "baseline", **table.real[data]["real"]})
        for row in published()["rows"]:
            if row["data"] == data:
                figures = {name: row[name] for name in ("rec", "kl", "total", "latent_dim")}
                writer.writerow({"data": data, "model": row["model"], "source": "published", **figures})
    return text.getvalue()


def as_json(table: Table) -> str:
    """The whole table as one JSON object."""
    content = {
        "folder": str(table.folder),
        "rows": table.rows,
        "real": table.real,
        "published": published(),
        "missing": table.missing,
    }
    return json.dumps(content, allow_nan=False)
