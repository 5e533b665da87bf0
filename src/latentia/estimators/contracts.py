"""What parts of a person's own must take and give; checked when a model is built, so that a breach is one error that says so."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.distributions import Distribution

from latentia.core import Loss, Objective
from latentia.draws import globally_seeded
from latentia.errors import ConfigError, LatentiaError
from latentia.latent import Likelihood
from latentia.nn import Network
from latentia.training.randomness import seeded

ENCODER = (
    "an encoder is made by encoder(event_shape, inputs=None, **options): an nn.Module with a whole number n_features, which "
    "takes items [B, *event], after `inputs` where that is a module, to features [B, n_features]"
)
DECODER = (
    "a decoder is made by decoder(latent_dim, n_outputs, event_shape, **options): an nn.Module that takes codes "
    "[N, latent_dim] to outputs [N, n_outputs, *event]"
)
LIKELIHOOD = (
    "a likelihood is made by likelihood(event_shape): a latentia.latent.Likelihood with a whole number n_outputs, whose "
    "forward(outputs, x=None) takes outputs [*batch, n_outputs, *event] to a torch Distribution of batch shape [*batch] and "
    "event shape event, whose log_prob(x) is finite or -inf, [*batch]"
)
MODEL = (
    "a model is made by model(encoder, posterior, prior, decoder, likelihood), or by the entry's compose(parts): an nn.Module "
    "with the face of latentia.core.LatentModel"
)
OBJECTIVE = (
    "an objective is called as objective(trace, progress) with a latentia.core.Trace and gives a latentia.core.Loss, whose "
    "total is one number that has a gradient; items count as often as their weights say if it takes means of trace.weighed(values); a factory objective(setting, *, option=default) gives such a thing"
)


def is_foreign(part: object) -> bool:
    """Whether the class (of a function, the module) of a part is none of this library's."""
    home = getattr(part, "__module__", None) if callable(part) and not isinstance(part, nn.Module) else None
    return not str(home or type(part).__module__).startswith("latentia.")


def made(contract: str, name: str, factory: Callable[..., Any], *args: Any, **options: Any) -> Any:
    """What a factory gives.

    Raises:
        ConfigError: with the contract, if the factory fails.
    """
    try:
        return factory(*args, **options)
    except LatentiaError:
        raise
    except Exception as error:
        if not is_foreign(factory):
            raise
        raise ConfigError(f"{name} fails with {type(error).__name__}: {error}; {contract}") from error


def likelihood_of(factory: Callable[..., Any], event_shape: torch.Size) -> Likelihood:
    """The likelihood that a factory makes for items of a shape.

    Raises:
        ConfigError: if it is none.
    """
    name = _named(factory)
    p_x = made(LIKELIHOOD, f"likelihood {name}", factory, event_shape)
    if not isinstance(p_x, Likelihood):
        raise ConfigError(f"likelihood {name} gives a {type(p_x).__name__}; {LIKELIHOOD}")
    if not isinstance(p_x.n_outputs, int) or p_x.n_outputs < 1:
        raise ConfigError(f"likelihood {name} has n_outputs={p_x.n_outputs!r}; {LIKELIHOOD}")
    return p_x


def networks_of(
    network: Network, event_shape: Sequence[int], latent_dim: int, n_outputs: int, inputs: nn.Module | None
) -> tuple[nn.Module, nn.Module]:
    """Encoder and decoder of a network.

    Raises:
        ConfigError: if they are none.
    """
    if not isinstance(network, Network):
        raise ConfigError(
            f"network={network!r}: expected a name or a latentia.nn.Network(encoder, decoder, summary)"
        )
    options = network.options
    encoder = made(
        ENCODER, f"encoder {_named(network.encoder)}", network.encoder, event_shape, inputs=inputs, **options
    )
    decoder = made(
        DECODER,
        f"decoder {_named(network.decoder)}",
        network.decoder,
        latent_dim,
        n_outputs,
        event_shape,
        **options,
    )
    for what, part, contract in (("encoder", encoder, ENCODER), ("decoder", decoder, DECODER)):
        if not isinstance(part, nn.Module):
            raise ConfigError(f"the {what} is a {type(part).__name__}; {contract}")
    n_features = getattr(encoder, "n_features", None)
    if not isinstance(n_features, int) or n_features < 1:
        raise ConfigError(f"the encoder {type(encoder).__name__} has n_features={n_features!r}; {ENCODER}")
    return encoder, decoder


