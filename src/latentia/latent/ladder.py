"""A hierarchy of Gaussian latent variables whose posteriors weigh evidence from the data against the prior from above."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.distributions import Distribution, constraints
from torch.distributions.constraints import Constraint
from torch.nn import functional as F

from latentia.distributions import DiagonalGaussian, standard_normal
from latentia.distributions.numerics import at_least_single
from latentia.latent.posteriors import POSTERIORS, Posterior
from latentia.latent.priors import PRIORS, Prior

WIDTH = 128
FLOOR = 1e-4
"""No variance of the hierarchy falls below this."""


def ladder_dims(latent_dim: int) -> list[int]:
    """How D dimensions are divided among up to three layers, from the bottom up: 4 to 2 to 1, at least one each.

    Example:
        >>> [ladder_dims(d) for d in (1, 2, 5, 28, 100)]
        [[1], [1, 1], [3, 1, 1], [16, 8, 4], [58, 28, 14]]
    """
    upper = [max(1, latent_dim * share // 7) for share in (2, 1)][: latent_dim - 1]
    return [latent_dim - sum(upper), *upper]


def precision_weighted(evidence: DiagonalGaussian, prior: DiagonalGaussian) -> DiagonalGaussian:
    r"""The normalised product of two Gaussians: precisions add up, means are weighed by them.

    .. math:: \sigma_q^2 = \frac{1}{\hat\sigma^{-2} + \sigma_p^{-2}}, \qquad
              \mu_q = \sigma_q^2 (\hat\mu \hat\sigma^{-2} + \mu_p \sigma_p^{-2})

    An infinite variance of the evidence gives the prior, exactly.

    Source: Sønderby et al. 2016, Ladder Variational Autoencoders, eq. 17-19.

    Example:
        >>> one = DiagonalGaussian(torch.tensor([4.0]), torch.tensor([1.0]))
        >>> product = precision_weighted(one, DiagonalGaussian(torch.tensor([0.0]), torch.tensor([1.0])))
        >>> product.mean, product.variance
        (tensor([2.]), tensor([0.5000]))
    """
    ratio = evidence.variance / prior.variance
    loc = prior.mean + (evidence.mean - prior.mean) / (1 + ratio)
    return DiagonalGaussian(loc, prior.stddev * (1 + 1 / ratio).rsqrt(), validate_args=False)


def _gaussian(parameters: Tensor) -> DiagonalGaussian:
    """The Gaussian of `[*, 2 D]` parameters: mean, and variance by softplus."""
    loc, raw = at_least_single(parameters).chunk(2, -1)
    return DiagonalGaussian(loc, (F.softplus(raw) + FLOOR).sqrt(), validate_args=False)


def _path(n_inputs: int, n_outputs: int) -> nn.Sequential:
    """A deterministic step: dense, layer normalisation, SiLU, dense.

    The paper normalises over the batch; over the layer an item's figures do not depend on what stands beside it.
    """
    return nn.Sequential(
        nn.Linear(n_inputs, WIDTH), nn.LayerNorm(WIDTH), nn.SiLU(), nn.Linear(WIDTH, n_outputs)
    )


class LadderEvidence(Posterior):
    r"""The bottom-up half: what the data alone say of each layer, \prod_n N(\hat\mu_n, \hat\sigma_n^2).

    .. math:: d_1 = h(x), \quad d_{n+1} = \mathrm{MLP}_n(d_n), \quad (\hat\mu_n, \hat\sigma_n^2) = \mathrm{linear}_n(d_n)

    Example:
        >>> LadderEvidence(16, 5)(torch.zeros(4, 16)).mean.shape
        torch.Size([4, 5])
    """

    def __init__(self, n_features: int, latent_dim: int) -> None:
        super().__init__(n_features, latent_dim)
        self.dims = ladder_dims(latent_dim)
        inputs = [n_features] + [WIDTH] * (len(self.dims) - 1)
        self.steps = nn.ModuleList(nn.Sequential(_path(n, WIDTH), nn.SiLU()) for n in inputs[:-1])
        self.heads = nn.ModuleList(nn.Linear(n, 2 * d) for n, d in zip(inputs, self.dims, strict=True))

    def forward(self, features: Float[Tensor, "batch features"]) -> DiagonalGaussian:
        """The evidence on z = (z_1, ..., z_L): batch `[B]`, event `[D]`."""
        layers = []
        for index, head in enumerate(self.heads):
            layers.append(_gaussian(head(features)))
            if index < len(self.steps):
                features = self.steps[index](features)
        loc, scale = (torch.cat([getattr(q, name) for q in layers], -1) for name in ("mean", "stddev"))
        return DiagonalGaussian(loc, scale, validate_args=False)


class LadderPrior(Prior):
    r"""The top-down half: p(z) = p(z_L) \prod_n p(z_n | z_{n+1}), with p(z_L) = N(0, I) and Gaussian conditionals.

    A code holds the layers from the bottom up, z = (z_1, ..., z_L); the decoder sees z_1.

    Example:
        >>> LadderPrior(5)().sample((4,)).shape
        torch.Size([4, 5])
    """

    def __init__(self, latent_dim: int) -> None:
        super().__init__(latent_dim)
        self.dims = ladder_dims(latent_dim)
        self.steps = nn.ModuleList(
            _path(above, 2 * below) for below, above in zip(self.dims, self.dims[1:], strict=False)
        )
        self.top_loc: Tensor
        self.register_buffer("top_loc", torch.zeros(self.dims[-1]), persistent=False)

    def layer(self, n: int, above: Tensor | None) -> DiagonalGaussian:
        """p(z_n | z_{n+1}) for n from 0, the bottom; at the top `above` is None and the batch shape `[]`."""
        if above is None:
            return DiagonalGaussian(self.top_loc, torch.ones_like(self.top_loc), validate_args=False)
        return _gaussian(self.steps[n](above))

    def forward(self) -> HierarchicalGaussian:
        """p(z): batch `[]`, event `[D]`."""
        return HierarchicalGaussian(self)

    def posterior(self, evidence: DiagonalGaussian) -> HierarchicalGaussian:
        """q(z|x) for `evidence` with batch `[B]`: batch `[B]`, event `[D]`."""
        return HierarchicalGaussian(self, evidence)


class HierarchicalGaussian(Distribution):
    r"""A top-down chain of Gaussians: the ladder's prior, or with evidence its posterior.

    .. math:: q(z|x) = N(z_L; \hat\mu_L, \hat\sigma_L^2) \prod_{n<L} N(z_n; \mu_{q,n}, \sigma_{q,n}^2)

    where each layer below the top weighs its evidence against p(z_n | z_{n+1}); see `precision_weighted`.

    Args:
        prior: gives the conditionals.
        evidence: of all layers, batch `[B]`, event `[D]`; None for the prior itself.
    """

    has_rsample = True

    def __init__(self, prior: LadderPrior, evidence: DiagonalGaussian | None = None) -> None:
        self.prior = prior
        self.evidence: list[DiagonalGaussian] | None = None
        batch = torch.Size()
        if evidence is not None:
            batch = evidence.batch_shape
            parts = zip(
                evidence.mean.split(prior.dims, -1), evidence.stddev.split(prior.dims, -1), strict=True
            )
            self.evidence = [DiagonalGaussian(loc, scale, validate_args=False) for loc, scale in parts]
        super().__init__(batch, torch.Size([prior.latent_dim]), validate_args=False)

    @property
    def arg_constraints(self) -> dict[str, Constraint]:
        """None: the parameters are networks."""
        return {}

    @property
    def support(self) -> Constraint:
        """All real codes."""
        return constraints.real_vector

    @property
    def mean(self) -> Tensor:
        """The code of a descent without noise, `[*batch, D]`: the mean of each layer given those of the layers above.

        For the layers below the top it is not E[z_n], which has no closed form.
        """
        return torch.cat([q.mean for q, _ in self._descend(lambda q: q.mean)], -1).expand(
            self._extended_shape()
        )

    @property
    def variance(self) -> Tensor:
        """Of each layer given the means of the layers above, `[*batch, D]`."""
        layers = [q.variance for q, _ in self._descend(lambda q: q.mean)]
        return torch.cat(layers, -1).expand(self._extended_shape())

    def rsample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        """Draw from the top down, differentiable in everything."""
        lead = torch.Size(sample_shape) + self.batch_shape
        item_dim = len(lead) - 1 if self.batch_shape else None
        drawn: list[Tensor] = []

        def draw(q: DiagonalGaussian) -> Tensor:
            noise = standard_normal(lead + q.event_shape, q.mean, item_dim)
            drawn.append(q.mean + q.stddev * noise)
            return drawn[-1]

        self._descend(draw)
        return torch.cat(drawn[::-1], -1)

    def sample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        """Draw without gradient."""
        with torch.no_grad():
            return self.rsample(sample_shape)

    def layers(self, z: Tensor) -> list[tuple[DiagonalGaussian, DiagonalGaussian]]:
        """For each layer from the bottom up, its distribution and its prior, given the layers above in codes `[*, D]`."""
        parts = list(z.split(self.prior.dims, -1))
        return self._descend(lambda _: parts.pop())

    def log_prob(self, value: Tensor) -> Tensor:
        """Log-density in nats of codes `[*, D]`, broadcast against the batch."""
        parts = value.split(self.prior.dims, -1)
        terms = [q.log_prob(part) for (q, _), part in zip(self.layers(value), parts, strict=True)]
        return torch.stack(torch.broadcast_tensors(*terms)).sum(0)

    def _descend(
        self, choose: Callable[[DiagonalGaussian], Tensor]
    ) -> list[tuple[DiagonalGaussian, DiagonalGaussian]]:
        """Go down, with the value that `choose` gives for each layer's distribution; (q, p) from the bottom up."""
        pairs: list[tuple[DiagonalGaussian, DiagonalGaussian]] = []
        above: Tensor | None = None
        for n in range(len(self.prior.dims) - 1, -1, -1):
            p = self.prior.layer(n, above)
            if self.evidence is None:
                q = p
            elif above is None:
                q = self.evidence[n]
            else:
                q = precision_weighted(self.evidence[n], p)
            above = choose(q)
            pairs.append((q, p))
        return pairs[::-1]


POSTERIORS.add("ladder", LadderEvidence)
PRIORS.add("ladder", LadderPrior)
