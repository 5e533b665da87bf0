"""The truth table: its quick states here, all of them by `make truth` (and the slow test)."""

import importlib
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
truth = importlib.import_module("truth")
states = importlib.import_module("truth_states")

QUICK = [key for key in states.STATES if "mixture" in key[0] or key[0] == "classifier"]


def test_the_table_has_every_kind_and_healthy_states():
    kinds = {kind for kind, _ in states.STATES}
    assert {
        "VAE, images",
        "VAE, table",
        "VAE, binary",
        "VAE, counts",
        "codes",
        "autoregressive",
        "classifier",
        "sequence",
        "series",
    } <= kinds
    assert {"Gaussian mixture", "Bernoulli mixture", "count mixture"} <= kinds
    assert len(states.STATES) >= 24
    for kind in kinds:
        assert "healthy" in {wanted for (of, _), (_, wanted) in states.STATES.items() if of == kind}, kind


@pytest.mark.parametrize("key", QUICK, ids=": ".join)
def test_mixtures_and_classifiers_are_judged_right(key):
    make, wanted = states.STATES[key]
    assert wanted in truth.judged(make(1))["verdicts"]


@pytest.mark.slow
@pytest.mark.parametrize("key", [key for key in states.STATES if key not in QUICK], ids=": ".join)
def test_neural_models_are_judged_right(key, real_data):
    make, wanted = states.STATES[key]
    assert wanted in truth.judged(make(1))["verdicts"]
