"""Any quantizer of the library vector-quantize-pytorch, with the face of ours."""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from latentia.errors import ConfigError, MissingExtraError
from latentia.latent.quantizers.base import Codes, Quantizer


class ExternalQuantizer(Quantizer):
    """A quantizer of `vector_quantize_pytorch` (extra `[vq]`), by the name of its class.

    Several indices for a position (residual or grouped quantizers) are joined to one number, so K is the product of
    their sizes. Its auxiliary loss, one number for a batch, is given to each item.

    Args:
        dim: D.
        kind: "VectorQuantize", "ResidualVQ", "FSQ", "LFQ", "SimVQ", ...
        **options: arguments of its class, besides `dim`.

    Raises:
        MissingExtraError: if the library is not installed.
        ConfigError: if it has no quantizer of this name, the options do not suit it, or it does not tell its codebook's size.

    Example:
        >>> quantizer = ExternalQuantizer(8, "FSQ", levels=[4, 4])  # doctest: +SKIP
        >>> quantizer.n_codes  # doctest: +SKIP
        16
    """

    def __init__(self, dim: int, kind: str = "VectorQuantize", **options: Any) -> None:
        try:
            import vector_quantize_pytorch as library
        except ImportError:
            raise MissingExtraError(
                "vector-quantize-pytorch is not installed: pip install 'latentia[vq]'"
            ) from None
        build = getattr(library, kind, None)
        if not isinstance(build, type):
            raise ConfigError(f"vector-quantize-pytorch has no quantizer {kind!r}; see its documentation")
        try:
            inner: Any = build(dim=dim, **options)
        except (TypeError, AssertionError) as error:
            raise ConfigError(f"{kind}(dim={dim}, **{options}): {error}") from error
        size = _size(inner)
        with torch.no_grad():
            indices = inner.eval()(torch.zeros(1, 1, dim))[1]
        parts = indices.numel()
        super().__init__(dim, size**parts)
        if self.n_codes > 2**31:
            raise ConfigError(
                f"{kind} has {size}^{parts} codes, too many to number; use fewer or smaller parts"
            )
        self.inner = inner.train()
        self.size, self.parts = size, parts

    def forward(self, z_e: Float[Tensor, "batch positions dim"]) -> Codes:
        """Quantize."""
        if not z_e.numel():
            return Codes(z_e, torch.empty(z_e.shape[:2], dtype=torch.int64, device=z_e.device))
        z_q, indices, *rest = self.inner(z_e)
        loss = rest[0].sum() if rest else z_e.new_zeros(())
        weights = self.size ** torch.arange(self.parts, device=z_e.device)
        if hasattr(self.inner, "rvqs"):  # its groups come first
            indices = indices.movedim(0, 2)
        digits = indices.reshape(*z_e.shape[:2], self.parts).to(torch.int64)
        return Codes(z_q, (digits * weights).sum(-1), {"external": loss.expand(len(z_e))})

    def lookup(self, indices: Int64[Tensor, "*batch"]) -> Float[Tensor, "*batch dim"]:
        """The vectors of codes."""
        weights = self.size ** torch.arange(self.parts, device=indices.device)
        flat = indices.reshape(1, -1)
        digits = flat[..., None] // weights % self.size
        groups = getattr(self.inner, "groups", 1)
        if groups > 1:
            codes = digits.unflatten(-1, (groups, -1)).movedim(-2, 0)
        else:
            codes = (
                digits
                if self.parts > 1 or getattr(self.inner, "keep_num_codebooks_dim", False)
                else digits[..., 0]
            )
        read = getattr(self.inner, "get_output_from_indices", None) or self.inner.indices_to_codes
        return read(codes).reshape(*indices.shape, self.dim)


def _size(inner: Any) -> int:
    """Codes of one part: the attribute has several names in the library."""
    while True:
        for name in ("codebook_size", "n_codes", "num_codes"):
            size = getattr(inner, name, None)
            if isinstance(size, int):
                return size
        nested = getattr(inner, "layers", None) or getattr(inner, "rvqs", None)
        if not nested:
            raise ConfigError(
                f"{type(inner).__name__} does not tell the size of its codebook: it cannot be used"
            )
        inner = nested[0]
