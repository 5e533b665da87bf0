"""What the discrete codes of a fitted model are used for, and how good they are."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted
from torch import Tensor

from latentia.diagnostics import Diagnosis, Evaluation
from latentia.errors import ConfigError, DataError
from latentia.estimators.forms.arrays import as_mask, as_rows
from latentia.estimators.parameters import whole
from latentia.kinds.codes.figures import DiscreteEvaluation, with_codes, with_usage
from latentia.kinds.vae.estimator import VAE
from latentia.latent.code_priors import ClassPrior, Given
from latentia.latent.quantizers import CodeUsage
from latentia.models import VQVAE as VQVAEModule
from latentia.training.randomness import seeded


class VQVAECodes(VAE):
    """From data to discrete codes and back, draws from the model, and figures with those of the codes."""

    module_: VQVAEModule
    classes_: NDArray[Any]

    def inverse_transform(self, Z: Any) -> NDArray[Any]:
        """Data for codes `[n, positions]`, numbers from 0 to K - 1: the mean of p(x|k) in the units of the training data."""
        check_is_fitted(self)
        codes = np.asarray(Z)
        if codes.ndim != 2 or codes.shape[1] != self._n_features_out:
            raise DataError(f"codes of shape {codes.shape}; expected [n, {self._n_features_out}]")
        if codes.size and not (np.isfinite(codes).all() and (codes == np.rint(codes)).all()):
            raise DataError("codes must be whole numbers, as transform gives them")
        n_codes = self.module_.coder.n_codes
        if codes.size and (codes.min() < 0 or codes.max() >= n_codes):
            raise DataError(f"codes span {codes.min():g}..{codes.max():g}; expected 0..{n_codes - 1}")
        indices = torch.from_numpy(codes.astype(np.int64)).to(self._device())
        return self._decoded(indices, mean=True)

    def embed(self, X: Any) -> NDArray[Any]:
        """The vectors of the codes of X, joined: `[n, positions * D]`, for maps of the data and for other models."""
        indices = torch.from_numpy(self.transform(X)).to(self._device())
        module, _ = self._module()
        with torch.inference_mode():
            parts = [module.coder.decoder_input(part).flatten(1).cpu().numpy() for part in indices.split(512)]
        return np.concatenate(parts)

    def sample(
        self, n_samples: int = 1, *, mean: bool = False, random_state: Any = None, y: Any = None
    ) -> NDArray[Any]:
        """`n_samples` draws from the model: codes from the prior, then x from p(x|k), in the units of the data.

        Args:
            n_samples: how many.
            mean: give the mean of p(x|k) instead of a draw.
            random_state: seed; None draws anew each time.
            y: a class, or the class of each draw `[n_samples]`, for a model fitted with `prior_by_class`.
        """
        if y is None:
            return super().sample(n_samples, mean=mean, random_state=random_state)
        check_is_fitted(self)
        whole("n_samples", n_samples, 1)
        return self._drawn(n_samples, None, y, mean, random_state)

    def complete(
        self, X: Any, mask: Any, *, mean: bool = False, random_state: Any = None, y: Any = None
    ) -> NDArray[Any]:
        """X with the codes outside `mask` drawn from the prior, each given all codes before it, and decoded.

        Where `mask` keeps the first rows of a map of codes this is a draw from p(rest | kept). A code that is kept after a
        drawn one stays as it is, but the other was drawn without knowledge of it. Pixels of kept codes change a little:
        they are decoded too, and the decoder looks beyond a code's own pixels.

        Args:
            X: rows in the units of the training data.
            mask: True where a code is kept, broadcastable to `[n, positions]`; `code_shapes_` are the maps that positions
                make up, row by row.
            mean: give the mean of p(x|k) instead of a draw.
            random_state: seed; None draws anew each time.
            y: as in `sample`; None takes the class as unknown.
        """
        codes = self.transform(X)
        kept = as_mask(mask, codes.shape, "codes")
        known = (torch.from_numpy(part).to(self._device()) for part in (codes, kept))
        return self._drawn(len(codes), Given(*known), y, mean, random_state)

    def _drawn(self, n: int, given: Given | None, y: Any, mean: bool, random_state: Any) -> NDArray[Any]:
        """Decoded draws of codes, but those given, of the classes y."""
        prior, classes = self.module_.prior, None if y is None else self._class_numbers(y, n)
        seed = int(check_random_state(random_state).randint(2**31 - 1))
        self._module()[0].eval()
        with seeded(seed, self._device()), torch.inference_mode():
            codes = []
            for rows in torch.arange(n, device=self._device()).split(512):
                known = None if given is None else Given(*(part[rows] for part in given))
                if isinstance(prior, ClassPrior) and classes is not None:
                    codes.append(prior.sample(len(rows), given=known, labels=classes[rows]))
                else:
                    codes.append(prior.sample(len(rows), given=known))
            return self._decoded(torch.cat(codes), mean)

    def _class_numbers(self, y: Any, n: int) -> Tensor:
        """The numbers of classes `[n]`."""
        if not isinstance(self.module_.prior, ClassPrior):
            raise ConfigError("y=... needs a model that was fitted with prior_by_class=True")
        wanted = np.broadcast_to(np.asarray(y), (n,))
        unknown = sorted(set(wanted.tolist()) - set(self.classes_.tolist()))
        if unknown:
            raise ConfigError(f"y={unknown[0]!r} is no class of the training data: {self.classes_.tolist()}")
        return torch.from_numpy(np.searchsorted(self.classes_, wanted)).to(self._device())

    def code_usage(self, X: Any) -> CodeUsage:
        """How the rows use the codebook: counts, perplexity, used and dead codes."""
        rows, _ = as_rows(self, X, reset=False)
        module, batches = self._inference(rows)
        return CodeUsage(module.code_counts(batches))

    def evaluate(
        self, X: Any, *, n_importance: int | None = None, importance_items: int | None = None
    ) -> DiscreteEvaluation:
        """All figures of the fit on X, with those of its codes; see `VAE.evaluate`.

        Where the encoder allows one code only, the bound is all there is: no importance samples are drawn.
        """
        check_is_fitted(self)
        if self.module_.coder.deterministic:
            n_importance = 0
        figures = super().evaluate(X, n_importance=n_importance, importance_items=importance_items)
        n_numbers = math.prod(self.event_shape_)
        return with_usage(figures, self.code_usage(X), self._n_features_out, n_numbers)

    def diagnose(
        self, X: Any, *, train: Any = None, evaluation: Evaluation | None = None, thorough: bool = True
    ) -> Diagnosis:
        """Whether the fit can be trusted; see `VAE.diagnose`. Adds whether most codes are dead."""
        diagnosis = super().diagnose(X, train=train, evaluation=evaluation, thorough=thorough)
        if isinstance(evaluation, DiscreteEvaluation):
            used, perplexity = evaluation.used_codes, evaluation.perplexity
        else:
            usage = self.code_usage(X)
            used, perplexity = usage.used, usage.perplexity
        verdict = with_codes(diagnosis.verdict, used, perplexity, self.module_.coder.n_codes)
        return dataclasses.replace(diagnosis, verdict=verdict)

    @property
    def _n_features_out(self) -> int:
        return self.module_.coder.n_positions
