"""Autoencoders with discrete codes: the VQ-VAE family."""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.distributions import Distribution

from latentia.core import Trace
from latentia.distributions import CategoricalCodes, Delta, PointCodes
from latentia.latent import Likelihood
from latentia.latent.code_priors import ClassPrior, CodePrior
from latentia.latent.quantizers import Codes
from latentia.models.coders import Coder
from latentia.models.vae import VAE, evaluating

VECTORS_PER_CODE = 20


class VQVAE(VAE):
    r"""p(x) = sum_k p(x|e_k) p(k) over maps (or lists) of codes k, with an encoder that gives a code or a distribution over codes.

    With a deterministic encoder the bound is :math:`\log p(x) \ge \log p(x|e_k) - (-\log p(k))`: the rate is the length of the codes
    under the prior, n log K under a uniform one. With q(k|x) = prod_i q_i it is

    .. math:: -\log p(x|e_k) + \sum_i \mathrm{KL}(q_i \,\|\, p(\cdot|k_{<i})), \quad k \sim q

    whose expectation is -ELBO: the divergence of each position is summed over all K codes, only the context is drawn.

    `z` of its traces, and what `encode` draws, are code numbers `[S, B, n]`.

    Args:
        encoder: data `[B, *event]` to features.
        coder: features to codes, and codes to what the decoder takes.
        prior: p(k).
        decoder: what the coder gives `[N, D, h, w]` to outputs `[N, n_outputs, *event]`.
        likelihood: outputs to p(x|k).

    Source: van den Oord, Vinyals and Kavukcuoglu 2017, Neural Discrete Representation Learning.
    """

    prior: CodePrior  # type: ignore[assignment]  # over whole numbers, not over vectors

    def __init__(
        self, encoder: nn.Module, coder: Coder, prior: CodePrior, decoder: nn.Module, likelihood: Likelihood
    ) -> None:
        nn.Module.__init__(self)
        self.encoder = encoder
        self.coder = coder
        self.prior = prior
        self.decoder = decoder
        self.likelihood = likelihood

    def advance(self, progress: float) -> None:
        """Tell the quantizer the share of training that is done: temperatures and restarts depend on it."""
        self.coder.advance(progress)

    def amortised(self, x: Tensor) -> Distribution:
        """q(k|x) for a batch `[B, *event]`: batch shape `[B]`, event shape `[n]`."""
        return _posterior(self.coder(self.encoder(x))[0])

    def outputs(self, z: Tensor) -> Tensor:
        """The decoder's outputs `[*batch, n_outputs, *event]` for codes `[*batch, n]`."""
        found = self.decoder(self.coder.decoder_input(z.reshape(-1, z.shape[-1])))
        return found.reshape(*z.shape[:-1], *found.shape[1:])

    def trace(self, x: Tensor, n_samples: int = 1) -> Trace:
        """One pass over `[B, *event]`; a code that is drawn is drawn `n_samples` times, and passes its gradient on."""
        features = self.encoder(x)
        if n_samples > 1:
            features = features.repeat(n_samples, *[1] * (features.ndim - 1))
        codes, inputs = self.coder(features)
        split = (n_samples, len(x))
        likelihood = self.likelihood(self.decoder(inputs).unflatten(0, split), x)
        rate, length = self._rate(codes)
        auxiliary = {name: loss.unflatten(0, split).mean(0) for name, loss in codes.losses.items()}
        if length is not None:
            auxiliary["prior"] = length.unflatten(0, split).mean(0)
        z = codes.indices.unflatten(0, split)
        first = Codes(codes.z_q[: len(x)], z[0], log_q=None if codes.log_q is None else codes.log_q[: len(x)])
        return Trace(
            x=x,
            z=z,
            posterior=_posterior(first),
            prior=self.prior(),
            likelihood=likelihood,
            log_likelihood=likelihood.log_prob(x),
            kl=rate.unflatten(0, split),
            auxiliary=auxiliary,
            codes=z[0],
        )

    def _rate(self, codes: Codes) -> tuple[Float[Tensor, "items positions"], Tensor | None]:
        """Rate of each position in nats; and, where q is a distribution, the length of its codes with q held fixed, `[B]`."""
        log_p = self.prior.log_probs(codes.indices)
        log_q = codes.log_q
        if log_q is None:
            return -log_p.gather(-1, codes.indices[..., None]).squeeze(-1), None
        q = log_q.exp()
        length = -(q.detach() * log_p).sum((1, 2)) if self.training else None
        return (q * (log_q - log_p)).sum(-1), length

    def log_prob(self, x: Tensor, n_importance: int, seed: int = 0) -> Tensor:
        """Log p(x) in nats, `[B]`: importance-weighted, or the bound, where the encoder allows one code only."""
        if not self.coder.deterministic:
            return super().log_prob(x, n_importance, seed)
        with evaluating(self), torch.no_grad():
            return self.trace(x).elbo[0]

    @property
    def numbers_per_code(self) -> int:
        """About how many numbers are held at a time while one code is decoded and its likelihood taken."""
        return super().numbers_per_code + 4 * self.coder.n_positions * self.coder.n_codes

    @torch.no_grad()
    def prepare(self, x: Tensor) -> None:
        """Look once at training data `[n, *event]`: the likelihood's constants, the decoder's offset, the codebook's start."""
        super().prepare(x)
        wanted = math.ceil(VECTORS_PER_CODE * self.coder.n_codes / min(h * w for h, w in self.coder.shapes))
        rows = x[:: max(1, len(x) // wanted)]
        with evaluating(self):
            self.coder.prepare(torch.cat([self.encoder(part) for part in rows.split(256)]))

    @torch.no_grad()
    def code_counts(self, x_batches: Iterable[Tensor]) -> Tensor:
        """How often each code is the most probable one of its position over these batches, `[K]`."""
        counts = torch.zeros(self.coder.n_codes, dtype=torch.int64)
        with evaluating(self):
            for x in x_batches:
                counts += torch.bincount(self.encode(x).mode.flatten().cpu(), minlength=self.coder.n_codes)
        return counts


def _posterior(codes: Codes) -> PointCodes | CategoricalCodes:
    return PointCodes(codes.indices) if codes.log_q is None else CategoricalCodes(codes.log_q)


class PriorOnly(nn.Module):
    """The face of a model around a prior over codes, so that it is trained, alone, on the codes of a data set.

    Its data are codes `[B, n]`, for a `ClassPrior` with the class in a last column; the bound of its traces is log p(k).

    Args:
        prior: what is trained.
    """

    def __init__(self, prior: CodePrior) -> None:
        super().__init__()
        self.prior = prior

    def trace(self, x: Tensor, n_samples: int = 1) -> Trace:  # noqa: ARG002  nothing is drawn
        """The log-probability of codes."""
        if isinstance(self.prior, ClassPrior):
            codes, labels = x[:, :-1], x[:, -1]
            log_p = self.prior.log_probs_given(codes, labels)
        else:
            codes = x
            log_p = self.prior.log_probs(codes)
        log_likelihood = log_p.gather(-1, codes[..., None]).squeeze(-1).sum(-1)
        nothing = log_likelihood.new_zeros(1, len(x), 1)
        point = Delta(nothing[0], validate_args=False)
        p = self.prior()
        return Trace(codes, nothing, point, point, p, log_likelihood[None], nothing)

    def prepare(self, x: Tensor) -> None:
        """Count the classes, if there are any."""
        if isinstance(self.prior, ClassPrior):
            self.prior.set_shares(torch.bincount(x[:, -1], minlength=self.prior.n_classes))

    def calibrate(self, x_batches: object) -> None:
        """All of it is learned by gradient."""
