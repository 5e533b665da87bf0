"""PixelCNN++: whole pixels as conditions, and a mixture of discretized logistics for each."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from latentia.distributions.logistic import log_bin
from latentia.distributions.numerics import soft_clip
from latentia.errors import ConfigError
from latentia.latent.autoregressive.base import DENSITIES, Context
from latentia.latent.autoregressive.causal import CausalConv2d, PointwiseWalk
from latentia.latent.autoregressive.features import Head, LayeredDensity, PixelHead
from latentia.latent.autoregressive.gated import GatedStack


class LogisticMixtureHead(Head):
    r"""Features to the level probabilities of a mixture of logistics over a whole pixel.

    .. math::
        P(x_1, ..., x_C) = \sum_m \pi_m \prod_c P_m(x_c | x_{<c}), \qquad
        P_m(x_c|x_{<c}) = \mathrm{Logistic}\Big(\mu_{mc} + \sum_{b<c} \alpha_{mcb} x_b, s_{mc}\Big)

    integrated over each level's cell. The conditional of one channel is a mixture of the same components, their weights
    multiplied by what each gave to the channels before.

    Args:
        n_features: F.
        n_channels: C.
        n_levels: K.
        n_components: M.
    """

    def __init__(self, n_features: int, n_channels: int, n_levels: int, n_components: int) -> None:
        super().__init__()
        self.n_channels, self.n_levels, self.n_components = n_channels, n_levels, n_components
        self.cells = max(n_levels, 2)  # a single level is one of two, renormalised
        self.n_pairs = n_channels * (n_channels - 1) // 2
        n_outputs = n_components * (1 + 2 * n_channels + self.n_pairs)
        self.hidden = CausalConv2d(n_features, n_features, 0, 0, 1, centre=True)
        self.out = CausalConv2d(n_features, n_outputs, 0, 0, 1, centre=True)
        with torch.no_grad():
            self.out.weight.mul_(0.1)
            locations = self.out.bias[n_components:].unflatten(0, (-1, n_components))[:n_channels]
            locations.copy_(torch.linspace(-0.5, 0.5, n_components).expand_as(locations))

    def parameters_of(self, outputs: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Outputs `[..., n_outputs]` as log weights `[..., M]`, locations and log-scales `[..., C, M]`, shifts `[..., P, M]`."""
        channels = self.n_channels
        blocks = outputs.unflatten(-1, (-1, self.n_components))
        weights, loc, log_scale, shifts = blocks.split([1, channels, channels, self.n_pairs], -2)
        low = -math.log(8 * (self.cells - 1))  # an eighth of a level
        return (
            weights[..., 0, :].log_softmax(-1), 0.5 + loc, soft_clip(log_scale - 1.5, low, 3.0), torch.tanh(shifts)
        )  # fmt: skip

    def located(self, loc: Tensor, shifts: Tensor, x: Tensor, channel: int) -> Tensor:
        """Locations `[..., M]` of one channel's components, given the levels `[..., C]` of the channels before."""
        found = loc[..., channel, :]
        first = channel * (channel - 1) // 2
        for before in range(channel):
            value = x[..., before, None].to(loc.dtype) / (self.cells - 1) - 0.5
            found = found + shifts[..., first + before, :] * value
        return found

    def conditional(self, outputs: Tensor, x: Tensor, channel: int) -> Tensor:
        """Log-probabilities `[..., K]` of one channel's levels, for outputs `[..., n_outputs]` and levels `[..., C]`."""
        weights, loc, log_scale, shifts = self.parameters_of(outputs)
        for before in range(channel):
            weights = weights + self._cell(x[..., before, None], loc, log_scale, shifts, x, before)
        weights = weights.log_softmax(-1)
        levels = torch.arange(self.n_levels, dtype=loc.dtype, device=x.device)[:, None]  # [K, 1]
        mean, scale = self.located(loc, shifts, x, channel), log_scale[..., channel, :]
        cells = log_bin(levels / (self.cells - 1), mean[..., None, :], scale[..., None, :], self.cells)
        return torch.logsumexp(weights[..., None, :] + cells, -1)

    def _cell(
        self, level: Tensor, loc: Tensor, log_scale: Tensor, shifts: Tensor, x: Tensor, channel: int
    ) -> Tensor:
        """Log-probabilities `[..., M]` of a level of one channel under each component."""
        mean = self.located(loc, shifts, x, channel)
        return log_bin(level.to(loc.dtype) / (self.cells - 1), mean, log_scale[..., channel, :], self.cells)

    def joint(self, outputs: Tensor, x: Tensor) -> Tensor:
        """Log-probabilities `[...]` of whole pixels with levels `[..., C]`."""
        weights, loc, log_scale, shifts = self.parameters_of(outputs)
        for channel in range(self.n_channels):
            weights = weights + self._cell(x[..., channel, None], loc, log_scale, shifts, x, channel)
        return torch.logsumexp(weights, -1)

    def outputs(self, features: Tensor) -> Tensor:
        """Features `[B, F, H, W]` to `[B, H, W, n_outputs]`."""
        return self.out(F.relu(self.hidden(F.relu(features)))).permute(0, 2, 3, 1)

    def forward(self, features: Tensor, x: Tensor) -> Tensor:
        """Log-probabilities of all levels, `[B, C, H, W, K]`."""
        outputs, pixels = self.outputs(features), x.permute(0, 2, 3, 1)
        return torch.stack([self.conditional(outputs, pixels, c) for c in range(self.n_channels)], 1)

    def at_pixel(self) -> PixelHead:
        """The same for one channel of one pixel."""
        hidden, out = PointwiseWalk(self.hidden), PointwiseWalk(self.out)

        def logits(features: Tensor, pixel: Tensor, channel: int) -> Tensor:
            return self.conditional(out(hidden(features.relu()).relu_()), pixel, channel)

        return logits


