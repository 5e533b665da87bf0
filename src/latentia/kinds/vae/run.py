"""How a VAE is fitted into a run folder, and what its runs can do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentia import explore
from latentia.data import Dataset
from latentia.errors import ConfigError
from latentia.estimators.planning import expected_seconds, is_time
from latentia.kinds.kind import NetworkRecipe
from latentia.kinds.latent_run import LatentRun
from latentia.kinds.serving import ExportsGraphs
from latentia.kinds.tables import FillsTables
from latentia.kinds.vae.estimator import VAE

FIRST_MINUTES = 1.5
LONG_MINUTES = 4.5
"""A fit that takes longer is worth a first model."""


class VAERecipe(NetworkRecipe):
    """How a VAE is fitted into a run folder."""

    def first(self, dataset: Dataset) -> dict[str, Any] | None:
        """See `latentia.kinds.kind.Recipe`."""
        vae = self.estimator
        long = 60 * LONG_MINUTES
        if is_time(vae.max_minutes) or expected_seconds(vae, dataset, long) < long:
            return None
        return {"max_minutes": FIRST_MINUTES}


def recipe(params: dict[str, Any]) -> VAERecipe:
    """How the model that the parameters name is fitted."""
    return VAERecipe(VAE, params)


class VAERun(ExportsGraphs, FillsTables, LatentRun):
    """A fitted VAE, its data and its folder."""

    def coded(self, items: Any) -> NDArray[Any]:
        """See `latentia.kinds.abilities.Walks`."""
        return np.asarray(self.estimator.transform(items))

    def decoded(self, codes: NDArray[Any]) -> Any:
        """See `latentia.kinds.abilities.Walks`."""
        return self.estimator.inverse_transform(codes)

    def estimator_for(self, what: str) -> Any:  # noqa: ARG002
        """See `latentia.kinds.abilities.Infers`."""
        return self.estimator

    def compressed(self, items: Any, *, exact: bool, precision: int | None, names: Sequence[str]) -> bytes:
        """See `latentia.kinds.abilities.Compresses`."""
        self._images("compress")
        return explore.compress(self.estimator, items, exact=exact, precision=precision, names=names)

    def restored(self, content: bytes) -> Any:
        """See `latentia.kinds.abilities.Compresses`."""
        self._images("decompress")
        return explore.decompress(self.estimator, content)

    def _images(self, command: str) -> None:
        if not self.is_image:
            raise ConfigError(f"{command} is for models of images; this run's data are a table")


RUN = VAERun
