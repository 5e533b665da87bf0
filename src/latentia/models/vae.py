"""The variational autoencoder as a composition of five parts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.distributions import Distribution

from latentia import draws
from latentia.core import Trace
from latentia.distributions import DiagonalGaussian
from latentia.latent import Likelihood, Posterior, Prior, kl_divergence
from latentia.models.importance import importance_log_prob
from latentia.models.refinement import refined


@contextmanager
def evaluating(model: Any) -> Iterator[None]:
    """Within this block the model is in evaluation mode, its kernels in the layout in which convolutions are fastest."""
    was_training = model.training
    model.eval()
    kernels = [(p, p.data) for p in model.parameters() if p.ndim == 4]
    with (
        torch.inference_mode(False),
        torch.no_grad(),
    ):  # what is made here may outlive a caller's inference mode
        for parameter, data in kernels:
            parameter.data = data.to(memory_format=torch.channels_last)
    try:
        yield
    finally:
        for parameter, data in kernels:
            parameter.data = data
        model.train(was_training)


class VAE(nn.Module):
    r"""p(x) = \int p(x|z) p(z) dz with an amortised posterior q(z|x) (Kingma & Welling 2014).

    Args:
        encoder: data `[B, *event]` to features `[B, F]`.
        posterior: features to q(z|x).
        prior: p(z).
        decoder: codes `[N, D]` to outputs `[N, n_outputs, *event]`.
        likelihood: outputs to p(x|z).

    Attributes:
        refinement_steps: in evaluation mode `encode` takes so many steps from the encoder's q(z|x) toward each item's own
            best Gaussian (`latentia.models.refinement`); 0: none.
        n_backward: a training step with more draws of z than these takes its gradient through so many of them, chosen by
            their importance weights (`Trace.pool`); 0: through all.
    """

    refinement_steps: int = 0
    n_backward: int = 0

    def __init__(
        self,
        encoder: nn.Module,
        posterior: Posterior,
        prior: Prior,
        decoder: nn.Module,
        likelihood: Likelihood,
    ) -> None:
        super().__init__()
        self.encoder = encoder
        self.posterior = posterior
        self.prior = prior
        self.decoder = decoder
        self.likelihood = likelihood
        prior.attach(encoder, posterior, likelihood.event_shape)

    @staticmethod
    def decoded_dim(latent_dim: int) -> int:
        """How many numbers of a code of `latent_dim` the decoder takes: all."""
        return latent_dim

    def encoder_parameters(self) -> Iterator[nn.Parameter]:
        """The parameters of q(z|x), for schedules in which it moves alone."""
        yield from self.encoder.parameters()
        yield from self.posterior.parameters()

    def amortised(self, x: Tensor) -> Distribution:
        """The encoder's q(z|x) for a batch `[B, *event]`: batch shape `[B]`, event shape `[D]`."""
        return self.posterior(self.encoder(x))

    def encode(self, x: Tensor) -> Distribution:
        """q(z|x) for a batch `[B, *event]`, refined in evaluation mode if `refinement_steps` says so."""
        q = self.amortised(x)
        if self.training or not self.refinement_steps or not isinstance(q, DiagonalGaussian):
            return q
        with evaluating(self):
            return refined(self, x, q, self.refinement_steps)

    def outputs(self, z: Tensor) -> Tensor:
        """The decoder's outputs `[*batch, n_outputs, *event]` for codes `[*batch, D]`."""
        found = self.decoder(z.reshape(-1, z.shape[-1]))
        return found.reshape(*z.shape[:-1], *found.shape[1:])

    def decode(self, z: Tensor) -> Distribution:
        """p(x|z) for codes `[*batch, D]`, sizes of count rows drawn as in the training data."""
        return self.likelihood(self.outputs(z))

    def conditional(self, z: Tensor, x: Tensor) -> Distribution:
        """p(x|z) for codes `[S, B, D]` of an observed batch, whose library sizes it takes."""
        return self.likelihood(self.outputs(z), x)

    def trace(self, x: Tensor, n_samples: int = 1) -> Trace:
        """One pass over `[B, *event]` with `n_samples` reparameterised draws of z per item."""
        posterior, prior = self.encode(x), self.prior()
        z = posterior.rsample(torch.Size([n_samples]))
        pool = chosen = None
        if 0 < self.n_backward < n_samples and self.training and torch.is_grad_enabled():
            pool = self._log_weights(x, z, posterior, prior)
            chosen = draws.multinomial(pool.T.softmax(-1), self.n_backward, replacement=True).T
            z = torch.take_along_dim(z, chosen.reshape(*chosen.shape, *[1] * (z.ndim - 2)), 0)
        likelihood = self.conditional(z, x)
        return Trace(
            x=x,
            z=z,
            posterior=posterior,
            prior=prior,
            likelihood=likelihood,
            log_likelihood=likelihood.log_prob(x),
            kl=kl_divergence(posterior, prior, z),
            pool=pool,
            chosen=chosen,
        )

    @torch.no_grad()
    def _log_weights(self, x: Tensor, z: Tensor, posterior: Distribution, prior: Distribution) -> Tensor:
        """Log w in nats, `[S, B]`; one draw for each item at a time, whose maps a cache can hold."""
        log_likelihood = torch.cat([self.conditional(draw, x).log_prob(x) for draw in z.split(1)])
        return log_likelihood + prior.log_prob(z) - posterior.log_prob(z)

    @torch.no_grad()
    def sample(self, n: int, mean: bool = False, prior: Distribution | None = None) -> Tensor:
        """`n` draws of x, `[n, *event]`; with `mean` the expectation of p(x|z) at each drawn z, drawn from `prior` if given."""
        p = self.decode((self.prior() if prior is None else prior).sample(torch.Size([n])))
        return p.mean if mean else p.sample()

    def log_prob(self, x: Tensor, n_importance: int, seed: int = 0) -> Tensor:
        """Importance-weighted log p(x) in nats, `[B]`, in evaluation mode; see `importance_estimate`."""
        with evaluating(self):
            return importance_log_prob(self, x, n_importance, seed=seed)

    @property
    def numbers_per_code(self) -> int:
        """About how many numbers are held at a time while one code is decoded and its likelihood taken."""
        n_event = self.likelihood.event_shape.numel()
        # The widest maps of the decoder take tens of numbers for each element; log-densities copy their parameters.
        return max(32 * n_event, 4096) + 6 * self.likelihood.n_outputs * n_event

    @torch.no_grad()
    def prepare(self, x: Tensor) -> None:
        """Look once at training data `[n, *event]`: the likelihood's constants, the decoder's offset, the prior's start."""
        self.likelihood.prepare(x)
        self.prior.prepare(x)
        start = self.likelihood.initial_outputs()
        offset = getattr(self.decoder, "offset", None)
        if start is not None and offset is not None:
            offset.start_at(start)

    @torch.no_grad()
    def calibrate(self, x_batches: Iterable[Tensor]) -> None:
        """Set what is not learned by gradient (an optimal variance) to its optimum over these batches."""
        if not self.likelihood.calibrates:
            return
        with evaluating(self):
            self.likelihood.start_calibration()
            for x in x_batches:
                self.likelihood.accumulate(self.outputs(self.encode(x).rsample(torch.Size([1]))), x)
            self.likelihood.finish_calibration()