class PixelCNNPlusPlus(LayeredDensity):
    """A mixture of discretized logistics over each whole pixel, on the two-stack gated network.

    Of PixelCNN++ it has the likelihood, its linear dependence between the channels of a pixel and the conditioning on
    whole pixels; it has neither the strided down- and upsampling nor dropout. Levels are always grey values in their order.

    Args:
        event_shape: `[C, H, W]`.
        n_levels: K.
        n_context: length of a context vector.
        n_map: channels of a context map.
        ordered: must not be False: names of codes have no order.
        n_channels: F, features of a layer.
        n_layers: layers.
        kernel_size: of all but the first.
        first_kernel_size: of the first.
        n_components: M, logistics in the mixture.

    Raises:
        ConfigError: for a wrong size, or unordered levels.

    Source: Salimans, Karpathy, Chen and Kingma 2017, PixelCNN++, sections 2.1 and 2.2.

    Example:
        >>> density = PixelCNNPlusPlus((3, 4, 4), n_levels=256, n_channels=8, n_layers=1, n_components=2)
        >>> density.sample(2).shape
        torch.Size([2, 3, 4, 4])
    """

    head: LogisticMixtureHead

    def __init__(
        self,
        event_shape: Sequence[int],
        n_levels: int,
        n_context: int = 0,
        n_map: int = 0,
        *,
        ordered: bool = True,
        **sizes: int,
    ) -> None:
        if not ordered:
            raise ConfigError(
                "pixelcnn++ models ordered levels; for codes take gated-pixelcnn or another density"
            )
        super().__init__(event_shape, n_levels, n_context, n_map, ordered=True, **sizes)

    def _layers(
        self,
        *,
        n_channels: int = 32,
        n_layers: int = 8,
        kernel_size: int = 3,
        first_kernel_size: int = 7,
        n_components: int = 10,
    ) -> None:
        self.stack = GatedStack(
            self.n_embedded,
            n_channels,
            n_layers,
            first_kernel_size,
            kernel_size,
            1,
            self.n_context,
            self.n_map,
        )
        self.head = LogisticMixtureHead(n_channels, self.event_shape[0], self.n_levels, n_components)

    def log_prob(self, x: Tensor, context: Context = None) -> Tensor:
        """Log-probability in nats, `[B]`, without the probabilities of the levels that are not there."""
        x = self.check(x)
        outputs = self.head.outputs(self.features(x, context))
        nats = self.head.joint(outputs, x.permute(0, 2, 3, 1)).flatten(1).sum(1)
        return nats if self.n_levels > 1 else torch.zeros_like(nats)


DENSITIES.add("pixelcnn++", PixelCNNPlusPlus)
