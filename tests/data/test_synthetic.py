"""The synthetic sets: their truth is the truth of what they draw."""

import numpy as np
import pytest

from latentia.data.synthetic import ring, sliding, xor
from latentia.errors import ConfigError

SETS = [xor(), xor(2.0, n_features=5), ring(3.0, n_experts=5), sliding(), sliding(slide=0.5, n_experts=3)]


@pytest.mark.parametrize("truth", SETS, ids=range(len(SETS)))
def test_draws_follow_the_stated_parameters(truth):
    x, y, z = truth.sample(60_000, seed=0)
    for k in range(len(truth.weights)):
        assert (z == k).mean() == pytest.approx(truth.weights[k], abs=0.01)
        np.testing.assert_allclose(x[z == k].mean(0), truth.means[k], atol=0.05)
        np.testing.assert_allclose(np.cov(x[z == k].T), np.eye(x.shape[1]), atol=0.05)
        p = 1 / (1 + np.exp(-(x[z == k] @ truth.slopes[k] + truth.intercepts[k])))
        assert y[z == k].mean() == pytest.approx(p.mean(), abs=0.02)


@pytest.mark.parametrize("truth", SETS, ids=range(len(SETS)))
def test_probability_is_calibrated(truth):
    x, y, _ = truth.sample(100_000, seed=1)
    p = truth.probability(x)
    for low in (0.0, 0.2, 0.4, 0.6, 0.8):
        inside = (p >= low) & (p < low + 0.2)
        assert y[inside].mean() == pytest.approx(p[inside].mean(), abs=0.025)
    assert ((p > 0.5) == y).mean() == pytest.approx(truth.best_accuracy(), abs=0.006)


def test_difficulty_is_a_knob():
    assert ring(1.0).best_accuracy() < ring(2.0).best_accuracy() < ring(4.0).best_accuracy()
    assert xor(sharpness=1.0).best_accuracy() < xor(sharpness=8.0).best_accuracy()
    assert len(np.unique(sliding(slide=0.0).intercepts)) == 1


def test_seed_is_exact_and_bad_parameters_are_named():
    np.testing.assert_array_equal(xor().sample(50, seed=3)[0], xor().sample(50, seed=3)[0])
    for bad in (lambda: xor(n_features=1), lambda: ring(n_experts=0), lambda: sliding(n_experts=0)):
        with pytest.raises(ConfigError, match="at least"):
            bad()
