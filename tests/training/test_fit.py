"""What a fit does to a model, keeps, writes and refuses."""

from __future__ import annotations

import errno
import json
import logging
import math
import os
import random
import resource
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from standin import StandIn, batches, bound, identical, model, rows, weights_of
from torch import Tensor, nn

from latentia.core import Loss, Trace
from latentia.errors import ConfigError, MissingExtraError, RunFolderError, TrainingError
from latentia.training import Batches, EpochRecord, TrainingConfig, fit
from latentia.training.checkpoint_file import unpacked
from latentia.training.config import learning_rate_at

CONFIG = TrainingConfig(max_epochs=3, batch_size=16, seed=1)


def run(
    config: TrainingConfig, folder: Path | None = None, objective: object = bound, **options: object
) -> StandIn:
    standin = model()
    fit(standin, objective, batches(), batches(40, seed=1), config, folder, **options)
    return standin


def test_the_bound_improves_and_the_model_is_left_ready() -> None:
    standin = model()
    records: list[EpochRecord] = []
    config = replace(CONFIG, max_epochs=25, learning_rate=1e-2)
    history = fit(standin, bound, batches(), batches(40, seed=1), config, epoch_end=records.append)
    assert list(history.epochs) == records
    assert [record.epoch for record in records] == list(range(1, 26))
    assert [record.step for record in records] == [6 * epoch for epoch in range(1, 26)]
    assert records[-1].validation["elbo"] > records[0].validation["elbo"] + 1
    assert records[-1].train["loss"] < records[0].train["loss"] - 1
    for record in records:
        figures = record.validation
        assert figures["elbo"] == pytest.approx(figures["log_likelihood"] - figures["kl"])
        assert record.train["loss"] == pytest.approx(
            record.train["distortion"] + record.train["kl"], abs=1e-5
        )
    assert not standin.training
    assert standin.prepared == 90
    assert standin.calibrated_rows == [90] * 26


def test_calibration_is_on_at_most_2048_rows_an_epoch_and_all_at_the_end() -> None:
    standin = model()
    fit(standin, bound, batches(3000), batches(40, seed=1), replace(CONFIG, max_epochs=1, batch_size=500))
    assert standin.calibrated_rows == [2048, 3000]


def set_seeds(seed: int) -> None:
    torch.manual_seed(seed)
    np.random.seed(seed)  # noqa: NPY002  (the global state is the point)
    random.seed(seed)


def test_same_seed_same_bits_whatever_the_caller_drew() -> None:
    first = weights_of(run(CONFIG))
    set_seeds(99)
    assert identical(weights_of(run(CONFIG)), first)
    assert not identical(weights_of(run(replace(CONFIG, seed=2))), first)


def test_the_callers_random_state_and_switches_are_as_before() -> None:
    set_seeds(5)
    level = logging.getLogger("lightning.pytorch").level
    run(CONFIG)
    drawn = torch.rand(3), np.random.rand(3), random.random()  # noqa: NPY002
    set_seeds(5)
    assert torch.equal(drawn[0], torch.rand(3))
    assert np.array_equal(drawn[1], np.random.rand(3))  # noqa: NPY002
    assert drawn[2] == random.random()
    assert torch.is_grad_enabled()
    assert logging.getLogger("lightning.pytorch").level == level


def test_nothing_is_printed_or_left_in_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    run(replace(CONFIG, progress=True))  # captured output is no terminal
    assert capfd.readouterr() == ("", "")
    assert list(tmp_path.iterdir()) == []


def test_where_there_is_no_terminal_a_line_comes_every_few_seconds(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("latentia.training.progress._LINE_SECONDS", 0.0)
    run(replace(CONFIG, progress=True))
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) >= CONFIG.max_epochs
    assert all(line.startswith("epoch ") and "loss" in line for line in lines)
    assert "100%" in lines[-1]


