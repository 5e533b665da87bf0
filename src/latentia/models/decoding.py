"""Sequences from a decoder: draws, the likeliest token at each step, and a beam."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from latentia import draws
from latentia.errors import ConfigError
from latentia.nn import TokenDecoder
from latentia.nn.gaps import tokens_of


@dataclass(frozen=True)
class Drawing:
    """How the next token is chosen.

    Attributes:
        temperature: divides the logits; 0 takes the likeliest token.
        top_k: only so many likeliest tokens.
        top_p: only the likeliest tokens that together have at least this probability.
        avoid: tokens that are never chosen.

    Raises:
        ConfigError: if a value is out of range.

    Source: top_p is nucleus sampling, Holtzman et al. 2020.

    Example:
        >>> Drawing().exact, Drawing(top_k=5).exact, str(Drawing(temperature=0.5, top_p=0.9))
        (True, False, 'temperature 0.5, top_p 0.9')
    """

    temperature: float = 1.0
    top_k: int | None = None
    top_p: float | None = None
    avoid: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        """Check the ranges."""
        if not 0 <= self.temperature < float("inf"):
            raise ConfigError(f"temperature={self.temperature!r}: a number of at least 0 is expected")
        if self.top_k is not None and self.top_k < 1:
            raise ConfigError(f"top_k={self.top_k!r}: a whole number of at least 1 is expected")
        if self.top_p is not None and not 0 < self.top_p <= 1:
            raise ConfigError(f"top_p={self.top_p!r}: a probability in (0, 1] is expected")

    @property
    def exact(self) -> bool:
        """Whether what is chosen is a draw from the model itself."""
        return self == Drawing()

    def __str__(self) -> str:
        """What is not as in a draw from the model."""
        if self.temperature == 0:
            return "the likeliest token at each step"
        parts = [f"temperature {self.temperature:g}"] if self.temperature != 1 else []
        parts += [
            f"{name} {value:g}" for name, value in (("top_k", self.top_k), ("top_p", self.top_p)) if value
        ]
        return ", ".join([*parts, *(["some tokens left out"] if self.avoid else [])]) or "draws"

    def choose(self, logits: Float[Tensor, "batch tokens"]) -> Int64[Tensor, " batch"]:
        """A token for each row."""
        if self.avoid:
            logits = logits.index_fill(1, torch.tensor(self.avoid, device=logits.device), -torch.inf)
        if self.temperature == 0:
            return logits.argmax(1)
        logits = logits / self.temperature
        if self.top_k is not None and self.top_k < logits.shape[1]:
            least = logits.topk(self.top_k).values[:, -1:]
            logits = logits.masked_fill(logits < least, -torch.inf)
        if self.top_p is not None:
            logits = logits.masked_fill(_beyond(logits, self.top_p), -torch.inf)
        return draws.multinomial(logits.softmax(1), 1)[:, 0]


DRAWS, GREEDY = Drawing(), Drawing(temperature=0.0)


def _beyond(logits: Tensor, top_p: float) -> Tensor:
    """Where tokens are not among the likeliest that together have `top_p`."""
    ordered, order = logits.sort(1, descending=True)
    share = ordered.softmax(1)
    out = share.cumsum(1) - share >= top_p  # what stands before them has enough
    return torch.zeros_like(out).scatter(1, order, out)


@torch.no_grad()
def generated(
    decoder: TokenDecoder,
    z: Float[Tensor, "batch latent"],
    longest: int,
    end: int | None,
    drawing: Drawing = DRAWS,
    prefix: Int64[Tensor, "batch given"] | None = None,
) -> Int64[Tensor, "batch time"]:
    """Sequences that are fed their own tokens, -1 behind each end; where the decoder has gaps, each but the first and the end carries one.

    Args:
        decoder: p(x_t | x_{<t}, z).
        z: codes.
        longest: tokens after which a sequence is cut: it then has no end.
        end: token behind which nothing follows; None: all have `longest` tokens.
        drawing: how a token is chosen.
        prefix: tokens that each begins with, negative where it goes on by itself.
    """
    token = torch.full((len(z),), decoder.n_tokens, dtype=torch.long, device=z.device)
    state, tokens = decoder.begin(z, longest), []
    done = torch.zeros(len(z), dtype=torch.bool, device=z.device)
    for t in range(longest):
        hidden, state = decoder.step(token, state, t)
        token = drawing.choose(decoder.output(hidden))
        if decoder.gaps is not None and t:
            timed = decoder.gaps.drawn(hidden, token, median=drawing.temperature == 0)
            token = timed if end is None else torch.where(token == end, token, timed)
        if prefix is not None and t < prefix.shape[1]:
            token = torch.where(prefix[:, t] >= 0, prefix[:, t], token)
        tokens.append(token.masked_fill(done, -1))
        if end is not None:
            done = done | (token == end)
            if bool(done.all()):
                break
    return torch.stack(tokens, 1)


@torch.no_grad()
def own_tokens(
    decoder: TokenDecoder, z: Float[Tensor, "batch latent"], x: Int64[Tensor, "batch time"]
) -> tuple[Int64[Tensor, "batch time"], Float[Tensor, "batch time"]]:
    """The decoder left alone with z for as many steps as x has: its likeliest token at each, and log p of the true one there.

    No end stops it, so that positions can be compared; log-probabilities are of tokens without gaps, 0 behind the end of x.
    """
    token = x.new_full((len(x),), decoder.n_tokens)
    state, tokens, scores = decoder.begin(z, x.shape[1]), [], []
    for t in range(x.shape[1]):
        hidden, state = decoder.step(token, state, t)
        log_prob = decoder.output(hidden).log_softmax(1)
        token = log_prob.argmax(1)
        if decoder.gaps is not None and t:
            token = decoder.gaps.drawn(hidden, token, median=True)
        tokens.append(token)
        scores.append(log_prob.gather(1, tokens_of(x[:, t : t + 1]).clamp(min=0))[:, 0])
    return torch.stack(tokens, 1), torch.stack(scores, 1).masked_fill(x < 0, 0.0)


@torch.no_grad()
def beam(
    decoder: TokenDecoder,
    z: Float[Tensor, "batch latent"],
    longest: int,
    end: int,
    width: int = 5,
    power: float = 0.0,
    avoid: Sequence[int] = (),
) -> tuple[Int64[Tensor, "batch time"], Float[Tensor, " batch"]]:
    """A likely sequence of each code, by a search that keeps the `width` best beginnings.

    Of the sequences that end it gives that with the largest log p(x|z) / length^power; with power 0 its exact score. A width of 1
    takes the likeliest token at each step.

    Args:
        decoder: p(x_t | x_{<t}, z).
        z: codes.
        longest: tokens after which a sequence is cut.
        end: token behind which nothing follows.
        width: beginnings that are kept.
        power: of the length.
        avoid: tokens that are never taken.

    Returns:
        Tokens, -1 behind each end, and log p(x|z) in nats.
    """
    if width < 1:
        raise ConfigError(f"width={width!r}: a whole number of at least 1 is expected")
    n, vocabulary = len(z), decoder.n_tokens
    rows = torch.arange(n, device=z.device)[:, None]
    state = decoder.begin(z.repeat_interleave(width, 0), longest)
    token = torch.full((n * width,), vocabulary, dtype=torch.long, device=z.device)
    score = z.new_full((n, width), -torch.inf)
    score[:, 0] = 0.0  # all beginnings are the same at first
    tokens = torch.full((n, width, 0), -1, dtype=torch.long, device=z.device)
    done = torch.zeros(n, width, dtype=torch.bool, device=z.device)
    for t in range(longest):
        hidden, state = decoder.step(token, state, t)
        log_prob = decoder.output(hidden).log_softmax(1)
        if len(avoid):
            log_prob[:, list(avoid)] = -torch.inf
        log_prob = log_prob.unflatten(0, (n, width))
        # A sequence that has ended goes on in one way, at no cost.
        log_prob[done] = -torch.inf
        log_prob[..., end] = log_prob[..., end].masked_fill(done, 0.0)
        total = score[..., None] + log_prob
        length = (tokens >= 0).sum(-1) + (~done).long()
        ranked = (total / length.clamp(min=1)[..., None] ** power).flatten(1).topk(width).indices
        parent, chosen = ranked // vocabulary, ranked % vocabulary
        score = total.flatten(1).gather(1, ranked)
        was_done = done[rows, parent]
        tokens = torch.cat([tokens[rows, parent], chosen.masked_fill(was_done, -1)[..., None]], -1)
        done = was_done | (chosen == end)
        state = _picked(state, (rows * width + parent).flatten())
        token = chosen.flatten()
        if bool(done.all()):
            break
    lengths = (tokens >= 0).sum(-1).clamp(min=1)
    best = (score / lengths**power - torch.where(done, 0.0, 1e9)).argmax(1)
    found = tokens[rows[:, 0], best]
    return found[:, : max(1, int((found >= 0).sum(1).max()))], score[rows[:, 0], best]


def _picked(state: Any, places: Tensor) -> Any:
    """A decoder's state with its batch at some places."""
    return tuple(part[places] for part in state)
