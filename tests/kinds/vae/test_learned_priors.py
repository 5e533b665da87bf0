"""Training of models with learned priors and flow posteriors goes on exactly where it was cut off."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from latentia import training
from latentia.estimators.compose import compose
from latentia.estimators.forms.scaled import Scaled
from latentia.kinds.vae.catalog import CATALOG
from latentia.objectives import ObjectiveSetting, build_objective


class _Cut(Exception):
    """Stands for a crash."""


@pytest.mark.parametrize("name", ["vamp-vae", "iaf-vae", "f-vae"])
def test_a_fit_that_was_cut_off_resumes_to_the_same_bits(name, tmp_path):
    rows = np.random.default_rng(0).normal(size=(60, 4)).astype(np.float32)
    config = training.TrainingConfig(max_epochs=3, batch_size=16, seed=1, averaging=0.9)

    def run(folder=None, **options):
        torch.manual_seed(0)
        model = compose(CATALOG[name], (4,), 2, likelihood="gaussian", network="mlp")
        train = training.Batches(rows, Scaled("continuous", (4,), "float32").fit(rows))
        objective = build_objective(CATALOG[name].objective, ObjectiveSetting(60, 2, (4,), 12))
        training.fit(model, objective, train, train, config, folder, **options)
        return model.state_dict()

    def cut(record):
        if record.epoch == 2:
            raise _Cut

    whole = run()
    with pytest.raises(_Cut):
        run(tmp_path, epoch_end=cut)
    resumed = run(tmp_path, resume=True)
    assert list(resumed) == list(whole)
    assert [key for key in whole if not torch.equal(resumed[key], whole[key])] == []
