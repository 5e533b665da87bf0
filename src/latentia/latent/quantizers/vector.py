"""Vector quantization: each vector is replaced by the nearest of K codes."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int64
from torch import Tensor
from torch.nn import functional as F

from latentia.distributions.numerics import at_least_single
from latentia.errors import ConfigError
from latentia.latent.gradients import ESTIMATORS, soft_to_hard, straight_through
from latentia.latent.quantizers.base import Codes, Quantizer
from latentia.latent.quantizers.codebook import Codebook, nearest

SOFT = "soft-to-hard"
SOFT_UNTIL = 0.8
COLDEST = 1e-2


class VectorQuantizer(Quantizer):
    r"""The nearest code in Euclidean distance, :math:`k = \arg\min_j |z_e - e_j|^2`, z_q = e_k.

    Losses, `[B]`, sums over positions and dimensions:

    * ``codebook``: :math:`|\mathrm{sg}(z_e) - e_k|^2`, which moves the codes; absent where they are moving averages.
    * ``commitment``: :math:`|z_e - \mathrm{sg}(e_k)|^2`, which keeps the encoder near its codes.

    Together they are subgradient descent on the distortion :math:`\min_j |z_e - e_j|^2`.

    Args:
        dim: D.
        n_codes: K.
        estimator: how the decoder's gradient reaches the encoder: "straight-through", "rotation", "soft-to-hard" or
            "subgradient"; see `latentia.latent.gradients`. Soft-to-hard decodes mixtures of codes for the first four fifths of training,
            at a temperature that falls from 1 to 0.01, and single codes after that.
        ema: codes are moving averages of the vectors that they stand for, not learned by gradient.
        decay: of the moving averages, in (0, 1).
        cosine: vectors and codes are brought to length 1 first, so that the nearest code is that of the smallest angle.
        revive: restart codes that are hardly ever hit on vectors of the current batch.

    Raises:
        ConfigError: for an unknown estimator, or a decay outside (0, 1).

    Source: van den Oord, Vinyals and Kavukcuoglu 2017, Neural Discrete Representation Learning, eq. 1 to 3.

    Example:
        >>> quantizer = VectorQuantizer(2, 8)
        >>> codes = quantizer(torch.randn(5, 3, 2))
        >>> codes.indices.shape, codes.losses["commitment"].shape
        (torch.Size([5, 3]), torch.Size([5]))
        >>> bool((quantizer.lookup(codes.indices) == codes.z_q).all())
        True
    """

    def __init__(
        self,
        dim: int,
        n_codes: int,
        *,
        estimator: str = "straight-through",
        ema: bool = False,
        decay: float = 0.99,
        cosine: bool = False,
        revive: bool = True,
    ) -> None:
        super().__init__(dim, n_codes)
        if estimator != SOFT and estimator not in ESTIMATORS:
            known = ", ".join([*ESTIMATORS, SOFT])
            raise ConfigError(f"estimator={estimator!r} is unknown; give one of {known}")
        if not 0 < decay < 1:
            raise ConfigError(f"decay={decay} must lie in (0, 1); 0.99 averages over about 100 batches")
        self.estimator, self.cosine = estimator, cosine
        self.codebook = Codebook(dim, n_codes, ema=ema, decay=decay, revive=revive)

    @property
    def vectors(self) -> Float[Tensor, "codes dim"]:
        """The codes in force."""
        return self._scaled(self.codebook.vectors)

    def prepare(self, z_e: Float[Tensor, "vectors dim"]) -> None:
        """Start the codebook at the k-means centres of these vectors."""
        self.codebook.start_at(self._scaled(z_e))

    def forward(self, z_e: Float[Tensor, "batch positions dim"]) -> Codes:
        """Quantize; in training mode, also gather what moving averages and restarts need."""
        z_e = self._scaled(at_least_single(z_e))
        rows = z_e.detach().flatten(0, 1)
        if self.training:
            self.codebook.restart(rows, self.progress)
        vectors = self.vectors
        with torch.no_grad():
            indices = nearest(rows, vectors.detach())
        e = F.embedding(indices, vectors).view_as(z_e)
        passed = self._passed(z_e, e, vectors)
        if self.training:
            self.codebook.record(z_e.detach(), indices)
        losses = {"commitment": _square(z_e - e.detach())}
        if not self.codebook.ema:
            losses["codebook"] = _square(z_e.detach() - e)
        return Codes(passed, indices.view(z_e.shape[:2]), losses)

    def lookup(self, indices: Int64[Tensor, "*batch"]) -> Float[Tensor, "*batch dim"]:
        """The vectors of codes."""
        return F.embedding(indices, self.vectors)

    def _passed(self, z_e: Tensor, e: Tensor, vectors: Tensor) -> Tensor:
        if self.estimator != SOFT:
            return ESTIMATORS[self.estimator](z_e, e)
        if not self.training or self.progress >= SOFT_UNTIL:
            return straight_through(z_e, e)
        # codes learn from their own loss, as everywhere: the decoder moves the encoder alone
        return soft_to_hard(z_e, vectors.detach(), COLDEST ** (self.progress / SOFT_UNTIL))

    def _scaled(self, z: Tensor) -> Tensor:
        return F.normalize(z, dim=-1) if self.cosine else z


def _square(difference: Tensor) -> Tensor:
    """Sum of squares of each item, `[B]`."""
    return difference.square().flatten(1).sum(1)
