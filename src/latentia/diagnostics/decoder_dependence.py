"""Whether the decoder needs the code that belongs to the item."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from latentia.core import LatentModel
from latentia.distributions import item_keys, per_item_noise
from latentia.models import evaluating

_CHUNK = 250


@dataclass(frozen=True)
class DecoderDependence:
    """What is lost when each item is explained by another item's code; nats per item.

    Attributes:
        drop: E log p(x|z) with the item's own z, less the same with another's: 0 for a decoder that ignores z.
        standard_error: of `drop`, over items.
        share: of items that their own code explains better than the other's; 0.5 for a decoder that ignores z.
        n: items.
    """

    drop: float
    standard_error: float
    share: float
    n: int


def decoder_dependence(model: LatentModel, x: Tensor, *, seed: int = 0) -> DecoderDependence | None:
    r"""E[log p(x_i|z_i) - log p(x_i|z_j)], z_i ~ q(z|x_i), j the item that stands next to i.

    Args:
        model: a VAE.
        x: items `[n, *event]`, in an order that means nothing.
        seed: of the draws of z.

    Returns:
        None if there are fewer than two items.

    Example:
        >>> from latentia.estimators.compose import compose
        >>> from latentia.kinds.vae.catalog import CATALOG
        >>> model = compose(CATALOG["sigma-vae"], (4,), 2, likelihood="gaussian", network="mlp").eval()
        >>> torch.nn.init.zeros_(model.decoder.head.weight)
        Parameter containing: ...
        >>> decoder_dependence(model, torch.randn(50, 4)).drop
        0.0
    """
    if len(x) < 2:
        return None
    drops = []
    with torch.no_grad(), evaluating(model):
        n_chunks = math.ceil(len(x) / _CHUNK)
        for part in x.tensor_split(n_chunks):  # of nearly equal sizes, so that none is alone
            with per_item_noise(item_keys(part), seed):
                # the encoder's codes: refined ones take longer, and say the same of the decoder
                z = model.amortised(part).rsample(torch.Size([1]))
            own = model.conditional(z, part).log_prob(part)[0]
            other = model.conditional(z.roll(1, 1), part).log_prob(part)[0]
            drops.append((own.double() - other.double()).cpu())
    drop = torch.cat(drops)
    # Equal likelihoods say nothing either way.
    share = (drop > 0).double() + 0.5 * (drop == 0).double()
    return DecoderDependence(
        float(drop.mean()), float(drop.std() / math.sqrt(len(drop))), float(share.mean()), len(drop)
    )
