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
from latentia.distributions import item_keys, per_item_noise, standard_normal
from latentia.errors import ConfigError
from latentia.nn import Centred, LogCounts

Kind = Literal["pixels", "unit", "binary", "counts", "continuous"]


class Scaled(nn.Module):
    """The scaling between a person's array and the model's input, with its constants as buffers.

    Args:
        kind: see `latentia.estimators.form`.
        event_shape: shape of one datum.
        dtype: NumPy name of the person's type, to which `inverse` returns.
        flat: whether images were given without an axis of channels, `[n, H, W]`; then so do they come back.
        binarize: draw binary pixels anew at each look, x ~ Bernoulli(pixel) (Salakhutdinov & Murray 2008); outside
            training the draw is a function of the item, so that figures repeat.

    Attributes:
        output: floating-point type of the model's input.
    """

    mean: Tensor
    scale: Tensor

    def __init__(
        self, kind: Kind, event_shape: Sequence[int], dtype: str, binarize: bool = False, flat: bool = False
    ) -> None:
        super().__init__()
        if kind not in get_args(Kind):
            raise ConfigError(f"kind of data {kind!r} is not one of {', '.join(get_args(Kind))}")
        self.kind: Kind = kind
        self.event_shape = tuple(event_shape)
        self.dtype = dtype
        self.binarize = binarize
        self.flat = flat
        self.output = torch.float32
        constants = self.event_shape if kind == "continuous" and len(self.event_shape) == 1 else ()
        self.register_buffer("mean", torch.zeros(constants, dtype=torch.float64))
        self.register_buffer("scale", torch.ones(constants, dtype=torch.float64))

    def fit(self, x: NDArray[Any]) -> Self:
        """Set the constants from training data `[n, *event]`; a constant column keeps scale 1."""
        if self.kind == "pixels":
            self.scale.fill_(255.0)
        elif self.kind == "binary":
            low, high = float(x.min()), float(x.max())
            self.mean.fill_(low)
            self.scale.fill_(high - low if high > low else 1.0)
        elif self.kind == "continuous":
            axis = 0 if len(self.event_shape) == 1 else None
            mean = np.asarray(x.mean(axis=axis, dtype=np.float64))
            scale = np.asarray(x.std(axis=axis, dtype=np.float64))
            # Below the rounding error of its mean a column's deviation is noise of the arithmetic, not of the data.
            eps = np.finfo(x.dtype if x.dtype.kind == "f" else np.float64).eps
            constant = scale <= 10 * eps * np.abs(mean)
            self.mean.copy_(torch.as_tensor(mean))
            self.scale.copy_(torch.as_tensor(np.where(constant, 1.0, scale)))
        return self

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
        elif self.kind in ("pixels", "binary"):
            x = (x.to(wide) - self.mean.to(wide)) / self.scale.to(wide)
        else:
            x = x.to(wide)
        return self._binarized(x) if self.binarize else x

    def items(self, output: Tensor, flat: bool | None = None) -> NDArray[Any]:
        """The person's units, type and shape, `[n, *event]`, of model output: means, samples or reconstructions.

        Args:
            output: `[n, *event]`.
            flat: whether images have no axis of channels; None: as they were given to `fit`.
        """
        array = self.inverse(output)
        return array[:, 0] if (self.flat if flat is None else flat) else array

    def viewable(self, items: Any) -> NDArray[Any]:
        """Items as they are drawn: images `[n, C, H, W]` as uint8 or on [0, 1], tables in the person's own units."""
        array = items.toarray() if hasattr(items, "toarray") else np.asarray(items)
        if len(self.event_shape) == 1:
            return array
        array = array.reshape(-1, *self.event_shape)
        if self.kind in ("pixels", "unit"):
            return array
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

    def log_volumes(self, rows: Any) -> float:  # noqa: ARG002  the same for all
        """`log_volume` of each row."""
        return self.log_volume

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
            **({"flat": True} if self.flat else {}),
        }

    def _binarized(self, x: Tensor) -> Tensor:
        if self.training:
            return DynamicBinarization()(x)
        with per_item_noise(item_keys(x), seed=0):
            uniform = torch.special.ndtr(standard_normal(x.shape, x, 0))
        return (uniform < x).to(x.dtype)
