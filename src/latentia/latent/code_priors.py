"""Priors over codes: p(k) of one map, of one map for each class, or of two maps of which one conditions the other."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor, nn
from torch.distributions import Distribution, constraints
from torch.distributions.constraints import Constraint
from torch.nn import functional as F

from latentia import draws
from latentia.errors import ConfigError
from latentia.latent.autoregressive import DENSITIES, AutoregressiveDensity
from latentia.latent.plain_densities import Independent, Uniform
from latentia.registry import Registry

CODE_PRIORS: Registry[Callable[..., AutoregressiveDensity]] = Registry("prior over codes")
"""Densities over a map of codes by name: the two above, and all autoregressive ones."""
CODE_PRIORS.add("uniform", Uniform)
CODE_PRIORS.add("independent", Independent)
for _name, _density in DENSITIES.items():
    # Code maps are small and their alphabets large: wider layers than pixels need cost little
    CODE_PRIORS.add(_name, partial(_density, n_channels=64) if _name == "gated-pixelcnn" else _density)


class Given(NamedTuple):
    """Codes that are known: numbers `[n, positions]`, of which those where `kept` (same shape) is True are looked at."""

    codes: Int64[Tensor, "items positions"]
    kept: Bool[Tensor, "items positions"]

    def split(self, sizes: list[int]) -> list[Given]:
        """Of several maps that lie one after another, each."""
        return [
            Given(*parts) for parts in zip(self.codes.split(sizes, 1), self.kept.split(sizes, 1), strict=True)
        ]


class CodesDistribution(Distribution):
    """p(k) as a distribution over code numbers `[n]`, batch shape `[]`.

    Args:
        prior: gives log-probabilities and samples.
    """

    arg_constraints: dict[str, Constraint] = {}  # noqa: RUF012  torch's own form

    def __init__(self, prior: CodePrior) -> None:
        self.prior = prior
        super().__init__(torch.Size(), torch.Size([prior.n_positions]), validate_args=False)

    @property
    def support(self) -> Constraint:
        """Whole numbers from 0."""
        return constraints.independent(constraints.nonnegative_integer, 1)

    def sample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        """Draw codes `[*sample_shape, n]`."""
        shape = torch.Size(sample_shape)
        return self.prior.sample(shape.numel()).view(*shape, self.prior.n_positions)

    def log_prob(self, value: Tensor) -> Tensor:
        """Log p(k) in nats of codes `[*batch, n]`, `[*batch]`."""
        indices = value.reshape(-1, value.shape[-1])
        picked = self.prior.log_probs(indices).gather(-1, indices[..., None])
        return picked.squeeze(-1).sum(-1).view(value.shape[:-1])


class CodePrior(nn.Module):
    """Base of priors over the codes of an item, at n positions in a fixed order, K codes at each.

    Args:
        n_positions: n.
        n_codes: K.
    """

    def __init__(self, n_positions: int, n_codes: int) -> None:
        super().__init__()
        self.n_positions, self.n_codes = n_positions, n_codes

    def log_probs(self, indices: Int64[Tensor, "batch positions"]) -> Float[Tensor, "batch positions codes"]:
        """Log p(j | the codes before) of every code j at each position, in nats."""
        raise NotImplementedError

    def sample(
        self, n: int, temperature: float = 1.0, given: Given | None = None
    ) -> Int64[Tensor, "items positions"]:
        """Draw the codes of n items; those `given` are kept, and each is drawn given all before it."""
        raise NotImplementedError

    def prepare(self, x: Tensor) -> None:
        """Nothing: a prior over codes starts from the codes, not from the data."""

    def forward(self) -> CodesDistribution:
        """p(k): batch `[]`, event `[n]`."""
        return CodesDistribution(self)


class MapPrior(CodePrior):
    """A density over one map of codes.

    Args:
        shape: (h, w) of the map; n groups are (1, n).
        n_codes: K.
        density: a name of `CODE_PRIORS`: "uniform", "independent", "gated-pixelcnn", ...
        n_map: channels of a context map, for `log_probs` and `sample`.

    Example:
        >>> prior = MapPrior((2, 2), 8, "independent")
        >>> prior().sample((3,)).shape, prior().log_prob(prior().sample((3,))).shape
        (torch.Size([3, 4]), torch.Size([3]))
    """

    def __init__(
        self, shape: tuple[int, int], n_codes: int, density: str = "uniform", n_map: int = 0
    ) -> None:
        super().__init__(shape[0] * shape[1], n_codes)
        self.shape = shape
        self.density = CODE_PRIORS[density]((1, *shape), n_codes, n_context=0, n_map=n_map)

    def log_probs(
        self, indices: Int64[Tensor, "batch positions"], context: Tensor | None = None
    ) -> Float[Tensor, "batch positions codes"]:
        """Log p(j | the codes before, context)."""
        if isinstance(self.density, Uniform):
            # a view of one number: nothing is computed for each code
            return (self.density.place - math.log(self.n_codes)).expand(*indices.shape, self.n_codes)
        logits = self.density.logits(indices.unflatten(1, (1, *self.shape)), context)
        return torch.log_softmax(logits.flatten(1, 3), -1)

    def sample(
        self, n: int, temperature: float = 1.0, given: Given | None = None, context: Tensor | None = None
    ) -> Int64[Tensor, "items positions"]:
        """Draw the codes of n items, but those `given`."""
        return _drawn(self.density, self.shape, n, context, given, temperature)


class ClassPrior(CodePrior):
    r"""A density over one map of codes for each class; without a class, their mixture.

    .. math:: p(k) = \sum_c \pi_c \, p(k | c), \quad
              p(k_i | k_{<i}) = \sum_c p(c | k_{<i}) \, p(k_i | k_{<i}, c)

    so that the rate of unlabelled items is exact too, at the price of C passes.

    Args:
        shape: (h, w) of the map.
        n_codes: K.
        density: a name of `CODE_PRIORS`.
        n_classes: C.

    Raises:
        ConfigError: if there is no class.
    """

    log_shares: Tensor

    def __init__(self, shape: tuple[int, int], n_codes: int, density: str, n_classes: int) -> None:
        super().__init__(shape[0] * shape[1], n_codes)
        if n_classes < 1:
            raise ConfigError(f"n_classes={n_classes}: a prior for each class needs at least one class")
        self.shape, self.n_classes = shape, n_classes
        self.density = CODE_PRIORS[density]((1, *shape), n_codes, n_context=n_classes, n_map=0)
        self.register_buffer("log_shares", torch.zeros(n_classes) - torch.tensor(float(n_classes)).log())

    def set_shares(self, counts: Int64[Tensor, " classes"]) -> None:
        """Take the shares of the classes from their counts in the training data."""
        self.log_shares.copy_((counts / counts.sum()).log())

    def log_probs_given(
        self, indices: Int64[Tensor, "batch positions"], labels: Int64[Tensor, " batch"]
    ) -> Float[Tensor, "batch positions codes"]:
        """Log p(j | the codes before, class)."""
        context = F.one_hot(labels, self.n_classes).to(self.log_shares.dtype)
        logits = self.density.logits(indices.unflatten(1, (1, *self.shape)), context)
        return torch.log_softmax(logits.flatten(1, 3), -1)

    def log_probs(self, indices: Int64[Tensor, "batch positions"]) -> Float[Tensor, "batch positions codes"]:
        """Log p(j | the codes before), the class summed out."""
        mixed = None
        for c in range(self.n_classes):
            of_class = self.log_probs_given(indices, torch.full_like(indices[:, 0], c))
            picked = of_class.gather(-1, indices[..., None]).squeeze(-1)
            before = self.log_shares[c] + picked.cumsum(-1) - picked  # log of pi_c p(k_<i | c)
            joint = torch.stack([before[..., None] + of_class, before[..., None].expand_as(of_class)])
            mixed = joint if mixed is None else torch.logaddexp(mixed, joint)
        assert mixed is not None
        return mixed[0] - mixed[1]

    def sample(
        self,
        n: int,
        temperature: float = 1.0,
        given: Given | None = None,
        labels: Int64[Tensor, " items"] | None = None,
    ) -> Int64[Tensor, "items positions"]:
        """Draw the codes of n items, but those `given`, of the classes `labels` or of classes drawn by what is known.

        Without `given` that is the classes' shares, else pi_c times the product of p(k_i | k_<i, c) over what is kept, which
        is p(c | kept) where the first codes are kept.
        """
        if labels is None:
            labels = draws.multinomial(self._class_logits(n, given).softmax(1), 1).squeeze(1)
        context = F.one_hot(labels, self.n_classes).to(self.log_shares.dtype)
        return _drawn(self.density, self.shape, n, context, given, temperature)

    def _class_logits(self, n: int, given: Given | None) -> Float[Tensor, "items classes"]:
        logits = self.log_shares.expand(n, -1)
        if given is None:
            return logits
        codes, kept = torch.where(given.kept, given.codes, 0), given.kept
        picked = (
            self.log_probs_given(codes, codes.new_full((n,), c)).gather(-1, codes[..., None]).squeeze(-1)
            for c in range(self.n_classes)
        )
        return logits + torch.stack([(each * kept).sum(1) for each in picked], 1)


class TwoLevelPrior(CodePrior):
    """A density over the top map, and one over the bottom map given the top one: p(k_t) p(k_b | k_t).

    The codes of the top map are embedded, pass two convolutions and are brought to the size of the bottom one.

    Source: Razavi, van den Oord and Vinyals 2019, Generating Diverse High-Fidelity Images with VQ-VAE-2, section 3.2.

    Args:
        shapes: (h, w) of the top and of the bottom map.
        n_codes: K of both.
        density: a name of `CODE_PRIORS`.
    """

    WIDTH = 32

    def __init__(self, shapes: tuple[tuple[int, int], tuple[int, int]], n_codes: int, density: str) -> None:
        top, bottom = shapes
        super().__init__(top[0] * top[1] + bottom[0] * bottom[1], n_codes)
        self.bottom_shape = bottom
        # what ignores its context needs none
        n_map = 0 if density == "uniform" else self.WIDTH
        self.top = MapPrior(top, n_codes, density)
        self.bottom = MapPrior(bottom, n_codes, density, n_map)
        if n_map:
            self.embedding = nn.Embedding(n_codes, n_map)
            self.body = nn.Sequential(
                nn.Conv2d(n_map, n_map, 3, padding=1), nn.ReLU(), nn.Conv2d(n_map, n_map, 3, padding=1)
            )

    def log_probs(self, indices: Int64[Tensor, "batch positions"]) -> Float[Tensor, "batch positions codes"]:
        """Log p(j | the codes before), top positions first."""
        top, bottom = indices.split([self.top.n_positions, self.bottom.n_positions], 1)
        return torch.cat([self.top.log_probs(top), self.bottom.log_probs(bottom, self._context(top))], 1)

    def sample(
        self, n: int, temperature: float = 1.0, given: Given | None = None
    ) -> Int64[Tensor, "items positions"]:
        """Draw the top map, then the bottom one, but the codes `given`."""
        sizes = [self.top.n_positions, self.bottom.n_positions]
        above, below = (None, None) if given is None else given.split(sizes)
        top = self.top.sample(n, temperature, above)
        return torch.cat([top, self.bottom.sample(n, temperature, below, self._context(top))], 1)

    def _context(self, top: Tensor) -> Tensor | None:
        if not self.bottom.density.n_map:
            return None
        embedded = self.embedding(top).movedim(-1, 1).unflatten(2, self.top.shape)
        return self.body(F.interpolate(embedded, self.bottom_shape, mode="nearest"))


def _drawn(
    density: AutoregressiveDensity,
    shape: tuple[int, int],
    n: int,
    context: Tensor | None,
    given: Given | None,
    temperature: float,
) -> Int64[Tensor, "items positions"]:
    codes, kept = (None, None) if given is None else (part.view(n, 1, *shape) for part in given)
    return density.sample(n, context, codes, kept, temperature=temperature).flatten(1)
