"""How an autoregressive density is fitted: from rows to a trained module, whole or not at all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from sklearn.utils import check_random_state

from latentia import training
from latentia.data import Dataset
from latentia.estimators.forms.arrays import as_rows
from latentia.estimators.forms.levels import choose_levels
from latentia.estimators.settings import KEPT
from latentia.estimators.weights import split_weights, told_weights, weighed_rows
from latentia.estimators.whole import all_or_nothing
from latentia.kinds.autoregressive.use import classes_in
from latentia.objectives import negative_elbo
from latentia.training.randomness import seeded


def fit_to(
    model: Any,
    X: Any,
    y: Any,
    validation: Any,
    run_dir: str | Path | None,
    resume: bool,
    channels: str,
    sample_weight: Any,
) -> None:
    """What `AutoregressiveModel.fit` does; the arguments are its."""
    if isinstance(X, Dataset):
        if validation is None:
            validation = (X.validation.x, X.validation.y) if model.conditional else X.validation.x
        X, y, channels = X.train.x, X.train.y, "first"
    with all_or_nothing(model):
        X, y, weight = weighed_rows(X, y, sample_weight)
        given = as_rows(model, X, reset=True, channels=channels, dense=True)
        model.seed_ = int(check_random_state(model.random_state).randint(2**31 - 1))
        model.levels_, choice = choose_levels(given.rows, model.n_levels, given.axes)
        model.choices_ = [choice, *told_weights(weight)]
        model.classes_ = classes_in(y, len(given.rows)) if model.conditional else np.empty(0)
        with seeded(model.seed_, torch.device("cpu")):
            model._compose()
        stored, held_weight = model._stored(given.rows, y), None
        if validation is None:
            stored, held_out = model._split(stored, model.seed_)
            weight, held_weight = split_weights(model, weight)
        else:
            model._check_fraction()
            pair = validation if model.conditional else (validation, None)
            held_out = model._stored(as_rows(model, pair[0], reset=False, dense=True).rows, pair[1])
        config = model._config(len(stored), held_out is not None)
        model.settings_ = {name: getattr(config, name) for name in KEPT}
        if model.verbose:
            print(*model.choices_, sep="\n")
        held = None
        if held_out is not None:
            held = training.Batches(held_out, model.levels_.model_input).weighed(held_weight)
        history = training.fit(
            model.module_,
            negative_elbo(),
            training.Batches(stored, model.levels_.model_input).weighed(weight),
            held,
            config,
            None if run_dir is None else Path(run_dir),
            resume=resume,
        )
        model._take_history(history, len(stored))
