"""A variational autoencoder of token sequences, whose decoder is a language model."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.distributions import Distribution, constraints
from torch.distributions.constraints import Constraint

from latentia.core import Trace
from latentia.latent import PRIORS, Posterior, Prior, kl_divergence
from latentia.latent.posteriors import DiagonalGaussianPosterior
from latentia.models.importance import importance_log_prob
from latentia.models.vae import evaluating
from latentia.nn import LSTMDecoder, LSTMEncoder
from latentia.nn.sequence import start_small


class SequenceDistribution(Distribution):
    r"""p(x|z) = \prod_t p(x_t | x_{<t}, z) over sequences of `length` tokens.

    Densities are by teacher forcing (true prefixes), draws by ancestral sampling (own prefixes).

    Args:
        decoder: gives the conditionals.
        z: codes `[*batch, D]`.
        length: T.
    """

    def __init__(self, decoder: LSTMDecoder, z: Tensor, length: int) -> None:
        self.decoder, self.z = decoder, z
        super().__init__(z.shape[:-1], torch.Size([length]), validate_args=False)

    @property
    def arg_constraints(self) -> dict[str, Constraint]:
        """None: the parameters are a network."""
        return {}

    @property
    def support(self) -> Constraint:
        """Token numbers."""
        return constraints.independent(constraints.integer_interval(0, self.decoder.n_tokens - 1), 1)

    def logits(self, value: Tensor) -> Tensor:
        """Logits of each token of `value [*, T]` given those before it, `[*batch, T, V]`."""
        batch = torch.broadcast_shapes(self.batch_shape, value.shape[:-1])
        z = self.z.expand(*batch, -1).reshape(-1, self.z.shape[-1])
        x = value.expand(*batch, -1).reshape(-1, value.shape[-1])
        return self.decoder.logits(z, x).unflatten(0, batch)

    def log_prob(self, value: Tensor) -> Tensor:
        """Log-probability in nats, `[*batch]`, summed over the sequence."""
        logits = self.logits(value)
        chosen = value.expand(logits.shape[:-1])[..., None]
        return logits.log_softmax(-1).gather(-1, chosen)[..., 0].sum(-1)

    def sample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        """Sequences, `[*sample_shape, *batch, T]`."""
        shape = torch.Size(sample_shape) + self.batch_shape
        z = self.z.expand(*shape, -1).reshape(-1, self.z.shape[-1])
        with torch.no_grad():
            return self.decoder.generate(z, self.event_shape[0]).reshape(*shape, -1)

    @property
    def mode(self) -> Tensor:
        """The likeliest token at each step given those chosen before, `[*batch, T]` (not the likeliest sequence)."""
        with torch.no_grad():
            z = self.z.reshape(-1, self.z.shape[-1])
            return self.decoder.generate(z, self.event_shape[0], greedy=True).unflatten(0, self.batch_shape)


class SequenceVAE(nn.Module):
    """A VAE of sequences of one length; gives the same `Trace` as every model.

    Args:
        encoder: tokens `[B, T]` to features.
        posterior: features to q(z|x).
        prior: p(z).
        decoder: p(x_t | x_{<t}, z).
        length: T.

    Source: Bowman et al. 2016, Generating Sentences from a Continuous Space; He et al. 2019 for the first state.

    Example:
        >>> model = SequenceVAE.of_lstms(7, length=5, latent_dim=2)
        >>> model.trace(torch.zeros(3, 5, dtype=torch.long)).log_likelihood.shape, model.sample(4).shape
        (torch.Size([1, 3]), torch.Size([4, 5]))
    """

    def __init__(
        self, encoder: LSTMEncoder, posterior: Posterior, prior: Prior, decoder: LSTMDecoder, length: int
    ) -> None:
        super().__init__()
        self.encoder, self.posterior, self.prior, self.decoder = encoder, posterior, prior, decoder
        self.length = length

    @classmethod
    def of_lstms(cls, n_tokens: int, length: int, latent_dim: int = 1, width: int = 50) -> SequenceVAE:
        """The model of He et al. 2019: LSTMs of one layer, a Gaussian q(z|x) and a standard normal prior.

        As theirs, the layer of q(z|x) has no biases and starts as small as the LSTMs do.

        Args:
            n_tokens: V, size of the vocabulary.
            length: T.
            latent_dim: D.
            width: of the embeddings and of both LSTMs.
        """
        posterior = DiagonalGaussianPosterior(width, latent_dim, bias=False)
        start_small(posterior)
        return cls(
            LSTMEncoder(n_tokens, width, width),
            posterior,
            PRIORS["standard-normal"](latent_dim),
            LSTMDecoder(latent_dim, n_tokens, width, width),
            length,
        )

    def encoder_parameters(self) -> Iterator[nn.Parameter]:
        """The parameters of q(z|x), for schedules in which it moves alone."""
        yield from self.encoder.parameters()
        yield from self.posterior.parameters()

    def amortised(self, x: Tensor) -> Distribution:
        """q(z|x) for tokens `[B, T]`: batch shape `[B]`, event shape `[D]`."""
        return self.posterior(self.encoder(x))

    def encode(self, x: Tensor) -> Distribution:
        """The same: nothing refines it."""
        return self.amortised(x)

    def decode(self, z: Tensor) -> SequenceDistribution:
        """p(x|z) for codes `[*batch, D]`."""
        return SequenceDistribution(self.decoder, z, self.length)

    def conditional(self, z: Tensor, x: Tensor) -> SequenceDistribution:  # noqa: ARG002  (the face of a VAE)
        """The same: nothing of an observed sequence but itself is conditioned on."""
        return self.decode(z)

    def trace(self, x: Tensor, n_samples: int = 1) -> Trace:
        """One pass over `[B, T]` with `n_samples` reparameterised draws of z per item."""
        posterior, prior = self.encode(x), self.prior()
        z = posterior.rsample(torch.Size([n_samples]))
        likelihood = self.decode(z)
        return Trace(
            x=x,
            z=z,
            posterior=posterior,
            prior=prior,
            likelihood=likelihood,
            log_likelihood=likelihood.log_prob(x),
            kl=kl_divergence(posterior, prior, z),
        )

    @torch.no_grad()
    def sample(self, n: int) -> Tensor:
        """`n` sequences: z from the prior, then tokens one by one, `[n, T]`."""
        return self.decode(self.prior().sample(torch.Size([n]))).sample()

    def log_prob(self, x: Tensor, n_importance: int, seed: int = 0) -> Tensor:
        """Importance-weighted log p(x) in nats, `[B]`, in evaluation mode; see `importance_estimate`."""
        with evaluating(self):
            return importance_log_prob(self, x, n_importance, seed=seed)

    @property
    def numbers_per_code(self) -> int:
        """About how many numbers are held at a time while one code is decoded and its likelihood taken."""
        return 4 * self.length * (self.decoder.n_tokens + 4 * self.decoder.lstm.hidden_size)

    def prepare(self, x: Tensor) -> None:
        """Nothing here depends on the data before training."""

    def calibrate(self, x_batches: Iterable[Any]) -> None:
        """Everything is learned by gradient."""
