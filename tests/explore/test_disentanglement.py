"""Scores of constructed codes."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import mutual_info_score

from latentia.errors import ConfigError, DataError
from latentia.explore import dci, disentanglement_scores, factor_vae_score, mig, sap

LEVELS = (3, 6, 8)
FACTORS = np.stack(np.unravel_index(np.tile(np.arange(144), 28), LEVELS), 1)
N = len(FACTORS)


def noise(d, seed=0):
    return np.random.default_rng(seed).normal(size=(N, d))


PERFECT = np.concatenate(
    [0.01 * noise(1), -FACTORS[:, [2]], 0.01 * noise(1, 1), 3.0 * FACTORS[:, [0]], FACTORS[:, [1]]], 1
)
HADAMARD = np.array([[1, 1, 1], [1, -1, 1], [1, 1, -1], [1, -1, -1]]) / 2
STANDARD = (FACTORS - FACTORS.mean(0)) / FACTORS.std(0)
MIXED = STANDARD @ HADAMARD.T


def test_a_permutation_of_factors_is_perfect():
    assert mig(PERFECT, FACTORS) > 0.98
    assert sap(PERFECT, FACTORS, categorical=[0]) > 0.98
    scores = dci(PERFECT, FACTORS, categorical=[0])
    assert scores.disentanglement > 0.99
    assert scores.completeness > 0.99
    assert scores.informativeness > 0.99
    assert scores.importance.argmax(0).tolist() == [3, 4, 1]
    assert factor_vae_score(permuted, LEVELS) == 1.0


def permuted(factors):
    return np.stack([-factors[:, 2], 3.0 * factors[:, 0], factors[:, 1], np.full(len(factors), 0.5)], 1)


def test_a_mixture_informs_but_does_not_separate():
    assert mig(MIXED, FACTORS) < 0.1
    assert sap(MIXED, FACTORS) < 0.05  # each squared correlation is 1/4 or so
    scores = dci(MIXED, FACTORS)
    assert scores.disentanglement < 0.3
    assert scores.informativeness > 0.85
    assert mig(PERFECT, FACTORS) - mig(MIXED, FACTORS) > 0.8


def test_noise_has_no_score():
    codes = noise(5)
    assert mig(codes, FACTORS) < 0.02
    assert sap(codes, FACTORS, categorical=[0]) < 0.03
    scores = dci(codes, FACTORS, categorical=[0])
    assert scores.disentanglement < 0.15
    assert scores.informativeness < 0.05
    random = np.random.default_rng(0)
    voted = factor_vae_score(lambda factors: random.normal(size=(len(factors), 5)), LEVELS, votes=2000)
    assert abs(voted - 1 / 3) < 0.1


def test_two_copies_of_a_factor_close_the_gap():
    """MIG and SAP ask for one dimension for each factor; disentanglement does not, completeness does."""
    codes = np.concatenate([FACTORS, FACTORS[:, [1]]], 1).astype(float)
    assert mig(codes, FACTORS) == pytest.approx(2 / 3, abs=0.02)
    assert sap(codes, FACTORS) == pytest.approx(2 / 3, abs=0.02)
    assert factor_vae_score(lambda f: np.concatenate([f, f[:, [1]]], 1).astype(float), LEVELS) == 1.0


def test_one_dimension_for_all_factors():
    """All factors in one number: nothing separates, yet a perfect reader could tell all."""
    codes = (FACTORS @ [48.0, 8.0, 1.0])[:, None] + 0.0
    assert dci(codes, FACTORS).disentanglement < 0.05
    assert dci(codes, FACTORS).completeness == 1.0
    assert factor_vae_score(lambda f: (f @ [48.0, 8.0, 1.0])[:, None], LEVELS, votes=2000) < 0.6


def test_mig_is_made_of_scikit_learns_mutual_information():
    codes = STANDARD @ np.random.default_rng(3).normal(size=(3, 4)) + 0.3 * noise(4)
    cut = [np.digitize(c, np.linspace(c.min(), c.max(), 21)[1:-1]) for c in codes.T]
    gaps = []
    for v in FACTORS.T:
        known = sorted(mutual_info_score(v, c) for c in cut)
        gaps.append((known[-1] - known[-2]) / mutual_info_score(v, v))
    assert mig(codes, FACTORS) == pytest.approx(np.mean(gaps), abs=1e-3)


def test_sap_is_made_of_squared_correlations():
    codes = STANDARD @ np.random.default_rng(3).normal(size=(3, 4)) + 0.3 * noise(4)
    r2 = np.corrcoef(codes.T, FACTORS.T)[:4, 4:] ** 2
    top = np.sort(r2, 0)
    assert sap(codes, FACTORS) == pytest.approx((top[-1] - top[-2]).mean(), abs=1e-12)


def test_collapsed_dimensions_are_not_asked():
    """A constant dimension has no variance of its own to be least."""

    def represent(factors):
        jitter = 1e-4 * np.random.default_rng(len(factors)).normal(size=len(factors))
        return np.concatenate([factors.astype(float), jitter[:, None]], 1)

    assert factor_vae_score(represent, LEVELS) == 1.0
    assert factor_vae_score(lambda f: np.zeros((len(f), 2)), LEVELS) == pytest.approx(1 / 3)


def test_constant_data_have_scores():
    codes = np.ones((50, 3))
    scores = disentanglement_scores(codes, FACTORS[:50])
    assert scores.as_dict() == {
        "mig": 0.0, "sap": 0.0, "disentanglement": 0.0, "completeness": 0.0, "informativeness": 0.0, "factor_vae": None,
    }  # fmt: skip
    assert mig(PERFECT, np.zeros((N, 2), int)) == 0.0
    assert sap(PERFECT[:, :1], FACTORS) < 0.01


def test_all_at_once_and_again():
    first = disentanglement_scores(PERFECT, FACTORS, categorical=[0], represent=permuted, levels=LEVELS)
    assert first == disentanglement_scores(
        PERFECT, FACTORS, categorical=[0], represent=permuted, levels=LEVELS
    )
    assert min(v for v in first.as_dict().values() if v is not None) > 0.98


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: mig(PERFECT, FACTORS[:-1]), DataError, "factors have shape"),
        (lambda: mig(PERFECT, FACTORS + 0.5), DataError, "type float64"),
        (lambda: mig(PERFECT, FACTORS, bins=1), ConfigError, "bins=1"),
        (lambda: dci(PERFECT, FACTORS, categorical=[3]), ConfigError, "0 to 2"),
        (lambda: factor_vae_score(permuted, (1, 1, 1)), ConfigError, "levels=[1, 1, 1]"),
        (lambda: disentanglement_scores(PERFECT, FACTORS, represent=permuted), ConfigError, "levels=[...]"),
    ],
)
def test_what_cannot_be_scored_is_refused(call, error, words):
    with pytest.raises(error) as caught:
        call()
    assert words in str(caught.value)
