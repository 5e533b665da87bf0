"""VideoVAE as a person uses it; the truth table of its verdicts; its commands, and 25 bad inputs."""

from __future__ import annotations

import base64
import io
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

import command_line
import latentia
import latentia.kinds.run
from latentia import VideoVAE
from latentia.data import Balls, load
from latentia.data.items import Ragged
from latentia.diagnostics import ordered
from latentia.diagnostics.tracking import motions
from latentia.errors import ConfigError, DataError
from latentia.kinds.video import use
from latentia.kinds.video.findings import found_in
from latentia.kinds.video.state import VideoState, state_of
from latentia.kinds.video.way import followed, usual_speed, windows_of
from latentia.kinds.video.words import WORDS


@pytest.fixture(scope="module")
def videos():
    return Balls(n=2, size=12, frames=20, radius=0.12).sample(30, seed=0)


@pytest.fixture(scope="module")
def model(videos):
    return VideoVAE(n_objects=2, frames=10, max_epochs=1, random_state=0).fit(videos.x)


def test_windows_never_cross_a_sequence():
    values = np.arange(23)[:, None, None, None].astype(np.float32)
    found = windows_of(Ragged(values, np.array([0, 7, 7, 12, 23])), 5)
    assert found[..., 0, 0, 0].tolist() == [
        [0, 1, 2, 3, 4],
        [7, 8, 9, 10, 11],
        [12, 13, 14, 15, 16],
        [17, 18, 19, 20, 21],
    ]


def test_a_misread_frame_does_not_exchange_objects():
    """Two balls go side by side; in one frame one is read near the other, and that where there is none."""
    time = torch.arange(12.0)
    seen = torch.zeros(1, 12, 2, 3)
    seen[0, :, :, 1] = 0.05 * time[:, None] - 0.3
    seen[0, :, 1, 2] = 0.3
    true = seen[..., 1:].clone()
    seen[0, 5] = seen[0, 5, 1] + torch.tensor([[0.0, 0.0, -0.1], [0.0, 0.2, 0.1]])
    order = torch.stack([torch.randperm(2, generator=torch.Generator().manual_seed(t)) for t in range(12)])
    path = followed(torch.take_along_dim(seen, order[None, :, :, None], 2), usual_speed(seen))
    flipped = bool((path[0, 0, 0, 1:3] - true[0, 0, 0]).norm() > 0.1)
    found = path[0, :, :, 1:3].flip(1) if flipped else path[0, :, :, 1:3]
    kept = [t for t in range(12) if t != 5]
    torch.testing.assert_close(found[kept], true[0, kept])


def test_paths_tables_and_states_agree(model, videos):
    paths, table, last = model.paths(videos.x), model.track(videos.x), model.transform(videos.x)
    assert table[["item", "frame", "track"]].drop_duplicates().shape[0] == len(table) == 30 * 20 * 2
    one = table[(table["item"] == 3) & (table["track"] == 2)]
    np.testing.assert_allclose(one[["x", "y", "vx", "vy", "size"]], paths[3][:, 1])
    np.testing.assert_allclose(np.diff(one["x"]), one["vx"][1:], atol=1e-6)
    assert (last.reshape(30, 2, 5)[:, 0, 1] <= last.reshape(30, 2, 5)[:, 1, 1]).all()
    assert len(model.get_feature_names_out()) == last.shape[1]


@pytest.mark.parametrize(
    ("name", "numbers"),
    [pytest.param("stove-mixture", 5, marks=pytest.mark.slow), ("stove-appearance", 13)],
)
def test_what_frames_are_made_of_is_a_line_of_the_catalog(name, numbers, tmp_path):
    """From fit to page; after loading all is as before."""
    videos = Balls(n=2, size=12, frames=20, colours=True, radius=0.12).sample(12, seed=0)
    model = VideoVAE(name, n_objects=2, frames=10, max_epochs=1, n_importance=3, random_state=0).fit(videos.x)
    codes = model.transform(videos.x)
    assert codes.shape == (12, 2 * numbers) == (12, len(model.get_feature_names_out()))
    again = VideoVAE.load(model.save(tmp_path / "run"))
    np.testing.assert_array_equal(again.transform(videos.x), codes)
    np.testing.assert_array_equal(again.score_samples(videos.x[:3]), model.score_samples(videos.x[:3]))
    frames, states = again.rollout(videos.x, 4)
    assert frames.shape == (12, 4, 3, 12, 12)
    assert states.shape == (12, 4, 2, 4)
    assert again.rollout(videos.x, 4, n_samples=2)[0].shape == (12, 2, 4, 3, 12, 12)
    assert (
        again.sample(3, random_state=0).shape
        == again.sample(3, mean=True, random_state=0).shape
        == (3, 10, 3, 12, 12)
    )
    last = np.stack([part[-1] for part in again.reconstruct(videos.x)])
    # objects of codes are in the order of their places: where two overlap the other one may be in front
    assert np.abs(again.inverse_transform(codes).astype(float) - last).mean() < 0.2
    assert len(again.track(videos.x)) == 12 * 20 * 2
    figures = again.evaluate(videos.x, n_importance=20)
    assert figures.log_likelihood >= figures.elbo - 3 * (figures.log_likelihood_se or 0)
    page = again.report(videos.x, tmp_path / "page").read_text()
    (gif,) = (base64.b64decode(part) for part in re.findall(r"data:image/gif;base64,([^\"]+)", page))
    assert len(gif) <= 400_000
    with Image.open(io.BytesIO(gif)) as picture:
        assert picture.n_frames == 20
    assert {"Rollouts", "Energy over the horizon"} <= set(re.findall("<h2>(.*?)</h2>", page))


