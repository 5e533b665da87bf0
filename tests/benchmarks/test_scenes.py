"""Rows of `benchmarks/scenes.py` and `benchmarks/videos.py` that need a card: they run for a few steps anywhere, and are refused in one line else."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest
import torch

FOLDER = Path(__file__).parents[2] / "benchmarks"
ROWS = [
    ("scenes", "sprites-grey", "ari_fg genesis-v2"),
    ("scenes", "tetrominoes", "ari_fg slot-attention"),
    ("scenes", "sprites-same", "ari_fg [a-z0-9-]+"),
    ("scenes", "air-published", "accuracy"),
    ("scenes", "masks-speed", "speed"),
    ("videos", "stove", "error"),
]


@pytest.fixture
def scripts(monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))
    return importlib.import_module


@pytest.mark.parametrize(("script", "row", "figure"), ROWS)
def test_a_row_for_a_card_runs_for_a_few_steps(script, row, figure, scripts, capsys):
    scripts(script).main(["--gpu", "--only", row, "--steps", "1", "--quick"])
    assert re.match(rf"{row}: {figure} -?[\d.]+", capsys.readouterr().out)


@pytest.mark.parametrize("script", ["scenes", "videos"])
def test_without_a_card_they_are_refused_in_one_line(script, scripts, capsys, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(SystemExit):
        scripts(script).main(["--gpu"])
    assert "there is no CUDA here" in capsys.readouterr().err.splitlines()[-1]
    with pytest.raises(SystemExit):
        scripts(script).main(["--only", "masks-speed" if script == "scenes" else "stove"])
    assert "is run with --gpu" in capsys.readouterr().err.splitlines()[-1]
