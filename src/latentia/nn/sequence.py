"""Encoders of token sequences `[B, T]`, negative behind each end: what reads one into features."""

from __future__ import annotations

from typing import Any, cast

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from latentia import draws
from latentia.errors import ConfigError, DataError
from latentia.nn.attention import Block

_EMBEDDING_RANGE, _WEIGHT_RANGE = 0.1, 0.01
N_HEADS = 4


def start_small(module: nn.Module) -> None:
    """Draw all weights from U(-0.01, 0.01) and embeddings from U(-0.1, 0.1), as He et al. 2019 do."""
    for part in module.modules():
        width = _EMBEDDING_RANGE if isinstance(part, nn.Embedding) else _WEIGHT_RANGE
        for weight in part.parameters(recurse=False):
            nn.init.uniform_(weight, -width, width)


def start_embeddings(embedding: Any) -> None:
    """Draw embeddings from U(-0.1, 0.1): small beside a recurrent net's own state, and of one size for rare and frequent tokens."""
    nn.init.uniform_(embedding.weight, -_EMBEDDING_RANGE, _EMBEDDING_RANGE)


class Dropout(nn.Module):
    """Sets numbers to 0 with probability p in training and scales the others by 1 / (1 - p), with noise of this library's own.

    Args:
        p: in [0, 1).

    Raises:
        ConfigError: if p is outside that range.
    """

    def __init__(self, p: float) -> None:
        super().__init__()
        if not 0 <= p < 1:
            raise ConfigError(f"dropout={p!r}: a share in [0, 1) is expected")
        self.p = p

    def forward(self, x: Tensor) -> Tensor:
        """`x` with some numbers left out; in evaluation as it is."""
        if not self.training or self.p == 0:
            return x
        kept = torch.empty_like(x).bernoulli_(1 - self.p, generator=draws.generator_for(x.device))
        return x * kept / (1 - self.p)


def last_of(states: Tensor, x: Tensor) -> Tensor:
    """Of states `[batch, time, width]` that at each sequence's last token, `[batch, width]`."""
    last = (x >= 0).sum(1).sub(1).clamp(min=0)
    return states.gather(1, last[:, None, None].expand(-1, 1, states.shape[2]))[:, 0]


def reversed_within(x: Int64[Tensor, "batch time"]) -> Int64[Tensor, "batch time"]:
    """Each sequence from its end to its beginning, what stands behind the end left there.

    >>> reversed_within(torch.tensor([[1, 2, 3], [4, 5, -1]])).tolist()
    [[3, 2, 1], [5, 4, -1]]
    """
    lengths = (x >= 0).sum(1, keepdim=True)
    place = torch.arange(x.shape[1], device=x.device)
    return x.gather(1, torch.where(place < lengths, lengths - 1 - place, place))


class LSTMEncoder(nn.Module):
    """An LSTM over embedded tokens: its state at each sequence's last token, or the mean of its states.

    Args:
        n_tokens: V, size of the vocabulary.
        embedding: width of an embedding.
        width: of the hidden state (of each direction).
        bidirectional: whether a second LSTM reads from the end; features are those of both.
        mean: whether features are the mean of all states.
        dropout: of the embeddings.
    """

    def __init__(
        self,
        n_tokens: int,
        embedding: int = 50,
        width: int = 50,
        *,
        bidirectional: bool = False,
        mean: bool = False,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.embed = nn.Embedding(n_tokens, embedding)
        self.lstm = nn.LSTM(embedding, width, batch_first=True)
        self.backward_lstm = nn.LSTM(embedding, width, batch_first=True) if bidirectional else None
        self.mean, self.dropout = mean, Dropout(dropout)
        self.n_features = width * (1 + bidirectional)
        start_embeddings(self.embed)

    def forward(self, x: Int64[Tensor, "batch time"]) -> Float[Tensor, "batch features"]:
        """Features of token sequences."""
        found = [self._read(self.lstm, x)]
        if self.backward_lstm is not None:
            found.append(self._read(self.backward_lstm, reversed_within(x)))
        return torch.cat(found, -1)

    def _read(self, lstm: nn.LSTM, x: Tensor) -> Tensor:
        states, _ = run_lstm(lstm, self.dropout(self.embed(x.clamp(min=0))))
        if not self.mean:
            return last_of(states, x)
        there = (x >= 0).to(states.dtype)[..., None]
        return (states * there).sum(1) / there.sum(1).clamp(min=1)


class TransformerEncoder(nn.Module):
    """Blocks of attention among all tokens, and the mean of what they give.

    Args:
        n_tokens: V.
        width: features of a position, a multiple of 4.
        longest: tokens of the longest sequence.
        n_layers: blocks.
        dropout: of the embeddings.
    """

    def __init__(
        self, n_tokens: int, width: int, longest: int, n_layers: int = 2, dropout: float = 0.0
    ) -> None:
        super().__init__()
        self.embed = nn.Embedding(n_tokens, width)
        start_embeddings(self.embed)
        self.places = nn.Parameter(0.02 * draws.randn((longest, width)))
        self.blocks = nn.ModuleList(Block(width, N_HEADS) for _ in range(n_layers))
        self.norm, self.dropout = nn.LayerNorm(width), Dropout(dropout)
        self.n_features = width

    def forward(self, x: Int64[Tensor, "batch time"]) -> Float[Tensor, "batch features"]:
        """Features of token sequences.

        Raises:
            DataError: for a sequence that is longer than those of training.
        """
        check_length(x.shape[1], len(self.places))
        there = x >= 0
        h = self.dropout(self.embed(x.clamp(min=0)) + self.places[: x.shape[1]])
        for block in cast("list[Block]", list(self.blocks)):
            h = block.among(h, there[:, None, None])
        weight = there.to(h.dtype)[..., None]
        return (self.norm(h) * weight).sum(1) / weight.sum(1).clamp(min=1)


def check_length(length: int, longest: int) -> None:
    """Raise `DataError` for a sequence that is longer than the positions that a transformer knows."""
    if length > longest:
        raise DataError(
            f"a sequence of {length} tokens: this transformer knows {longest} positions, those of its training items; "
            "cut it, or fit a model with an LSTM"
        )


def run_lstm(
    lstm: nn.LSTM, inputs: Tensor, state: tuple[Tensor, Tensor] | None = None
) -> tuple[Tensor, tuple[Tensor, Tensor]]:
    """Run an LSTM; on a GPU without cuDNN where gradients are taken in evaluation, which cuDNN does not do."""
    if inputs.is_cuda and torch.is_grad_enabled() and not lstm.training:
        with torch.backends.cudnn.flags(enabled=False):
            return lstm(inputs, state)
    return lstm(inputs, state)
