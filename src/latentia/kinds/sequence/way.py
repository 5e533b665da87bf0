"""How sequences of tokens go into a fit: vocabulary, batches of like length, the autoencoder that comes first."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from torch import Tensor

from latentia import training
from latentia.data.events import Events
from latentia.data.items import Strings
from latentia.errors import ConfigError, DataError
from latentia.estimators.composition import Chosen
from latentia.estimators.defaults import default_averaging
from latentia.estimators.forms.arrays import Given
from latentia.estimators.forms.events import GapForm, as_events
from latentia.estimators.forms.sequences import as_sequences
from latentia.estimators.forms.tokens import TokenForm, Tokens, choose_tokens
from latentia.estimators.parameters import whole
from latentia.estimators.settings import Defaults
from latentia.estimators.way import Way
from latentia.kinds.sequence.defaults import SequenceNetwork, defaults_for
from latentia.models.pretraining import MeanCoded
from latentia.objectives import reconstruction
from latentia.training.ragged import RaggedBatches
from latentia.training.randomness import seeded

PRETRAINING = "pretraining"
"""Folder among the checkpoints in which those of the first phase lie."""


class SequenceWay(Way):
    """The way of sequences of tokens."""

    weighs = False

    def given(self, estimator: Any, X: Any, *, reset: bool, channels: str = "auto") -> Given:  # noqa: ARG002
        """See `Way.given`; rows are `Strings`."""
        if not isinstance(estimator.gaps, bool):
            raise ConfigError(f"gaps={estimator.gaps!r}: true or false is expected")
        found = as_events(X) if estimator.gaps else as_sequences(X)
        least = 2 if reset else 1
        n = len(found.items)
        if n < least:
            raise DataError(f"X holds {n} item{'s' * (n != 1)}; at least {least} are expected")
        if reset:
            estimator.numeric_, estimator.ends_ = found.numeric, found.end
        return Given(cast(Any, found.items))

    def chosen(self, estimator: Any, given: Given, entry: Any, streamed: bool) -> Chosen:  # noqa: ARG002
        """See `Way.chosen`."""
        items = cast(Strings, given.rows)
        form, choices = choose_tokens(
            items, Tokens.of(estimator.tokens), numeric=estimator.numeric_, end=estimator.ends_
        )
        if estimator.gaps:
            gaps, told = GapForm.of(cast(Events, items))
            form = replace(form, gaps=gaps)
            choices.append(told)
        stored = form.stored(items)
        network, why = SequenceNetwork.of(
            estimator.network, words=form.unit != "char", n_train_tokens=len(stored.values), keep=entry.keep
        )
        return Chosen(cast(Any, form), "tokens", cast(Any, network), 0.0, [*choices, why])

    def form_of(self, described: dict[str, Any]) -> TokenForm:
        """See `Way.form_of`."""
        return TokenForm.rebuild(described)

    def batches(self, rows: Any, form: Any) -> training.Batches:
        """See `Way.batches`."""
        return RaggedBatches(form.encoded(rows), form.model_input)

    def defaults(self, estimator: Any, rows: Any) -> Defaults:
        """See `Way.defaults`."""
        form = estimator.form_
        n_tokens = int(form.stored(rows).lengths.sum())
        return defaults_for(n_tokens, estimator.learning_rate, form.unit != "char")

    def first(
        self,
        estimator: Any,
        batches: training.Batches,
        held_out: training.Batches | None,
        config: training.TrainingConfig,
        folder: Path | None,
        resume: bool,
    ) -> None:
        """Train encoder and decoder as an autoencoder, then let the decoder begin anew; see `SequenceEntry.pretraining`."""
        epochs = _pretraining_epochs(estimator, config.max_epochs)
        estimator.pretraining_ = []
        if not epochs:
            return
        module, size = estimator.module_, config.batch_size
        phase = replace(
            config,
            max_epochs=epochs,
            patience=None,
            averaging=None if held_out is None else default_averaging(epochs * batches.n_batches(size)),
            loggers=(),
        )
        history = training.fit(
            MeanCoded(module),
            reconstruction(estimator.objective_setting_),
            batches,
            held_out,
            phase,
            None if folder is None else folder / "checkpoints" / PRETRAINING,
            resume=resume,
        )
        estimator.pretraining_ = history.rows()
        with seeded(config.seed, next(module.parameters()).device):
            module.decoder.reset()


def _pretraining_epochs(estimator: Any, max_epochs: int) -> int:
    """Epochs as an autoencoder that come before so many of the fit proper."""
    entry, asked = estimator._entry(), estimator.pretrain_epochs
    if asked is None:
        return round(entry.pretraining * max_epochs)
    if entry.posterior is None and asked:
        raise ConfigError(f"pretrain_epochs={asked}: {estimator.model} has no code")
    return whole("pretrain_epochs", asked, 0)


def information(model: Any, x_batches: Any) -> float:
    """I_q(x; z) in nats, for schedules that are ruled by it."""
    from latentia.diagnostics import mutual_information

    measured = mutual_information(model, x_batches)
    assert measured is not None  # codes of sequences are Gaussian
    return measured.value


def watched(model: Any, x_batches: list[Tensor], epoch: int, progress: float) -> dict[str, float]:  # noqa: ARG001
    """What is looked at while a model of sequences trains: mutual information, active units, and its losses with and without true prefixes."""
    from latentia.diagnostics import mutual_information, teacher_forcing

    batches = list(x_batches)
    found = mutual_information(model, batches, items=None) if model.decoder.latent_dim else None
    forcing = teacher_forcing(model, batches)
    figures: dict[str, float] = {
        "free_loss": forcing.free_loss,
        "forced_loss": forcing.forced_loss,
        "free_loss_other": forcing.free_loss_other,
    }
    if found is not None:
        figures |= {
            "mutual_information": found.value,
            "active_units": found.active_units,
            "watched_items": found.n,
        }
    return figures
