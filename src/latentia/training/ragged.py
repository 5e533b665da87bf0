"""Batches of sequences of unlike lengths: padded to the longest of the batch, with neighbours of like length."""

from __future__ import annotations

import copy
import zlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from latentia.errors import ConfigError
from latentia.training.batches import Batches, Indices, permutation

WINDOW = 100
"""Batches whose sequences are sorted by length together: more waste less padding, fewer mix lengths better."""


class Sequences(Protocol):
    """Sequences behind one another: `latentia.data.items.Ragged`."""

    @property
    def values(self) -> npt.NDArray[Any]: ...  # noqa: D102
    @property
    def offsets(self) -> npt.NDArray[np.int64]: ...  # noqa: D102

    def __len__(self) -> int: ...

    @property
    def lengths(self) -> npt.NDArray[np.int64]: ...  # noqa: D102


class Padded(NamedTuple):
    """A batch of series or frames, and how long each is.

    Attributes:
        x: `[B, T, *event]`, T the longest of the batch; zeros behind each end.
        lengths: `[B]`.
    """

    x: Tensor
    lengths: Tensor

    def __len__(self) -> int:
        """Number of sequences."""
        return len(self.lengths)


class RaggedBatches(Batches):
    """`Batches` of sequences. Tokens become `[B, T]` with -1 behind each end; series and frames `Padded`.

    An epoch's order is a pure function of seed and epoch: sequences are permuted, sorted by length within windows of
    `WINDOW` batches, cut into batches, and the batches are permuted.

    Args:
        x: the sequences.
        transform: padded batch on the device -> model input.
        memory_budget: in bytes; larger data stay in the host's memory.

    Example:
        >>> from latentia.data.items import Ragged
        >>> words = Ragged.of([np.array([5, 6, 7]), np.array([8]), np.array([9, 9])])
        >>> batches = RaggedBatches(words, lambda x: x)
        >>> [x.tolist() for x in batches.ordered(2)]
        [[[5, 6, 7], [8, -1, -1]], [[9, 9]]]
    """

    def __init__(
        self, x: Sequences, transform: Callable[[Any], Any], *, memory_budget: int = 4 * 2**30
    ) -> None:
        if len(x) == 0:
            raise ConfigError("a data set of 0 sequences gives no batch; expected at least 1")
        self.source = x
        self.lengths = np.asarray(x.lengths)
        self.values = torch.as_tensor(np.ascontiguousarray(x.values))
        self.resident = x.values.nbytes <= memory_budget
        self.transform, self.memory_budget, self.workers = transform, memory_budget, 0
        self.device = torch.device("cpu")

    def __len__(self) -> int:
        """Number of sequences."""
        return len(self.lengths)

    def to(self, device: torch.device) -> RaggedBatches:
        """The same batches on `device`."""
        moved = RaggedBatches(self.source, self.transform, memory_budget=self.memory_budget)
        moved.device = device
        if self.resident:
            moved.values = moved.values.to(device)
        return moved

    def whole(self, rows: Indices) -> Tensor:
        """Some sequences as one batch, ready for the model."""
        return next(iter(self.ordered(len(rows), rows)))

    def first(self, n: int) -> RaggedBatches:
        """The same of the first n sequences."""
        few = copy.copy(self)
        few.lengths = self.lengths[:n]
        return few

    def epoch(
        self, seed: int, epoch: int, batch_size: int, start: int = 0, *, stream: int = 0
    ) -> Iterator[Any]:
        """The padded batches of an epoch, from batch number `start` on."""
        order = permutation(len(self), seed, epoch, stream)
        window = WINDOW * batch_size
        for first in range(0, len(order), window):
            part = order[first : first + window]
            order[first : first + window] = part[np.argsort(-self.lengths[part], kind="stable")]
        n = self.n_batches(batch_size)
        parts = [order[i * batch_size : (i + 1) * batch_size] for i in range(n)]
        places = np.random.default_rng([seed, epoch + 1, stream, 1]).permutation(n)
        return self._stored([parts[i] for i in places[start:]])

    def ready(self, stored: Any) -> Any:
        """Model input from a padded batch."""
        return self.transform(stored)

    def fingerprint(self) -> dict[str, Any]:
        """What tells these sequences from others."""
        content = np.ascontiguousarray(self.source.values).reshape(-1).view(np.uint8)
        return {
            "shape": [len(self), *self.source.values.shape[1:]],
            "type": str(self.source.values.dtype),
            "checksum": zlib.crc32(self.lengths.tobytes(), zlib.crc32(content.data)),
        }

    def padding(self, seed: int, epoch: int, batch_size: int) -> float:
        """Share of an epoch's places that stand behind an end."""
        real = places = 0
        for x in self.epoch(seed, epoch, batch_size):
            values, lengths = (x.x, x.lengths) if isinstance(x, Padded) else (x, (x >= 0).sum(1))
            real, places = real + int(lengths.sum()), places + values.shape[0] * values.shape[1]
        return 1 - real / places

    def _stored(self, batches: Sequence[Indices]) -> Iterator[Any]:
        for rows in batches:
            lengths = self.lengths[rows]
            steps = np.arange(int(lengths.max(initial=0)))
            there = torch.from_numpy(steps < lengths[:, None]).to(self.values.device)
            places = np.minimum(self.source.offsets[rows][:, None] + steps, max(0, len(self.values) - 1))
            x = self.values[torch.from_numpy(places).to(self.values.device)].to(self.device)
            there = there.to(self.device)
            if x.ndim == 2 and not x.is_floating_point():
                yield x.masked_fill(~there, -1)
                continue
            x = x.masked_fill(~there.reshape(*there.shape, *[1] * (x.ndim - 2)), 0)
            yield Padded(x, torch.from_numpy(lengths).to(self.device))
