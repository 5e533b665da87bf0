"""Functions that ONNX has no operator for, or whose operator is not exact enough, in operators that it has."""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch

from latentia.errors import ConfigError

OPSET = 18
_SHIFT = 10
# Coefficients of Stirling's series B_2k / (2k (2k - 1)), k = 1 ... 7 (Abramowitz & Stegun 1964, 6.1.41).
_STIRLING = (1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360360, 1 / 156)


class _Scalars:
    """Numbers in the type of a traced value."""

    def __init__(self, g: Any, like: Any) -> None:
        self.g, self.dtype = g, torch.float64 if like.type().scalarType() == "Double" else torch.float32

    def __call__(self, value: float) -> Any:
        return self.g.op("Constant", value_t=torch.tensor(value, dtype=self.dtype))


def _lgamma(g: Any, x: Any) -> Any:
    r"""Of x > 0: \log\Gamma(x + 10) by Stirling's series, minus the logarithms of x (x + 1) ... (x + 9), in pairs; exact to 1e-13 in float64."""
    number = _Scalars(g, x)
    y = g.op("Add", x, number(_SHIFT))
    inverse = g.op("Div", number(1.0), y)
    square = g.op("Mul", inverse, inverse)
    series = number(0.0)
    for coefficient in reversed(_STIRLING):
        series = g.op("Add", g.op("Mul", series, square), number(coefficient))
    found = g.op("Mul", g.op("Sub", y, number(0.5)), g.op("Log", y))
    found = g.op("Sub", found, y)
    found = g.op("Add", found, number(0.5 * math.log(2 * math.pi)))
    found = g.op("Add", found, g.op("Mul", series, inverse))
    for i in range(0, _SHIFT, 2):
        pair = g.op("Mul", g.op("Add", x, number(i)), g.op("Add", x, number(i + 1)))
        found = g.op("Sub", found, g.op("Log", pair))
    return found


def _expm1(g: Any, x: Any) -> Any:
    """2 t / (1 - t), t = tanh(x / 2), where x is small; else exp(x) - 1."""
    number = _Scalars(g, x)
    t = g.op("Tanh", g.op("Mul", x, number(0.5)))
    near = g.op("Div", g.op("Mul", number(2.0), t), g.op("Sub", number(1.0), t))
    far = g.op("Sub", g.op("Exp", x), number(1.0))
    return g.op("Where", g.op("Less", g.op("Abs", x), number(0.5)), near, far)


def _log1p(g: Any, x: Any) -> Any:
    """2 atanh(x / (2 + x)) by its series where x is small; else log(1 + x)."""
    number = _Scalars(g, x)
    s = g.op("Div", x, g.op("Add", x, number(2.0)))
    square = g.op("Mul", s, s)
    series = number(0.0)
    for k in (13, 11, 9, 7, 5, 3, 1):
        series = g.op("Add", g.op("Mul", series, square), number(1.0 / k))
    near = g.op("Mul", g.op("Mul", number(2.0), s), series)
    far = g.op("Log", g.op("Add", x, number(1.0)))
    return g.op("Where", g.op("Less", g.op("Abs", x), number(0.1)), near, far)


def _logaddexp(g: Any, a: Any, b: Any) -> Any:
    high, low = g.op("Max", a, b), g.op("Min", a, b)
    return g.op("Add", high, _log1p(g, g.op("Exp", g.op("Sub", low, high))))


def _softplus(g: Any, x: Any, beta: Any = None, threshold: Any = None) -> Any:  # noqa: ARG001  of beta 1 alone
    """max(x, 0) + log(1 + exp(-|x|))."""
    number = _Scalars(g, x)
    tail = _log1p(g, g.op("Exp", g.op("Neg", g.op("Abs", x))))
    return g.op("Add", g.op("Max", x, number(0.0)), tail)


def _log_sigmoid(g: Any, x: Any) -> Any:
    return g.op("Neg", _softplus(g, g.op("Neg", x)))


