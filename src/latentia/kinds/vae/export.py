"""Export to ONNX: the deterministic encoder and decoder, in the units of the person's data."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from latentia.errors import ConfigError, MissingExtraError
from latentia.estimators.forms.scaled import Scaled
from latentia.files import write_atomically

TOLERANCE = 1e-3


class _Encoder(nn.Module):
    """Data in the person's units to the mean of the encoder's q(z|x); steps that refine it stay out of the graph."""

    mean: Tensor
    scale: Tensor

    def __init__(self, model: Any, form: Scaled) -> None:
        super().__init__()
        self.model = model
        self.register_buffer("mean", form.mean.float())
        self.register_buffer("scale", form.scale.float())

    def forward(self, x: Tensor) -> Tensor:
        return self.model.amortised((x - self.mean) / self.scale).mean


class _Decoder(nn.Module):
    """Codes to the mean of p(x|z) in the person's units (count rows of the median size)."""

    mean: Tensor
    scale: Tensor

    def __init__(self, model: Any, form: Scaled, typical: Tensor | None) -> None:
        super().__init__()
        self.model, self.typical = model, typical
        self.register_buffer("mean", form.mean.float())
        self.register_buffer("scale", form.scale.float())

    def forward(self, z: Tensor) -> Tensor:
        mean = self.model.likelihood(self.model.outputs(z), self.typical).mean
        return mean * self.scale + self.mean


def export_onnx(estimator: Any, folder: Path) -> list[tuple[Path, float]]:
    """Write `encoder.onnx` (data -> posterior mean) and `decoder.onnx` (code -> mean of p(x|z)), float32, any batch.

    Each is run with onnxruntime on random input, for two batch sizes, and compared with torch.

    Returns:
        Each path with the largest absolute difference from torch, relative to the largest output.

    Raises:
        MissingExtraError: if onnx, onnxscript or onnxruntime are not installed.
        ConfigError: if the exported graph does not give what torch gives.
        RunFolderError: if the folder cannot be written.
    """
    try:
        import onnxruntime  # noqa: F401
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise MissingExtraError(f"{error.name} is not installed: pip install 'latentia[onnx]'") from None
    model = estimator.module_.float().cpu().eval()
    form = estimator.form_.cpu()
    typical = estimator._inference().typical
    typical = None if typical is None else typical.float()
    generator = torch.Generator().manual_seed(0)
    x = form.mean + form.scale * torch.rand((3, *estimator.event_shape_), generator=generator)
    if form.kind in ("binary", "counts"):
        x = x.round()
    z = torch.randn((3, estimator.latent_dim_), generator=generator)
    parts = (
        ("encoder", _Encoder(model, form), x.float(), "x"),
        ("decoder", _Decoder(model, form, typical), z, "z"),
    )
    written = []
    for name, module, example, argument in parts:
        content = _exported(module.eval(), example, argument)
        difference = max(_difference(content, module, argument, batch) for batch in (example, example[:1]))
        if not difference < TOLERANCE:
            raise ConfigError(
                f"{name}.onnx differs from torch by {difference:.1e} (relative); it was not written"
            )
        write_atomically(folder / f"{name}.onnx", content)
        written.append((folder / f"{name}.onnx", difference))
    return written


def _exported(module: nn.Module, example: Tensor, argument: str) -> bytes:
    with warnings.catch_warnings(), torch.inference_mode(False):
        warnings.simplefilter("ignore")  # the exporter's own deprecations
        program = torch.onnx.export(
            module,
            (example,),
            dynamo=True,
            input_names=[argument],
            output_names=["z" if argument == "x" else "x"],
            dynamic_shapes=({0: torch.export.Dim("batch", min=1)},),
            verbose=False,
        )
    return program.model_proto.SerializeToString()  # type: ignore[union-attr]


def _difference(content: bytes, module: nn.Module, argument: str, batch: Tensor) -> float:
    import onnxruntime

    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    (given,) = session.run(None, {argument: batch.numpy()})
    with torch.inference_mode():
        expected = module(batch).numpy()
    return float(np.abs(given - expected).max() / max(1.0, np.abs(expected).max()))
