"""Which of several starts is kept: the best by the criterion of the run, which for Laplace is not that of the highest posterior."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import sparse

import latentia
from latentia.data.synthetic_communities import communities
from latentia.kinds.types.choosing import choose
from latentia.kinds.types.fits import CRITERIA, HELD_OUT, best_of, fit, in_order, seed_of
from latentia.mixture import Scores


@pytest.fixture(scope="module")
def found():
    x, _ = communities("clusters", 30, 6, seed=1)
    return fit(sparse.csr_array(x), 2, 0)


def test_starts_are_sorted_by_the_criterion(found):
    """A high and narrow mode, and a lower one with more of the posterior about it."""
    high = replace(found, nle=100.0, scores=Scores(-100.0, 9, 109.0, 120.0, 121.0, 95.0))
    broad = replace(found, nle=110.0, scores=Scores(-110.0, 9, 119.0, 130.0, 130.5, 80.0))
    kept = {name: min((high, broad), key=lambda end: end.rank(name)).nle for name in (*CRITERIA, HELD_OUT)}
    assert kept == {"laplace": 110.0, "bic": 100.0, "aic": 100.0, "icl": 100.0, "held-out": 100.0}


def test_a_start_without_evidence_comes_last(found):
    other = replace(found, nle=found.nle - 50, scores=None)
    for name in (*CRITERIA, HELD_OUT):
        assert found.rank(name) < other.rank(name)


def test_the_kept_start_is_the_best_that_was_tried():
    x, _ = communities("uniform", 40, 8, seed=4)
    x = sparse.csr_array(x)
    for criterion in ("laplace", "bic"):
        several = [fit(x, 3, seed_of(7, i), i, criterion) for i in range(3)]
        kept = best_of(x, 3, 7, 3, criterion)
        assert kept.scores is not None
        best = min(getattr(end.scores, criterion) for end in several)
        assert getattr(kept.scores, criterion) == pytest.approx(best, rel=1e-9)


def test_moving_pictures_has_a_mode_that_is_higher_and_holds_less(real_data):
    """34 samples, 759 taxa: 16 nats of log posterior more, 26 nats of evidence less."""
    file = real_data / "microbiome" / "biom" / "moving-pictures.hdf5.biom"
    pytest.importorskip("biom")
    x = latentia.CountTable.read(file).counts
    x = sparse.csr_array(x[in_order(x)])
    ends = {}
    for criterion in ("laplace", "bic"):
        choice, kept = choose(
            x, [3], np.arange(x.shape[0]), n_starts=5, n_folds=0, seed=0, n_jobs=None, criterion=criterion
        )
        ends[criterion] = kept[3]
        tried = choice.of(3)
        assert tried.nle == pytest.approx(min(tried.starts))
        assert tried.starts[0] == kept[3].nle
        assert tried.laplace <= kept[3].scores.laplace
        assert tried.bic <= kept[3].scores.bic
    assert ends["laplace"].scores.laplace <= 18424.1
    assert ends["laplace"].scores.laplace < ends["bic"].scores.laplace - 20
    assert ends["laplace"].nle > ends["bic"].nle + 10
