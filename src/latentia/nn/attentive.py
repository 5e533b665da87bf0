"""Recurrent networks of pairs of sequences: a reader of one, and a speller of the other that attends to what was read."""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

ALIVE = 1e-6
"""Below it a position that is hardly there counts as absent, for attention."""


class Memory(NamedTuple):
    """What a reader leaves.

    Attributes:
        states: `[B, T, 2H]`, zeros where there is no token.
        last: the states at both ends, `[B, 2H]`.
        alive: how far each position is there, in [0, 1], `[B, T]`.
    """

    states: Tensor
    last: Tensor
    alive: Tensor


class Reader(nn.Module):
    """A bidirectional LSTM over tokens, or over mixtures of tokens of which each position is there to some degree.

    Args:
        n_tokens: V.
        width: of the embeddings.
        hidden: H, of each direction.
        dropout: of the embeddings.
    """

    def __init__(self, n_tokens: int, width: int, hidden: int, dropout: float) -> None:
        super().__init__()
        self.embedding = nn.Embedding(n_tokens, width)
        self.lstm = nn.LSTM(width, hidden, batch_first=True, bidirectional=True)
        self.dropout = nn.Dropout(dropout)
        self.hidden = hidden

    def forward(self, tokens: Int[Tensor, "batch time"]) -> Memory:
        """Read tokens, negative behind each end; every item has one at least."""
        lengths = (tokens >= 0).sum(1).cpu()
        embedded = self.dropout(self.embedding(tokens.clamp(min=0)))
        packed = pack_padded_sequence(embedded, lengths, batch_first=True, enforce_sorted=False)
        out, (h, _) = self.lstm(packed)
        states, _ = pad_packed_sequence(out, batch_first=True, total_length=tokens.shape[1])
        return Memory(states, torch.cat([h[0], h[1]], 1), (tokens >= 0).to(states.dtype))

    def mixed(self, shares: Float[Tensor, "batch time tokens"], alive: Float[Tensor, "batch time"]) -> Memory:
        r"""Read mixtures of tokens; a position that is there by a share :math:`a_t` counts by it.

        Inputs are :math:`a_t E^T x_t`, the forward state at the end is :math:`\sum_t (a_t - a_{t+1}) h_t`, and the backward state is taken
        times :math:`a_t` after each step, so that it begins anew where the item ends. For shares that are tokens and a that are 0 or 1 this is
        `forward`.
        """
        embedded = self.dropout(shares @ self.embedding.weight) * alive[..., None]
        ahead = self._steps(embedded, None, "")
        back = self._steps(embedded.flip(1), alive.flip(1), "_reverse").flip(1)
        ends = alive - torch.cat([alive[:, 1:], torch.zeros_like(alive[:, :1])], 1)
        last = torch.cat([(ends[..., None] * ahead).sum(1), back[:, 0]], 1)
        return Memory(torch.cat([ahead, back], 2) * alive[..., None], last, alive)

    def _steps(self, inputs: Tensor, alive: Tensor | None, suffix: str) -> Tensor:
        """States of one direction, step by step."""
        weights = [
            getattr(self.lstm, f"{name}_l0{suffix}")
            for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        ]
        h = c = inputs.new_zeros(len(inputs), self.hidden)
        found = []
        for t in range(inputs.shape[1]):
            h, c = torch.lstm_cell(inputs[:, t], (h, c), *weights)
            if alive is not None:
                h, c = h * alive[:, t, None], c * alive[:, t, None]
            found.append(h)
        return torch.stack(found, 1)


class Spelled(NamedTuple):
    """What a speller says of each position.

    Attributes:
        logits: `[B, T, V]`.
        log_spread: log of the deviation of each logit, `[B, T, V]`; None of a speller that has none.
        attention: to each position of what was read, `[B, T, S]`, rows that sum to 1.
    """

    logits: Tensor
    log_spread: Tensor | None
    attention: Tensor


State = tuple[Tensor, Tensor]


class Speller(nn.Module):
    r"""An LSTM over its own earlier tokens whose output looks back at what was read.

    .. math:: \alpha_{ts} \propto a_s \exp(h_t^T W m_s), \quad o_t = \tanh(V [h_t, \sum_s \alpha_{ts} m_s]), \quad \mu_t = U o_t

    Source: Luong et al. 2015, Effective Approaches to Attention-based Neural Machine Translation (general score, no input feeding);
    spread and mixtures as in Kocisky et al. 2016, Semantic Parsing with Semi-Supervised Sequential Autoencoders.

    Args:
        n_tokens: V.
        width: of the embeddings.
        hidden: of one direction of the reader; the speller has twice that.
        dropout: of embeddings and of o.
        spread: whether logits have a deviation.
    """

    def __init__(
        self, n_tokens: int, width: int, hidden: int, dropout: float, *, spread: bool = False
    ) -> None:
        super().__init__()
        size = 2 * hidden
        self.n_tokens = n_tokens
        self.embedding = nn.Embedding(n_tokens + 1, width)  # the last row is the start
        self.start = nn.Linear(size, 2 * size)
        self.lstm = nn.LSTM(width, size, batch_first=True)
        self.score = nn.Linear(size, size, bias=False)
        self.merge = nn.Linear(2 * size, size)
        self.output = nn.Linear(size, n_tokens)
        self.spread = nn.Linear(size, n_tokens) if spread else None
        if self.spread is not None:
            nn.init.zeros_(self.spread.weight)
            nn.init.constant_(self.spread.bias, -1.0)
        self.dropout = nn.Dropout(dropout)

    def begin(self, memory: Memory) -> State:
        """The state before the first token: `(h, c)`, `[1, B, 2H]` each."""
        h, c = self.start(memory.last).chunk(2, 1)
        return h.tanh()[None].contiguous(), c[None].contiguous()

    def forward(self, memory: Memory, tokens: Int[Tensor, "batch time"]) -> Spelled:
        """All positions, each given the true tokens before it."""
        first = tokens.new_full((len(tokens), 1), self.n_tokens)
        before = torch.cat([first, tokens[:, :-1].clamp(min=0)], 1)
        return self.spell(self.embedding(before), memory, self.begin(memory))[0]

    def spell(self, embedded: Tensor, memory: Memory, state: State) -> tuple[Spelled, State]:
        """Go on from a state over inputs `[B, T, width]`."""
        h, state = self.lstm(self.dropout(embedded), state)
        scores = self.score(h) @ memory.states.transpose(1, 2)
        there = memory.alive[:, None]
        scores = (scores + there.clamp(min=ALIVE).log()).masked_fill(there < ALIVE, -torch.inf)
        attention = scores.softmax(-1)
        o = self.dropout(self.merge(torch.cat([h, attention @ memory.states], -1)).tanh())
        log_spread = None if self.spread is None else self.spread(o).clamp(-3.0, 1.0)
        return Spelled(self.output(o), log_spread, attention), state

    def embedded(self, tokens: Tensor) -> Tensor:
        """Embeddings of tokens `[B]` as inputs of one step, `[B, 1, width]`."""
        return self.embedding(tokens)[:, None]

    def mixed(self, shares: Tensor) -> Tensor:
        """Embeddings of mixtures of tokens `[B, V]` as inputs of one step, `[B, 1, width]`."""
        return (shares @ self.embedding.weight[: self.n_tokens])[:, None]
