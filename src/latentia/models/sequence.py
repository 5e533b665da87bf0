"""A variational autoencoder of token sequences, whose decoder is a language model."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.distributions import Distribution, constraints
from torch.distributions.constraints import Constraint

from latentia.core import Trace
from latentia.distributions import DiagonalGaussian
from latentia.latent import PRIORS, Posterior, Prior, kl_divergence
from latentia.latent.posteriors import DiagonalGaussianPosterior
from latentia.models.decoding import DRAWS, GREEDY, Drawing, generated, own_tokens
from latentia.models.importance import importance_log_prob
from latentia.models.refinement import refined
from latentia.models.vae import evaluating
from latentia.nn import LSTMDecoder, LSTMEncoder, TokenDecoder
from latentia.nn.gaps import tokens_of
from latentia.nn.sequence import start_small

_PLAUSIBLE_LENGTH = 32  # tokens of a sequence, where only the cost of one is to be guessed


class SequenceDistribution(Distribution):
    r"""p(x|z) = \prod_t p(x_t | x_{<t}, z) over sequences of tokens, negative behind each end.

    Densities are by teacher forcing (true prefixes), draws by ancestral sampling (own prefixes). With an `end` the sum over all finite
    sequences is 1; without one all have `longest` tokens, and a sequence that is padded is a beginning, whose probability it is.

    Args:
        decoder: gives the conditionals.
        z: codes `[*batch, D]`.
        longest: tokens of a draw, at most; without an end, exactly.
        end: token behind which nothing follows, or None.
    """

    def __init__(self, decoder: TokenDecoder, z: Tensor, longest: int, end: int | None = None) -> None:
        self.decoder, self.z, self.end = decoder, z, end
        super().__init__(z.shape[:-1], torch.Size([longest]), validate_args=False)

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
        batch, z, x = self._together(value)
        return self.decoder.logits(z, x).unflatten(0, batch)

    def token_log_prob(self, value: Tensor) -> Tensor:
        """Log-probability of each token (with the density of its gap) in nats, `[*batch, T]`; 0 behind each end."""
        batch, z, x = self._together(value)
        return self.decoder.token_log_prob(z, x).unflatten(0, batch)

    def log_prob(self, value: Tensor) -> Tensor:
        """Log-probability in nats, `[*batch]`, summed over the sequence."""
        return self.token_log_prob(value).sum(-1)

    def sample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        """Sequences, `[*sample_shape, *batch, T]`, T the longest of them."""
        shape = torch.Size(sample_shape) + self.batch_shape
        z = self.z.expand(*shape, -1).reshape(shape.numel(), self.z.shape[-1])
        return self._drawn(z, DRAWS).reshape(*shape, -1)

    @property
    def mode(self) -> Tensor:
        """The likeliest token at each step given those chosen before, `[*batch, T]` (not the likeliest sequence)."""
        return self._drawn(self.z.reshape(self.batch_shape.numel(), self.z.shape[-1]), GREEDY).unflatten(
            0, self.batch_shape
        )

    def _drawn(self, z: Tensor, drawing: Drawing) -> Tensor:
        return generated(self.decoder, z, self.event_shape[0], self.end, drawing)

    def _together(self, value: Tensor) -> tuple[torch.Size, Tensor, Tensor]:
        """The joint batch shape, and codes and sequences of it as rows."""
        batch = torch.broadcast_shapes(self.batch_shape, value.shape[:-1])
        z = self.z.expand(*batch, -1).reshape(batch.numel(), self.z.shape[-1])
        return batch, z, value.expand(*batch, -1).reshape(batch.numel(), value.shape[-1])


class SequenceVAE(nn.Module):
    """A VAE of sequences of tokens `[B, T]`, negative behind each end; gives the same `Trace` as every model.

    Args:
        encoder: tokens `[B, T]` to features.
        posterior: features to q(z|x).
        prior: p(z).
        decoder: p(x_t | x_{<t}, z).
        longest: tokens of a draw, at most; without an end, of every sequence.
        end: token behind which nothing follows; None: the length of a sequence is given, not modelled.

    Attributes:
        refinement_steps: as in `models.VAE`.

    Source: Bowman et al. 2016, Generating Sentences from a Continuous Space; He et al. 2019 for the first state.

    Example:
        >>> model = SequenceVAE.of_lstms(7, length=5, latent_dim=2)
        >>> model.trace(torch.zeros(3, 5, dtype=torch.long)).log_likelihood.shape, model.sample(4).shape
        (torch.Size([1, 3]), torch.Size([4, 5]))
    """

    refinement_steps: int = 0

    def __init__(
        self,
        encoder: nn.Module,
        posterior: Posterior,
        prior: Prior,
        decoder: TokenDecoder,
        longest: int,
        end: int | None = None,
    ) -> None:
        super().__init__()
        self.encoder, self.posterior, self.prior, self.decoder = encoder, posterior, prior, decoder
        self.longest, self.end = longest, end

    @classmethod
    def of_lstms(cls, n_tokens: int, length: int, latent_dim: int = 1, width: int = 50) -> SequenceVAE:
        """The model of He et al. 2019: LSTMs of one layer, a Gaussian q(z|x) and a standard normal prior.

        As theirs, the layer of q(z|x) has no biases, and all weights start small.

        Args:
            n_tokens: V, size of the vocabulary.
            length: T.
            latent_dim: D.
            width: of the embeddings and of both LSTMs.
        """
        encoder, decoder = (
            LSTMEncoder(n_tokens, width, width),
            LSTMDecoder(latent_dim, n_tokens, width, width),
        )
        posterior = DiagonalGaussianPosterior(width, latent_dim, bias=False)
        for part in (encoder, posterior, decoder):
            start_small(part)
        return cls(encoder, posterior, PRIORS["standard-normal"](latent_dim), decoder, length)

    def encoder_parameters(self) -> Iterator[nn.Parameter]:
        """The parameters of q(z|x), for schedules in which it moves alone."""
        yield from self.encoder.parameters()
        yield from self.posterior.parameters()

    def amortised(self, x: Tensor) -> Distribution:
        """The encoder's q(z|x) for tokens `[B, T]`: batch shape `[B]`, event shape `[D]`."""
        return self.posterior(self.encoder(x))

    def encode(self, x: Tensor) -> Distribution:
        """q(z|x) for tokens `[B, T]`, refined in evaluation mode if `refinement_steps` says so."""
        q = self.amortised(x)
        if self.training or not self.refinement_steps or not isinstance(q, DiagonalGaussian):
            return q
        with evaluating(self):
            return refined(self, x, q, self.refinement_steps)

    def decode(self, z: Tensor) -> SequenceDistribution:
        """p(x|z) for codes `[*batch, D]`."""
        return SequenceDistribution(self.decoder, z, self.longest, self.end)

    def conditional(self, z: Tensor, x: Tensor) -> SequenceDistribution:
        """The same for observed sequences, whose length it takes where the model has none of its own."""
        return self.decode(z) if self.end is not None else SequenceDistribution(self.decoder, z, x.shape[1])

    def trace(self, x: Tensor, n_samples: int = 1) -> Trace:
        """One pass over `[B, T]` with `n_samples` reparameterised draws of z per item."""
        posterior, prior = self.encode(x), self.prior()
        z = posterior.rsample(torch.Size([n_samples]))
        likelihood = self.conditional(z, x)
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
    def sample(self, n: int, prior: Distribution | None = None) -> Tensor:
        """`n` sequences: z from the prior (or `prior`), then tokens one by one, `[n, T]`."""
        return self.decode((self.prior() if prior is None else prior).sample(torch.Size([n]))).sample()

    def log_prob(self, x: Tensor, n_importance: int, seed: int = 0) -> Tensor:
        """Importance-weighted log p(x) in nats, `[B]`, in evaluation mode; see `importance_estimate`."""
        with evaluating(self):
            return importance_log_prob(self, x, n_importance, seed=seed)

    def means(self, x: Tensor) -> Tensor:
        """Means of q(z|x), `[B, D]`."""
        return self.encode(x).mean

    def forced_log_prob(self, x: Tensor, z: Tensor) -> Tensor:
        """Log p(x_t | x_{<t}, z) of tokens without their gaps, with true prefixes, `[B, T]` in nats; 0 behind each end."""
        return self.decoder.parts(z, x)[0]

    def free_running(self, x: Tensor, z: Tensor) -> tuple[Tensor, Tensor]:
        """The decoder's own tokens, and log p of the true ones after them; see `own_tokens`."""
        return own_tokens(self.decoder, z, x)

    @property
    def numbers_per_code(self) -> int:
        """About how many numbers are held at a time while one code is decoded and its likelihood taken."""
        length = self.longest if self.end is None else min(self.longest, _PLAUSIBLE_LENGTH)
        width = self.decoder.head.in_features + self.decoder.embed.embedding_dim
        return 16 * length * width

    def prepare(self, x: Tensor) -> None:
        """Let the output layer begin at the frequencies of the tokens in `x`."""
        counts = (
            torch.bincount(tokens_of(x[x >= 0]), minlength=self.decoder.n_tokens).to(
                torch.get_default_dtype()
            )
            + 1
        )
        self.decoder.start_at(counts / counts.sum())

    @torch.no_grad()
    def calibrate(self, x_batches: Iterable[Any]) -> None:
        """Set the variance of log gaps to its optimum over these batches; all else is learned by gradient."""
        gaps = self.decoder.gaps
        if gaps is None:
            return
        with evaluating(self):
            gaps.start_calibration()
            for x in x_batches:
                z = self.encode(x).rsample(torch.Size([1]))[0]
                gaps.accumulate(self.decoder.hidden(z, x), x)
            gaps.finish_calibration()
