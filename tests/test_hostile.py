"""A sample of what `make fuzz` tries: each input in a process of its own ends with status 0 or one line, in bounded time and memory."""

from __future__ import annotations

import itertools

import pytest

from fuzz import command_lines, data_files, folder_changes, injections
from fuzz.warm import Runs


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    return Runs(tmp_path_factory.mktemp("fuzz"))


def every(nth, start=0):
    """Every n-th of what a function gives."""
    return lambda function: lambda *given: itertools.islice(function(*given), start, None, nth)


def faults(found):
    return [(name, fault) for name, _, fault in found if fault]


def test_data_files(runs, tmp_path, monkeypatch):
    monkeypatch.setattr(data_files, "cases", every(37)(data_files.cases))
    assert faults(data_files.tried(tmp_path, runs)) == []


def test_command_lines(runs, tmp_path, monkeypatch):
    monkeypatch.setattr(command_lines, "lines", every(61, 3)(command_lines.lines))
    assert faults(command_lines.tried(tmp_path, runs)) == []


def test_changed_run_folders_and_containers(runs, tmp_path, monkeypatch):
    monkeypatch.setattr(folder_changes, "COMMANDS", {"mixture": "predict", "vae": "encode"})
    monkeypatch.setattr(folder_changes, "changes", every(17)(folder_changes.changes))
    monkeypatch.setattr(folder_changes, "containers", every(9)(folder_changes.containers))
    assert faults(folder_changes.tried(tmp_path, runs)) == []


def test_injections(runs, tmp_path, monkeypatch):
    monkeypatch.setattr(injections, "PAYLOADS", injections.PAYLOADS[6::12])
    assert faults(injections.tried(tmp_path, runs)) == []


@pytest.mark.slow
@pytest.mark.parametrize("part", [data_files, command_lines, folder_changes, injections])
def test_all_of_them(runs, tmp_path, part):
    assert faults(part.tried(tmp_path, runs)) == []
