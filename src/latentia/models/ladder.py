"""The ladder variational autoencoder: a hierarchy of latent variables under the face of a VAE."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.distributions import kl_divergence

from latentia.core import Trace
from latentia.latent.ladder import HierarchicalGaussian, LadderPrior, ladder_dims
from latentia.models.vae import VAE


class LadderVAE(VAE):
    r"""p(x, z) = p(x|z_1) p(z_L) \prod_n p(z_n|z_{n+1}), with posteriors that share the top-down pass with the prior.

    A code is z = (z_1, ..., z_L), laid end to end from the bottom up, so that all that works on the codes of a VAE works
    on it. The decoder sees z_1, the first `ladder_dims(D)[0]` numbers. In a trace the divergence is that of each dimension
    given the sampled layers above,

    .. math:: \mathrm{KL} = \mathrm{KL}(q(z_L|x) \| p(z_L)) + \sum_{n<L} \mathrm{KL}(q(z_n|z_{n+1}, x) \| p(z_n|z_{n+1}))

    each in closed form, `[S, B, D]`.

    Args:
        encoder: data to the features d_1.
        posterior: a `latentia.latent.ladder.LadderEvidence`.
        prior: a `latentia.latent.ladder.LadderPrior`.
        decoder: codes z_1 `[N, D_1]` to outputs.
        likelihood: outputs to p(x|z_1).

    Source: Sønderby, Raiko, Maaløe, Sønderby and Winther 2016, Ladder Variational Autoencoders.

    Example:
        >>> from latentia.estimators.compose import compose
        >>> from latentia.kinds.vae.catalog import CATALOG
        >>> model = compose(CATALOG["ladder-vae"], (4,), 5, likelihood="gaussian", network="mlp")
        >>> model.trace(torch.zeros(3, 4), n_samples=2).kl.shape
        torch.Size([2, 3, 5])
    """

    prior: LadderPrior

    @staticmethod
    def decoded_dim(latent_dim: int) -> int:
        """The length of z_1."""
        return ladder_dims(latent_dim)[0]

    def amortised(self, x: Tensor) -> HierarchicalGaussian:
        """q(z|x) for a batch `[B, *event]`: batch shape `[B]`, event shape `[D]`."""
        return self.prior.posterior(self.posterior(self.encoder(x)))

    def outputs(self, z: Tensor) -> Tensor:
        """The decoder's outputs `[*batch, n_outputs, *event]` for codes `[*batch, D]`, of which it sees z_1."""
        return super().outputs(z[..., : self.prior.dims[0]])

    def trace(self, x: Tensor, n_samples: int = 1) -> Trace:
        """One pass over `[B, *event]` with `n_samples` reparameterised draws of z per item."""
        posterior = self.amortised(x)
        z = posterior.rsample(torch.Size([n_samples]))
        likelihood = self.conditional(z, x)
        kl = [kl_divergence(q.base, p.base).expand(*z.shape[:2], -1) for q, p in posterior.layers(z)]
        return Trace(
            x=x,
            z=z,
            posterior=posterior,
            prior=self.prior(),
            likelihood=likelihood,
            log_likelihood=likelihood.log_prob(x),
            kl=torch.cat(kl, -1),
        )
