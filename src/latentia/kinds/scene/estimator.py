"""The scikit-learn face of models of scenes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted
from torch import Tensor

from latentia.diagnostics import Diagnosis, Evaluation
from latentia.errors import ConfigError, DataError
from latentia.estimators.composition import Chosen, Composition
from latentia.estimators.form import kind_of
from latentia.estimators.forms.arrays import Given, as_rows
from latentia.estimators.forms.scaled import Scaled
from latentia.estimators.latent import LatentEstimator
from latentia.kinds.face import html_repr, report
from latentia.kinds.loading import load_as
from latentia.kinds.scene import editing
from latentia.kinds.scene.catalog import SCENES, SceneEntry
from latentia.kinds.scene.composition import SceneComposition, SceneWay, composed
from latentia.kinds.scene.judging import diagnosed_scenes, with_central_error
from latentia.kinds.scene.seen import Seen, column_names, each_seen, slots_of
from latentia.kinds.scene.separation import Separation, separation


class SceneVAE(LatentEstimator):
    r"""Images as several objects: where each is, what it looks like, which pixels are its own, how many there are.

    Two families. "air" finds objects in windows on black, one after another, and counts them (Eslami et al. 2016, with the number summed
    out exactly). "genesis-v2", "monet" and "slot-attention" divide an image of any ground by masks; of these the slot that has most of
    the border is the background. What is not named here is as in `latentia.VAE`.

    Args:
        model: a name of the catalog (`latentia models`), or a `latentia.kinds.scene.catalog.SceneEntry`.
        n_slots: places for objects; None: 3 of "air", 5 of models with masks.
        latent_dim: length of each object's code; None: the model's own.
        scale: standard deviation of pixels on [0, 1]; None: the model's own.
        objective_options: options of the model's objective, such as `{"beta": 1.0}` of "monet".
        max_epochs: passes over the data; None: by their number.
        batch_size: None: a 16th of the data, within 16 to 64.
        optimizer: "adamw", "muon" or "sgd".
        learning_rate: peak of the schedule.
        n_importance: importance samples in `score_samples` and `score`.
        device: "auto" (CUDA, MPS, CPU) or a torch device.
        precision: "float32", or "bfloat16" / "float16" for mixed precision in training.

    Attributes:
        module_: the fitted module of `latentia.models.scenes`.
        n_slots_: places for objects.

    Example:
        >>> from latentia.data import MultiDigits
        >>> scenes = MultiDigits(size=16, digits=(0, 2), scale=(2.0, 0.1)).sample(60, seed=0)
        >>> model = SceneVAE("air", n_slots=2, latent_dim=4, max_epochs=1, random_state=0).fit(scenes.x)
        >>> model.transform(scenes.x).shape, model.segment(scenes.x).shape, model.count_proba(scenes.x).shape
        ((60, 18), (60, 16, 16), (60, 3))
    """

    def __init__(
        self,
        model: str | SceneEntry = "air",
        *,
        n_slots: int | None = None,
        latent_dim: int | None = None,
        scale: float | None = None,
        objective_options: Mapping[str, Any] | None = None,
        max_epochs: int | None = None,
        batch_size: int | None = None,
        optimizer: str = "adamw",
        learning_rate: float = 5e-4,
        patience: int | None = None,
        validation_fraction: float = 0.1,
        n_importance: int = 100,
        device: str = "auto",
        precision: str = "float32",
        loggers: Sequence[str] = (),
        verbose: bool = False,
        random_state: Any = None,
    ) -> None:
        self.model = model
        self.n_slots = n_slots
        self.latent_dim = latent_dim
        self.scale = scale
        self.objective_options = objective_options
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

    # what every scene has: a Gaussian of pixels, and networks of its own
    likelihood, network, binarize = "auto", "own", False
    composition_: SceneComposition
    _way = SceneWay()
    report, _html_repr = report, html_repr

    # ------------------------------------------------------------------ what the family gives

    def _entry(self) -> SceneEntry:
        entry = SCENES[self.model] if isinstance(self.model, str) else self.model
        if not isinstance(entry, SceneEntry):
            raise ConfigError(
                f"model={self.model!r}: expected a name or a latentia.kinds.scene.catalog.SceneEntry"
            )
        return entry

    def _before(self, X: Any, y: Any) -> None:  # noqa: ARG002
        shape = tuple(getattr(X, "shape", np.shape(X)))
        if len(shape) == 2:
            raise DataError(
                f"X of shape {list(shape)} is a table; SceneVAE is for images [n, C, H, W]: take latentia.VAE"
            )
        if len(shape) == 5:
            raise DataError(
                f"X of shape {list(shape)} holds videos; SceneVAE is for images [n, C, H, W], such as their frames"
            )

    def _composed(self, given: Given, parts: Chosen) -> Composition:
        if (
            kind_of(given.rows, given.sparse)[0] == "binary"
        ):  # black is 0 and white is 1, whatever they are called
            self.form_ = Scaled("binary", given.rows.shape[1:], str(given.rows.dtype)).fit(given.rows)
            self.form_.axes = given.axes
        return composed(self, self._entry(), given, parts)

    def _composition_of(self, described: dict[str, Any]) -> Composition:
        return SceneComposition.of(described)

    def _options(self) -> Mapping[str, Any] | None:
        return self.objective_options

    def _codes_of(self, Z: Any) -> Tensor:
        table = np.asarray(Z, dtype=np.float64)
        if table.ndim != 2 or table.shape[1] != self._n_features_out:
            raise DataError(
                f"rows of slots of shape {list(table.shape)}; expected [n, {self._n_features_out}], as `transform` gives them"
            )
        if not np.isfinite(table).all():
            raise DataError("rows of slots contain NaN or infinity; every number must be finite")
        asked = self._inference()
        return torch.as_tensor(table, dtype=asked.dtype, device=asked.device)

    # ------------------------------------------------------------------ objects

    @property
    def n_slots_(self) -> int:
        """Places for objects (with masks: one of them may be the background)."""
        return self.composition_.n_slots

    @property
    def _n_features_out(self) -> int:
        return len(column_names(self.n_slots_, self.latent_dim_))

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[Any]:  # noqa: ARG002
        """Names of the columns of `transform`: `slot1_present, slot1_x, ...`."""
        check_is_fitted(self)
        return np.asarray(column_names(self.n_slots_, self.latent_dim_), dtype=object)

    def seen(self, X: Any) -> Iterable[Seen]:
        """What is seen in images, some at a time: slots, masks and parts as arrays (`latentia.kinds.scene.seen.Seen`)."""
        return each_seen(self._inference(), as_rows(self, X, reset=False).rows)

    def transform(self, X: Any) -> NDArray[Any]:
        """Slots of images, `[n, K (5 + d)]`: of each present, x, y, width, height (shares of the image, y downwards) and its code.

        Objects stand first, by y and then x, then the background, then what is not used. With `inverse_transform` an image is put
        together again.
        """
        return np.concatenate([seen.table for seen in self.seen(X)])

    def inverse_transform(self, Z: Any) -> NDArray[Any]:
        """Images of slots `[n, K (5 + d)]` in the units of the data: what is changed in the table is changed in the image."""
        check_is_fitted(self)
        asked, table = self._inference(), self._codes_of(Z)
        parts = []
        with torch.inference_mode():
            for some in table.split(100):
                presence, where, codes = slots_of(some, self.n_slots_)
                parts.append(asked.form.items(asked.module.assembled(codes, where, presence)))
        return np.concatenate(parts)

    def reconstruct(self, X: Any) -> NDArray[Any]:
        """Images put together of the objects that are seen in them, in the units, type and shape of X."""
        given, asked = as_rows(self, X, reset=False), self._inference()
        return np.concatenate(
            [asked.form.items(image, given.axes) for image in editing.rebuilt(asked, given.rows)]
        )

    def segment(self, X: Any) -> NDArray[np.int64]:
        """Whose each pixel is, `[n, H, W]`: 0 the background, i the i-th object of `transform`."""
        return np.concatenate([seen.labels for seen in self.seen(X)])

    def count(self, X: Any) -> NDArray[np.int64]:
        """Number of objects, `[n]`."""
        return np.concatenate([seen.numbers for seen in self.seen(X)])

    def count_proba(self, X: Any) -> NDArray[np.float64]:
        """Probability of each number of objects from 0 on, `[n, N + 1]`.

        Raises:
            ConfigError: of a model with masks, whose number of objects has no probability.
        """
        check_is_fitted(self)
        if not self._entry().windows:
            raise ConfigError(
                f"{self.model} has no probability of a number of objects; `count` gives the number, model='air' has one"
            )
        return np.concatenate([seen.counts for seen in self.seen(X) if seen.counts is not None])

    def objects(self, X: Any) -> Any:
        """A pandas table with a row for each slot that is used: item, slot, present, x, y, width, height, area, background, code_0, ..."""
        return editing.object_table(self.seen(X))

    def decompose(self, X: Any) -> tuple[NDArray[Any], NDArray[Any]]:
        """Each slot's appearance, hidden parts too, `[n, K, C, H, W]` on [0, 1], and its share of each pixel, `[n, K, H, W]`."""
        found = [(seen.parts, seen.masks) for seen in self.seen(X)]
        return np.concatenate([part for part, _ in found]), np.concatenate([mask for _, mask in found])

    def edit(
        self,
        X: Any,
        *,
        remove: Sequence[int] = (),
        move: Mapping[int, tuple[float, float]] | None = None,
        swap: tuple[int, int] | None = None,
    ) -> NDArray[Any]:
        """Images with objects left out, moved, or exchanged, decoded anew.

        Args:
            X: images.
            remove: numbers of objects, from 1 on, as `segment` and `objects` have them.
            move: number of an object -> how far to the right and down, as shares of the image.
            swap: two objects that exchange their places.

        Raises:
            ConfigError: for a slot that the model does not have.
        """
        table = editing.edited(self.transform(X), self.n_slots_, remove, move or {}, swap)
        return self.inverse_transform(table)

    def separation(self, X: Any, truth: Mapping[str, Any]) -> Separation:
        """How what is found agrees with what is true of images, with the simplest methods beside it.

        Args:
            X: images.
            truth: any of `masks` `[n, H, W]` (0 the background) and `counts` `[n]`, as `latentia.data.Split.truth` has them.
        """
        return separation(self, as_rows(self, X, reset=False).rows, truth)

    # ------------------------------------------------------------------ figures and diagnosis

    def evaluate(
        self, X: Any, *, n_importance: int | None = None, importance_items: int | None = None
    ) -> Evaluation:
        """All figures of the fit on X; see `VAE.evaluate`. `sse_of_mean` is of `reconstruct`."""
        figures = super().evaluate(X, n_importance=n_importance, importance_items=importance_items)
        return with_central_error(figures, self._inference(), as_rows(self, X, reset=False).rows)

    def diagnose(
        self,
        X: Any,
        *,
        train: Any = None,
        evaluation: Evaluation | None = None,
        thorough: bool = True,
        columns: Sequence[str] | None = None,  # noqa: ARG002  images have none
        truth: Mapping[str, Any] | None = None,
    ) -> Diagnosis:
        """Whether the fit can be trusted, judged on held-out images: the verdict, figures, and remedies.

        Args:
            X: held-out images (the first 2 000 are looked at).
            train: training images; with them overfitting is judged.
            evaluation: what `evaluate(X)` gave, if it is there already.
            thorough: also score draws from the model by the model.
            columns: not used.
            truth: what is true of the images, as in `separation`.
        """
        return diagnosed_scenes(self, X, train, evaluation, thorough, truth or {})

    @staticmethod
    def load(folder: str | Path) -> SceneVAE:
        """Read a run folder that `save` or the command line wrote; nothing in it is executed."""
        return load_as(SceneVAE, folder)
