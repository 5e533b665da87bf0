"""PixelRNN with diagonal bidirectional LSTM: two recurrences that sweep the image from its upper corners."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from latentia.latent.autoregressive.base import DENSITIES, Parts
from latentia.latent.autoregressive.causal import (
    CausalConv2d,
    Conditioning,
    PointwiseWalk,
    conditioned,
    row_of,
)
from latentia.latent.autoregressive.cell import lstm_cell
from latentia.latent.autoregressive.features import CategoricalHead, LayeredDensity
from latentia.latent.autoregressive.recurrent import RecurrentLayer, RecurrentStack


def skew(x: Tensor) -> Tensor:
    """Row r shifted right by r: `[N, H, W, F]` to `[N, H, W + H - 1, F]`, zeros where nothing is.

    A diagonal of the image becomes a column.

    Example:
        >>> skew(torch.tensor([[1, 2], [3, 4]]).view(1, 2, 2, 1)).squeeze().tolist()
        [[1, 2, 0], [0, 3, 4]]
    """
    n, height, width, features = x.shape
    padded = F.pad(x, (0, 0, 0, height)).flatten(1, 2)
    return padded[:, : height * (width + height - 1)].view(n, height, width + height - 1, features)


def unskew(x: Tensor) -> Tensor:
    """The inverse of `skew`: `[N, H, W + H - 1, F]` to `[N, H, W, F]`."""
    n, height, skewed, features = x.shape
    padded = F.pad(x.flatten(1, 2), (0, 0, 0, height))
    return padded.view(n, height, skewed + 1, features)[:, :, : skewed + 1 - height]


class DiagonalLSTMLayer(RecurrentLayer):
    r"""Two LSTMs along diagonals, with a residual around them.

    .. math::
        (o, f, i, g)_{rs} = K^{is} u_{rs} + K^{ss}_1 h_{r,s-1} + K^{ss}_2 h_{r-1,s-1}, \quad
        c_{rs} = f c_{r,s-1} + i g, \quad h_{rs} = o \tanh c_{rs}

    on the skewed map, where s - 1 at row r is the pixel to the left and at row r - 1 the one above. The second LSTM does the
    same from right to left; its states are moved down one row before they are added, else they would show the pixels to
    the right.

    Args:
        n_hidden: features of h and c; u has twice as many.
        n_groups: image channels.
        n_context: length of a context vector.
        n_map: channels of a context map.
    """

    def __init__(self, n_hidden: int, n_groups: int, n_context: int = 0, n_map: int = 0) -> None:
        super().__init__()
        self.n_hidden = n_hidden
        # Biases stand here, before skewing: states outside the image then stay exactly zero.
        self.input_to_state = nn.ModuleList(
            CausalConv2d(2 * n_hidden, 4 * n_hidden, 0, 0, n_groups, centre=True, parts=4) for _ in range(2)
        )
        self.conditions = nn.ModuleList(Conditioning(n_context, n_map, 4 * n_hidden) for _ in range(2))
        # For each direction: rows 0 ... F-1 take the pixel beside, F ... 2F-1 the one above.
        self.state_to_state = nn.Parameter(
            torch.randn(2, 2 * n_hidden, 4 * n_hidden) * (2 * n_hidden) ** -0.5
        )
        self.out = CausalConv2d(n_hidden, 2 * n_hidden, 0, 0, n_groups, centre=True)

    def drive(self, u: Tensor, parts: Parts, direction: int) -> Tensor:
        """What the input gives to the gates, `[B, H, W, 4 n_hidden]`."""
        gates = self.input_to_state[direction](u)
        return conditioned(gates, self.conditions[direction](parts)).permute(0, 2, 3, 1)

    def forward(self, u: Tensor, parts: Parts) -> Tensor:
        """`[B, 2 n_hidden, H, W]` to the same shape."""
        batch, height, n = len(u), u.shape[2], self.n_hidden
        drives = torch.stack([skew(self.drive(u, parts, 0)), skew(self.drive(u, parts, 1).flip(2))])
        # [W + H - 1][2, B H, 4 F]
        columns = drives.permute(3, 0, 1, 2, 4).reshape(drives.shape[3], 2, batch * height, 4 * n).unbind(0)
        state = u.new_zeros(2, batch * height, n)
        cell = u.new_zeros(2 * batch * height, n)
        states = []
        for column in columns:
            above = F.pad(state.view(2 * batch, height, n), (0, 0, 1, -1)).view_as(state)
            gates = torch.baddbmm(column, torch.cat([state, above], 2), self.state_to_state)
            flat, cell = lstm_cell(gates.view(2 * batch * height, 4 * n), cell)
            state = flat.view(2, batch * height, n)
            states.append(state)
        found = unskew(torch.stack(states, 2).view(2 * batch, height, len(states), n))
        left, right = found.view(2, batch, height, -1, n).unbind(0)
        right = F.pad(right.flip(2), (0, 0, 0, 0, 1, -1))
        return u + self.out((left + right).permute(0, 3, 1, 2))

    def walk(self, batch: int, size: tuple[int, int], parts: Parts) -> _DiagonalLSTMLayerWalk:
        """Pixel by pixel."""
        return _DiagonalLSTMLayerWalk(self, batch, size[1], parts)


class _DiagonalLSTMLayerWalk:
    """One layer: inputs of the present row, and for each direction the states of the last row that it has done."""

    def __init__(self, layer: DiagonalLSTMLayer, batch: int, width: int, parts: Parts) -> None:
        n = layer.n_hidden
        self.to_gates = [PointwiseWalk(conv) for conv in layer.input_to_state]  # type: ignore[arg-type]
        self.conditions = [condition(parts) for condition in layer.conditions]
        weight = layer.state_to_state.detach()
        self.beside, self.above = weight[:, :n].contiguous(), weight[:, n:].contiguous()
        self.out = PointwiseWalk(layer.out)
        self.inputs = weight.new_zeros(width, batch, 2 * n)
        self.states = weight.new_zeros(2, width, batch, n)
        self.zeros = weight.new_zeros(batch, n)
        self.cells = [self.zeros] * width

    def row(self, r: int) -> None:
        """Row r begins: the second direction takes row r - 1, from right to left; then what is known of row r's gates."""
        if r > 0:
            gates = conditioned(self._gates(1, self.inputs), row_of(self.conditions[1], r - 1))
            state = cell = self.zeros
            for c in reversed(range(len(self.inputs))):
                state, cell = lstm_cell(torch.addmm(gates[c], state, self.beside[1]), cell)
                self.states[1, c] = state
        terms = conditioned(
            self.states[0] @ self.above[0] + self.to_gates[0].bias, row_of(self.conditions[0], r)
        )
        self.terms = terms.unbind(0)

    def _gates(self, direction: int, inputs: Tensor) -> Tensor:
        """Gates of a whole row from its inputs and the states of the row above, `[W, B, 4 n_hidden]`."""
        convolution = self.to_gates[direction]
        return inputs @ convolution.matrix + convolution.bias + self.states[direction] @ self.above[direction]

    def column(self, c: int, u: Tensor) -> Tensor:
        """The layer's output at column c, for its input there."""
        self.inputs[c] = u
        state, cell = (self.states[0, c - 1], self.cells[c - 1]) if c else (self.zeros, self.zeros)
        gates = torch.addmm(torch.addmm(self.terms[c], u, self.to_gates[0].matrix), state, self.beside[0])
        self.states[0, c], self.cells[c] = lstm_cell(gates, cell)
        return u + self.out(self.states[0, c] + self.states[1, c])


