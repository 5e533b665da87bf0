"""How a model with discrete codes is fitted into a run folder, and what its runs can do."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentia.errors import ConfigError
from latentia.estimators.forms.arrays import first_rows
from latentia.kinds.codes.estimator import VQVAE
from latentia.kinds.kind import NetworkRecipe
from latentia.kinds.latent_run import LatentRun
from latentia.kinds.serving import ExportsGraphs


def recipe(params: dict[str, Any]) -> NetworkRecipe:
    """How the model that the parameters name is fitted."""
    return NetworkRecipe(VQVAE, params)


class CodesRun(ExportsGraphs, LatentRun):
    """A fitted VQ-VAE, its data and its folder."""

    def vectors(self, items: Any) -> NDArray[Any]:
        """The vectors of the codes: between numbers of codes there is no distance."""
        return np.asarray(self.estimator.embed(items))

    def drawn(self, n: int, *, seed: int, mean: bool = True, label: str | None = None) -> Any:
        """See `latentia.kinds.abilities.Samples`."""
        if label is None:
            return super().drawn(n, seed=seed, mean=mean)
        if not self.estimator.prior_by_class:
            raise ConfigError("--label is for models fitted with `--set prior_by_class=true`")
        classes = self.estimator.classes_
        known = next((each for each in classes if str(each) == label), label)
        return self.estimator.sample(n, mean=mean, random_state=seed, y=known)

    def completed(self, items: Any, keep: float, *, seed: int, labels: Any = None) -> Any:  # noqa: ARG002
        """Items whose last codes are drawn anew by the prior; see `latentia.kinds.abilities.Completes`."""
        mask = np.concatenate([first_rows(shape, keep).ravel() for shape in self.estimator.code_shapes_])
        return self.estimator.complete(items, mask, mean=True, random_state=seed)


RUN = CodesRun
