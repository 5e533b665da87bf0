"""Two processes with half of each batch end where one with all of it ends."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

SCRIPT = Path(__file__).with_name("two_processes.py")


@pytest.fixture(scope="module")
def states(tmp_path_factory):
    folder = tmp_path_factory.mktemp("two")
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo"}
    processes = [
        subprocess.Popen([sys.executable, str(SCRIPT), str(rank), str(folder)], env=environment)
        for rank in (0, 1)
    ]
    assert [process.wait(timeout=240) for process in processes] == [0, 0]
    return [torch.load(folder / f"{rank}.pt") for rank in (0, 1)]


@pytest.mark.parametrize("case", ["plain", "restarted", "started"])
def test_both_processes_hold_the_same(states, case):
    for name, value in states[0][case].items():
        assert torch.equal(value, states[1][case][name]), name


def test_averages_are_those_of_one_process(states):
    sys.path.insert(0, str(SCRIPT.parent))
    try:
        import two_processes
    finally:
        sys.path.pop(0)
    one = two_processes.quantizer(ema=True)
    one.codebook.revive = False
    for name, value in two_processes.train(one, slice(None), 0).items():
        torch.testing.assert_close(value, states[0]["plain"][name])


def test_dead_codes_are_restarted_in_both(states):
    vectors = states[0]["restarted"]["codebook.vectors"]
    assert (vectors.abs() < 100).all()
