"""What objects in windows say of the pixels of an image."""

from __future__ import annotations

import torch
from torch import Tensor

from latentia.core import Scene
from latentia.latent.scenes.counts import at_least
from latentia.latent.scenes.objects import Unrolled
from latentia.nn.spatial import boxes

_BLACK = 0.05
"""Standard deviation of black by which a pixel is told to be an object's: a rule of this project, set on training images."""


def scene_of_windows(x: Tensor, found: Unrolled, log_q: Tensor) -> Scene:
    """The scene of objects that are painted on black: a bright pixel is that object's which paints most of it.

    Args:
        x: images `[B, C, H, W]`.
        found: objects of them, in the order `[S B]`.
        log_q: log q(n|x, z), `[S, B, N + 1]`.

    Returns:
        Slot 0 is the background, slot i the i-th object.
    """
    lead, log_q = log_q.shape[:2], log_q.detach()
    layers, window = found.layers.detach().unflatten(0, lead), found.windows.detach().unflatten(0, lead)
    there = at_least(log_q)
    ink = (there[..., None, None] * layers.mean(3)).clamp(1e-6, 1 - 1e-6)
    bright = x.square().mean(1)[:, None] / (2 * _BLACK**2)
    ground = torch.log1p(-ink).sum(2, keepdim=True)
    whole = there.new_tensor([0.5, 0.5, 1.0, 1.0]).expand(*lead, 1, 4)
    return Scene(
        masks=torch.cat([ground, ink.log() + bright], 2).softmax(2),
        parts=torch.cat([torch.zeros_like(layers[:, :, :1]), layers], 2),
        presence=torch.cat([torch.ones_like(there[..., :1]), there], 2),
        where=torch.cat([whole, boxes(window)], 2),
        count=log_q,
        background=0,
    )
