"""Where batches come from: an array that stays on the device, or one that is read row by row as it is needed."""

from __future__ import annotations

import copy
import math
import os
import warnings
import zlib
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, Self, cast

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from latentia.errors import ConfigError
from latentia.training.sparse import SparseRows
from latentia.training.weights import Weighed, in_proportion

Indices = npt.NDArray[np.int64]

_PERMUTATION = 0x7065726D  # keeps the stream of permutations apart from other uses of the same seed
_HASHED_BYTES = 64 * 2**20
_TOGETHER = 512


class Batches:
    """A data set as the training loop sees it: stored rows, and what makes model input of a batch of them.

    An array in memory of at most `memory_budget` bytes is moved to the device once, in its stored type, and batches are
    taken from it there. A `numpy.memmap` or a larger array is read by the workers of a `DataLoader`; `SparseRows` become dense a batch at a time.
    All give the same batches: the order is a pure function of seed and epoch (`permutation`).

    The last batch of an epoch is left out if it is smaller than a quarter of the others (or is a single row, on which
    batch normalisation has no variance); other rows are left out in the next epoch.

    Attributes:
        weight: of each row, `[n]` in float64, 1 on average; None: all alike (`weighed`).

    Args:
        x: the rows, `[n, *stored]`, of any numeric type.
        transform: stored batch `[B, *stored]` on the device -> model input `[B, *event]`, float; may draw from
            torch's random state (dynamic binarization).
        memory_budget: in bytes.
        workers: processes that read rows, for data that are not kept on the device; None: two, or one where there is one core.

    Raises:
        ConfigError: if there is no row.

    Example:
        >>> batches = Batches(np.arange(10, dtype=np.uint8)[:, None], lambda x: x.float() / 255)
        >>> len(batches), batches.n_batches(4), [len(x) for x in batches.ordered(4)]
        (10, 3, [4, 4, 2])
    """

    weight: npt.NDArray[np.float64] | None = None

    def __init__(
        self,
        x: npt.NDArray[Any] | Tensor | SparseRows,
        transform: Callable[[Tensor], Tensor],
        *,
        memory_budget: int = 4 * 2**30,
        workers: int | None = None,
    ) -> None:
        if len(x) == 0:
            raise ConfigError("a data set of 0 rows gives no batch; expected at least 1")
        n_bytes = x.nbytes
        self.resident = not isinstance(x, np.memmap | SparseRows) and n_bytes <= memory_budget
        self.x = x if isinstance(x, np.memmap | SparseRows) else _as_tensor(x)
        self.transform = transform
        self.memory_budget = memory_budget
        self.workers = _cores(2) if workers is None else workers
        self.device = torch.device("cpu")

    def __len__(self) -> int:
        """Number of rows."""
        return len(self.x)

    def to(self, device: torch.device) -> Batches:
        """The same batches on `device`."""
        rows = self.x.to(device) if self.resident and isinstance(self.x, Tensor) else self.x
        moved = Batches(rows, self.transform, memory_budget=self.memory_budget, workers=self.workers)
        moved.device, moved.weight = device, self.weight
        return moved

    def weighed(self, weight: npt.NDArray[np.float64] | None) -> Self:
        """The same with a weight for each row, brought to a mean of 1: training batches then come with their weights."""
        again = copy.copy(self)
        again.weight = None if weight is None else weight / weight.mean()
        return again

    def first(self, n: int) -> Batches:
        """The same of the first n rows."""
        few, rows = copy.copy(self), cast("Any", self.x)
        few.x = rows[:n]
        few.weight = None if self.weight is None else self.weight[:n]
        return few

    def n_batches(self, batch_size: int) -> int:
        """Batches of one training epoch."""
        return len(_slices(len(self), batch_size))

    def epoch(
        self, seed: int, epoch: int, batch_size: int, start: int = 0, *, stream: int = 0
    ) -> Iterator[Any]:
        """The stored batches (with weights: `Weighed`) of epoch `epoch` in its own order, from batch number `start` on; streams differ in order."""
        order = permutation(len(self), seed, epoch, stream)
        batches = [order[rows] for rows in _slices(len(self), batch_size)[start:]]
        stored = self._stored(batches)
        return stored if self.weight is None else map(Weighed, stored, map(self.weights, batches))

    def whole(self, rows: Indices) -> Tensor:
        """Some rows as one batch, ready for the model; of sparse ones few are dense before they are ready."""
        if not isinstance(self.x, SparseRows):
            return next(iter(self.ordered(len(rows), rows)))
        parts, found, start = self.ordered(_TOGETHER, rows), torch.empty(0), 0
        for part in parts:
            found = part.new_empty(len(rows), *part.shape[1:]) if not start else found
            found[start : start + len(part)] = part
            start += len(part)
        return found

    def weights(self, rows: Indices | slice) -> Tensor:
        """Weights of some rows, on the device."""
        assert self.weight is not None
        return torch.from_numpy(self.weight[rows]).float().to(self.device)

    def ordered(self, batch_size: int, rows: Indices | None = None) -> Ordered:
        """All rows (or those named by `rows`) in order, ready for the model, as often as they are iterated over."""
        return Ordered(self, np.arange(len(self)) if rows is None else rows, batch_size)

    def subset(self, size: int, seed: int) -> Indices:
        """Up to `size` row numbers, a pure function of `seed`, in ascending order: distinct ones, or, with weights, in proportion to them."""
        order = permutation(len(self), seed, -1)
        if self.weight is not None:
            return in_proportion(self.weight, order, min(size, len(self)))
        return np.sort(order[:size])

    def ready(self, stored: Tensor) -> Tensor:
        """Model input from a stored batch; images get the channels-last layout, in which convolutions are fastest."""
        x = self.transform(stored)
        return x.to(memory_format=torch.channels_last) if x.ndim == 4 else x

    def fingerprint(self) -> dict[str, Any]:
        """What tells this data set from another: size, type and a checksum of (evenly spread) rows."""
        step = max(1, math.ceil(self.x.nbytes / _HASHED_BYTES))
        rows = self.x[::step]
        array = np.ascontiguousarray(rows.cpu().numpy() if isinstance(rows, Tensor) else rows)
        return {
            "shape": list(self.x.shape),
            "type": str(self.x.dtype).removeprefix("torch."),
            "checksum": zlib.crc32(array.reshape(-1).view(np.uint8).data),
            **({} if self.weight is None else {"weights": zlib.crc32(self.weight.tobytes())}),
        }

    def _stored(self, batches: Sequence[Indices]) -> Iterator[Tensor]:
        if self.resident and isinstance(self.x, Tensor):
            if batches:  # one transfer of row numbers an epoch; a step waits for nothing
                order = torch.from_numpy(np.concatenate(batches)).to(self.device)
                yield from map(partial(self.x.index_select, 0), order.split([len(rows) for rows in batches]))
            return
        if isinstance(self.x, SparseRows):
            for rows in batches:
                yield _as_tensor(np.asarray(self.x[rows])).to(self.device)
            return
        loader: DataLoader[Tensor] = DataLoader(
            _Rows(self.x),
            batch_size=None,
            sampler=batches,  # each "index" is the rows of one batch
            num_workers=min(self.workers, len(batches)),
            pin_memory=self.device.type == "cuda",
            generator=torch.Generator(),  # its own, so that the loader draws nothing from the training noise
        )
        for stored in loader:
            yield stored.to(self.device, non_blocking=True)


