"""Runs of every kind, fitted once for all workers of a test session: the first model of the kind, on small data of the first shape it takes."""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.datasets import load_wine

from latentia.data import Balls
from latentia.data.shapes import Shape
from latentia.kinds import KINDS
from latentia.kinds.fitting import fit_run
from latentia.kinds.kind import Kind
from latentia.kinds.known import DataSpec
from latentia.kinds.run import Run


def _table(folder: Path) -> str:
    wine = load_wine()
    ranks = wine.data.argsort(0).argsort(0)  # of ten values a column: an autoregressive model takes them, too
    rows = np.column_stack([ranks * 10 // len(ranks) / 2 + 0.25, wine.target])
    np.savetxt(
        folder / "wine.csv",
        rows,
        delimiter=",",
        header=",".join([*wine.feature_names, "cultivar"]),
        comments="",
        fmt="%g",
    )
    return str(folder / "wine.csv")


def _counts(folder: Path) -> str:
    random = np.random.default_rng(0)
    group = random.integers(0, 2, 150)
    rows = np.column_stack(
        [random.negative_binomial(2, 0.4, (150, 6)) + 2 * group[:, None] * [1, 0, 0, 1, 0, 0], group]
    )
    np.savetxt(
        folder / "reads.csv",
        rows,
        delimiter=",",
        header=",".join([*(f"t{i}" for i in range(6)), "group"]),
        comments="",
        fmt="%d",
    )
    return str(folder / "reads.csv")


def _tokens(folder: Path) -> str:
    random = np.random.default_rng(0)
    who, did, where = (
        ["the cat", "a dog", "my <b>bird</b>"],
        ["sat", "ran off", "slept"],
        ["here", "there", ""],
    )
    lines = [" ".join([who[a], did[b], where[c]]) for a, b, c in random.integers(0, 3, (150, 3))]
    (folder / "pets.txt").write_text("\n".join(lines), encoding="utf-8")
    return str(folder / "pets.txt")


def _frames(folder: Path) -> str:
    Balls(n=3, size=8, frames=22, radius=0.1).sample(30, seed=0).save(folder / "balls.npz")
    return str(folder / "balls.npz")


def _pairs(folder: Path) -> str:
    random = np.random.default_rng(0)
    numbers = ["one", "two", "<b>three</b>"]
    rows = [random.integers(0, 3, 1 + i % 3) for i in range(150)]
    lines = [" ".join(numbers[k] for k in row) + "\t" + " ".join(str(k + 1) for k in row) for row in rows]
    (folder / "numbers.tsv").write_text("words\tfigures\n" + "\n".join(lines), encoding="utf-8")
    return str(folder / "numbers.tsv")


def _series(folder: Path) -> str:
    random = np.random.default_rng(0)
    rows = ["id,time,high,low"]
    for who in range(60):
        phase = random.uniform(0, 6)
        for step in range(8 + who % 5):
            low = "" if random.random() < 0.2 else f"{np.cos(step + phase):.3f}"
            rows.append(f"{who},{step},{np.sin(step + phase):.3f},{low}")
    (folder / "tides.csv").write_text("\n".join(rows), encoding="utf-8")
    return str(folder / "tides.csv")


DATA: dict[Shape, Callable[[Path], str]] = {
    Shape.TABLE: _table,
    Shape.COUNTS: _counts,
    Shape.IMAGES: lambda folder: "digits",
    Shape.TOKENS: _tokens,
    Shape.FRAMES: _frames,
    Shape.PAIRS: _pairs,
    Shape.SERIES: _series,
}
"""Data of each shape that a gallery is made of; a kind that takes another shape adds it here."""
LABELS = {Shape.TABLE: "cultivar", Shape.COUNTS: "group"}
ROLES = {
    Shape.PAIRS: {"input": "words", "output": "figures"},
    Shape.SERIES: {"id": "id", "time": "time"},
}
QUICK = {
    "max_epochs": 2,
    "steps": 40,
    "n_components": "2",
    "random_state": 0,
    "folds": 2,
    "halves": 1,
    "bootstrap": 2,
}


@dataclass(frozen=True)
class Exhibit:
    """What a run of the gallery is of."""

    kind: Kind
    shape: Shape

    @property
    def name(self) -> str:
        """Of its folder."""
        return f"{self.kind.name}-{self.shape.value}"

    @property
    def model(self) -> str:
        """The first of its kind."""
        return next(iter(self.kind.entries()))

    @property
    def params(self) -> dict[str, Any]:
        """Such that a fit takes a second or so."""
        known = self.kind.recipe({"model": self.model}).estimator.get_params(deep=False)
        return {"model": self.model, **{name: value for name, value in QUICK.items() if name in known}}


def exhibits() -> list[Exhibit]:
    """One for each kind and shape that it takes, of those that `DATA` has."""
    return [Exhibit(kind, shape) for kind in KINDS.values() for shape in DATA if shape in kind.accepts]


def gallery() -> Path:
    """The folder of the runs of this session."""
    session = os.environ.get("PYTEST_XDIST_TESTRUNUID", str(os.getpid()))
    folder = Path(tempfile.gettempdir()) / f"latentia-gallery-{session}"
    folder.mkdir(exist_ok=True)
    return folder


_OPENED: dict[str, Run] = {}


def opened(exhibit: Exhibit, *, anew: bool = False) -> Run:
    """The run of an exhibit; fitted by whichever worker asks first, opened once by each, unless it is to be opened `anew`."""
    if exhibit.name not in _OPENED or anew:
        _OPENED[exhibit.name] = _open(exhibit)
    return _OPENED[exhibit.name]


def _open(exhibit: Exhibit) -> Run:
    folder = gallery()
    with (folder / f"{exhibit.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        run = folder / exhibit.name
        if not (run / "evaluation.json").exists():
            shape = exhibit.shape
            spec = DataSpec(DATA[shape](folder), label_column=LABELS.get(shape), roles=ROLES.get(shape))
            fit_run(spec, exhibit.params, run, command=f"latentia fit {spec.name}", overwrite=True).evaluate(
                n_importance=4
            )
    return Run.open(run)
