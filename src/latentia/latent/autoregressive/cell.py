"""The LSTM cell that both pixel recurrent networks use."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


class _Cell(torch.autograd.Function):
    """Its derivative by hand: a third of the passes over memory that autograd would make."""

    @staticmethod
    def forward(ctx: Any, gates: Tensor, cell: Tensor) -> tuple[Tensor, Tensor]:
        n = cell.shape[1]
        out, forget, into = torch.sigmoid(gates[:, : 3 * n]).chunk(3, 1)
        new = torch.tanh(gates[:, 3 * n :])
        following = torch.addcmul(forget * cell, into, new)
        squashed = torch.tanh(following)
        ctx.save_for_backward(out, forget, into, new, cell, squashed)
        return out * squashed, following

    @staticmethod
    def backward(ctx: Any, d_state: Tensor, d_following: Tensor) -> tuple[Tensor, Tensor]:
        out, forget, into, new, cell, squashed = ctx.saved_tensors
        d_out = d_state * squashed
        d_cell = torch.addcmul(d_following, d_state * out, 1 - squashed * squashed)
        gradients = torch.cat([d_out, d_cell * cell, d_cell * new, d_cell * into], 1)
        n = cell.shape[1]
        gates = torch.cat([out, forget, into], 1)
        gradients[:, : 3 * n] *= gates * (1 - gates)
        gradients[:, 3 * n :] *= 1 - new * new
        return gradients, d_cell * forget


def lstm_cell(gates: Tensor, cell: Tensor) -> tuple[Tensor, Tensor]:
    r"""One step of an LSTM.

    .. math:: c' = \sigma(a_f) c + \sigma(a_i) \tanh(a_g), \qquad h' = \sigma(a_o) \tanh c'

    Args:
        gates: a_o, a_f, a_i, a_g one after another, `[N, 4 F, ...]`.
        cell: c, `[N, F, ...]`.

    Returns:
        h' and c', `[N, F, ...]`.

    Source: van den Oord et al. 2016, Pixel Recurrent Neural Networks, eq. 3.

    Example:
        >>> state, cell = lstm_cell(torch.zeros(2, 4, 3), torch.ones(2, 1, 3))
        >>> cell[0, 0].tolist()
        [0.5, 0.5, 0.5]
    """
    state, following = _Cell.apply(gates, cell)
    return state, following
