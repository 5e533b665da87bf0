"""`latentia export RUN`: encoder and decoder for other programs."""

from __future__ import annotations

from pathlib import Path

from latentia.errors import ConfigError


def export(run: str, onnx: bool = True, out: str | None = None) -> None:
    """Export the deterministic encoder and decoder, checked against torch with onnxruntime.

    The codes are those of the encoder alone: steps that refine them (`refinement_steps`) stay behind.

    Args:
        run: run folder.
        onnx: as ONNX (the one format there is).
        out: folder for encoder.onnx and decoder.onnx; RUN/onnx if left out.
    """
    from latentia.commands.opened import open_run
    from latentia.kinds.abilities import Exports

    if not onnx:
        raise ConfigError("--onnx false leaves nothing to export to; ONNX is the one format")
    opened = open_run(run, "export", Exports)
    for path, difference in opened.exported(Path(out) if out else Path(run) / "onnx"):
        print(f"{path}  (largest difference from torch {difference:.1e})")
    if opened.estimator.module_.refinement_steps:
        print("encoder.onnx gives the encoder's own codes; transform and reconstruct refine them further")
