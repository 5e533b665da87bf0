"""What a VAE serves: `encoder`, `decoder` and `score`."""

from __future__ import annotations

from typing import Any

from latentia.estimators.serving.codec import Served, codec_graphs
from latentia.estimators.serving.graph import Graph


def graphs(estimator: Any) -> tuple[Graph, ...]:
    """The graphs of a fitted VAE; codes that are points have no density, and so no `score`."""
    return codec_graphs(Served(estimator))
