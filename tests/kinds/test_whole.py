"""An object is whole: what is saved and loaded answers as it did, and a fit that fails has changed nothing."""

from __future__ import annotations

import copy
import warnings
from dataclasses import asdict, is_dataclass

import numpy as np
import pandas as pd
import pytest
import torch

import estimators
import latentia
from latentia import training
from latentia.errors import DataError

NAMES = list(estimators.MAKERS)
# What is asked of a fitted estimator: method -> its call. A public method that is neither here nor below fails the test.
ASKED = {
    "aic": lambda e, X, y: e.aic(X, *_labels(e, y)),
    "bic": lambda e, X, y: e.bic(X, *_labels(e, y)),
    "code_usage": lambda e, X, y: e.code_usage(X).counts,
    "complete": lambda e, X, y: e.complete(X[:5], _mask(e, X[:5]), random_state=0),
    "count": lambda e, X, y: e.count(X),
    "count_proba": lambda e, X, y: e.count_proba(X) if e.model == "air" else None,
    "decompose": lambda e, X, y: e.decompose(X[:5]),
    "describe": lambda e, X, y: e.describe()[1],
    "diagnose": lambda e, X, y: _untimed(e.diagnose(X, thorough=False).as_json()),
    "edit": lambda e, X, y: e.edit(X[:5], remove=[1]),
    "embed": lambda e, X, y: e.embed(X),
    "evaluate": lambda e, X, y: _untimed(asdict(e.evaluate(X))),
    "impute": lambda e, X, y: e.impute(_with_gaps(X)) if X.ndim == 2 else None,
    "get_feature_names_out": lambda e, X, y: list(e.get_feature_names_out()),
    "get_params": lambda e, X, y: e.get_params(),
    "icl": lambda e, X, y: e.icl(X, *_labels(e, y)),
    "inverse_transform": lambda e, X, y: e.inverse_transform(e.transform(X)),
    "laplace": lambda e, X, y: e.laplace(X, *_labels(e, y)),
    "objects": lambda e, X, y: e.objects(X[:5]).to_numpy(dtype=float),
    "partial_fit": lambda e, X, y: _scores(copy.deepcopy(e).partial_fit(X[:40]), X),
    "paths": lambda e, X, y: e.paths(X),
    "predict": lambda e, X, y: e.predict(X),
    "predict_frames": lambda e, X, y: e.predict_frames(X[:5], 3),
    "predict_proba": lambda e, X, y: e.predict_proba(X),
    "reconstruct": lambda e, X, y: e.reconstruct(X),
    "responsibilities": lambda e, X, y: e.responsibilities(X, y),
    "rollout": lambda e, X, y: e.rollout(X[:5], 3, n_samples=2, random_state=0),
    "sample": lambda e, X, y: _drawn(e),
    "score": lambda e, X, y: e.score(X, *_labels(e, y)),
    "score_samples": lambda e, X, y: e.score_samples(X),
    "scores": lambda e, X, y: asdict(e.scores(X, *_labels(e, y))),
    "seen": lambda e, X, y: [seen.table for seen in e.seen(X)],
    "seen_by_rules": lambda e, X, y: e.seen_by_rules(X, [str(j) for j in range(X.shape[1])]),
    "segment": lambda e, X, y: e.segment(X),
    "separation": lambda e, X, y: asdict(e.separation(X[:9], {"counts": np.ones(9, int)})),
    "state": lambda e, X, y: e.state(),
    "tensors": lambda e, X, y: e.tensors(X)[1],
    "track": lambda e, X, y: e.track(X).to_numpy(dtype=float),
    "transform": lambda e, X, y: e.transform(X),
    "unusual": lambda e, X, y: e.unusual(X),
    "verdict": lambda e, X, y: [asdict(fault) for fault in e.verdict(X, *_labels(e, y))],
}
# Fit anew, keep, load, or only set: they are tested elsewhere, or ask nothing.
LEFT_OUT = {
    "export", "onnx_converter", "onnx_parser", "onnx_shape_calculator",
    "fit", "fit_predict", "fit_sampler", "fit_transform", "from_state", "get_metadata_routing", "load", "rebuild", "report", "save",
    "set_fit_request", "set_inverse_transform_request", "set_output", "set_params", "set_partial_fit_request", "set_score_request",
}  # fmt: skip


def _labels(e, y):
    return () if y is None else (y,)


