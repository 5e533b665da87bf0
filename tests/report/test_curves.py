"""Learning curves stand beside the figures, so they must be in the same units."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from latentia.kinds.fitting import fit_run
from latentia.kinds.known import DataSpec
from latentia.kinds.latent_page import _in_data_units


def test_curves_are_in_the_units_of_the_data(tmp_path):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 1)) * [1000.0, 0.01, 5.0] + rng.normal(size=(200, 3)) * [100.0, 0.001, 1.0]
    path = tmp_path / "table.csv"
    pd.DataFrame(x, columns=list("abc")).to_csv(path, index=False)
    params = {"latent_dim": 1, "max_epochs": 20, "random_state": 0}
    run = fit_run(DataSpec(str(path)), params, tmp_path / "run", command="")
    log_volume = run.estimator.form_.log_volume
    assert abs(log_volume) > 1
    curve = _in_data_units(run.estimator.history_, log_volume)
    best = max(row["validation_elbo"] for row in curve)
    # The kept weights are those of the best epoch, calibrated again on more rows.
    assert best == pytest.approx(run.evaluate("validation", n_importance=0)["elbo"], abs=0.5)
