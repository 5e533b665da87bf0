"""A fit that is killed at random moments and resumed ends with the bits of one that was left alone."""

from __future__ import annotations

import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

FIT = (
    "fit",
    "digits",
    "--latent-dim",
    "4",
    "--epochs",
    "12",
    "--seed",
    "3",
    "--quiet",
    "--no-report",
    "--out",
)


def command(out: Path) -> list[str]:
    return [sys.executable, "-m", "latentia.cli", *FIT, str(out)]


def compare(folder: Path) -> None:
    name = "model.safetensors"
    assert (folder / "killed" / name).read_bytes() == (folder / "whole" / name).read_bytes()


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_ten_kills_of_the_command_line_change_no_bit(tmp_path):
    started = time.monotonic()
    subprocess.run(command(tmp_path / "whole"), check=True, capture_output=True)
    whole = time.monotonic() - started
    rng = random.Random(0)
    kills = 0
    while kills < 10:
        with subprocess.Popen(
            [*command(tmp_path / "killed"), "--resume"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        ) as process:
            time.sleep(rng.uniform(0.1, 0.9) * whole)
            ended = process.poll() is not None  # it came to its end before the kill: begin another one
            if not ended:
                process.send_signal(signal.SIGKILL)
            said = process.stderr.read().decode() if process.stderr else ""
        if ended:
            assert process.returncode == 0, said
            compare(tmp_path)
            shutil.rmtree(tmp_path / "killed")
            continue
        kills += 1
    subprocess.run([*command(tmp_path / "killed"), "--resume"], check=True, capture_output=True)
    compare(tmp_path)
