"""The face of all autoregressive densities, and the raster-order sampler that they share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from latentia.errors import ConfigError, DataError
from latentia.registry import Registry

Context = Tensor | tuple[Tensor, Tensor] | None
"""A vector `[B, n_context]`, a map `[B, n_map, H, W]`, or both as a tuple in that order."""

Parts = tuple[Tensor | None, Tensor | None]
"""A context's vector and map, each None where there is none."""


@runtime_checkable
class Walk(Protocol):
    """A visit of all positions in raster order, which knows what it has computed for those before."""

    def row(self, r: int) -> None:
        """Row r begins: all rows above it are complete."""
        ...

    def logits(self, r: int, c: int, channel: int) -> Tensor:
        """Logits `[B, K]` of one number; called for each in order, when all before it are known."""
        ...


class AutoregressiveDensity(nn.Module):
    r"""A distribution over images of levels (grey values, or codes) as a product of conditionals.

    .. math:: p(x | h) = \prod_i p(x_i | x_{<i}, h)

    The order is row by row, in a row from left to right, in a pixel channel by channel. h is an optional context.

    Args:
        event_shape: `[C, H, W]`.
        n_levels: K; the numbers are 0 ... K-1.
        n_context: length of a context vector; 0: none.
        n_map: channels of a context map of the size of the image; 0: none.

    Raises:
        ConfigError: if a size is not a whole number in its range.

    Source: van den Oord, Kalchbrenner and Kavukcuoglu 2016, Pixel Recurrent Neural Networks, eq. 1 and 2.
    """

    def __init__(self, event_shape: Sequence[int], n_levels: int, n_context: int = 0, n_map: int = 0) -> None:
        super().__init__()
        shape = tuple(event_shape)
        if len(shape) != 3 or any(int(size) != size or size < 1 for size in shape):
            raise ConfigError(
                f"event_shape={list(event_shape)}: an autoregressive density needs [channels, height, width], each"
                " at least 1; reshape rows of a table to [1, 1, d]"
            )
        for name, value, low in (("n_levels", n_levels, 1), ("n_context", n_context, 0), ("n_map", n_map, 0)):
            if int(value) != value or value < low:
                raise ConfigError(f"{name}={value!r}: expected a whole number of at least {low}")
        self.event_shape = torch.Size(shape)
        self.n_levels, self.n_context, self.n_map = int(n_levels), int(n_context), int(n_map)

    def logits(self, x: Tensor, context: Context = None) -> Tensor:
        """Unnormalised log-probabilities of each number's levels given the numbers before it.

        Args:
            x: levels, `[B, C, H, W]`, of an integer type.
            context: see `Context`.

        Returns:
            `[B, C, H, W, K]`; the numbers at i and after do not enter those at i.

        Raises:
            DataError: if `x` has another shape or is not of an integer type.
            ConfigError: if the context does not fit.
        """
        raise NotImplementedError

    def forward(self, x: Tensor, context: Context = None) -> Tensor:
        """`logits`."""
        return self.logits(x, context)

    def log_prob(self, x: Tensor, context: Context = None) -> Tensor:
        """Log-probability log p(x|h) in nats, `[B]`, for levels `[B, C, H, W]`."""
        logits = self.logits(x, context)
        nats = F.cross_entropy(logits.flatten(0, -2), x.flatten().long(), reduction="none")
        return -nats.reshape(x.shape[0], -1).sum(1)

    def walk(self, x: Tensor, parts: Parts) -> Walk:
        """A `Walk` over `x`, which the sampler fills in meanwhile; this one recomputes everything at each number."""
        return _Recomputing(self, x, parts)

    def sample(
        self,
        n: int,
        context: Context = None,
        given: Tensor | None = None,
        mask: Tensor | None = None,
        temperature: float = 1.0,
        noise: Tensor | None = None,
    ) -> Tensor:
        r"""Draw images, each number by the Gumbel-max trick, the activations of earlier pixels kept.

        .. math:: x_i = \arg\max_k \; l_{ik} + T g_{ik}

        which is a draw from softmax(l / T). What is given is kept, and each number is drawn given all before it, so that
        the lower part of an image is completed exactly; numbers before a given one do not know of it.

        Args:
            n: number of images.
            context: see `Context`, n of them.
            given: levels, broadcastable to `[n, C, H, W]`.
            mask: True where `given` is to be kept, broadcastable to `[n, C, H, W]`.
            temperature: T; 0 takes the most likely level at each number.
            noise: g, standard Gumbel numbers `[n, C, H, W, K]`; None draws them from torch's generator.

        Returns:
            Levels `[n, C, H, W]`.

        Raises:
            ConfigError: if an argument does not fit.

        Source: Ramachandran et al. 2017, Fast Generation for Convolutional Autoregressive Models.
        """
        return self._draw(self.walk, n, context, given, mask, temperature, noise)

    def slow_sample(
        self,
        n: int,
        context: Context = None,
        given: Tensor | None = None,
        mask: Tensor | None = None,
        temperature: float = 1.0,
        noise: Tensor | None = None,
    ) -> Tensor:
        """As `sample`, with a whole pass of the network for each number: what the fast one is checked against."""
        return self._draw(
            lambda x, parts: _Recomputing(self, x, parts), n, context, given, mask, temperature, noise
        )

    # ------------------------------------------------------------------ what they are made of

    def _draw(
        self,
        walker: Callable[[Tensor, Parts], Walk],
        n: int,
        context: Context,
        given: Tensor | None,
        mask: Tensor | None,
        temperature: float,
        noise: Tensor | None,
    ) -> Tensor:
        like = next(self.parameters(), torch.zeros(()))
        parts = self.context_parts(context, n)
        x, keep = self._start(n, given, mask, like.device)
        if not temperature >= 0:
            raise ConfigError(f"temperature={temperature}: expected a number of at least 0")
        if noise is not None and noise.shape != (n, *self.event_shape, self.n_levels):
            raise ConfigError(
                f"noise of shape {list(noise.shape)}; expected {[n, *self.event_shape, self.n_levels]}"
            )
        if n > 0:
            with (
                torch.inference_mode()
            ):  # less bookkeeping an operation than no_grad; x was made outside and stays ordinary
                self._fill(x, keep, walker(x, parts), temperature, noise)
        return x

    def _fill(
        self, x: Tensor, keep: Tensor | None, walk: Walk, temperature: float, noise: Tensor | None
    ) -> None:
        """Draw the numbers of x in their order, but those to keep."""
        channels, height, width = self.event_shape
        for r in range(height):
            walk.row(r)
            for c in range(width):
                for channel in range(channels):
                    scores = walk.logits(r, c, channel)
                    if temperature > 0:
                        g = gumbel(scores) if noise is None else noise[:, channel, r, c].to(scores)
                        scores = torch.add(scores, g, alpha=temperature)
                    drawn = scores.argmax(-1)
                    here = x[:, channel, r, c]
                    if keep is not None:
                        drawn = torch.where(keep[:, channel, r, c], here, drawn)
                    here.copy_(drawn)

    def _start(
        self, n: int, given: Tensor | None, mask: Tensor | None, device: torch.device
    ) -> tuple[Tensor, Tensor | None]:
        """Images to fill in, the given numbers in place, and where they are to be kept."""
        shape = (n, *self.event_shape)
        if (given is None) != (mask is None):
            raise ConfigError("given and mask go together: the levels, and True where they are to be kept")
        if given is None or mask is None:
            return torch.zeros(shape, dtype=torch.long, device=device), None
        try:
            known, keep = given.to(device).expand(shape), mask.to(device, torch.bool).expand(shape)
        except RuntimeError:
            raise ConfigError(
                f"given {list(given.shape)} and mask {list(mask.shape)} do not broadcast to {list(shape)}"
            ) from None
        x = torch.where(keep, known.long(), 0)
        if bool(((x < 0) | (x >= self.n_levels)).any()):
            raise ConfigError(f"given levels must lie in 0 ... {self.n_levels - 1} where mask is True")
        return x, keep

    def context_parts(self, context: Context, n: int) -> Parts:
        """Vector `[n, n_context]` and map `[n, n_map, H, W]` of a context, or None for what there is not.

        Raises:
            ConfigError: if one is missing, too many, or of another shape.
        """
        wanted: list[tuple[int, ...]] = []
        if self.n_context:
            wanted.append((n, self.n_context))
        if self.n_map:
            wanted.append((n, self.n_map, *self.event_shape[1:]))
        found = () if context is None else context if isinstance(context, tuple) else (context,)
        if [tuple(each.shape) for each in found] != wanted:
            raise ConfigError(
                f"context of shapes {[list(each.shape) for each in found]}; this density expects"
                f" {[list(shape) for shape in wanted]} (vector, then map)"
            )
        parts = iter(found)
        return next(parts) if self.n_context else None, next(parts) if self.n_map else None

    def check(self, x: Tensor) -> Tensor:
        """`x` as int64, after its type and shape are found to fit.

        Raises:
            DataError: if they do not.
        """
        if x.is_floating_point() or x.is_complex() or tuple(x.shape[1:]) != tuple(self.event_shape):
            raise DataError(
                f"x of type {x.dtype} and shape {list(x.shape)}; expected levels 0 ... {self.n_levels - 1} of an integer"
                f" type, [B, {', '.join(map(str, self.event_shape))}]"
            )
        return x.long()


