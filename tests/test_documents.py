"""What README and docs tell people to type: each command is one that the parser takes, each Python block runs."""

from __future__ import annotations

import ast
import re
import shlex
from pathlib import Path

import pytest

from latentia import cli
from latentia.kinds import kind_of

ROOT = Path(__file__).parent.parent
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
PLACEHOLDERS = re.compile(r"\b[A-Z]{2,}\b|\.\.\.|\[|<")  # RUN, DATA, N: forms, not commands


def blocks(path, language):
    return re.findall(rf"^```{language}\n(.*?)^```", path.read_text(), re.S | re.M)


def commands():
    """Each command of each document, without its comment."""
    for path in DOCUMENTS:
        for block in (*blocks(path, ""), *blocks(path, "bash"), *blocks(path, "sh")):
            for line in block.replace("\\\n", " ").splitlines():
                if line.startswith("latentia ") and not PLACEHOLDERS.search(line.partition(" #")[0]):
                    yield pytest.param(line, id=f"{path.name}: {line[:60]}")


@pytest.fixture(scope="module")
def parser():
    return cli.build_parser()


@pytest.mark.parametrize("line", list(commands()))
def test_the_parser_takes_each_command(parser, line):
    given = parser.parse_args(shlex.split(line, comments=True)[1:])
    model = given[given.command].get("model")
    if isinstance(model, str):
        assert kind_of(model)


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_python_blocks_name_what_there_is(path):
    for block in blocks(path, "python"):
        for node in ast.walk(ast.parse(block)):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("latentia"):
                exec(compile(ast.Module([node], []), str(path), "exec"), {})


def test_extras_are_quoted():
    for path in DOCUMENTS:
        for line in path.read_text().splitlines():
            assert not re.search(r"pip install [^'\"`]*\w\[", line), f"{path.name}: {line}"


@pytest.mark.slow
def test_the_python_blocks_of_the_readme_run(tmp_path, monkeypatch):
    import numpy as np
    from sklearn.datasets import load_wine

    monkeypatch.chdir(tmp_path)
    rows = load_wine().data
    counts = np.random.default_rng(0).poisson(5, size=(60, 6))
    names = {"X": rows[::2], "X_test": rows[1::2], "counts": counts}
    for block in blocks(ROOT / "README.md", "python"):
        exec(compile(block, "README.md", "exec"), names)
