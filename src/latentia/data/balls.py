"""Videos of balls that collide, that draw each other, or that only bounce off the walls; every state known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from latentia.data.colours import PALETTE
from latentia.data.dataset import Split
from latentia.data.items import Ragged
from latentia.errors import ConfigError
from latentia.files import write_atomically

Physics = Literal["billiards", "gravity", "drift"]

_FRAMES_AT_ONCE = 2048
_MOST_TRIES = 1000
_PULL, _TO_MIDDLE, _MOST_FORCE = 0.5, 0.001, 1.0
_TOO_NEAR = 0.9  # of the sum of two radii: a run of gravity in which balls come nearer is drawn anew


@dataclass(frozen=True, eq=False)
class Videos:
    """Image sequences of one length.

    Attributes:
        x: uint8 `[n, T, C, H, W]`.
        states: x, y and the two velocities a frame of each object, as shares of the box, `[n, T, K, 4]`; y downwards.
        radius: of a ball as a share of the box.
        masks: whose each pixel is, `[n, T, H, W]`: 0 the background.
    """

    x: NDArray[np.uint8]
    states: NDArray[np.float32]
    radius: float
    masks: NDArray[np.uint8]

    def __len__(self) -> int:
        """Number of sequences."""
        return len(self.x)

    @property
    def truth(self) -> dict[str, NDArray[Any]]:
        """What a `Split` keeps of them: masks, states, and the radius of each sequence's balls."""
        radius = np.full(len(self), self.radius, np.float32)
        return {"masks": self.masks, "states": self.states, "radius": radius}

    def split(self) -> Split:
        """As a part of a data set."""
        n, frames = self.x.shape[:2]
        items = Ragged(self.x.reshape(-1, *self.x.shape[2:]), np.arange(n + 1) * frames)
        return Split(items, truth=self.truth)

    def save(self, path: str | Path) -> Path:
        """Write an `.npz` that `latentia.data.load` reads, truth and all.

        Raises:
            RunFolderError: if it cannot be written.
        """
        path = Path(path)
        write_atomically(path, lambda file: np.savez_compressed(file, x=self.x, **self.truth))  # type: ignore[arg-type]
        return path


@dataclass(frozen=True)
class _Setting:
    """Numbers of a kind of physics, in its own units of length; a frame is one unit of time.

    Attributes:
        box: side.
        radius: of a ball.
        substeps: steps of a frame.
    """

    box: float
    radius: float
    substeps: int


_SETTINGS = {
    "billiards": _Setting(10.0, 1.2, 10),
    "drift": _Setting(10.0, 1.2, 10),
    "gravity": _Setting(30.0, 2.0, 50),
}
_MASS = 4.0  # of a ball under gravity
_SPEED = 0.5  # of all balls together in billiards, in units of length a frame
_TANGENT = (0.55, 0.13)


