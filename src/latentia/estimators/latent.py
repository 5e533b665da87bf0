"""What the codes of a fitted VAE are used for: to compress, to rebuild, to generate."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted
from torch import Tensor, nn

from latentia import training
from latentia.core import Objective
from latentia.distributions import Mixture, item_keys, per_item_noise
from latentia.errors import DataError
from latentia.estimators.composition import VAEComposition
from latentia.estimators.forms.arrays import as_rows
from latentia.estimators.forms.scaled import Choice
from latentia.estimators.hints import rate_weight
from latentia.estimators.parameters import whole
from latentia.kinds.vae.sampler import CODES, enough_codes, fit_aggregate_posterior
from latentia.training.randomness import seeded
from latentia.training.validation import EPOCH_ROWS, calibrate

GAIN_ROWS = 512
GAIN_BATCH = 128
GAIN_DRAWS = 4


class VAECodes(ClassNamePrefixFeaturesOutMixin, TransformerMixin, VAEComposition):
    """From data to codes and back, and draws from the model."""

    verbose: bool
    objective_: Objective

    def fit_sampler(self, X: Any, *, n_components: int | None = None) -> Self:
        r"""Let `sample` draw its codes from a mixture of Gaussians fitted to codes of X, in place of the prior.

        One code is drawn from the encoder's q(z|x) for each of at most 20 000 rows, and the mixture fitted to them by EM: an estimate of
        the aggregate posterior \int q(z|x) p_{data}(x) dx. Where that is far from the prior, samples of the prior decode to nothing
        that the decoder has seen. Neither the model nor its likelihood changes.

        Args:
            X: training rows.
            n_components: number of Gaussians; None: by BIC among 1, 2, 4, ... 64.

        Returns:
            Itself.

        Source: Ghosh et al. 2020, From Variational to Deterministic Autoencoders, section 5.
        """
        rows, _ = as_rows(self, X, reset=False)
        if n_components is not None:
            whole("n_components", n_components, 1)
        self._fit_sampler_to(rows, n_components)
        return self

    def _fit_sampler_to(self, rows: NDArray[Any], n_components: int | None = None) -> None:
        chosen = np.sort(np.random.default_rng([self.seed_, 2]).permutation(len(rows))[:CODES])
        module, batches = self._inference(rows[chosen])
        drawn = []
        with torch.inference_mode():
            for x in batches:
                with per_item_noise(item_keys(x), self.seed_):
                    # refined or not makes no difference to where codes are as a whole, and much to the time
                    drawn.append(module.amortised(x).rsample(torch.Size([1]))[0].double().cpu().numpy())
        self.sampler_ = fit_aggregate_posterior(np.concatenate(drawn), self.seed_, n_components)
        many = "s" if self.sampler_.n_components > 1 else ""
        reason = f"a mixture of {self.sampler_.n_components} Gaussian{many} on {len(chosen)} codes"
        reason += ", their number by BIC" if n_components is None else ""
        self.choices_ = [choice for choice in self.choices_ if choice.what != "sampler"]
        self.choices_.append(Choice("sampler", "aggregate-posterior", reason))
        if self.verbose:
            print(self.choices_[-1])

    def _fit_sampler(self, rows: NDArray[Any], whole_data: bool) -> None:
        """What `sampler` asks for, after training; a mixture on codes of a model that has moved since is dropped.

        What the model has as its own is taken where there are codes enough, of all training rows.
        """
        self.sampler_ = None
        self.choices_ = [choice for choice in self.choices_ if choice.what != "sampler"]
        wanted = self.sampler
        if wanted == "auto" and whole_data and enough_codes(min(len(rows), CODES), self.latent_dim_):
            wanted = self._entry().sampler
        if wanted == "aggregate-posterior":
            self._fit_sampler_to(rows)

    def _refine(self, rows: NDArray[Any], held_out: NDArray[Any] | None) -> None:
        """What `refinement_steps` asks for, after training; the variance is then set for the refined codes of `rows`.

        What the model has as its own is taken where training maximised the very bound (a rate of weight 1, to whose codes it is true),
        and where rows that no step was taken on gain by it, beyond the chance of their choice.
        """
        module = self.module_
        self.choices_ = [choice for choice in self.choices_ if choice.what != "refinement_steps"]
        module.refinement_steps = 0
        if self.refinement_steps != "auto":
            module.refinement_steps = int(self.refinement_steps)
        elif held_out is not None and (steps := self._entry().refinement_steps) and self._maximised_bound():
            gains = self._gains(held_out, steps)
            gain, error = float(gains.mean()), float(gains.std() / math.sqrt(len(gains)))
            module.refinement_steps = steps if gain > 2 * error else 0
            reason = f"{steps} steps raise the bound by {gain:.2f} nats (standard error {error:.2f}) on {len(gains)} held-out rows"
            self.choices_.append(Choice("refinement_steps", str(module.refinement_steps), reason))
            if self.verbose:
                print(self.choices_[-1])
        if module.refinement_steps:
            batches = training.Batches(rows, self._frozen_form()).to(self._device())
            calibrate(module, batches, EPOCH_ROWS, GAIN_BATCH, self.seed_)

    def _maximised_bound(self) -> bool:
        return rate_weight(self.objective_) == 1.0

    def _gains(self, rows: NDArray[Any], steps: int) -> NDArray[Any]:
        """By how much `steps` raise the bound of some rows, in nats, `[n]`: the same noise with them and without."""
        chosen = np.sort(np.random.default_rng([self.seed_, 3]).permutation(len(rows))[:GAIN_ROWS])
        module, batches = self._inference(rows[chosen], GAIN_BATCH)
        gains = []
        with torch.no_grad():
            for x in batches:
                bounds = []
                for module.refinement_steps in (0, steps):
                    with per_item_noise(item_keys(x), self.seed_):
                        trace = module.trace(x, GAIN_DRAWS)
                    bounds.append((trace.log_likelihood - trace.kl.sum(-1)).double().mean(0))
                gains.append((bounds[1] - bounds[0]).cpu().numpy())
        return np.concatenate(gains)

    def transform(self, X: Any) -> NDArray[Any]:
        """Codes of X: means of q(z|x), `[n, latent_dim]`; the same for an item whatever stands beside it."""
        rows, _ = as_rows(self, X, reset=False)
        module, batches = self._inference(rows)
        with torch.inference_mode():
            return np.concatenate([module.encode(x).mean.cpu().numpy() for x in batches])

    def inverse_transform(self, Z: Any) -> NDArray[Any]:
        """Data for codes `[n, latent_dim]`: the mean of p(x|z) in the units and type of the training data.

        Count rows are given the median size of the training rows.
        """
        check_is_fitted(self)
        codes = np.asarray(Z, dtype=np.float64)
        if codes.ndim != 2 or codes.shape[1] != self.latent_dim_:
            raise DataError(f"codes of shape {codes.shape}; expected [n, {self.latent_dim_}]")
        if not np.isfinite(codes).all():
            raise DataError("codes contain NaN or infinity; every code must be finite")
        z = torch.as_tensor(codes, dtype=self._module()[1], device=self._device())
        return self._decoded(z, mean=True)

    def _decoded(self, z: Tensor, mean: bool) -> NDArray[Any]:
        """Data for codes: means of p(x|z), or draws."""
        module, dtype = self._module()
        typical = self._typical_row(dtype)
        parts = []
        with torch.inference_mode():
            for some in z.split(512):
                p = module.likelihood(module.outputs(some), typical)
                parts.append(self.form_.inverse(p.mean if mean else p.sample()))
        return np.concatenate(parts)

    def reconstruct(self, X: Any) -> NDArray[Any]:
        """X by way of its codes: the mean of p(x|z) at the posterior mean, in the units and type of X."""
        rows, _ = as_rows(self, X, reset=False)
        module, batches = self._inference(rows)
        with torch.inference_mode():
            return np.concatenate(
                [
                    self.form_.inverse(module.conditional(module.encode(x).mean[None], x).mean[0])
                    for x in batches
                ]
            )

    def sample(self, n_samples: int = 1, *, mean: bool = False, random_state: Any = None) -> NDArray[Any]:
        """`n_samples` draws from the model: z from the sampler or the prior (see `sampler`), then x from p(x|z), in the units of the data.

        Args:
            n_samples: how many.
            mean: give the mean of p(x|z) instead of a draw: for images, without the pixel noise.
            random_state: seed; None draws anew each time.
        """
        check_is_fitted(self)
        whole("n_samples", n_samples, 1)
        seed = int(check_random_state(random_state).randint(2**31 - 1))
        module, _ = self._module()
        prior = self._source(module)
        source = {} if prior is None else {"prior": prior}
        with seeded(seed, self._device()):
            return np.concatenate(
                [
                    self.form_.inverse(module.sample(min(512, n_samples - start), mean=mean, **source))
                    for start in range(0, n_samples, 512)
                ]
            )

    def _source(self, module: nn.Module) -> Mixture | None:
        """Where samples' codes are drawn from, in the type and on the device of a module; None: the prior."""
        return None if self.sampler_ is None else self.sampler_.distribution(next(module.parameters()))

    def tensors(self, X: Any) -> tuple[Any, Tensor]:
        """The torch module in evaluation mode, and X `[n, *event]` as it sees them: for what no method here does."""
        rows, _ = as_rows(self, X, reset=False)
        module, batches = self._inference(rows)
        return module, torch.cat(list(batches))

    @property
    def _n_features_out(self) -> int:
        return self.latent_dim_

    def _module(self) -> tuple[Any, torch.dtype]:
        """The module for inference and its type: vectors are done in float64, so that rows do not depend on batches."""
        if len(self.event_shape_) == 1 and self._device().type != "mps":
            return copy.deepcopy(self.module_).double().eval(), torch.float64
        return self.module_.eval(), torch.float32

    def _inference(self, rows: NDArray[Any], batch_size: int = 500) -> tuple[Any, Iterator[Tensor]]:
        module, dtype = self._module()
        form, device = self._frozen_form(), self._device()
        form.to(device).output = dtype

        def batches() -> Iterator[Tensor]:
            for start in range(0, len(rows), batch_size):
                stored = np.array(rows[start : start + batch_size])
                x = form(torch.from_numpy(stored).to(device))
                yield x.contiguous(memory_format=torch.channels_last) if x.ndim == 4 else x

        return module, batches()

    def _typical_row(self, dtype: torch.dtype) -> Tensor | None:
        if self.form_.kind != "counts":
            return None
        size = math.prod(self.event_shape_)
        return torch.full((1, size), self.typical_size_ / size, dtype=dtype, device=self._device())
