"""Where reparameterised Gaussians draw their noise: torch's generator, or a pure function of each item.

By default `standard_normal` is `torch.randn`. Inside `per_item_noise` the numbers are counter-based: each is a
hash of (seed, key of the item, sample index, dimension, number of the call), so that an item gets the same noise in
whatever batch, at whatever place, and in however many chunks of samples it is evaluated.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

import torch
from jaxtyping import Int64
from torch import Tensor

from latentia import draws
from latentia.distributions.numerics import widened


def _signed(value: int) -> int:
    """An unsigned 64-bit number as the signed one of the same bits, which is what torch has."""
    value &= 2**64 - 1
    return value - 2**64 if value >= 2**63 else value


_GOLDEN = _signed(0x9E3779B97F4A7C15)
_MIX_1 = _signed(0xBF58476D1CE4E5B9)
_MIX_2 = _signed(0x94D049BB133111EB)
_LOW_32 = 2**32 - 1


def _mix_(x: Tensor) -> Tensor:
    """The finaliser of splitmix64 (Steele, Lea and Flood 2014), in place; int64 products wrap around."""
    # torch's >> copies the sign bit, so the shifted-in bits are masked away.
    for shift, factor in ((30, _MIX_1), (27, _MIX_2)):
        x ^= (x >> shift).bitwise_and_(2 ** (64 - shift) - 1)
        x *= factor
    x ^= (x >> 31).bitwise_and_(2**33 - 1)
    return x


def _counters(start: int, n: int, device: torch.device) -> Tensor:
    """The splitmix64 increments number start+1 ... start+n."""
    return torch.arange(start + 1, start + n + 1, dtype=torch.int64, device=device) * _GOLDEN


@dataclass
class _ItemNoise:
    """State of one `per_item_noise` block: the only thing that changes in it is the number of calls."""

    keys: Tensor
    seed: int
    first_sample: int
    calls: int = 0

    def draw(self, shape: torch.Size, like: Tensor, item_dim: int) -> Tensor:
        if shape[item_dim] != len(self.keys):
            raise ValueError(
                f"noise of shape {tuple(shape)} has {shape[item_dim]} items in dimension {item_dim}, but "
                f"per_item_noise was given {len(self.keys)} keys; give one key per item of the batch"
            )
        device = like.device
        item_dim %= len(shape)
        n_samples, n_dims = math.prod(shape[:item_dim]), math.prod(shape[item_dim + 1 :])
        n_pairs = (n_dims + 1) // 2
        stream = _mix_(torch.tensor([_signed(self.seed)], device=device) + _GOLDEN)
        stream = _mix_(stream + _counters(self.calls, 1, device))
        self.calls += 1
        bits = _mix_(stream + self.keys.to(device))  # [B]
        bits = _mix_(bits + _counters(self.first_sample, n_samples, device)[:, None])  # [S, B]
        bits = _mix_(bits[..., None] + _counters(0, n_pairs, device))  # [S, B, P]
        # Box-Muller: one 64-bit hash holds both 32-bit uniforms of a pair of normals.
        angle = widened(bits & _LOW_32).mul_(2 * math.pi / 2**32)
        radius = widened((bits >> 32).bitwise_and_(_LOW_32)).add_(0.5).mul_(2.0**-32).log_().mul_(-2).sqrt_()
        out = torch.empty((n_samples, len(self.keys), n_pairs, 2), dtype=like.dtype, device=device)
        out[..., 0] = radius * angle.cos()
        out[..., 1] = radius * angle.sin()
        return out.flatten(-2)[..., :n_dims].reshape(shape)


_source: ContextVar[_ItemNoise | _Replayed | None] = ContextVar("latentia_noise", default=None)


def standard_normal(shape: Sequence[int], like: Tensor, item_dim: int | None) -> Tensor:
    """Draw independent standard-normal numbers.

    Args:
        shape: of the result: sample dimensions, then items, then dimensions of the event.
        like: its dtype and device are those of the result.
        item_dim: which dimension of `shape` counts the items; None if there are no items (a prior), which are
            drawn from torch's generator even inside `per_item_noise`.

    Returns:
        Noise of the given shape.

    Raises:
        ValueError: inside `per_item_noise`, if the number of items is not the number of keys.

    Example:
        >>> standard_normal((10, 4, 2), torch.zeros(()), item_dim=1).shape
        torch.Size([10, 4, 2])
    """
    source = _source.get()
    if source is None or item_dim is None:
        return draws.randn(shape, dtype=like.dtype, device=like.device)
    return source.draw(torch.Size(shape), like, item_dim)


def item_normal(like: Tensor) -> Tensor | None:
    """Inside `per_item_noise`: standard-normal numbers in the shape of `like`, `[S B, ...]`, the batch repeated S times; else None."""
    source = _source.get()
    if not isinstance(source, _ItemNoise):
        return None
    split = torch.Size([like.shape[0] // len(source.keys), len(source.keys), *like.shape[1:]])
    return source.draw(split, like, item_dim=1).reshape(like.shape)


@contextmanager
def per_item_noise(keys: Int64[Tensor, " items"], seed: int, first_sample: int = 0) -> Iterator[None]:
    """Within this block the noise of an item is a pure function of its key.

    The n-th call of `standard_normal` in the block gives item b, sample s, dimension d the number
    f(seed, keys[b], first_sample + s, d, n). Where several dimensions precede the items, s is their flattened index.

    Args:
        keys: one for each item of the batch, for instance from `item_keys`; equal keys get equal noise.
        seed: any integer.
        first_sample: index of the first sample drawn here, so that chunks of samples continue each other.

    Example:
        >>> keys, like = torch.tensor([7, 8, 9]), torch.zeros(())
        >>> with per_item_noise(keys, seed=0):
        ...     whole = standard_normal((5, 3, 2), like, item_dim=1)
        >>> with per_item_noise(keys[2:], seed=0, first_sample=4):
        ...     part = standard_normal((1, 1, 2), like, item_dim=1)
        >>> bool((part == whole[4:, 2:]).all())
        True
    """
    token = _source.set(_ItemNoise(keys, seed, first_sample))
    try:
        yield
    finally:
        _source.reset(token)


_same: ContextVar[bool] = ContextVar("latentia_same_noise", default=False)


@contextmanager
def same_noise() -> Iterator[None]:
    """Within this block all items have the same key, and so the same noise: scores are then those of a graph whose draws are constants.

    Example:
        >>> with same_noise():
        ...     item_keys(torch.tensor([[1.0], [2.0]])).tolist()
        [0, 0]
    """
    token = _same.set(True)
    try:
        yield
    finally:
        _same.reset(token)


@dataclass
class _Replayed:
    """Noise that was drawn before, one tensor a call; with `like_one` those of one item are drawn, and kept."""

    numbers: list[Tensor]
    like_one: _ItemNoise | None = None
    calls: int = 0

    def draw(self, shape: torch.Size, like: Tensor, item_dim: int) -> Tensor:
        if self.like_one is not None:
            self.numbers.append(self.like_one.draw(shape, like, item_dim))
        self.calls += 1
        return self.numbers[self.calls - 1]


def noise_of_one(draw: Callable[[], object], seed: int = 0) -> list[Tensor]:
    """What `draw`, which draws for one item within `same_noise`, takes of `standard_normal`: a tensor a call."""
    zero = torch.zeros(1, dtype=torch.int64)
    source = _Replayed([], _ItemNoise(zero, seed, 0))
    token = _source.set(source)
    try:
        draw()
    finally:
        _source.reset(token)
    return source.numbers


@contextmanager
def replayed_noise(numbers: list[Tensor]) -> Iterator[None]:
    """Within this block the n-th call of `standard_normal` for items gives the n-th of these tensors, which broadcasts over items."""
    token = _source.set(_Replayed(numbers))
    try:
        yield
    finally:
        _source.reset(token)


@contextmanager
def generator_noise() -> Iterator[None]:
    """Within this block noise comes from torch's generator, also inside `per_item_noise`: for what belongs to no item."""
    token = _source.set(None)
    try:
        yield
    finally:
        _source.reset(token)


