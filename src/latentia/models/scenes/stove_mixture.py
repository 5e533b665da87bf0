"""STOVE whose frames are not painted: each pixel is one object's or the ground's, and what an owner shows is a mixture of patches."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.distributions import Distribution, Independent

from latentia.latent.scenes.patches import Patches, PatchMixture
from latentia.models.scenes.stove import STOVE
from latentia.nn.spatial import covered, stretch

_OBJECT_SCALES, _GROUND_SCALES = (
    (0.12, 0.35),
    (0.002**0.5, 0.4),
)  # least and most standard deviation of pixels
_UNLIKE = 0.3  # standard deviation of the logits by which patches differ at the start
_QUICK = 10.0  # patches learn so many times faster than the networks


class MixtureSTOVE(STOVE):
    r"""p(x_t | z_t) is a `latentia.latent.scenes.patches.PatchMixture`; all else is as in `STOVE`.

    The first object in order whose window covers a pixel owns it, and patches of the object explain all its pixels together. Unlike the
    published likelihood, which adds the densities of windows that overlap and multiplies them by areas, it is a density of frames, so the
    bound stays one. Standard deviations of pixels are learned, between 0.12 and 0.35 for objects and 0.045 and 0.4 for the ground.

    Source: Kossen et al. 2020, section 3.1, and Stelzner et al. 2019 for the likelihood; the ownership of pixels is this project's.

    Args:
        event_shape: `[T, C, H, W]`.
        n_objects: K.
        patch: side of the patches in pixels.
        width: of the recurrent network.
        components: patches of an object, and pictures of the ground.

    Example:
        >>> model = MixtureSTOVE((4, 1, 16, 16), n_objects=2, width=16)
        >>> model.trace(torch.zeros(3, 4, 1, 16, 16)).elbo.shape
        torch.Size([1, 3])
    """

    def __init__(
        self,
        event_shape: Sequence[int],
        n_objects: int = 3,
        *,
        patch: int = 12,
        width: int = 256,
        components: int = 10,
    ) -> None:
        super().__init__(event_shape, n_objects, patch=patch, width=width)
        del self.opacity, self.likelihood  # patches end with their windows, and have deviations of their own
        channels, height, columns = self.event_shape[1:]
        self.shapes = nn.Parameter(_UNLIKE * torch.randn(components, channels, patch, patch) / _QUICK)
        self.shape_spread = nn.Parameter(torch.zeros(components, channels, patch, patch))
        self.shape_weights = nn.Parameter(torch.zeros(components))
        self.grounds = nn.Parameter(_UNLIKE * torch.randn(components, channels, height, columns) / _QUICK)
        self.ground_spread = nn.Parameter(torch.full((components, channels, height, columns), 0.0))
        self.ground_weights = nn.Parameter(torch.zeros(components))

    @property
    def objects(self) -> Patches:
        """What an object may look like."""
        logits = _QUICK * (self.template + self.shapes)
        return Patches(
            self.shape_weights.log_softmax(0), logits.sigmoid(), _between(self.shape_spread, *_OBJECT_SCALES)
        )

    @property
    def behind(self) -> Patches:
        """What the ground may look like."""
        return Patches(
            self.ground_weights.log_softmax(0),
            (self.ground + _QUICK * self.grounds).sigmoid(),
            _between(self.ground_spread, *_GROUND_SCALES),
        )

    def still(self) -> Tensor:
        """The ground alone, `[C, H, W]`."""
        return self.behind.average

    def _over(self, canvas: Tensor, where: Tensor) -> Tensor:
        """Canvases `[M, C, H, W]` with one object more, in front."""
        window, size = self.windows(where), self.event_shape[2:]
        inside = covered(window, size)[:, None]
        return canvas + inside * (stretch(self.objects.average[None], window, size) - canvas)

    def _frames(self, where: Tensor) -> PatchMixture:
        """p(x_t | z_t) for objects `[*, K, 3 or more]`."""
        return PatchMixture(self.windows(where), self.objects, self.behind)

    def paint(self, where: Tensor) -> Tensor:
        """Mean frames `[M, C, H, W]` of objects `[M, K, 3 or more]`."""
        return self._frames(where).mean

    def decode(self, z: Tensor) -> Distribution:
        """p(x|z) for paths `[*, T, K, 5]`."""
        return Independent(self._frames(z), 1, validate_args=False)

    def advance(self, progress: float) -> None:
        """Nothing: deviations of pixels are learned from the start."""

    @property
    def numbers_per_code(self) -> int:
        """See `STOVE.numbers_per_code`."""
        return len(self.shape_weights) * super().numbers_per_code


def _between(raw: Tensor, low: float, high: float) -> Tensor:
    return low + (high - low) * (_QUICK * raw).sigmoid()