def test_progress_bar_shows_loss_and_its_parts(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")  # rich then draws as on a terminal
    monkeypatch.setenv("COLUMNS", "200")
    run(replace(CONFIG, progress=True))
    shown = capsys.readouterr()
    assert shown.out == ""
    for figure in ("epoch 3/3", "18/18", "loss ", "distortion ", "kl ", "validation bound "):
        assert figure in shown.err


def validation_elbo(standin: StandIn) -> float:
    """The bound of a fitted model by hand, over many draws (the fit's own figure is over one)."""
    x = torch.from_numpy(rows(40, seed=1)).float() / 255
    with torch.no_grad():
        return standin.trace(x, n_samples=2000).elbo.mean().item()


@pytest.mark.parametrize("averaging", [None, 0.8])
def test_best_weights_are_kept(averaging: float | None) -> None:
    seen: list[dict[str, Tensor]] = []
    standin = model()
    # a rate this high makes the bound go up and down
    config = replace(CONFIG, max_epochs=12, learning_rate=0.1, averaging=averaging)
    history = fit(
        standin,
        bound,
        batches(),
        batches(40, seed=1),
        config,
        epoch_end=lambda _: seen.append(weights_of(standin)),
    )
    bounds = [record.validation["elbo"] for record in history.epochs]
    best = int(np.argmax(bounds))
    assert history.best_epoch == best + 1
    assert best + 1 < 12, "the test needs a best epoch before the last"
    own = {name: value for name, value in seen[best].items() if name != "variance"}
    kept = {name: value for name, value in weights_of(standin).items() if name != "variance"}
    # without averaging the weights of that epoch; with it, others
    assert identical(own, kept) == (averaging is None)
    assert validation_elbo(standin) == pytest.approx(bounds[best], abs=0.5)


def test_averaged_weights_and_batch_statistics_follow_the_recurrence() -> None:
    seen: list[dict[str, Tensor]] = []
    standin = model()
    start = weights_of(standin)
    start["decoder.2.bias"] = torch.from_numpy(rows()).float().mean(0) / 255 + 0.005
    one_step = replace(CONFIG, max_epochs=3, batch_size=90, averaging=0.2)
    fit(standin, bound, batches(), None, one_step, epoch_end=lambda _: seen.append(weights_of(standin)))
    for name in ("encoder.0.weight", "encoder.1.running_mean", "encoder.1.running_var"):
        average = start[name].double()
        for update, weights in enumerate(seen, 1):
            decay = min(0.2, (1 + update) / (10 + update))
            average = decay * average + (1 - decay) * weights[name].double()
        torch.testing.assert_close(standin.state_dict()[name].double(), average, atol=1e-6, rtol=1e-5)
    assert int(standin.state_dict()["encoder.1.num_batches_tracked"]) == 3


def test_early_stopping_waits_for_patience_and_no_longer() -> None:
    standin = model()
    config = replace(CONFIG, max_epochs=60, learning_rate=0.3, patience=3)
    history = fit(standin, bound, batches(), batches(40, seed=1), config)
    assert history.stopped_early
    assert history.best_epoch is not None
    assert len(history.epochs) == history.best_epoch + 3


def test_without_validation_the_last_weights_are_kept() -> None:
    seen: list[dict[str, Tensor]] = []
    standin = model()
    history = fit(
        standin, bound, batches(), None, CONFIG, epoch_end=lambda _: seen.append(weights_of(standin))
    )
    assert history.best_epoch == 3
    assert history.epochs[-1].validation == {}
    assert torch.equal(standin.encoder[0].weight, seen[-1]["encoder.0.weight"])


def test_zero_epochs_prepare_and_calibrate() -> None:
    standin = model()
    history = fit(standin, bound, batches(), None, replace(CONFIG, max_epochs=0))
    assert history.epochs == ()
    assert history.best_epoch is None
    assert (standin.prepared, standin.calibrated_rows) == (90, [90])


def test_a_model_trained_before_can_skip_the_look_at_the_data() -> None:
    assert run(CONFIG, prepare=False).prepared == 0


class Recorded:
    """An objective that notes the training progress it is told."""

    def __init__(self) -> None:
        self.progress: list[float] = []

    def __call__(self, trace: Trace, progress: float = 1.0) -> Loss:
        self.progress.append(progress)
        return bound(trace, progress)


def test_objective_is_told_the_progress() -> None:
    objective = Recorded()
    run(CONFIG, objective=objective)
    assert objective.progress == pytest.approx([step / 18 for step in range(18)])


class Learned(nn.Module):
    """An objective with a multiplier of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.multiplier = nn.Parameter(torch.ones(()))

    def forward(self, trace: Trace, progress: float = 1.0) -> Loss:
        loss = bound(trace, progress)
        return Loss(loss.parts["distortion"] + self.multiplier * loss.parts["kl"], loss.parts)


class Judged:
    """The bound with a number of samples of its own, and a validation loss that is told what to say."""

    n_samples = 3

    def __init__(self, losses: list[float | None]) -> None:
        self.losses, self.samples, self.judged = losses, set(), 0

    def __call__(self, trace, progress=1.0):
        self.samples.add(len(trace.z))
        return bound(trace, progress)

    def validation_loss(self, trace):
        assert len(trace.z) == 3
        self.judged += 1
        loss = self.losses[self.judged - 1]
        return None if loss is None else torch.tensor(loss)


def test_samples_may_follow_a_ramp_which_validation_sees_at_its_end() -> None:
    class Growing(Judged):
        n_samples = staticmethod(lambda progress: 1.0 + 2.0 * progress)

    objective = Growing([5.0] * 3)
    fit(model(), objective, batches(), batches(16, seed=1), CONFIG)
    assert objective.samples == {1, 2, 3}
    assert objective.judged == 3  # each on 3 samples


def test_the_objective_says_how_many_samples_and_which_epoch() -> None:
    objective = Judged([5.0, 3.0, 4.0])
    standin = model()
    history = fit(standin, objective, batches(), batches(16, seed=1), CONFIG)
    assert objective.samples == {3}
    assert [record.validation["loss"] for record in history.epochs] == [5.0, 3.0, 4.0]
    assert history.best_epoch == 2


def test_an_objective_whose_epochs_cannot_be_compared_keeps_the_last_and_never_stops_early() -> None:
    objective = Judged([None] * 5)
    history = fit(
        model(), objective, batches(), batches(16, seed=1), replace(CONFIG, max_epochs=5, patience=1)
    )
    assert history.best_epoch == 5
    assert not history.stopped_early
    assert "loss" not in history.epochs[-1].validation


def test_parameters_of_the_objective_are_trained_and_resumed(tmp_path: Path) -> None:
    whole, cut, resumed = Learned(), Learned(), Learned()
    run(CONFIG, objective=whole)
    assert whole.multiplier.item() < 1

    def crash(record: EpochRecord) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run(CONFIG, tmp_path, cut, epoch_end=crash)
    run(CONFIG, tmp_path, resumed, resume=True)
    assert torch.equal(resumed.multiplier, whole.multiplier)


def test_only_matrices_decay() -> None:
    config = replace(CONFIG, max_epochs=1, learning_rate=0.01, weight_decay=10.0, warmup_fraction=0.0)

    class Nothing:
        def __call__(self, trace: Trace, progress: float = 1.0) -> Loss:
            return Loss(0.0 * bound(trace).total, {"kl": trace.kl.mean()})

    standin, start = run(config, objective=Nothing()), model()
    factor = math.prod(1 - 10.0 * learning_rate_at(step, 6, config) for step in range(6))
    torch.testing.assert_close(standin.encoder[0].weight, factor * start.encoder[0].weight)
    assert torch.equal(standin.encoder[0].bias, start.encoder[0].bias)


def test_gradient_is_clipped_by_its_global_norm(monkeypatch: pytest.MonkeyPatch) -> None:
    norms: list[float] = []
    step = torch.optim.AdamW.step

    def spy(self: torch.optim.AdamW) -> None:
        weights = [weight for group in self.param_groups for weight in group["params"]]
        norms.append(torch.stack([weight.grad.norm() for weight in weights]).norm().item())
        step(self)

    monkeypatch.setattr(torch.optim.AdamW, "step", spy)
    run(replace(CONFIG, gradient_clip=0.01))
    assert max(norms) <= 0.0101
    norms.clear()
    run(CONFIG)
    assert max(norms) > 0.02


class Breaks:
    """An objective one of whose terms is not a number from some step on."""

    def __init__(self, at: int) -> None:
        self.calls, self.at = 0, at

    def __call__(self, trace: Trace, progress: float = 1.0) -> Loss:
        self.calls += 1
        loss = bound(trace)
        if self.calls < self.at:
            return loss
        kl = loss.parts["kl"] * float("nan")
        return Loss(loss.parts["distortion"] + kl, {**loss.parts, "kl": kl})


def test_non_finite_loss_names_term_and_step_and_keeps_the_last_good_checkpoint(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"^kl became non-finite at step 9;"):
        run(CONFIG, tmp_path, Breaks(9))
    saved = unpacked((tmp_path / "checkpoints" / "last.ckpt").read_bytes())["state"]
    assert saved["position"]["step"] == 6
    assert all(bool(tensor.isfinite().all()) for tensor in saved["model"].values())


def test_mid_epoch_checkpoint_of_a_broken_state_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="kl became non-finite at step 9"):
        run(replace(CONFIG, checkpoint_seconds=1e-9), tmp_path, Breaks(9))
    saved = unpacked((tmp_path / "checkpoints" / "last.ckpt").read_bytes())["state"]
    assert saved["position"]["step"] == 8


def test_broken_gradient_under_a_finite_loss_is_found() -> None:
    def root(trace: Trace, progress: float = 1.0) -> Loss:
        loss = bound(trace)  # the slope of a root at zero is infinite, and 0 * inf is no number
        return Loss(loss.total + (0 * trace.z).sqrt().sum(), loss.parts)

    with pytest.raises(TrainingError, match="gradient became non-finite"):
        run(replace(CONFIG, max_epochs=1, batch_size=90), objective=root)


def full(*_: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_disk_full_keeps_the_checkpoint_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fill(record: EpochRecord) -> None:
        monkeypatch.setattr(os, "fsync", full)

    with pytest.raises(RunFolderError, match=r"last\.ckpt cannot be written \(No space left"):
        run(CONFIG, tmp_path, epoch_end=fill)
    monkeypatch.undo()
    assert [path.name for path in (tmp_path / "checkpoints").iterdir()] == ["last.ckpt"]
    assert len((tmp_path / "metrics.jsonl").read_text().splitlines()) == 1
    assert identical(weights_of(run(CONFIG, tmp_path, resume=True)), weights_of(run(CONFIG)))


def test_half_written_row_of_metrics_is_taken_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from latentia.training.records import MetricsFile

    metrics = MetricsFile(tmp_path / "metrics.jsonl", [])
    metrics.append(EpochRecord(1, 2, {}, {"elbo": -math.inf}, 0.1, 0.2))
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(RunFolderError, match=r"cannot write .*metrics\.jsonl: No space left"):
        metrics.append(EpochRecord(2, 4, {}, {}, 0.1, 0.2))
    (row,) = map(json.loads, (tmp_path / "metrics.jsonl").read_text().splitlines())
    assert row["epoch"] == 1
    assert row["validation_elbo"] is None


def test_a_file_system_that_takes_no_more_bytes(tmp_path: Path) -> None:
    """The real thing, as far as one can have it without a full disk: writes fail beyond a few kilobytes."""
    code = (
        "import resource, sys; from pathlib import Path; from test_fit import run, CONFIG\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY))\n"
        "run(CONFIG, Path(sys.argv[1]))"
    )
    here = str(Path(__file__).parent)
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)],
        env={**os.environ, "PYTHONPATH": here, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] != 4096
    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]
    assert "last.ckpt cannot be written" in last, last
    assert list((tmp_path / "checkpoints").iterdir()) == []


def test_run_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RunFolderError, match="file"):
        run(CONFIG, tmp_path / "file")


def test_metrics_file_has_a_row_an_epoch(tmp_path: Path) -> None:
    standin = model()
    history = fit(standin, bound, batches(), batches(40, seed=1), CONFIG, tmp_path)
    assert [
        json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()
    ] == history.rows()


def test_csv_and_tensorboard_loggers_hold_the_curves(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    run(replace(CONFIG, loggers=("csv", "tensorboard")), tmp_path)
    lines = (tmp_path / "logs" / "csv" / "version_0" / "metrics.csv").read_text().splitlines()
    assert len(lines) == 4
    assert "validation_elbo" in lines[0]
    assert list((tmp_path / "logs" / "tensorboard").rglob("events.out*"))


def test_missing_logger_says_how_to_install_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from latentia.training import loggers

    def absent(folder: Path) -> None:
        raise ModuleNotFoundError("wandb")

    monkeypatch.setitem(loggers._KNOWN, "wandb", ("wandb", absent))
    with pytest.raises(MissingExtraError, match="pip install wandb"):
        run(replace(CONFIG, loggers=("wandb",)), tmp_path)


def test_bfloat16_trains_and_leaves_float32() -> None:
    standin = run(replace(CONFIG, precision="bfloat16", max_epochs=8, learning_rate=1e-2))
    assert standin.encoder[0].weight.dtype == torch.float32
    assert not identical(
        weights_of(standin), weights_of(run(replace(CONFIG, max_epochs=8, learning_rate=1e-2)))
    )


def test_compile_compiles_the_parts_for_the_time_of_the_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled: list[nn.Module] = []
    monkeypatch.setattr(nn.Module, "compile", lambda self: compiled.append(self))
    standin = run(replace(CONFIG, compile=True))
    assert compiled == [standin.encoder, standin.decoder]


@pytest.mark.slow
@pytest.mark.filterwarnings(
    "ignore:.*torch.jit:DeprecationWarning"
)  # torch's compiler warns of torch's own parts
def test_compiled_model_comes_out_plain() -> None:
    standin = run(replace(CONFIG, compile=True, max_epochs=1))
    assert standin.encoder._compiled_call_impl is None
    assert math.isfinite(validation_elbo(standin))


def test_images_train_channels_last_and_come_out_contiguous() -> None:
    class Images(StandIn):
        def __init__(self) -> None:
            super().__init__(width=32)
            self.kernel = nn.Conv2d(2, 2, 3, padding=1)
            self.layouts: list[bool] = []

        def prepare(self, x: Tensor) -> None:
            super().prepare(x.flatten(1))

        def trace(self, x: Tensor, n_samples: int = 1) -> Trace:
            flat = self.kernel(x).flatten(1)
            self.layouts.append(x.is_contiguous(memory_format=torch.channels_last))
            return super().trace(flat, n_samples)

        def calibrate(self, x_batches: object) -> None:
            pass

    standin = Images()
    x = np.random.default_rng(0).integers(0, 256, (30, 2, 4, 4), dtype=np.uint8)
    fit(standin, bound, Batches(x, lambda stored: stored.float() / 255), None, CONFIG)
    assert all(standin.layouts)
    assert standin.kernel.weight.is_contiguous()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_epochs": -1}, "max_epochs must be at least 0"),
        ({"batch_size": 0}, "batch_size must be at least 1"),
        ({"learning_rate": float("nan")}, "learning_rate must be positive"),
        ({"weight_decay": -0.1}, "weight_decay"),
        ({"warmup_fraction": 1.5}, "warmup_fraction"),
        ({"gradient_clip": 0.0}, "gradient_clip"),
        ({"patience": 0}, "patience"),
        ({"seed": -1}, "seed"),
        ({"precision": "float8"}, "precision must be one of"),
        ({"averaging": 1.0}, "averaging"),
        ({"loggers": ("tensorbord",)}, "loggers must be out of"),
        ({"checkpoint_seconds": 0}, "checkpoint_seconds"),
        ({"device": "gpu9"}, "device must be"),
        ({"device": "cuda:99"}, "not available"),
        ({"precision": "float16", "device": "cpu"}, "needs a GPU"),
        ({"loggers": ("csv",)}, "need a run folder"),
    ],
)
def test_bad_settings_are_named(options: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        run(replace(CONFIG, **options))


def test_patience_without_validation_is_refused() -> None:
    with pytest.raises(ConfigError, match="patience 2 needs a validation set"):
        fit(model(), bound, batches(), None, replace(CONFIG, patience=2))


def test_learning_rate_warms_up_and_falls_to_nothing() -> None:
    config = TrainingConfig(max_epochs=1, learning_rate=2.0, warmup_fraction=0.1)
    rates = [learning_rate_at(step, 1000, config) for step in range(1000)]
    assert np.argmax(rates) in (99, 100)
    assert max(rates) == 2.0
    assert rates[49] == pytest.approx(1.0)
    assert rates[550] == pytest.approx(1.0)
    assert 0 <= rates[-1] < 1e-4


def test_small_fits_are_quick() -> None:
    run(replace(CONFIG, max_epochs=1))  # imports
    times = []
    for _ in range(3):
        start = time.process_time()
        run(replace(CONFIG, max_epochs=5))
        times.append(time.process_time() - start)
    assert min(times) < 0.5
