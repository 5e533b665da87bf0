"""What all univariate distributions here have in common: broadcast parameters, `expand`, sampling without gradient."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.distributions import Distribution
from torch.distributions.utils import broadcast_all


class Elementwise(Distribution):
    """A univariate distribution whose tensor parameters, named in `parameter_names`, broadcast to the batch shape.

    Args:
        validate_args: as in torch: check parameters and values (on by default; it waits for the device).
        **parameters: the tensors, in the order of `parameter_names`.
    """

    parameter_names: tuple[str, ...] = ()

    def __init__(self, validate_args: bool | None = None, **parameters: Tensor) -> None:
        tensors = broadcast_all(*(parameters[name] for name in self.parameter_names))
        for name, tensor in zip(self.parameter_names, tensors, strict=True):
            setattr(self, name, tensor)
        super().__init__(tensors[0].shape, validate_args=validate_args)

    def expand(self, batch_shape: Sequence[int], _instance: Any = None) -> Elementwise:
        """Return the same distribution with its parameters expanded to `batch_shape`."""
        new = self._get_checked_instance(type(self), _instance)
        new.__dict__.update(self.__dict__)
        for name in self.parameter_names:
            setattr(new, name, getattr(self, name).expand(tuple(batch_shape)))
        Distribution.__init__(new, torch.Size(batch_shape), validate_args=False)
        new._validate_args = self._validate_args
        return new

    def _extended(self, parameter: Tensor, sample_shape: Sequence[int]) -> Tensor:
        """A parameter repeated (as a view) over the sample shape."""
        return parameter.expand(self._extended_shape(torch.Size(sample_shape)))
