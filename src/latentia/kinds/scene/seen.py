"""What a model sees in images, as plain arrays: slots in an order that means something, masks, numbers of objects."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from latentia.core import Scene
from latentia.diagnostics.scenes import border_slot, present_slots

SEEN = 5
"""Numbers of a slot before its code: whether it is present, x, y, width, height."""


@dataclass(frozen=True)
class Seen:
    """K slots with codes of n images, objects first by y and then x, then the background, then slots that are not used.

    Attributes:
        presence: probability that the slot is used, `[n, K]`.
        where: x, y, width, height as shares of the image, `[n, K, 4]`; y downwards.
        codes: `[n, K, d]`.
        masks: share of each pixel that is the slot's, `[n, K, H, W]`; what is missing to 1 is a background without a code.
        parts: mean of each slot's appearance, `[n, K, C, H, W]`.
        ground: which slot is the background, `[n, K]`.
        counts: q(n|x), `[n, N + 1]`, of a model that has one; else None.
    """

    presence: NDArray[np.float32]
    where: NDArray[np.float32]
    codes: NDArray[np.float32]
    masks: NDArray[np.float32]
    parts: NDArray[np.float32]
    ground: NDArray[np.bool_]
    counts: NDArray[np.float64] | None

    @classmethod
    def of(cls, model: Any, z: Tensor, scene: Scene) -> Self:
        """Of what `model.seen` gave for a batch."""
        own = list(model.object_slots)
        values = {
            "presence": scene.presence[0][:, own],
            "where": scene.where[0][:, own],
            "codes": model.own_codes(z),
            "masks": scene.masks[0][:, own],
            "parts": scene.parts[0][:, own],
        }
        arrays = {name: value.detach().cpu().float().numpy() for name, value in values.items()}
        n, k = arrays["presence"].shape
        ground = np.zeros((n, k), bool)
        if scene.background is None and k > 1:
            ground[np.arange(n), border_slot(arrays["masks"])] = True
        if scene.count is None:
            arrays["presence"] = present_slots(arrays["masks"]).astype(np.float32)
        arrays["ground"] = ground
        order = _order(arrays)
        sorted_ = {
            name: np.take_along_axis(value, order.reshape(n, k, *[1] * (value.ndim - 2)), 1)
            for name, value in arrays.items()
        }
        counts = None if scene.count is None else scene.count[0].exp().cpu().double().numpy()
        return cls(**sorted_, counts=counts)

    @property
    def objects(self) -> NDArray[np.bool_]:
        """Which slots hold an object: used, and not the background, `[n, K]`."""
        return (self.presence > 0.5) & ~self.ground

    @property
    def numbers(self) -> NDArray[np.int64]:
        """Number of objects, `[n]`: the most probable one where numbers have a probability."""
        return self.objects.sum(1) if self.counts is None else self.counts.argmax(1)

    @property
    def labels(self) -> NDArray[np.int64]:
        """Whose each pixel is, `[n, H, W]`: 0 the background, i the i-th object."""
        k = self.masks.shape[1]
        rest = np.clip(1 - self.masks.sum(1, keepdims=True), 0, None)
        owner = np.concatenate([rest, self.masks], 1).argmax(1)
        names = np.where(self.objects, self.objects.cumsum(1), 0)
        names = np.concatenate([np.zeros((len(names), 1), names.dtype), names], 1)
        return (
            np.take_along_axis(names, owner.reshape(len(owner), -1), 1).reshape(owner.shape) if k else owner
        )

    @property
    def table(self) -> NDArray[np.float32]:
        """A row for each image, `[n, K (5 + d)]`: of each slot present, x, y, width, height and its code."""
        slots = np.concatenate([self.presence[..., None], self.where, self.codes], -1)
        return slots.reshape(len(slots), -1)


def _order(arrays: dict[str, NDArray[Any]]) -> NDArray[np.int64]:
    """Slots in reading order, `[n, K]`: objects by y and then x, the background, what is not used."""
    used = arrays["presence"] > 0.5
    role = np.where(used & ~arrays["ground"], 0, np.where(arrays["ground"], 1, 2))
    x, y = arrays["where"][..., 0], arrays["where"][..., 1]
    return np.lexsort(np.stack([x, y, role]), axis=-1)


def each_seen(asked: Any, rows: NDArray[Any], batch_size: int = 100) -> Iterator[Seen]:
    """What the module of an `Inference` sees in images, some at a time: masks of all would fill the memory."""
    for x in asked.batches(rows, batch_size):
        with torch.inference_mode():
            yield Seen.of(asked.module, *asked.module.seen(x))


def slots_of(table: NDArray[Any], n_slots: int) -> tuple[Any, Any, Any]:
    """Presence, boxes and codes of rows as `Seen.table` has them."""
    slots = table.reshape(len(table), n_slots, -1)
    return slots[..., 0], slots[..., 1:SEEN], slots[..., SEEN:]


def column_names(n_slots: int, code: int) -> list[str]:
    """Names of the columns of `Seen.table`.

    Example:
        >>> column_names(2, 1)[:7]
        ['slot1_present', 'slot1_x', 'slot1_y', 'slot1_width', 'slot1_height', 'slot1_code0', 'slot2_present']
    """
    own = ["present", "x", "y", "width", "height", *(f"code{i}" for i in range(code))]
    return [f"slot{k + 1}_{name}" for k in range(n_slots) for name in own]
