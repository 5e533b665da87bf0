"""PixelRNN with row LSTM: a recurrence from each row to the next, over a convolution along rows."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from latentia.latent.autoregressive.base import DENSITIES, Parts
from latentia.latent.autoregressive.causal import (
    CausalConv2d,
    CausalConvWalk,
    Conditioning,
    PointwiseWalk,
    conditioned,
    row_of,
)
from latentia.latent.autoregressive.cell import lstm_cell
from latentia.latent.autoregressive.features import CategoricalHead, LayeredDensity, check_layers
from latentia.latent.autoregressive.recurrent import RecurrentLayer, RecurrentStack


class RowLSTMLayer(RecurrentLayer):
    r"""An LSTM that takes a row at a time, states convolved along the row, with a residual around it.

    .. math::
        (o, f, i, g) = K^{is} * u_r + K^{ss} * h_{r-1} + V h, \quad c_r = f c_{r-1} + i g, \quad
        h_r = o \tanh c_r, \quad u'_r = u_r + P h_r

    Args:
        n_hidden: features of h and c; u has twice as many.
        kernel_size: along the row, of both convolutions.
        n_groups: image channels.
        n_context: length of a context vector.
        n_map: channels of a context map.
    """

    def __init__(
        self, n_hidden: int, kernel_size: int, n_groups: int, n_context: int = 0, n_map: int = 0
    ) -> None:
        super().__init__()
        self.n_hidden, side = n_hidden, kernel_size // 2
        self.input_to_state = CausalConv2d(
            2 * n_hidden, 4 * n_hidden, 0, side, n_groups, centre=True, parts=4
        )
        self.condition = Conditioning(n_context, n_map, 4 * n_hidden)
        self.state_to_state = nn.Conv1d(n_hidden, 4 * n_hidden, kernel_size, padding=side, bias=False)
        nn.init.normal_(self.state_to_state.weight, std=(n_hidden * kernel_size) ** -0.5)
        self.out = CausalConv2d(n_hidden, 2 * n_hidden, 0, 0, n_groups, centre=True)

    def forward(self, u: Tensor, parts: Parts) -> Tensor:
        """`[B, 2 n_hidden, H, W]` to the same shape."""
        drive = conditioned(self.input_to_state(u), self.condition(parts))
        cell = drive.new_zeros(len(u), self.n_hidden, u.shape[3])
        states: list[Tensor] = []
        for row in drive.unbind(2):
            state, cell = lstm_cell(row + self.state_to_state(states[-1]) if states else row, cell)
            states.append(state)
        return u + self.out(torch.stack(states, 2))

    def walk(self, batch: int, size: tuple[int, int], parts: Parts) -> _RowLSTMLayerWalk:
        """Pixel by pixel."""
        return _RowLSTMLayerWalk(self, batch, size, parts)


class _RowLSTMLayerWalk:
    """One layer; `states` and `cells` are those of the present row, `above` the cells of the previous one."""

    def __init__(self, layer: RowLSTMLayer, batch: int, size: tuple[int, int], parts: Parts) -> None:
        self.input_to_state = CausalConvWalk(layer.input_to_state, batch, *size)
        self.state_to_state = layer.state_to_state
        self.out = PointwiseWalk(layer.out)
        self.condition = layer.condition(parts)
        weight = layer.state_to_state.weight
        self.states = weight.new_zeros(batch, layer.n_hidden, size[1])
        self.cells = torch.zeros_like(self.states)

    def row(self, r: int) -> None:
        """Row r begins; the states so far become those of the previous row."""
        terms = self.state_to_state(self.states).permute(2, 0, 1)
        self.input_to_state.row(r, conditioned(terms, row_of(self.condition, r)))
        self.above = self.cells.clone()

    def column(self, c: int, u: Tensor) -> Tensor:
        """The layer's output at column c, for its input there."""
        self.input_to_state.put(c, u)
        state, cell = lstm_cell(self.input_to_state.column(c), self.above[:, :, c])
        self.states[:, :, c], self.cells[:, :, c] = state, cell
        return u + self.out(state)


class RowLSTM(LayeredDensity):
    """PixelRNN with row LSTM layers, whose reach is the triangle above a pixel.

    Args:
        event_shape: `[C, H, W]`.
        n_levels: K.
        n_context: length of a context vector.
        n_map: channels of a context map.
        ordered: whether levels are grey values in their order, rather than names of codes.
        n_channels: features of an LSTM's state; the map between layers has twice as many.
        n_layers: LSTM layers.
        kernel_size: along rows.
        first_kernel_size: of the first convolution.

    Raises:
        ConfigError: for a wrong size.

    Source: van den Oord, Kalchbrenner and Kavukcuoglu 2016, Pixel Recurrent Neural Networks, section 3.1.

    Example:
        >>> density = RowLSTM((1, 4, 5), n_levels=2, n_channels=4, n_layers=1)
        >>> density.sample(2).shape
        torch.Size([2, 1, 4, 5])
    """

    def _layers(
        self, *, n_channels: int = 32, n_layers: int = 4, kernel_size: int = 3, first_kernel_size: int = 7
    ) -> None:
        image_channels = self.event_shape[0]
        check_layers(n_channels, n_layers, kernel_size)
        self.stack = RecurrentStack(
            self.n_embedded, n_channels, n_layers, first_kernel_size, image_channels, self.n_context, self.n_map,
            lambda: RowLSTMLayer(n_channels, kernel_size, image_channels, self.n_context, self.n_map),
        )  # fmt: skip
        self.head = CategoricalHead(2 * n_channels, image_channels, self.n_levels)


DENSITIES.add("row-lstm", RowLSTM)
