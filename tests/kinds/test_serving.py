"""Every graph that a kind serves gives, on real items, what Python gives: ONNX by onnxruntime against the estimators' own methods."""

from __future__ import annotations

import json

import numpy as np
import pytest

import gallery
from latentia import VAE, VQVAE, AutoregressiveModel, MixedMixture
from latentia.data.items import dense
from latentia.data.synthetic_tables import customers
from latentia.distributions import same_noise
from latentia.errors import ConfigError
from latentia.estimators.gaps import cost_of_gaps
from latentia.estimators.serving.codec import DRAWS
from latentia.kinds.serving import graphs_of

onnxruntime = pytest.importorskip("onnxruntime")
SERVING = [exhibit for exhibit in gallery.exhibits() if "Exports" in exhibit.kind.abilities]
LATENT = ("vae", "codes", "series")
N = 20


def sessions(written):
    return {each.graph.name: onnxruntime.InferenceSession(each.path) for each in written}


def given(session, **feeds):
    """The outputs by name."""
    names = [port.name for port in session.get_outputs()]
    return dict(zip(names, session.run(None, feeds), strict=True))


def close(one, other):
    """To 1e-5, relative to the largest number where that is above 1."""
    other = np.asarray(other, dtype=np.float64)
    np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-5 * max(1.0, np.abs(other).max()))


def padded(series):
    out = np.full((len(series), max(map(len, series)), series[0].shape[1]), np.nan, np.float32)
    for row, each in zip(out, series, strict=True):
        row[: len(each)] = each
    return out


def feeds_of(run, items):
    """What a program without this library would hand over."""
    if run.kind.name == "series":
        return {"x": padded([items.item(i) for i in range(len(items))])}
    if run.kind.name == "sequence":
        tokens = run.estimator.form_.stored(items).padded(-1)[0]
        return {"tokens": tokens.astype(np.int64)}
    return {"x": np.asarray(dense(items), dtype=np.float32)}


@pytest.mark.parametrize("exhibit", SERVING, ids=lambda exhibit: exhibit.name)
def test_what_is_served_is_what_python_gives(exhibit, tmp_path):
    run = gallery.opened(exhibit)
    written = run.exported(tmp_path)
    assert all(each.difference is not None for each in written)
    served, model = sessions(written), run.estimator
    for session in served.values():
        assert session.get_modelmeta().custom_metadata_map["model"]
    items = run.split("test").take(N).x
    feeds = feeds_of(run, items)
    if exhibit.shape.value == "table":
        items = feeds["x"].astype(np.float64)
    steps = getattr(getattr(model, "module_", None), "refinement_steps", 0)
    if steps:
        model.module_.refinement_steps = 0  # the codes of the encoder alone
    try:
        hold_against_python(run, served, items, feeds)
    finally:
        if steps:
            model.module_.refinement_steps = steps


def hold_against_python(run, served, items, feeds):
    model, found = run.estimator, dict.fromkeys(served)
    if "encoder" in served:
        codes = model.transform(items)
        (found["encoder"],) = given(served["encoder"], **feeds).values()
        close(found["encoder"], codes)
    if "decoder" in served:
        (port,) = served["decoder"].get_inputs()
        back = given(served["decoder"], **{port.name: found["encoder"]})["x"]
        expected = model.inverse_transform(codes)
        if run.kind.name == "series":
            close(back, np.stack(list(expected)))
        else:
            np.testing.assert_allclose(
                back, expected.reshape(back.shape), rtol=1e-5, atol=0.51 if run.is_image else 1e-5
            )
    if "components" in served:
        given_here = given(served["components"], **feeds)
        close(given_here["responsibilities"], model.predict_proba(items))
        close(given_here["score_samples"], model.score_samples(items))
        close(np.logaddexp.reduce(given_here["log_prob"].astype(float), 1), model.score_samples(items))
    if "classifier" in served:
        close(given(served["classifier"], **feeds)["probabilities"], model.predict_proba(items))
        assert (
            json.loads(served["classifier"].get_modelmeta().custom_metadata_map["classes"])
            == model.classes_.tolist()
        )
    if "score" in served:
        close(given(served["score"], **feeds)["score"], -scores(run, items))


def scores(run, items):
    asked = {}
    if run.kind.name in LATENT:
        asked["n_importance"] = DRAWS
    independent = (
        run.kind.name in LATENT
        and run.conditions_on_total
        and run.likelihood not in ("multinomial", "dirichlet-multinomial")
    )
    if run.conditions_on_total:
        asked["total"] = "given" if independent else "modelled"
    with same_noise():
        return run.estimator.score_samples(items, **asked)