def _mask(e, X):
    if isinstance(e, latentia.VQVAE):
        return np.arange(sum(h * w for h, w in e.code_shapes_)) < 2
    return np.broadcast_to(np.arange(X.shape[1])[:, None] < X.shape[1] // 2, X.shape[1:])[None]


def _with_gaps(X):
    return np.where(np.arange(X.size).reshape(X.shape) % 7 == 0, np.nan, X)


def _untimed(found):
    if not isinstance(found, dict):
        return found
    return {name: _untimed(value) for name, value in found.items() if name != "seconds"}


def _scores(e, X):
    return e.score_samples(X)


def _drawn(e):
    if "random_state" in e.sample.__code__.co_varnames:
        return e.sample(5, random_state=0)
    return e.sample(5)


def methods(e):
    return [name for name in dir(type(e)) if not name.startswith("_") and callable(getattr(e, name, None))]


def same(a, b):
    """Whether two answers are the same to the bit."""
    if is_dataclass(a) and not isinstance(a, type):
        a, b = asdict(a), asdict(b)
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, torch.Tensor):
        return torch.equal(a, b)
    if isinstance(a, np.ndarray):
        return a.dtype == b.dtype and np.array_equal(a, b, equal_nan=a.dtype.kind == "f")
    return a == b or (a != a and b != b)


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """Each estimator, saved and loaded; once."""
    found = {}

    def loaded(name):
        if name not in found:
            found[name] = latentia.load(estimators.fitted(name).save(tmp_path_factory.mktemp("kept") / name))
        return found[name]

    return loaded


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_what_is_loaded_answers_as_what_was_saved(name, kept):
    e, again = estimators.fitted(name), kept(name)
    X, y = estimators.data(name)[:60], estimators.labels(name)
    y = None if y is None else y[:60]
    assert type(again) is type(e)
    asked = [method for method in methods(e) if method not in LEFT_OUT]
    unknown = [method for method in asked if method not in ASKED]
    assert not unknown, "say in ASKED how these are called"
    for method in asked:
        if method == "partial_fit" and isinstance(e, latentia.VQVAE) and e._two_stage():
            continue
        if method == "score_samples" and name == "classifier":
            continue
        assert same(ASKED[method](e, X, y), ASKED[method](again, X, y)), method
    assert methods(e) == methods(again)


@pytest.mark.parametrize("name", NAMES)
def test_what_a_fit_learns_is_there_after_loading(name, kept):
    e, again = estimators.fitted(name), kept(name)
    learned = [key for key in vars(e) if key.endswith("_") and not key.startswith("_")]
    assert [key for key in learned if not hasattr(again, key)] == []


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("error", [KeyboardInterrupt, DataError, MemoryError])
def test_a_fit_that_fails_has_changed_nothing(name, error, monkeypatch):
    e = copy.copy(estimators.fitted(name))
    before, X, y = dict(vars(e)), estimators.data(name), estimators.labels(name)

    def fails(*args, **options):
        raise error("stop")

    engine = (
        "latentia.kinds.mixture.fitting.run_restarts"
        if not hasattr(e, "module_")
        else "latentia.training.fit"
    )
    monkeypatch.setattr(engine, fails)
    assert training.fit is fails or not hasattr(e, "module_")
    with pytest.raises(error):
        e.fit(X[::-1].copy(), None if y is None else y[::-1].copy())
    assert vars(e).keys() == before.keys()
    assert all(vars(e)[key] is before[key] for key in before)
    unfitted = estimators.fresh(name)
    with pytest.raises(error):
        unfitted.fit(X, y)
    assert vars(unfitted) == vars(estimators.fresh(name))


@pytest.mark.parametrize(
    "name", [n for n in NAMES if hasattr(estimators.fresh(n), "partial_fit") and not n.startswith("vq-vae-i")]
)
def test_rows_of_a_fit_count_as_seen(name):
    """Six more rows must not replace a model of a hundred (a mixture fell from -3.5 to -13.7 nats)."""
    e = copy.deepcopy(estimators.fitted(name))
    X = estimators.data(name)
    before = e.score(X)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        after = e.partial_fit(X[:6]).score(X)
    assert after > before - max(0.5, 0.1 * abs(before))


def test_a_table_with_names_keeps_them(tmp_path):
    frame = pd.DataFrame(estimators.WINE, columns=[f"c{i}" for i in range(13)])
    e = latentia.GaussianMixture(2, random_state=0).fit(frame)
    again = latentia.load(e.save(tmp_path / "run"))
    assert list(again.feature_names_in_) == list(frame.columns)
    assert np.array_equal(again.score_samples(frame), e.score_samples(frame))
