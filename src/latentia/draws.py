"""Where random numbers come from: generators of one's own, so that fits in several threads do not share noise.

Within `seeded` every draw of this library in this thread comes from generators that belong to the block; torch's global ones are
neither used nor changed. What other code draws there (initial weights of torch's layers, a person's own model) is led to the same
generators by a `TorchFunctionMode`, which holds for this thread alone; where all code is this library's own, as in most training steps,
it is left out, for it looks at every call of torch.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

_foreign: ContextVar[bool | None] = ContextVar("latentia_foreign_draws", default=None)
_own: ContextVar[dict[str, torch.Generator] | None] = ContextVar("latentia_generators", default=None)


def generator_for(device: torch.device) -> torch.Generator | None:
    """The generator of the block for a device; None outside of `seeded`: torch's global one."""
    own = _own.get()
    if own is None:
        return None
    if device.type not in own:  # the one that the block was made for says how the others are seeded
        own[device.type] = torch.Generator(device).manual_seed(own["cpu"].initial_seed())
    return own[device.type]


@contextmanager
def seeded(seed: int, device: torch.device, *, foreign: bool | None = None) -> Iterator[None]:
    """Within the block all draws of this thread come from generators that start at `seed`.

    Args:
        seed: of the generators.
        device: on which there will be draws, beside the CPU.
        foreign: whether code that is not this library's may draw as well; None: as in the block around this one, or, where there is none, yes.

    Example:
        >>> with seeded(0, torch.device("cpu")):
        ...     first = torch.rand(2)
        >>> with seeded(0, torch.device("cpu")):
        ...     bool(torch.equal(first, torch.rand(2)))
        True
    """
    own = {"cpu": torch.Generator().manual_seed(seed)}
    if device.type != "cpu":
        own[device.type] = torch.Generator(device).manual_seed(seed)
    outer = _foreign.get()
    wanted = (outer is not False) if foreign is None else foreign
    tokens = _own.set(own), _foreign.set(wanted)
    try:
        with ExitStack() as stack:
            if wanted and not outer:  # the mode of the block around this one leads to these generators too
                stack.enter_context(_Routed())
            yield
    finally:
        _own.reset(tokens[0])
        _foreign.reset(tokens[1])


@contextmanager
def globally_seeded(seed: int, device: torch.device) -> Iterator[None]:
    """Within the block the global generators of Python, NumPy and torch start from `seed`; after it they are as they were.

    For a model of a person's own, which may draw from where no generator can be given; not for several threads.
    """
    kept = random.getstate(), np.random.get_state(), torch.get_rng_state()  # noqa: NPY002  the global one
    on_device = torch.cuda.get_rng_state(device) if device.type == "cuda" else None
    try:
        random.seed(seed)
        np.random.seed(seed % 2**32)  # noqa: NPY002
        torch.default_generator.manual_seed(
            seed
        )  # not torch.manual_seed: it would also wake devices that are not used
        if device.type == "cuda":
            with torch.cuda.device(device):
                torch.cuda.manual_seed(seed)
        yield
    finally:
        random.setstate(kept[0])
        np.random.set_state(kept[1])  # noqa: NPY002
        torch.set_rng_state(kept[2])
        if on_device is not None:
            torch.cuda.set_rng_state(on_device, device)


def states() -> dict[str, Tensor]:
    """The state of the block's generators, by type of device."""
    return {name: generator.get_state() for name, generator in (_own.get() or {}).items()}


def restore(kept: dict[str, Tensor]) -> None:
    """Put the block's generators back to what `states` gave."""
    own = _own.get()
    assert own is not None, "restore stands within seeded"
    for name, state in kept.items():
        if name not in own:
            own[name] = torch.Generator(name)
        own[name].set_state(state)


def randn(shape: Sequence[int], *, dtype: torch.dtype | None = None, device: Any = None) -> Tensor:
    """Standard-normal numbers."""
    place = torch.device(device or "cpu")
    return torch.randn(tuple(shape), dtype=dtype, device=place, generator=generator_for(place))


