"""The optimizers of a fit: AdamW for all weights, Muon for hidden matrices and AdamW for the others, or plain SGD."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable
from typing import Any, Literal, get_args

import torch
from torch import Tensor, nn

from latentia.distributions.numerics import has_bfloat16_units
from latentia.training.prices import ITERATIONS, OBLONG

OptimizerName = Literal["auto", "adamw", "muon", "sgd"]
OPTIMIZERS: tuple[str, ...] = get_args(OptimizerName)

# What Muon and the AdamW beside it make of the learning rate r of AdamW alone (2e-3): 10 r = 0.02 is the rate of Jordan et al.
# 2024; the other was found on the validation split of Fashion-MNIST (a variant of benchmarks/default.py).
MUON_RATE = 10.0
RATE_BESIDE_MUON = 2.0
# A weight forgets where it came from within a fixed share of the fit, however long that is: rate x decay x steps = 5 (after
# Wang and Aitchison 2024, How to set AdamW's weight decay as you scale model and dataset size).
FORGETTING = 5.0
MOST_SHRINKING = 0.01  # a step, in short fits
MOMENTUM = 0.95
SMALLEST_SIDE = 16  # a matrix with a shorter side has few directions to balance
# Below it a momentum fades out instead of moving its weight at full size: of a layer whose units have died, whose gradient is 0, it
# falls by 5 % a step until its squares underflow.
SMALLEST_NORM = 1e-7
# a, b, c of Jordan et al. 2024: they maximise the slope at 0 while all singular values end near 1
COEFFICIENTS = (3.4445, -4.7750, 2.0315)


class Muon(torch.optim.Optimizer):
    r"""Momentum whose every matrix is replaced by the nearest orthogonal one: all directions move equally far.

    With gradient G of a weight W seen as a matrix `[m, n]` (a kernel `[m, c, h, w]` as `[m, c h w]`) and momentum mu,

        B <- mu B + (1 - mu) G
        W <- (1 - rate decay) W - rate sqrt(max(1, m / n)) U V^T,    (1 - mu) G + mu B = U S V^T,

    where U V^T is found to about 20 % by five steps of a quintic Newton-Schulz iteration (`orthogonalised`). Source:
    Jordan et al. 2024, Muon: an optimizer for hidden layers in neural networks. `torch.optim.Muon` takes no kernels of
    convolutions, and works on one matrix at a time; here matrices of equal shape go through the iteration together.

    Args:
        weights: parameters of at least two dimensions, or groups of them.
        lr: the rate; a group may have it as a tensor on its device.
        momentum: mu in [0, 1).
        weight_decay: decoupled decay.
    """

    def __init__(
        self,
        weights: Iterable[nn.Parameter] | Iterable[dict[str, Any]],
        lr: float = 0.02,
        momentum: float = MOMENTUM,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(weights, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """Move all weights that have a gradient."""
        if closure is not None:
            raise NotImplementedError("Muon takes no closure: call backward() first")
        for group in self.param_groups:
            weights = [weight for weight in group["params"] if weight.grad is not None]
            if not weights:
                continue
            for weight in weights:
                if not self.state[weight]:
                    self.state[weight]["momentum"] = torch.zeros_like(weight)
            gradients: list[Tensor] = [weight.grad for weight in weights]
            buffers = [self.state[weight]["momentum"] for weight in weights]
            torch._foreach_lerp_(buffers, gradients, 1 - group["momentum"])
            directions = torch._foreach_lerp(gradients, buffers, group["momentum"])
            if group["weight_decay"]:
                torch._foreach_mul_(weights, 1 - group["lr"] * group["weight_decay"])
            matrices = [direction.flatten(1) for direction in directions]
            for places in (_by_side if self.by_side(weights[0]) else _by_shape)(matrices).values():
                moved = orthogonalised(_stacked([matrices[place] for place in places]))
                for place, update in zip(places, moved, strict=True):
                    rows, columns = matrices[place].shape
                    update = update if update.shape == (rows, columns) else _cut(update, rows, columns)
                    update, wide = update.reshape(weights[place].shape), math.sqrt(max(1.0, rows / columns))
                    if isinstance(group["lr"], Tensor):  # of a step that is recorded
                        weights[place].sub_(update * (group["lr"] * wide))
                    else:
                        weights[place].sub_(update, alpha=group["lr"] * wide)

    def by_side(self, weight: Tensor) -> bool:
        """Whether matrices go through the iteration by their shorter side, filled up with zeros: fewer, larger kernels for a GPU."""
        return weight.is_cuda


def _by_shape(matrices: list[Tensor]) -> dict[tuple[int, ...], list[int]]:
    places: dict[tuple[int, ...], list[int]] = defaultdict(list)
    for place, matrix in enumerate(matrices):
        places[tuple(matrix.shape)].append(place)
    return places


def _by_side(matrices: list[Tensor]) -> dict[tuple[int, ...], list[int]]:
    places: dict[tuple[int, ...], list[int]] = defaultdict(list)
    for place, matrix in enumerate(matrices):
        places[(min(matrix.shape),)].append(place)
    return places


def _stacked(matrices: list[Tensor]) -> Tensor:
    """Matrices of one shape as they are; of one shorter side, that side first, the other filled up with zeros, which change no product.

    Example:
        >>> _stacked([torch.ones(2, 3), torch.ones(4, 2)]).shape
        torch.Size([2, 2, 4])
    """
    if len({matrix.shape for matrix in matrices}) == 1:
        return torch.stack(matrices)
    lying = [matrix if len(matrix) <= matrix.shape[1] else matrix.mT for matrix in matrices]
    longest = max(matrix.shape[1] for matrix in lying)
    return torch.stack([nn.functional.pad(matrix, (0, longest - matrix.shape[1])) for matrix in lying])


def _cut(filled: Tensor, rows: int, columns: int) -> Tensor:
    """The inverse of `_stacked` for one matrix."""
    return filled[:, :columns] if rows <= columns else filled[:, :rows].mT


def orthogonalised(matrices: Tensor, iterations: int = ITERATIONS) -> Tensor:
    r"""About U V^T for each matrix U S V^T of `[k, m, n]`: singular values end within 0.7 to 1.2.

    X_0 = M / ||M||_F, X <- a X + (b A + c A^2) X with A = X X^T. Directions whose singular value is below about 1e-3 of the
    norm stay short, as do matrices of norm below `SMALLEST_NORM`, and zeros stay zeros: noise is not blown up. Products are taken in bfloat16 where the machine has
    units for it, which the iteration does not mind.

    Example:
        >>> M = torch.tensor([[[3.0, 0.0], [0.0, 0.5]]])
        >>> bool(((orthogonalised(M) - torch.eye(2)).abs() < 0.35).all())
        True
        >>> orthogonalised(torch.zeros(1, 2, 3))
        tensor([[[0., 0., 0.],
                 [0., 0., 0.]]])
    """
    upright = matrices.shape[1] > matrices.shape[2]
    x = matrices.mT if upright else matrices
    x = x / x.norm(dim=(1, 2), keepdim=True).clamp_min(SMALLEST_NORM)
    coarse = x.dtype == torch.float32 and has_bfloat16_units(x.device)
    if coarse:
        x = x.bfloat16()
    # One matrix goes through plain products, which need half the time: a batched one copies what lies transposed.
    x, multiply_add = (x[0].contiguous(), torch.addmm) if len(x) == 1 else (x, torch.baddbmm)
    oblong = x.shape[-1] > OBLONG * x.shape[-2]
    x = (_by_gram if oblong and not coarse else _by_rows)(x, iterations, multiply_add)
    return (x.mT if upright else x).to(matrices.dtype).view_as(matrices)


def _by_rows(x: Tensor, iterations: int, multiply_add: Callable[..., Tensor]) -> Tensor:
    """The iteration as it is written, on `[.., m, n]`: 5 (2 n / m + 1) products of m x m matrices."""
    a, b, c = COEFFICIENTS
    for _ in range(iterations):
        gram = x @ x.mT
        x = multiply_add(x, multiply_add(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x


def _by_gram(x: Tensor, iterations: int, multiply_add: Callable[..., Tensor]) -> Tensor:
    r"""The same on A = X X^T alone, whose iterates are polynomials of it and commute: 2 n / m + 17 products.

    P_k = a + b A_k + c A_k^2, A_{k+1} = P_k A_k P_k, and X_5 = P_5 ... P_1 X. For float32: bfloat16 would lose the small
    eigenvalues of A, which are squares.
    """
    a, b, c = COEFFICIENTS
    gram, product = x @ x.mT, None
    for iteration in range(iterations):
        polynomial = multiply_add(gram, gram, gram, beta=b, alpha=c)
        polynomial.diagonal(dim1=-2, dim2=-1).add_(a)
        product = polynomial if product is None else polynomial @ product
        if iteration < iterations - 1:
            gram = polynomial @ gram @ polynomial
    return x if product is None else product @ x


def hidden_matrices(model: nn.Module) -> set[int]:
    """`id` of the weights that Muon moves: what layers call their `weight`, of two or more dimensions, no side below 16.

    Tables of vectors (codebooks, embeddings, pseudo-inputs), offsets, layers from the data and to them where these are
    narrow, and all vectors stay with AdamW.
    """
    weights = (
        layer._parameters.get("weight") for layer in model.modules() if not isinstance(layer, nn.Embedding)
    )
    return {
        id(weight)
        for weight in weights
        if weight is not None and weight.ndim > 1 and min(len(weight), weight[0].numel()) >= SMALLEST_SIDE
    }


def rate_factors(model: nn.Module) -> dict[int, float]:
    """`id` of the weights that learn at a rate of their own, and how many times AdamW's it is.

    A module says so in `rate_factors`, a mapping from the name of one of its parameters to the factor.
    """
    return {
        id(getattr(layer, name)): factor
        for layer in model.modules()
        for name, factor in getattr(layer, "rate_factors", {}).items()
        if isinstance(getattr(layer, name), nn.Parameter)
    }


def optimizers_for(
    model: nn.Module,
    name: OptimizerName,
    learning_rate: float,
    weight_decay: float,
    total_steps: int,
    fused: bool,
    worthy: Collection[int] = (),
    *,
    capturable: bool = False,
) -> list[torch.optim.Optimizer]:
    """The optimizers that together move every weight of `model` once; each group carries the `factor` of its rate.

    Args:
        model: whose parameters with `requires_grad` are moved.
        name: "adamw" for all weights, "muon" for the hidden matrices with AdamW for the others, "auto" for those of them that are
            `worthy`, or "sgd", steps along the gradient without momentum, as results of the literature ask for.
        learning_rate: of AdamW or SGD alone; Muon's is 10 times as high, and that of AdamW beside it twice as high.
        weight_decay: of matrices and kernels under AdamW; vectors, scalars and weights with a rate of their own (`rate_factors`) do
            not decay. Muon's follows from the steps.
        total_steps: of the fit.
        fused: whether AdamW uses torch's fused kernel.
        worthy: `id` of the weights that Muon moves under "auto" (`latentia.training.prices`).
        capturable: whether AdamW's step may be recorded (`latentia.training.graph`).
    """
    weights = [weight for weight in model.parameters() if weight.requires_grad]
    ours = {"muon": hidden_matrices(model), "auto": set(worthy)}.get(name, set())
    factors = rate_factors(model)
    hidden = [weight for weight in weights if id(weight) in ours]
    others = [weight for weight in weights if id(weight) not in ours and id(weight) not in factors]
    beside = RATE_BESIDE_MUON if hidden else 1.0
    groups: list[dict[str, Any]] = [
        {"params": [weight for weight in others if weight.ndim > 1], "weight_decay": weight_decay},
        {"params": [weight for weight in others if weight.ndim <= 1], "weight_decay": 0.0},
    ]
    groups = [{**group, "factor": beside} for group in groups if group["params"]]
    for factor in sorted({factors[id(weight)] for weight in weights if id(weight) in factors}):
        quick = [weight for weight in weights if factors.get(id(weight)) == factor]
        groups.append({"params": quick, "weight_decay": 0.0, "factor": beside * factor})
    made: list[torch.optim.Optimizer] = []
    if groups:
        if name == "sgd":
            made.append(torch.optim.SGD(groups, lr=learning_rate, fused=fused))
        else:
            made.append(torch.optim.AdamW(groups, lr=learning_rate, fused=fused, capturable=capturable))
    if hidden:
        rate = learning_rate * MUON_RATE
        decay = min(FORGETTING / max(1, total_steps), MOST_SHRINKING) / rate
        made.append(Muon([{"params": hidden, "weight_decay": decay, "factor": MUON_RATE}], lr=rate))
    return made
