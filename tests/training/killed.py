"""A fit in a process of its own, which the tests kill: `python killed.py FOLDER OUT SCHEDULE`."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import torch
from standin import batches, bound, model, spread
from torch import Tensor

from latentia.core import Loss, Trace
from latentia.training import Aggressive, Joint, TrainingConfig, fit

CONFIG = TrainingConfig(
    max_epochs=6, batch_size=8, seed=3, averaging=0.9, gradient_clip=5.0, checkpoint_seconds=1e-3
)
SCHEDULES = {
    "joint": Joint(),
    "converge": Aggressive(patience=2),
    "ratio": Aggressive(ratio=2, epochs=0.5),
}


PAUSE = 0.02


def slow_bound(trace: Trace, progress: float = 1.0) -> Loss:
    time.sleep(PAUSE)  # so that there is a time to be killed in
    return bound(trace, progress)


def run(folder: Path | None, out: Path, schedule: str) -> None:
    standin = model()
    history = fit(
        standin,
        slow_bound,
        batches(),
        batches(40, seed=1),
        CONFIG,
        folder,
        resume=folder is not None,
        schedule=SCHEDULES[schedule],
        information=spread,
    )
    state: dict[str, Tensor] = standin.state_dict()
    rows = [{name: value for name, value in row.items() if name != "seconds"} for row in history.rows()]
    torch.save({"weights": state, "rows": rows}, out)


if __name__ == "__main__":
    run(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
