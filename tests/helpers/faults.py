"""Commands in forked children whose n-th operation on files kills the process, or fails: as SQLite's anomaly tests do."""

from __future__ import annotations

import errno
import json
import os
import sys
import threading
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

KILLED = 137
_CHANGING = frozenset(
    {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.truncate", "os.chmod", "os.link", "os.symlink"}
)
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


class Operations:
    """Counts what changes files below a folder: opened to be written, flushed, renamed, removed, made; acts at the n-th.

    Args:
        folder: whose files count.
        at: from 1; 0 only counts.
        act: what happens in place of the n-th operation.
    """

    def __init__(self, folder: Path, at: int, act: Callable[[], None]) -> None:
        self.folder, self.at, self.act, self.count = str(folder), at, act, 0
        self._flush = os.fsync
        os.fsync = self._flushed
        sys.addaudithook(self._heard)

    def _heard(self, event: str, given: tuple[Any, ...]) -> None:
        if event == "open":
            path, mode, flags = given
            writes = bool(flags & _WRITES) if isinstance(flags, int) else bool(set(mode or "r") & set("wax+"))
            if not writes:
                return
        elif event in _CHANGING:
            path = given[0]
        else:
            return
        if isinstance(path, (str, bytes, os.PathLike)) and str(Path(os.fsdecode(path)).absolute()).startswith(
            self.folder
        ):
            self._one()

    def _flushed(self, descriptor: int) -> None:
        self._one()
        self._flush(descriptor)

    def _one(self) -> None:
        if threading.current_thread() is threading.main_thread():
            self.count += 1
            if self.count == self.at:
                self.act()


def kill() -> None:
    """As SIGKILL: nothing more is run."""
    os._exit(KILLED)


def full() -> None:
    """As a full disk."""
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def starved() -> None:
    """As an allocation that fails."""
    raise MemoryError


def command(
    argv: Sequence[object], folder: Path, at: int = 0, act: Callable[[], None] = kill
) -> tuple[int, int, str]:
    """`latentia ARGV` in a folder: exit status, number of operations, what it said on standard error."""
    log, counted = folder.parent / f"{folder.name}.err", folder.parent / f"{folder.name}.count"
    child = os.fork()
    if child == 0:
        status = 70
        try:
            for number, path in ((1, Path(os.devnull)), (2, log)):
                os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
            sys.stdout, sys.stderr = (os.fdopen(number, "w", closefd=False) for number in (1, 2))
            os.chdir(folder)
            operations = Operations(folder, at, act)
            status = _run(argv)
            operations.at = -1
            counted.write_text(str(operations.count))
            sys.stderr.flush()
        finally:
            os._exit(status)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return status, int(counted.read_text()) if counted.exists() else 0, log.read_text()


def _run(argv: Sequence[object]) -> int:
    from latentia import cli

    try:
        cli.main([str(word) for word in argv])
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 1
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


def contents(folder: Path) -> dict[str, Any]:
    """All files below a folder, without times and what follows from them; of pages, that they are there."""
    return {
        str(path.relative_to(folder)): _content(path) for path in sorted(folder.rglob("*")) if path.is_file()
    }


_TIMES = frozenset({"seconds", "created", "digest", "command", "sha256"})


def _content(path: Path) -> Any:
    if path.suffix == ".json":
        return _timeless(json.loads(path.read_text()))
    if path.suffix == ".jsonl":
        return [_timeless(json.loads(line)) for line in path.read_text().splitlines()]
    if path.suffix in (".ckpt", ".html", ".svg", ".png"):
        return path.stat().st_size > 0
    return path.read_bytes()


def _timeless(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _timeless(item) for name, item in value.items() if name not in _TIMES}
    return [_timeless(item) for item in value] if isinstance(value, list) else value