def test_states_are_painted_where_they_say(model):
    rows = np.zeros((2, 10))
    rows[0] = [0.25, 0.5, 0, 0, 0.3, 0.25, 0.5, 0, 0, 0.3]
    rows[1] = rows[0] + [0.5, 0, 0, 0, 0, 0.5, 0, 0, 0, 0]
    here, there = model.inverse_transform(rows).astype(float)
    ground = model.form_.inverse(model.module_.ground.detach().sigmoid()[None])[0].astype(float)
    moved = np.roll(here - ground, 6, -1)
    np.testing.assert_allclose(there - ground, moved, atol=2.5)


def test_a_rollout_begins_where_the_video_ends(model, videos):
    frames, states = model.rollout(videos.x, 4)
    assert frames.shape == (30, 4, 1, 12, 12)
    assert states.shape == (30, 4, 2, 4)
    shorter, _ = model.rollout(videos.x, 2)
    np.testing.assert_array_equal(frames[:, :2], shorter)
    np.testing.assert_array_equal(model.predict_frames(videos.x, 4), frames)
    drawn, _ = model.rollout(videos.x, 4, n_samples=3, random_state=0)
    again, _ = model.rollout(videos.x, 4, n_samples=3, random_state=0)
    assert drawn.shape == (30, 3, 4, 1, 12, 12)
    np.testing.assert_array_equal(drawn, again)
    np.testing.assert_allclose(np.diff(states[..., 0], axis=1), states[:, 1:, :, 2], atol=1e-5)


def test_videos_of_unlike_lengths_are_taken_as_they_are(model, videos):
    some = Ragged.of([videos.x[0], videos.x[1][:7], videos.x[2][:13]])
    paths = model.paths(some)
    assert [len(path) for path in paths] == [20, 7, 13]
    np.testing.assert_allclose(paths[1], model.paths(videos.x[1:2])[0][:7], atol=1e-5)
    assert [len(part) for part in model.reconstruct(some)] == [20, 7, 13]
    assert model.rollout(some, 3)[0].shape[0] == 3


def test_scores_are_sums_over_windows(model, videos):
    together = model.score_samples(videos.x[:2])
    halves = model.score_samples(videos.x[:2].reshape(4, 10, 1, 12, 12))
    np.testing.assert_allclose(together, halves.reshape(2, 2).sum(1), rtol=1e-5)


# ------------------------------------------------------------------ verdicts

CURVE = np.linspace(0.01, 0.2, 30)
HEALTHY = VideoState(
    50, {"model": 0.5 * CURVE, "reflecting": CURVE, "linear": 2 * CURVE}, np.linspace(1, 0.9, 30), 0.01, 0.1, 0.95, known=True
)  # fmt: skip
STATES = {
    "healthy": (HEALTHY, []),
    "no truth": (replace(HEALTHY, known=False, switches=None, position_error=None), []),
    "too short to foretell": (replace(HEALTHY, errors={}, energy=np.empty(0)), []),
    "nothing seen": (replace(HEALTHY, seen_share=0.1, switches=30.0), ["objects not followed"]),
    "exchanged": (replace(HEALTHY, switches=5.0), ["identities switch"]),
    "no dynamics": (replace(HEALTHY, errors={**HEALTHY.errors, "model": CURVE}), ["dynamics ignored"]),
    "one alone that bounces": (replace(HEALTHY, n_objects=1, errors={**HEALTHY.errors, "model": CURVE}), []),
    "one alone that goes straight": (
        replace(HEALTHY, n_objects=1, errors={**HEALTHY.errors, "model": 2 * CURVE}),
        ["dynamics ignored"],
    ),
    "a little dynamics": (replace(HEALTHY, errors={**HEALTHY.errors, "model": 0.9 * CURVE}), []),
    "faster and faster": (replace(HEALTHY, energy=np.array([1.05**2]) ** np.arange(30)), ["energy drifts"]),
    "slower and slower": (replace(HEALTHY, energy=0.95 ** np.arange(30)), ["energy drifts"]),
}


