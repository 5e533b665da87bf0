"""A graph that serves: what goes in, what comes out, and what Python gives for the same."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from numpy.typing import NDArray
from torch import nn

Arrays = Sequence[NDArray[Any]]


@dataclass(frozen=True)
class Port:
    """An input or output of a graph.

    Attributes:
        name: of the tensor.
        dtype: "float32", "float64" or "int64".
        shape: sizes, and names of axes whose size is free.
        meaning: in words, with units.
    """

    name: str
    dtype: str
    shape: tuple[int | str, ...]
    meaning: str

    @property
    def free(self) -> dict[int, str]:
        """The axes whose size is free, with their names."""
        return {i: size for i, size in enumerate(self.shape) if isinstance(size, str)}

    def __str__(self) -> str:
        return f"{self.name}: {self.dtype} [{', '.join(map(str, self.shape))}], {self.meaning}"


@dataclass(frozen=True)
class Graph:
    """A part of a fitted model as a function of tensors.

    Attributes:
        name: of its file, without the suffix.
        purpose: what it computes, in words.
        module: from the inputs, in their order, to the output, or to a tuple of the outputs.
        inputs: what it takes.
        outputs: what it gives.
        examples: `n` items as arrays of the inputs; another number may have another length too.
        expected: what Python gives for arrays of the inputs: arrays of the outputs.
        facts: of the metadata of its file: what columns, levels and tokens are; plain values.
    """

    name: str
    purpose: str
    module: nn.Module
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    examples: Callable[[int], Arrays]
    expected: Callable[..., Arrays]
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Written:
    """A graph that was written.

    Attributes:
        path: of the file.
        graph: what is in it.
        difference: largest absolute difference from what Python gives, over all outputs; None: there was nothing to run it with.
    """

    path: Path
    graph: Graph = field(repr=False)
    difference: float | None
