"""A fit that is cut off at any moment and resumed ends with the same bits as one that was not."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from standin import StandIn, batches, bound, identical, model, noisy, rows, weights_of
from torch import Tensor

from latentia.core import Loss, Trace
from latentia.errors import ConfigError, RunFolderError, TrainingError
from latentia.training import Batches, EpochRecord, History, TrainingConfig, fit
from latentia.training.checkpoint_file import packed, unpacked
from latentia.training.optimizers import OptimizerName

CONFIG = TrainingConfig(max_epochs=4, batch_size=16, seed=1)


class Cut(Exception):
    """Stands for a crash."""


class CutAt:
    """An objective that crashes at a given call, once; the calls before it are one for each step."""

    def __init__(self, call: int, error: BaseException | None = None) -> None:
        self.calls, self.call, self.error = 0, call, error or Cut()

    def __call__(self, trace: Trace, progress: float = 1.0) -> Loss:
        self.calls += 1
        if self.calls == self.call:
            raise self.error
        return bound(trace, progress)


def run(
    config: TrainingConfig, folder: Path | None = None, objective: object = bound, **options: bool
) -> tuple[dict[str, Tensor], list[dict[str, float]]]:
    standin = model()
    history = fit(standin, objective, batches(), batches(40, seed=1), config, folder, **options)
    return weights_of(standin), timeless(history)


def timeless(history: History) -> list[dict[str, float]]:
    return [{name: value for name, value in row.items() if name != "seconds"} for row in history.rows()]


def read_rows(folder: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


@pytest.mark.parametrize(
    ("averaging", "optimizer"), [(None, "adamw"), (0.9, "adamw"), (0.9, "muon"), (None, "sgd")]
)
@pytest.mark.parametrize("step", [1, 2, 6, 7, 15, 24])
def test_crash_in_any_step_resumes_to_the_same_bits(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    step: int,
    averaging: float | None,
    optimizer: OptimizerName,
) -> None:
    monkeypatch.setattr("latentia.training.optimizers.SMALLEST_SIDE", 4)  # the stand-in is narrow
    # 90 rows in batches of 16: six steps an epoch, so that the steps named lie at starts, middles and ends
    config = replace(
        CONFIG, averaging=averaging, optimizer=optimizer, checkpoint_seconds=1e-9, gradient_clip=1.0
    )
    weights, whole = run(config)
    with pytest.raises(Cut):
        run(config, tmp_path, CutAt(step))
    resumed, again = run(config, tmp_path, CutAt(-1), resume=True)
    assert identical(resumed, weights)
    assert again == whole
    assert [{name: row[name] for name in whole[0]} for row in read_rows(tmp_path)] == whole


def test_resume_begins_within_the_epoch(tmp_path: Path) -> None:
    config = replace(CONFIG, checkpoint_seconds=1e-9)
    with pytest.raises(Cut):
        run(config, tmp_path, CutAt(10))
    rest = CutAt(-1)
    run(config, tmp_path, rest, resume=True)
    assert rest.calls == 4 * 6 - 9


def test_without_checkpoints_within_epochs_resume_begins_at_an_epoch(tmp_path: Path) -> None:
    weights, _ = run(CONFIG)
    with pytest.raises(Cut):
        run(CONFIG, tmp_path, CutAt(10))
    rest = CutAt(-1)
    resumed, _ = run(CONFIG, tmp_path, rest, resume=True)
    assert rest.calls == 3 * 6
    assert identical(resumed, weights)


def test_rows_past_the_checkpoint_are_cut(tmp_path: Path) -> None:
    with pytest.raises(Cut):
        run(CONFIG, tmp_path, CutAt(10))
    with (tmp_path / "metrics.jsonl").open("a") as file:
        file.write('{"epoch": 2}\n{"ep')
    run(CONFIG, tmp_path, CutAt(-1), resume=True)
    assert [row["epoch"] for row in read_rows(tmp_path)] == [1, 2, 3, 4]


def test_resume_of_a_finished_run_returns_the_same_at_once(tmp_path: Path) -> None:
    weights, whole = run(CONFIG, tmp_path, CutAt(-1))
    never = CutAt(1)  # would crash in the first step
    resumed, again = run(CONFIG, tmp_path, never, resume=True)
    assert never.calls == 0
    assert identical(resumed, weights)
    assert again == whole


def test_settings_may_be_numpy_numbers(tmp_path: Path) -> None:
    config = replace(CONFIG, seed=np.int64(1), learning_rate=np.float64(2e-3))
    weights, _ = run(config, tmp_path)
    assert identical(run(CONFIG, tmp_path, resume=True)[0], weights)


def test_resume_without_a_checkpoint_starts_afresh(tmp_path: Path) -> None:
    assert identical(run(CONFIG, tmp_path, resume=True)[0], run(CONFIG)[0])


def test_a_fresh_start_forgets_the_checkpoint_of_an_earlier_run(tmp_path: Path) -> None:
    run(CONFIG, tmp_path)
    with pytest.raises(Cut):
        run(CONFIG, tmp_path, CutAt(1))
    assert not list((tmp_path / "checkpoints").iterdir())
    assert read_rows(tmp_path) == []


def test_early_stop_holds_after_resume(tmp_path: Path) -> None:
    config = replace(CONFIG, max_epochs=40, patience=1, learning_rate=0.3)
    weights, whole = run(config)
    assert len(whole) < 40

    def crash(record: EpochRecord) -> None:
        if record.epoch == len(whole):
            raise Cut

    with pytest.raises(Cut):
        fit(model(), CutAt(-1), batches(), batches(40, seed=1), config, tmp_path, epoch_end=crash)
    resumed, no_step = model(), CutAt(1)
    history = fit(resumed, no_step, batches(), batches(40, seed=1), config, tmp_path, resume=True)
    assert history.stopped_early
    assert identical(weights_of(resumed), weights)


@pytest.fixture
def heard() -> Iterator[None]:
    """Ctrl-C reaches Python also where whoever started the tests has it ignored (a job in the background)."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("heard")
