"""Semi-amortised inference: a few natural-gradient steps from the encoder's q(z|x) toward each item's own best Gaussian."""

from __future__ import annotations

import torch
from torch import Tensor

from latentia.distributions import DiagonalGaussian
from latentia.distributions.numerics import has_bfloat16_units
from latentia.latent import kl_divergence
from latentia.models.importance import Codec

STEPS = 5
RATE = 0.4
MOMENTUM = 0.4


def refined(model: Codec, x: Tensor, q: DiagonalGaussian, steps: int = STEPS) -> DiagonalGaussian:
    r"""q(z|x) with its mean moved uphill on log p(x|z) - KL, in units of its own standard deviation.

    .. math::
        v_{t+1} = \beta v_t + \rho\, s^2 \nabla_m \big[\log p(x|m_t) - \mathrm{KL}(N(m_t, s^2) \| p(z))\big], \qquad m_{t+1} = m_t + v_{t+1}

    s^2 times the gradient is the natural gradient of a Gaussian's mean (Khan and Rue 2023), and about a Newton step where s^2 is
    near the inverse curvature, as in a trained VAE it is: there is no step size to choose by the data (rho = beta = 0.4). The
    likelihood is taken at the mean, which is cheap, and good where posteriors are narrow; where they are broad the bound can fall, so the
    estimators measure the gain before they rely on it. Of all points on the way, the first included, each item keeps its best. What comes out is a posterior
    like any other, whose bound is a bound; no weight moves, and an item's result does not depend on the others of its batch.

    Source: Kim et al. 2018, Semi-Amortized Variational Autoencoders, with natural gradients; gaps that it closes: Cremer, Li and
    Duvenaud 2018.

    Args:
        model: in evaluation mode, with a decoder that is differentiable in z.
        x: items `[B, *event]`.
        q: the encoder's posterior, batch shape `[B]`.
        steps: each costs a pass through the decoder and one back; images are decoded in bfloat16 where the device is faster at it.

    Returns:
        Gaussians with the standard deviations of `q`, without gradients.
    """
    with torch.inference_mode(False), torch.enable_grad():
        # clones: tensors of an inference mode take no part in a gradient
        x, start, scale = x.clone(), q.mean.detach().clone(), q.stddev.detach().clone()
        prior = model.prior()
        half = x.ndim == 4 and x.dtype == torch.float32 and has_bfloat16_units(x.device)

        def bound(shift: Tensor) -> Tensor:
            own = DiagonalGaussian(start + scale * shift, scale, validate_args=False)
            z = own.mean[None]
            with torch.autocast(x.device.type, torch.bfloat16, enabled=half):
                p = model.conditional(z, x)
            return (p.log_prob(x) - kl_divergence(own, prior, z).sum(-1))[0]

        shift, velocity, best = (torch.zeros_like(start) for _ in range(3))
        highest = torch.full_like(start[:, 0], -torch.inf)
        for step in range(steps + 1):
            at = shift.requires_grad_(step < steps)
            value = bound(at)
            better = value.detach() > highest
            best = torch.where(better[:, None], at.detach(), best)
            highest = torch.where(better, value.detach(), highest)
            if step < steps:
                (uphill,) = torch.autograd.grad(value.sum(), at)
                velocity = MOMENTUM * velocity + RATE * uphill
                # an item whose gradient is not finite goes back to its start, and keeps its best
                shift = (at.detach() + velocity).nan_to_num(0.0, 0.0, 0.0)
        return DiagonalGaussian(start + scale * best, scale, validate_args=False)