@pytest.mark.parametrize("name", STATES)
def test_made_states_are_named(name):
    state, faults = STATES[name]
    verdict = ordered(found_in(state), WORDS.order)
    assert list(verdict.names) == faults
    for finding in verdict.findings:
        if finding.strength is not None:
            assert (finding.strength > 1) == bool(finding.name)


def test_a_dynamics_that_does_nothing_is_straight_motion(model, videos, monkeypatch):
    """With the true places seen and no dynamics the errors are those of a line, and the verdict says so."""
    import copy

    made = copy.deepcopy(model)
    with torch.no_grad():
        for part in (made.module_.relations.out, made.module_.relations.along):
            part[-1].weight.zero_()
            part[-1].bias.zero_()
    true = torch.zeros(30, 20, 2, 5)
    true[..., 1:3] = 2 * torch.from_numpy(videos.states[..., :2]) - 1
    monkeypatch.setattr(
        use, "_paths", lambda asked, given: [true[i, :n] for i, n in enumerate(given.lengths)]
    )
    state = state_of(made, made._videos(videos.x), {"states": videos.states, "radius": np.full(30, 0.12)})
    np.testing.assert_allclose(state.errors["model"], state.errors["linear"], atol=1e-5)
    assert state.position_error == pytest.approx(0, abs=1e-6)
    assert state.switches == 0
    seen = replace(state, seen_share=0.9)
    assert "dynamics ignored" in {finding.name for finding in found_in(seen)}


def test_baselines_are_from_the_same_states():
    start = np.array([[[0.5, 0.5, 0.01, 0.0]]])
    found = motions(start, 3, 0.1)
    np.testing.assert_allclose(found["linear"][0, :, 0, 0], [0.51, 0.52, 0.53])


# ------------------------------------------------------------------ errors

