"""The face of all likelihoods: decoder outputs and, where it matters, the observed batch give p(x|z)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor, nn
from torch.distributions import Distribution

from latentia.distributions.numerics import at_least_single, widened
from latentia.errors import ConfigError

_ROWS_AT_ONCE, _NUMBERS_AT_ONCE = 4096, 2**22


class Likelihood(nn.Module):
    """Turns decoder outputs `[*batch, n_outputs, *event]` into p(x|z) with that batch and event.

    Life of a likelihood: `prepare` looks once at training data, `initial_outputs` then gives start values for the
    decoder's last bias; `forward` is called at each step; `start_calibration`, `accumulate` for each batch,
    `finish_calibration` set what is not learned by gradient (`calibrates` says whether there is any).

    Args:
        event_shape: `[d]` or `[C, H, W]`.

    Attributes:
        n_outputs: how many numbers the decoder gives for each element of the event.
        calibrates: whether calibration changes anything.
    """

    n_outputs: int = 1
    calibrates: bool = False

    def __init__(self, event_shape: Sequence[int]) -> None:
        super().__init__()
        self.event_shape = torch.Size(event_shape)

    def prepare(self, x: Tensor) -> None:
        """Look once at training data `[n, *event]`."""

    def optimizer(self, n: int) -> str:  # noqa: ARG002  (of some by the rows)
        """What moves a model with it that is fitted to n rows where the optimizer is "auto"; "auto": each weight by its price."""
        return "auto"

    def cells(self, x: Tensor) -> Tensor:
        """What margins compare of rows `[n, d]` of a table: a number a column, NaN where its cell is missing."""
        return x

    def initial_outputs(self) -> Tensor | None:
        """Start values of the decoder's last bias, `[n_outputs, *event]`; None: keep the decoder's own."""
        return None

    def forward(self, outputs: Tensor, x: Tensor | None = None) -> Distribution:
        """p(x|z).

        Args:
            outputs: `[*batch, n_outputs, *event]`.
            x: the observed batch `[B, *event]`, which broadcasts against the last batch dimension: the source of
                library sizes for counts and, in training mode, of the residuals for an optimal variance.

        Returns:
            Batch shape `[*batch]`, event shape `event_shape`.
        """
        raise NotImplementedError

    def start_calibration(self) -> None:
        """Forget what `accumulate` has gathered."""

    def accumulate(self, outputs: Tensor, x: Tensor) -> None:
        """Add one batch of training data with its decoder outputs."""

    def finish_calibration(self) -> None:
        """Set what is calibrated to its optimum over all that was accumulated."""

    @property
    def variance(self) -> Tensor | None:
        """sigma^2 in force, in squared units of the data, where the likelihood is Gaussian."""
        return None

    def split(self, outputs: Tensor) -> tuple[Tensor, ...]:
        """The `n_outputs` tensors `[*batch, *event]`, in single precision at least.

        Raises:
            ConfigError: if the decoder's output does not have the shape that this likelihood needs.
        """
        expected = (self.n_outputs, *self.event_shape)
        if tuple(outputs.shape[-len(expected) :]) != expected:
            raise ConfigError(
                f"decoder outputs of shape {list(outputs.shape)} do not end in {list(expected)} "
                f"(n_outputs, *event), which {type(self).__name__} needs; build the decoder with its n_outputs"
            )
        wide = at_least_single(outputs)
        # a view of the one tensor: the gradient of `unbind` is a copy
        return (wide.squeeze(-len(expected)),) if self.n_outputs == 1 else wide.unbind(-len(expected))


def rows_at_once(x: Tensor) -> Iterator[Tensor]:
    """The rows in float64, few enough at a time that a large data set is never copied whole."""
    size = min(_ROWS_AT_ONCE, max(1, _NUMBERS_AT_ONCE // max(1, x[:1].numel())))
    for start in range(0, len(x), size):
        yield widened(x[start : start + size])


def over_rows(x: Tensor, of: Callable[[Tensor], Tensor]) -> Tensor:
    """A number of each row, which a function gives of some at a time, put where it belongs as it comes, `[n]`.

    Small tensors that are kept between large ones that come and go would keep the heap from shrinking.

    >>> over_rows(torch.tensor([[1.0, 2.0], [3.0, 4.0]]), lambda rows: rows.sum(-1))
    tensor([3., 7.], dtype=torch.float64)
    """
    out, start = torch.empty(0), 0
    for rows in rows_at_once(x):
        part = of(rows)
        if not start:
            out = part.new_empty(len(x))
        out[start : start + len(part)] = part
        start += len(part)
    return out


def data_mean(x: Tensor) -> Tensor:
    """Mean over rows, `[*event]` in float64."""
    total = torch.stack([rows.sum(0) for rows in rows_at_once(x)]).sum(0)
    return total / len(x)


def data_variance(x: Tensor) -> Tensor:
    """Variance of all numbers in `x` about their common mean, a scalar in float64."""
    mean = data_mean(x).mean()
    return torch.stack([(rows - mean).square().sum() for rows in rows_at_once(x)]).sum() / x.numel()
