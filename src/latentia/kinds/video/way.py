"""How videos go into a fit: windows of frames, and the phases that come before the whole is trained."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from latentia import training
from latentia.data.items import Ragged
from latentia.data.pictures import as_pictures
from latentia.errors import DataError
from latentia.estimators.composition import Chosen
from latentia.estimators.defaults import default_averaging, default_gradient_clip
from latentia.estimators.form import defining_likelihood, kind_of
from latentia.estimators.forms.arrays import Given
from latentia.estimators.forms.scaled import Scaled
from latentia.estimators.parameters import whole
from latentia.estimators.settings import Defaults
from latentia.estimators.way import Way
from latentia.latent.scenes.paths import nearest_order
from latentia.models.scenes.stove_phases import SEEN, DynamicsPhase
from latentia.objectives import negative_elbo, reconstruction

FEWEST_FRAMES = SEEN + 2
_UPDATES = 400
"""Of the last phase; those of the others follow (`VideoEntry`)."""
_LAST_RATE = 1 / 3
"""Learning rate of the last phase over that of the first: it begins where the others ended."""
_FRAMES_TOGETHER, _PATHS_TOGETHER = 64, 64
"""Frames and paths of a step of the first two phases."""
_AT_MOST, _TAKEN = 2.5, 0.5
"""Of what objects do beside what was expected: the most that is taken over of their places, in usual speeds, and the share for velocities."""


def as_videos(X: Any, channels: str = "auto") -> Ragged:
    """Videos as sequences of frames `[C, H, W]`.

    Args:
        X: `[n, T, C, H, W]`, `[n, T, H, W, C]` or `[n, T, H, W]`, or `Ragged` frames.
        channels: where they are, as in `latentia.data.load`.

    Raises:
        DataError: for a table or images.
    """
    if isinstance(X, Ragged):
        if X.values.ndim != 4:
            raise DataError(
                f"sequences of items of shape {list(X.event_shape)}; VideoVAE is for frames [C, H, W]"
            )
        return X
    array = X.detach().cpu().numpy() if isinstance(X, torch.Tensor) else np.asarray(X)
    if array.ndim not in (4, 5) or array.dtype.kind not in "uifb":
        other = "images [n, C, H, W]: take latentia.SceneVAE" if array.ndim == 3 else "take latentia.VAE"
        raise DataError(
            f"X of shape {list(array.shape)} holds no videos [n, T, C, H, W]; for a table or {other}"
        )
    n, frames = array.shape[:2]
    images = as_pictures(array.reshape(n * frames, *array.shape[2:]), "X", channels).array
    if images.dtype.kind == "f" and not np.isfinite(images.sum(dtype=np.float64)):
        at = int(np.argwhere(~np.isfinite(images).all((1, 2, 3)))[0, 0])
        raise DataError(f"video {at // frames}, frame {at % frames} contains NaN or infinity")
    return Ragged(images, np.arange(n + 1) * frames)


def windows_of(videos: Ragged, frames: int) -> NDArray[Any]:
    """Windows `[m, frames, C, H, W]` of videos, one behind another within each; what is left over at its end is not seen."""
    starts = [
        offset + np.arange(0, length - frames + 1, frames)
        for offset, length in zip(videos.offsets[:-1], videos.lengths, strict=True)
    ]
    first = np.concatenate(starts).astype(np.int64) if starts else np.empty(0, np.int64)
    return videos.values[first[:, None] + np.arange(frames)]


class VideoWay(Way):
    """The way of videos."""

    weighs = False

    def given(self, estimator: Any, X: Any, *, reset: bool, channels: str = "auto") -> Given:
        """See `Way.given`; rows are windows of frames."""
        frames = whole("frames", estimator.frames, FEWEST_FRAMES)
        videos = as_videos(X, channels)
        if reset:
            estimator.n_features_in_ = int(np.prod(videos.event_shape)) * frames
        else:
            check_is_fitted(estimator)
            videos = like_fitted(estimator, videos)
        rows = windows_of(videos, frames)
        least = 2 if reset else 1
        if len(rows) < least:
            longest = int(videos.lengths.max(initial=0))
            smaller = (
                ", or a smaller `frames`"
                if reset and longest >= FEWEST_FRAMES and frames > FEWEST_FRAMES
                else ""
            )
            raise DataError(
                f"X holds {len(rows)} windows of {frames} frames (the longest of {len(videos)} videos has {longest}); at least {least} "
                f"are expected: give more or longer videos{smaller}"
            )
        return Given(rows)

    def chosen(self, estimator: Any, given: Given, entry: Any, streamed: bool) -> Chosen:  # noqa: ARG002
        """See `Way.chosen`: frames are scaled as images are."""
        frames = given.rows.reshape(-1, *given.rows.shape[2:])
        defining_likelihood(frames, False, False, entry.likelihoods, estimator.model)
        kind, _ = kind_of(frames, False)
        form = Scaled(kind, given.rows.shape[1:], str(frames.dtype)).fit(frames)
        return Chosen(form, "gaussian", "own", 0.0)

    def defaults(self, estimator: Any, rows: Any) -> Defaults:  # noqa: ARG002
        """See `Way.defaults`: batches of some hundred frames, and passes enough for seeing to be learned."""
        return Defaults(
            lambda n: int(min(8, max(2, n // 8))),
            lambda n, size, on_cpu: max(1, min(50, round(_UPDATES / max(1, n / size)))),  # noqa: ARG005
            _LAST_RATE * estimator.learning_rate,
            default_gradient_clip(estimator.event_shape_),
        )

    def first(
        self,
        estimator: Any,
        batches: training.Batches,
        held_out: training.Batches | None,
        config: training.TrainingConfig,
        folder: Path | None,
        resume: bool,
    ) -> None:
        """Learn to see frames, then the dynamics on the paths that are seen."""
        module, entry = estimator.module_, estimator._entry()
        alone, kept = (None if part is None else frames_of(part) for part in (batches, held_out))
        assert alone is not None
        looking = replace(config, batch_size=_FRAMES_TOGETHER, learning_rate=estimator.learning_rate)
        seeing = _phase(looking, entry.frames_first, alone, kept)
        found = training.fit(
            entry.frames_alone(module),
            negative_elbo(),
            alone,
            kept,
            seeing,
            _at(folder, "frames"),
            resume=resume,
        )
        seen = _places(module, batches)
        module.speed.copy_(usual_speed(seen).clamp(min=1e-3))
        moving = _as_paths(seen, module)
        held = None if held_out is None else _as_paths(_places(module, held_out), module)
        rolling = replace(config, batch_size=_PATHS_TOGETHER, learning_rate=3e-3)
        learning = _phase(rolling, entry.dynamics_first, moving, held)
        then = training.fit(
            DynamicsPhase(module),
            reconstruction(estimator.objective_setting_),
            moving,
            held,
            learning,
            _at(folder, "dynamics"),
            resume=resume,
        )
        module.to(next(module.parameters()).device)
        estimator.phases_ = {"frames": found.rows(), "dynamics": then.rows()}


def like_fitted(estimator: Any, videos: Ragged) -> Ragged:
    """Videos whose frames are of the shape and on the scale of those in fitting.

    Raises:
        DataError: if they are not.
    """
    wanted = tuple(estimator.event_shape_[1:])
    if videos.event_shape != wanted:
        raise DataError(
            f"frames of shape {list(videos.event_shape)}, but {list(wanted)} in fitting; they must agree"
        )
    form = estimator.form_
    frames = Scaled(form.kind, wanted, form.dtype)
    frames.mean.copy_(form.mean)
    frames.scale.copy_(form.scale)
    return Ragged(frames.like_before(videos.values), videos.offsets)


def _phase(
    config: training.TrainingConfig, passes: int, batches: training.Batches, held_out: Any
) -> training.TrainingConfig:
    epochs = passes * config.max_epochs
    updates = epochs * batches.n_batches(config.batch_size)
    averaging = None if held_out is None or not updates else default_averaging(updates)
    return replace(config, max_epochs=epochs, patience=None, averaging=averaging, loggers=())


def _at(folder: Path | None, name: str) -> Path | None:
    return None if folder is None else folder / "checkpoints" / name


def frames_of(batches: training.Batches) -> training.Batches:
    """The frames of windows, each on its own, `[m, 1, C, H, W]`: frames of one window are too much alike to share a step."""
    windows = batches.x
    assert isinstance(windows, torch.Tensor)
    return training.Batches(windows.flatten(0, 1)[:, None], batches.transform)


def _places(module: Any, batches: training.Batches) -> torch.Tensor:
    """Sizes and places that a module sees in all windows, objects in no order, `[m, T, K, 3]`."""
    was = module.training
    module.eval()
    device = next(module.parameters()).device
    found = []
    with torch.inference_mode():
        for x in batches.ordered(_PATHS_TOGETHER):
            found.append(module.see(x.to(device).flatten(0, 1)).loc.unflatten(0, x.shape[:2]).cpu())
    module.train(was)
    return torch.cat(found).clone()


def _as_paths(seen: torch.Tensor, module: Any) -> training.Batches:
    """The paths of places, as batches of their own."""
    return training.Batches(followed(seen, module.speed.cpu()), lambda path: path.float())


def usual_speed(seen: torch.Tensor) -> torch.Tensor:
    """Root mean square of the velocities in x and y that places `[m, T, K, 3]` show, without the fastest twentieth: frames that were misread.

    Example:
        >>> seen = torch.zeros(1, 40, 1, 3)
        >>> seen[0, :, 0, 1] = 0.1 * torch.arange(40.0)
        >>> seen[0, 7] = 5.0
        >>> usual_speed(seen)
        tensor(0.0707)
    """
    before, here = (part.flatten(0, 1)[..., 1:] for part in (seen[:, :-1], seen[:, 1:]))
    order = nearest_order(before, here)[..., None]
    squares = (torch.take_along_dim(here, order, 1) - before).square().mean(-1).flatten().sort().values
    return squares[: max(1, len(squares) - -(-len(squares) // 20))].mean().sqrt()


def seen_paths(module: Any, x: torch.Tensor) -> torch.Tensor:
    """Sizes, places and velocities in windows `[B, T, C, H, W]`, in an order that lasts, `[B, T, K, 5]`."""
    return followed(module.see(x.flatten(0, 1)).loc.unflatten(0, x.shape[:2]), module.speed)


def followed(seen: torch.Tensor, speed: torch.Tensor) -> torch.Tensor:
    """Sizes and places `[B, T, K, 3]`, objects in the order in which they go on, with the velocities that two frames show, `[B, T, K, 5]`.

    The order is the nearest to where objects are expected, by a filter that follows them with a place and a velocity. It takes over a
    difference only as far as objects may have moved beside what was expected: a frame that was misread does not lead it astray.

    Args:
        seen: in no order.
        speed: what is usual in x and in y, a frame.
    """
    place, velocity = seen[:, 0, :, 1:], torch.zeros_like(seen[:, 0, :, 1:])
    path = [torch.nn.functional.pad(seen[:, 0], (0, 2))]
    for t in range(1, seen.shape[1]):
        expected = place + velocity
        order = nearest_order(expected, seen[:, t, :, 1:])[..., None]
        here = torch.take_along_dim(seen[:, t], order, 1)
        beside = here[..., 1:] - expected
        far = beside.norm(dim=-1, keepdim=True).clamp_min(1e-9)
        beside = beside * (_AT_MOST * speed / far).clamp(max=1)
        place, velocity = expected + beside, velocity + _TAKEN * beside
        path.append(torch.cat([here, here[..., 1:] - path[-1][..., 1:3]], -1))
    return torch.stack(path, 1)
