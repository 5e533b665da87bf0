"""What the first hour takes: the installation and its size, wrong data, a fit to digits, to a table of 10 000 rows, and to MNIST where it is; with the longest silence of each.

`--install` installs into a fresh folder; `--only NAME ...` runs some rows; without MNIST below `$LATENTIA_DATA` its row says so.
"""

from __future__ import annotations

import argparse
import os
import platform
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
LATENTIA = [sys.executable, "-m", "latentia"]
MOST_GB = 1.4
_COPIED = shutil.ignore_patterns(".git", ".venv", "runs", ".*_cache", "__pycache__", "results")


@dataclass(frozen=True)
class Took:
    """What a command took: seconds by the clock and of CPU, the longest time without output, its status, what remains to be said."""

    wall: float
    cpu: float
    silence: float
    status: int
    note: str = ""


def timed(words: Sequence[str], folder: Path) -> Took:
    """Run a command in a folder; what it prints is timed as it comes."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    process = subprocess.Popen(words, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert process.stdout is not None
    last, silence, tail = began, 0.0, b""
    while chunk := os.read(process.stdout.fileno(), 1 << 16):
        now = time.monotonic()
        last, silence, tail = now, max(silence, now - last), (tail + chunk)[-300:]
    status = process.wait()
    ended, after = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    note = "" if status in (0, 2) else tail.decode(errors="replace").strip().splitlines()[-1]
    return Took(ended - began, cpu, max(silence, ended - last), status, note)


def installation(folder: Path) -> Took:
    """`make .venv/.package` in a copy of this repository."""
    clone = folder / "clone"
    shutil.copytree(ROOT, clone, ignore=_COPIED)
    took = timed(["make", ".venv/.package"], clone)
    size = sum(path.lstat().st_size for path in (clone / ".venv").rglob("*")) / 1e9
    return Took(took.wall, took.cpu, took.silence, took.status, f"{size:.2f} GB (bar: {MOST_GB})")


def wrong(folder: Path) -> Took:
    """A CSV with three wrong columns: until the one line that names them."""
    rows = [f"{i},{i},{i},{i}" for i in range(500)] + ["x y,1,inf,z"]
    (folder / "wrong.csv").write_text("a,b,c,d\n" + "\n".join(rows) + "\n")
    return timed([*LATENTIA, "fit", "wrong.csv"], folder)


def digits(folder: Path) -> Took:
    """`latentia fit digits`: judged, with its report."""
    return timed([*LATENTIA, "fit", "digits"], folder)


def table(folder: Path) -> Took:
    """The same of a CSV of 10 000 rows and 10 columns."""
    import numpy as np

    random = np.random.default_rng(0)
    hidden = random.normal(size=(10_000, 3))
    rows = hidden @ random.normal(size=(3, 10)) + 0.3 * random.normal(size=(10_000, 10))
    names = ",".join(f"x{i}" for i in range(10))
    np.savetxt(folder / "table.csv", rows, "%.5f", ",", header=names, comments="")
    return timed([*LATENTIA, "fit", "table.csv"], folder)


def mnist(folder: Path) -> Took | None:
    """`latentia fit mnist`; None where MNIST is not."""
    root = os.environ.get("LATENTIA_DATA")
    if root is None or not (Path(root) / "mnist").is_dir():
        return None
    return timed([*LATENTIA, "fit", "mnist"], folder)


ROWS: dict[str, Callable[[Path], Took | None]] = {
    "install": installation,
    "wrong data": wrong,
    "digits": digits,
    "10 000 rows": table,
    "mnist": mnist,
}


def machine() -> str:
    """The machine in a line."""
    cpu = platform.processor() or platform.machine()
    if Path("/proc/cpuinfo").exists():
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        cpu = next((line.partition(": ")[2] for line in lines if line.startswith("model name")), cpu)
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    return (
        f"{cpu}, {os.cpu_count()} cores, Python {platform.python_version()}, load {load:.1f} before it began"
    )


def main() -> int:
    """Print a row for each; status 1 if one fails."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--install", action="store_true")
    parser.add_argument("--only", nargs="+", choices=ROWS)
    given = parser.parse_args()
    print(machine(), flush=True)
    print(f"{'what':<14}{'seconds':>9}{'CPU s':>8}{'longest silence s':>19}  ", flush=True)
    failed = False
    for name, row in ROWS.items():
        if (given.only is None and name == "install" and not given.install) or (
            given.only and name not in given.only
        ):
            continue
        with tempfile.TemporaryDirectory() as folder:
            took = row(Path(folder))
        if took is None:
            print(f"{name:<14}{'':>36}  $LATENTIA_DATA has no mnist", flush=True)
            continue
        failed = failed or took.status != (2 if name == "wrong data" else 0)
        print(f"{name:<14}{took.wall:9.1f}{took.cpu:8.1f}{took.silence:19.1f}  {took.note}", flush=True)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
