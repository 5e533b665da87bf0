"""Seconds of training with OpenMP threads that spin where they wait, as they come, and that sleep (`OMP_WAIT_POLICY=PASSIVE`).

Each fit is a process of its own, on idle cores and beside one other process that keeps a core busy. The command line takes the
second way where the machine is busy (`latentia.cli`). On cores that are not idle to begin with, the first row says nothing.
"""

from __future__ import annotations

import os
import subprocess
import sys
from functools import partial
from pathlib import Path

from common import device, epoch_seconds, images, interleaved, latentia_loop, machine, options, publish, table

BUSY = "while True: pass"


def worker(n_images: int) -> None:
    """Print the seconds of one epoch of the default network."""
    x, _ = images(n_images)
    print(epoch_seconds(latentia_loop(x, device()), device()))


def seconds_of(policy: str | None, n_beside: int, n_images: int) -> float:
    """Seconds of an epoch in a process under this policy, with `n_beside` busy processes beside it."""
    environment = {name: value for name, value in os.environ.items() if name != "OMP_WAIT_POLICY"}
    if policy:
        environment["OMP_WAIT_POLICY"] = policy
    beside = [subprocess.Popen([sys.executable, "-c", BUSY]) for _ in range(n_beside)]
    try:
        command = [sys.executable, "-c", f"from busy_machine import worker; worker({n_images})"]
        done = subprocess.run(
            command, cwd=Path(__file__).parent, env=environment, capture_output=True, text=True, check=True
        )
    finally:
        for process in beside:
            process.kill()
            process.wait()
    return float(done.stdout.split()[-1])


def main() -> None:
    given = options(__doc__.splitlines()[0])
    n_images = int(1280 * given.scale)
    kinds = {"idle cores": 0, "one busy core": 1}
    runs = {
        f"{kind} {policy}": partial(seconds_of, policy, n_beside, n_images)
        for kind, n_beside in kinds.items()
        for policy in (None, "PASSIVE")
    }
    found = interleaved(runs, repetitions=3)
    rows = []
    for kind in kinds:
        spinning, sleeping = found[f"{kind} None"], found[f"{kind} PASSIVE"]
        rows.append([kind, f"{spinning:.2f}", f"{sleeping:.2f}", f"{sleeping / spinning:.2f}"])
    text = f"Seconds of an epoch of {n_images} images, the default network, batches of 128; medians of 3\n{machine()}\n\n"
    publish("busy_machine", text + table(["", "spinning", "sleeping", "ratio"], rows), given.save)


if __name__ == "__main__":
    main()
