"""Graphs as ONNX files: what is refused, what is told, and functions that ONNX does not have against SciPy."""

from __future__ import annotations

import json
import sys

import numpy as np
import pytest
import scipy.special
import torch
from torch import nn

from latentia.errors import ConfigError, MissingExtraError
from latentia.estimators.serving.graph import Graph, Port
from latentia.estimators.serving.onnx_file import as_proto, write_graphs

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")


class Applied(nn.Module):
    """A function as a module."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x)


def graph(function, expected, dtype="float32", examples=None):
    ports = [Port(name, dtype, ("batch", 3), "numbers") for name in ("x", "y")]

    def some(n):
        return (
            [np.random.default_rng(n).normal(size=(n, 3)).astype(dtype)] if examples is None else examples(n)
        )

    return Graph(
        "one",
        "A function",
        Applied(function),
        (ports[0],),
        (ports[1],),
        some,
        expected,
        {"columns": ["a", "é"]},
    )


def run(proto, **feeds):
    return onnxruntime.InferenceSession(proto.SerializeToString()).run(None, feeds)[0]


GRID = np.concatenate([np.geomspace(1e-6, 1e6, 61), np.arange(1.0, 30), [9.999, 10.0, 170.5]])
SIGNED = np.concatenate([-np.geomspace(1e-9, 30, 60), [0.0], np.geomspace(1e-9, 30, 60)])
FUNCTIONS = {
    "lgamma": (torch.lgamma, scipy.special.gammaln, GRID),
    "expm1": (torch.expm1, np.expm1, SIGNED),
    "log1p": (torch.log1p, np.log1p, np.concatenate([SIGNED[SIGNED > -0.9], [-0.99, 1e6]])),
    "softplus": (nn.functional.softplus, lambda x: np.logaddexp(0, x), 10 * SIGNED),
    "logsigmoid": (nn.functional.logsigmoid, scipy.special.log_expit, 10 * SIGNED),
    "cos": (torch.cos, np.cos, SIGNED),
    "logaddexp": (lambda x: torch.logaddexp(x, -2 * x), lambda x: np.logaddexp(x, -2 * x), 10 * SIGNED),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_that_onnx_has_not_are_exact_in_float64(name):
    function, expected, at = FUNCTIONS[name]
    x = np.resize(at, (len(at) // 3 + 1, 3))
    proto = as_proto(graph(function, lambda x: [expected(x)], "float64", lambda n: [x[:n]]))
    np.testing.assert_allclose(run(proto, x=x), expected(x), rtol=2e-13, atol=2e-13)


AXES = {
    "unflatten": lambda x: x.unflatten(1, (3, 1)) + 1,
    "unflatten a middle axis": lambda x: x[:, :, None].unflatten(1, (1, 3)) + 1,
    "movedim": lambda x: x[:, None, :, None].movedim(-2, 1) + 0,
    "numbers put at places of the last axis": lambda x: put(x),
}


def put(x):
    out = torch.zeros_like(x)
    out[..., torch.tensor([1, 2])] = x[..., :2]
    return out


@pytest.mark.parametrize("name", AXES)
def test_axes_are_moved_for_any_number_of_items(name):
    proto = as_proto(graph(AXES[name], None))
    for n in (1, 4, 7):
        x = np.random.default_rng(n).normal(size=(n, 3)).astype(np.float32)
        np.testing.assert_allclose(run(proto, x=x), AXES[name](torch.from_numpy(x)).numpy())


def test_a_file_says_what_it_is_and_takes_any_number_of_items(tmp_path):
    (written,) = write_graphs([graph(lambda x: 2 * x, lambda x: [2 * x])], tmp_path)
    assert written.path == tmp_path / "one.onnx"
    assert written.difference == 0
    session = onnxruntime.InferenceSession(written.path)
    (x,), (y,) = session.get_inputs(), session.get_outputs()
    assert (x.name, x.shape, y.name, y.shape) == ("x", ["batch", 3], "y", ["batch", 3])
    facts = session.get_modelmeta().custom_metadata_map
    assert json.loads(facts["columns"]) == ["a", "é"]
    assert json.loads(facts["inputs"])[0]["meaning"] == "numbers"
    onnx.checker.check_model(onnx.load(written.path), full_check=True)


def test_a_graph_that_does_not_give_what_python_gives_is_not_written(tmp_path):
    good = graph(lambda x: 2 * x, lambda x: [2 * x])
    for bad, says in (
        (graph(lambda x: 2 * x, lambda x: [2.001 * x]), "y differs from what Python gives by"),
        (graph(lambda x: 2 * x, lambda x: [x[:, :2]]), "shape"),
        (graph(lambda x: x / x.shape[0] * 3, lambda x: [np.where(x > 9, x, np.nan)]), "differs"),
        (graph(torch.special.i0, lambda x: [x]), "cannot be written as ONNX .*i0"),
        (graph(lambda x: x + torch.zeros(3, 3), lambda x: [x]), "onnxruntime cannot run|shape"),
    ):
        with pytest.raises(ConfigError, match=says) as error:
            write_graphs([good, bad], tmp_path)
        assert "\n" not in str(error.value)
    assert not list(tmp_path.iterdir())


def test_nothing_is_said_to_be_checked_without_onnxruntime(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    (written,) = write_graphs([graph(lambda x: 2 * x, lambda x: [2 * x])], tmp_path)
    assert written.difference is None
    assert written.path.exists()


def test_the_extra_is_named_where_onnx_is_not_installed(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(MissingExtraError, match=r"latentia\[onnx\]"):
        write_graphs([graph(lambda x: x, lambda x: [x])], tmp_path)
