"""What can be done with a fitted model of sequences beside codes and densities: completions, and units of likelihoods."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.utils import check_random_state
from torch import Tensor

from latentia import draws
from latentia.data.items import Strings
from latentia.diagnostics.sampling import joined
from latentia.errors import ConfigError, DataError
from latentia.estimators.forms.tokens import END, UNKNOWN, TokenForm
from latentia.kinds.sequence.inference import SequenceInference
from latentia.kinds.written import as_array
from latentia.models.decoding import Drawing, beam, generated
from latentia.training.randomness import seeded

PROPOSALS = 256
"""Codes of the prior, and as many of q(z|prefix), among which those of completions are chosen."""
WAYS = ("greedy", "beam", "sample")
BEAM = 5


def codes_of(asked: SequenceInference, Z: Any) -> Tensor:
    """Codes that a person gives, checked, as the module takes them."""
    codes = np.asarray(Z, dtype=np.float64)
    latent_dim = asked.module.decoder.latent_dim
    if codes.ndim != 2 or codes.shape[1] != latent_dim:
        raise DataError(f"codes of shape {codes.shape}; expected [n, {latent_dim}]")
    if not np.isfinite(codes).all():
        raise DataError("codes contain NaN or infinity; every code must be finite")
    return torch.as_tensor(codes, dtype=asked.dtype, device=asked.device)


def seed_of(random_state: Any) -> int:
    """A seed out of what scikit-learn takes for one; None draws it anew."""
    return int(check_random_state(random_state).randint(2**31 - 1))


def drawing_of(
    form: TokenForm,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    avoid: Any = (),
) -> Drawing:
    """How tokens are chosen, as a person says it.

    Args:
        form: knows the numbers of tokens.
        temperature: see `Drawing`.
        top_k: see `Drawing`.
        top_p: see `Drawing`.
        avoid: tokens that are not to occur, "<unk>" among them if wanted.

    Raises:
        ConfigError: for a token that the model does not have.
    """
    numbers = []
    for token in (avoid,) if isinstance(avoid, str) else avoid:
        if token == form.vocabulary[UNKNOWN]:
            numbers.append(UNKNOWN)
        elif str(token) in form.numbers:
            numbers.append(form.numbers[str(token)])
        else:
            raise ConfigError(f"avoid={token!r}: the model has no such token")
    return Drawing(temperature, top_k, top_p, tuple(numbers))


def decoded(asked: SequenceInference, z: Tensor, how: str, drawing: Drawing, seed: int) -> NDArray[Any]:
    """Items `[n]` for codes: "greedy" (the likeliest token at each step), "beam" (a likely item), or "sample".

    Raises:
        ConfigError: for another way.
    """
    if how not in WAYS:
        raise ConfigError(f"how={how!r}: expected one of {', '.join(WAYS)}")
    if how != "beam":
        greedy = Drawing(0.0, avoid=drawing.avoid)
        return as_array(asked.decoded(z, greedy if how == "greedy" else drawing, seed))
    module = asked.module
    if asked.form.gaps is not None:
        raise ConfigError("how='beam' compares labels alone, and these have times: use 'greedy' or 'sample'")
    if module.end is None:
        raise ConfigError(
            "how='beam' compares items that end; these have one length: use 'greedy' or 'sample'"
        )
    found: list[Any] = []
    with torch.inference_mode():
        for some in z.to(asked.dtype).split(32):
            tokens, _ = beam(module.decoder, some, module.longest, module.end, BEAM, avoid=drawing.avoid)
            found += asked.form.items(tokens.cpu())
    return as_array(found)


def completed(
    asked: SequenceInference, prefixes: Strings, n: int, drawing: Drawing, seed: int
) -> list[list[Any]]:
    r"""`n` items that begin with each prefix: z by importance resampling from p(z|prefix), then draws from p(rest|prefix, z).

    Codes are proposed by the prior and by q(z|prefix) in equal shares, with weights

    .. math:: w = \frac{p(z)\, p(prefix|z)}{\frac12 p(z) + \frac12 q(z|prefix)}

    The encoder has seen no beginnings, so that q alone would not do.

    Args:
        asked: the model.
        prefixes: beginnings; an empty one gives draws from the model.
        n: completions of each.
        drawing: how tokens are chosen.
        seed: of all draws.

    Returns:
        For each prefix `n` whole items.
    """
    module, form = asked.module, asked.form
    stored = form.encoded(prefixes)
    found = []
    with torch.inference_mode(), seeded(seed, asked.device):
        for i in range(len(stored)):
            row = stored.item(i)
            tokens = torch.from_numpy(row[row != END] if form.end else row).long().to(asked.device)[None]
            z = _codes_of_prefix(asked, tokens, n)
            drawn = generated(
                module.decoder,
                z,
                max(module.longest, tokens.shape[1] + 1),
                module.end,
                drawing,
                tokens.expand(n, -1),
            )
            found.append(form.items(drawn.cpu()))
    return found


def _codes_of_prefix(asked: SequenceInference, prefix: Tensor, n: int) -> Tensor:
    """Codes `[n, D]` out of p(z|prefix)."""
    module = asked.module
    prior = module.prior()
    if asked.is_language_model or prefix.shape[1] == 0:
        return prior.sample(torch.Size([n])).to(asked.dtype)
    q = module.encode(prefix)
    z = torch.cat([prior.sample(torch.Size([PROPOSALS])), q.sample(torch.Size([PROPOSALS]))[:, 0]])
    log_prior = prior.log_prob(z)
    proposal = torch.logaddexp(log_prior, q.log_prob(z[:, None])[:, 0]) - math.log(2)
    log_weight = module.decode(z).log_prob(prefix) + log_prior - proposal
    chosen = draws.multinomial(log_weight.double().softmax(0), n, replacement=True)
    return z[chosen]


def tensors(asked: SequenceInference, rows: Strings) -> Tensor:
    """Items `[n, T]` in their order as the module sees them, negative behind each end."""
    pairs = list(asked.sorted_batches(asked.form.encoded(rows)))
    order = torch.from_numpy(np.argsort(np.concatenate([places for places, _ in pairs])))
    return joined([x for _, x in pairs])[order]


def check_units(form: TokenForm, figure: str) -> None:
    """Raise `ConfigError` for a figure of tokens alone where scores are densities of gaps too."""
    if form.gaps is not None:
        raise ConfigError(
            f"{figure} is of tokens alone, and with gaps=True scores are densities of gaps too: use score_samples"
        )


def perplexity(log_density: NDArray[np.float64], n_tokens: int) -> float:
    """Exp of the nats of all items over the number of their tokens, ends among them.

    >>> round(perplexity(np.log([1 / 8, 1 / 4]), 5), 6)
    2.0
    """
    return float(np.exp(-log_density.sum() / n_tokens))


def bits_per_character(log_density: NDArray[np.float64], n_characters: int) -> float:
    """Bits of all items over the number of their characters and one for each end."""
    return float(-log_density.sum() / math.log(2) / n_characters)
