"""`latentia export RUN`: what a run serves, for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from latentia.errors import ConfigError

if TYPE_CHECKING:
    from latentia.estimators.serving.graph import Written


def export(run: str, onnx: bool = True, out: str | None = None, only: str | None = None) -> None:
    """Export what a run serves (encoder, decoder, components, classes, anomaly score, by its kind), checked against Python with onnxruntime.

    The codes are those of the encoder alone: steps that refine them (`refinement_steps`) stay behind.

    Args:
        run: run folder.
        onnx: as ONNX (the one format there is).
        out: folder for encoder.onnx, decoder.onnx, score.onnx, ...; RUN/onnx if left out.
        only: names of what is written, such as encoder,decoder; all if left out.
    """
    from latentia.commands.opened import open_run
    from latentia.kinds.abilities import Exports

    if not onnx:
        raise ConfigError("--onnx false leaves nothing to export to; ONNX is the one format")
    opened = open_run(run, "export", Exports)
    names = None if only is None else only.split(",")
    for written in opened.exported(Path(out) if out else Path(run) / "onnx", names):
        _print(written)


def _print(written: Written) -> None:
    if written.difference is None:
        checked = "not held against Python: onnxruntime is not installed"
    else:
        checked = f"largest difference from Python {written.difference:.1e}"
    print(f"{written.path}  ({checked})")
    print(f"  {written.graph.purpose}")
    for what, ports in (("takes", written.graph.inputs), ("gives", written.graph.outputs)):
        for port in ports:
            print(f"  {what} {port}")
