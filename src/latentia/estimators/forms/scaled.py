"""From a person's array to what a model sees, and back: which kind of data it is, and how it is scaled.

| kind | what was given | what the model sees |
| --- | --- | --- |
| pixels | uint8 images | x / 255 |
| unit | float images in [0, 1] | x |
| binary | exactly two values a < b | (x - a) / (b - a) |
| counts | a table of non-negative integers, or a sparse one | x |
| continuous | anything else | columns (or, for images, all pixels) with mean 0 and standard deviation 1 |
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from latentia.data import DynamicBinarization
from latentia.distributions import item_keys, per_item_noise, standard_normal
from latentia.errors import ConfigError, DataError
from latentia.nn import Centred, LogCounts

Kind = Literal["pixels", "unit", "binary", "counts", "continuous"]
ROWS_LOOKED_AT = 20_000

# The kinds of data on which each likelihood is a probability, best first: the form that data take for it.
_KINDS_OF: dict[str, tuple[Kind, ...]] = {
    "bernoulli": ("binary",),
    "continuous-bernoulli": ("pixels", "unit", "binary"),
    "discretized-logistic": ("pixels",),
    "logistic-mixture": ("pixels",),
    "categorical": ("pixels",),
    "pixelcnn": ("pixels",),
    "pixelcnn-binary": ("binary",),
    "poisson": ("counts",),
    "multinomial": ("counts",),
    "negative-binomial": ("counts",),
    "zinb": ("counts",),
}


@dataclass(frozen=True)
class Choice:
    """Something that was chosen for the person, and why; printed, and kept in the run folder."""

    what: str
    value: str
    reason: str

    def __str__(self) -> str:
        return f"{self.what}: {self.value} ({self.reason})"


class Form(nn.Module):
    """The scaling between a person's array and the model's input, with its constants as buffers.

    Args:
        kind: see the module's table.
        event_shape: shape of one datum.
        dtype: NumPy name of the person's type, to which `inverse` returns.
        binarize: draw binary pixels anew at each look, x ~ Bernoulli(pixel) (Salakhutdinov & Murray 2008); outside
            training the draw is a function of the item, so that figures repeat.

    Attributes:
        output: floating-point type of the model's input.
    """

    mean: Tensor
    scale: Tensor

    def __init__(self, kind: Kind, event_shape: Sequence[int], dtype: str, binarize: bool = False) -> None:
        super().__init__()
        if kind not in get_args(Kind):
            raise ConfigError(f"kind of data {kind!r} is not one of {', '.join(get_args(Kind))}")
        self.kind: Kind = kind
        self.event_shape = tuple(event_shape)
        self.dtype = dtype
        self.binarize = binarize
        self.output = torch.float32
        constants = self.event_shape if kind == "continuous" and len(self.event_shape) == 1 else ()
        self.register_buffer("mean", torch.zeros(constants, dtype=torch.float64))
        self.register_buffer("scale", torch.ones(constants, dtype=torch.float64))

    def fit(self, x: NDArray[Any]) -> Form:
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

    def forward(self, x: Tensor) -> Tensor:
        """Model input `[B, *event]` of stored rows, in the type `self.output`."""
        wide = self.output
        if self.kind == "continuous":
            compute = torch.float64 if x.device.type != "mps" else torch.float32
            x = ((x.to(compute) - self.mean) / self.scale).to(wide)
        elif self.kind in ("pixels", "binary"):
            x = (x.to(wide) - self.mean.to(wide)) / self.scale.to(wide)
        else:
            x = x.to(wide)
        return self._binarized(x) if self.binarize else x

    def inverse(self, x: Tensor) -> NDArray[Any]:
        """The person's units and type, `[n, *event]`, of model output: means, samples or reconstructions."""
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
        }

    def _binarized(self, x: Tensor) -> Tensor:
        if self.training:
            return DynamicBinarization()(x)
        with per_item_noise(item_keys(x), seed=0):
            uniform = torch.special.ndtr(standard_normal(x.shape, x, 0))
        return (uniform < x).to(x.dtype)


