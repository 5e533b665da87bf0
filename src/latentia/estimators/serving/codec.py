"""The graphs of a model with an encoder and a decoder of real codes."""

from __future__ import annotations

import copy
import math
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from latentia.distributions import Delta, same_noise
from latentia.distributions.noise import noise_of_one, replayed_noise
from latentia.estimators.gaps import GapCost
from latentia.estimators.inference import Inference
from latentia.estimators.serving.graph import Arrays, Graph, Port
from latentia.estimators.serving.items import ArrayItems, Items, TableItems
from latentia.latent.autoregressive import AutoregressiveDensity
from latentia.latent.totals import TotalModel, total_model
from latentia.training.randomness import seeded

DRAWS = 16
"""Codes by which `score.onnx` weighs an item: draws from q(z|x), whose noise is the same for all items."""
ENCODER = "The mean of the encoder's q(z|x)"
OWN_CODES = ", the encoder's own codes: transform and reconstruct refine them further (refinement_steps)"
SCORE = f"-log p(x) in nats, importance-weighted by {DRAWS} codes whose noise is the same for all items"

GAPS = "; a missing cell costs what such a cell usually costs"


class Served:
    """A fitted estimator as graphs see it: a copy of its module on the CPU, and what stands at the edge.

    Args:
        estimator: fitted, of arrays or of tables of unlike columns.
    """

    def __init__(self, estimator: Any) -> None:
        module, form = copy.deepcopy(estimator.module_).cpu(), copy.deepcopy(estimator.form_).cpu()
        self.refines = bool(getattr(module, "refinement_steps", 0))
        module.refinement_steps = 0
        drawn, form.binarize = form.binarize, False
        self.asked = Inference.of(module, form, estimator.composition_.typical_size)
        for parameter in self.asked.module.parameters():
            parameter.requires_grad_(False)
        names = getattr(estimator, "feature_names_in_", None)
        self.items: Items = _items(self.asked.form, names, drawn)
        self.gaps = GapCost(estimator) if form.kind == "mixed" else None
        self.facts = {"model": str(getattr(estimator, "model", type(estimator).__name__)), **self.items.facts}

    def drawn(self, n: int) -> NDArray[Any]:
        """`n` draws of the model as rows of its data."""
        with torch.inference_mode(), seeded(n, self.asked.device):
            return np.asarray(self.asked.form.items(self.asked.module.sample(n), "first"))

    def examples(self, n: int) -> Arrays:
        """`n` draws as the graphs take items."""
        rows = self.drawn(n)
        return self.items.arrays(rows.reshape(n, *self.asked.form.event_shape), n)

    def codes(self, n: int) -> Arrays:
        """Codes of `n` items."""
        return [self.asked.codes(self.items.rows(*self.examples(n))).astype(np.float32)]

    def code_port(self) -> Port:
        """The code of an item."""
        return Port("z", "float32", ("batch", int(self.codes(1)[0].shape[1])), "code")


def _items(form: Any, names: Any, drawn: bool) -> Items:
    if form.kind == "mixed":
        return TableItems(form)
    return ArrayItems(form, names, drawn)


def codec_graphs(served: Served) -> tuple[Graph, ...]:
    """`encoder`, `decoder` where p(x|z) has a mean, and `score` where codes have a density."""
    port, found = served.code_port(), []
    found.append(encoder_graph(served, port))
    if has_mean(served):
        found.append(decoder_graph(served, port))
    if not isinstance(served.asked.module.amortised(model_input(served, 1)), Delta):
        found.append(score_graph(served))
    return tuple(found)


def has_mean(served: Served) -> bool:
    """Whether p(x|z) has a mean that is no draw: pixels that depend on each other have none."""
    return not isinstance(getattr(served.asked.module.likelihood, "density", None), AutoregressiveDensity)


def encoder_graph(served: Served, port: Port) -> Graph:
    """`encoder`: the mean of q(z|x)."""
    items, asked = served.items, served.asked

    def encoded(*arrays: NDArray[Any]) -> Arrays:
        return [asked.codes(items.rows(*arrays)).astype(np.float32)]

    purpose = ENCODER + (OWN_CODES if served.refines else "")
    return Graph(
        "encoder", purpose, Encoder(served), items.ports, (port,), served.examples, encoded, served.facts
    )


def decoder_graph(served: Served, port: Port) -> Graph:
    """`decoder`: the mean of p(x|z)."""
    items, asked = served.items, served.asked

    def decoded(z: NDArray[Any]) -> Arrays:
        with torch.inference_mode():
            given = torch.from_numpy(z)
            mean = asked.module.likelihood(
                asked.module.outputs(given if port.dtype == "int64" else given.to(asked.dtype)),
                asked.typical,
            ).mean
            found = items.leave(mean)
        return [each.numpy() for each in (found if isinstance(found, tuple) else (found,))]

    purpose = (
        "The mean of p(x|z) in the units of the data; of levels the most probable; count rows of median size"
    )
    return Graph(
        "decoder", purpose, Decoder(served), (port,), items.ports, served.codes, decoded, served.facts
    )