def test_ctrl_c_saves_between_two_steps_and_is_raised_again(tmp_path: Path) -> None:
    weights, _ = run(CONFIG)

    class Press(CutAt):
        def __call__(self, trace: Trace, progress: float = 1.0) -> Loss:
            self.calls += 1
            if self.calls == self.call:
                os.kill(os.getpid(), signal.SIGINT)
            return bound(trace, progress)

    handler = signal.getsignal(signal.SIGINT)
    first = Press(9)
    with pytest.raises(KeyboardInterrupt):
        run(CONFIG, tmp_path, first)
    assert first.calls == 9
    assert signal.getsignal(signal.SIGINT) is handler
    rest = Press(-1)
    resumed, _ = run(CONFIG, tmp_path, rest, resume=True)
    assert rest.calls == 4 * 6 - 9
    assert identical(resumed, weights)


def test_keyboard_interrupt_from_a_callback_is_not_an_exit() -> None:
    handler = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        run(CONFIG, None, CutAt(2, KeyboardInterrupt()))
    assert signal.getsignal(signal.SIGINT) is handler


def test_checkpoint_of_something_else_is_refused_with_what_differs(tmp_path: Path) -> None:
    run(CONFIG, tmp_path)
    with pytest.raises(TrainingError, match="batch_size is 16 there and 8 here"):
        run(replace(CONFIG, batch_size=8), tmp_path, resume=True)
    with pytest.raises(TrainingError, match="training data checksum"):
        fit(model(), bound, batches(seed=5), batches(40, seed=1), CONFIG, tmp_path, resume=True)
    with pytest.raises(
        TrainingError, match=r"shape of encoder\.0\.weight is \[16, 6\] there and \[4, 6\] here"
    ):
        fit(StandIn(hidden=4), bound, batches(), batches(40, seed=1), CONFIG, tmp_path, resume=True)
    with pytest.raises(TrainingError, match="objective is 'bound' there and 'CutAt' here"):
        run(CONFIG, tmp_path, CutAt(-1), resume=True)
    with pytest.raises(ConfigError, match="run folder"):
        run(CONFIG, None, resume=True)


def test_unreadable_checkpoint_is_named(tmp_path: Path) -> None:
    run(CONFIG, tmp_path)
    path = tmp_path / "checkpoints" / "last.ckpt"
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(RunFolderError, match=r"cannot read checkpoint .*last\.ckpt"):
        run(CONFIG, tmp_path, resume=True)


@pytest.mark.parametrize("place", [9, 400, -3])
def test_a_flipped_bit_is_noticed(tmp_path: Path, place: int) -> None:
    run(CONFIG, tmp_path)
    path = tmp_path / "checkpoints" / "last.ckpt"
    content = bytearray(path.read_bytes())
    content[place] ^= 4
    path.write_bytes(content)
    with pytest.raises(RunFolderError, match="cannot read checkpoint"):
        run(CONFIG, tmp_path, resume=True)


