"""What a model of sequences serves: `encoder`, from tokens to the mean of q(z|x). The decoder is a loop, and stays here."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from latentia.errors import ConfigError
from latentia.estimators.serving.graph import Arrays, Graph, Port


def graphs(estimator: Any) -> tuple[Graph, ...]:
    """The graph of a fitted model of sequences.

    Raises:
        ConfigError: for a language model, which has no code, and a model with gaps.
    """
    if not estimator.latent_dim_:
        raise ConfigError(f"export writes an encoder, and {estimator.model} has no code")
    if estimator.form_.gaps is not None:
        raise ConfigError(
            "export writes encoders of tokens alone, and this model reads gaps too; fit one without gaps"
        )
    module = _Encoder(copy.deepcopy(estimator.module_).float().cpu().eval())
    longest, n_tokens = estimator.composition_.positions, estimator.form_.n_tokens

    def examples(n: int) -> Arrays:
        """Tokens of unlike lengths; the longest has as many as there can be, or a few of them."""
        random = np.random.default_rng(n)
        length = longest if n > 3 else min(2 + n, longest)
        lengths = random.integers(1, length + 1, (n, 1))
        lengths[0] = length
        return [np.where(np.arange(length) < lengths, random.integers(0, n_tokens, (n, length)), -1)]

    def encoded(tokens: NDArray[Any]) -> Arrays:
        with torch.inference_mode():
            return [module.model.encode(torch.from_numpy(tokens)).mean.numpy()]

    facts = {"model": str(estimator.model), "longest": longest, "vocabulary": estimator.form_.describe()}
    tokens = Port(
        "tokens", "int64", ("batch", "time"), f"numbers of tokens, at most {longest}; -1 behind each end"
    )
    z = Port("z", "float32", ("batch", estimator.latent_dim_), "code")
    return (Graph("encoder", "The mean of q(z|x)", module, (tokens,), (z,), examples, encoded, facts),)


class _Encoder(nn.Module):
    """Tokens `[B, T]`, negative behind each end, to the mean of q(z|x)."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def forward(self, tokens: Tensor) -> Tensor:
        """Codes `[B, D]`."""
        return self.model.amortised(tokens).mean
