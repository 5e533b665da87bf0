"""SceneVAE as a person uses it: what is seen, put together again, edited, counted, held against the truth."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import command_line
import latentia
from latentia import SceneVAE
from latentia.data import MultiDigits, MultiSprites, load
from latentia.errors import ConfigError, DataError
from latentia.kinds.scene.catalog import SCENES


@pytest.fixture(scope="module")
def digits():
    return MultiDigits(size=16, digits=(0, 2), scale=(2.0, 0.1)).sample(80, seed=0)


@pytest.fixture(scope="module")
def sprites():
    return MultiSprites(size=16, objects=(1, 2)).sample(60, seed=0)


@pytest.fixture(scope="module")
def models(digits, sprites):
    """One of each family."""
    short = {"latent_dim": 4, "max_epochs": 1, "random_state": 0}
    return {
        "air": (SceneVAE("air", n_slots=2, **short).fit(digits.x), digits),
        "monet": (SceneVAE("monet", n_slots=3, **short).fit(sprites.x), sprites),
    }


FAMILIES = pytest.mark.parametrize("family", ["air", "monet"])


@FAMILIES
def test_slots_are_in_reading_order_and_named(models, family):
    model, scenes = models[family]
    table = model.transform(scenes.x)
    names = list(model.get_feature_names_out())
    assert table.shape == (len(scenes), len(names)) == (len(scenes), model.n_slots_ * 9)
    slots = pd.DataFrame(table, columns=names)
    for seen in model.seen(scenes.x):
        for objects, where in zip(seen.objects, seen.where, strict=True):
            assert not (np.diff(objects.astype(int)) > 0).any()  # objects first
            assert (np.diff(where[objects, 1]) >= 0).all()
    assert slots["slot1_x"].between(0, 1).all()


@FAMILIES
def test_an_image_is_put_together_of_its_slots(models, family):
    model, scenes = models[family]
    table = model.transform(scenes.x)
    again = model.inverse_transform(table)
    assert again.shape == scenes.x.shape
    assert again.dtype == np.uint8
    used = table.reshape(len(table), model.n_slots_, -1)[..., 0]
    whole = (used > 0.999).all(1) if family == "monet" else np.ones(len(table), bool)
    expected = model.reconstruct(scenes.x)
    if family == "monet":
        assert np.abs(again[whole].astype(int) - expected[whole]).max(initial=0) <= 1
    else:  # presence weighs objects here, and counts them there
        table.reshape(len(table), model.n_slots_, -1)[..., 0] = 0
        assert model.inverse_transform(table).max() == 0


@FAMILIES
def test_masks_labels_and_the_table_of_objects_agree(models, family):
    model, scenes = models[family]
    labels, table = model.segment(scenes.x), model.objects(scenes.x)
    parts, masks = model.decompose(scenes.x)
    assert parts.shape == (len(scenes), model.n_slots_, *scenes.x.shape[1:])
    assert masks.min() >= 0
    assert (masks.sum(1) <= 1 + 1e-5).all()
    objects = table[~table["background"]]
    for item, group in objects.groupby("item"):
        shares = [(labels[item] == i + 1).mean() for i in range(len(group))]
        np.testing.assert_allclose(group["area"], shares, atol=1e-6)
    found = objects.groupby("item").size().reindex(range(len(scenes)), fill_value=0)
    assert labels.max() <= found.max()


def test_counts_of_windows_have_a_probability(models):
    model, scenes = models["air"]
    shares = model.count_proba(scenes.x)
    np.testing.assert_allclose(shares.sum(1), 1, atol=1e-5)
    np.testing.assert_array_equal(model.count(scenes.x), shares.argmax(1))
    with pytest.raises(ConfigError, match="has no probability of a number"):
        models["monet"][0].count_proba(models["monet"][1].x)


def test_moving_an_object_moves_what_it_paints(models):
    model, scenes = models["air"]
    rows = np.zeros((1, model._n_features_out))
    rows[0, :5] = [1, 0.25, 0.5, 0.5, 0.5]
    rows[0, 5:9] = 1.0
    here = model.inverse_transform(rows).astype(float)
    rows[0, 1] += 0.5
    there = model.inverse_transform(rows).astype(float)
    np.testing.assert_allclose(there[..., 8:], here[..., :8], atol=1)
    table = model.transform(scenes.x[:3])
    moved = model.edit(scenes.x[:3], move={1: (0.25, 0.0)})
    table[:, 1] += 0.25
    np.testing.assert_array_equal(moved, model.inverse_transform(table))


def test_moving_a_slot_of_masks_moves_its_part(models):
    model, scenes = models["monet"]
    table = model.transform(scenes.x[:4])
    table.reshape(4, 3, -1)[..., 0] = 1
    before = model.inverse_transform(table)
    table[:, 1] += 0.25
    assert (model.inverse_transform(table) != before).any()
    table[:, 1] -= 0.25
    assert np.abs(model.inverse_transform(table).astype(int) - before).max() <= 1


def test_leaving_out_and_exchanging(models):
    model, scenes = models["air"]
    assert model.edit(scenes.x[:3], remove=[1, 2]).max() == 0
    table = model.transform(scenes.x[:3]).reshape(3, 2, -1)
    table[:, [0, 1], 1:3] = table[:, [1, 0], 1:3]
    np.testing.assert_array_equal(
        model.edit(scenes.x[:3], swap=(1, 2)), model.inverse_transform(table.reshape(3, -1))
    )
    with pytest.raises(ConfigError, match="object 3: the model has places for objects 1 to 2"):
        model.edit(scenes.x, remove=[3])
    with pytest.raises(ConfigError, match="two shares of the image"):
        model.edit(scenes.x, move={1: (0.1,)})


def test_the_truth_is_compared_and_never_fitted(models):
    model, scenes = models["air"]
    found = model.separation(scenes.x, scenes.truth)
    assert found.counts.accuracy.value == pytest.approx((model.count(scenes.x) == scenes.counts).mean())
    assert found.components.covering.value > found.masks.covering.value  # after one epoch
    counted = model.separation(scenes.x, {"masks": scenes.masks})
    assert counted.counts.confusion == found.counts.confusion
    with pytest.raises(DataError, match="masks of shape"):
        model.separation(scenes.x, {"masks": scenes.masks[:, :8]})
    with pytest.raises(DataError, match="counts of shape"):
        model.separation(scenes.x, {"counts": scenes.counts[:3]})


def test_a_perfect_model_agrees_with_the_truth(digits, monkeypatch):
    model = SceneVAE("air", n_slots=2, latent_dim=2, max_epochs=0, random_state=0).fit(digits.x)
    monkeypatch.setattr(SceneVAE, "segment", lambda self, X: digits.masks[:: len(digits) // len(X)][: len(X)])
    monkeypatch.setattr(SceneVAE, "count", lambda self, X: digits.counts)
    found = model.separation(digits.x, digits.truth)
    assert found.masks.ari_fg.value == 1
    assert found.counts.accuracy.value == 1
    assert found.objects.position.value == 0


def test_binary_images_are_black_and_white_whatever_they_are_called(digits):
    zero_one = (digits.x > 127).astype(np.uint8)
    model = SceneVAE("air", n_slots=1, latent_dim=2, max_epochs=0, random_state=0).fit(zero_one)
    assert float(next(iter(model._inference().batches(model.form_.stored(zero_one[:50])))).max()) == 1.0
    assert model.sample(2, random_state=0).dtype.kind == "f"


@pytest.mark.parametrize("name", SCENES)
def test_every_model_is_fitted_kept_and_goes_on(name, digits, tmp_path):
    model = SceneVAE(name, n_slots=2, latent_dim=4, max_epochs=1, n_importance=3, random_state=1)
    model.fit(digits.x[:40], run_dir=tmp_path / "run")
    again = SceneVAE.load(model.save(tmp_path / "kept"))
    np.testing.assert_array_equal(again.transform(digits.x), model.transform(digits.x))
    figures = model.evaluate(digits.x, n_importance=3)
    if name == "slot-attention":
        assert figures.elbo is None
        with pytest.raises(ConfigError, match="no log-likelihood"):
            model.score_samples(digits.x)
    else:
        assert figures.log_likelihood > figures.elbo - 3 * figures.log_likelihood_se
        assert np.isfinite(model.score_samples(digits.x)).all()


BAD = {
    "table": (lambda x: x.reshape(len(x), -1), {}, "is a table; SceneVAE is for images"),
    "videos": (lambda x: x[:, None], {}, "holds videos"),
    "standardised": (lambda x: x / 50.0 - 1.0, {}, "is for images of kind"),
    "tiny": (lambda x: x[:, :, :4, :4], {}, "too small to hold objects"),
    "no slots": (lambda x: x, {"n_slots": 0}, "n_slots=0: expected a whole number"),
    "half a slot": (lambda x: x, {"n_slots": 1.5}, "n_slots=1.5"),
    "no code": (lambda x: x, {"latent_dim": 0}, "latent_dim=0"),
    "no noise": (lambda x: x, {"scale": 0}, "scale=0"),
    "unknown": (lambda x: x, {"model": "aire"}, "aire"),
    "object": (lambda x: x, {"model": 3}, "expected a name"),
    "option": (lambda x: x, {"objective_options": {"bet": 1}}, "bet"),
    "not finite": (lambda x: np.where(x > 50, np.nan, x / 255.0), {}, "NaN"),
    "one image": (lambda x: x[:1], {}, "minimum"),
    "colour names": (lambda x: x.astype(str), {}, "cannot be used"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_one_line(name, digits):
    change, params, words = BAD[name]
    with pytest.raises((ConfigError, DataError), match=words) as caught:
        SceneVAE(**{"max_epochs": 0, **params}).fit(change(digits.x[:20]))
    assert "\n" not in str(caught.value)


def test_rows_of_slots_are_checked(models):
    model, _ = models["air"]
    with pytest.raises(DataError, match=r"expected \[n, 18\]"):
        model.inverse_transform(np.zeros((2, 3)))
    with pytest.raises(DataError, match="NaN"):
        model.inverse_transform(np.full((2, 18), np.nan))


# ------------------------------------------------------------------ the command line


@pytest.fixture(scope="module")
def folder(tmp_path_factory, digits):
    place = tmp_path_factory.mktemp("scenes")
    digits.save(place / "scenes.npz")
    command_line.run(
        "fit", place / "scenes.npz", "--model", "air", "--n-slots", 2, "--latent-dim", 4, "--epochs", 1, "--out", place / "run"
    )  # fmt: skip
    return place


def test_masks_are_written_as_they_are_read(folder, tmp_path):
    command_line.run("segment", folder / "run", folder / "scenes.npz", "--out", tmp_path / "masks")
    command_line.run("segment", folder / "run", folder / "scenes.npz", "--out", tmp_path / "masks.npy")
    command_line.run("segment", folder / "run", folder / "scenes.npz", "--out", tmp_path / "masks")  # again
    labels = np.load(tmp_path / "masks.npy")
    assert len(list((tmp_path / "masks").iterdir())) == len(labels) == 80
    from PIL import Image

    for i, mask in enumerate(labels):
        Image.fromarray(mask).save(tmp_path / f"{i:02}.png")
    read = load(str(tmp_path), validation_fraction=0.1, test_fraction=0.1)
    for part in (read.train, read.test):
        for name, mask in zip(part.names, part.truth["masks"], strict=True):
            np.testing.assert_array_equal(mask, labels[int(str(name).removesuffix(".png"))])


def test_counts_and_objects_are_tables(folder, tmp_path, capsys):
    command_line.run("count", folder / "run", folder / "scenes.npz", "--out", tmp_path / "counts.csv")
    assert "accuracy 0." in capsys.readouterr().out
    counts = pd.read_csv(tmp_path / "counts.csv")
    np.testing.assert_allclose(counts[["p0", "p1", "p2"]].sum(axis=1), 1, atol=1e-5)
    command_line.run("objects", folder / "run", folder / "scenes.npz", "--out", tmp_path / "objects.csv")
    objects = pd.read_csv(tmp_path / "objects.csv")
    assert {"item", "slot", "x", "y", "width", "height", "area"} <= set(objects.columns)
    seen = latentia.load(folder / "run").objects(np.load(folder / "scenes.npz")["x"])
    np.testing.assert_allclose(
        objects[["item", "slot", "x", "area"]], seen[["item", "slot", "x", "area"]], rtol=1e-5
    )


WRONG = {
    "segment into a picture": (["segment", "RUN", "--out", "masks.png"], "masks can be written into a folder"),
    "segment other sizes": (["segment", "RUN", "SMALL"], "the model was fitted to"),
    "segment nothing": (["segment", "RUN", "nowhere"], "nowhere"),
    "objects as a picture": (["objects", "RUN", "--out", "o.png"], "it can be written as"),
    "count as text": (["count", "RUN", "--out", "o.txt"], "it can be written as"),
    "edit nothing": (["edit", "RUN"], "say what to do"),
    "edit a word": (["edit", "RUN", "--remove", "two"], "expected whole numbers"),
    "edit object 0": (["edit", "RUN", "--remove", "0"], "places for objects 1 to 2"),
    "edit object 9": (["edit", "RUN", "--remove", "9"], "places for objects 1 to 2"),
    "move without a way": (["edit", "RUN", "--move", "1"], "an object and two shares"),
    "move one way": (["edit", "RUN", "--move", "1:.2"], "an object and two shares"),
    "move by words": (["edit", "RUN", "--move", "a:b,c"], "an object and two shares"),
    "move by nan": (["edit", "RUN", "--move", "1:nan,0"], "two shares of the image"),
    "swap one": (["edit", "RUN", "--swap", "1"], "two numbers of objects"),
    "swap three": (["edit", "RUN", "--swap", "1,2,3"], "two numbers of objects"),
    "edit as a table": (["edit", "RUN", "--remove", "1", "--out", "e.csv"], "images can be written as"),
    "edit no image": (["edit", "RUN", "--remove", "1", "-n", "0"], "at least 1"),
    "no run": (["count", "nowhere"], "nowhere"),
    "fit a table": (["fit", "digits.csv", "--model", "air"], "digits.csv"),
    "fit videos": (["fit", "VIDEOS", "--model", "air"], "models of scenes"),
    "fit with components": (["fit", "DATA", "--model", "air", "--n-components", "3"], "--n-components is for"),
    "fit an unknown parameter": (["fit", "DATA", "--model", "air", "--set", "slots=3"], "did you mean 'n_slots'"),
    "fit with words for slots": (["fit", "DATA", "--model", "air", "--n-slots", "many"], "a whole number"),
    "fit no slots": (["fit", "DATA", "--model", "air", "--n-slots", "0", "--out", "new"], "n_slots=0"),
    "complete": (["complete", "RUN"], "this run is a air"),
    "interpolate": (["interpolate", "RUN"], "this run is a air"),
    "predict": (["predict", "RUN"], "this run is a air"),
    "compress": (["compress", "one.png", "--run", "RUN", "--out", "small.lat"], "this run is a air"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_command_is_one_line(name, folder, tmp_path, monkeypatch, capsys):
    from PIL import Image

    from latentia.data import Balls

    monkeypatch.chdir(tmp_path)
    Image.fromarray(np.eye(16, dtype=np.uint8) * 200).save("one.png")
    np.savez("small.npz", x=np.zeros((4, 3, 12, 12), np.uint8))
    argv, words = WRONG[name]
    if "VIDEOS" in argv:
        Balls(n=1, size=8, frames=4).sample(12).save("videos.npz")
    places = {
        "RUN": folder / "run",
        "DATA": folder / "scenes.npz",
        "SMALL": "small.npz",
        "VIDEOS": "videos.npz",
    }
    assert words in command_line.fails(capsys, *[places.get(word, word) for word in argv])