def _cos(g: Any, x: Any) -> Any:
    """sin(x + pi / 2): onnxruntime has no cosine in float64."""
    return g.op("Sin", g.op("Add", x, _Scalars(g, x)(math.pi / 2)))


def _movedim(g: Any, x: Any, source: Any, target: Any) -> Any:
    """One axis moved; torch's own symbol reads axes counted from the end wrongly."""
    rank = x.type().dim()
    start, end = (each.node().t("value").item() % rank for each in (source, target))
    order = [axis for axis in range(rank) if axis != start]
    order.insert(end, start)
    return g.op("Transpose", x, perm_i=order)


def _unflatten(g: Any, x: Any, axis: Any, sizes: Any) -> Any:
    """One axis as several; torch's own symbol gives shapes that do not follow the number of items."""
    rank = x.type().dim()
    at = axis.node().t("value").item() % rank
    kept = x.type().varyingSizes()

    def numbers(values: list[int]) -> Any:
        return g.op("Constant", value_t=torch.tensor(values, dtype=torch.int64))

    new = sizes.node().t("value").tolist()
    if at and kept is not None and None not in kept[1:]:
        return g.op("Reshape", x, numbers([-1, *kept[1:at], *new, *kept[at + 1 :]]))
    shape = g.op("Shape", x)
    parts = [numbers(new)]
    if at:
        parts.insert(0, g.op("Slice", shape, numbers([0]), numbers([at])))
    if at + 1 < rank:
        parts.append(g.op("Slice", shape, numbers([at + 1]), numbers([rank])))
    return g.op("Reshape", x, g.op("Concat", *parts, axis_i=0))


def _own(name: str) -> Any:
    """A module of torch's own symbols, which moved once."""
    for home in ("torch.onnx._internal.torchscript_exporter", "torch.onnx"):
        if importlib.util.find_spec(f"{home}.{name}") is not None:
            return importlib.import_module(f"{home}.{name}")
    raise ConfigError("this version of torch has no exporter of traces to ONNX")


def _index_put(g: Any, x: Any, indices: Any, values: Any, accumulate: Any = None) -> Any:
    """Numbers put at places of the last axis; torch's own symbol for all else."""
    places = list(indices.node().inputs())
    if (
        len(places) != x.type().dim()
        or any(not each.node().mustBeNone() for each in places[:-1])
        or places[-1].type().dim() != 1
    ):
        return _own("symbolic_opset11").index_put(g, x, indices, values, accumulate)
    rank = len(places)
    order = [rank - 1, *range(rank - 1)]
    at = g.op("Unsqueeze", places[-1], g.op("Constant", value_t=torch.tensor([1])))
    length = g.op("Shape", places[-1])
    before = g.op(
        "Slice", g.op("Shape", x), *(g.op("Constant", value_t=torch.tensor([i])) for i in (0, rank - 1))
    )
    values = g.op("Expand", values, g.op("Concat", before, length, axis_i=0))
    found = g.op("ScatterND", g.op("Transpose", x, perm_i=order), at, g.op("Transpose", values, perm_i=order))
    return g.op("Transpose", found, perm_i=[*range(1, rank), 0])


_SYMBOLS: dict[str, Callable[..., Any]] = {
    "aten::lgamma": _lgamma,
    "aten::expm1": _expm1,
    "aten::special_expm1": _expm1,
    "aten::log1p": _log1p,
    "aten::logaddexp": _logaddexp,
    "aten::softplus": _softplus,
    "aten::log_sigmoid": _log_sigmoid,
    "aten::cos": _cos,
    "aten::index_put": _index_put,
    "aten::index_put_": _index_put,
    "aten::movedim": _movedim,
    "aten::unflatten": _unflatten,
}


@contextmanager
def operators() -> Iterator[None]:
    """Within this block the exporter of traces knows these functions."""
    exporter: Any = torch.onnx
    for name, symbol in _SYMBOLS.items():
        exporter.register_custom_op_symbolic(name, symbol, OPSET)
    try:
        yield
    finally:
        for name in _SYMBOLS:
            exporter.unregister_custom_op_symbolic(name, OPSET)
