"""A command in a forked child: what it says, how it ends, what it leaves."""

from __future__ import annotations

import os
import resource
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

SECONDS, BYTES = 20, 2 << 30


@dataclass(frozen=True)
class Ended:
    """How a command ended.

    Attributes:
        status: of the exit; minus the number of a signal.
        out: what it printed.
        err: what it said on standard error.
        seconds: that it took.
        left: files that were not there before.
    """

    status: int
    out: str
    err: str
    seconds: float
    left: tuple[str, ...]


def command(argv: Sequence[str], folder: Path) -> Ended:
    """`latentia ARGV` in a folder; killed after `SECONDS`, refused more than `BYTES` beyond what it starts with."""
    before, began = listed(folder), time.monotonic()
    logs = folder.parent / f"{folder.name}.out", folder.parent / f"{folder.name}.err"
    child = os.fork()
    if child == 0:
        status = 70
        try:
            status = _inside(argv, folder, *logs)
        finally:
            os._exit(status)
    status = _waited(child, began)
    texts = [log.read_text(errors="replace") for log in logs]
    return Ended(status, *texts, time.monotonic() - began, tuple(sorted(listed(folder) - before)))


def listed(folder: Path) -> set[str]:
    """All paths below a folder."""
    return {
        str(Path(place, name).relative_to(folder))
        for place, folders, files in os.walk(folder)
        for name in (*folders, *files)
    }


def _waited(child: int, began: float) -> int:
    while time.monotonic() - began < SECONDS:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.005)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return -signal.SIGKILL


def _inside(argv: Sequence[str], folder: Path, out: Path, err: Path) -> int:
    for number, path in ((1, out), (2, err)):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
    sys.stdout, sys.stderr = (os.fdopen(number, "w", closefd=False) for number in (1, 2))
    os.chdir(folder)
    held = int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    resource.setrlimit(resource.RLIMIT_AS, (held + BYTES, held + BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    from latentia import cli

    try:
        cli.main(list(argv))
        status = 0
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 1
    except BaseException:
        import traceback

        traceback.print_exc()
        status = 1
    sys.stdout.flush()
    sys.stderr.flush()
    return status


def fault(ended: Ended, refused: bool | None, may_leave: bool = False) -> str | None:
    """What is wrong with how a command ended; None if nothing is.

    Args:
        ended: how.
        refused: whether it must be refused; None: either is well.
        may_leave: whether it may leave files although it was refused.
    """
    if ended.status == -signal.SIGKILL:
        return f"hangs, or takes more than {SECONDS} s"
    if ended.status < 0:
        return f"killed by signal {-ended.status}"
    if "Traceback" in ended.err or ended.status not in (0, 2):
        return f"status {ended.status}: {(ended.err.strip().splitlines() or ['nothing said'])[-1][:200]}"
    if ended.status == 0:
        return "taken, and should have been refused" if refused else None
    lines = [line for line in ended.err.splitlines() if line.strip()]
    if len(lines) != 1 or not lines[0].startswith("latentia: error: "):
        return f"{len(lines)} lines on standard error: {lines[:2]}"
    if refused is False:
        return f"refused, and should have been taken: {lines[0][:200]}"
    if ended.left and not may_leave:
        return f"leaves {', '.join(ended.left[:4])}"
    return None
