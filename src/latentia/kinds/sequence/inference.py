"""A fitted model of sequences as it is asked: items in batches of like length, codes, draws, densities."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.distributions import Distribution

from latentia.data.items import Ragged, Strings
from latentia.estimators.forms.tokens import TokenForm
from latentia.kinds.written import as_array
from latentia.models import SequenceVAE, importance_log_prob
from latentia.models.decoding import DRAWS, GREEDY, Drawing, generated
from latentia.training.ragged import RaggedBatches
from latentia.training.randomness import seeded

TOGETHER = 128


@dataclass(frozen=True)
class SequenceInference:
    """A module in evaluation mode, and the form of its items.

    Attributes:
        module: on the device that it was fitted on, in float32.
        form: between items and tokens.
    """

    module: SequenceVAE
    form: TokenForm

    def log_volumes(self, rows: Any) -> float:  # noqa: ARG002
        """See `latentia.estimators.inference.Inference`: that of the form, the same for all rows."""
        return self.form.log_volume

    @property
    def device(self) -> torch.device:
        """Where the module is."""
        return next(self.module.parameters()).device

    @property
    def dtype(self) -> torch.dtype:
        """What the module computes in."""
        return next(self.module.parameters()).dtype

    @property
    def is_language_model(self) -> bool:
        """Whether there is no code."""
        return self.module.decoder.latent_dim == 0

    def batches(self, rows: Strings, batch_size: int = TOGETHER) -> Iterator[Tensor]:
        """Items as the module sees them, some of like length at a time: not in their order."""
        for _, x in self.sorted_batches(self.form.encoded(rows), batch_size):
            yield x

    def sorted_batches(
        self, stored: Ragged, batch_size: int = TOGETHER
    ) -> Iterator[tuple[NDArray[np.int64], Tensor]]:
        """Places of some items of like length, and their tokens `[B, T]`."""
        order = np.argsort(stored.lengths, kind="stable")
        source = RaggedBatches(stored, self.form.model_input).to(self.device)
        for start in range(0, len(order), batch_size):
            rows = order[start : start + batch_size]
            (x,) = source.ordered(batch_size, rows)
            yield rows, x

    def each(
        self, rows: Strings, function: Callable[[Tensor], Tensor], width: tuple[int, ...] = ()
    ) -> NDArray[Any]:
        """What a function gives for each item, `[n, *width]`, in the order of the items."""
        out = np.empty((len(rows), *width), np.float64)
        with torch.inference_mode():
            for places, x in self.sorted_batches(self.form.encoded(rows)):
                out[places] = function(x).double().cpu().numpy()
        return out

    def codes(self, rows: Strings) -> NDArray[Any]:
        """Means of q(z|x), `[n, D]`."""
        found = self.each(rows, self.module.means, (self.module.decoder.latent_dim,))
        return found.astype(np.float32)

    def rebuilt(self, rows: Strings, flat: bool | None = None) -> NDArray[Any]:  # noqa: ARG002  (for images)
        """Items `[n]` by way of their codes: the likeliest token at each step."""
        return as_array(self.decoded(torch.as_tensor(self.codes(rows), device=self.device)))

    def decoded(self, z: Tensor, drawing: Drawing = GREEDY, seed: int = 0) -> list[Any]:
        """Items for codes `[n, D]`."""
        found: list[Any] = []
        with torch.inference_mode(), seeded(seed, self.device):
            for some in z.to(self.dtype).split(TOGETHER):
                found += self.form.items(self._generated(some, drawing).cpu())
        return found

    def greedy_scores(self, z: Tensor) -> list[float]:
        """Log p(x|z) a token of the likeliest token at each step, for codes `[n, D]`, in nats."""
        with torch.inference_mode():
            tokens = self._generated(z.to(self.dtype), GREEDY)
            scores = self.module.forced_log_prob(tokens, z.to(self.dtype)).sum(1)
            return (scores / (tokens >= 0).sum(1)).tolist()

    def drawn(
        self, n: int, mean: bool, prior: Distribution | None, seed: int, drawing: Drawing = DRAWS
    ) -> list[Any]:
        """`n` items from codes of the prior (or of `prior`): drawn token by token; with `mean` the likeliest token at each step."""
        found: list[Any] = []
        source = self.module.prior() if prior is None else prior
        with torch.inference_mode(), seeded(seed, self.device):
            for start in range(0, n, TOGETHER):
                z = source.sample(torch.Size([min(TOGETHER, n - start)])).to(self.dtype)
                found += self.form.items(self._generated(z, GREEDY if mean else drawing).cpu())
        return found

    def log_density(
        self,
        rows: Strings,
        n_importance: int,
        total: str = "given",  # noqa: ARG002  of counts alone
    ) -> NDArray[np.float64]:
        """Importance-weighted log p(x) in nats, `[n]`; of a language model exact."""
        samples = 1 if self.is_language_model else n_importance
        return self.each(rows, lambda x: importance_log_prob(self.module, x, samples))

    def token_scores(self, rows: Strings) -> list[NDArray[np.float64]]:
        """Log p of each token (and of its gap) with the mean of q(z|x) for z, the end among them: an array for each item."""
        return self._by_token(rows, lambda x, z: self.module.decoder.token_log_prob(z, x))

    def gap_scores(self, rows: Strings) -> list[NDArray[np.float64]]:
        """Of models with gaps the log-density of each gap alone, 0 where there is none."""

        def scored(x: Tensor, z: Tensor) -> Tensor:
            found = self.module.decoder.parts(z, x)[1]
            assert found is not None
            return found

        return self._by_token(rows, scored)

    def _by_token(
        self, rows: Strings, scored: Callable[[Tensor, Tensor], Tensor]
    ) -> list[NDArray[np.float64]]:
        stored = self.form.encoded(rows)
        found: list[Any] = [None] * len(rows)
        with torch.inference_mode():
            for places, x in self.sorted_batches(stored):
                scores = scored(x, self.module.means(x)).double().cpu().numpy()
                for place, score in zip(places, scores, strict=True):
                    found[place] = score[: stored.lengths[place]]
        return found

    def _generated(self, z: Tensor, drawing: Drawing) -> Tensor:
        return generated(self.module.decoder, z, self.module.longest, self.module.end, drawing)
