"""Export to ONNX: the encoder, from tokens to the mean of q(z|x)."""

from __future__ import annotations

import io
import json
import warnings
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn

from latentia.errors import ConfigError, MissingExtraError
from latentia.files import write_atomically

TOLERANCE = 1e-4


class _Encoder(nn.Module):
    """Tokens `[B, T]`, negative behind each end, to the mean of q(z|x)."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def forward(self, tokens: Tensor) -> Tensor:
        return self.model.amortised(tokens).mean


def export_onnx(estimator: Any, folder: Path) -> list[tuple[Path, float]]:
    """Write `encoder.onnx` (tokens int64 `[batch, time]`, -1 behind each end, to codes) and `vocabulary.json`, the token of each number.

    The encoder is run with onnxruntime on items of other lengths and other numbers of them, and compared with torch. The decoder, which is a loop,
    is not exported.

    Returns:
        The path of the encoder with the largest absolute difference from torch.

    Raises:
        MissingExtraError: if onnx or onnxruntime are not installed.
        ConfigError: if the exported graph does not give what torch gives.
        RunFolderError: if the folder cannot be written.
    """
    try:
        import onnx  # noqa: F401
        import onnxruntime  # noqa: F401
    except ImportError as error:
        raise MissingExtraError(f"{error.name} is not installed: pip install 'latentia[onnx]'") from None
    module = _Encoder(estimator.module_.float().cpu().eval()).eval()
    longest = estimator.composition_.positions
    generator = torch.Generator().manual_seed(0)
    content = _exported(module, _items(3, min(7, longest), estimator.form_.n_tokens, generator))
    difference = max(
        _difference(content, module, _items(n, length, estimator.form_.n_tokens, generator))
        for n, length in ((1, min(2, longest)), (5, longest))
    )
    if not difference < TOLERANCE:
        raise ConfigError(f"encoder.onnx differs from torch by {difference:.1e}; it was not written")
    write_atomically(folder / "encoder.onnx", content)
    form = estimator.form_.describe()
    write_atomically(
        folder / "vocabulary.json",
        (json.dumps(form, ensure_ascii=False) + "\n").encode("utf-8", "surrogatepass"),
    )
    return [(folder / "encoder.onnx", difference)]


def _items(n: int, length: int, n_tokens: int, generator: torch.Generator) -> Tensor:
    x = torch.randint(n_tokens, (n, length), generator=generator)
    lengths = torch.randint(1, length + 1, (n, 1), generator=generator)
    lengths[0] = length
    return x.masked_fill(torch.arange(length) >= lengths, -1)


def _exported(module: nn.Module, example: Tensor) -> bytes:
    """The graph, by torch's exporter of traces: its newer one unrolls LSTMs, and so fixes the length of items."""
    written = io.BytesIO()
    with warnings.catch_warnings(), torch.inference_mode(False):
        warnings.simplefilter("ignore")  # the exporter's own deprecations
        torch.onnx.export(
            module,
            (example,),
            cast(Any, written),
            dynamo=False,
            input_names=["tokens"],
            output_names=["z"],
            dynamic_axes={"tokens": {0: "batch", 1: "time"}, "z": {0: "batch"}},
            opset_version=18,
        )
    return written.getvalue()


def _difference(content: bytes, module: nn.Module, batch: Tensor) -> float:
    import onnxruntime

    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    (given,) = session.run(None, {"tokens": batch.numpy()})
    with torch.inference_mode():
        expected = module(batch).numpy()
    return float(np.abs(given - expected).max())
