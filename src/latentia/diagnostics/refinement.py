"""What is lost by giving q(z|x) in one pass, or a few steps: each item's own best diagonal Gaussian, and the gap to it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.distributions import Distribution

from latentia.core import LatentModel
from latentia.distributions import Delta, DiagonalGaussian, item_keys, per_item_noise
from latentia.latent import kl_divergence
from latentia.models import evaluating

STEPS = 200
LEARNING_RATE = 0.1
SCORING_SAMPLES = 64
_LOG_SCALE_STEP = 7.0  # a standard deviation may change by a factor of at most exp(7)


@dataclass(frozen=True)
class AmortisationGap:
    r"""How far the encoder's q(z|x) is from each item's own best Gaussian, on n items; nats per item.

    Attributes:
        amortisation: ELBO[q*] - ELBO[q]: what per-item optimisation of a diagonal Gaussian gains over the model's q(z|x), which is
            the encoder's or, with `refinement_steps`, what they made of it. Negative if its family is richer than a diagonal Gaussian
            and uses it.
        standard_error: of `amortisation`, over items.
        approximation: log p(x) - ELBO[q*], with log p(x) by importance sampling from q*: what a diagonal Gaussian cannot express.
        elbo: ELBO[q].
        n: items.
        steps: of Adam for each item.
        own_steps: that the model itself takes after its encoder.
    """

    amortisation: float
    standard_error: float
    approximation: float
    elbo: float
    n: int
    steps: int
    own_steps: int = 0


@dataclass(frozen=True)
class Refined:
    """Items and their own posteriors.

    Attributes:
        x: items `[n, *event]`.
        posterior: q*(z|x), diagonal Gaussians with batch shape `[n]`.
        steps: of Adam that made them.
    """

    x: Tensor
    posterior: DiagonalGaussian
    steps: int


def refine(model: LatentModel, x: Tensor, *, steps: int = STEPS, seed: int = 0) -> Refined | None:
    r"""For each item the diagonal Gaussian that maximises its bound, by Adam from the moments of q(z|x).

    .. math:: q^*(z|x) = \arg\max_{m, s} E_{N(m, s^2)}[\log p(x|z)] - \mathrm{KL}(N(m, s^2) \| p(z))

    Steps are in units of q's own standard deviation; the learning rate falls to 0 along a cosine; two antithetic draws
    are made in each step, whose noise leaves the bound about 0.005 nats per dimension short of the best. The weights of the model do not move, and torch's generators are not used.

    Args:
        model: a VAE whose decoder is differentiable in z.
        x: items `[n, *event]`; all of them move in one batch.
        steps: of Adam.
        seed: of the draws.

    Returns:
        None for a deterministic posterior, and for codes out of a codebook.
    """
    with torch.inference_mode(False), evaluating(model), torch.enable_grad():
        with torch.no_grad():
            q, prior = model.encode(x), model.prior()
            if isinstance(q, Delta) or not _is_continuous(q, x, seed):
                return None
            loc, scale = _moments(q, x, seed)
        keys = item_keys(x)
        shift = torch.zeros_like(loc, requires_grad=True)
        growth = torch.zeros_like(loc, requires_grad=True)
        optimizer = torch.optim.Adam([shift, growth], lr=LEARNING_RATE)
        for step in range(steps):
            optimizer.param_groups[0]["lr"] = LEARNING_RATE * 0.5 * (1 + math.cos(math.pi * step / steps))
            spread = scale * growth.clamp(-_LOG_SCALE_STEP, _LOG_SCALE_STEP).exp()
            own = DiagonalGaussian(loc + scale * shift, spread, validate_args=False)
            with per_item_noise(keys, seed, first_sample=step):
                draw = own.rsample(torch.Size([1]))
            z = torch.cat([draw, 2 * own.mean - draw])
            bound = model.conditional(z, x).log_prob(x) - kl_divergence(own, prior, z).sum(-1)
            # Summed over items: each moves as if it were alone.
            shift.grad, growth.grad = torch.autograd.grad(-bound.mean(0).sum(), [shift, growth])
            optimizer.step()
        with torch.no_grad():
            spread = scale * growth.clamp(-_LOG_SCALE_STEP, _LOG_SCALE_STEP).exp()
            return Refined(x, DiagonalGaussian(loc + scale * shift, spread, validate_args=False), steps)


def amortisation_gap(
    model: LatentModel, refined: Refined, *, samples: int = SCORING_SAMPLES, seed: int = 1
) -> AmortisationGap:
    r"""The two parts of log p(x) - ELBO[q]: of the encoder's amortisation, and of the Gaussian family.

    Source: Cremer, Li and Duvenaud 2018, Inference Suboptimality in Variational Autoencoders, eq. 5-6.

    Args:
        model: a VAE.
        refined: items with their own posteriors, from `refine`.
        samples: draws of z for each item, the same noise for both posteriors.
        seed: of the draws; another than that of `refine`, or q* would be scored on the noise that it was fitted to.
    """
    x, prior = refined.x, model.prior()
    with torch.no_grad(), evaluating(model):
        of_encoder, _ = _bound(model, x, model.encode(x), prior, samples, seed)
        of_item, log_prob = _bound(model, x, refined.posterior, prior, samples, seed)
    gain = of_item - of_encoder
    n = len(x)
    return AmortisationGap(
        amortisation=float(gain.mean()),
        standard_error=float(gain.std() / math.sqrt(n)) if n > 1 else math.inf,
        approximation=float((log_prob - of_item).mean()),
        elbo=float(of_encoder.mean()),
        n=n,
        steps=refined.steps,
        own_steps=getattr(model, "refinement_steps", 0),
    )


def _bound(
    model: LatentModel, x: Tensor, q: Distribution, prior: Distribution, samples: int, seed: int
) -> tuple[Tensor, Tensor]:
    """The bound of each item and its importance-weighted log p(x), `[n]` each in double precision on the host."""
    bounds, weights = [], []
    keys = item_keys(x)
    for first in range(0, samples, 2):
        with per_item_noise(keys, seed, first_sample=first):
            z = q.rsample(torch.Size([min(2, samples - first)]))
        log_likelihood = model.conditional(z, x).log_prob(x)
        bounds.append((log_likelihood - kl_divergence(q, prior, z).sum(-1)).cpu().double())
        weights.append((log_likelihood + prior.log_prob(z) - q.log_prob(z)).cpu().double())
    log_prob = torch.cat(weights).logsumexp(0) - math.log(samples)
    return torch.cat(bounds).mean(0), log_prob


def _is_continuous(q: Distribution, x: Tensor, seed: int) -> bool:
    """Whether codes are vectors, between which there is a way, and not numbers of a codebook."""
    with per_item_noise(item_keys(x), seed):
        return q.sample().is_floating_point()


def _moments(q: Distribution, x: Tensor, seed: int) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation of q(z|x), by 256 draws where q does not know them."""
    try:
        return q.mean, q.stddev
    except NotImplementedError:
        with per_item_noise(item_keys(x), seed):
            z = q.rsample(torch.Size([256]))
        return z.mean(0), z.std(0)
