"""Images put together of slots: as they are seen, or with some left out, moved or exchanged; and the table of objects."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from latentia.errors import ConfigError
from latentia.kinds.scene.seen import Seen

_PRESENT, _X, _Y = 0, 1, 2


def rebuilt(asked: Any, rows: NDArray[Any], batch_size: int = 100) -> Iterator[Tensor]:
    """Mean images `[B, C, H, W]` of what is seen: of a model with counts, of the most probable number of objects."""
    for x in asked.batches(rows, batch_size):
        with torch.inference_mode():
            _, scene = asked.module.seen(x)
            if scene.count is None:
                yield (scene.masks[0][:, :, None] * scene.parts[0]).sum(1)
            else:
                first = (
                    torch.arange(scene.parts.shape[2], device=x.device) <= scene.count[0].argmax(-1)[:, None]
                )
                yield (first[..., None, None, None] * scene.parts[0]).sum(1)


def edited(
    table: NDArray[Any],
    n_slots: int,
    remove: Sequence[int],
    move: Mapping[int, tuple[float, float]],
    swap: tuple[int, int] | None,
) -> NDArray[Any]:
    """Rows of slots with objects left out, moved or exchanged; numbers of objects begin at 1.

    Raises:
        ConfigError: for a slot that there is not, or a move that is no pair of numbers.
    """
    slots = np.array(table).reshape(len(table), n_slots, -1)
    for number in (*remove, *move, *(swap or ())):
        if (
            isinstance(number, bool)
            or not isinstance(number, (int, np.integer))
            or not 1 <= number <= n_slots
        ):
            raise ConfigError(f"object {number!r}: the model has places for objects 1 to {n_slots}")
    if swap is not None:
        a, b = (number - 1 for number in swap)
        places = slots[:, [a, b], _X : _Y + 1]
        slots[:, [b, a], _X : _Y + 1] = places
    for number, by in move.items():
        if len(by) != 2 or not (np.abs(by) <= 1).all():
            raise ConfigError(
                f"move of object {number} by {by!r}: two shares of the image are expected, right and down, from -1 to 1"
            )
        if number in remove:
            raise ConfigError(f"object {number} is to be left out and moved; say one of both")
        slots[:, number - 1, _X : _Y + 1] += np.asarray(by)
    for number in remove:
        slots[:, number - 1, _PRESENT] = 0
    flat: NDArray[Any] = slots.reshape(len(slots), -1)
    return flat


def object_table(found: Iterable[Seen]) -> Any:
    """A pandas table with a row for each slot that is used."""
    import pandas as pd

    tables, first = [], 0
    for seen in found:
        used = seen.presence > 0.5
        item, slot = np.nonzero(used)
        owner = (
            np.concatenate([np.clip(1 - seen.masks.sum(1, keepdims=True), 0, None), seen.masks], 1).argmax(1)
            - 1
        )
        area = np.stack([(owner == k).mean((1, 2)) for k in range(seen.masks.shape[1])], 1)
        columns = {
            "item": item + first,
            "slot": slot + 1,
            "present": seen.presence[used],
            **{name: seen.where[..., i][used] for i, name in enumerate(("x", "y", "width", "height"))},
            "area": area[used],
            "background": seen.ground[used],
            **{f"code_{i}": seen.codes[..., i][used] for i in range(seen.codes.shape[-1])},
        }
        tables.append(pd.DataFrame(columns))
        first += len(used)
    return pd.concat(tables, ignore_index=True)