@dataclass(frozen=True)
class Balls:
    """Balls in a square box, seen from above: white on black, or each of its own colour.

    * "billiards": equal balls that collide elastically with each other and with the walls.
    * "gravity": balls that draw each other and are drawn to the middle; there are no walls.
    * "drift": as billiards, but balls pass through each other: what bounces off walls alone is then all there is to know.

    Source: Kossen et al. 2020, Structured Object-Aware Physics Prediction, and its environments; billiards after Sutskever et al.
    2009. All sequences are computed together.

    Args:
        kind: of physics.
        n: balls.
        size: side of a frame in pixels.
        frames: T.
        colours: give each ball a colour of its own (at most six).
        radius: of a ball as a share of the box; None: 0.12 for billiards, 1/15 for gravity.

    Raises:
        ConfigError: for a value out of its range.

    Example:
        >>> videos = Balls(n=2, size=16, frames=5).sample(3, seed=0)
        >>> videos.x.shape, videos.states.shape
        ((3, 5, 1, 16, 16), (3, 5, 2, 4))
    """

    kind: Physics = "billiards"
    n: int = 3
    size: int = 32
    frames: int = 100
    colours: bool = False
    radius: float | None = None

    def __post_init__(self) -> None:
        if self.kind not in _SETTINGS:
            raise ConfigError(f"kind={self.kind!r}: expected one of {', '.join(_SETTINGS)}")
        for name, least in (("n", 1), ("size", 8), ("frames", 1)):
            if getattr(self, name) < least:
                raise ConfigError(f"{name}={getattr(self, name)}: at least {least} was expected")
        if self.radius is not None and not 0 < self.radius < 0.25:
            raise ConfigError(f"radius={self.radius}: a share of the box between 0 and 0.25 is expected")

    def sample(self, n: int, seed: int = 0) -> Videos:
        """`n` sequences; the same seed gives the same bytes.

        Raises:
            ConfigError: if so many balls do not fit.
        """
        random = np.random.default_rng(seed)
        setting = _SETTINGS[self.kind]
        if self.radius is not None:
            setting = _Setting(setting.box, self.radius * setting.box, setting.substeps)
        states = (self._orbits if self.kind == "gravity" else self._bounces)(random, n, setting)
        shares: NDArray[np.float32] = (states / setting.box).astype(np.float32)
        radius = setting.radius / setting.box
        x, masks = self._rendered(shares[..., :2], radius)
        return Videos(x, shares, radius, masks)

    # ------------------------------------------------------------------ physics

    def _bounces(self, random: np.random.Generator, n: int, setting: _Setting) -> NDArray[np.float64]:
        """Positions and velocities `[n, T, K, 4]` of balls between walls."""
        box, radius = setting.box, setting.radius
        x = _apart(lambda m: random.uniform(0.25 * box, 0.75 * box, (m, self.n, 2)), n, 2 * radius)
        v = random.normal(size=(n, self.n, 2))
        v *= _SPEED / np.sqrt((v**2).sum((1, 2), keepdims=True))
        out = np.empty((n, self.frames, self.n, 4))
        for t in range(self.frames):
            out[:, t] = np.concatenate([x, v], -1)
            for _ in range(setting.substeps):
                x = x + v / setting.substeps
                leaving = ((x < radius) & (v < 0)) | ((x > box - radius) & (v > 0))
                v = np.where(leaving, -v, v)
                if self.kind == "billiards":
                    _collide(x, v, radius)
        return out

    def _orbits(self, random: np.random.Generator, n: int, setting: _Setting) -> NDArray[np.float64]:
        """Positions and velocities `[n, T, K, 4]` under gravity; runs in which balls overlap are drawn anew."""
        kept: list[NDArray[np.float64]] = []
        for _ in range(_MOST_TRIES):
            wanted = n - sum(map(len, kept))
            if not wanted:
                return np.concatenate(kept) if kept else np.empty((0, self.frames, self.n, 4))
            runs, nearest = self._orbit(random, max(8, 2 * wanted), setting)
            kept.append(runs[nearest >= _TOO_NEAR * 2 * setting.radius][:wanted])
        raise ConfigError(
            f"n={self.n}, frames={self.frames}: in all runs that were drawn balls overlap; ask for fewer"
        )

    def _orbit(
        self, random: np.random.Generator, n: int, setting: _Setting
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Runs, and how near any two balls come in each, at the frames."""
        box, middle, step = setting.box, setting.box / 2, 1 / setting.substeps
        x = _apart(lambda m: random.uniform(0.5 * box, 0.95 * box, (m, self.n, 2)), n, box / 3)
        arm = x - x.mean(1, keepdims=True)
        tangent = np.stack([-arm[..., 1], arm[..., 0]], -1) / np.linalg.norm(
            arm, axis=-1, keepdims=True
        ).clip(1e-9)
        v = tangent * (_TANGENT[0] + _TANGENT[1] * random.normal(size=x.shape))
        x += middle - x.mean(1, keepdims=True)
        out, nearest = np.empty((n, self.frames, self.n, 4)), np.full(n, np.inf)
        for t in range(self.frames):
            out[:, t] = np.concatenate([x, v], -1)
            nearest = np.minimum(nearest, _distances(x).min((1, 2)))
            for _ in range(setting.substeps):
                v = v + step * _forces(x, middle) / _MASS
                x = x + step * v
                x += middle - x.mean(1, keepdims=True)
        return out, nearest

    # ------------------------------------------------------------------ pictures

    def _rendered(
        self, places: NDArray[np.float32], radius: float
    ) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """Frames and masks of balls at places `[n, T, K, 2]`: exp(-((distance / radius)^2)^4), summed and cut at 1."""
        flat = places.reshape(-1, self.n, 2)
        at = ((np.arange(self.size) + 0.5) / self.size).astype(np.float32)
        colours = (
            PALETTE[np.arange(self.n) % len(PALETTE)] / np.float32(255)
            if self.colours
            else np.ones((self.n, 1))
        )
        channels = colours.shape[1]
        x = np.empty((len(flat), channels, self.size, self.size), np.uint8)
        masks = np.empty((len(flat), self.size, self.size), np.uint8)
        for start in range(0, len(flat), _FRAMES_AT_ONCE):
            part = flat[start : start + _FRAMES_AT_ONCE]
            across, down = ((at - part[..., i, None]) / np.float32(radius) for i in (0, 1))
            squares = down[..., :, None] ** 2 + across[..., None, :] ** 2
            shade = np.exp(-(squares**4).clip(max=80))
            total = np.einsum("fkhw,kc->fchw", shade, colours.astype(np.float32))
            x[start : start + len(part)] = np.rint(255 * np.minimum(total, 1))
            nearest = squares.argmin(1)
            inside = np.take_along_axis(squares, nearest[:, None], 1)[:, 0] < 1
            masks[start : start + len(part)] = np.where(inside, nearest + 1, 0)
        lead = places.shape[:2]
        return x.reshape(*lead, *x.shape[1:]), masks.reshape(*lead, *masks.shape[1:])


def _apart(draw: Callable[[int], NDArray[np.float64]], n: int, distance: float) -> NDArray[np.float64]:
    """Places `[n, K, 2]`, each drawn until no two are nearer than a distance."""
    kept: list[NDArray[np.float64]] = []
    for _ in range(_MOST_TRIES):
        wanted = n - sum(map(len, kept))
        if not wanted:
            return np.concatenate(kept)
        x = draw(max(64, 4 * wanted))
        kept.append(x[(_distances(x) >= distance).all((1, 2))][:wanted])
    raise ConfigError(
        "so many balls do not fit into the box without touching; ask for fewer, or smaller ones"
    )


def _distances(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Between all balls of each sequence, `[n, K, K]`; infinite to itself."""
    distance = np.sqrt(((x[:, :, None] - x[:, None]) ** 2).sum(-1))
    return distance + np.where(np.eye(x.shape[1], dtype=bool), np.inf, 0.0)


def _collide(x: NDArray[np.float64], v: NDArray[np.float64], radius: float) -> None:
    """Let balls of equal mass that touch and approach exchange their speeds along the line between them; `v` is changed."""
    for i in range(x.shape[1]):
        for j in range(i):
            line = x[:, i] - x[:, j]
            distance = np.sqrt((line**2).sum(-1))
            normal = line / np.maximum(distance, 1e-12)[:, None]
            closing = ((v[:, i] - v[:, j]) * normal).sum(-1)
            change = np.where((distance < 2 * radius) & (closing < 0), closing, 0.0)[:, None] * normal
            v[:, i] -= change
            v[:, j] += change


def _forces(x: NDArray[np.float64], middle: float) -> NDArray[np.float64]:
    """On each ball, `[n, K, 2]`: towards the others, and towards the middle with the cube of the distance in x and in y."""
    line = x[:, None] - x[:, :, None]  # [n, i, j]: from i to j
    cubes = np.maximum((line**2).sum(-1), 1e-9) ** 1.5
    force = (_PULL * _MASS**2 * line / cubes[..., None]).sum(2)
    out = x - middle
    away = np.maximum(np.linalg.norm(out, axis=-1, keepdims=True), 1e-9)
    return np.clip(force - _TO_MIDDLE * out**3 / away, -_MOST_FORCE, _MOST_FORCE)
