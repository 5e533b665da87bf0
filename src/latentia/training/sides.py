"""The two sides of a model of which a schedule moves one at a time; and what a chosen draw needs of the decoder."""

from __future__ import annotations

import warnings
from collections.abc import Iterable

from torch import nn

from latentia.errors import ConfigError
from latentia.training.schedule import Side


def uneven(model: nn.Module) -> str:
    """Name of a layer in the decoder whose output for a code depends on the rest of the batch, or on chance; or nothing."""
    for name, layer in getattr(model, "decoder", nn.Module()).named_modules():
        if isinstance(layer, nn.modules.batchnorm._BatchNorm) or (
            isinstance(layer, nn.modules.dropout._DropoutNd) and layer.p > 0
        ):
            return f"{type(layer).__name__} in decoder.{name}"
    return ""


def sides(model: nn.Module, weights: Iterable[nn.Parameter]) -> dict[Side, list[nn.Parameter]]:
    """For each side of a model the weights that stand still while it moves.

    Raises:
        ConfigError: if the model does not say which parameters are its encoder's.
    """
    encoder_parameters = getattr(model, "encoder_parameters", None)
    if encoder_parameters is None:
        raise ConfigError(
            f"this schedule moves the encoder alone, and {type(model).__name__} does not say which parameters are the"
            " encoder's: give it a method encoder_parameters(), or use the schedule 'joint'"
        )
    own = {id(weight) for weight in encoder_parameters()}
    return {
        "encoder": [weight for weight in weights if id(weight) not in own],
        "decoder": [weight for weight in weights if id(weight) in own],
    }


def warn_if_uneven(model: nn.Module) -> None:
    """Warn where draws are chosen by one pass and weighed by another, and the two passes see different values of them."""
    if model.n_backward and (part := uneven(model)):
        warnings.warn(
            f"n_backward={model.n_backward}: {part} gives the draws that are chosen another value than those that are"
            " weighed, so the gradient is biased; take n_backward=0, or a network without it (network='mlp')",
            stacklevel=3,
        )
