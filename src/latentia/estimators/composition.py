"""What a VAE is made of: what a person left open is chosen from the data, and the parts are put together."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Mapping
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.utils import check_random_state
from torch import Tensor

from latentia.errors import ConfigError
from latentia.estimators.compose import compose
from latentia.estimators.defaults import default_latent_dim
from latentia.estimators.entry import Entry
from latentia.estimators.forms.scaled import Choice, Form, choose, defining_likelihood
from latentia.estimators.network import NetworkEstimator
from latentia.estimators.parameters import whole
from latentia.estimators.savable import Curves, params_of
from latentia.kinds.vae.catalog import CATALOG
from latentia.kinds.vae.sampler import SAMPLERS, AggregatePosterior
from latentia.kinds.vae.schedules import resolve_schedule
from latentia.latent import Likelihood
from latentia.models import VAE as VAEModule
from latentia.nn import FEW_ROWS, Network, pick_network
from latentia.training import Schedule
from latentia.training.randomness import seeded


class VAEComposition(NetworkEstimator):
    """The parts of a VAE, chosen, put together, written to run folders and rebuilt from them."""

    model: str | Entry
    latent_dim: int | None
    likelihood: str | Callable[[torch.Size], Likelihood]
    network: str | Network
    schedule: str | Schedule
    schedule_options: Mapping[str, Any] | None
    sampler: str
    refinement_steps: int | str
    binarize: bool
    random_state: Any
    form_: Form
    schedule_: Schedule
    sampler_: AggregatePosterior | None

    # ------------------------------------------------------------------ choosing

    def _entry(self) -> Entry:
        return CATALOG[self.model] if isinstance(self.model, str) else self.model

    def _build(self, rows: NDArray[Any], was_sparse: bool, streamed: bool = False) -> int:
        """Choose what is left open, and compose the untrained model; gives the seed of the run.

        Args:
            rows: `[n, *event]`.
            was_sparse: whether they came as a sparse matrix.
            streamed: whether more rows will follow these.
        """
        entry = self._entry()
        if self.sampler not in SAMPLERS:
            raise ConfigError(f"sampler={self.sampler!r} is unknown; expected one of {', '.join(SAMPLERS)}")
        self._check_refinement(entry)
        event = tuple(rows.shape[1:])
        self.choices_ = []
        self.sampler_ = None
        name = self.likelihood if isinstance(self.likelihood, str) else "auto"
        if entry.likelihoods is not None and name == "auto" and isinstance(self.likelihood, str):
            name = defining_likelihood(rows, was_sparse, self.binarize, entry.likelihoods, self.model)
        self.form_, chosen, choices = choose(rows, name, was_sparse, self.binarize, entry.gaussian)
        self.likelihood_: str | Callable[[torch.Size], Likelihood] = chosen
        if isinstance(self.likelihood, str):
            self.choices_ += choices
        else:
            self.likelihood_ = self.likelihood
        self.network_: str | Network = self.network
        if isinstance(self.network, str) and self.network == "auto":
            n_rows = FEW_ROWS if streamed else len(rows)
            self.network_, reason = pick_network(event, n_rows, entry.image_network, entry.vector_network)
            self.choices_.append(Choice("network", self.network_, reason))
        self.schedule_ = resolve_schedule(self.schedule, self.schedule_options, entry.schedule)
        self._choose_size(rows)
        self.event_shape_ = event
        self.typical_size_ = _typical_size(rows) if self.form_.kind == "counts" else 0.0
        self.seed_ = int(check_random_state(self.random_state).randint(2**31 - 1))
        with seeded(self.seed_, torch.device("cpu")):
            self._compose()
        return self.seed_

    def _check_refinement(self, entry: Entry) -> None:
        steps = self.refinement_steps
        if steps == "auto":
            return
        if isinstance(steps, str):
            raise ConfigError(f"refinement_steps={steps!r}: expected a whole number of at least 0, or 'auto'")
        if whole("refinement_steps", steps, 0) and not entry.can_refine:
            raise ConfigError(
                f"refinement_steps={steps}: the codes of model {self.model!r} cannot be refined, only independent Gaussians whose "
                "mean is free; give 0 or 'auto'"
            )

    def _choose_size(self, rows: NDArray[Any]) -> None:
        """Set the length of a code for rows `[n, *event]`."""
        event = tuple(rows.shape[1:])
        size = math.prod(event)
        if self.latent_dim is None:
            self.latent_dim_ = default_latent_dim(event)
            self.choices_.append(Choice("latent_dim", str(self.latent_dim_), f"{size} numbers in a datum"))
        else:
            self.latent_dim_ = whole("latent_dim", self.latent_dim, 1)
        if self.latent_dim_ > size:
            raise ConfigError(
                f"latent_dim={self.latent_dim_} is larger than a datum, which holds {size} numbers: "
                f"give 1 to {size}"
            )

    def _compose(self) -> None:
        self.module_: VAEModule = compose(
            self._entry(),
            self.event_shape_,
            self.latent_dim_,
            likelihood=self.likelihood_,
            network=self.network_,
            inputs=self.form_.encoder_inputs(self.typical_size_),
        )

    def _frozen_form(self) -> Form:
        """The form in evaluation mode: validation data are binarized the same way in every epoch."""
        return copy.deepcopy(self.form_).eval()

    # ------------------------------------------------------------------ keeping

    def describe(self) -> tuple[dict[str, Any], dict[str, Tensor], Curves]:
        """Entries of `config.json`, tensors and learning curves."""
        tensors = {f"model.{name}": value for name, value in self.module_.state_dict().items()}
        tensors |= {f"form.{name}": value for name, value in self.form_.state_dict().items()}
        if self.sampler_ is not None:
            tensors |= self.sampler_.tensors()
        entries = {
            "form": self.form_.describe(),
            "sampler": None if self.sampler_ is None else self.sampler_.describe(),
            "refinement_steps": self.module_.refinement_steps,
            "composition": self.composition(),
            **self._describe_fit(),
        }
        return entries, tensors, self.history_

    @classmethod
    def rebuild(
        cls, config: dict[str, Any], tensors: dict[str, Tensor], curves: Callable[[], Curves]
    ) -> Self:
        """The inverse of `describe`; see `Savable.rebuild`."""
        self = cls(**params_of(config))
        self.take_composition(config["composition"])
        self.form_ = Form(**config["form"])
        self._restore(tensors)
        # Folders that were written before there was a sampler, or refinement, have no such entry.
        self.module_.refinement_steps = config.get("refinement_steps", 0)
        described = config.get("sampler")
        self.sampler_ = None if described is None else AggregatePosterior.rebuild(described, tensors)
        self._take_fit(config, curves())
        return self

    def composition(self) -> dict[str, Any]:
        """What rebuilds the untrained module, as plain values: the inverse of `take_composition`."""
        return {
            "model": self.model,
            "latent_dim": self.latent_dim_,
            "likelihood": self.likelihood_,
            "network": self.network_,
            "event_shape": list(self.event_shape_),
            "typical_size": self.typical_size_,
        }

    def take_composition(self, composition: dict[str, Any]) -> None:
        """Set what `composition` told."""
        self.event_shape_ = tuple(composition["event_shape"])
        self.latent_dim_ = composition["latent_dim"]
        self.likelihood_ = composition["likelihood"]
        self.network_ = composition["network"]
        self.typical_size_ = composition["typical_size"]

    def _restore(self, tensors: dict[str, Tensor]) -> None:
        """Rebuild the module from a run folder's weights, named `model.*` and `form.*`."""
        self._compose()
        self.schedule_ = resolve_schedule(self.schedule, self.schedule_options, self._entry().schedule)
        self.n_features_in_ = math.prod(self.event_shape_)
        for part, module in (("model", self.module_), ("form", self.form_)):
            prefix = f"{part}."
            named = {name.removeprefix(prefix): t for name, t in tensors.items() if name.startswith(prefix)}
            self._load_weights(module, named)


def _typical_size(rows: NDArray[Any]) -> float:
    return float(np.median(rows.sum(1, dtype=np.float64)))
