"""What a mixture serves: `components`, of a classifier `classifier`, and `score`."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted
from torch import Tensor, nn

from latentia.estimators.forms.layout import Layout
from latentia.estimators.gaps import GapCost
from latentia.estimators.serving.codec import GAPS
from latentia.estimators.serving.graph import Arrays, Graph, Port
from latentia.estimators.serving.items import TableItems
from latentia.kinds.mixture.densities import Classes, Joint, Responsibilities, Score
from latentia.mixture.rows import Rows

SCORE = Port("score", "float32", ("batch",), "-log p(x) in nats; the higher, the more unusual")


def graphs(estimator: Any) -> tuple[Graph, ...]:
    """The graphs of a fitted mixture."""
    check_is_fitted(estimator)
    held = _MixedRows(estimator) if getattr(estimator, "form_", None) is not None else _Rows(estimator)
    names = getattr(estimator, "feature_names_in_", None)
    facts = {
        "model": type(estimator).__name__,
        **({} if names is None else {"columns": list(names)}),
        **held.facts,
    }
    joint = Joint(estimator, held)
    found = [_score_graph(estimator, held, joint, facts)]
    if hasattr(estimator, "classes_"):
        return _classifier_graph(estimator, held, joint, facts), *found
    return _components_graph(estimator, held, joint, facts), *found


def _components_graph(estimator: Any, held: Any, joint: Joint, facts: dict[str, Any]) -> Graph:
    k = len(estimator.weights_)
    outputs = (
        Port("log_prob", "float32", ("batch", k), "log w_k + log p(x|k) in nats"),
        Port("responsibilities", "float32", ("batch", k), "p(k|x)"),
        Port("score_samples", "float32", ("batch",), "log p(x) in nats"),
    )

    def expected(*arrays: NDArray[Any]) -> Arrays:
        items = held.items(*arrays)
        return [log_joint(estimator, items), estimator.predict_proba(items), estimator.score_samples(items)]

    purpose = "Components of an item: log-probabilities, responsibilities, and log p(x)"
    return Graph(
        "components", purpose, Responsibilities(joint), held.ports, outputs, held.examples, expected, facts
    )


def log_joint(estimator: Any, items: Any) -> NDArray[np.float64]:
    """Log w_k + log p(x|k) of items in nats, `[n, K]`, as the components themselves give it."""
    components, found = estimator.components_, []
    rows = estimator._rows(items) if hasattr(estimator, "_rows") else Rows(items)
    components.dtype = rows.dtype
    components.begin()
    for chunk in components.chunks(rows):
        each = components.log_joint(components.encode(chunk)).T.double().cpu()
        h = components.base_measure(chunk)
        found.append((each if h is None else each + h.double().cpu()[:, None]).numpy().copy())
    form = getattr(estimator, "form_", None)
    volumes = 0.0 if form is None else form.log_volumes(estimator._known_cells(items))[:, None]
    return np.concatenate(found) - volumes


def _classifier_graph(estimator: Any, held: Any, joint: Joint, facts: dict[str, Any]) -> Graph:
    classes = estimator.classes_.tolist()
    output = Port("probabilities", "float32", ("batch", len(classes)), "P(y=c|x), in the order of `classes`")

    def expected(*arrays: NDArray[Any]) -> Arrays:
        return [estimator.predict_proba(held.items(*arrays))]

    module = Classes(joint, estimator.components_)
    purpose = "Probabilities of classes"
    return Graph(
        "classifier",
        purpose,
        module,
        held.ports,
        (output,),
        held.examples,
        expected,
        {**facts, "classes": classes},
    )


def _score_graph(estimator: Any, held: Any, joint: Joint, facts: dict[str, Any]) -> Graph:
    asked = {"total": "modelled"} if estimator.conditions_on_total else {}

    def expected(*arrays: NDArray[Any]) -> Arrays:
        items = held.items(*arrays)
        return [estimator.unusual(items) if gaps else -estimator.score_samples(items, **asked)]

    gaps = GapCost(estimator) if isinstance(held, _MixedRows) else None
    purpose = "-log p(x) in nats" + ("; totals are modelled" if asked else "") + (GAPS if gaps else "")
    totals = estimator.components_.parameters["totals"] if asked else None
    score = Score(joint, totals, gaps)
    return Graph("score", purpose, score, held.ports, (SCORE,), held.examples, expected, facts)


# ------------------------------------------------------------------ items


class _Rows:
    """Rows of numbers, or images, as a tensor `x`; whole numbers where they are categories."""

    def __init__(self, estimator: Any) -> None:
        layout = layout_of(estimator)
        whole = estimator.components_.family == "categorical"
        shape = tuple(layout.event_shape)
        meaning = "numbers of categories from 0" if whole else "items in the units of the training data"
        if layout.is_image and layout.white > 1:
            meaning = f"pixels from 0 to {layout.white}"
        self.estimator, self.whole = estimator, whole
        self.ports = (Port("x", "int64" if whole else "float32", ("batch", *shape), meaning),)
        self.facts: dict[str, Any] = {}
        self.enter: nn.Module = _EnterRows(layout, getattr(estimator, "binarize", None))

    def examples(self, n: int) -> Arrays:
        """`n` draws, in images of bytes as bytes."""
        components = self.estimator.components_
        generator = torch.Generator(components.device).manual_seed(n)
        labels = torch.multinomial(components.parameters["weights"], n, replacement=True, generator=generator)
        rows = components.sample(labels, generator).cpu().numpy()
        layout = layout_of(self.estimator)
        items = layout.items(rows, "first") if layout.is_image else rows
        if layout.scale in ("pixels", "deep", "binary"):
            items = np.rint(np.clip(items * layout.white, 0, layout.white))
        elif layout.scale == "unit":
            items = np.clip(items, 0, 1)
        return [items.astype(np.int64 if self.whole else np.float32)]

    def items(self, x: NDArray[Any]) -> Any:
        """As the estimator takes them, in full precision."""
        kind = {"binary": np.uint8, "pixels": np.uint8, "deep": np.uint16}.get(
            layout_of(self.estimator).scale or ""
        )
        if kind is not None:
            return x.astype(kind)
        return x if self.whole else x.astype(np.float64)


def layout_of(estimator: Any) -> Layout:
    """How items become rows; of rows of counts they are them already."""
    known: Layout | None = getattr(estimator, "layout_", None)
    return Layout((estimator.components_.n_features,)) if known is None else known


class _EnterRows(nn.Module):
    kept: Tensor

    def __init__(self, layout: Any, threshold: float | None) -> None:
        super().__init__()
        left_out = {i for i, _ in layout.constant}
        size = math.prod(layout.event_shape)
        self.register_buffer("kept", torch.tensor([i for i in range(size) if i not in left_out]))
        self.white, self.all, self.threshold = layout.white, not left_out, threshold

    def forward(self, x: Tensor) -> Tensor:
        """Rows `[B, d]` in float64."""
        rows = x.flatten(1)
        if self.white > 1:
            rows = rows.float() / self.white
        rows = rows.double() if self.all else rows.double()[:, self.kept]
        return rows if self.threshold is None else (rows > self.threshold).double()


class _MixedRows:
    """Rows of a table of unlike columns."""

    def __init__(self, estimator: Any) -> None:
        self.estimator, self.table = estimator, TableItems(estimator.form_)
        self.ports, self.facts, self.enter = self.table.ports, self.table.facts, self.table.enter

    def examples(self, n: int) -> Arrays:
        """`n` draws, with gaps."""
        components = self.estimator.components_
        generator = torch.Generator(components.device).manual_seed(n)
        labels = torch.multinomial(components.parameters["weights"], n, replacement=True, generator=generator)
        return self.table.arrays(self.estimator.form_.items(components.sample(labels, generator)), n)

    def items(self, *arrays: NDArray[Any]) -> Any:
        """As the estimator takes them."""
        from latentia.data.items import Mixed

        return Mixed(self.table.rows(*arrays), self.estimator.form_.columns)