def score_graph(served: Served) -> Graph:
    """`score`: how unusual an item is."""
    items, asked = served.items, served.asked
    total = "modelled" if served_total(asked) is not None else "given"

    def scored(*arrays: NDArray[Any]) -> Arrays:
        rows = items.rows(*arrays)
        with same_noise():
            found = asked.log_density(rows, DRAWS, total)
        assert found is not None
        return [gap_costs(served, rows) - found.astype(np.float32)]

    also = {"counts": f"; totals are {total}", "mixed": GAPS}
    purpose = SCORE + also.get(asked.form.kind, "")
    port = Port("score", "float32", ("batch",), "nats; the higher, the more unusual")
    return Graph("score", purpose, Score(served), items.ports, (port,), served.examples, scored, served.facts)


def gap_costs(served: Served, rows: NDArray[Any]) -> Any:
    """What gaps of rows cost, `[n]`; nothing where items have none, or are scored by what is known."""
    return 0.0 if served.gaps is None else served.gaps(torch.from_numpy(rows)).numpy().astype(np.float32)


def served_total(asked: Inference) -> TotalModel | None:
    """The distribution of totals, where rows are scored given them."""
    return total_model(asked.module.likelihood) if asked.form.kind == "counts" else None


def model_input(served: Served, n: int) -> Tensor:
    """`n` examples as the module sees them."""
    rows = served.items.rows(*served.examples(n))
    return served.asked.form.model_input(torch.from_numpy(rows))


class Encoder(nn.Module):
    """Items to codes."""

    def __init__(self, served: Served) -> None:
        super().__init__()
        self.enter, self.form, self.model = served.items.enter, served.asked.form, served.asked.module

    def forward(self, *parts: Tensor) -> Tensor:
        """Codes `[B, D]`."""
        return self.model.amortised(self.form.model_input(self.enter(*parts))).mean.float()


class Decoder(nn.Module):
    """Codes to items."""

    def __init__(self, served: Served) -> None:
        super().__init__()
        self.leave, self.model = served.items.leave, served.asked.module
        self.typical, self.dtype = served.asked.typical, served.asked.dtype

    def forward(self, z: Tensor) -> Any:
        """The items' tensors."""
        codes = z.to(self.dtype) if z.is_floating_point() else z
        return self.leave(self.model.likelihood(self.model.outputs(codes), self.typical).mean)


class Score(nn.Module):
    """Items to -log p(x), by codes whose noise is a constant."""

    def __init__(self, served: Served) -> None:
        super().__init__()
        self.enter, self.form, self.model = served.items.enter, served.asked.form, served.asked.module
        x = model_input(served, 1)
        q = self.model.amortised(x)
        noise = noise_of_one(lambda: q.rsample(torch.Size([DRAWS])))
        self.noise = nn.ParameterList(nn.Parameter(each, requires_grad=False) for each in noise)
        totals = served_total(served.asked)
        self.totals = None if totals is None else LogTotal(totals)
        self.given = served.asked.form.kind == "counts" and totals is None
        self.gaps = served.gaps

    def forward(self, *parts: Tensor) -> Tensor:
        """Scores `[B]`."""
        rows = self.enter(*parts)
        x = self.form.model_input(rows)
        q = self.model.amortised(x)
        with replayed_noise(list(self.noise)):
            z = q.rsample(torch.Size([DRAWS]))
        log_weight = self._log_weight(z, x, q)
        found = torch.logsumexp(log_weight.double(), 0) - math.log(DRAWS) - log_volume(self.form, rows)
        if self.totals is not None:
            found = found + self.totals(rows.double().sum(1))
        if self.gaps is not None:
            found = found - self.gaps(rows)
        if self.given:  # nothing is left to score in a row without counts
            found = torch.where(rows.sum(1) == 0, torch.nan, found)
        return -found.float()

    def _log_weight(self, z: Tensor, x: Tensor, q: Any) -> Tensor:
        if hasattr(self.model, "log_weights"):
            return self.model.log_weights(z, x, q, self.model.prior())
        log_likelihood = self.model.conditional(z, x).log_prob(x)
        return log_likelihood + self.model.prior().log_prob(z) - q.log_prob(z)


def log_volume(form: Any, rows: Tensor) -> Any:
    """Log |d(person's units) / d(model units)| in nats: of each row of a table of unlike columns, else the same for all."""
    if form.kind != "mixed":
        return form.log_volume
    at = [j for j, column in enumerate(form.columns) if column.kind in ("number", "date")]
    return form.log_volumes_of(rows[:, at], at).sum(1) if at else 0.0


class LogTotal(nn.Module):
    """Log p(n) of totals in nats (`latentia.latent.totals.TotalModel`)."""

    def __init__(self, totals: TotalModel) -> None:
        super().__init__()
        self.mean, self.variance = totals.mean, totals.variance

    def forward(self, n: Tensor) -> Tensor:
        """`[B]` of `[B]`."""
        if self.variance > self.mean > 0:
            size = self.mean**2 / (self.variance - self.mean)
            found = torch.lgamma(n + size) - math.lgamma(size) - torch.lgamma(n + 1)
            return (
                found
                + size * math.log(size / (size + self.mean))
                + n * math.log(self.mean / (size + self.mean))
            )
        return n * math.log(self.mean) - self.mean - torch.lgamma(n + 1)
