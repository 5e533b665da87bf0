"""The bound on data that no step was taken on, with the same noise each time."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor, nn

from latentia.training.batches import Batches
from latentia.training.randomness import seeded

if TYPE_CHECKING:
    from latentia.core import TrainableModel

EPOCH_ROWS = 2048  # training items that an epoch's calibration looks at
# And the one after the last epoch. The relative error of a variance over that many items is far below a percent, and the
# bound, flat at the optimum, does not feel it: more items only cost time.
FINAL_ROWS = 10_000
_WIDER = 4  # batches without gradients take less memory, so they are this many times larger
_PREPARED_NUMBERS = 2**26  # numbers of training data that a model is shown before the first step (256 MiB)


def as_model(module: nn.Module) -> TrainableModel:
    """`module`, with the methods that every trainable model has."""
    return cast("TrainableModel", module)


def prepare(model: nn.Module, train: Batches, seed: int) -> None:
    """Show `model` up to 10 000 training items (fewer if they are large) before the first step."""
    first = next(iter(train.ordered(1)))
    size = min(FINAL_ROWS, max(1, _PREPARED_NUMBERS // first.numel()))
    rows = train.subset(size, seed)
    with torch.no_grad():
        as_model(model).prepare(next(iter(train.ordered(len(rows), rows))))


def calibrate(model: nn.Module, train: Batches, size: int, batch_size: int, seed: int) -> None:
    """Re-estimate what is not learned by gradient on a fixed choice of up to `size` training items."""
    model.eval()
    with seeded(seed, train.device), torch.no_grad():
        as_model(model).calibrate(train.ordered(_WIDER * batch_size, train.subset(size, seed)))


def validation_bound(model: nn.Module, data: Batches, batch_size: int, seed: int) -> dict[str, float]:
    """Means over `data` in nats per item: "elbo" = "log_likelihood" - "kl", one draw of z each, noise from `seed`."""
    model.eval()
    sums: list[Tensor] = []
    with seeded(seed, data.device), torch.no_grad():
        for x in data.ordered(_WIDER * batch_size):
            trace = as_model(model).trace(x)
            sums.append(torch.stack([trace.log_likelihood.mean(0).sum(), trace.kl.sum(-1).mean(0).sum()]))
    # summed in double precision on the host: the one wait for the device
    log_likelihood, kl = (torch.stack(sums).cpu().double().sum(0) / len(data)).tolist()
    return {"elbo": log_likelihood - kl, "log_likelihood": log_likelihood, "kl": kl}
