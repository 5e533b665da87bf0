"""Where long work stands, on standard error: a bar on a terminal, a line every few seconds in files, logs and notebooks.

Work says what it is at (`stage`, `each`), which costs nothing; it is shown within `told`, as the command line's commands are.
"""

from __future__ import annotations

import shutil
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sized
from contextlib import contextmanager
from typing import Any, TypeVar

T = TypeVar("T")
LINES = 8.0
"""Seconds between two lines."""
BARS = 0.5
"""Seconds between two drawings of a bar, and before the first one."""
_WIDTH = 24


class Stage:
    """A piece of work, and how much of it is done.

    Args:
        what: it does, in a few words.
        total: steps that it takes, if that is known.

    Example:
        >>> with stage("restarts", 10) as at:
        ...     at.done = 3
        ...     where()
        'restarts 4/10'
    """

    def __init__(self, what: str, total: int | None = None) -> None:
        self.what, self.total, self.done = what, total, 0

    def __call__(self, what: str) -> None:
        """The next step begins, which does this."""
        self.what = what

    def __str__(self) -> str:
        if self.total is None:
            return f"{self.what} {self.done}" if self.done else self.what
        return f"{self.what} {min(self.done + 1, self.total)}/{self.total}"


_stages: list[Stage] = []


@contextmanager
def stage(what: str, total: int | None = None) -> Iterator[Stage]:
    """Within the block, work is at this; see `Stage`."""
    found = Stage(what, total)
    _stages.append(found)
    try:
        yield found
    finally:
        if found in _stages:
            _stages.remove(found)


def each(what: str, items: Iterable[T]) -> Iterator[T]:
    """The items, one after another, each a step of a stage.

    Example:
        >>> [where() for _ in each("folds", range(2))]
        ['folds 1/2', 'folds 2/2']
    """
    with stage(what, len(items) if isinstance(items, Sized) else None) as at:
        for item in items:
            yield item
            at.done += 1


def where() -> str:
    """What work is at, from the whole to its part; "" if nothing was said."""
    return ", ".join(str(each) for each in list(_stages))


class Teller:
    """Tells, from a thread of its own, where work stands.

    Args:
        stream: where to; None: standard error.
        clock: what tells the time in seconds.
    """

    def __init__(self, stream: Any = None, clock: Callable[[], float] = time.monotonic) -> None:
        self.stream = sys.stderr if stream is None else stream
        self.clock, self.begun = clock, clock()
        self.bar = bool(getattr(self.stream, "isatty", bool)())
        self.hushed = 0
        self._last, self._drawn = self.begun, False
        self._lock, self._ended = threading.Lock(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="latentia-progress", daemon=True)

    def start(self) -> None:
        """Begin to tell."""
        self._thread.start()

    def stop(self) -> None:
        """Tell no more."""
        self._ended.set()
        self._thread.join()
        self.clear()

    def spoke(self) -> None:
        """Another line was shown: the next of these is due later."""
        self._last = self.clock()

    def clear(self) -> None:
        """Take the bar away, so that something else can stand in its line."""
        with self._lock:
            if self._drawn:
                self._write("\r\x1b[K")
                self._drawn = False

    def _run(self) -> None:
        while not self._ended.wait(min(BARS, LINES / 4)):
            self.tell()

    def tell(self) -> None:
        """Show where work stands, if that is due."""
        now = self.clock()
        if self.hushed or now - self._last < (BARS if self.bar else LINES):
            return
        passed = f"{int(now - self.begun) // 60}:{int(now - self.begun) % 60:02d}"
        at = list(_stages)
        words = ", ".join(map(str, at)) or "at work"
        if not self.bar:
            self._last = now
            self._write(f"  ... {words} ({passed})\n")
            return
        counted = next((each for each in at if each.total), None)
        full = 0 if counted is None else _WIDTH * counted.done // (counted.total or 1)
        drawing = "" if counted is None else f" {'━' * full}{'╌' * (_WIDTH - full)}"
        with self._lock:
            if not self._ended.is_set():
                line = f"{words}{drawing} {passed}"
                self._write(f"\r\x1b[K{line[: shutil.get_terminal_size().columns - 1]}")
                self._drawn = True

    def _write(self, text: str) -> None:
        try:
            self.stream.write(text)
            self.stream.flush()
        except (OSError, ValueError):  # what read it is gone
            self.hushed += 1


_teller: Teller | None = None


@contextmanager
def told(wanted: bool = True) -> Iterator[None]:
    """Within the block, where work stands is shown; once, however many such blocks there are."""
    global _teller
    if not wanted or _teller is not None:
        yield
        return
    _teller = teller = Teller()
    teller.start()
    try:
        yield
    finally:
        _teller = None
        teller.stop()


@contextmanager
def hushed(wanted: bool = True) -> Iterator[None]:
    """Within the block nothing is shown: something else does, or nobody wants to know."""
    teller = _teller if wanted else None
    if teller is None:
        yield
        return
    teller.hushed += 1
    teller.clear()
    try:
        yield
    finally:
        teller.hushed -= 1
        teller.spoke()


def spoke() -> None:
    """Something else was shown in place of a line."""
    if _teller is not None:
        _teller.spoke()


def clear() -> None:
    """Take a bar away before something is printed."""
    if _teller is not None:
        _teller.clear()
