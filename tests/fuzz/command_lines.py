"""Command lines with values of a wrong type, range or place: all commands, none may do half of its work."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from fuzz.child import command, fault
from fuzz.warm import Runs, fresh

ODD = (
    "",
    " ",
    "-1",
    "0",
    "1e999",
    "nan",
    "inf",
    "1.5",
    "abc",
    "[1,2]",
    "{}",
    "null",
    "true",
    "\x1b[2J",
    "9" * 30,
    "[" * 3000,
)
PLACES = (
    "",
    " ",
    "/nope/",
    "/dev/null",
    "/dev/full",
    "/proc/x",
    "pipe",
    "folder",
    "file/x.png",
    "x" * 300,
    "~nouser/x",
    "a/" * 2500 + "x",
    "x\n.png",
    "/",
    ".",
    "..",
    "nul\udcff",
)
SETTINGS = (
    "latent_dim", "learning_rate", "batch_size", "max_epochs", "patience", "validation_fraction", "n_importance", "random_state",
    "likelihood", "network", "objective", "schedule", "optimizer", "device", "precision", "loggers", "binarize", "model", "verbose",
)  # fmt: skip
MIXED = (
    "n_components",
    "covariance_type",
    "tol",
    "reg_covar",
    "max_iter",
    "n_init",
    "init_params",
    "criterion",
    "means_init",
    "random_state",
)


def lines(runs: Runs) -> Iterator[tuple[list[str], bool | None]]:
    """Arguments, and whether they must be refused."""
    table = str(runs.table)
    fit = ["fit", table, "--out", "r", "--quiet", "--no-report"]
    vae = [*fit, "--epochs", "0"]
    mixture = [*fit, "--model", "gaussian-mixture", "--n-components", "1"]
    for place in PLACES:
        yield ["fit", table, "--epochs", "0", "--quiet", "--no-report", "--out", place], None
        for name, run in (
            ("sample", "vae"),
            ("reconstruct", "vae"),
            ("encode", "vae"),
            ("predict", "mixture"),
            ("anomaly", "vae"),
            ("interpolate", "vae"),
            ("traverse", "vae"),
            ("neighbours", "vae"),
        ):
            yield [name, str(runs[run]), "--out", place], True
        yield ["decompress", "nothing.ltnc", "--run", str(runs["image-vae"]), "--out", place], True
    for value in ODD:
        for name in ("latent-dim", "epochs", "seed", "image-size", "label-column", "model"):
            yield (
                [*vae, f"--{name}={value}"],
                None if value in ("0", "null", "", "true") or name == "label-column" else True,
            )
        yield [*mixture, f"--n-components={value}"], None
        for name in ("evaluate", "sample", "anomaly", "interpolate", "diagnose"):
            yield [name, value or "x"], True
        yield ["sample", str(runs["vae"]), f"-n={value}", "--out", "s.csv"], None
        yield ["evaluate", str(runs["mixture"]), f"--split={value}"], True
    for name in SETTINGS:
        for value in ('"x"', "[]", "{}", "-7", "1e400", "null", "true"):
            yield [*vae, "--set", f"{name}={value}"], None
    for name in MIXED:
        for value in ('"x"', "[]", "-7", "null", "1e400"):
            yield [*mixture, "--set", f"{name}={value}"], None
    for pair in (
        "",
        "=",
        "=3",
        "latent_dim",
        "a.b.c=1",
        "..=1",
        "objective_options=3",
        "objective_options.beta=x",
        "latent_dim=1000000000",
        "self=1",
        "__class__=1",
        "n_jobs=2",
    ):
        yield [*vae, "--set", pair], True
    yield [*vae, "--latent-dim", "300000000"], True
    yield [*mixture[:-1], "900000000"], True
    yield ["sample", str(runs["vae"]), "-n", "10000000000", "--out", "s.csv"], True
    for flag in ("--config", "--plugin"):
        for value in (
            "nothing.yaml",
            "folder",
            "pipe",
            "/dev/zero",
            "bad.yaml",
            "laughs.yaml",
            "deep.yaml",
            "big.yaml",
            "list.yaml",
            "bad.py",
            "no.such.module",
        ):
            yield [*vae, flag, value], True
    for words in (
        [],
        ["nope"],
        ["fit"],
        ["fit", table, table],
        ["evaluate"],
        ["fit", table, "--nope"],
        ["--version=3"],
        ["compress"],
        ["interpolate", str(runs["mixture"])],
        ["complete", str(runs["vae"])],
    ):
        yield words, True


def furnish(folder: Path) -> None:
    """What the lines speak of."""
    os.mkfifo(folder / "pipe")
    (folder / "folder").mkdir()
    (folder / "file").write_text("x")
    (folder / "bad.yaml").write_text("a: [1, 2")
    (folder / "list.yaml").write_text("- 1\n- 2\n")
    (folder / "deep.yaml").write_text("a: " + "[" * 5000 + "]" * 5000)
    (folder / "big.yaml").write_text("a: 1\n" * 500_000)
    laughs = ["a0: &a0 x"] + [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 12)]
    (folder / "laughs.yaml").write_text("\n".join(laughs))
    (folder / "bad.py").write_text("raise KeyError('no')")


def tried(base: Path, runs: Runs) -> Iterator[tuple[str, float, str | None]]:
    """Run each line: name, seconds, fault."""
    for number, (words, refused) in enumerate(lines(runs)):
        folder = fresh(base, number)
        furnish(folder)
        ended = command(words, folder)
        yield (
            " ".join(word[:30] for word in (words[0], *words[-4:])) if words else "nothing",
            ended.seconds,
            fault(ended, refused),
        )
        shutil.rmtree(folder, ignore_errors=True)
