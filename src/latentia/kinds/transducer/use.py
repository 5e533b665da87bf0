"""What can be done with a fitted transducer."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from latentia.errors import ConfigError
from latentia.training.randomness import seeded

TOGETHER = 64


def predicted(estimator: Any, inputs: list[str]) -> list[str]:
    """The likeliest output at each step for each input."""
    module, found = estimator.module_.eval(), []
    with torch.inference_mode():
        for i in range(0, len(inputs), TOGETHER):
            x = estimator.form_.inputs(inputs[i : i + TOGETHER]).to(estimator._device())
            found += estimator.form_.wanted.items(module.outputs(x)[0].cpu())
    return found


def exact(estimator: Any, inputs: list[str], outputs: list[str]) -> list[bool]:
    """Whether each output is found to the letter, tokens joined by one space."""
    found = predicted(estimator, inputs)
    return [" ".join(wanted.split()) == each for wanted, each in zip(outputs, found, strict=True)]


def log_output(estimator: Any, inputs: list[str], outputs: list[str]) -> NDArray[np.float64]:
    """Log P(y|x) in nats, `[n]`."""
    module, form, found = estimator.module_.eval(), estimator.form_, []
    with torch.inference_mode():
        for i in range(0, len(inputs), TOGETHER):
            x = form.inputs(inputs[i : i + TOGETHER]).to(estimator._device())
            wanted = form.outputs(outputs[i : i + TOGETHER]).to(estimator._device())
            found.append(module.log_output(x, wanted).double().cpu().numpy())
    return np.concatenate(found)


def made_up(estimator: Any, outputs: list[str], n: int, seed: int) -> list[list[str]]:
    """`n` inputs that G draws for each output."""
    module = with_generator(estimator, "sample_inputs")
    with torch.inference_mode(), seeded(seed, estimator._device()):
        tokens = estimator.form_.outputs(outputs).to(estimator._device()).repeat_interleave(n, 0)
        texts = estimator.form_.given.items(module.inputs(tokens, draw=True).cpu())
    return [texts[i * n : (i + 1) * n] for i in range(len(outputs))]


def input_accuracy(estimator: Any, inputs: list[str], outputs: list[str]) -> float:
    """Share of the tokens of inputs that G, left alone with the output, gives at their place."""
    module = with_generator(estimator, "input_accuracy")
    with torch.inference_mode():
        x = estimator.form_.inputs(inputs)
        made = module.inputs(estimator.form_.outputs(outputs).to(estimator._device())).cpu()
    length = max(x.shape[1], made.shape[1])
    x, made = (nn.functional.pad(t, (0, length - t.shape[1]), value=-1) for t in (x, made))
    return float(((x == made) & (x >= 0)).sum() / (x >= 0).sum())


def attention(estimator: Any, given: str) -> tuple[list[str], list[str], NDArray[np.float64]]:
    """Tokens of an input, those of its output, and the attention of these to those, `[T, S]`."""
    form = estimator.form_
    with torch.inference_mode():
        tokens = form.inputs([given])
        found, weights = estimator.module_.eval().outputs(tokens.to(estimator._device()))
    names = (form.given.vocabulary, form.wanted.vocabulary)
    inputs, outputs = (
        [vocabulary[t] for t in row[0].tolist()]
        for vocabulary, row in zip(names, (tokens, found), strict=True)
    )
    return inputs, outputs, weights[0].double().cpu().numpy()


def with_generator(estimator: Any, method: str) -> Any:
    """The module.

    Raises:
        ConfigError: if it has no generator of inputs.
    """
    if estimator.module_.back_speller is None:
        raise ConfigError(f"{method} needs a generator of inputs, which {estimator.model} has not: fit seq4")
    return estimator.module_.eval()
