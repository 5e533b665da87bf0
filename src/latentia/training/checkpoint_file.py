"""A checkpoint as a file: a safetensors file whose header holds the plain values as JSON, and a digest of all of it.

Values are numbers, text, lists, tuples, mappings and tensors, nested in any way. A mapping is written as its pairs, for its keys need
not be text; a tensor by its number, with the order of its axes in memory where that is not theirs.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

_DEEPEST = 40


def packed(values: dict[str, Any]) -> bytes:
    """The bytes of a file that holds the values.

    Example:
        >>> kept = packed({"step": 3, "weights": {0: torch.ones(2)}, "pair": (1, "a")})
        >>> unpacked(kept)
        {'step': 3, 'weights': {0: tensor([1., 1.])}, 'pair': (1, 'a')}
    """
    tensors: dict[str, Tensor] = {}
    tree = json.dumps(_plain(values, tensors))
    return save(tensors, {"tree": tree, "sha256": _digest(tree, tensors)})


def unpacked(content: bytes, device: str | torch.device = "cpu") -> dict[str, Any]:
    """The values of a file, tensors on a device.

    Raises:
        ValueError: if it is no such file, or was altered; says which.
    """
    try:
        tensors = load(content)
        about = _about(content)
    except (SafetensorError, RecursionError) as error:
        raise ValueError(f"it is no safetensors file ({error})") from None
    tree = about.get("tree", "")
    if _digest(tree, tensors) != about.get("sha256"):
        raise ValueError("its digest does not fit: it was altered")
    found = _values(json.loads(tree), {name: value.to(device) for name, value in tensors.items()})
    if not isinstance(found, dict):
        raise ValueError("it holds no mapping")
    return found


def _about(content: bytes) -> dict[str, str]:
    """What the header says beside the tensors."""
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    about = header.get("__metadata__", {})
    return about if isinstance(about, dict) else {}


def _digest(tree: str, tensors: dict[str, Tensor]) -> str:
    digest = hashlib.sha256(tree.encode())
    for name, value in sorted(tensors.items()):
        digest.update(f"{name} {value.dtype} {list(value.shape)};".encode())
        digest.update(value.contiguous().reshape(-1).view(torch.uint8).numpy().data if value.numel() else b"")
    return digest.hexdigest()


def _plain(value: Any, tensors: dict[str, Tensor]) -> Any:
    if isinstance(value, Tensor):
        name = str(len(tensors))
        kept = value.detach().cpu()
        # as they lie in memory: an optimizer's state must lie as its weights do
        order = sorted(range(kept.ndim), key=lambda axis: -kept.stride()[axis])
        tensors[name] = kept.permute(order).clone(memory_format=torch.contiguous_format)
        plain = order == list(range(kept.ndim))
        return {"tensor": name} if plain else {"tensor": name, "order": order}
    if isinstance(value, dict):
        return {"map": [[_plain(key, tensors), _plain(item, tensors)] for key, item in value.items()]}
    if isinstance(value, tuple):
        return {"tuple": [_plain(item, tensors) for item in value]}
    if isinstance(value, list):
        return [_plain(item, tensors) for item in value]
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise TypeError(f"a checkpoint cannot hold a {type(value).__name__}")


def _values(tree: Any, tensors: dict[str, Tensor], depth: int = 0) -> Any:
    if depth > _DEEPEST:
        raise ValueError("it is nested too deep")
    if isinstance(tree, list):
        return [_values(item, tensors, depth + 1) for item in tree]
    if not isinstance(tree, dict):
        return tree
    if "map" in tree:
        return {_values(k, tensors, depth + 1): _values(v, tensors, depth + 1) for k, v in tree["map"]}
    if "tuple" in tree:
        return tuple(_values(item, tensors, depth + 1) for item in tree["tuple"])
    found = tensors[tree["tensor"]]
    order = tree.get("order")
    if order is not None and sorted(order) != list(range(found.ndim)):
        raise ValueError("the order of a tensor's axes is none")
    return found if order is None else found.permute([order.index(axis) for axis in range(len(order))])