def rand(shape: Sequence[int], *, dtype: torch.dtype | None = None, device: Any = None) -> Tensor:
    """Numbers uniform on [0, 1)."""
    place = torch.device(device or "cpu")
    return torch.rand(tuple(shape), dtype=dtype, device=place, generator=generator_for(place))


def randint(high: int, shape: Sequence[int], *, device: Any = None) -> Tensor:
    """Whole numbers from 0 to `high` - 1."""
    place = torch.device(device or "cpu")
    return torch.randint(high, tuple(shape), device=place, generator=generator_for(place))


def randperm(n: int, *, device: Any = None) -> Tensor:
    """A permutation of 0 ... n - 1."""
    place = torch.device(device or "cpu")
    return torch.randperm(n, device=place, generator=generator_for(place))


def exponential(like: Tensor) -> Tensor:
    """Standard exponential numbers, in the shape and type of `like`."""
    return torch.empty_like(like).exponential_(generator=generator_for(like.device))


def bernoulli(p: Tensor) -> Tensor:
    """Ones with probability p, else zeros."""
    return torch.bernoulli(p, generator=generator_for(p.device))


def poisson(rate: Tensor) -> Tensor:
    """Poisson counts."""
    return torch.poisson(rate, generator=generator_for(rate.device))


def standard_gamma(concentration: Tensor) -> Tensor:
    """Gamma numbers of rate 1."""
    return torch._standard_gamma(concentration, generator=generator_for(concentration.device))


def multinomial(weights: Tensor, n: int, replacement: bool = False) -> Tensor:
    """Places drawn by their weights, `[..., n]`."""
    return torch.multinomial(weights, n, replacement=replacement, generator=generator_for(weights.device))


def _placed(given: Any) -> torch.device:
    return torch.device(given) if given is not None else torch.get_default_device()


def _of_shape(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """`rand_like` and its relatives, which may take no generator, by the function of a shape."""

    def drawn(like: Tensor, *args: Any, **options: Any) -> Tensor:
        options.pop("memory_format", None)
        device = _placed(options.pop("device", None) or like.device)
        dtype = options.pop("dtype", None) or like.dtype
        return function(
            *args, like.shape, dtype=dtype, device=device, generator=generator_for(device), **options
        )

    return drawn


def _dropout(x: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:  # noqa: ARG001
    if not training or p == 0:
        return x
    return x * bernoulli(torch.full_like(x, 1 - p)) / (1 - p) if p < 1 else x * 0


_MAKERS = {torch.rand, torch.randn, torch.randint, torch.randperm}
_LIKE = {
    torch.rand_like: _of_shape(torch.rand),
    torch.randn_like: _of_shape(torch.randn),
    torch.randint_like: _of_shape(torch.randint),
    torch.nn.functional.dropout: _dropout,
}
_OF_TENSOR = {
    torch.bernoulli, torch.multinomial, torch.poisson, torch.normal, torch.binomial, torch._standard_gamma,
    torch._sample_dirichlet, Tensor.normal_, Tensor.uniform_, Tensor.exponential_, Tensor.bernoulli_, Tensor.random_,
    Tensor.cauchy_, Tensor.geometric_, Tensor.log_normal_, Tensor.bernoulli, Tensor.multinomial,
}  # fmt: skip


class _Routed(TorchFunctionMode):
    """Gives the block's generator to whatever draws without one."""

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if func in _LIKE:
            return _LIKE[func](*args, **kwargs)
        draws = func in _MAKERS or func in _OF_TENSOR or "generator" in kwargs  # the last: torch.nn.init
        if draws and kwargs.get("generator") is None:
            tensor = next((a for a in (*args, *kwargs.values()) if isinstance(a, Tensor)), None)
            device = tensor.device if tensor is not None else _placed(kwargs.get("device"))
            kwargs = {**kwargs, "generator": generator_for(device)}
        return func(*args, **kwargs)
