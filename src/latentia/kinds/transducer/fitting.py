"""How a transducer is put together and trained."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from latentia import training
from latentia.data.items import Strings
from latentia.data.pairs import Pairs
from latentia.errors import ConfigError, DataError
from latentia.estimators.choices import Choice
from latentia.estimators.forms.tokens import END, Tokens, choose_tokens
from latentia.estimators.parameters import whole
from latentia.kinds.transducer import use
from latentia.kinds.transducer.rows import PairForm, training_rows
from latentia.models.transducer import RELAXATIONS, Transducer
from latentia.training.randomness import seeded

STEPS = (600, 1800)
"""Steps of a fit at least and at most, unless a person says otherwise."""
PASSES = 60
WATCHED = 60
"""Held-out pairs that are looked at while training goes on."""


def prepared(estimator: Any, pairs: Pairs) -> NDArray[np.int64]:
    """Vocabularies and the untrained module, set on the estimator; and rows to train on."""
    told = [given for given in pairs.inputs() if given is not None]
    if len(told) < 2:
        raise DataError(f"X holds {len(told)} input{'s' * (len(told) != 1)}; at least 2 pairs are expected")
    given, of_inputs = choose_tokens(Strings.of_texts(told), Tokens("word"))
    wanted, of_outputs = choose_tokens(Strings.of_texts(pairs.outputs()), Tokens("word", min_count=1))
    estimator.form_ = PairForm(given, wanted)
    estimator.choices_ = [
        Choice(f"{each.what} of {what}", each.value, each.reason)
        for what, choices in (("inputs", of_inputs), ("outputs", of_outputs))
        for each in choices
        if each.what == "vocabulary"
    ]
    generator = estimator._entry().generator
    rows, estimator.longest_ = training_rows(estimator.form_, pairs, estimator.seed_, lone=generator)
    lone = len(pairs) - len(told)
    if lone:
        used = "learned by way of made-up inputs" if generator else f"{estimator.model} leaves them out"
        reason = f"beside {len(told):,} pairs; {used}"
        estimator.choices_.append(Choice("outputs without inputs", f"{lone:,}", reason))
    compose(estimator)
    return rows


def compose(estimator: Any) -> None:
    """Put the untrained module together.

    Raises:
        ConfigError: for a parameter out of its range.
    """
    if estimator.relaxation not in RELAXATIONS:
        raise ConfigError(f"relaxation={estimator.relaxation!r}: expected one of {', '.join(RELAXATIONS)}")
    if not isinstance(estimator.dropout, int | float) or not 0 <= estimator.dropout < 1:
        raise ConfigError(f"dropout={estimator.dropout!r}: a share of at least 0 and below 1 is expected")
    weight = estimator.unpaired_weight
    if not isinstance(weight, int | float) or not 0 <= weight < float("inf"):
        raise ConfigError(f"unpaired_weight={weight!r}: a finite number of at least 0 is expected")
    with seeded(estimator.seed_, torch.device("cpu")):
        estimator.module_ = Transducer(
            estimator.form_.given.n_tokens,
            estimator.form_.wanted.n_tokens,
            estimator.longest_,
            whole("width", estimator.width, 1),
            whole("hidden", estimator.hidden, 1),
            float(estimator.dropout),
            end=END,
            generator=estimator._entry().generator,
            relaxation=estimator.relaxation,
        )


def configured(estimator: Any, n: int) -> training.TrainingConfig:
    """All settings of a fit to so many rows."""
    batch = whole("batch_size", estimator.batch_size, 1)
    an_epoch = max(1, n // batch)
    if estimator.steps is None:
        steps = min(STEPS[1], max(STEPS[0], PASSES * an_epoch))
        reason = f"{PASSES} passes over {n:,} rows, within {STEPS[0]:,} and {STEPS[1]:,}"
        estimator.choices_.append(Choice("steps", f"{steps:,}", reason))
    else:
        steps = whole("steps", estimator.steps, 0)
    return training.TrainingConfig(
        max_epochs=-(-steps // an_epoch),
        batch_size=batch,
        learning_rate=estimator.learning_rate,
        weight_decay=0.0,
        warmup_fraction=0.05,
        gradient_clip=5.0,
        seed=estimator.seed_,
        device=estimator.device,
        progress=estimator.verbose,
    )


def looks(estimator: Any, held: Pairs) -> Any:
    """Exact matches and G's hits on some held-out pairs, while training goes on."""
    pairs = zip(held.inputs(), held.outputs(), strict=True)
    chosen = [(x, y) for x, y in pairs if x is not None][:WATCHED]

    def look(
        module: nn.Module,  # noqa: ARG001  that of the estimator
        batches: Iterable[Tensor],  # noqa: ARG001  of training rows
        epoch: int,  # noqa: ARG001
        progress: float,  # noqa: ARG001
    ) -> Mapping[str, float]:
        inputs, outputs = [x for x, _ in chosen], [y for _, y in chosen]
        found = {"exact": float(np.mean(use.exact(estimator, inputs, outputs)))}
        if estimator._entry().generator:
            found["input_accuracy"] = use.input_accuracy(estimator, inputs, outputs)
        return found

    return look if chosen else None
