"""Networks of series with gaps: an LSTM that reads one, and decoders that see the code and the time, or the numbers before each."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from latentia.nn.sequence import run_lstm

WAVES = 4


class SeriesEncoder(nn.Module):
    """A bidirectional LSTM over numbers and whether each is observed; features are its mean state, and its last ones.

    What stands behind the last observed step changes nothing.

    Args:
        means: of the columns.
        scales: their deviations.
        width: states of one direction.
    """

    center: Tensor
    scale: Tensor

    def __init__(self, means: Sequence[float], scales: Sequence[float], width: int) -> None:
        super().__init__()
        self.register_buffer("center", torch.tensor(means))
        self.register_buffer("scale", torch.tensor(scales))
        self.lstm = nn.LSTM(2 * len(means), width, batch_first=True, bidirectional=True)
        self.n_features = 4 * width

    def forward(self, x: Tensor) -> Tensor:
        """Features `[B, 4 * width]` of `[B, T, 2C]`."""
        values, observed = x.chunk(2, -1)
        inputs = torch.cat([(values - self.center) / self.scale * observed, observed], -1)
        there = observed.any(-1)
        steps = torch.arange(1, x.shape[1] + 1, device=x.device)
        lengths = (there * steps).amax(1).clamp(min=1)
        packed = pack_padded_sequence(inputs, lengths.cpu(), batch_first=True, enforce_sorted=False)
        out, (h, _) = self.lstm(packed)
        states, _ = pad_packed_sequence(out, batch_first=True)
        mean = states.sum(1) / lengths[:, None]
        return torch.cat([mean, h[0], h[1]], 1)


class StepsDecoder(nn.Module):
    """An LSTM over the code and the time: it sees no earlier number, and so cannot do without the code.

    Args:
        latent_dim: D.
        longest: T.
        n_columns: C.
        width: of the states.
    """

    clock: Tensor

    def __init__(self, latent_dim: int, longest: int, n_columns: int, width: int) -> None:
        super().__init__()
        time = torch.arange(longest) / longest
        waves = [f(2 * math.pi * 2**k * time) for k in range(WAVES) for f in (torch.sin, torch.cos)]
        self.register_buffer("clock", torch.stack([time, *waves], -1), persistent=False)
        self.start = nn.Linear(latent_dim, 2 * width)
        self.lstm = nn.LSTM(latent_dim + 1 + 2 * WAVES, width, batch_first=True)
        self.head = nn.Sequential(
            nn.Linear(width + latent_dim, width), nn.SiLU(), nn.Linear(width, n_columns)
        )

    def forward(self, z: Tensor) -> Tensor:
        """Outputs `[N, 1, T, C]` for codes `[N, D]`."""
        n, longest = z.shape[0], len(self.clock)
        codes = z[:, None].expand(n, longest, z.shape[1])
        h, c = self.start(z).chunk(2, -1)
        inputs = torch.cat([codes, self.clock.to(z.dtype).expand(n, -1, -1)], -1)
        states, _ = self.lstm(inputs, (h.tanh()[None].contiguous(), c[None].contiguous()))
        return self.head(torch.cat([states, codes], -1))[:, None]


class ForcedDecoder(nn.Module):
    """An LSTM over the code and what came before each step: it can foretell without the code, and so may do without it.

    Args:
        latent_dim: D.
        longest: T; any number of steps goes.
        n_columns: C.
        width: of the states.
    """

    def __init__(self, latent_dim: int, longest: int, n_columns: int, width: int) -> None:  # noqa: ARG002  (the face)
        super().__init__()
        self.start = nn.Linear(latent_dim, 2 * width)
        self.lstm = nn.LSTM(latent_dim + 2 * n_columns, width, batch_first=True)
        self.head = nn.Sequential(
            nn.Linear(width + latent_dim, width), nn.SiLU(), nn.Linear(width, n_columns)
        )

    def begin(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """The state before the first step."""
        h, c = self.start(z).chunk(2, -1)
        return h.tanh()[None].contiguous(), c[None].contiguous()

    def onward(
        self, z: Tensor, before: Tensor, state: tuple[Tensor, Tensor]
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """Outputs `[N, 1, T, C]`, and the state behind them.

        Args:
            z: codes `[N, D]`.
            before: of each step the numbers before it, 0 where they are missing, and whether each is observed, `[N, T, 2C]`.
            state: before the first of these steps.
        """
        codes = z[:, None].expand(*before.shape[:2], z.shape[1])
        states, state = run_lstm(self.lstm, torch.cat([codes, before], -1), state)
        return self.head(torch.cat([states, codes], -1))[:, None], state


class LinearDecoder(nn.Module):
    """Each number a linear function of the code: with Gaussian noise, probabilistic principal components.

    Args:
        latent_dim: D.
        longest: T.
        n_columns: C.
        width: not used.
    """

    def __init__(self, latent_dim: int, longest: int, n_columns: int, width: int) -> None:  # noqa: ARG002  (the face)
        super().__init__()
        self.linear = nn.Linear(latent_dim, longest * n_columns)
        self.shape = longest, n_columns

    def forward(self, z: Tensor) -> Tensor:
        """Outputs `[N, 1, T, C]` for codes `[N, D]`."""
        return self.linear(z).unflatten(-1, (1, *self.shape))
