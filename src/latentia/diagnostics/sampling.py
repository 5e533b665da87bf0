"""A sample of a stream of batches that depends on the items alone, not on their order or batching."""

from __future__ import annotations

import torch
from torch import Tensor

from latentia.distributions import item_keys


class Sample:
    """Keeps the `size` items whose keys (hashes of their values) are the smallest: a random sample without a generator.

    Args:
        size: most items kept; None keeps all.

    Example:
        >>> x = torch.arange(10.0)[:, None]
        >>> whole, parts = Sample(3), Sample(3)
        >>> whole.add(x)
        >>> parts.add(x.flip(0)[:4]); parts.add(x.flip(0)[4:])
        >>> bool((whole.items == parts.items).all())
        True
    """

    def __init__(self, size: int | None) -> None:
        self.size = size
        self._items: list[Tensor] = []
        self._keys: list[Tensor] = []

    def add(self, x: Tensor) -> None:
        """Look at a batch `[B, *event]`."""
        self._items.append(x)
        self._keys.append(item_keys(x))
        if self.size is not None and sum(map(len, self._keys)) > 2 * self.size:
            self._items, self._keys = [self.items], [item_keys(self.items)]

    @property
    def items(self) -> Tensor:
        """What is kept, `[n, *event]`, in the order of the keys."""
        order = torch.cat(self._keys).sort(stable=True).indices[: self.size]
        return torch.cat(self._items)[order]
