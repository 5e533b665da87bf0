"""Fitted estimators as steps of a scikit-learn pipeline that skl2onnx writes as one ONNX file.

skl2onnx asks an estimator that it does not know for `onnx_parser`, `onnx_shape_calculator` and `onnx_converter`; nothing is to be registered.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from latentia.errors import ConfigError
from latentia.estimators.serving.graph import Graph
from latentia.estimators.serving.onnx_file import as_proto
from latentia.estimators.serving.operators import OPSET
from latentia.kinds.serving import graphs_of

STEPS = ("classifier", "components", "encoder")
"""Of which graph a step is made: the first that a model has."""


def variables(estimator: Any, scope: Any) -> list[Any]:
    """The outputs of a step, as skl2onnx declares them: a code, or label and probabilities (and, of mixtures, log p(x))."""
    from skl2onnx.common import data_types as types

    graph = step_graph(estimator)
    if graph.name == "encoder":
        (port,) = graph.outputs
        kind = types.Int64TensorType if port.dtype == "int64" else types.FloatTensorType
        return [scope.declare_local_variable(port.name, kind([None, port.shape[1]]))]
    words = graph.name == "classifier" and _words(estimator)
    label = types.StringTensorType([None]) if words else types.Int64TensorType([None])
    width = graph.outputs[0].shape[1]
    found = [("label", label), ("probabilities", types.FloatTensorType([None, width]))]
    if graph.name == "components":
        found.append(("score_samples", types.FloatTensorType([None])))
    return [scope.declare_local_variable(name, kind) for name, kind in found]


def step_graph(estimator: Any) -> Graph:
    """The graph that a step of a pipeline is.

    Raises:
        ConfigError: for a model of tables of unlike columns, which takes two tensors where a pipeline has one.
    """
    graphs = {graph.name: graph for graph in graphs_of(estimator)}
    graph = next(graphs[name] for name in STEPS if name in graphs)
    if len(graph.inputs) > 1 or graph.inputs[0].name in ("numbers", "categories"):
        raise ConfigError(
            f"{type(estimator).__name__} was fitted to a table of unlike columns, which a step of a pipeline in ONNX cannot take: write it by "
            "export(folder), or fit it behind a ColumnTransformer that gives numbers"
        )
    return graph


def convert(estimator: Any, scope: Any, operator: Any, container: Any) -> None:
    """Put the nodes of a step's graph among those of the pipeline.

    Raises:
        ConfigError: for an opset that is older than that of the graph.
    """
    import onnx

    if container.target_opset_onnx < OPSET:
        raise ConfigError(
            f"target_opset={container.target_opset_onnx}: steps of this library need {OPSET} or newer"
        )
    graph = step_graph(estimator)
    prefix = scope.get_unique_operator_name(type(estimator).__name__)
    proto = onnx.compose.add_prefix(as_proto(graph), f"{prefix}/").graph
    _enter(graph, operator, container, proto.input[0].name)
    container.initializers.extend(proto.initializer)
    container.nodes.extend(proto.node)
    container.node_domain_version_pair_sets.add(("", OPSET))
    outputs = [output.full_name for output in operator.outputs]
    if graph.name == "encoder":
        container.add_node("Identity", proto.output[0].name, outputs[0], name=f"{prefix}/out")
        return
    given = {output.name.removeprefix(f"{prefix}/"): output.name for output in proto.output}
    probabilities = given.get("probabilities", given.get("responsibilities"))
    container.add_node("Identity", probabilities, outputs[1], name=f"{prefix}/probabilities out")
    if graph.name == "components":
        container.add_node(
            "ArgMax", probabilities, outputs[0], name=f"{prefix}/label", op_version=13, axis=1, keepdims=0
        )
        container.add_node("Identity", given["score_samples"], outputs[2], name=f"{prefix}/score out")
        return
    place, classes = f"{prefix}/place", f"{prefix}/classes"
    container.add_node(
        "ArgMax", probabilities, place, name=f"{prefix}/most", op_version=13, axis=1, keepdims=0
    )
    names = estimator.classes_.astype(str if _words(estimator) else np.int64)
    kind = onnx.TensorProto.STRING if _words(estimator) else onnx.TensorProto.INT64
    container.add_initializer(classes, kind, [len(names)], names.tolist())
    container.add_node("Gather", [classes, place], outputs[0], name=f"{prefix}/label", op_version=13)


def _enter(graph: Graph, operator: Any, container: Any, name: str) -> None:
    """What comes before the step, as one tensor of the graph's type."""
    import onnx

    inputs, port = [each.full_name for each in operator.inputs], graph.inputs[0]
    joined = inputs[0]
    if len(inputs) > 1:
        joined = f"{name} joined"
        container.add_node("Concat", inputs, joined, name=f"{name} join", op_version=13, axis=1)
    to = onnx.TensorProto.INT64 if port.dtype == "int64" else onnx.TensorProto.FLOAT
    container.add_node("Cast", joined, name, name=f"{name} cast", op_version=13, to=to)


def _words(estimator: Any) -> bool:
    """Whether classes are words, not whole numbers."""
    return np.asarray(estimator.classes_).dtype.kind not in "iub"
