"""Plain perceptrons."""

from __future__ import annotations

import itertools

import torch
from torch import Tensor, nn


def dense(*sizes: int, start: Tensor | float = 0.0) -> nn.Sequential:
    """Dense layers of these sizes with ReLUs between; `start` is added to the last bias.

    Example:
        >>> dense(3, 8, 2, start=torch.tensor([0.0, -4.0]))(torch.zeros(5, 3)).shape
        torch.Size([5, 2])
    """
    layers: list[nn.Module] = []
    for n_in, n_out in itertools.pairwise(sizes):
        layers += [nn.Linear(n_in, n_out), nn.ReLU()]
    last = layers[-2]
    assert isinstance(last, nn.Linear)
    with torch.no_grad():
        last.bias.add_(start)
    return nn.Sequential(*layers[:-1])


def spread_start(dims: int, log_variance: float) -> Tensor:
    """Start of the bias of `dims` means and as many log-variances, `[2 dims]`.

    >>> spread_start(1, -4.0)
    tensor([ 0., -4.])
    """
    return torch.cat([torch.zeros(dims), torch.full((dims,), log_variance)])
