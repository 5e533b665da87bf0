"""What a model of series is put together from, and how series go into a fit."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any, Self, cast

import numpy as np
from numpy.typing import NDArray

from latentia import training
from latentia.errors import DataError
from latentia.estimators.choices import Choice
from latentia.estimators.composition import Chosen
from latentia.estimators.defaults import default_batch_size
from latentia.estimators.forms.arrays import Given
from latentia.estimators.parameters import whole
from latentia.estimators.settings import Defaults
from latentia.estimators.way import Way
from latentia.kinds.series.catalog import SeriesEntry
from latentia.kinds.series.form import SeriesForm, as_series
from latentia.latent import PRIORS
from latentia.latent.likelihoods.observed import ObservedGaussianLikelihood
from latentia.latent.posteriors import DiagonalGaussianPosterior
from latentia.models import VAE
from latentia.models.series import AutoregressiveSeries
from latentia.nn.series import SeriesEncoder

UPDATES = 1500
MOST_EPOCHS = 200
GRADIENT_CLIP = 5.0


@dataclass(frozen=True)
class SeriesComposition:
    """All that, with the entry of the catalog, builds the untrained module.

    Attributes:
        model: name of the entry, or the entry.
        latent_dim: length of a code.
        longest: T.
        width: states of the LSTMs.
        means: of the columns, over what is observed.
        scales: their deviations.
    """

    model: Any
    latent_dim: int
    longest: int
    width: int
    means: tuple[float, ...]
    scales: tuple[float, ...]

    likelihood = "observed-gaussian"
    network = "lstm"
    typical_size = 0.0

    @property
    def event_shape(self) -> tuple[int, ...]:
        """`(T, 2C)`."""
        return self.longest, 2 * len(self.means)

    def build(self, entry: SeriesEntry) -> VAE:
        """The untrained module."""
        encoder = SeriesEncoder(self.means, self.scales, self.width)
        model = AutoregressiveSeries if entry.forced else VAE
        return model(
            encoder,
            DiagonalGaussianPosterior(encoder.n_features, self.latent_dim),
            PRIORS["standard-normal"](self.latent_dim),
            entry.decoder(self.latent_dim, self.longest, len(self.means), self.width),
            ObservedGaussianLikelihood(self.event_shape, self.means, self.scales),
        )

    def describe(self) -> dict[str, Any]:
        """What rebuilds it, as plain values."""
        return asdict(self)

    @classmethod
    def of(cls, described: dict[str, Any]) -> Self:
        """The inverse of `describe`."""
        return cls(**{**described, "means": tuple(described["means"]), "scales": tuple(described["scales"])})


def composed(estimator: Any, given: Given, parts: Chosen) -> SeriesComposition:
    """The composition for training rows; choices go to `parts.choices`.

    Raises:
        DataError: for a column without a number.
    """
    values, observed = np.split(np.asarray(given.rows, dtype=np.float64), 2, axis=-1)
    count = observed.sum((0, 1))
    if (count == 0).any():
        raise DataError(f"column {int((count == 0).argmax())} has no number in any series; leave it out")
    means = values.sum((0, 1)) / count
    scales = np.sqrt((np.square(values - means) * observed).sum((0, 1)) / count)
    if estimator.latent_dim is None:
        latent_dim = max(2, min(16, round(values.shape[1] * values.shape[2] / 5)))
        parts.choices.append(
            Choice("latent_dim", str(latent_dim), "a fifth of the numbers of a series, within 2 and 16")
        )
    else:
        latent_dim = whole("latent_dim", estimator.latent_dim, 1)
    width = whole("width", estimator.width, 1)
    if estimator._entry().forced:
        reason = "it can do without the code: codes are worth something where the mutual information is above 1 nat"
        parts.choices.append(Choice("decoder", "is told the numbers before each", reason))
    scales = np.where(scales > 0, scales, 1.0)
    return SeriesComposition(
        estimator.model, latent_dim, values.shape[1], width, tuple(means.tolist()), tuple(scales.tolist())
    )


class SeriesWay(Way):
    """The way of series."""

    weighs = False

    def given(self, estimator: Any, X: Any, *, reset: bool, channels: str = "auto") -> Given:  # noqa: ARG002
        """See `Way.given`; rows are `[n, T, 2C]`."""
        items = as_series(X, None if reset else estimator.form_.n_columns)
        if reset and len(items) < 2:
            raise DataError("X holds 1 series; at least 2 are expected")
        form = SeriesForm.of(items) if reset else estimator.form_
        if reset:
            estimator._fitted_form = form
        return Given(cast(NDArray[Any], form.rows(items)))

    def chosen(self, estimator: Any, given: Given, entry: Any, streamed: bool) -> Chosen:  # noqa: ARG002
        """See `Way.chosen`."""
        form = vars(estimator).pop("_fitted_form")
        missing = 1 - given.rows[..., form.n_columns :].sum() / (
            form.n_columns * sum(length * n for length, n in enumerate(form.lengths))
        )
        shortest = next(length for length, n in enumerate(form.lengths) if n)
        reason = f"{missing:.1%} of their numbers are missing, and left out of the likelihood"
        choice = Choice("series", f"{shortest} to {form.longest} steps of {form.n_columns} columns", reason)
        return Chosen(form, "observed-gaussian", "lstm", 0.0, [choice])

    def form_of(self, described: dict[str, Any]) -> SeriesForm:
        """See `Way.form_of`."""
        return SeriesForm.rebuild(described)

    def defaults(self, estimator: Any, rows: Any) -> Defaults:  # noqa: ARG002
        """See `Way.defaults`."""

        def epochs(n: int, batch_size: int, on_cpu: bool) -> int:
            updates = UPDATES if on_cpu else 4 * UPDATES
            return min(MOST_EPOCHS, max(10, math.ceil(updates * batch_size / max(1, n))))

        return Defaults(default_batch_size, epochs, estimator.learning_rate, GRADIENT_CLIP)

    def batches(self, rows: Any, form: Any) -> training.Batches:
        """See `Way.batches`."""
        return training.Batches(rows, form)
