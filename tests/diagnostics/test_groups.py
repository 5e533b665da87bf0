"""Measures of groups of items against closed forms, brute force, SciPy and statsmodels."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy import sparse, stats

from latentia.diagnostics.association import (
    categorical_association,
    numeric_association,
    permuted,
    scheme_of,
)
from latentia.diagnostics.between import affinities, between_types, places
from latentia.diagnostics.multiplicity import benjamini_hochberg, holm
from latentia.diagnostics.prediction_strength import prediction_strength

RANDOM = np.random.default_rng(0)


def hot(groups, k):
    return np.eye(k)[groups]


def test_prediction_strength_by_counting_pairs():
    own, foreign = RANDOM.integers(0, 3, 40), RANDOM.integers(0, 4, 40)
    shares = []
    for j in range(3):
        pairs = list(itertools.permutations(np.flatnonzero(own == j), 2))
        shares.append(np.mean([foreign[a] == foreign[b] for a, b in pairs]))
    assert prediction_strength(own, foreign) == pytest.approx(min(shares), abs=1e-12)
    assert prediction_strength(own, 7 - own) == 1.0
    assert prediction_strength(np.arange(3), np.arange(3)) == 1.0


@pytest.mark.parametrize(("ours", "name"), [(holm, "holm"), (benjamini_hochberg, "fdr_bh")])
@pytest.mark.filterwarnings("ignore")
def test_adjusted_p_values_beside_statsmodels(ours, name):
    multipletests = pytest.importorskip("statsmodels.stats.multitest").multipletests
    for n in (1, 2, 17):
        p = RANDOM.uniform(size=n) ** 3
        np.testing.assert_allclose(ours(p), multipletests(p, method=name)[1], atol=1e-12)


def test_chi2_and_cramers_v_beside_scipy():
    groups, codes = RANDOM.integers(0, 3, 60), RANDOM.integers(0, 2, 60)
    table = hot(groups, 3).T @ hot(codes, 2)
    found = categorical_association(hot(groups, 3), codes, permutations=99)
    assert found.value == pytest.approx(stats.chi2_contingency(table, correction=False).statistic, abs=1e-10)
    assert found.effect == pytest.approx(
        stats.contingency.association(table.astype(int), correction=False), abs=1e-10
    )


def test_exact_p_by_all_permutations():
    """Against the p-value over all permutations of a small set."""
    groups, codes = np.array([0, 0, 0, 1, 1, 1, 1]), np.array([0, 0, 1, 1, 1, 1, 0])
    shares = hot(groups, 2)

    def chi2(c):
        return stats.chi2_contingency(shares.T @ hot(c, 2), correction=False).statistic

    every = [chi2(codes[list(order)]) for order in itertools.permutations(range(7))]
    exact = np.mean(np.array(every) >= chi2(codes) - 1e-9)
    found = categorical_association(shares, codes, permutations=20_000)
    assert found.p == pytest.approx(exact, abs=4 * np.sqrt(exact * (1 - exact) / 20_000))


def test_kruskal_wallis_beside_scipy():
    groups, values = RANDOM.integers(0, 3, 50), RANDOM.integers(0, 12, 50).astype(float)
    found = numeric_association(hot(groups, 3), values, permutations=4999)
    expected = stats.kruskal(*(values[groups == k] for k in range(3)))
    assert found.value == pytest.approx(expected.statistic, abs=1e-10)
    assert found.p == pytest.approx(expected.pvalue, abs=0.03)
    n = len(values)
    assert found.effect == pytest.approx(expected.statistic / ((n**2 - 1) / (n + 1)), abs=1e-12)


def test_weights_are_those_of_fractional_items():
    """An item of weight one half in each of two groups counts as two half items."""
    shares, values = RANDOM.dirichlet(np.ones(3), 30), RANDOM.normal(size=30)
    codes = RANDOM.integers(0, 2, 30)
    table = np.array(
        [[sum(shares[i, k] for i in range(30) if codes[i] == c) for c in range(2)] for k in range(3)]
    )
    expected = table.sum(1, keepdims=True) * table.sum(0) / table.sum()
    found = categorical_association(shares, codes, permutations=9)
    assert found.value == pytest.approx(((table - expected) ** 2 / expected).sum(), abs=1e-10)
    ranks = stats.rankdata(values)
    means = shares.T @ ranks / shares.sum(0)
    h = (shares.sum(0) * (means - ranks.mean()) ** 2).sum() / ranks.var(ddof=1)
    assert numeric_association(shares, values, permutations=9).value == pytest.approx(h, abs=1e-10)


BLOCKS = np.array([3, 3, 3, 7, 7, 1, 1, 1, 1, 9])


def test_blocks_are_permuted_whole_where_the_column_is_theirs():
    column = np.array([0, 0, 0, 1, 1, 2, 2, 2, 2, 3])
    assert scheme_of(column, BLOCKS) == "blocks"
    for drawn in permuted(10, BLOCKS, "blocks", 50, 0):
        for row in column[drawn]:
            assert all(len(set(row[block == BLOCKS])) == 1 for block in set(BLOCKS))
            assert sorted({block: row[block == BLOCKS][0] for block in set(BLOCKS)}.values()) == [0, 1, 2, 3]


def test_blocks_of_unlike_sizes_keep_what_varies_within_them():
    """Most blocks are of one value; an item takes that of its own place in the block that it is given."""
    owner = np.array([0, 0, 1, 1, 1, 2])
    column = np.array([5, 5, 7, 7, 8, 9])
    assert scheme_of(column, owner) == "blocks"
    for drawn in permuted(6, owner, "blocks", 50, 0):
        for row in column[drawn]:
            assert tuple(row[:2]) in {(5, 5), (7, 7), (9, 9)}
            assert tuple(row[2:5]) in {(5, 5, 5), (7, 7, 8), (9, 9, 9)}


def test_items_stay_within_their_blocks_where_it_is_not():
    column = np.arange(10)
    assert scheme_of(column, BLOCKS) == "within blocks"
    drawn = np.concatenate(list(permuted(10, BLOCKS, "within blocks", 400, 0)))
    assert (BLOCKS[drawn] == BLOCKS).all()
    assert (np.sort(drawn, axis=1) == np.arange(10)).all()
    counts = np.bincount(drawn[:, 5], minlength=10)[
        5:9
    ]  # the first of a block of four gets each of the four as often
    assert stats.chisquare(counts).pvalue > 1e-4
    assert scheme_of(column, np.arange(10)) == scheme_of(column, None) == "items"


def test_repeats_of_subjects_do_not_make_evidence():
    """Ten subjects with twenty identical samples each: free permutation sees 200 samples, blocks see 10 subjects."""
    groups, codes = (
        np.repeat([0, 0, 0, 0, 0, 1, 1, 1, 1, 1], 20),
        np.repeat([0, 0, 0, 1, 0, 1, 1, 0, 1, 1], 20),
    )
    free = categorical_association(hot(groups, 2), codes, permutations=999)
    blocked = categorical_association(hot(groups, 2), codes, np.repeat(np.arange(10), 20), permutations=4999)
    assert free.p == 0.001
    assert blocked.scheme == "blocks"
    # five of ten subjects are of category 1; P(|x - 2.5| >= 1.5) for x of them among the first five: hypergeometric
    exact = 2 * stats.hypergeom(10, 5, 5).cdf(1)
    assert blocked.p == pytest.approx(exact, abs=0.03)


def test_p_values_of_nothing_are_uniform():
    p = [
        categorical_association(
            hot(RANDOM.integers(0, 3, 40), 3), RANDOM.integers(0, 3, 40), permutations=99, seed=i
        ).p
        for i in range(200)
    ]
    assert stats.kstest(p, "uniform").pvalue > 1e-3


def test_places_and_samples_between():
    a, b = np.array([0.8, 0.1, 0.1]), np.array([0.1, 0.1, 0.8])
    centres = np.array([a, b])
    p = RANDOM.dirichlet(np.ones(3), 5)
    axis = np.sqrt(b) - np.sqrt(a)
    by_hand = (np.sqrt(p) - np.sqrt(a)) @ axis / (axis @ axis)
    np.testing.assert_allclose(places(affinities(p, centres), centres, 0, 1), by_hand, atol=1e-12)
    np.testing.assert_allclose(affinities(sparse.csr_array(p), centres), affinities(p, centres))
    clear = RANDOM.dirichlet(200 * a, 300), RANDOM.dirichlet(200 * b, 300)
    made, made_types = affinities(np.concatenate(clear), centres), np.repeat([0, 1], 300)
    t = RANDOM.uniform(size=(100, 1))
    way = affinities((1 - t) * a + t * b, centres)
    (gradient,) = between_types(way, (t[:, 0] > 0.5).astype(int), made, made_types, centres)
    assert gradient.is_gradient
    assert gradient.simulated == 0.0
    assert gradient.observed > 0.2
    assert gradient.ks_p < 0.05
    half = affinities(np.concatenate([clear[0][:50], clear[1][:50]]), centres)
    (types,) = between_types(half, np.repeat([0, 1], 50), made, made_types, centres)
    assert not types.is_gradient
    assert types.p == 1.0
