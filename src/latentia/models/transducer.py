"""From one sequence to another, with a sequence as the latent variable where the input is missing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, NamedTuple

import torch
from jaxtyping import Int
from torch import Tensor, nn
from torch.nn import functional as F

from latentia import draws
from latentia.nn.attentive import Memory, Reader, Speller

Relaxation = Literal["logistic-normal", "softmax", "gumbel"]
RELAXATIONS: tuple[Relaxation, ...] = ("logistic-normal", "softmax", "gumbel")
COOLEST = 0.5
"""The temperature of Gumbel draws at the end of training; it falls linearly from 1."""


@dataclass(frozen=True)
class Paths:
    """What a pass over some pairs says, and over some outputs without inputs; nothing is reduced over items.

    Attributes:
        output: log P(y|x) of each pair in nats, `[B]`.
        output_tokens: tokens of y, `[B]`.
        given: log G(x|y), `[B]`; None where there is no generator.
        given_tokens: tokens of x, `[B]`.
        through: log P(y|x~) of each output without an input, x~ the generator's, `[U]`; None where they are not looked at.
        through_tokens: tokens of those y, `[U]`.
    """

    output: Tensor
    output_tokens: Tensor
    given: Tensor | None
    given_tokens: Tensor
    through: Tensor | None
    through_tokens: Tensor | None


class Mixtures(NamedTuple):
    """A sequence of mixtures of tokens, as a generator makes them.

    Attributes:
        shares: `[B, T, V]`, sums of 1.
        alive: :math:`a_1 = 1, a_{t+1} = a_t (1 - x_t[end])`, `[B, T]`.
    """

    shares: Tensor
    alive: Tensor


class Transducer(nn.Module):
    r"""P(y|x), and where there is a generator G(x|y): y is also learned by way of inputs x~ that G makes up.

    .. math:: \mathcal{L} = -\log P(y|x) - \log G(x|y) - \alpha \log P(y'|\tilde x), \quad
        \tilde x_t = \mathrm{softmax}(\mu_t + \sigma_t \epsilon_t), \quad (\mu_t, \sigma_t) = G(\tilde x_{<t}, y')

    This is an autoencoder of y' whose latent variable is a sequence of mixtures of words; it is no bound, as nothing is subtracted for x~.

    Source: Kocisky et al. 2016, Semantic Parsing with Semi-Supervised Sequential Autoencoders.

    Args:
        n_inputs: size of the inputs' vocabulary.
        n_outputs: of the outputs'.
        longest: tokens of the longest input and of the longest output, ends among them.
        width: of the embeddings.
        hidden: H, of one direction of a reader.
        dropout: see `Reader` and `Speller`.
        end: the number of the token behind the last, in both vocabularies.
        generator: whether there is G.
        relaxation: how x~ is made: "logistic-normal" (above), "softmax" (without noise) or "gumbel" (straight-through).
        alone: share of training in which pairs alone are looked at.
    """

    def __init__(
        self,
        n_inputs: int,
        n_outputs: int,
        longest: tuple[int, int],
        width: int,
        hidden: int,
        dropout: float,
        *,
        end: int = 0,
        generator: bool = True,
        relaxation: Relaxation = "logistic-normal",
        alone: float = 0.4,
    ) -> None:
        super().__init__()
        self.longest, self.end, self.relaxation, self.alone = longest, end, relaxation, alone
        self.reader = Reader(n_inputs, width, hidden, dropout)
        self.speller = Speller(n_outputs, width, hidden, dropout)
        self.back_reader = Reader(n_outputs, width, hidden, dropout) if generator else None
        self.back_speller = Speller(n_inputs, width, hidden, dropout, spread=True) if generator else None
        self.progress = 0.0

    def advance(self, progress: float) -> None:
        """Take note of the share of training that is done."""
        self.progress = progress

    def prepare(self, x: Tensor) -> None:
        """Nothing: no part looks at the data first."""

    def calibrate(self, x_batches: Iterable[Tensor]) -> None:
        """Nothing: all is learned by gradient."""

    def trace(self, rows: Int[Tensor, "batch time"], n_samples: int = 1) -> Paths:  # noqa: ARG002  (one x~ for each)
        """A pass over rows of an input, its output and, perhaps, an output without input, side by side; each negative behind its end."""
        parts = rows.split([*self.longest, *[rows.shape[1] - sum(self.longest)]], 1)
        x, y = _cut(parts[0]), _cut(parts[1])
        given = None if self.back_speller is None else self.log_given(x, y)
        through, lone_tokens = None, None
        if self.back_speller is not None and parts[2].shape[1] and self.progress >= self.alone:
            lone = _cut(parts[2])
            memory = self.reader.mixed(*self.made_up(lone))
            through, lone_tokens = spelled(self.speller, memory, lone), (lone >= 0).sum(1)
        return Paths(self.log_output(x, y), (y >= 0).sum(1), given, (x >= 0).sum(1), through, lone_tokens)

    def log_output(self, x: Tensor, y: Tensor) -> Tensor:
        """Log P(y|x) in nats, `[B]`."""
        return spelled(self.speller, self.reader(x), y)

    def log_given(self, x: Tensor, y: Tensor) -> Tensor:
        """Log G(x|y) in nats, `[B]`."""
        assert self.back_reader is not None
        assert self.back_speller is not None
        return spelled(self.back_speller, self.back_reader(y), x)

    def made_up(self, y: Tensor) -> Mixtures:
        """Inputs x~ for outputs: mixtures of tokens, each made given those before it."""
        assert self.back_reader is not None
        assert self.back_speller is not None
        speller, memory = self.back_speller, self.back_reader(y)
        state = speller.begin(memory)
        inputs = speller.embedded(y.new_full((len(y),), speller.n_tokens))
        shares, alive = [], [memory.last.new_ones(len(y))]
        for _ in range(self.longest[0] + 2):
            found, state = speller.spell(inputs, memory, state)
            assert found.log_spread is not None
            mixture = self._relaxed(found.logits[:, 0], found.log_spread[:, 0])
            shares.append(mixture)
            alive.append(alive[-1] * (1 - mixture[:, self.end]))
            inputs = speller.mixed(mixture)
        return Mixtures(torch.stack(shares, 1), torch.stack(alive[:-1], 1))

    def _relaxed(self, logits: Tensor, log_spread: Tensor) -> Tensor:
        """Mixtures `[B, V]` of tokens, differentiable."""
        if self.relaxation == "softmax":
            return logits.softmax(-1)
        if self.relaxation == "logistic-normal":
            return (logits + log_spread.exp() * draws.randn(logits.shape, device=logits.device)).softmax(-1)
        heat = 1 - (1 - COOLEST) * self.progress
        uniform = draws.rand(logits.shape, device=logits.device).clamp(min=1e-20)
        soft = ((logits - (-uniform.log()).log()) / heat).softmax(-1)
        hard = F.one_hot(soft.argmax(-1), soft.shape[-1]).to(soft.dtype)
        return hard + soft - soft.detach()

    def outputs(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The likeliest output at each step, `[B, T]`, negative behind its end, and the attention to x, `[B, T, S]`."""
        return self._greedy(self.speller, self.reader(x), 2 * self.longest[1])

    def inputs(self, y: Tensor, *, draw: bool = False) -> Tensor:
        """Inputs that the generator finds for outputs, `[B, T]`: the likeliest token at each step, or draws."""
        assert self.back_reader is not None
        assert self.back_speller is not None
        return self._greedy(self.back_speller, self.back_reader(y), self.longest[0] + 2, draw)[0]

    def _greedy(
        self, speller: Speller, memory: Memory, most: int, draw: bool = False
    ) -> tuple[Tensor, Tensor]:
        state = speller.begin(memory)
        n = len(memory.last)
        inputs = speller.embedded(torch.full((n,), speller.n_tokens, device=memory.last.device))
        going = torch.ones(n, dtype=torch.bool, device=memory.last.device)
        tokens, attention = [], []
        for _ in range(most):
            found, state = speller.spell(inputs, memory, state)
            logits = found.logits[:, 0]
            chosen = draws.multinomial(logits.softmax(-1), 1)[:, 0] if draw else logits.argmax(-1)
            tokens.append(chosen.masked_fill(~going, -1))
            attention.append(found.attention[:, 0])
            going = going & (chosen != self.end)
            if not going.any():
                break
            inputs = speller.embedded(chosen)
        return torch.stack(tokens, 1), torch.stack(attention, 1)


def spelled(speller: Speller, memory: Memory, tokens: Tensor) -> Tensor:
    """Log-probability of sequences given what was read, in nats, `[B]`."""
    logits = speller(memory, tokens).logits
    return (
        -F.cross_entropy(logits.transpose(1, 2), tokens.clamp(min=0), reduction="none")
        .masked_fill(tokens < 0, 0.0)
        .sum(1)
    )


def _cut(tokens: Tensor) -> Tensor:
    """Without positions that no item has."""
    return tokens[:, : int((tokens >= 0).sum(1).max())]
