"""How straight the decoder draws a straight line between two codes."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from latentia.core import LatentModel
from latentia.distributions import item_keys, mean_of, per_item_noise
from latentia.models import codes_within_budget, evaluating

PAIRS = 100
STEPS = 16


@dataclass(frozen=True)
class Smoothness:
    """Decoded paths between the codes of pairs of items, in units of the data; medians over pairs.

    Attributes:
        path_ratio: length of the decoded path over the distance of its ends: 1 for a straight path, never less.
        jump: the largest of a path's steps over the mean step: 1 for even steps, `steps` if all change falls into one.
        steps: parts into which a path is cut.
        n: pairs.
    """

    path_ratio: float
    jump: float
    steps: int
    n: int


def smoothness(model: LatentModel, x: Tensor, *, pairs: int = PAIRS, steps: int = STEPS) -> Smoothness | None:
    r"""Length of t -> E[x|z(t)], z(t) = (1 - t) z_a + t z_b, relative to the straight line between its ends.

    .. math:: \frac{\sum_k \|G(z_{k+1}) - G(z_k)\|}{\|G(z_K) - G(z_0)\|}, \quad G(z) = E[x|z]

    Source: the perceptual path length of Karras et al. 2019 (StyleGAN, section 4.1), here in the space of the data.

    Args:
        model: a VAE.
        x: items `[n, *event]`, in an order that means nothing: each is paired with its neighbour.
        pairs: most pairs.
        steps: parts of a path.

    Returns:
        None with fewer than two items, for codes that are numbers of a codebook, between which nothing lies, where p(x|z) has no mean, or if no
        pair's ends decode to different things.
    """
    n = min(pairs, len(x) // 2)
    if n < 1 or not _continuous(model, x[:1]) or not has_mean(model, x[:1]):
        return None
    together = max(1, codes_within_budget(model, x) // (steps + 1))
    lengths: list[Tensor] = []
    with torch.no_grad(), evaluating(model):
        share = torch.linspace(0, 1, steps + 1, dtype=x.dtype, device=x.device)
        for part in x[: 2 * n].split(2 * together):
            codes = model.encode(part).mean
            starts, ways = codes[::2], codes[1::2] - codes[::2]
            paths = starts + share.reshape(-1, *[1] * codes.ndim) * ways  # [steps + 1, pairs, ..]
            frames = model.conditional(paths, part[::2]).mean.flatten(2).double().cpu()
            lengths.append(torch.cat([frames.diff(dim=0), frames[-1:] - frames[:1]]).norm(dim=2))
    found = torch.cat(lengths, 1).T
    found = found[found[:, -1] > 0]
    if len(found) == 0:
        return None
    parts, whole = found[:, :-1], found[:, -1]
    ratio = (parts.sum(1) / whole).median()
    return Smoothness(float(ratio), float((parts.amax(1) / parts.mean(1)).median()), steps, len(found))


@torch.no_grad()
def _continuous(model: LatentModel, x: Tensor) -> bool:
    with evaluating(model), per_item_noise(item_keys(x), 0):
        return model.amortised(x).sample().is_floating_point()


@torch.no_grad()
def has_mean(model: LatentModel, x: Tensor) -> bool:
    """Whether p(x|z) has a mean; asked of the items `[1, *event]`."""
    with evaluating(model), per_item_noise(item_keys(x), 0):
        z = model.amortised(x).sample()
        return mean_of(model.conditional(z[None], x)) is not None