@pytest.fixture(scope="module")
def table():
    return customers(150, seed=0).frame


@pytest.mark.parametrize("model", [VAE, VQVAE, MixedMixture], ids=lambda model: model.__name__)
def test_tables_of_unlike_columns_go_in_as_numbers_and_levels(model, table, tmp_path):
    quick = {"n_components": 2} if model is MixedMixture else {"max_epochs": 1}
    quick |= {"prior": "independent"} if model is VQVAE else {}
    fitted = model(random_state=0, **quick).fit(table)
    if model is VAE:
        fitted.module_.refinement_steps = 0
    written = fitted.export(tmp_path)
    served = sessions(written)
    columns = json.loads(served["score"].get_modelmeta().custom_metadata_map["columns"])
    feeds = by_hand(table.iloc[:N], columns)
    rows = table.iloc[:N]
    with same_noise():
        expected = fitted.score_samples(rows, **({} if model is MixedMixture else {"n_importance": DRAWS}))
    costs = cost_of_gaps(fitted, fitted._known_cells(rows)) if hasattr(fitted, "unusual") else 0.0
    close(given(served["score"], **feeds)["score"], costs - expected)
    if model is MixedMixture:
        close(given(served["components"], **feeds)["responsibilities"], fitted.predict_proba(rows))
        return
    (codes,) = given(served["encoder"], **feeds).values()
    close(codes, fitted.transform(rows))
    (port,) = served["decoder"].get_inputs()
    back, frame = given(served["decoder"], **{port.name: codes}), fitted.inverse_transform(codes)
    for column in columns:
        cells = back[column["input"]][:, column["place"]]
        if column["kind"] in ("category", "ordinal"):
            named = [column["levels"][level] for level in cells]
            told = [
                name
                for name, cell in zip(named, frame[column["name"]], strict=True)
                if name != "other" and name != cell
            ]
            assert not told
        elif column["kind"] in ("number", "count"):
            close(cells, frame[column["name"]].to_numpy(float))


def by_hand(frame, columns):
    """Numbers and levels as the metadata say, without this library: NaN and -1 are missing."""
    import pandas as pd

    parts = {"numbers": [], "categories": []}
    for column in columns:
        cells = frame[column["name"]]
        if column["kind"] == "date":
            days = (pd.to_datetime(cells) - pd.Timestamp("1970-01-01")) / pd.Timedelta(days=1)
            parts["numbers"].append(days.to_numpy(float))
        elif column["input"] == "numbers":
            parts["numbers"].append(pd.to_numeric(cells).to_numpy(float))
        else:
            levels = {level: i for i, level in enumerate(column["levels"])}
            other = len(column["levels"]) - 1
            parts["categories"].append([-1 if pd.isna(cell) else levels.get(cell, other) for cell in cells])
    numbers, categories = np.stack(parts["numbers"], 1), np.array(parts["categories"], dtype=np.int64).T
    return {"numbers": numbers, "categories": categories}


def test_a_level_that_was_not_there_is_other(table):
    fitted = MixedMixture(2, random_state=0).fit(table)
    enter = graphs_of(fitted)[0].module.joint.enter
    import torch

    rows = enter(
        torch.zeros(1, len(enter.order) - len(enter.highest)), torch.full((1, len(enter.highest)), 999)
    )
    levels = [j for j, column in enumerate(fitted.columns_) if column.kind == "category"]
    assert [int(rows[0, j]) for j in levels] == [fitted.columns_[j].n_levels - 1 for j in levels]


def test_rows_that_a_mixture_of_categories_was_not_fitted_to_are_nan(tmp_path):
    from latentia import CategoricalMixture

    x = np.repeat([[0, 0, 1], [2, 1, 0]], 20, axis=0)
    served = sessions(CategoricalMixture(2, random_state=0).fit(x).export(tmp_path))
    found = given(served["score"], x=np.array([[0, 0, 1], [3, 0, 1], [-1, 0, 0]]))["score"]
    assert np.isnan(found).tolist() == [False, True, True]


def test_a_model_without_graphs_says_which_have_some():
    model = AutoregressiveModel("pixelcnn", max_epochs=1, random_state=0)
    with pytest.raises(ConfigError, match=r"AutoregressiveModel has no graphs to export; .*VAE") as error:
        graphs_of(model.fit((np.random.default_rng(0).random((20, 6, 6)) > 0.5).astype("uint8")))
    assert "\n" not in str(error.value)


