"""The tutorial's commands run as they are pasted, on files that the person has, and say what the page says that they say."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import pandas as pd
import pytest

import command_line

PAGE = Path(__file__).parents[3] / "docs" / "types-tutorial.md"
BLOCKS = [
    text
    for language, text in re.findall(r"^```(\w*)\n(.*?)^```$", PAGE.read_text(), re.S | re.M)
    if not language
]
FILES = ("moving-pictures.hdf5.biom", "moving-pictures.metadata.tsv", "moving-pictures.taxonomy.tsv")


def commands() -> list[tuple[str, list[str]]]:
    """Each command with the lines that the page shows below it."""
    found: list[tuple[str, list[str]]] = []
    for block in BLOCKS:
        lines = [line for line in block.replace("\\\n", " ").splitlines() if line.strip() and line != "..."]
        if lines[0].startswith("latentia "):
            found += [(line, []) for line in lines]
        elif found:
            found[-1][1].extend(lines)
    return found


def test_each_command_has_its_file_and_its_folder():
    told = commands()
    assert [line.split()[1] for line, _ in told] == ["types", "types", "types", "fit"]
    assert all(any(name in line for name in FILES) or "runs/" in line for line, _ in told)
    assert sum(len(shown) for _, shown in told) >= 4


@pytest.mark.slow
def test_the_tutorial_runs_as_pasted(real_data, tmp_path, monkeypatch, capsys):
    pytest.importorskip("biom")
    for name in FILES:
        shutil.copy(real_data / "microbiome" / "biom" / name, tmp_path)
    monkeypatch.chdir(tmp_path)
    for line, shown in commands():
        command_line.run(*shlex.split(line)[1:])
        said = [" ".join(text.split()) for text in capsys.readouterr().out.splitlines()]
        for text in shown:
            assert any(text.strip() in each for each in said), f"{line}: {text}"
    run = tmp_path / "runs" / "moving-pictures"
    found = pd.read_csv(run / "types.tsv", sep="\t", index_col="sample-id")
    again = pd.read_csv(tmp_path / "again.tsv", sep="\t", index_col="sample-id")
    assert (found["type"] == again["type"]).all()
    assert f"{len(found)} samples" in (run / "methods.txt").read_text()
