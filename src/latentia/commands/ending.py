"""How a command ends: its status, and one line where it does not end well.

| status | what happened |
| --- | --- |
| 0 | all is done |
| 2 | an expected error: wrong input, a full disk, too little memory |
| 70 | a fault of latentia itself |
| 130, 143, 129 | stopped by Ctrl-C, SIGTERM, SIGHUP; a fit has written a checkpoint |
| 141 | what read the output is gone |
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from types import FrameType
from typing import Any, NoReturn, cast

from latentia.commands.output import PlainStream, plain
from latentia.errors import LatentiaError
from latentia.guard import in_words, room, shown

TRACE = "LATENTIA_TRACEBACK"
"""Environment variable that, if set, lets faults of latentia itself show their whole trace."""
_TORCH_IS_OUT = ("can't allocate memory", "out of memory", "not enough memory")


def fail(message: object, status: int = 2) -> NoReturn:
    """Say what is wrong in one line on standard error, and end."""
    print(f"latentia: error: {plain(' '.join(str(message).split()))}", file=sys.stderr)
    raise SystemExit(status)


def ended(function: Callable[..., Any], /, *args: Any, resumes: bool = False) -> Any:
    """Call a function; whatever it raises becomes one line and a status.

    Args:
        function: what is to be done.
        args: given to it.
        resumes: whether the same command with --resume goes on where it was stopped.
    """
    with _stopped_as_by_hand() as stops, redirect_stdout(cast(Any, PlainStream(sys.stdout))):
        try:
            found = function(*args)
            sys.stdout.flush()
        except LatentiaError as error:
            fail(error)
        except KeyboardInterrupt:
            number = stops[-1] if stops else signal.SIGINT
            advice = "; go on with the same command and --resume" if resumes else ""
            print(f"latentia: {_STOPPED[number]}{advice}", file=sys.stderr)
            raise SystemExit(128 + number) from None
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise SystemExit(141) from None
        except Exception as error:
            _unexpected(error)
        return found


def _unexpected(error: Exception) -> NoReturn:
    """What the machine refuses, as an expected error; all else is a fault of latentia."""
    if isinstance(error, MemoryError) or any(words in str(error) for words in _TORCH_IS_OUT):
        fail(
            f"not enough memory ({in_words(room())} are free): take fewer rows, a smaller batch or a smaller model"
        )
    if isinstance(error, OSError) and error.strerror:
        where = f"{shown(error.filename)}: " if error.filename is not None else ""
        fail(f"{where}{error.strerror}")
    if os.environ.get(TRACE):
        raise error
    last = traceback.extract_tb(error.__traceback__)[-1]
    own = [frame for frame in traceback.extract_tb(error.__traceback__) if "latentia" in frame.filename]
    at = (own or [last])[-1]
    fail(
        f"a fault of latentia itself, {type(error).__name__} ({shown(error)}) at {at.filename.rpartition('latentia')[2].lstrip('/')}:"
        f"{at.lineno}; please report it with what {TRACE}=1 shows",
        70,
    )


_STOPPED = {signal.SIGINT: "interrupted", signal.SIGTERM: "stopped by SIGTERM"}
_HANGUP = getattr(signal, "SIGHUP", None)
if _HANGUP is not None:
    _STOPPED[_HANGUP] = "stopped, for the terminal is gone"


@contextmanager
def _stopped_as_by_hand() -> Iterator[list[signal.Signals]]:
    """Within the block SIGTERM and SIGHUP act as Ctrl-C does; gives those that came."""
    came: list[signal.Signals] = []

    def stop(number: int, frame: FrameType | None) -> None:
        came.append(signal.Signals(number))
        pressed = signal.getsignal(signal.SIGINT)
        if callable(pressed):
            pressed(number, frame)
        else:
            raise KeyboardInterrupt

    numbers = [number for number in _STOPPED if number != signal.SIGINT]
    if threading.current_thread() is not threading.main_thread():
        yield came
        return
    before = {number: signal.getsignal(number) for number in numbers}
    for number in numbers:
        if before[number] != signal.SIG_IGN:  # nohup
            signal.signal(number, stop)
    try:
        yield came
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
