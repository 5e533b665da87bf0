"""What a model of a catalog is composed of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from torch import nn

from latentia.core import Objective
from latentia.latent import Likelihood, Posterior, Prior
from latentia.models import VAE
from latentia.objectives import ObjectiveFactory
from latentia.training import Joint, Schedule

_JOINT = Joint()


@dataclass(frozen=True)
class Parts:
    """What a model is put together from, built for one data set.

    Attributes:
        encoder: items `[B, *event]` to features.
        posterior: features to q(z|x).
        prior: p(z).
        decoder: codes to outputs `[N, n_outputs, *event]`.
        likelihood: outputs to p(x|z).
    """

    encoder: nn.Module
    posterior: Posterior
    prior: Prior
    decoder: nn.Module
    likelihood: Likelihood


@dataclass(frozen=True)
class Entry:
    """What a named model is composed of.

    Attributes:
        summary: one line that says what it is.
        reference: where it was published.
        objective: what is minimised: an objective, or a factory that is called once for each fit with its
            `ObjectiveSetting` and the options that a person gives.
        gaussian: which Gaussian stands at p(x|z) where the data are real numbers (a name of `LIKELIHOODS`);
            binary data and counts take the likelihood of their kind.
        posterior: a name of `POSTERIORS`.
        prior: a name of `PRIORS`.
        schedule: how encoder and decoder take turns, unless a person asks for another schedule.
        image_network: a name of `NETWORKS`, for images; None: the one for their shape.
        vector_network: the same for vectors.
        model: what is made of the parts: `VAE`, or a class with its constructor and face.
        likelihoods: kind of data (of `estimators.form`) to the name of `LIKELIHOODS` that stands at p(x|z), for models
            that are defined by theirs; data of other kinds are refused. None: any data, the likelihood of their kind.
        sampler: where samples draw their codes from unless a person says otherwise: "prior" or "aggregate-posterior".
        compose: puts the parts together where they do not go together in the order of `model`'s constructor.
        refinement_steps: steps toward each item's own posterior after training, unless a person says otherwise.
    """

    summary: str
    reference: str
    objective: Objective | ObjectiveFactory
    gaussian: str = "gaussian"
    posterior: str = "gaussian"
    prior: str = "standard-normal"
    schedule: Schedule = _JOINT
    image_network: str | None = None
    vector_network: str | None = None
    model: type[VAE] = VAE
    likelihoods: Mapping[str, str] | None = None
    sampler: str = "prior"
    refinement_steps: int = 0
    compose: Callable[[Parts], VAE] | None = None

    @property
    def can_refine(self) -> bool:
        """Whether codes can be refined (`latentia.models.refinement`): Gaussians whose mean is free to move."""
        return self.posterior in ("gaussian", "constant-variance")