def item_keys(x: Tensor) -> Int64[Tensor, " items"]:
    """Hash each row's bits to 64: equal rows have equal keys, different rows different ones (but for chance, 2^-64).

    The key is the hash of the wrapped sum over elements of a hash of (element, position): it does not depend on the other rows.
    Negative zero counts as zero, and negative whole numbers, which pad sequences, count as nothing. A row has different keys in
    different dtypes.

    Args:
        x: `[B, *event]`, floating point, integer or boolean.

    Returns:
        `[B]` int64.

    Example:
        >>> keys = item_keys(torch.tensor([[1.0, 2.0], [2.0, 1.0], [1.0, 2.0]]))
        >>> bool(keys[0] == keys[2]), bool(keys[0] == keys[1])
        (True, False)
    """
    if _same.get():
        return torch.zeros(len(x), dtype=torch.int64, device=x.device)
    rows = x.detach().reshape(len(x), math.prod(x.shape[1:]))
    if rows.is_floating_point():
        integers = {2: torch.int16, 4: torch.int32, 8: torch.int64}
        rows = (rows + 0.0).view(integers[rows.element_size()])
    hashed = _mix_(rows.to(torch.int64) + _counters(0, rows.shape[1], rows.device))
    if (
        not x.is_floating_point()
    ):  # what stands behind the end of a sequence: its key does not depend on the padding
        hashed = hashed.masked_fill(rows < 0, 0)
    return _mix_(hashed.sum(1))
