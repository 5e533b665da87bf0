"""The estimator as an object: whole after loading, as it was after a fit that fails, plain about what it refuses."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import sparse, special, stats

import latentia
from latentia.data.synthetic_communities import communities
from latentia.errors import ConfigError, DataError

X, _ = communities("clusters", 40, 6, depth=400, seed=4)
PLAIN = {"n_init": 1, "folds": 0, "halves": 0, "bootstrap": 0}


@pytest.fixture(scope="module")
def fitted():
    return latentia.CommunityTypes("1..2", n_init=1, folds=2, halves=1, bootstrap=2).fit(X)


def test_its_log_density_is_scipys(fitted):
    terms = [
        np.log(w) + np.array([stats.dirichlet_multinomial.logpmf(row, alpha, int(row.sum())) for row in X])
        for w, alpha in zip(fitted.weights_, fitted.alphas_, strict=True)
    ]
    np.testing.assert_allclose(fitted.score_samples(X), special.logsumexp(terms, axis=0), rtol=1e-8)
    np.testing.assert_allclose(fitted.predict_proba(X), special.softmax(terms, axis=0).T, atol=1e-8)
    assert (np.diff(fitted.weights_) <= 0).all()
    np.testing.assert_allclose(fitted.theta_, fitted.alphas_.sum(1))


def test_what_is_loaded_is_what_was_saved(fitted, tmp_path):
    again = latentia.load(fitted.save(tmp_path / "kept"))
    assert again.get_params() == fitted.get_params()
    assert again.choice_ == fitted.choice_
    for name in ("weights_", "alphas_", "pooled_", "labels_", "proportions_"):
        np.testing.assert_array_equal(getattr(again, name), getattr(fitted, name))
    assert again.honesty_.describe() == fitted.honesty_.describe()
    np.testing.assert_array_equal(again.honesty_.lower, fitted.honesty_.lower)
    np.testing.assert_array_equal(again.predict_proba(sparse.csr_array(X)), fitted.predict_proba(X))
    np.testing.assert_array_equal(again.sample(5, seed=1)[0], fitted.sample(5, seed=1)[0])


def test_a_fit_that_fails_changes_nothing(fitted, monkeypatch):
    before = dict(vars(fitted))
    monkeypatch.setattr(
        "latentia.kinds.types.estimator.choose", lambda *a, **o: (_ for _ in ()).throw(MemoryError("stop"))
    )
    with pytest.raises(MemoryError):
        fitted.fit(X[::-1])
    assert vars(fitted).keys() == before.keys()
    assert all(vars(fitted)[key] is before[key] for key in before)


def test_frames_keep_their_columns():
    frame = pd.DataFrame(X, columns=list("abcdef"))
    found = latentia.CommunityTypes(2, **PLAIN).fit(frame)
    assert list(found.feature_names_in_) == list("abcdef")
    np.testing.assert_array_equal(found.predict(frame), found.labels_)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"criterion": "gap"}, "expected one of laplace"),
        ({"folds": 1}, "expected 0, or at least 2"),
        ({"n_init": 0}, "n_init=0"),
        ({"n_components": "3..1"}, "the smaller first"),
    ],
)
def test_parameters_out_of_range_are_refused(options, message):
    with pytest.raises(ConfigError, match=message):
        latentia.CommunityTypes(**options).fit(X)


def test_rows_without_reads_are_refused():
    with pytest.raises(DataError, match="row"):
        latentia.CommunityTypes(2, **PLAIN).fit(np.vstack([X, np.zeros((1, 6), int)]))
