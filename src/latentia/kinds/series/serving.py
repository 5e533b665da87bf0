"""What a model of series serves: `encoder`, `decoder` and `score`."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from latentia.estimators.serving.codec import encoder_graph, score_graph
from latentia.estimators.serving.graph import Arrays, Graph, Port
from latentia.kinds.series.inference import SeriesInference

_GAPS = 0.2


class ServedSeries:
    """A fitted estimator of series as graphs see it; it is its own items (`latentia.estimators.serving.items.Items`).

    Args:
        estimator: fitted.
    """

    refines = False

    def __init__(self, estimator: Any) -> None:
        module, form = copy.deepcopy(estimator.module_).cpu().eval(), estimator.form_
        for parameter in module.parameters():
            parameter.requires_grad_(False)
        self.asked, self.items, self.form = SeriesInference(module, form), self, form
        self.gaps = None  # scored by what is known, as in Python
        self.facts = {"model": str(estimator.model), "longest": form.longest}
        meaning = f"at most {form.longest} steps; NaN where a number is missing, and behind the end"
        self.ports = (Port("x", "float32", ("batch", "time", form.n_columns), meaning),)
        self.enter: nn.Module = _Enter(None)

    def examples(self, n: int) -> Arrays:
        """`n` draws of unlike lengths, with gaps; their longest has `n` steps more than half of the greatest length."""
        longest = min(self.form.longest, self.form.longest // 2 + n)
        x = self.asked.drawn(n, False, None, n)[:, :longest].astype(np.float32)
        random = np.random.default_rng(n)
        x[random.random(x.shape) < _GAPS] = np.nan
        for i in range(1, n):
            x[i, longest - i :] = np.nan
        x[:, 0] = np.nan_to_num(x[:, 0])
        return [x]

    def rows(self, *arrays: NDArray[Any]) -> NDArray[Any]:
        """Rows `[n, T, 2C]`."""
        with torch.inference_mode():
            return _Enter(self.form.longest)(torch.from_numpy(arrays[0])).numpy()

    def codes(self, n: int) -> Arrays:
        """Codes of `n` series."""
        return [self.asked.codes(self.rows(*self.examples(n)))]

    def code_port(self) -> Port:
        """The code of a series."""
        return Port("z", "float32", ("batch", int(self.codes(1)[0].shape[1])), "code")


def graphs(estimator: Any) -> tuple[Graph, ...]:
    """The graphs of a fitted model of series; of a decoder that is told the numbers before each, which is a loop, the encoder alone."""
    served: Any = ServedSeries(estimator)
    port, form = served.code_port(), estimator.form_
    out = Port(
        "x",
        "float32",
        ("batch", form.longest, form.n_columns),
        "series of the greatest length, in the units of the data",
    )

    def decoded(z: NDArray[Any]) -> Arrays:
        return [served.asked.means(torch.from_numpy(z)).astype(np.float32)]

    purpose = "The mean of p(x|z), of the greatest length"
    decoder = Graph(
        "decoder",
        purpose,
        _Decoder(served.asked.module),
        (port,),
        (out,),
        served.codes,
        decoded,
        served.facts,
    )
    encoder = encoder_graph(served, port)
    served.enter = _Enter(form.longest)  # the likelihood is of all steps that the decoder has
    return (encoder,) if estimator._entry().forced else (encoder, decoder, score_graph(served))


class _Enter(nn.Module):
    """Series with NaN to the numbers, and whether each is observed; up to the greatest length if that is given."""

    def __init__(self, longest: int | None) -> None:
        super().__init__()
        self.longest = longest

    def forward(self, x: Tensor) -> Tensor:
        """`[B, T, 2C]` of `[B, time, C]`."""
        seen = ~x.isnan()
        rows = torch.cat([torch.where(seen, x, 0.0), seen.to(x.dtype)], -1)
        if self.longest is None:
            return rows
        behind = rows.new_zeros((rows.shape[0], self.longest, rows.shape[2]))
        return torch.cat([rows, behind], 1)[:, : self.longest]


class _Decoder(nn.Module):
    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def forward(self, z: Tensor) -> Tensor:
        """Means `[B, T, C]`."""
        return self.model.decode(z).loc