class Ordered:
    """An iterable over model-ready batches of given rows; every iteration gives all of them again."""

    def __init__(self, source: Batches, rows: Indices, batch_size: int) -> None:
        self.source = source
        self.rows = rows
        self.batch_size = batch_size

    def __len__(self) -> int:
        """Number of batches."""
        return math.ceil(len(self.rows) / self.batch_size)

    def __iter__(self) -> Iterator[Tensor]:
        """Batches `[B, *event]`; the last may be smaller."""
        parts = [self.rows[i : i + self.batch_size] for i in range(0, len(self.rows), self.batch_size)]
        return map(self.source.ready, self.source._stored(parts))


def permutation(n: int, seed: int, epoch: int, stream: int = 0) -> Indices:
    """The order of `n` rows in epoch `epoch` of a stream: a pure function of its arguments.

    Example:
        >>> permutation(4, seed=0, epoch=1).tolist() == permutation(4, seed=0, epoch=1).tolist()
        True
    """
    return np.random.default_rng([_PERMUTATION, seed, epoch + 1, stream]).permutation(n)


def _slices(n: int, batch_size: int) -> list[slice]:
    size = min(batch_size, n)
    full, rest = divmod(n, size)
    slices = [slice(i * size, (i + 1) * size) for i in range(full)]
    if rest >= max(2, size / 4):
        slices.append(slice(full * size, n))
    return slices


def _as_tensor(x: npt.NDArray[Any] | Tensor) -> Tensor:
    if isinstance(x, Tensor):
        return x
    # torch has no index_select for the wider unsigned types, and no foreign byte orders
    wider = {"u2": "i4", "u4": "i8", "u8": "i8"}.get(x.dtype.str[1:], x.dtype.str[1:])
    array = np.ascontiguousarray(x, dtype=np.dtype(f"={wider}") if x.dtype.itemsize > 1 else x.dtype)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The given NumPy array is not writable")  # it is only read
        return torch.from_numpy(array)


class _Rows(Dataset[Tensor]):
    """Rows by number; a mapped file is opened again in each worker instead of being copied to it."""

    def __init__(self, x: np.memmap[Any, np.dtype[Any]] | Tensor) -> None:
        self.x = x

    def __getitem__(self, rows: Indices) -> Tensor:
        if isinstance(self.x, Tensor):
            return self.x[torch.from_numpy(rows)]
        return _as_tensor(np.asarray(self.x[rows]))

    def __getstate__(self) -> dict[str, Any]:
        if isinstance(self.x, Tensor):
            return {"x": self.x}
        root = self.x
        while isinstance(root.base, np.memmap):
            root = root.base
        start = self.x.__array_interface__["data"][0] - root.__array_interface__["data"][0]
        if root.filename is None or not self.x.flags.c_contiguous:
            return {"x": _as_tensor(np.asarray(self.x))}
        return {
            "file": str(root.filename),
            "dtype": self.x.dtype,
            "shape": self.x.shape,
            "offset": root.offset + start,
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        if "x" in state:
            self.x = state["x"]
            return
        file, dtype = state["file"], state["dtype"]
        self.x = np.memmap(file, dtype, "r", offset=state["offset"], shape=state["shape"])


def _cores(most: int) -> int:
    """CPU cores that this process may use, up to `most`."""
    allowed = getattr(os, "sched_getaffinity", None)  # Linux
    return min(most, len(allowed(0)) if allowed is not None else os.cpu_count() or 1)
