"""What keeps altered run folders from being taken for whole ones: digests of JSON, finite tensors, models no larger than their weights."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from torch import Tensor, nn
from torch.nn.modules.module import register_module_parameter_registration_hook

from latentia.errors import ConfigError, RunFolderError
from latentia.guard import in_words, room

DIGEST = "digest"
_A_WEIGHT = 16  # bytes: itself, its gradient, and what the optimizer keeps of it
_SPARE = 1 << 20  # numbers that a model may have beyond those that are kept


def sealed(entries: Mapping[str, Any]) -> dict[str, Any]:
    """Entries with a digest of them all.

    Example:
        >>> kept = sealed({"a": 1})
        >>> unsealed(kept), unsealed({**kept, "a": 2}), unsealed({"a": 1})
        ({'a': 1}, None, {'a': 1})
    """
    plain = {name: value for name, value in entries.items() if name != DIGEST}
    return {**plain, DIGEST: _digest(plain)}


def unsealed(entries: Mapping[str, Any]) -> dict[str, Any] | None:
    """The entries without their digest; None if it does not fit them. What has none, of earlier versions, is taken as it is."""
    plain = {name: value for name, value in entries.items() if name != DIGEST}
    return plain if entries.get(DIGEST, _digest(plain)) == _digest(plain) else None


def _digest(entries: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(entries, sort_keys=True).encode()).hexdigest()


def check_finite(tensors: Mapping[str, Tensor], where: str) -> None:
    """Refuse weights that are NaN or infinite.

    Raises:
        RunFolderError: names the first tensor.
    """
    for name, value in tensors.items():
        if value.is_floating_point() and not bool(value.isfinite().all()):
            raise RunFolderError(f"{where}: {name} is not finite everywhere; restore the file or fit again")


@contextmanager
def no_larger_than(most: int, why: str) -> Iterator[None]:
    """Within the block networks may be built of so many numbers together; more are refused before any of them is set.

    Raises:
        ConfigError: for more; `why` says how many there may be.
    """
    total = 0

    def count(module: nn.Module, name: str, weight: Any) -> None:  # noqa: ARG001  (the hook's signature)
        nonlocal total
        total += 0 if weight is None else weight.numel()
        if total > most:
            raise ConfigError(f"the networks would have more than {most:,} numbers: {why}")

    hook = register_module_parameter_registration_hook(count)
    try:
        yield
    finally:
        hook.remove()


def for_training() -> Any:
    """Within the block networks may be built that can be trained in the memory that is free."""
    free = room()
    return no_larger_than(
        free // _A_WEIGHT,
        f"training takes {_A_WEIGHT} bytes for each and {in_words(free)} are free; make them smaller, or take fewer columns or pixels",
    )


def for_reading(tensors: Mapping[str, Tensor]) -> Any:
    """Within the block networks may be built that the tensors of a run folder can fill."""
    kept = sum(value.numel() for value in tensors.values())
    return no_larger_than(2 * kept + _SPARE, f"the run folder holds {kept:,}; it was altered")
