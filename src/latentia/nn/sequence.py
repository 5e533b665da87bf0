"""LSTMs over sequences of tokens: what reads one into features, and the language model that a code speaks through."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

_EMBEDDING_RANGE, _WEIGHT_RANGE = 0.1, 0.01


def start_small(module: nn.Module) -> None:
    """Draw all weights from U(-0.01, 0.01) and embeddings from U(-0.1, 0.1), as He et al. 2019 do."""
    for part in module.modules():
        width = _EMBEDDING_RANGE if isinstance(part, nn.Embedding) else _WEIGHT_RANGE
        for weight in part.parameters(recurse=False):
            nn.init.uniform_(weight, -width, width)


class LSTMEncoder(nn.Module):
    """The last hidden state of an LSTM over embedded tokens.

    Args:
        n_tokens: V, size of the vocabulary.
        embedding: width of an embedding.
        width: of the hidden state, the features given out.
    """

    def __init__(self, n_tokens: int, embedding: int = 50, width: int = 50) -> None:
        super().__init__()
        self.embed = nn.Embedding(n_tokens, embedding)
        self.lstm = nn.LSTM(embedding, width, batch_first=True)
        self.n_features = width
        start_small(self)

    def forward(self, x: Int64[Tensor, "batch time"]) -> Float[Tensor, "batch features"]:
        """Features of token sequences."""
        _, (last, _) = self.lstm(self.embed(x))
        return last[0]


class LSTMDecoder(nn.Module):
    r"""An LSTM language model p(x_t | x_{<t}, z): the code is put to every input and sets the first state.

    .. math:: c_0 = W z, \quad h_0 = \tanh c_0, \quad h_t = \mathrm{LSTM}([e(x_{t-1}), z], h_{t-1})

    with a start symbol at x_0.

    Args:
        latent_dim: length of a code.
        n_tokens: V, size of the vocabulary.
        embedding: width of an embedding.
        width: of the hidden state.

    Source: He et al. 2019, appendix; Bowman et al. 2016.
    """

    def __init__(self, latent_dim: int, n_tokens: int, embedding: int = 50, width: int = 50) -> None:
        super().__init__()
        self.n_tokens = n_tokens
        self.embed = nn.Embedding(n_tokens + 1, embedding)  # the last is the start symbol
        self.first = nn.Linear(latent_dim, width, bias=False)
        self.lstm = nn.LSTM(embedding + latent_dim, width, batch_first=True)
        self.head = nn.Linear(width, n_tokens, bias=False)
        start_small(self)

    def logits(
        self, z: Float[Tensor, "batch latent"], x: Int64[Tensor, "batch time"]
    ) -> Float[Tensor, "batch time tokens"]:
        """Teacher forcing: logits of each token given the true tokens before it."""
        start = x.new_full((len(x), 1), self.n_tokens)
        return self.head(self._run(z, torch.cat([start, x[:, :-1]], 1), self._state(z))[0])

    def generate(
        self, z: Float[Tensor, "batch latent"], length: int, greedy: bool = False
    ) -> Int64[Tensor, "batch time"]:
        """Sequences of `length` that are fed their own tokens: drawn from p(x|z), or the likeliest token at each step."""
        token = torch.full((len(z), 1), self.n_tokens, dtype=torch.long, device=z.device)
        state, tokens = self._state(z), []
        for _ in range(length):
            hidden, state = self._run(z, token, state)
            logits = self.head(hidden[:, 0])
            token = logits.argmax(-1, keepdim=True) if greedy else logits.softmax(-1).multinomial(1)
            tokens.append(token)
        return torch.cat(tokens, 1)

    def _state(self, z: Tensor) -> tuple[Tensor, Tensor]:
        cell = self.first(z)[None]
        return cell.tanh(), cell

    def _run(
        self, z: Tensor, tokens: Tensor, state: tuple[Tensor, Tensor]
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        inputs = torch.cat([self.embed(tokens), z[:, None].expand(-1, tokens.shape[1], -1)], -1)
        return self.lstm(inputs, state)
