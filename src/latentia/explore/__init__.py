"""Using a fitted model: ways between items, directions, neighbours, anomalies, missing pixels, compression.

Everything takes a fitted estimator (whatever has `transform` and `inverse_transform`, or what more a function says that it
needs), or codes as arrays. Nothing heavy is imported before a name is used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

_PUBLIC = {
    "add_attribute": "attributes",
    "anomaly_scores": "anomaly",
    "attribute_vector": "attributes",
    "auroc": "anomaly",
    "bilinear": "interpolation",
    "check_attribute": "attributes",
    "compress": "compression",
    "dci": "disentanglement",
    "decompress": "compression",
    "disentanglement_scores": "disentanglement",
    "factor_vae_score": "disentanglement",
    "geodesic": "interpolation",
    "inpaint": "inpainting",
    "interpolate": "interpolation",
    "interpolate_grid": "interpolation",
    "linear": "interpolation",
    "mig": "disentanglement",
    "neighbours": "nearest",
    "principal_map": "maps",
    "resample": "resampling",
    "rounded": "compression",
    "sap": "disentanglement",
    "slerp": "interpolation",
    "tail_share": "anomaly",
    "traverse": "traversal",
}

__all__ = [
    "add_attribute",
    "anomaly_scores",
    "attribute_vector",
    "auroc",
    "bilinear",
    "check_attribute",
    "compress",
    "dci",
    "decompress",
    "disentanglement_scores",
    "factor_vae_score",
    "geodesic",
    "inpaint",
    "interpolate",
    "interpolate_grid",
    "linear",
    "mig",
    "neighbours",
    "principal_map",
    "resample",
    "rounded",
    "sap",
    "slerp",
    "tail_share",
    "traverse",
]

if TYPE_CHECKING:
    from latentia.explore.anomaly import anomaly_scores, auroc, tail_share
    from latentia.explore.attributes import add_attribute, attribute_vector, check_attribute
    from latentia.explore.compression import compress, decompress, rounded
    from latentia.explore.disentanglement import dci, disentanglement_scores, factor_vae_score, mig, sap
    from latentia.explore.inpainting import inpaint
    from latentia.explore.interpolation import (
        bilinear,
        geodesic,
        interpolate,
        interpolate_grid,
        linear,
        slerp,
    )
    from latentia.explore.maps import principal_map
    from latentia.explore.nearest import neighbours
    from latentia.explore.resampling import resample
    from latentia.explore.traversal import traverse


def __getattr__(name: str) -> object:
    if name in _PUBLIC:
        return getattr(importlib.import_module(f"latentia.explore.{_PUBLIC[name]}"), name)
    raise AttributeError(f"module 'latentia.explore' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