class _Recomputing:
    """The walk of a density that keeps nothing: one whole pass for each number."""

    def __init__(self, density: AutoregressiveDensity, x: Tensor, parts: Parts) -> None:
        self.density, self.x = density, x
        known = tuple(part for part in parts if part is not None)
        self.context: Context = None if not known else known[0] if len(known) == 1 else (known[0], known[1])

    def row(self, r: int) -> None:
        """Nothing is kept."""

    def logits(self, r: int, c: int, channel: int) -> Tensor:
        """From a pass over the whole image."""
        return self.density.logits(self.x, self.context)[:, channel, r, c]


def gumbel(like: Tensor) -> Tensor:
    """Standard Gumbel numbers of the shape, type and device of `like`."""
    return torch.empty_like(like).exponential_().log_().neg_()


DENSITIES: Registry[Callable[..., AutoregressiveDensity]] = Registry("autoregressive density")
"""`DENSITIES[name](event_shape, n_levels, n_context=0, n_map=0, **options)`."""


def build_density(
    name: str, event_shape: Sequence[int], n_levels: int, **options: Any
) -> AutoregressiveDensity:
    """The density `name` of `DENSITIES`, a wrong option named with the density.

    Raises:
        ConfigError: for an unknown name or option, or a wrong size.
    """
    try:
        return DENSITIES[name](event_shape, n_levels, **options)
    except TypeError as error:
        raise ConfigError(f"{name}: {error}; see the arguments of {DENSITIES[name].__name__}") from None
