"""Estimators as steps of scikit-learn's pipelines: in Python, and as one ONNX file by skl2onnx."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_wine
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from latentia import VAE, VQVAE, GaussianMixture, GaussianMixtureClassifier, MixedMixture
from latentia.errors import ConfigError

X, Y = load_wine(return_X_y=True)
X = X.astype(np.float32)
WORDS = np.array(["Barolo", "Grignolino", "Barbera"])[Y]
QUICK = {"max_epochs": 1, "random_state": 0}


def vae():
    return VAE(refinement_steps=0, **QUICK)


def exported(pipeline, x=X):
    """Outputs by name of the whole pipeline in ONNX, for `x`."""
    onnxruntime, skl2onnx = pytest.importorskip("onnxruntime"), pytest.importorskip("skl2onnx")
    import onnx

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # its own
        proto = skl2onnx.to_onnx(pipeline, x[:1])
    onnx.checker.check_model(proto, full_check=True)
    session = onnxruntime.InferenceSession(proto.SerializeToString())
    names = [port.name for port in session.get_outputs()]
    return dict(zip(names, session.run(None, {"X": x}), strict=True))


@pytest.mark.parametrize("scaled", [True, False])
def test_codes_of_a_vae_behind_other_steps(scaled):
    before = (
        StandardScaler()
        if scaled
        else make_column_transformer((StandardScaler(), [0, 1, 2]), (MinMaxScaler(), [3, 4]))
    )
    pipeline = make_pipeline(before, vae()).fit(X)
    np.testing.assert_allclose(exported(pipeline)["z"], pipeline.transform(X), rtol=1e-5, atol=1e-5)


def test_a_vae_between_other_steps():
    pipeline = make_pipeline(StandardScaler(), vae(), LogisticRegression()).fit(X, Y)
    assert (exported(pipeline)["output_label"] == pipeline.predict(X)).all()


def test_whole_numbers_of_discrete_codes():
    pipeline = make_pipeline(StandardScaler(), VQVAE(prior="independent", **QUICK)).fit(X)
    assert (exported(pipeline)["codes"] == pipeline.transform(X)).all()


def test_label_probabilities_and_density_of_a_mixture():
    pipeline = make_pipeline(StandardScaler(), GaussianMixture(3, random_state=0)).fit(X)
    found = exported(pipeline)
    assert (found["label"] == pipeline.predict(X)).all()
    np.testing.assert_allclose(found["probabilities"], pipeline.predict_proba(X), atol=1e-5)
    np.testing.assert_allclose(found["score_samples"], pipeline.score_samples(X), rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("classes", [WORDS, Y + 5], ids=["words", "numbers"])
def test_classes_are_given_by_name(classes):
    pipeline = make_pipeline(StandardScaler(), GaussianMixtureClassifier(2, n_init=1, random_state=0))
    found = exported(pipeline.fit(X, classes))
    assert (np.asarray(found["label"]) == pipeline.predict(X)).all()
    np.testing.assert_allclose(found["probabilities"], pipeline.predict_proba(X), atol=1e-5)


def test_pipelines_are_cloned_and_take_frames():
    frame = pd.DataFrame(X, columns=load_wine().feature_names)
    before = make_column_transformer((StandardScaler(), list(frame.columns[:4])), remainder="passthrough")
    pipeline = clone(make_pipeline(before, GaussianMixture(2, random_state=0))).fit(frame)
    assert pipeline.predict_proba(frame).shape == (len(X), 2)
    named = make_pipeline(before, vae()).set_output(transform="pandas").fit(frame)
    assert list(named.transform(frame).columns[:2]) == ["vae0", "vae1"]


def test_what_a_pipeline_in_onnx_cannot_take_is_one_line():
    skl2onnx = pytest.importorskip("skl2onnx")
    frame = pd.DataFrame({"plan": ["free", "pro"] * 30, "paid": [0.0, 9.5, None] * 20})
    with pytest.raises(ConfigError, match=r"unlike columns.*ColumnTransformer") as error:
        skl2onnx.to_onnx(MixedMixture(2, random_state=0).fit(frame), X[:1, :2])
    assert "\n" not in str(error.value)
    with pytest.raises(ConfigError, match=r"target_opset=15: .* 18 or newer"):
        skl2onnx.to_onnx(GaussianMixture(2, random_state=0).fit(X), X[:1], target_opset=15)