@pytest.mark.parametrize("part", ["position", "model", "optimizers", "sums", "random"])
def test_a_checkpoint_that_lacks_a_part_is_one_error(tmp_path: Path, part: str) -> None:
    with pytest.raises(Cut):
        run(replace(CONFIG, checkpoint_seconds=1e-9), tmp_path, CutAt(9))
    path = tmp_path / "checkpoints" / "last.ckpt"
    kept = unpacked(path.read_bytes())
    kept["state"][part] = 5
    path.write_bytes(packed(kept))
    with pytest.raises(RunFolderError, match="lacks or distorts a part"):
        run(replace(CONFIG, checkpoint_seconds=1e-9), tmp_path, CutAt(-1), resume=True)


def test_a_checkpoint_runs_no_code(tmp_path: Path) -> None:
    run(CONFIG, tmp_path)
    path = tmp_path / "checkpoints" / "last.ckpt"

    class Harmful:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return os.system, (f"touch {tmp_path / 'harm'}",)

    torch.save({"format": 1, "identity": Harmful(), "state": {}}, path)
    with pytest.raises(RunFolderError, match="cannot read checkpoint"):
        run(CONFIG, tmp_path, resume=True)
    assert not (tmp_path / "harm").exists()


def killed_and_resumed(tmp_path: Path, kills: int, seed: int, schedule: str = "joint") -> None:
    """Kill a fit `kills` times at random moments, let it end, and compare with one that was left alone."""
    here = Path(__file__).parent
    paths = os.pathsep.join([str(here), *filter(None, [os.environ.get("PYTHONPATH")])])
    environment = {**os.environ, "PYTHONPATH": paths, "OMP_NUM_THREADS": "1"}
    out, folder = tmp_path / "out.pt", tmp_path / "run"
    command = [sys.executable, str(here / "killed.py"), str(folder), str(out), schedule]
    moments = random.Random(seed)
    for _ in range(kills):
        checkpoint = folder / "checkpoints" / "last.ckpt"
        before = checkpoint.stat().st_mtime_ns if checkpoint.exists() else 0
        process = subprocess.Popen(command, env=environment)
        deadline = time.monotonic() + 120
        # wait until it has come further than the one before, then a random moment more
        while process.poll() is None and time.monotonic() < deadline:
            if checkpoint.exists() and checkpoint.stat().st_mtime_ns > before:
                break
            time.sleep(0.002)
        time.sleep(moments.uniform(0, 1.2 / kills))
        assert process.poll() is None, "the fit was over before it could be killed"
        process.kill()
        process.wait()
    subprocess.run(command, env=environment, check=True, timeout=120)
    resumed = torch.load(out, weights_only=True)
    from killed import run as whole_run

    whole_run(None, tmp_path / "whole.pt", schedule)
    whole = torch.load(tmp_path / "whole.pt", weights_only=True)
    assert identical(resumed["weights"], whole["weights"])
    assert resumed["rows"] == whole["rows"]


@pytest.mark.slow
@pytest.mark.parametrize("schedule", ["converge", "ratio"])
def test_two_kills_of_a_fit_with_an_aggressive_phase_change_no_bit(tmp_path: Path, schedule: str) -> None:
    killed_and_resumed(tmp_path, kills=2, seed=0, schedule=schedule)


@pytest.mark.slow
def test_ten_kills_change_no_bit(tmp_path: Path) -> None:
    killed_and_resumed(tmp_path, kills=10, seed=1)


def test_mapped_file_resumes_too(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", rows())
    config = replace(CONFIG, max_epochs=2, checkpoint_seconds=1e-9)

    def mapped(objective: object, folder: Path | None, resume: bool = False) -> dict[str, Tensor]:
        standin = model()
        x = np.load(tmp_path / "x.npy", mmap_mode="r")
        fit(
            standin,
            objective,
            Batches(x, noisy, workers=1),
            batches(40, seed=1),
            config,
            folder,
            resume=resume,
        )
        return weights_of(standin)

    with pytest.raises(Cut):
        mapped(CutAt(9), tmp_path / "run")
    assert identical(mapped(CutAt(-1), tmp_path / "run", resume=True), run(config)[0])