class DiagonalBiLSTM(LayeredDensity):
    """PixelRNN with diagonal bidirectional LSTM layers, which see all earlier pixels.

    Args:
        event_shape: `[C, H, W]`.
        n_levels: K.
        n_context: length of a context vector.
        n_map: channels of a context map.
        ordered: whether levels are grey values in their order, rather than names of codes.
        n_channels: features of an LSTM's state; the map between layers has twice as many.
        n_layers: LSTM layers.
        first_kernel_size: of the first convolution.

    Raises:
        ConfigError: for a wrong size.

    Source: van den Oord, Kalchbrenner and Kavukcuoglu 2016, Pixel Recurrent Neural Networks, section 3.2.

    Example:
        >>> density = DiagonalBiLSTM((1, 4, 5), n_levels=2, n_channels=4, n_layers=1)
        >>> density.sample(2).shape
        torch.Size([2, 1, 4, 5])
    """

    def _layers(self, *, n_channels: int = 32, n_layers: int = 4, first_kernel_size: int = 7) -> None:
        image_channels = self.event_shape[0]
        self.stack = RecurrentStack(
            self.n_embedded, n_channels, n_layers, first_kernel_size, image_channels, self.n_context, self.n_map,
            lambda: DiagonalLSTMLayer(n_channels, image_channels, self.n_context, self.n_map),
        )  # fmt: skip
        self.head = CategoricalHead(2 * n_channels, image_channels, self.n_levels)


DENSITIES.add("diagonal-bilstm", DiagonalBiLSTM)
