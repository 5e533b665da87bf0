"""`python -m fuzz.kills [N]`: N fits of digits killed at random moments and resumed, then stopped by signals; prints what was changed by it, and ends with status 1 if anything was."""

from __future__ import annotations

import contextlib
import io
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

from faults import contents

FIT = [
    "fit",
    "digits",
    "--latent-dim",
    "4",
    "--epochs",
    "8",
    "--seed",
    "3",
    "--quiet",
    "--no-report",
    "--out",
]
STOPS = {
    "SIGTERM": ([signal.SIGTERM], 143),
    "SIGHUP": ([signal.SIGHUP], 129),
    "SIGINT twice": ([signal.SIGINT, signal.SIGINT], 130),
}
AS_IT_SHOULD = {
    True: "its status, one line, a checkpoint, and the resumed run as the one that was let alone",
    False: "comes to rest, is judged and whole, status 0",
}
RESTS_FROM = 4
"""Epochs after which a rest is worth something."""


def started(folder: Path, out: str, *flags: str) -> int:
    """A fit in a process of its own, which has the libraries from this one."""
    child = os.fork()
    if child:
        return child
    status = 70
    try:
        for number, name in ((1, "out"), (2, "err")):
            os.dup2(os.open(folder / f"{out}.{name}", os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
        sys.stdout, sys.stderr = (os.fdopen(number, "w", closefd=False) for number in (1, 2))
        os.chdir(folder)
        from latentia import cli

        try:
            cli.main([*FIT, out, *flags])
            status = 0
        except SystemExit as end:
            status = end.code if isinstance(end.code, int) else 1
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(status)
    return 0


def waited(child: int, seconds: float) -> int | None:
    """The status of a child; None if it still runs after so many seconds."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.002)
    return None


def let_alone(folder: Path) -> float:
    """A fit that nothing disturbs, in `whole`; the seconds that it takes."""
    began = time.monotonic()
    status = waited(started(folder, "whole"), 3600)
    if status != 0:
        raise SystemExit(
            f"the fit that was let alone ended with {status}: {(folder / 'whole.err').read_text()}"
        )
    return time.monotonic() - began


def compared(folder: Path, out: str) -> str | None:
    """How a run differs from the one that was let alone."""
    found, expected = contents(folder / out), contents(folder / "whole")
    unlike = [name for name in {**found, **expected} if found.get(name) != expected.get(name)]
    return f"unlike in {', '.join(sorted(unlike))}" if unlike else None


def killed(folder: Path, n: int, seed: int = 0) -> Iterator[tuple[str, str | None]]:
    """Each kill, and what is wrong after it: with the run that it ended, once that is whole."""
    whole, draw = let_alone(folder), random.Random(seed)
    kills = done = 0
    since: list[str] = []
    while kills < n or since:
        after = draw.uniform(0.0, 0.9) * whole if kills < n else 3600.0
        child = started(folder, "killed", "--resume")
        status = waited(child, after)
        if status is None:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            kills += 1
            since.append(f"kill {kills} after {after:.2f} s")
            continue
        wrong = (
            f"status {status}: {(folder / 'killed.err').read_text()[:300]}"
            if status
            else compared(folder, "killed")
        )
        done += 1
        yield from ((f"{each} (fit {done})", wrong) for each in since)
        since = []
        shutil.rmtree(folder / "killed", ignore_errors=True)


def stopped(folder: Path, seed: int = 0) -> Iterator[tuple[str, str | None]]:
    """Each way to stop a fit, and what is wrong with its status, its one line, its checkpoint or the fit that goes on from there."""
    draw = random.Random(seed)
    for name, (signals, expected) in STOPS.items():
        shutil.rmtree(folder / "stopped", ignore_errors=True)
        child, metrics = started(folder, "stopped"), folder / "stopped" / "metrics.jsonl"
        while not (metrics.exists() and metrics.stat().st_size):
            time.sleep(0.01)
        time.sleep(draw.uniform(0, 0.2))
        for number in signals:
            os.kill(child, number)
            time.sleep(0.05)
        yield name, _wrong(folder, waited(child, 120), expected)


def _wrong(folder: Path, status: int | None, expected: int) -> str | None:
    lines = (folder / "stopped.err").read_text().splitlines()
    if status != expected:
        return f"status {status} in place of {expected}: {lines}"
    if len(lines) != 1:
        return f"{len(lines)} lines: {lines}"
    if not (folder / "stopped" / "checkpoints" / "last.ckpt").exists():
        return "no checkpoint"
    if waited(started(folder, "stopped", "--resume"), 3600) != 0:
        return f"not resumed: {(folder / 'stopped.err').read_text()[:300]}"
    return compared(folder, "stopped")


def rested(folder: Path) -> str | None:
    """What is wrong with a fit that one Ctrl-C lets come to rest: it ends as usual, whole."""
    shutil.rmtree(folder / "rested", ignore_errors=True)
    child, metrics = started(folder, "rested"), folder / "rested" / "metrics.jsonl"
    while not (metrics.exists() and metrics.read_text().count("\n") >= RESTS_FROM):
        time.sleep(0.01)
    os.kill(child, signal.SIGINT)
    status = waited(child, 300)
    whole = (folder / "rested" / "model.safetensors").exists()
    return None if status == 0 and whole else f"status {status}, {'whole' if whole else 'no model'}"


def main(n: int) -> int:
    """Kill, stop, and say what came of it."""
    folder, faults = Path(tempfile.mkdtemp(prefix="kills-")), 0
    try:
        from latentia import cli

        # children then have what this imports
        with contextlib.chdir(folder), contextlib.redirect_stdout(io.StringIO()):
            cli.main([*FIT, "warm", "--epochs", "1"])
        began = time.monotonic()
        for number, (name, wrong) in enumerate(killed(folder, n), 1):
            faults += wrong is not None
            if wrong or number % 10 == 0:
                print(f"  {name}: {wrong or 'as the one that was let alone'}", flush=True)
        print(
            f"kills: {n} at random moments, {faults} changed a result, {time.monotonic() - began:.0f} s",
            flush=True,
        )
        for name, wrong in [*stopped(folder), ("SIGINT once", rested(folder))]:
            faults += wrong is not None
            print(f"{name}: {wrong or AS_IT_SHOULD[name in STOPS]}", flush=True)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return int(faults > 0)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 100))