def check_parts(model: nn.Module, x: Tensor) -> None:
    """Pass two items through the parts of a model that are not of this library, and look at what they give.

    Args:
        model: with `encoder, decoder, likelihood`, as `latentia.models.VAE` has them.
        x: items as the model sees them, `[B, *event]`.

    Raises:
        ConfigError: for the first part that gives something else than it should; says what, and the contract.
    """
    encoder, decoder, p_x = (getattr(model, name, None) for name in ("encoder", "decoder", "likelihood"))
    foreign = [part for part in (encoder, decoder, p_x) if part is not None and is_foreign(part)]
    if not foreign or not isinstance(p_x, Likelihood):
        return
    n, event = len(x), tuple(x.shape[1:])
    was_training = model.training
    model.eval()
    # a module from elsewhere may draw: it must not change what is drawn later, here or there
    with seeded(0, torch.device("cpu")), globally_seeded(0, torch.device("cpu")), torch.no_grad():
        outputs = torch.zeros(n, p_x.n_outputs, *event)
        if encoder is not None and decoder is not None:
            features = _passed(encoder, ENCODER, "encoder", x)
            _shaped(features, (n, encoder.n_features), ENCODER, "encoder", "features")
            z = model.prior().sample(torch.Size([n]))  # type: ignore[operator]
            outputs = _passed(decoder, DECODER, "decoder", z)
            _shaped(outputs, (n, p_x.n_outputs, *event), DECODER, "decoder", "outputs")
        _check_distribution(_passed(p_x, LIKELIHOOD, "likelihood", outputs[None], x), x, (1, n))
    model.train(was_training)


def _check_distribution(found: Any, x: Tensor, batch: tuple[int, ...]) -> None:
    if not isinstance(found, Distribution):
        raise ConfigError(f"the likelihood gives a {type(found).__name__}; {LIKELIHOOD}")
    if tuple(found.batch_shape) != batch or tuple(found.event_shape) != tuple(x.shape[1:]):
        raise ConfigError(
            f"the likelihood gives a distribution of batch shape {list(found.batch_shape)} and event shape "
            f"{list(found.event_shape)}, expected {list(batch)} and {list(x.shape[1:])} "
            f"(torch.distributions.Independent makes axes part of the event); {LIKELIHOOD}"
        )
    log_p = _passed(found.log_prob, LIKELIHOOD, "log_prob of the likelihood", x)
    _shaped(log_p, batch, LIKELIHOOD, "log_prob of the likelihood", "values")
    if bool((log_p.isnan() | (log_p == torch.inf)).any()):
        raise ConfigError(f"log_prob of the likelihood gives {log_p.flatten().tolist()}; {LIKELIHOOD}")


def check_objective(objective: Objective, model: Any, x: Tensor, weighed: bool = False) -> None:
    """Call an objective that is not of this library on the trace of two items.

    Raises:
        ConfigError: if it gives no loss, or, with `weighed`, one that knows no weights.
    """
    if not is_foreign(objective):
        return
    with seeded(0, torch.device("cpu")), globally_seeded(0, torch.device("cpu")):
        was_training = model.training
        model.eval()
        trace = model.trace(x, 1)
        loss = _passed(objective, OBJECTIVE, "objective", trace, 0.5)
        unlike = replace(trace, weight=x.new_tensor([3.0, 1.0])) if weighed else None
        other = None if unlike is None else _passed(objective, OBJECTIVE, "objective", unlike, 0.5)
        model.train(was_training)
    if not isinstance(loss, Loss):
        raise ConfigError(f"the objective gives a {type(loss).__name__}; {OBJECTIVE}")
    if loss.total.ndim or not loss.total.requires_grad:
        raise ConfigError(
            f"the objective's total has shape {list(loss.total.shape)} and requires_grad={loss.total.requires_grad}; {OBJECTIVE}"
        )
    if other is not None and torch.equal(other.total, loss.total):
        raise ConfigError(f"the objective gives the same loss whatever sample_weight says; {OBJECTIVE}")


def _passed(part: Any, contract: str, name: str, *given: Any) -> Any:
    try:
        return part(*given)
    except Exception as error:
        if isinstance(error, LatentiaError) and not is_foreign(part):
            raise
        shapes = " and ".join(str(list(each.shape)) for each in given if isinstance(each, Tensor))
        of = f" on {shapes}" if shapes else ""
        reason = str(error).strip().splitlines()[0] if str(error).strip() else "no message"
        raise ConfigError(
            f"the {name} fails{of} with {type(error).__name__}: {reason}; {contract}"
        ) from error


def _shaped(value: Any, wanted: tuple[int, ...], contract: str, name: str, what: str) -> None:
    if not isinstance(value, Tensor):
        raise ConfigError(f"the {name} gives a {type(value).__name__}; {contract}")
    if tuple(value.shape) != wanted:
        raise ConfigError(
            f"the {name} gives {what} of shape {list(value.shape)}, expected {list(wanted)}; {contract}"
        )


def _named(factory: Any) -> str:
    return str(getattr(factory, "__name__", type(factory).__name__))
