"""How commands end: statuses, one line, a checkpoint; what a machine refuses is one line too."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from latentia.commands.ending import ended


def fitting(folder, *flags):
    np.savetxt(folder / "t.csv", np.random.default_rng(0).normal(size=(400, 4)), delimiter=",")
    words = [
        "fit",
        "t.csv",
        "--latent-dim",
        "2",
        "--epochs",
        "4000",
        "--set",
        "patience=4000",
        "--out",
        "r",
        "--quiet",
        "--no-report",
    ]
    return subprocess.Popen(
        [sys.executable, "-m", "latentia", *words, *flags],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        text=True,
    )


@pytest.mark.timeout(240)
def test_sigterm_writes_a_checkpoint_and_says_so_in_one_line(tmp_path):
    process = fitting(tmp_path)
    metrics = tmp_path / "r" / "metrics.jsonl"
    while process.poll() is None and not (metrics.exists() and metrics.stat().st_size):
        time.sleep(0.1)
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 143
    assert out == ""
    assert err.splitlines() == ["latentia: stopped by SIGTERM; go on with the same command and --resume"]
    assert (tmp_path / "r" / "checkpoints" / "last.ckpt").exists()
    assert json.loads((tmp_path / "r" / "config.json").read_text())["state"] == "fitting"
    assert not list((tmp_path / "r").rglob("*.part"))


def raising(error):
    def function():
        raise error

    return function


@pytest.mark.parametrize(
    ("error", "status", "words"),
    [
        (MemoryError(), 2, "not enough memory"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried"), 2, "not enough memory"),
        (OSError(28, "No space left on device", "a.csv"), 2, "a.csv: No space left on device"),
        (KeyError("gone"), 70, "a fault of latentia itself, KeyError"),
        (KeyboardInterrupt(), 130, "interrupted"),
    ],
)
def test_whatever_is_raised_is_one_line(capsys, monkeypatch, error, status, words):
    monkeypatch.delenv("LATENTIA_TRACEBACK", raising=False)
    with pytest.raises(SystemExit) as exit_:
        ended(raising(error))
    assert exit_.value.code == status
    (line,) = capsys.readouterr().err.splitlines()
    assert words in line


def test_a_trace_is_shown_to_who_asks(monkeypatch):
    monkeypatch.setenv("LATENTIA_TRACEBACK", "1")
    with pytest.raises(KeyError):
        ended(raising(KeyError("gone")))


def test_handlers_are_as_before():
    before = signal.getsignal(signal.SIGTERM)
    ended(lambda: None)
    assert signal.getsignal(signal.SIGTERM) is before
