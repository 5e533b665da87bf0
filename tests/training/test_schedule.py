"""Who moves in which step, on which batch, until when; and that a cut-off phase goes on as if nothing had been."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from standin import StandIn, batches, bound, identical, model, spread, weights_of
from torch import Tensor, nn

from latentia.core import Loss, Trace
from latentia.errors import ConfigError, TrainingError
from latentia.training import (
    Aggressive,
    Alternating,
    Joint,
    Schedule,
    TrainingConfig,
    build_schedule,
    fit,
)
from latentia.training.batches import permutation
from latentia.training.schedule import Course

CONFIG = TrainingConfig(max_epochs=3, batch_size=16, seed=1)
ITERATIONS = 6  # an epoch: 90 rows in batches of 16
AGGRESSIVE = Aggressive(ratio=2, epochs=2)


class Watch:
    """An objective that notes before each step what has moved since the last, and may crash."""

    def __init__(self, standin: StandIn, crash_at: int = -1) -> None:
        self.standin, self.crash_at = standin, crash_at
        self.seen: list[tuple[str, ...]] = []
        self.rows: list[Tensor] = []
        self.progress: list[float] = []
        self.before: dict[str, Tensor] | None = None

    def __call__(self, trace: Trace, progress: float = 1.0) -> Loss:
        now = {name: weight.detach().clone() for name, weight in self.standin.named_parameters()}
        if self.before is not None:
            moved = {name.split(".")[0] for name in now if not torch.equal(now[name], self.before[name])}
            self.seen.append(tuple(sorted(moved)))
        self.before = now
        self.rows.append(trace.x)
        self.progress.append(progress)
        if len(self.rows) == self.crash_at:
            raise ZeroDivisionError
        return bound(trace, progress)


def run(
    schedule: Schedule | None,
    config: TrainingConfig = CONFIG,
    folder: Path | None = None,
    crash_at: int = -1,
    resume: bool = False,
) -> tuple[StandIn, Watch, list[dict[str, float]]]:
    standin = model()
    watch = Watch(standin, crash_at)
    history = fit(
        standin,
        watch,
        batches(),
        batches(40, seed=1),
        config,
        folder,
        resume=resume,
        schedule=schedule,
        information=spread,
    )
    return standin, watch, [{k: v for k, v in row.items() if k != "seconds"} for row in history.rows()]


def test_encoder_goes_first_and_then_the_decoder_and_both_after_the_phase() -> None:
    _, watch, rows = run(AGGRESSIVE)
    turn = [("encoder",), ("encoder",), ("decoder",)]
    phase = 2 * ITERATIONS * turn
    assert watch.seen[: len(phase)] == phase
    assert set(watch.seen[len(phase) :]) == {("decoder", "encoder")}
    assert len(watch.rows) == 2 * ITERATIONS * 3 + ITERATIONS
    assert [row["encoder_steps"] for row in rows] == [12, 12, 0]


def test_epochs_learning_rate_and_ramps_count_iterations() -> None:
    _, watch, rows = run(AGGRESSIVE)
    _, plain, plain_rows = run(Joint())
    for name in ("step", "learning_rate", "epoch"):
        assert [row[name] for row in rows] == [row[name] for row in plain_rows]
    assert watch.progress[: 4 * 3] == [i / (3 * ITERATIONS) for i in range(4) for _ in range(3)]
    assert watch.progress[-ITERATIONS:] == plain.progress[-ITERATIONS:]


def test_first_and_last_step_of_an_iteration_are_on_its_batch_and_the_others_on_other_items() -> None:
    _, watch, _ = run(Aggressive(ratio=3, epochs=3))
    _, plain, _ = run(Joint())
    steps = [watch.rows[i : i + 4] for i in range(0, len(watch.rows), 4)]
    for (first, second, third, last), whole in zip(steps, plain.rows, strict=True):
        torch.testing.assert_close(first, last, atol=0.1, rtol=0)  # the transform adds noise of 0.01
        torch.testing.assert_close(first, whole, atol=0.1, rtol=0)
        for other in (second, third):
            assert (
                len(other) != len(first) or (other - first).abs().max() > 0.1 or (second - third).abs().max()
            )
    others = [x for _, *two, _ in steps for x in two][:ITERATIONS]  # one pass of the second stream
    assert torch.unique(torch.cat(others).round(decimals=0), dim=0).shape[0] > 1
    assert sum(map(len, others)) == 90
    assert not (permutation(90, 1, 0) == permutation(90, 1, 0, stream=1)).all()


def test_gradients_of_the_side_that_stands_still_are_not_computed() -> None:
    standin = model()
    computed: list[set[str]] = []
    for name, weight in standin.named_parameters():
        side = name.split(".")[0]
        weight.register_hook(lambda _, side=side: computed[-1].add(side))

    def objective(trace: Trace, progress: float = 1.0) -> Loss:
        computed.append(set())
        return bound(trace, progress)

    fit(standin, objective, batches(), None, replace(CONFIG, max_epochs=1), schedule=AGGRESSIVE)
    assert computed[:3] == [{"encoder"}, {"encoder"}, {"decoder"}]
    assert all(weight.requires_grad for weight in standin.parameters())


def test_alternating_moves_one_side_a_batch() -> None:
    _, watch, rows = run(Alternating(encoder=2, decoder=1))
    assert watch.seen[:6] == [("encoder",), ("encoder",), ("decoder",)] * 2
    assert len(watch.rows) == 3 * ITERATIONS
    assert rows[-1]["step"] == 3 * ITERATIONS


def test_no_schedule_is_the_joint_one() -> None:
    assert identical(weights_of(run(None)[0]), weights_of(run(Joint())[0]))


def inner_steps(losses: list[float], schedule: Aggressive | None = None, n_batches: int = 500) -> int:
    """Encoder steps of the first iteration where step i has the i-th of these losses (the last is repeated)."""
    course = (schedule or Aggressive()).start(1, n_batches)
    for n in range(1000):
        turn = course.turn(0)
        course.stepped(turn, torch.tensor(losses[min(n, len(losses) - 1)]), 8)
        if turn.last:
            return n
    raise AssertionError


def test_inner_loop_ends_with_the_first_block_that_is_worse() -> None:
    falling = [100.0 - i for i in range(30)]
    assert inner_steps([*falling, 1000.0]) == 45  # the third block of 15 is the first worse one
    assert inner_steps([1.0] * 15 + [2.0]) == 30
    assert inner_steps([100.0 - i for i in range(200)]) == 100
    assert inner_steps([1.0]) == 100  # as good is not worse
    assert inner_steps([*falling, 1000.0], Aggressive(ratio=7)) == 7
    assert inner_steps([1.0] * 15 + [float("nan")]) == 30
    assert inner_steps(falling, n_batches=12) == 12  # one pass over small data
    assert inner_steps(falling, Aggressive(ratio=20), n_batches=12) == 20


def test_blocks_are_means_over_items() -> None:
    course = Aggressive().start(1, 500)
    # the second block has the lower mean over steps, but the higher one over items
    for block in ([(0.0, 4)] * 14 + [(30.0, 4)], [(0.0, 1)] * 14 + [(20.0, 100)]):
        for loss, n in block:
            course.stepped(course.turn(0), torch.tensor(loss), n)
    assert course.turn(0).last


def phases(schedule: Aggressive, information: list[float], max_epochs: int = 6) -> list[str]:
    """Who moves first in each epoch."""
    course = schedule.start(max_epochs, 500)
    first = []
    for epoch, value in enumerate(information, 1):
        first.append(course.turn(0).moves)
        course.epoch_ended(epoch, lambda value=value: value)
    return first


def test_phase_ends_when_the_information_no_longer_grows() -> None:
    assert phases(Aggressive(), [-0.1, 1.0, 1.0, 0.9, 5.0, 6.0]) == ["encoder"] * 4 + ["all"] * 2
    assert phases(Aggressive(patience=2), [1.0, 0.9, 1.1, 1.0, 1.05, 6.0]) == ["encoder"] * 5 + ["all"]


def test_phase_ends_after_so_many_epochs_or_such_a_share() -> None:
    assert phases(Aggressive(epochs=2), [0.0] * 4) == ["encoder"] * 2 + ["all"] * 2
    assert phases(Aggressive(epochs=0.5), [0.0] * 6) == ["encoder"] * 3 + ["all"] * 3
    assert phases(Aggressive(ratio=5, epochs=0.5), [0.0] * 2, max_epochs=1) == ["encoder", "all"]


def test_information_is_measured_once_an_epoch_while_it_rules() -> None:
    config = replace(CONFIG, max_epochs=6, learning_rate=0.05)
    _, _, rows = run(Aggressive(ratio=2), config)
    measured = [row.get("mutual_information") for row in rows]
    active = [row["encoder_steps"] > 0 for row in rows]
    assert active == [value is not None for value in measured]
    assert not all(active), "the phase should end, or this shows nothing"
    end = active.index(False)
    assert not any(active[end:])
    assert measured[end - 1] < max(measured[: end - 1])
    assert "mutual_information" not in run(AGGRESSIVE)[2][0]


def test_state_in_the_middle_of_a_block_goes_on_to_the_same_turns() -> None:
    losses = [5.0 - 0.1 * i + (3.0 if i % 40 > 30 else 0.0) for i in range(400)]

    def turns(restart_at: int | None) -> list[str]:
        course: Course = Aggressive(patience=2).start(3, 500)
        moves = []
        for i, loss in enumerate(losses):
            if i == restart_at:
                state = course.state()
                course = Aggressive(patience=2).start(3, 500)
                course.load(state)
            turn = course.turn(0)
            moves.append(turn.moves)
            course.stepped(turn, torch.tensor(loss), 8)
            if i % 100 == 99:
                course.epoch_ended(i // 100 + 1, lambda i=i: float(-i))
        return moves

    whole = turns(None)
    assert {"encoder", "decoder", "all"} == set(whole)
    for at in (1, 7, 15, 16, 44, 45, 99, 100, 101, 250, 399):
        assert turns(at) == whole


@pytest.mark.parametrize(
    ("schedule", "epochs", "batch_size", "steps"),
    [
        (
            Aggressive(ratio=2, epochs=1),
            2,
            16,
            (2, 17, 22),
        ),  # within an inner loop, at the phase's end, in the joint part
        (
            Aggressive(patience=2),
            1,
            4,
            (40,),
        ),  # 22 encoder steps and 1 of the decoder: in the second loop's second block
        (Alternating(2, 1), 2, 16, (8,)),
    ],
    ids=["ratio", "converge", "alternating"],
)
def test_crash_in_any_step_resumes_to_the_same_bits(
    tmp_path: Path, schedule: Schedule, epochs: int, batch_size: int, steps: tuple[int, ...]
) -> None:
    config = replace(
        CONFIG,
        averaging=0.9,
        gradient_clip=1.0,
        checkpoint_seconds=1e-9,
        max_epochs=epochs,
        batch_size=batch_size,
    )
    standin, watch, whole = run(schedule, config)
    for step in steps:
        folder = tmp_path / str(step)
        with pytest.raises(ZeroDivisionError):
            run(schedule, config, folder, crash_at=step)
        resumed, rest, again = run(schedule, config, folder, resume=True)
        # nothing but the step that crashed is done again
        assert len(rest.rows) == len(watch.rows) - step + 1
        assert identical(weights_of(resumed), weights_of(standin))
        assert again == whole


def test_checkpoint_of_another_schedule_is_refused(tmp_path: Path) -> None:
    run(AGGRESSIVE, folder=tmp_path)
    with pytest.raises(TrainingError, match="schedule"):
        run(replace(AGGRESSIVE, ratio=3), folder=tmp_path, resume=True)


def test_weights_move_again_after_a_crash_in_an_encoder_step() -> None:
    standin = model()
    with pytest.raises(ZeroDivisionError):
        fit(standin, Watch(standin, crash_at=2), batches(), None, CONFIG, schedule=AGGRESSIVE)
    assert all(weight.requires_grad for weight in standin.parameters())


def test_frozen_weights_stay_frozen() -> None:
    standin = model()
    standin.encoder[0].weight.requires_grad_(False)
    start = standin.encoder[0].weight.clone()
    fit(standin, bound, batches(), None, CONFIG, schedule=AGGRESSIVE)
    assert not standin.encoder[0].weight.requires_grad
    assert torch.equal(standin.encoder[0].weight, start)


def test_what_does_not_fit_is_said_at_once() -> None:
    with pytest.raises(ConfigError, match=r"ruled by the mutual information"):
        fit(model(), bound, batches(), None, CONFIG, schedule=Aggressive())

    class Sideless(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = model()
            self.trace, self.prepare, self.calibrate = (
                self.inner.trace,
                self.inner.prepare,
                self.inner.calibrate,
            )

    with pytest.raises(ConfigError, match=r"Sideless does not say .* encoder_parameters\(\)"):
        fit(Sideless(), bound, batches(), None, CONFIG, schedule=AGGRESSIVE)
    for options in ({"ratio": 0}, {"ratio": 2.5}, {"epochs": 0}, {"epochs": 1.5}, {"patience": 0}):
        with pytest.raises(ConfigError, match=next(iter(options))):
            build_schedule("aggressive", options)
    with pytest.raises(ConfigError, match="no option 'ration'; it has ratio, epochs, patience"):
        build_schedule("aggressive", {"ration": 2})
    with pytest.raises(ConfigError, match="did you mean 'aggressive'"):
        build_schedule("agressive")