def kind_of(x: NDArray[Any], was_sparse: bool) -> tuple[Kind, str]:
    """The kind of an array `[n, *event]`, and the reason in words."""
    sample = x[:: max(1, len(x) // ROWS_LOOKED_AT)]
    values = np.unique(sample[: max(1, 2_000_000 // max(1, sample[0].size))])
    if len(values) == 2 and float(values[1] - values[0]) in (1.0, 255.0) and values[0] == 0:
        low_high = np.isin(sample, values)
        if low_high.all():
            return "binary", f"the data hold two values only, {values[0]:g} and {values[1]:g}"
    if x.ndim == 4:
        if x.dtype == np.uint8:
            return "pixels", "8-bit images, read as [0, 1]"
        low, high = float(sample.min()), float(sample.max())
        if low >= 0 and high <= 1:
            return "unit", "images with values in [0, 1]"
        return "continuous", f"images with values from {low:g} to {high:g}, standardised"
    integers = x.dtype.kind in "iub" or (was_sparse and bool(np.all(sample == np.rint(sample))))
    if integers and sample.min() >= 0:
        return (
            "counts",
            "a sparse table of whole numbers" if was_sparse else "a table of non-negative integers",
        )
    return "continuous", "real numbers, standardised by column"


def count_likelihood(x: NDArray[Any]) -> tuple[str, str]:
    """Multinomial or negative binomial for a count table, by its dispersion around one common composition.

    The statistic is Pearson's chi-square against x_ij ~ n_i p_j divided by its degrees of freedom: 1 for a multinomial
    with one composition. Hidden structure raises it, so only a value far above 1 speaks for extra-multinomial noise.
    """
    rows = x[:: max(1, len(x) // ROWS_LOOKED_AT)].astype(np.float64)
    size, total = rows.sum(1, keepdims=True), rows.sum(0, keepdims=True)
    expected = size * total / max(total.sum(), 1.0)
    used = expected > 0
    freedom = max(1, (len(rows) - 1) * (int((total > 0).sum()) - 1))
    dispersion = float(((rows[used] - expected[used]) ** 2 / expected[used]).sum()) / freedom
    if dispersion > 5.0:
        return "negative-binomial", f"counts {dispersion:.1f} times as dispersed as multinomial ones"
    return "multinomial", f"counts {dispersion:.1f} times as dispersed as multinomial ones: close to it"


def choose(
    x: NDArray[Any], likelihood: str, was_sparse: bool, binarize: bool = False, gaussian: str = "gaussian"
) -> tuple[Form, str, list[Choice]]:
    """The form of the data and the likelihood for it.

    Args:
        x: training data `[n, *event]`.
        likelihood: a name, or "auto".
        was_sparse: whether the person gave a sparse matrix.
        binarize: draw binary pixels from grey ones.
        gaussian: which likelihood "auto" takes for real numbers.

    Raises:
        ConfigError: if the named likelihood is no probability on data of this kind.
        DataError: if the data have no columns.
    """
    kind, reason = kind_of(x, was_sparse)
    choices: list[Choice] = []
    if binarize:
        if kind not in ("pixels", "unit"):
            raise ConfigError(f"binarize=True needs grey images; these data are {kind} ({reason})")
        if likelihood not in ("auto", "bernoulli", "pixelcnn-binary"):
            raise ConfigError(
                f"binarize=True gives binary pixels, likelihood={likelihood!r} is not for those"
            )
        form = Form(kind, x.shape[1:], str(x.dtype), binarize=True).fit(x)
        name = "bernoulli" if likelihood == "auto" else likelihood
        return form, name, [Choice("likelihood", name, "pixels are drawn as binary at each look")]
    if likelihood == "auto":
        likelihood, why = _likelihood_for(kind, x, gaussian)
        choices.append(Choice("likelihood", likelihood, f"{reason}{why}"))
    else:
        allowed = _KINDS_OF.get(likelihood)
        if allowed is None and kind in ("binary", "counts"):
            kind = "continuous" if x.ndim == 2 else "pixels" if x.dtype == np.uint8 else "unit"
        elif allowed is not None and kind not in allowed:
            raise ConfigError(
                f"likelihood={likelihood!r} is for {' or '.join(allowed)} data, these are {kind} ({reason}); "
                "likelihood='auto' picks one that fits"
            )
    if math.prod(x.shape[1:]) == 0:
        raise DataError(f"the data have shape {x.shape}: there is nothing in a row")
    return Form(kind, x.shape[1:], str(x.dtype)).fit(x), likelihood, choices


def defining_likelihood(
    x: NDArray[Any], was_sparse: bool, binarize: bool, likelihoods: Mapping[str, str], model: object
) -> str:
    """The likelihood of a model that is defined by it, for data of this kind.

    Raises:
        ConfigError: if the model is not for such data.
    """
    kind, reason = ("binary", "binarize=True") if binarize else kind_of(x, was_sparse)
    if kind not in likelihoods or x.ndim != 4:
        raise ConfigError(
            f"model {model!r} is for images of kind {' or '.join(likelihoods)}; these data are {kind}, of shape"
            f" {list(x.shape[1:])} ({reason}): take another model"
        )
    return likelihoods[kind]


def _likelihood_for(kind: Kind, x: NDArray[Any], gaussian: str) -> tuple[str, str]:
    if kind == "binary":
        return "bernoulli", ""
    if kind == "counts":
        name, why = count_likelihood(x)
        return name, f"; {why}"
    return gaussian, "; variance set to its optimum" if gaussian == "gaussian" else ""
