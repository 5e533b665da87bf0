"""How a VAE is fitted into a run folder, and what its runs can do."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentia import explore
from latentia.errors import ConfigError
from latentia.kinds.kind import NetworkRecipe
from latentia.kinds.latent_run import LatentRun
from latentia.kinds.tables import FillsTables
from latentia.kinds.vae.estimator import VAE
from latentia.kinds.vae.export import export_onnx


def recipe(params: dict[str, Any]) -> NetworkRecipe:
    """How the model that the parameters name is fitted."""
    return NetworkRecipe(VAE, params)


class VAERun(FillsTables, LatentRun):
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

    def exported(self, folder: Path) -> list[tuple[Path, float]]:
        """See `latentia.kinds.abilities.Exports`."""
        return export_onnx(self.estimator, folder)

    def _images(self, command: str) -> None:
        if not self.is_image:
            raise ConfigError(f"{command} is for models of images; this run's data are a table")


RUN = VAERun
