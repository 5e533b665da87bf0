"""Decoders of token sequences: p(x_t | x_{<t}, z), all positions at once or one after another."""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch.nn import functional as F

from latentia import draws
from latentia.errors import ConfigError
from latentia.nn.gaps import GapHead, TimedEmbedding, tokens_of
from latentia.nn.sequence import Dropout, run_lstm, start_embeddings

_LOGITS_AT_ONCE = 2**22
"""Numbers of logits that are held at a time where no gradient is taken."""


class TokenDecoder(nn.Module):
    r"""What decoders of all architectures share: inputs, the output layer, and log-probabilities of tokens.

    .. math:: \log p(x_t | x_{<t}, z) = \log \mathrm{softmax}(W h_t + b)_{x_t}, \quad W = E \text{ or of its own}

    An architecture gives `hidden` (all positions, true tokens before each) and `begin` and `step` (one position after another).

    Args:
        latent_dim: D, length of a code; 0: a language model.
        n_tokens: V, size of the vocabulary.
        embedding: width of an embedding.
        width: of what the output layer takes.
        tied: whether the output layer is the embedding, after a projection to its width; it then has a bias.
        keep: word dropout: in training each input token but the start symbol becomes `unknown` with probability 1 - keep (Bowman et al.
            2016, section 3.1). Off in evaluation.
        unknown: the token that stands for one that is not told.
        dropout: of inputs and of what the output layer takes.

    Raises:
        ConfigError: if a share is out of range.
    """

    def __init__(
        self,
        latent_dim: int,
        n_tokens: int,
        embedding: int,
        width: int,
        *,
        tied: bool = False,
        keep: float = 1.0,
        unknown: int = 0,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        if not 0 <= keep <= 1:
            raise ConfigError(f"keep={keep!r}: a share in [0, 1] is expected")
        self.latent_dim, self.n_tokens, self.keep, self.unknown = latent_dim, n_tokens, keep, unknown
        self.embed: Any = nn.Embedding(n_tokens + 1, embedding)  # the last is the start symbol
        self.gaps: GapHead | None = None
        self.head = nn.Linear(width, embedding if tied else n_tokens, bias=False)
        self.bias = nn.Parameter(torch.zeros(n_tokens)) if tied else None
        self.dropout = Dropout(dropout)
        start_embeddings(self.embed)

    def take_gaps(self, center: float, scale: float) -> None:
        """Read the gaps that tokens carry, and foretell them; see `latentia.nn.gaps`."""
        self.embed = TimedEmbedding(self.embed, center, scale)
        self.gaps = GapHead(self.head.in_features, center, scale)

    def reset(self) -> None:
        """Draw all weights anew, as when it was made."""
        for part in self.modules():
            start = getattr(part, "reset_parameters", None)
            if start is not None:
                start()
        start_embeddings(self.embed)
        if self.bias is not None:
            nn.init.zeros_(self.bias)

    # ------------------------------------------------------------------ what an architecture gives

    def hidden(
        self, z: Float[Tensor, "batch latent"], x: Int64[Tensor, "batch time"]
    ) -> Float[Tensor, "batch time width"]:
        """What the output layer takes at each position, given the true tokens before it."""
        raise NotImplementedError

    def begin(self, z: Float[Tensor, "batch latent"], longest: int) -> Any:
        """The state before the first token, for sequences of at most `longest`: tensors whose first dimension is the batch."""
        raise NotImplementedError

    def step(
        self, token: Int64[Tensor, " batch"], state: Any, t: int
    ) -> tuple[Float[Tensor, "batch width"], Any]:
        """What the output layer takes at position t, given the token before, and the state after it."""
        raise NotImplementedError

    # ------------------------------------------------------------------ what they share

    def inputs(self, x: Int64[Tensor, "batch time"]) -> Int64[Tensor, "batch time"]:
        """The tokens before each position, the start symbol first; in training some are not told."""
        before = x[:, :-1].clamp(min=0)
        if self.training and self.keep < 1:
            told = torch.empty(before.shape, device=x.device).bernoulli_(
                self.keep, generator=draws.generator_for(x.device)
            )
            before = before.masked_fill(told == 0, self.unknown)
        return torch.cat([x.new_full((len(x), 1), self.n_tokens), before], 1)

    def output(self, hidden: Float[Tensor, "*batch width"]) -> Float[Tensor, "*batch tokens"]:
        """Logits of what `hidden` or `step` gave."""
        found = self.head(self.dropout(hidden))
        return found if self.bias is None else F.linear(found, self.embed.weight[: self.n_tokens], self.bias)

    def logits(
        self, z: Float[Tensor, "batch latent"], x: Int64[Tensor, "batch time"]
    ) -> Float[Tensor, "batch time tokens"]:
        """Teacher forcing: logits of each token given the true tokens before it."""
        return self.output(self.hidden(z, x))

    def token_log_prob(
        self, z: Float[Tensor, "batch latent"], x: Int64[Tensor, "batch time"]
    ) -> Float[Tensor, "batch time"]:
        """Log p(x_t | x_{<t}, z) in nats of each token, with the density of its gap where it carries one; 0 behind the end."""
        labels, gaps = self.parts(z, x)
        return labels if gaps is None else labels + gaps

    def parts(
        self, z: Float[Tensor, "batch latent"], x: Int64[Tensor, "batch time"]
    ) -> tuple[Float[Tensor, "batch time"], Float[Tensor, "batch time"] | None]:
        """Log-probabilities of tokens, and log-densities of their gaps where the decoder has any; behind the end nothing is computed."""
        there = x >= 0
        hidden, target = self.hidden(z, x)[there], tokens_of(x[there])
        together = len(target) if torch.is_grad_enabled() else max(1, _LOGITS_AT_ONCE // self.n_tokens)
        parts = [
            -F.cross_entropy(self.output(h), token, reduction="none")
            for h, token in zip(hidden.split(max(1, together)), target.split(max(1, together)), strict=True)
        ]
        found = hidden.new_zeros(x.shape)
        found[there] = torch.cat(parts) if parts else hidden.new_zeros(0)
        if self.gaps is None:
            return found, None
        of_gaps = hidden.new_zeros(x.shape)
        of_gaps[there] = self.gaps.log_prob(self.dropout(hidden), x[there])
        return found, of_gaps

    def start_at(self, frequencies: Float[Tensor, " tokens"]) -> None:
        """Let the output layer begin at the logarithms of the tokens' frequencies, where it has a bias."""
        if self.bias is not None:
            with torch.no_grad():
                self.bias.copy_(frequencies.log())


class LSTMDecoder(TokenDecoder):
    r"""An LSTM language model p(x_t | x_{<t}, z): the code is put to every input and sets the first state.

    .. math:: c_0 = W z, \quad h_0 = \tanh c_0, \quad h_t = \mathrm{LSTM}([e(x_{t-1}), z], h_{t-1})

    with a start symbol at x_0.

    Args:
        latent_dim: length of a code.
        n_tokens: V, size of the vocabulary.
        embedding: width of an embedding.
        width: of the hidden state.
        options: of `TokenDecoder`.

    Source: He et al. 2019, appendix; Bowman et al. 2016.
    """

    def __init__(
        self, latent_dim: int, n_tokens: int, embedding: int = 50, width: int = 50, **options: Any
    ) -> None:
        super().__init__(latent_dim, n_tokens, embedding, width, **options)
        self.width = width
        self.first = nn.Linear(latent_dim, width, bias=False) if latent_dim else None
        self.lstm = nn.LSTM(embedding + latent_dim, width, batch_first=True)

    def hidden(
        self, z: Float[Tensor, "batch latent"], x: Int64[Tensor, "batch time"]
    ) -> Float[Tensor, "batch time width"]:
        """See `TokenDecoder.hidden`."""
        return self._onward(self._run(z, self.inputs(x), self._state(z))[0], z)

    def begin(self, z: Float[Tensor, "batch latent"], longest: int) -> Any:  # noqa: ARG002  (any length goes)
        """See `TokenDecoder.begin`."""
        hidden, cell = self._state(z)
        return z, hidden[0], cell[0]

    def step(
        self,
        token: Int64[Tensor, " batch"],
        state: Any,
        t: int,  # noqa: ARG002  (its state knows)
    ) -> tuple[Float[Tensor, "batch width"], Any]:
        """See `TokenDecoder.step`."""
        z, hidden, cell = state
        found, (hidden, cell) = self._run(z, token[:, None], (hidden[None], cell[None]))
        return self._onward(found, z)[:, 0], (z, hidden[0], cell[0])

    def _onward(self, hidden: Tensor, z: Tensor) -> Tensor:  # noqa: ARG002  (for those that use it)
        """From the LSTM's states `[B, T, width]` to what the output layer takes."""
        return hidden

    def _state(self, z: Tensor) -> tuple[Tensor, Tensor]:
        cell = (z.new_zeros(len(z), self.width) if self.first is None else self.first(z))[None]
        return cell.tanh(), cell.contiguous()

    def _embedded(self, tokens: Tensor) -> Tensor:
        return self.dropout(self.embed(tokens))

    def _run(
        self, z: Tensor, tokens: Tensor, state: tuple[Tensor, Tensor]
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        inputs = torch.cat([self._embedded(tokens), z[:, None].expand(-1, tokens.shape[1], -1)], -1)
        return run_lstm(self.lstm, inputs, state)


class SkipDecoder(LSTMDecoder):
    r"""`LSTMDecoder` whose output layer sees the code as well: \tilde h_t = \tanh(U h_t + U' z).

    Source: Dieng, Kim, Rush & Blei 2019, Avoiding Latent Variable Collapse with Generative Skip Models.
    """

    def __init__(
        self, latent_dim: int, n_tokens: int, embedding: int = 50, width: int = 50, **options: Any
    ) -> None:
        super().__init__(latent_dim, n_tokens, embedding, width, **options)
        self.of_state, self.of_code = nn.Linear(width, width), nn.Linear(latent_dim, width, bias=False)

    def _onward(self, hidden: Tensor, z: Tensor) -> Tensor:
        return (self.of_state(hidden) + self.of_code(z)[:, None]).tanh()


class StepsDecoder(LSTMDecoder):
    """`LSTMDecoder` that reads the code at every step and no token: given the code, tokens are independent.

    The end of word dropout at which nothing is told ("inputless" in Bowman et al. 2016): it cannot do without the code.
    """

    def _embedded(self, tokens: Tensor) -> Tensor:
        return self.embed(torch.full_like(tokens, self.n_tokens))
