"""What a fitted autoregressive density is used for: exact likelihoods, draws, completions."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted
from torch import Tensor

from latentia.errors import ConfigError, DataError
from latentia.estimators.forms.arrays import as_mask, as_rows
from latentia.estimators.forms.levels import Levels
from latentia.estimators.network import NetworkEstimator
from latentia.models import DensityModel
from latentia.training.randomness import seeded

SAMPLED_TOGETHER = 128
_SCORED_NUMBERS = 2**22


@dataclass(frozen=True)
class DensityEvaluation:
    """What an autoregressive density says of rows; its likelihood is exact.

    Attributes:
        n: rows.
        n_levels: K.
        log_likelihood: mean log-probability of a row in nats.
        log_likelihood_se: its standard error over rows.
        bits_per_dim: -log_likelihood / (numbers in a row) / ln 2.
    """

    n: int
    n_levels: int
    log_likelihood: float
    log_likelihood_se: float | None
    bits_per_dim: float


class DensityUse(NetworkEstimator):
    """Likelihoods of rows and draws, of one class where the model is conditional."""

    conditional: bool
    module_: DensityModel
    levels_: Levels
    classes_: NDArray[Any]
    event_shape_: tuple[int, ...]

    def _stored(self, rows: NDArray[Any], y: Any) -> NDArray[Any]:
        """What training holds of each row: its levels, and the number of its class, `[n, C H W (+ 1)]`."""
        flat = self.levels_.encode(rows).reshape(len(rows), -1)
        if not self.conditional:
            return flat
        if y is None:
            raise DataError(
                f"this model is conditional on {len(self.classes_)} classes: give the class of each row"
            )
        labels = np.asarray(y)
        if labels.shape != (len(rows),):
            raise DataError(f"labels of shape {labels.shape}; expected one for each of {len(rows)} rows")
        numbers = np.searchsorted(self.classes_, labels).clip(max=len(self.classes_) - 1)
        if (self.classes_[numbers] != labels).any():
            unknown = labels[self.classes_[numbers] != labels][0]
            raise DataError(
                f"label {unknown!r} is none of the classes {self.classes_.tolist()} of the training data"
            )
        return np.concatenate([flat, numbers[:, None].astype(flat.dtype)], 1)

    def score_samples(self, X: Any, y: Any = None) -> NDArray[np.float64]:
        """Exact log p(x) (or log p(x|class)) in nats of each row, `[n]`: a probability of its levels."""
        rows, _ = as_rows(self, X, reset=False)
        stored = self._stored(rows, y)
        module = self.module_.eval()
        at_once = max(1, _SCORED_NUMBERS // (stored.shape[1] * max(64, self.levels_.n_levels)))
        with torch.inference_mode():
            scores = [
                module.log_prob(torch.from_numpy(np.ascontiguousarray(part)).to(self._device()).long())
                .double()
                .cpu()
                for part in _parts(stored, at_once)
            ]
        return torch.cat(scores).numpy()

    def score(self, X: Any, y: Any = None) -> float:
        """Mean of `score_samples(X, y)`: nats per row, greater is better."""
        return float(self.score_samples(X, y).mean())

    def evaluate(self, X: Any, y: Any = None) -> DensityEvaluation:
        """The exact likelihood of rows, in nats and in bits per number."""
        scores = self.score_samples(X, y)
        n = len(scores)
        mean = float(scores.mean())
        return DensityEvaluation(
            n=n,
            n_levels=self.levels_.n_levels,
            log_likelihood=mean,
            log_likelihood_se=float(scores.std(ddof=1) / math.sqrt(n)) if n > 1 else None,
            bits_per_dim=-mean / math.prod(self.event_shape_) / math.log(2),
        )

    def sample(
        self, n_samples: int = 1, *, labels: Any = None, temperature: float = 1.0, random_state: Any = None
    ) -> NDArray[Any]:
        """`n_samples` draws in the units and type of the data, `[n, *event]`.

        Args:
            n_samples: how many.
            labels: with `conditional`, the class of each, or one for all; None takes the classes in turn.
            temperature: below 1 draws more likely values than the model's; 0 the most likely one at each pixel.
            random_state: seed; None draws anew each time.
        """
        check_is_fitted(self)
        if isinstance(n_samples, bool) or int(n_samples) != n_samples or n_samples < 1:
            raise ConfigError(f"n_samples={n_samples!r}: expected a whole number of at least 1")
        return self._drawn(
            n_samples, self._contexts(n_samples, labels), None, None, temperature, random_state
        )

    def complete(
        self, X: Any, mask: Any, *, labels: Any = None, temperature: float = 1.0, random_state: Any = None
    ) -> NDArray[Any]:
        """X with the numbers outside `mask` drawn from the model, each given all numbers before it.

        Where `mask` keeps the first rows of an image this is a draw from p(rest | given). What is kept after a drawn
        number stays as it is, but the number was drawn without knowledge of it.

        Args:
            X: rows; numbers outside `mask` are not looked at, but must be values that the data have.
            mask: True where X is kept, broadcastable to the shape of X.
            labels: with `conditional`, the class of each row, or one for all; None takes the classes in turn.
            temperature: as in `sample`.
            random_state: seed; None draws anew each time.
        """
        rows, _ = as_rows(self, X, reset=False)
        shape = (len(rows), *self.levels_.image_shape)
        given = torch.from_numpy(self.levels_.encode(rows)).long()
        keep = torch.from_numpy(as_mask(mask, rows.shape, "rows")).reshape(shape)
        return self._drawn(
            len(rows), self._contexts(len(rows), labels), given, keep, temperature, random_state
        )

    def _contexts(self, n: int, labels: Any) -> Tensor | None:
        if not self.conditional:
            if labels is not None:
                raise ConfigError("labels are for models that were fitted with conditional=True")
            return None
        turn = self.classes_[np.arange(n) % len(self.classes_)] if labels is None else np.asarray(labels)
        wanted = np.broadcast_to(turn, (n,))
        numbers = np.searchsorted(self.classes_, wanted).clip(max=len(self.classes_) - 1)
        if (self.classes_[numbers] != wanted).any():
            raise ConfigError(f"labels must be among the classes {self.classes_.tolist()}")
        return torch.eye(len(self.classes_))[torch.from_numpy(numbers)]

    def _drawn(
        self,
        n: int,
        contexts: Tensor | None,
        given: Tensor | None,
        keep: Tensor | None,
        temperature: float,
        random_state: Any,
    ) -> NDArray[Any]:
        seed, device = int(check_random_state(random_state).randint(2**31 - 1)), self._device()
        density = self.module_.eval().density
        parts = []
        with seeded(seed, device):
            for start in range(0, n, SAMPLED_TOGETHER):
                chosen = slice(start, min(n, start + SAMPLED_TOGETHER))
                context, known, kept = (
                    None if each is None else each[chosen].to(device) for each in (contexts, given, keep)
                )
                size = chosen.stop - start
                parts.append(
                    density.sample(size, context, known, kept, temperature=temperature).cpu().numpy()
                )
        return self.levels_.decode(np.concatenate(parts))


def _parts(rows: NDArray[Any], size: int) -> Iterator[NDArray[Any]]:
    return (rows[start : start + size] for start in range(0, len(rows), size))