BAD = {
    "table": (lambda x: x.reshape(30, -1), {}, "holds no videos"),
    "images": (lambda x: x[:, 0, 0], {}, "latentia.SceneVAE"),
    "words": (lambda x: x.astype(str), {}, "holds no videos"),
    "short": (lambda x: x[:, :5], {}, "0 windows of 12 frames"),
    "one window": (lambda x: x[:1, :12], {}, "at least 2"),
    "window of 3": (lambda x: x, {"frames": 3}, "frames=3"),
    "no objects": (lambda x: x, {"n_objects": 0}, "n_objects=0"),
    "a crowd": (lambda x: x, {"n_objects": 99}, "at most 12"),
    "noise that is learned": (lambda x: x, {"model": "stove-mixture", "scale": 0.1}, "leave it out"),
    "no noise": (lambda x: x, {"scale": 0}, "scale=0"),
    "tiny": (lambda x: x[..., :4, :4], {}, "too small to hold objects"),
    "unknown": (lambda x: x, {"model": "stov"}, "stov"),
    "object": (lambda x: x, {"model": 3}, "expected a name"),
    "not finite": (lambda x: np.where(x > 100, np.nan, x / 255.0), {}, "NaN"),
    "standardised": (lambda x: x / 50.0 - 1, {}, "is for images of kind"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_one_line(name, videos):
    change, params, words = BAD[name]
    with pytest.raises((ConfigError, DataError), match=words) as caught:
        VideoVAE(**{"n_objects": 2, "max_epochs": 1, **params}).fit(change(videos.x))
    assert "\n" not in str(caught.value)


def test_later_videos_must_fit(model, videos):
    with pytest.raises(DataError, match="in fitting"):
        model.paths(videos.x[..., :8, :8])
    with pytest.raises(DataError, match="has 2 frames;"):
        model.rollout(videos.x[:, :2])
    with pytest.raises(ConfigError, match="n_steps=0"):
        model.rollout(videos.x, 0)
    with pytest.raises(DataError, match=r"\[n, 10\]"):
        model.inverse_transform(np.zeros((2, 3)))
    assert not hasattr(model, "partial_fit")


# ------------------------------------------------------------------ the command line


@pytest.fixture(scope="module")
def folder(tmp_path_factory, videos):
    """A folder of GIFs, and a run that was fitted to it."""
    place = tmp_path_factory.mktemp("videos")
    (place / "clips").mkdir()
    for i, frames in enumerate(videos.x[:24]):
        first, *rest = [Image.fromarray(frame[0]) for frame in frames]
        first.save(place / "clips" / f"clip_{i}.gif", save_all=True, append_images=rest, duration=80)
    videos.save(place / "balls.npz")
    command_line.run(
        "fit", place / "clips", "--model", "stove", "--n-objects", 2, "--epochs", 1, "--set", "frames=10", "--out", place / "run"
    )  # fmt: skip
    return place


def test_rollouts_of_a_folder_of_gifs(folder, tmp_path):
    for name in ("ahead.gif", "ahead.npy", "ahead.csv"):
        command_line.run(
            "rollout", folder / "run", folder / "clips", "-n", 5, "--context", 8, "--videos", 4, "--out", tmp_path / name
        )  # fmt: skip
    with Image.open(tmp_path / "ahead.gif") as picture:
        assert picture.n_frames == 8 + 5
    assert np.load(tmp_path / "ahead.npy").shape == (4, 5, 1, 12, 12)
    table = pd.read_csv(tmp_path / "ahead.csv")
    assert len(table) == 4 * 5 * 2
    run = latentia.load(folder / "run")
    _, states = run.rollout(load(str(folder / "clips")).train.x[[0]], 1)
    assert states.shape == (1, 1, 2, 4)
    command_line.run("rollout", folder / "run", "-n", 2, "--samples", 2, "--out", tmp_path / "drawn.csv")
    assert pd.read_csv(tmp_path / "drawn.csv")["draw"].nunique() == 2


def test_draws_and_reconstructions_are_animations(folder, tmp_path):
    command_line.run("sample", folder / "run", "-n", 3, "--out", tmp_path / "drawn.gif")
    command_line.run("sample", folder / "run", "-n", 3, "--out", tmp_path / "drawn.npy")
    command_line.run("reconstruct", folder / "run", "-n", 2, "--out", tmp_path / "again.npy")
    with Image.open(tmp_path / "drawn.gif") as picture:
        assert picture.n_frames == 10
    assert np.load(tmp_path / "drawn.npy").shape == (3, 10, 1, 12, 12)
    assert np.load(tmp_path / "again.npy").shape == (2, 20, 1, 12, 12)


def test_videos_that_are_rebuilt_badly_are_odd(folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    command_line.run("anomaly", folder / "run", "--method", "reconstruction", "--out", "odd.csv")
    found = pd.read_csv("odd.csv")
    run = latentia.kinds.run.Run.open(folder / "run")
    items = run.split("test").x
    again = run.rebuilt(items)
    errors = [(((items.item(i) - again[i].astype(float)) / 255) ** 2).sum() for i in range(len(items))]
    np.testing.assert_allclose(found["score"], errors, rtol=1e-6)


def test_tracks_are_named_by_their_files(folder, tmp_path):
    command_line.run("track", folder / "run", "--out", tmp_path / "tracks.csv")
    table = pd.read_csv(tmp_path / "tracks.csv")
    assert table["name"].nunique() == 24
    assert len(table) == 24 * 20 * 2


WRONG = {
    "rollout as text": (["rollout", "RUN", "--out", "r.txt"], "can be written as"),
    "rollout of nothing": (["rollout", "RUN", "-n", "0"], "at least 1"),
    "rollout back": (["rollout", "RUN", "--context", "-1"], "at least 0"),
    "rollout from one frame": (["rollout", "RUN", "--context", "1"], "at least 3"),
    "rollout of images": (["rollout", "RUN", "digits"], "holds images; models of videos"),
    "track as a picture": (["track", "RUN", "--out", "t.png"], "can be written as"),
    "segment": (["segment", "RUN"], "this run is a stove"),
    "sample as a picture": (["sample", "RUN", "--out", "s.png"], "videos can be written as"),
    "sample of a class": (["sample", "RUN", "--label", "a"], "--label is not for this run"),
    "reconstruct nothing": (["reconstruct", "RUN", "-n", "0"], "at least 1"),
    "interpolate": (["interpolate", "RUN"], "this run is a stove"),
    "fit images": (["fit", "digits", "--model", "stove"], "is for frames"),
    "fit with slots": (["fit", "DATA", "--model", "stove", "--n-slots", "3"], "--n-slots is for"),
    "fit long windows": (["fit", "DATA", "--model", "stove", "--set", "frames=50", "--out", "new"], "0 windows of 50 frames"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_command_is_one_line(name, folder, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    argv, words = WRONG[name]
    places = {"RUN": folder / "run", "DATA": folder / "balls.npz"}
    assert words in command_line.fails(capsys, *[places.get(word, word) for word in argv])


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda states: states[:, :, :1], "they are of 1 objects, and the model has 2"),
        (lambda states: np.where(np.arange(20)[:, None, None] == 3, np.nan, states), "some are missing"),
        (lambda states: states[:, 0], "they are not of each frame"),
    ],
)
def test_true_states_that_are_not_compared_with_are_told(model, videos, change, why):
    state = state_of(model, model._videos(videos.x), {"states": change(videos.states)})
    assert not state.known
    assert any(f"not compared with: {why}" in finding.evidence for finding in found_in(state))
