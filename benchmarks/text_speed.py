"""Speed of text models on the Penn Treebank: tokens a second of the fit's loop, of torch by hand, and of the loop as it is usually written.

python benchmarks/text_speed.py [--turns N] [--save]    # a minute or two; and how much padding an epoch has
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from common import interleaved, machine, publish, seconds, table
from latentia.data.items import Ragged
from latentia.kinds.sequence.catalog import SEQUENCE_MODELS
from latentia.kinds.sequence.composition import SequenceComposition
from latentia.kinds.sequence.defaults import SequenceNetwork
from latentia.objectives import negative_elbo
from latentia.training import TrainingConfig, fit
from latentia.training.ragged import RaggedBatches
from text import stored, treebank


class PublishedLoop(nn.Module):
    """A text VAE as it is usually written: batches at random, states and output layer at every place of the padded batch.

    Sizes, tied output and dropout are those of the module beside it.
    """

    def __init__(self, n_tokens: int, width: int, latent_dim: int, dropout: float) -> None:
        super().__init__()
        self.embed = nn.Embedding(n_tokens + 2, width, padding_idx=n_tokens)
        self.read = nn.LSTM(width, width, batch_first=True)
        self.head = nn.Linear(width, 2 * latent_dim, bias=False)
        self.first = nn.Linear(latent_dim, width, bias=False)
        self.write = nn.LSTM(width + latent_dim, width, batch_first=True)
        self.project = nn.Linear(width, width, bias=False)
        self.dropout = nn.Dropout(dropout)
        self.n_tokens = n_tokens

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The negative bound of a batch `[B, T]`, nats an item."""
        told = torch.where(x < 0, self.n_tokens, x)
        states, _ = self.read(self.dropout(self.embed(told)))
        last = (x >= 0).sum(1).sub(1)
        mean, log_variance = self.head(states[torch.arange(len(x)), last]).chunk(2, 1)
        z = mean + (0.5 * log_variance).exp() * torch.randn_like(mean)
        before = torch.cat([torch.full_like(told[:, :1], self.n_tokens + 1), told[:, :-1]], 1)
        cell = self.first(z)[None]
        inputs = torch.cat([self.dropout(self.embed(before)), z[:, None].expand(-1, before.shape[1], -1)], -1)
        states, _ = self.write(inputs, (cell.tanh(), cell))
        logits = F.linear(self.project(self.dropout(states)), self.embed.weight[: self.n_tokens])
        lost = F.nll_loss(logits.log_softmax(-1).flatten(0, 1), x.flatten(), ignore_index=-1, reduction="sum")
        rate = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).sum()
        return (lost + rate) / len(x)


def compare(arguments: argparse.Namespace) -> None:
    """The loop of a fit, torch by hand with the same module and batches, and the loop as it is usually written; all without validation."""
    parts, n_tokens = stored(treebank(), 2)
    rows = np.random.default_rng(0).permutation(len(parts["train"]))[:960]
    items = Ragged.of([parts["train"].item(row) for row in rows])
    batches = RaggedBatches(items, lambda x: x.long())
    network = SequenceNetwork(width=256, keep=1.0, dropout=0.5, tied=True)
    shape = SequenceComposition("sequence-vae", 32, n_tokens, 160, 80, 0, 1, network)

    def module() -> Any:
        torch.manual_seed(0)
        return shape.build(SEQUENCE_MODELS["sequence-vae"]).train()

    def ours() -> None:
        config = TrainingConfig(
            max_epochs=1, batch_size=32, learning_rate=1e-3, device="cpu", gradient_clip=5.0
        )
        fit(module(), negative_elbo(), batches, None, config)

    objective = negative_elbo()

    def bare(
        model: Any, loss_of: Callable[[Any, torch.Tensor], torch.Tensor], source: list[torch.Tensor]
    ) -> None:
        optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
        for x in source:
            loss = loss_of(model, x)
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 5.0)
            optimizer.step()

    def own(model: Any, x: torch.Tensor) -> torch.Tensor:
        return objective(model.trace(x)).total

    bucketed = [batches.ready(x) for x in batches.epoch(0, 0, 32)]
    order = np.random.default_rng(1).permutation(len(items))
    random = list(batches.ordered(32, order))
    times = interleaved(
        {
            "the fit's loop": lambda: seconds(ours),
            "a bare loop": lambda: seconds(lambda: bare(module(), own, bucketed)),
            "a bare loop, batches at random": lambda: seconds(lambda: bare(module(), own, random)),
            "as usually written": lambda: seconds(
                lambda: bare(PublishedLoop(n_tokens, 256, 32, 0.5), lambda model, x: model(x), random)
            ),
        },
        arguments.turns,
    )
    n = len(items.values)
    rows_ = [
        (
            name,
            f"{n / spent:,.0f}",
            f"{times['a bare loop'] / spent:.2f}",
            f"{times['as usually written'] / spent:.2f}",
        )
        for name, spent in times.items()
    ]
    whole = RaggedBatches(parts["train"], lambda x: x)
    lines = [
        f"{len(items):,} sentences, {n:,} tokens, V {n_tokens:,}, width 256, code 32, batch 32; medians of {arguments.turns} in turns",
        machine(), "", table(("loop", "tokens/s", "over bare", "over usual"), rows_), "",
        f"padding of an epoch of the whole treebank: {whole.padding(0, 0, 32):.1%}",
    ]  # fmt: skip
    publish("text_speed", "\n".join(lines), arguments.save)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--save", action="store_true")
    compare(parser.parse_args())


if __name__ == "__main__":
    main()
