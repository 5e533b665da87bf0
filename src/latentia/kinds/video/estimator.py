"""The scikit-learn face of models of videos."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.utils import Tags, check_random_state
from sklearn.utils.validation import check_is_fitted
from torch import Tensor

from latentia.data.items import Ragged
from latentia.diagnostics import Diagnosis, Evaluation
from latentia.errors import ConfigError, DataError
from latentia.estimators.composition import Chosen, Composition
from latentia.estimators.folder import Curves
from latentia.estimators.forms.arrays import Given
from latentia.estimators.latent import LatentEstimator
from latentia.estimators.parameters import whole
from latentia.kinds.face import html_repr
from latentia.kinds.loading import load_as
from latentia.kinds.video import use
from latentia.kinds.video.catalog import VIDEOS, VideoEntry
from latentia.kinds.video.composition import VideoComposition, composed
from latentia.kinds.video.face import report
from latentia.kinds.video.judging import diagnosed_videos
from latentia.kinds.video.way import VideoWay, as_videos, like_fitted


class VideoVAE(LatentEstimator):
    r"""Videos as objects that move: where each is in every frame, how fast it goes, and where it will be.

    Objects look alike (one template is learned for all; with "stove-appearance" each has a code of its own) and move before a ground that
    stands still. The fit has three phases: frames alone,
    the dynamics on the paths that are seen, and the whole bound. What is not named here is as in `latentia.VAE`.

    Args:
        model: a name of the catalog (`latentia models`), or a `latentia.kinds.video.catalog.VideoEntry`.
        n_objects: how many objects there are in every frame; None: 3.
        frames: length of the windows that are learned from; sequences are cut into them, one behind another.
        scale: standard deviation of pixels on [0, 1]; None: the model's own.
        max_epochs: passes of the last phase; the first takes six times as many, the dynamics twenty times. None: by their number.
        batch_size: windows of a step; None: 8, fewer for few.
        optimizer: "adamw", "muon" or "sgd".
        learning_rate: peak of the first phase; that of the last is a third of it, that of the dynamics 0.003.
        patience: epochs without a better validation bound before the last phase stops.
        validation_fraction: share of the windows kept from training to choose the best epoch.
        n_importance: importance samples in `score_samples` and `score`.
        device: "auto" (CUDA, MPS, CPU) or a torch device.
        precision: "float32", or "bfloat16" / "float16" for mixed precision in training.
        loggers: any of "tensorboard", "csv", "mlflow", "wandb" (with a run folder).
        verbose: show a progress bar and the automatic choices.
        random_state: seed.

    Attributes:
        module_: the fitted `latentia.models.scenes.stove.STOVE`.
        phases_: learning curves of the first two phases.

    Example:
        >>> from latentia.data import Balls
        >>> X = Balls(n=1, size=12, frames=8).sample(12, seed=0).x
        >>> model = VideoVAE(n_objects=1, frames=8, max_epochs=1, random_state=0).fit(X)
        >>> frames, states = model.rollout(X, 5)
        >>> frames.shape, states.shape
        ((12, 5, 1, 12, 12), (12, 5, 1, 4))
    """

    def __init__(
        self,
        model: str | VideoEntry = "stove",
        *,
        n_objects: int | None = None,
        frames: int = 12,
        scale: float | None = None,
        max_epochs: int | None = None,
        batch_size: int | None = None,
        optimizer: str = "adamw",
        learning_rate: float = 1e-3,
        patience: int | None = None,
        validation_fraction: float = 0.1,
        n_importance: int = 50,
        device: str = "auto",
        precision: str = "float32",
        loggers: Sequence[str] = (),
        verbose: bool = False,
        random_state: Any = None,
    ) -> None:
        self.model = model
        self.n_objects = n_objects
        self.frames = frames
        self.scale = scale
        self.max_epochs = max_epochs
        self.batch_size = batch_size
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.patience = patience
        self.validation_fraction = validation_fraction
        self.n_importance = n_importance
        self.device = device
        self.precision = precision
        self.loggers = loggers
        self.verbose = verbose
        self.random_state = random_state

    likelihood, network, binarize = "auto", "own", False
    composition_: VideoComposition
    phases_: dict[str, Any]
    _way = VideoWay()
    report, _html_repr = report, html_repr

    # ------------------------------------------------------------------ what the family gives

    def _entry(self) -> VideoEntry:
        entry = VIDEOS[self.model] if isinstance(self.model, str) else self.model
        if not isinstance(entry, VideoEntry):
            raise ConfigError(
                f"model={self.model!r}: expected a name or a latentia.kinds.video.catalog.VideoEntry"
            )
        return entry

    def _composed(self, given: Given, parts: Chosen) -> Composition:
        return composed(self, self._entry(), given, parts)

    def _composition_of(self, described: dict[str, Any]) -> Composition:
        return VideoComposition.of(described)

    def _compose(self) -> None:
        self.module_ = self.composition_.build(self._entry(), None)

    def _videos(self, X: Any) -> Ragged:
        check_is_fitted(self)
        videos = like_fitted(self, as_videos(X))
        if not len(videos):
            raise DataError("X holds no video; at least one is expected")
        shortest = int(videos.lengths.min())
        if shortest < use.FEWEST:
            raise DataError(
                f"video {int(videos.lengths.argmin())} has {shortest} frame{'s' * (shortest != 1)}; at least {use.FEWEST} are needed to "
                "see how objects move"
            )
        return videos

    @property
    def partial_fit(self) -> Any:
        """Not there: a fit has phases, which a stream does not have."""
        raise AttributeError(
            "VideoVAE has no partial_fit: its fit has phases, and a stream has none; use fit"
        )

    # ------------------------------------------------------------------ objects in time

    @property
    def n_objects_(self) -> int:
        """Objects that are followed."""
        return self.composition_.n_objects

    @property
    def _n_features_out(self) -> int:
        return self.latent_dim_

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[Any]:  # noqa: ARG002
        """Names of the columns of `transform`: `object1_x, ...`."""
        check_is_fitted(self)
        looks = [f"look{i + 1}" for i in range(self._entry().look)]
        names = [f"object{k + 1}_{name}" for k in range(self.n_objects_) for name in (*use.COLUMNS, *looks)]
        return np.asarray(names, dtype=object)

    def paths(self, X: Any) -> list[NDArray[Any]]:
        """The path of each object of each video, `[T, K, 5]`: x, y, velocity in x and y a frame, and size, as shares of the frame; y downwards.

        Where objects have codes of what they look like, these follow: `[T, K, 5 + d]`, the same in every frame.
        """
        return use.paths(self._inference(), self._videos(X))

    def track(self, X: Any) -> Any:
        """A pandas table with a row for each object and frame: item, frame, track, x, y, vx, vy, size."""
        return use.track_table(self.paths(X))

    def transform(self, X: Any) -> NDArray[Any]:
        """The state after the last frame of each video, `[n, 5 K]` (`[n, (5 + d) K]` with codes), objects by y and then x."""
        return np.stack([use.in_order(path[-1]).ravel() for path in self.paths(X)])

    def rollout(
        self, X: Any, n_steps: int = 20, *, n_samples: int = 0, random_state: Any = None
    ) -> tuple[NDArray[Any], NDArray[Any]]:
        """What comes after videos: frames `[n, n_steps, C, H, W]` in the units of the data, and states `[n, n_steps, K, 4]`.

        Args:
            X: videos of at least three frames.
            n_steps: frames ahead.
            n_samples: draws from p(z_t | z_{t-1}), an axis before that of the frames; 0: the expected path.
            random_state: seed of the draws.

        Returns:
            States are x, y and velocities a frame as shares of the frame, y downwards.
        """
        videos, n_steps = self._videos(X), whole("n_steps", n_steps, 1)
        n_samples = whole("n_samples", n_samples, 0)
        seed = int(check_random_state(random_state).randint(2**31 - 1))
        return use.rolled(self._inference(), videos, n_steps, n_samples, seed)

    def predict_frames(self, X: Any, n_steps: int = 20) -> NDArray[Any]:
        """The frames of `rollout`."""
        return self.rollout(X, n_steps)[0]

    def reconstruct(self, X: Any) -> NDArray[Any]:
        """Videos painted by the objects that are seen in them: `[n, T, C, H, W]` where all are of one length, else a list."""
        parts = use.painted(self._inference(), self._videos(X))
        return np.stack(parts) if len({len(part) for part in parts}) == 1 else np.array(parts, dtype=object)

    def inverse_transform(self, Z: Any) -> NDArray[Any]:
        """Frames `[n, C, H, W]` of states `[n, 5 K]`, as `transform` gives them."""
        check_is_fitted(self)
        table = np.asarray(Z, dtype=np.float64)
        if table.ndim != 2 or table.shape[1] != self._n_features_out or not np.isfinite(table).all():
            raise DataError(
                f"states of shape {list(table.shape)}; finite numbers [n, {self._n_features_out}] are expected, as `transform` gives them"
            )
        return use.frames_of(self._inference(), table.reshape(len(table), self.n_objects_, -1))

    def _codes_of(self, Z: Any) -> Tensor:
        return torch.as_tensor(np.asarray(Z))

    def score_samples(self, X: Any, *, total: str = "given", n_importance: int | None = None) -> NDArray[Any]:
        """Importance-weighted log-density in nats of each video, `[n]`: the sum over its windows, each on its own.

        Args:
            X: videos of at least one window each.
            total: of counts; frames have none.
            n_importance: samples for each window; None: the estimator's.
        """
        videos = self._videos(X)
        found = np.zeros(len(videos))
        for i in range(len(videos)):
            found[i] = super().score_samples(videos[[i]], total=total, n_importance=n_importance).sum()
        return found

    # ------------------------------------------------------------------ diagnosis

    def diagnose(
        self,
        X: Any,
        *,
        train: Any = None,
        evaluation: Evaluation | None = None,
        thorough: bool = True,  # noqa: ARG002  one face
        columns: Sequence[str] | None = None,  # noqa: ARG002  videos have none
        truth: Mapping[str, Any] | None = None,
    ) -> Diagnosis:
        """Whether the fit can be trusted, judged on held-out videos: the verdict, figures, and remedies.

        Args:
            X: held-out videos.
            train: training videos; with them overfitting is judged.
            evaluation: what `evaluate(X)` gave, if it is there already.
            thorough: not used.
            columns: not used.
            truth: `states` `[n, T, K, 4]`, as `latentia.data.Split.truth` has them.
        """
        return diagnosed_videos(self, X, train, evaluation, truth or {})

    def describe(self) -> tuple[dict[str, Any], dict[str, Tensor], Curves]:
        """Entries of `config.json`, tensors and learning curves."""
        entries, tensors, curves = super().describe()
        entries["phases"] = self.phases_
        return entries, tensors, curves

    @classmethod
    def rebuild(
        cls, config: dict[str, Any], tensors: dict[str, Tensor], curves: Callable[[], Curves]
    ) -> Self:
        """The inverse of `describe`; see `Savable.rebuild`."""
        self = super().rebuild(config, tensors, curves)
        self.phases_ = config["phases"]
        return self

    @staticmethod
    def load(folder: str | Path) -> VideoVAE:
        """Read a run folder that `save` or the command line wrote; nothing in it is executed."""
        return load_as(VideoVAE, folder)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = tags.input_tags.two_d_array = False
        return tags
