"""What README and docs tell people to type runs: each command and Python block, as pasted and in order, in a folder with the examples."""

from __future__ import annotations

import ast
import contextlib
import os
import re
import shlex
import shutil
import subprocess
import sys
import warnings
from dataclasses import replace
from pathlib import Path

import pytest

from documents import DOCUMENTS, ROOT, blocks, words
from latentia import cli
from latentia.kinds import kind_of
from latentia.training import TrainingConfig

PLACEHOLDERS = re.compile(r"\b[A-Z]{2,}\b|\.\.\.|\[|<")  # RUN, DATA, N: forms, not commands
COMMANDS = [
    pytest.param(line, id=f"{path.name}: {line[:60]}")
    for path in DOCUMENTS
    for block in blocks(path)
    for line in block.commands
]
QUICK = {"objectives.md": 1, "plugins.md": 1, "serving.md": 4, "tables.md": 1}
"""Blocks of documents that are run each time, with a few updates in place of whole fits."""
UPDATES = 3


@pytest.fixture(scope="module")
def parser():
    return cli.build_parser()


@pytest.mark.parametrize("line", COMMANDS)
def test_the_parser_takes_each_command(parser, line):
    assert not PLACEHOLDERS.search(line.partition(" #")[0]), "a form, and no command that can be pasted"
    given = parser.parse_args(shlex.split(line, comments=True)[1:])
    model = given[given.command].get("model")
    if isinstance(model, str):
        assert kind_of(model)


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_python_blocks_name_what_there_is(path):
    for block in blocks(path):
        for node in ast.walk(ast.parse(block.text)) if block.language == "python" else ():
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("latentia"):
                exec(compile(ast.Module([node], []), str(path), "exec"), {})


def test_extras_are_quoted_and_named_before_they_are_needed():
    for path in DOCUMENTS:
        for line in path.read_text().splitlines():
            assert not re.search(r"pip install [^'\"`]*\w\[", line), f"{path.name}: {line}"
    readme = (ROOT / "README.md").read_text()
    assert readme.index("[hub]") < readme.index("```\nlatentia fit digits --latent-dim")


def fresh(folder):
    """What a fresh clone has that the documents speak of."""
    shutil.copytree(ROOT / "examples", folder / "examples")
    return folder


def supplied(block, folder):
    """Whether the files that a block needs could be put into the folder; a reason if not."""
    root = Path(os.environ.get("LATENTIA_DATA", "/nowhere"))
    for name in block.needs:
        if not (root / name).is_file():
            return f"$LATENTIA_DATA lacks {name}"
        shutil.copy(root / name, folder)
    return block.reason


def run_here(path, folder, n_blocks):
    """The first blocks of a document, in this process."""
    names = {}
    for block in list(blocks(path))[:n_blocks]:
        for line in block.commands:
            cli.main(words(line))
        if block.language == "python":
            exec(compile(block.text, path.name, "exec"), names)


@pytest.mark.parametrize("name", QUICK)
def test_some_blocks_run_with_few_updates(tmp_path, monkeypatch, name):
    checked = TrainingConfig.__post_init__

    def brief(config):
        checked(config)
        object.__setattr__(config, "max_updates", UPDATES)

    monkeypatch.setattr(TrainingConfig, "__post_init__", brief)
    monkeypatch.chdir(fresh(tmp_path))
    path = next(path for path in DOCUMENTS if path.name == name)
    run_here(path, tmp_path, QUICK[name])


@pytest.mark.slow
@pytest.mark.timeout(5400)
@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_all_blocks_run_as_pasted(tmp_path, path):
    fresh(tmp_path)
    found = [replace(block, reason=supplied(block, tmp_path)) for block in blocks(path)]
    scripts = Path(sys.executable).parent
    there = {name: value for name, value in os.environ.items() if name != "LATENTIA_DATA"}
    names = {}
    for block in found:
        if block.reason:
            warnings.warn(
                f"{path.name}: not run, {block.reason}: {block.text[:60]}", SkippedBlock, stacklevel=1
            )
            continue
        full = {
            **(os.environ if block.needs else there),
            "PATH": f"{scripts}{os.pathsep}{os.environ['PATH']}",
        }
        for line in block.commands:
            ended = subprocess.run(
                ["bash", "-c", line], cwd=tmp_path, env=full, capture_output=True, text=True, check=False
            )
            assert ended.returncode == 0, f"{line}\n{ended.stderr[-2000:]}"
        if block.language == "python":
            with contextlib.chdir(tmp_path):
                exec(compile(block.text, path.name, "exec"), names)


class SkippedBlock(UserWarning):
    """A block that was not run, and why."""


pytestmark = pytest.mark.filterwarnings("default::UserWarning")
