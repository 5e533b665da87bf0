from __future__ import annotations

import math

import pytest

from latentia.errors import ConfigError
from latentia.objectives import RAMPS, Constant, Cyclical, Linear, Sigmoid, as_weight


@pytest.mark.parametrize("name", RAMPS)
def test_every_ramp_stays_between_its_ends_and_arrives(name):
    ramp = RAMPS[name](end=4.0) if name == "constant" else RAMPS[name](end=4.0, start=1.0)
    values = [ramp(i / 1000) for i in range(1001)]
    assert all(1.0 <= value <= 4.0 for value in values)
    assert values[-1] == 4.0
    if name != "cyclical":
        assert values == sorted(values)


def test_linear_by_hand():
    assert [Linear(3.0, 1.0, until=0.4)(t) for t in (0.0, 0.1, 0.2, 0.4, 0.7)] == [1.0, 1.5, 2.0, 3.0, 3.0]


def test_sigmoid_is_the_logistic_curve_of_bowman_et_al():
    def logistic(t: float) -> float:
        return 1 / (1 + math.exp(-10 * (t - 0.3)))

    for t in (0.1, 0.3, 0.8):
        expected = (logistic(t) - logistic(0)) / (logistic(1) - logistic(0))
        assert Sigmoid(middle=0.3, steepness=10.0)(t) == pytest.approx(expected, rel=1e-12)


def test_cyclical_by_hand():
    # cycles of a quarter: up over the first half of each, then level
    at = {0.0: 0.0, 0.0625: 0.5, 0.125: 1.0, 0.2: 1.0, 0.25: 0.0, 0.8125: 0.5, 0.99: 1.0, 1.0: 1.0}
    assert {t: Cyclical()(t) for t in at} == at


@pytest.mark.parametrize(
    ("value", "weight"),
    [
        (3, 3.0),
        (0.0, 0.0),
        ({"ramp": "linear", "end": 2, "until": 0.25}, Linear(2.0, until=0.25)),
        ({"ramp": "cyclical", "cycles": 3}, Cyclical(cycles=3)),
        ({"ramp": "constant", "end": 0.5}, Constant(0.5)),
    ],
)
def test_weights_in_plain_values(value, weight):
    assert as_weight("beta", value) == weight


def test_a_function_of_progress_is_a_weight():
    def twice(progress: float) -> float:
        return 2 * progress

    assert as_weight("beta", twice) is twice


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (-1.0, "beta=-1.0: a finite number of at least 0"),
        (math.nan, "beta=nan"),
        (True, "beta=True"),
        ("four", "beta='four'"),
        ({"ramp": "linnear"}, "unknown ramp 'linnear'; did you mean 'linear'"),
        ({"ramp": "linear", "untill": 0.5}, "untill"),
        ({"ramp": "linear", "until": 0.0}, "until=0.0: a share of training in"),
        ({"ramp": "linear", "end": -2.0}, "beta.end=-2.0"),
        ({"ramp": "cyclical", "cycles": 0}, "cycles=0: a whole number"),
        ({"ramp": "sigmoid", "steepness": -1}, "steepness=-1"),
        ({"end": 2.0}, "unknown ramp ''"),
    ],
)
def test_what_is_no_weight_is_refused_with_the_reason(value, message):
    with pytest.raises(ConfigError, match=message):
        as_weight("beta", value)
