"""What all parts of the library pass to each other: `Trace` with its `Scene`, `Loss`, and the protocols of models and objectives.

Shapes: B items in the batch, S samples of the latent variable per item, D latent dimensions, `event` the shape of
one datum (`[d]` or `[C, H, W]`). All log-likelihoods and divergences are in nats, and nothing is reduced over
items or samples before an objective does it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

from jaxtyping import Float
from torch import Tensor
from torch.distributions import Distribution


@dataclass(frozen=True)
class Scene:
    """What one pass of a model says of the objects of a batch; for videos each field has the frames, T, after B.

    K slots, each a place for an object; a slot that is used is "present". One of them may be the background.

    Attributes:
        masks: share of each pixel that belongs to each slot, `[S, B, K, H, W]`; their sum over K is 1.
        parts: mean of each slot's appearance, `[S, B, K, C, H, W]`, where it is hidden too.
        presence: probability that the slot is used, `[S, B, K]`.
        where: x, y, width, height as shares of the image, `[S, B, K, 4]`: x and y of the centre, y downwards.
        count: log q(n|x), `[S, B, N + 1]`, of a model with a count n of objects; else None.
        background: the slot that is the background; None where no slot has that role by construction.
    """

    masks: Float[Tensor, "samples batch *frames slots height width"]
    parts: Float[Tensor, "samples batch *frames slots channels height width"]
    presence: Float[Tensor, "samples batch *frames slots"]
    where: Float[Tensor, "samples batch *frames slots 4"]
    count: Float[Tensor, "samples batch *frames counts"] | None = None
    background: int | None = None


@dataclass(frozen=True)
class Trace:
    """All that one pass of a model says about a batch.

    Attributes:
        x: the data as the likelihood sees them, `[B, *event]`.
        z: samples of the latent variable, `[S, B, *latent]`.
        posterior: q(z|x), batch shape `[B]`.
        prior: p(z), batch shape `[]`.
        likelihood: p(x|z), batch shape `[S, B]`.
        log_likelihood: log p(x|z) in nats, `[S, B]`.
        kl: KL(q(z|x) || p(z)) in nats, `[S, B, D]`, one column for each latent dimension where it
            factorises, else D = 1; a Monte-Carlo estimate where no closed form is known.
        auxiliary: losses of the model's own that are part of no bound (codebook, commitment), by name: scalars, or `[B]`.
        codes: the first draw of discrete latent variables as whole numbers, `[B, ...]`.
        pool: log w = log p(x, z) - log q(z|x) in nats, `[P, B]`, of the draws from which the S here were chosen, if they were.
        chosen: their places in the pool, `[S, B]`, each drawn with probability w / sum(w).
        scene: the objects that the model sees, where it sees objects.
        weight: how often each item counts, 1 on average over the training set; None: all alike.
    """

    x: Tensor
    z: Tensor
    posterior: Distribution
    prior: Distribution
    likelihood: Distribution
    log_likelihood: Float[Tensor, "samples batch"]
    kl: Float[Tensor, "samples batch dims"]
    auxiliary: dict[str, Tensor] = field(default_factory=dict)
    codes: Tensor | None = None
    pool: Float[Tensor, "pool batch"] | None = None
    chosen: Tensor | None = None
    scene: Scene | None = None
    weight: Float[Tensor, " batch"] | None = None

    def weighed(self, values: Tensor, dim: int = -1) -> Tensor:
        """Values of each item (along `dim`) times its weight: their mean is the one over items that an objective takes."""
        if self.weight is None:
            return values
        dim %= values.ndim
        return values * self.weight.to(values).reshape(-1, *[1] * (values.ndim - dim - 1))

    @property
    def elbo(self) -> Float[Tensor, "samples batch"]:
        """The evidence lower bound, log p(x|z) - KL, in nats, for each sample and item."""
        return self.log_likelihood - self.kl.sum(-1)


@dataclass(frozen=True)
class Loss:
    """What an objective gives: the scalar to minimise and its named parts (scalars in nats, for the log)."""

    total: Float[Tensor, ""]
    parts: dict[str, Float[Tensor, ""]]


@runtime_checkable
class Objective(Protocol):
    """`Trace -> Loss`; `progress` in [0, 1] is the share of training that is done, for weights that ramp."""

    def __call__(self, trace: Trace, progress: float = 1.0) -> Loss:
        """Reduce a trace to the scalar that is minimised."""
        ...


@runtime_checkable
class LatentModel(Protocol):
    """A model with hidden variables (an `nn.Module`): what the diagnostics ask of every VAE, scene and sequence model.

    Where p(x|z) has no mean, its `mean` raises NotImplementedError: what rests on it is "not defined", all else is judged.
    """

    def trace(self, x: Tensor, n_samples: int = 1) -> Trace:
        """One pass over a batch `[B, *event]`, with S = `n_samples` draws of z per item."""
        ...

    def amortised(self, x: Tensor) -> Distribution:
        """The encoder's own q(z|x) for a batch."""
        ...

    def encode(self, x: Tensor) -> Distribution:
        """q(z|x) for a batch; in evaluation mode it may be better than the encoder's own."""
        ...

    def decode(self, z: Tensor) -> Distribution:
        """p(x|z) for codes `[..., *latent]`."""
        ...

    def conditional(self, z: Tensor, x: Tensor) -> Distribution:
        """p(x|z) for codes `[S, B, *latent]` of observed items, of which it may take what is not modelled (a total, a length)."""
        ...

    @property
    def prior(self) -> Any:
        """p(z), when called."""
        ...

    def sample(self, n: int) -> Tensor:
        """`n` draws of x from the model, `[n, *event]`."""
        ...

    def log_prob(self, x: Tensor, n_importance: int) -> Tensor:
        """Importance-weighted log p(x) in nats, `[B]`."""
        ...

    @property
    def numbers_per_code(self) -> int:
        """About how many numbers are held at a time while one code is decoded and its likelihood taken."""
        ...


class TrainableModel(LatentModel, Protocol):
    """What the training loop may ask of a model besides its trace."""

    def prepare(self, x: Tensor) -> None:
        """Look once at (a part of) the training data before the first step."""
        ...

    def calibrate(self, x_batches: Iterable[Tensor]) -> None:
        """Re-estimate what is not learned by gradient (an optimal variance) on training batches."""
        ...


@runtime_checkable
class Choosing(Protocol):
    """A model that can take a training step's gradient through a few of its draws: `n_backward`, or 0 for all."""

    n_backward: int


@runtime_checkable
class Paced(Protocol):
    """A model in which something changes as training goes on: a temperature, the restarts of dead codes."""

    def advance(self, progress: float) -> None:
        """Take note, before a step, of the share of training in [0, 1] that is done."""
        ...
