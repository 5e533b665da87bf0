"""A run that takes the place of another in its folder: what was there comes back if the new one does not begin."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from latentia.errors import RunFolderError
from latentia.estimators import folder as run_folder
from latentia.files import PART, sweep
from latentia.kinds.known import ROWS

ATTEMPTS = "attempts"  # the folder of a run in which those of `--auto-remedy` lie
_FILES = (
    run_folder.WEIGHTS,
    run_folder.METRICS,
    run_folder.EVALUATION,
    ROWS,
    "report.html",
    run_folder.CONFIG,
)
_FOLDERS = ("checkpoints", "figures", "logs", "prior", "onnx", ATTEMPTS)
_TELLING = frozenset({run_folder.WEIGHTS, run_folder.METRICS, ROWS})
_ASIDE, _DROPPED = f".before{PART}", f".dropped{PART}"


def is_rest_of_run(out: Path) -> bool:
    """Whether a folder without a configuration holds what a run leaves, and nothing else: a kill came while it was replaced."""
    names = {path.name for path in out.iterdir()}
    known = {*_FILES, *_FOLDERS, _ASIDE} | {
        name for name in names if name.startswith(".") and name.endswith(PART)
    }
    return names <= known and bool(names & (_TELLING | {_ASIDE}))


@contextmanager
def put_back_unless_begun(out: Path, *, replaces: bool, resumes: bool) -> Iterator[None]:
    """Around a fit into a folder: if it fails before its first checkpoint, the folder is as it was, old run and all.

    Args:
        out: the run folder.
        replaces: whether the run that is in it goes.
        resumes: whether the run that is in it goes on; then nothing is put back.

    Raises:
        RunFolderError: if what is there cannot be moved.
    """
    made = _missing(out)
    if out.is_dir():
        _tidy(out)
    if replaces:
        _set_aside(out)
    try:
        yield
    except Exception:
        if not resumes and not _begun(out):
            _remove(out)
            _restore(out)
            for folder in made:
                with contextlib.suppress(OSError):
                    folder.rmdir()
        raise
    _drop(out)


def _begun(out: Path) -> bool:
    """Whether there is something to go on from."""
    return any((out / "checkpoints").glob("*")) or any((out / ATTEMPTS).glob(f"*/{run_folder.CONFIG}"))


def _tidy(out: Path) -> None:
    """Put right what a kill left: half a move is undone, a whole one whose new run has begun is done with."""
    sweep(out)
    shutil.rmtree(out / _DROPPED, ignore_errors=True)
    if (out / _ASIDE).is_dir() and not (out / _ASIDE / run_folder.CONFIG).exists():
        _restore(out)
    elif (out / run_folder.CONFIG).exists():
        _drop(out)


def _drop(out: Path) -> None:
    """Remove the old run: under another name first, so that a kill in between leaves nothing that looks like one."""
    with contextlib.suppress(OSError):
        (out / _ASIDE).replace(out / _DROPPED)
    shutil.rmtree(out / _DROPPED, ignore_errors=True)


def _missing(out: Path) -> list[Path]:
    """The folder and those above it that are yet to be made, the innermost first."""
    return [folder for folder in (out, *out.parents) if not folder.exists()]


def _set_aside(out: Path) -> None:
    """Move the files of a run into a folder beside them, the configuration last: until then they are a run."""
    aside = out / _ASIDE
    try:
        for name in (*_FOLDERS, *_FILES):
            if (out / name).exists():
                aside.mkdir(exist_ok=True)
                (out / name).replace(aside / name)
    except (OSError, MemoryError) as error:
        _restore(out)
        if isinstance(error, MemoryError):
            raise
        raise RunFolderError(f"{out} cannot be replaced ({error.strerror}); give another --out") from error


def _remove(out: Path) -> None:
    for name in _FILES:
        with contextlib.suppress(OSError):
            (out / name).unlink(missing_ok=True)
    for name in _FOLDERS:
        shutil.rmtree(out / name, ignore_errors=True)
    if out.is_dir():
        sweep(out)


def _restore(out: Path) -> None:
    aside = out / _ASIDE
    with contextlib.suppress(OSError):
        for name in (*_FOLDERS, *_FILES):
            if (aside / name).exists():
                (aside / name).replace(out / name)
        if aside.is_dir():
            aside.rmdir()
