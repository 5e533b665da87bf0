"""A fit that is killed at random moments, or stopped, and resumed ends as one that was left alone; `python -m fuzz.kills` does more of it."""

from __future__ import annotations

import contextlib
import io

import pytest

from fuzz import kills
from latentia import cli


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_kills_and_signals_change_no_file(tmp_path):
    with contextlib.chdir(tmp_path), contextlib.redirect_stdout(io.StringIO()):
        cli.main([*kills.FIT, "warm", "--epochs", "1"])
    assert [(name, wrong) for name, wrong in kills.killed(tmp_path, 10) if wrong] == []
    assert [(name, wrong) for name, wrong in kills.stopped(tmp_path) if wrong] == []
    assert kills.rested(tmp_path) is None
