"""Every command on a run of every kind: it does its work, or says in one line what it needs and which model has it."""

from __future__ import annotations

import itertools
import re
import shutil

import numpy as np
import pytest
from PIL import Image

import command_line
import gallery
from latentia.kinds import KINDS, kind_of, own_commands

EXHIBITS = {exhibit.name: exhibit for exhibit in gallery.exhibits()}
FIRST = [next(name for name, exhibit in EXHIBITS.items() if exhibit.kind is kind) for kind in KINDS.values()]
COMMANDS = {
    "evaluate": ["--n-importance", 2],
    "sample": ["-n", 4, "--out", "drawn.npy"],
    "reconstruct": ["-n", 4, "--out", "rebuilt.npy"],
    "complete": ["-n", 2, "--out", "complete"],
    "export": ["--out", "onnx"],
    "encode": ["--out", "codes.npy"],
    "predict": ["--out", "assignments.csv"],
    "interpolate": ["--out", "way"],
    "traverse": ["--out", "grid"],
    "neighbours": ["--out", "near"],
    "resample": ["--out", "again"],
    "inpaint": ["--out", "painted", "-n", 2],
    "anomaly": ["--out", "odd.csv"],
    "compress": ["--out", "small.lat"],
    "segment": ["--out", "masks.npy"],
    "objects": ["--out", "objects.csv"],
    "count": ["--out", "counts.csv"],
    "edit": ["--out", "edited.npy", "--remove", 1, "-n", 4],
    "rollout": ["--out", "ahead.npy", "-n", 3],
    "track": ["--out", "tracks.csv"],
}
NEEDS = {
    "sample": "Samples", "reconstruct": "Rebuilds", "complete": "Completes", "export": "Exports", "encode": "Encodes",
    "predict": "Clusters", "interpolate": "Walks", "traverse": "Walks", "neighbours": "Encodes", "resample": "Infers",
    "inpaint": "Infers", "anomaly": "Scores", "compress": "Compresses",
    "segment": "Segments", "objects": "Segments", "count": "Segments", "edit": "Segments", "rollout": "Forecasts", "track": "Forecasts",
}  # fmt: skip
IMAGES_ONLY = ("inpaint", "compress")


@pytest.fixture
def inside(tmp_path, monkeypatch):
    """A folder of one's own to write to."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("name", sorted({*FIRST, *(name for name in EXHIBITS if name.endswith("images"))}))
def test_a_command_works_or_names_a_model_that_can(name, command, inside, capsys):
    exhibit = EXHIBITS[name]
    gallery.opened(exhibit)
    run = shutil.copytree(gallery.gallery() / name, inside / "run")
    suffix = ".png" if name.endswith("images") else ".csv"
    options = [
        f"{word}{suffix}" if before == "--out" and word.isalpha() and command != "export" else word
        for before, word in itertools.pairwise(["", *map(str, COMMANDS[command])])
    ]
    argv = [command, run, *options]
    if command == "compress":
        Image.fromarray(np.eye(8, dtype=np.uint8) * 200).save("one.png")
        argv = [command, "one.png", "--run", run, *options]
    own = {kind.name for kind, _ in own_commands().get(command, ())}
    able = exhibit.kind.name in own or (command == "predict" and "Classifies" in exhibit.kind.abilities)
    if able or command not in NEEDS or NEEDS[command] in exhibit.kind.abilities:
        if command in IMAGES_ONLY and not name.endswith("images"):
            assert "image" in command_line.fails(capsys, *argv)
            return
        if command == "export":
            pytest.importorskip("onnx")
        command_line.run(*argv)
        return
    line = command_line.fails(capsys, *argv)
    assert f"this run is a {exhibit.model} ({exhibit.kind.title})" in line
    offered = re.search(r"--model ([\w+-]+)", line)
    if NEEDS[command] in {ability for kind in KINDS.values() for ability in kind.abilities}:
        assert offered is not None
        assert NEEDS[command] in kind_of(offered[1]).abilities
