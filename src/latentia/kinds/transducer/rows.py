"""Pairs as the model sees them: numbered tokens side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from latentia.data.items import Strings
from latentia.data.pairs import Pairs
from latentia.errors import DataError
from latentia.estimators.forms.tokens import TokenForm


@dataclass(frozen=True)
class PairForm:
    """Inputs and outputs as numbers.

    Attributes:
        given: of inputs.
        wanted: of outputs.
    """

    given: TokenForm
    wanted: TokenForm

    def inputs(self, texts: Sequence[str]) -> Tensor:
        """`[n, T]`, the end behind each, then negative."""
        return _padded(self.given, texts)

    def outputs(self, texts: Sequence[str]) -> Tensor:
        """The same of outputs."""
        return _padded(self.wanted, texts)


def _padded(form: TokenForm, texts: Sequence[str]) -> Tensor:
    tokens, _ = form.stored(Strings.of_texts(texts)).padded(-1)
    return torch.from_numpy(tokens).long()


def as_pairs(X: Any, y: Any = None, unpaired: Any = None) -> Pairs:
    """Pairs that a person gives.

    Args:
        X: inputs, None where there is none; or `Pairs`.
        y: outputs.
        unpaired: more outputs, without inputs.

    Raises:
        DataError: for something that is no list of texts, or not as many inputs as outputs.
    """
    if isinstance(X, Pairs):
        if y is not None:
            raise DataError("X holds pairs already; y is their outputs and must be left out")
        inputs, outputs = X.inputs(), X.outputs()
    else:
        if y is None:
            raise DataError("y is missing: a transducer learns outputs of inputs, fit(X, y)")
        inputs, outputs = texts_of(X, "X", missing=True), texts_of(y, "y")
    more = [] if unpaired is None else texts_of(unpaired, "unpaired")
    return Pairs.of_pairs([*inputs, *[None] * len(more)], [*outputs, *more])


def texts_of(X: Any, name: str, *, missing: bool = False) -> list[Any]:
    """A list of texts.

    Raises:
        DataError: for something else; says which item.
    """
    if isinstance(X, str | bytes):
        raise DataError(f"{name} is a single text; expected a list of texts, for example [text]")
    try:
        found = list(X.outputs() if isinstance(X, Pairs) else X)
    except TypeError:
        raise DataError(f"{name} of type {type(X).__name__} is no list of texts") from None
    for i, text in enumerate(found):
        if not isinstance(text, str) and not (missing and text is None):
            raise DataError(
                f"{name}[{i}] is {str(text)[:40]!r} of type {type(text).__name__}; a text is expected"
            )
    return found


def with_share(pairs: Pairs, labelled: float, seed: int) -> Pairs:
    """The pairs, of a random share `labelled` of which the inputs stay, but at least one."""
    inputs, outputs = pairs.inputs(), pairs.outputs()
    there = [i for i, given in enumerate(inputs) if given is not None]
    kept = np.random.default_rng([seed, 4]).permutation(len(there))[: max(1, round(labelled * len(there)))]
    stay = {there[i] for i in kept}
    return Pairs.of_pairs([given if i in stay else None for i, given in enumerate(inputs)], outputs)


def training_rows(
    form: PairForm, pairs: Pairs, seed: int, *, lone: bool
) -> tuple[NDArray[np.int64], tuple[int, int]]:
    """Rows `[n, Tx + Ty (+ Ty)]` of an input, its output and, with `lone`, an output without input; and `(Tx, Ty)`.

    There are as many rows as of the more numerous; the less numerous are told again in another order.

    Raises:
        DataError: if there is no pair.
    """
    inputs, outputs = pairs.inputs(), pairs.outputs()
    told = [(given, wanted) for given, wanted in zip(inputs, outputs, strict=True) if given is not None]
    if not told:
        raise DataError("no output has an input: expected one pair at least")
    x, y = form.inputs([given for given, _ in told]), form.outputs([wanted for _, wanted in told])
    alone = [wanted for given, wanted in zip(inputs, outputs, strict=True) if given is None] if lone else []
    longest = x.shape[1], max(y.shape[1], form.outputs(alone).shape[1]) if alone else y.shape[1]
    y = _wider(y, longest[1])
    if not alone:
        return torch.cat([x, y], 1).numpy(), longest
    z = _wider(form.outputs(alone), longest[1])
    n = max(len(x), len(z))
    own, other = _again(len(x), n, seed), _again(len(z), n, seed + 1)
    return torch.cat([x[own], y[own], z[other]], 1).numpy(), longest


def _wider(tokens: Tensor, width: int) -> Tensor:
    return torch.nn.functional.pad(tokens, (0, width - tokens.shape[1]), value=-1)


def _again(n: int, wanted: int, seed: int) -> Tensor:
    """Places 0 ... n - 1 in random orders behind one another, `wanted` of them."""
    random = np.random.default_rng([seed, 5])
    return torch.from_numpy(np.concatenate([random.permutation(n) for _ in range(-(-wanted // n))])[:wanted])
