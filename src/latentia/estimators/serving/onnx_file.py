"""Graphs as ONNX files, each held against what Python gives."""

from __future__ import annotations

import io
import json
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from latentia.errors import ConfigError, MissingExtraError
from latentia.estimators.serving.graph import Arrays, Graph, Port, Written
from latentia.estimators.serving.operators import OPSET, operators
from latentia.files import write_atomically
from latentia.version import __version__

TOLERANCE = 1e-4
"""Largest difference from Python that is written, relative to the largest number of an output (to 1, where that is less)."""
_LEFT_OUT = "`only` (--only) names the graphs that are written"
_TRACED, _CHECKED = 3, (1, 5)


def write_graphs(graphs: Sequence[Graph], folder: Path) -> list[Written]:
    """Write each graph as `NAME.onnx` into a folder: all of them, or none.

    Each is checked by onnx and, where onnxruntime is installed, run on items of other numbers than it was traced with and held against
    what Python gives. What each input, output, column and level is stands in the file's `metadata_props`.

    Raises:
        MissingExtraError: if onnx is not installed.
        ConfigError: if a graph has a function that ONNX does not have, or does not give what Python gives.
        RunFolderError: if the folder cannot be written.
    """
    contents = []
    for graph in graphs:
        proto = as_proto(graph)
        content = proto.SerializeToString()
        contents.append((graph, content, _difference(graph, content)))
    written = []
    for graph, content, difference in contents:
        path = folder / f"{graph.name}.onnx"
        write_atomically(path, content)
        written.append(Written(path, graph, difference))
    return written


def as_proto(graph: Graph) -> Any:
    """The checked `onnx.ModelProto` of a graph.

    Raises:
        MissingExtraError, ConfigError: see `write_graphs`.
    """
    try:
        import onnx
    except ImportError:
        raise MissingExtraError("onnx is not installed: pip install 'latentia[onnx]'") from None
    proto = onnx.load_from_string(_traced(graph))
    facts = {**graph.facts, "inputs": [_told(port) for port in graph.inputs]}
    facts["outputs"] = [_told(port) for port in graph.outputs]
    proto.producer_name, proto.producer_version = "latentia", __version__
    proto.graph.name, proto.doc_string = graph.name, graph.purpose
    onnx.helper.set_model_props(proto, {name: _plain(value) for name, value in facts.items()})
    try:
        onnx.checker.check_model(proto, full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        raise ConfigError(
            f"{graph.name}.onnx: this model cannot be written as ONNX ({_first_line(error)}); {_LEFT_OUT}"
        ) from None
    return proto


def _told(port: Port) -> dict[str, Any]:
    return {"name": port.name, "dtype": port.dtype, "shape": list(port.shape), "meaning": port.meaning}


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=True, default=str)


def _traced(graph: Graph) -> bytes:
    """The graph, by torch's exporter of traces: its newer one unrolls LSTMs, and so fixes the length of items."""
    written = io.BytesIO()
    ports = (*graph.inputs, *graph.outputs)
    try:
        with warnings.catch_warnings(), torch.inference_mode(False), torch.no_grad(), operators():
            warnings.simplefilter("ignore")  # what depends on the number of items shows in the check
            torch.onnx.export(
                _Quiet(graph.module).eval(),
                _tensors(graph.examples(_TRACED)),
                cast(Any, written),
                dynamo=False,
                input_names=[port.name for port in graph.inputs],
                output_names=[port.name for port in graph.outputs],
                dynamic_axes={port.name: port.free for port in ports},
                opset_version=OPSET,
                do_constant_folding=False,
            )
    except (torch.onnx.errors.OnnxExporterError, RuntimeError, TypeError) as error:
        raise ConfigError(
            f"{graph.name}.onnx: this model cannot be written as ONNX ({_first_line(error)}); {_LEFT_OUT}"
        ) from None
    return written.getvalue()


class _Quiet(nn.Module):
    """A module whose trace prints nothing: torch writes the whole graph to stdout where a function is missing."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, *tensors: Tensor) -> Any:
        """What the module gives."""
        getattr(torch._C, "_jit_set_onnx_log_enabled", lambda _: None)(False)
        return self.module(*tensors)


def _first_line(error: Exception) -> str:
    """The first line of what an error says."""
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__


def _tensors(arrays: Arrays) -> tuple[Tensor, ...]:
    return tuple(torch.from_numpy(np.ascontiguousarray(each)) for each in arrays)


def _difference(graph: Graph, content: bytes) -> float | None:
    """The largest absolute difference from Python; None without onnxruntime."""
    try:
        import onnxruntime
    except ImportError:
        return None
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # what it has to say comes as an error
    found = 0.0
    for n in _CHECKED:
        arrays = graph.examples(n)
        feeds = {port.name: each for port, each in zip(graph.inputs, arrays, strict=True)}
        try:
            session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
            given = session.run(None, feeds)
        except Exception as error:  # its errors have no class in common
            raise ConfigError(
                f"{graph.name}.onnx: onnxruntime cannot run this model ({_first_line(error)}); {_LEFT_OUT}"
            ) from None
        for port, one, other in zip(graph.outputs, given, graph.expected(*arrays), strict=True):
            found = max(found, _apart(graph, port, np.asarray(one), np.asarray(other)))
    return found


def _apart(graph: Graph, port: Port, given: NDArray[Any], expected: NDArray[Any]) -> float:
    if given.shape != expected.shape:
        raise ConfigError(
            f"{graph.name}.onnx gives {port.name} of shape {given.shape} where Python gives {expected.shape}; nothing was written; {_LEFT_OUT}"
        )
    one, other = given.astype(np.float64), expected.astype(np.float64)
    same = (one == other) | (np.isnan(one) & np.isnan(other))
    with np.errstate(invalid="ignore"):
        apart = np.where(same, 0.0, np.abs(one - other))
    if not apart.size:
        return 0.0
    largest = float(apart.max())
    finite = np.abs(other[np.isfinite(other)])
    if not largest <= TOLERANCE * max(1.0, float(finite.max(initial=0.0))):
        raise ConfigError(
            f"{graph.name}.onnx: {port.name} differs from what Python gives by {largest:.1e}; nothing was written; {_LEFT_OUT}"
        )
    return largest
