"""Arrays of numbers and images as a network sees them: scaled, and back; see `latentia.estimators.form`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Literal, Self, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from latentia.data import DynamicBinarization
from latentia.data.pictures import Axes, Before, as_given, like_before, white_of
from latentia.distributions import item_keys, per_item_noise, standard_normal
from latentia.errors import ConfigError
from latentia.estimators.forms.columns import check_totals, columns_like_before, mean_and_deviation
from latentia.nn import Centred, LogCounts

Kind = Literal["pixels", "unit", "deep", "binary", "counts", "continuous"]


class Scaled(nn.Module):
    """The scaling between a person's array and the model's input, with its constants as buffers.

    Args:
        kind: see `latentia.estimators.form`.
        event_shape: shape of one datum.
        dtype: NumPy name of the person's type, to which `inverse` returns.
        flat: whether images were given without an axis of channels, `[n, H, W]`; then so do they come back.
        last: whether they were given with channels last, `[n, H, W, C]`; the same.
        binarize: draw binary pixels anew at each look, x ~ Bernoulli(pixel) (Salakhutdinov & Murray 2008); outside
            training the draw is a function of the item, so that figures repeat.

    Attributes:
        output: floating-point type of the model's input.
    """

    mean: Tensor
    scale: Tensor

    def __init__(
        self,
        kind: Kind,
        event_shape: Sequence[int],
        dtype: str,
        binarize: bool = False,
        flat: bool = False,
        last: bool = False,
    ) -> None:
        super().__init__()
        if kind not in get_args(Kind):
            raise ConfigError(f"kind of data {kind!r} is not one of {', '.join(get_args(Kind))}")
        self.kind: Kind = kind
        self.event_shape = tuple(event_shape)
        self.dtype = dtype
        self.binarize = binarize
        self.axes: Axes = "flat" if flat else "last" if last else "first"
        self.output = torch.float32
        constants = self.event_shape if kind == "continuous" and len(self.event_shape) == 1 else ()
        self.register_buffer("mean", torch.zeros(constants, dtype=torch.float64))
        self.register_buffer("scale", torch.ones(constants, dtype=torch.float64))

    def fit(self, x: NDArray[Any], weight: NDArray[np.float64] | None = None) -> Self:
        """Set the constants from training data `[n, *event]`, rows with weights; a constant column keeps scale 1."""
        if self.kind == "pixels":
            self.scale.fill_(255.0)
        elif self.kind == "deep":
            self.scale.fill_(float(white_of(x)))
        elif self.kind == "counts":
            check_totals(x)
        elif self.kind == "binary":
            low, high = float(x.min()), float(x.max())
            self.mean.fill_(low)
            self.scale.fill_(high - low if high > low else 1.0)
        elif self.kind == "continuous":
            mean, scale = mean_and_deviation(x, 0 if len(self.event_shape) == 1 else None, weight)
            # Below the rounding error of its mean a column's deviation is noise of the arithmetic, not of the data.
            eps = np.finfo(x.dtype if x.dtype.kind == "f" else np.float64).eps
            constant = scale <= 10 * eps * np.abs(mean)
            self.mean.copy_(torch.as_tensor(mean))
            self.scale.copy_(torch.as_tensor(np.where(constant, 1.0, scale)))
        return self

    def like_before(
        self, items: NDArray[Any], names: Sequence[str] | None = None, given: np.dtype[Any] | None = None
    ) -> NDArray[Any]:
        """Later items as the first were: on the same scale where that is meant, else refused.

        Args:
            items: `[n, *event]`.
            names: of the columns.
            given: the type that a person gave, of images.

        Raises:
            DataError: for values that no item of this kind has; names row and column.
        """
        if len(self.event_shape) == 3:
            low, high = float(self.mean), float(self.scale)
            before = Before(self.kind, low, low + high if self.kind == "binary" else high)  # type: ignore[arg-type]
            return like_before(items, before, items.dtype if given is None else given)
        first = self.mean.double().cpu().numpy()
        second = self.scale.double().cpu().numpy() + (first if self.kind == "binary" else 0.0)
        return columns_like_before(items, self.kind, first, second, names)

    def stored(self, items: NDArray[Any]) -> NDArray[Any]:
        """What training holds of items `[n, *event]`: they themselves."""
        return items

    def model_input(self, stored: Tensor) -> Tensor:
        """Model input `[B, *event]` of stored rows, in the type `self.output`."""
        return self(stored)

    def forward(self, x: Tensor) -> Tensor:
        """See `model_input`."""
        wide = self.output
        if self.kind == "continuous":
            compute = torch.float64 if x.device.type != "mps" else torch.float32
            x = ((x.to(compute) - self.mean) / self.scale).to(wide)
        elif self.kind in ("pixels", "deep", "binary"):
            x = (x.to(wide) - self.mean.to(wide)) / self.scale.to(wide)
        else:
            x = x.to(wide)
        return self._binarized(x) if self.binarize else x

    def items(self, output: Tensor, axes: Axes | None = None) -> NDArray[Any]:
        """The person's units, type and shape, `[n, *event]`, of model output: means, samples or reconstructions.

        Args:
            output: `[n, *event]`.
            axes: where images have their channels; None: where they had them in `fit`.
        """
        array = self.inverse(output)
        return as_given(array, axes or self.axes) if array.ndim == 4 else array

    def viewable(self, items: Any) -> NDArray[Any]:
        """Items as they are drawn: images `[n, C, H, W]` as uint8 or on [0, 1], tables in the person's own units."""
        array = items.toarray() if hasattr(items, "toarray") else np.asarray(items)
        if len(self.event_shape) == 1:
            return array
        array = array.reshape(-1, *self.event_shape)
        if self.kind in ("pixels", "unit"):
            return array
        if self.kind == "deep":
            return (array / float(self.scale)).astype(np.float32)
        values = (array.astype(np.float64) - float(self.mean)) / float(self.scale)
        # Standardised images of any range: two standard deviations either side of the mean span black to white.
        return values if self.kind == "binary" else np.clip(values / 4 + 0.5, 0.0, 1.0)

    def inverse(self, x: Tensor) -> NDArray[Any]:
        """The person's units and type of model output, images always with an axis of channels."""
        values = x.detach().double().cpu()
        values = values * self.scale.cpu() + self.mean.cpu()
        array = values.numpy()
        if self.kind == "pixels":
            return np.rint(np.clip(array, 0, 255)).astype(np.uint8)
        if self.kind == "deep":
            return np.rint(np.clip(array, 0, float(self.scale))).astype(np.uint16)
        if self.kind == "unit":
            return np.clip(array, 0.0, 1.0).astype(self.dtype)
        return array.astype(self.dtype if np.dtype(self.dtype).kind == "f" else np.float64)

    @property
    def log_volume(self) -> float:
        """Log |d(person's units) / d(model units)| of one datum in nats: subtract it from a log density.

        Zero for everything but columns that were standardised: pixels are reported on [0, 1], counts are counts.
        """
        if self.kind != "continuous":
            return 0.0
        per_element = self.scale.log()
        if per_element.ndim == 0:
            return float(per_element) * math.prod(self.event_shape)
        return float(per_element.sum())

    def encoder_inputs(self, typical_size: float) -> nn.Module | None:
        """What the encoder does first with data of this kind; None: the network's own default."""
        if self.kind == "counts":
            return LogCounts(max(typical_size, 1.0))
        if len(self.event_shape) == 3 and self.kind == "continuous":
            return nn.Identity()
        return Centred() if self.kind == "binary" and len(self.event_shape) == 1 else None

    def describe(self) -> dict[str, Any]:
        """What rebuilds this form (its constants are in the weights file)."""
        return {
            "kind": self.kind,
            "event_shape": list(self.event_shape),
            "dtype": self.dtype,
            "binarize": self.binarize,
            **({} if self.axes == "first" else {self.axes: True}),
        }

    def _binarized(self, x: Tensor) -> Tensor:
        if self.training:
            return DynamicBinarization()(x)
        with per_item_noise(item_keys(x), seed=0):
            uniform = torch.special.ndtr(standard_normal(x.shape, x, 0))
        return (uniform < x).to(x.dtype)