def test_only_what_is_asked_for_is_written(tmp_path):
    from latentia import GaussianMixture

    model = GaussianMixture(2, random_state=0).fit(np.random.default_rng(0).normal(size=(60, 2)))
    assert [each.path.name for each in model.export(tmp_path, only=["score"])] == ["score.onnx"]
    assert [path.name for path in tmp_path.iterdir()] == ["score.onnx"]
    for only in (["encoder"], "encoder", [""]):
        with pytest.raises(ConfigError, match="this model serves components, score"):
            model.export(tmp_path, only=only)


SMALL = {"max_epochs": 1, "random_state": 0}


def _catalog():
    from latentia.kinds.codes.catalog import DISCRETE
    from latentia.kinds.vae.catalog import CATALOG

    yield from ((VAE, name) for name in CATALOG)
    yield from ((VQVAE, name) for name in DISCRETE)


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "name"), list(_catalog()), ids=lambda each: getattr(each, "__name__", each))
def test_every_model_of_the_catalog_serves(kind, name, tmp_path):
    from sklearn.datasets import load_digits, load_wine

    images = (load_digits().images[:200] * 15).astype("uint8")
    for x in [images] if name.startswith("pixel") else [images, load_wine().data]:
        model = kind(name, **SMALL, **({"n_codes": 8, "prior_epochs": 1} if kind is VQVAE else {})).fit(x)
        written = model.export(tmp_path)
        assert {each.graph.name for each in written} >= {"encoder"}
        assert all(each.difference < 1e-2 for each in written)


def _families():
    import latentia

    random = np.random.default_rng(0)
    blobs = np.concatenate([random.normal(1000, 0.5, (60, 3)), random.normal(1003, 1.0, (60, 3))])
    counts = random.negative_binomial(3, 0.3, (120, 4)) + 1
    levels, bits = random.integers(0, 3, (120, 4)), random.random((120, 5))
    for kind in ("full", "tied", "diag", "spherical"):
        yield f"gaussian-{kind}", latentia.GaussianMixture(2, covariance_type=kind, random_state=0), blobs
    yield "bernoulli", latentia.BernoulliMixture(2, random_state=0), bits
    yield "categorical", latentia.CategoricalMixture(2, random_state=0), levels
    for cls in ("PoissonMixture", "MultinomialMixture", "DirichletMultinomialMixture"):
        yield cls, getattr(latentia, cls)(2, random_state=0), counts
    images = (random.random((120, 4, 4)) * 255).astype(np.uint8)
    images[:, 0, 0] = 7  # a pixel that a Gaussian leaves out
    yield "images", latentia.GaussianMixture(2, covariance_type="diag", random_state=0), images


@pytest.mark.parametrize(
    ("name", "model", "x"), list(_families()), ids=lambda each: each if isinstance(each, str) else ""
)
def test_every_family_of_mixtures_serves(name, model, x, tmp_path):
    served = sessions(model.fit(x[::2]).export(tmp_path))
    rows = x[1::2]
    if rows.dtype.kind == "f":
        rows = rows.astype(np.float32).astype(np.float64)
    (port,) = served["score"].get_inputs()
    feed = rows.astype(np.int64 if port.type == "tensor(int64)" else np.float32)
    feed = feed[:, None] if rows.ndim == 3 else feed
    found = given(served["components"], x=feed)
    close(found["responsibilities"], model.predict_proba(rows))
    close(found["score_samples"], model.score_samples(rows))
    close(np.logaddexp.reduce(found["log_prob"].astype(float), 1), model.score_samples(rows))
    asked = {"total": "modelled"} if model.conditions_on_total else {}
    close(given(served["score"], x=feed)["score"], -model.score_samples(rows, **asked))


@pytest.mark.parametrize("name", ["mixture-counts", "types-counts", "classifier-table"])
def test_the_score_is_what_the_command_anomaly_prints(name, tmp_path):
    import pandas as pd

    import command_line

    run = gallery.opened(next(exhibit for exhibit in SERVING if exhibit.name == name))
    command_line.run("anomaly", run.folder, "--out", tmp_path / "odd.csv")
    command_line.run("export", run.folder, "--out", tmp_path / "onnx", "--only", "score")
    session = onnxruntime.InferenceSession(tmp_path / "onnx" / "score.onnx")
    x = np.asarray(dense(run.split("test").x), dtype=np.float32)
    close(given(session, x=x)["score"], pd.read_csv(tmp_path / "odd.csv")["score"])
    assert json.loads(session.get_modelmeta().custom_metadata_map["columns"]) == run.columns
