"""What a model with discrete codes serves: `encoder` to whole numbers, `decoder` of them, and `score`."""

from __future__ import annotations

import copy
import math
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from latentia.distributions import per_item_noise, same_noise
from latentia.distributions.noise import standard_normal
from latentia.estimators.serving.codec import (
    DRAWS,
    SCORE,
    LogTotal,
    Served,
    decoder_graph,
    gap_costs,
    has_mean,
    log_volume,
    served_total,
)
from latentia.estimators.serving.graph import Arrays, Graph, Port


class ServedCodes(Served):
    """A fitted estimator with discrete codes as graphs see it."""

    def codes(self, n: int) -> Arrays:
        """Codes of `n` items."""
        return [self.asked.codes(self.items.rows(*self.examples(n)))]

    def code_port(self) -> Port:
        """The codes of an item."""
        coder = self.asked.module.coder
        shapes = " and ".join(f"{h} x {w}" for h, w in coder.shapes)
        return Port(
            "codes", "int64", ("batch", coder.n_positions), f"codes from 0 to {coder.n_codes - 1}, {shapes}"
        )


def graphs(estimator: Any) -> tuple[Graph, ...]:
    """The graphs of a fitted model with discrete codes."""
    served = ServedCodes(estimator)
    port, items, asked = served.code_port(), served.items, served.asked
    facts = {**served.facts, "code_shapes": [list(shape) for shape in asked.module.coder.shapes]}

    def encoded(*arrays: NDArray[Any]) -> Arrays:
        return [asked.codes(items.rows(*arrays))]

    def scored(*arrays: NDArray[Any]) -> Arrays:
        total = "modelled" if served_total(asked) is not None else "given"
        with same_noise():
            found = asked.log_density(items.rows(*arrays), DRAWS, total)
        assert found is not None
        return [gap_costs(served, items.rows(*arrays)) - found.astype(np.float32)]

    score = (
        "-log p(x, codes) in nats, of the item's own codes: the bound"
        if asked.module.coder.deterministic
        else SCORE
    )
    one = Port("score", "float32", ("batch",), "nats; the higher, the more unusual")
    decoder = (decoder_graph(served, port),) if has_mean(served) else ()
    return (
        Graph(
            "encoder",
            "The most probable codes",
            _Encoder(served),
            items.ports,
            (port,),
            served.examples,
            encoded,
            facts,
        ),
        *decoder,
        Graph("score", score, _Score(served), items.ports, (one,), served.examples, scored, facts),
    )


class _Encoder(nn.Module):
    def __init__(self, served: Served) -> None:
        super().__init__()
        self.enter, self.form, self.model = served.items.enter, served.asked.form, served.asked.module

    def forward(self, *parts: Tensor) -> Tensor:
        """Codes `[B, n]`."""
        return self.model.amortised(self.form.model_input(self.enter(*parts))).mode


class _Score(nn.Module):
    """Items to -log p(x): of the codes that the encoder allows, or of draws whose noise is a constant."""

    def __init__(self, served: Served) -> None:
        super().__init__()
        self.enter, self.form, self.model = served.items.enter, served.asked.form, served.asked.module
        self.prior = copy.deepcopy(self.model.prior).float()  # onnxruntime has no convolutions in float64
        coder = served.asked.module.coder
        self.draws = 1 if coder.deterministic else DRAWS
        like = torch.zeros((), dtype=served.asked.dtype)
        with per_item_noise(torch.zeros(1, dtype=torch.int64), seed=0):
            noise = standard_normal((self.draws, 1, coder.n_positions), like, item_dim=1)
        self.uniform = nn.Parameter(torch.special.ndtr(noise), requires_grad=False)
        totals = served_total(served.asked)
        self.totals = None if totals is None else LogTotal(totals)
        self.given = served.asked.form.kind == "counts" and totals is None
        self.gaps = served.gaps

    def forward(self, *parts: Tensor) -> Tensor:
        """Scores `[B]`."""
        rows = self.enter(*parts)
        x = self.form.model_input(rows)
        z, log_q = self._drawn(self.model.amortised(x))
        log_p = self.prior.log_probs(z.flatten(0, 1)).gather(-1, z.flatten(0, 1)[..., None])
        log_p = log_p.squeeze(-1).sum(-1).reshape(self.draws, -1)
        log_weight = self.model.conditional(z, x).log_prob(x) + log_p - log_q
        found = torch.logsumexp(log_weight.double(), 0) - math.log(self.draws) - log_volume(self.form, rows)
        if self.totals is not None:
            found = found + self.totals(rows.double().sum(1))
        if self.gaps is not None:
            found = found - self.gaps(rows)
        if self.given:
            found = torch.where(rows.sum(1) == 0, torch.nan, found)
        return -found.float()

    def _drawn(self, q: Any) -> tuple[Tensor, Any]:
        """Codes `[S, B, n]`, and their log q `[S, B]`."""
        if self.model.coder.deterministic:
            return q.mode[None], 0.0
        below = q.log_q.exp().cumsum(-1) < self.uniform[..., None]
        codes = below.long().sum(-1).clamp(max=self.model.coder.n_codes - 1)
        log_q = q.log_q[None].expand(self.draws, -1, -1, -1).gather(-1, codes[..., None])
        return codes, log_q.squeeze(-1).sum(-1)
