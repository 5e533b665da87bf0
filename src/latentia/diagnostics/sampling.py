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
        return joined(self._items)[order]


def joined(batches: list[Tensor]) -> Tensor:
    """Batches as one; those of whole numbers may be padded to unlike lengths, and are padded to the longest.

    Example:
        >>> joined([torch.tensor([[1, 2]]), torch.tensor([[3]])]).tolist()
        [[1, 2], [3, -1]]
    """
    if batches and batches[0].ndim == 2 and not batches[0].is_floating_point():
        longest = max(x.shape[1] for x in batches)
        batches = [torch.nn.functional.pad(x, (0, longest - x.shape[1]), value=-1) for x in batches]
    return torch.cat(batches)
