"""Pixels and charts: that they show what the numbers say."""

import io
from xml.etree import ElementTree

import matplotlib as mpl
import numpy as np
import pytest
from PIL import Image
from sklearn.metrics import r2_score

from latentia.report import figures, images, tables
from latentia.report.map_chart import Labels
from latentia.report.svg import standalone, to_svg
from latentia.report.theme import DARK, LIGHT, canvas, plain


def opened(png):
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))


def test_a_tile_keeps_every_pixel():
    rng = np.random.default_rng(0)
    for shape in [(1, 1, 1), (1, 8, 8), (3, 64, 64), (3, 89, 109)]:
        image = rng.integers(0, 256, (1, *shape), dtype=np.uint8)
        shown = opened(images.tile_png(images.pixels(image)[0]))
        np.testing.assert_array_equal(shown, np.broadcast_to(image[0].transpose(1, 2, 0), (*shape[1:], 3)))


def test_pixels_are_scaled_clipped_and_averaged_over_other_channel_counts():
    floats = np.array([0.0, 0.5, 1.0, 2.0, -1.0, np.nan]).reshape(6, 1, 1, 1)
    assert images.pixels(floats)[:, 0, 0, 0].tolist() == [0, 128, 255, 255, 0, 0]
    two = np.array([0.0, 1.0]).reshape(1, 2, 1, 1)
    assert images.pixels(two).ravel().tolist() == [128, 128, 128]


def test_a_mosaic_holds_the_tiles_enlarged_by_a_whole_factor():
    tiles = images.pixels(np.random.default_rng(0).random((5, 1, 8, 8)))
    sheet = opened(images.mosaic(images.square(tiles)))
    side = 96
    assert sheet.shape == (2 * (side + 4) + 4, 3 * (side + 4) + 4, 3)
    np.testing.assert_array_equal(sheet[4 : 4 + side : 12, 104 : 104 + side : 12], tiles[1])
    assert (sheet[104:200, 204:300] == 255).all()  # the sixth place is empty


def test_r_squared_agrees_with_scikit_learn():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(50, 4))
    r = x + rng.normal(size=x.shape) * [0.1, 0.5, 1.0, 3.0]
    np.testing.assert_allclose(tables.r_squared(x, r), r2_score(x, r, multioutput="raw_values"), rtol=1e-10)


def test_a_constant_feature_has_no_r_squared():
    x = np.column_stack([np.full(6, 0.1), np.arange(6.0)])
    assert np.isnan(tables.r_squared(x, x)[0])
    assert tables.explained(x[:, :1], x[:, :1], ["constant"], LIGHT) is None


def test_marginals_are_compared_by_the_largest_gap_between_cumulative_distributions():
    data = np.arange(100.0)[:, None]
    assert tables.marginal_distance(data, data)[0] == 0
    assert tables.marginal_distance(data, data + 1000)[0] == 1
    assert tables.marginal_distance(data, data + 25)[0] == pytest.approx(0.25)


def test_the_best_epoch_is_marked_and_gaps_are_left():
    rows = [
        {"epoch": i + 1, "validation_elbo": v} for i, v in enumerate([-9.0, None, float("nan"), -4.0, -5.0])
    ]
    axes = figures.learning_curves(rows, LIGHT).axes[0]
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["validation (best: epoch 4)"]
    assert axes.get_ylabel() == "negative bound (ELBO), nats"
    np.testing.assert_array_equal(axes.lines[1].get_xydata(), [[4.0, 4.0]])
    np.testing.assert_array_equal(axes.lines[0].get_ydata(), [9.0, np.nan, np.nan, 4.0, 5.0])


def test_curves_without_a_single_number_are_not_drawn():
    assert figures.learning_curves([{"epoch": 1, "train_loss": None}], LIGHT) is None
    assert figures.rate_and_distortion([{"epoch": 1, "validation_kl": float("nan")}], LIGHT) is None


def test_the_fall_of_the_first_epochs_does_not_flatten_the_rest():
    rows = [{"epoch": i + 1, "train_loss": 1e6 if i == 0 else 10.0 - i / 10} for i in range(50)]
    assert figures.learning_curves(rows, LIGHT).axes[0].get_ylim()[1] < 20


def test_kl_bars_are_sorted_and_inactive_ones_hatched():
    figure = figures.kl_per_dimension(np.array([0.0, 2.0, 1.0]), np.array([False, True, True]), LIGHT)
    axes = figure.axes[0]
    bars = sorted(axes.patches, key=lambda bar: bar.get_x())
    assert [bar.get_height() for bar in bars[:2]] == [2.0, 1.0]
    assert [bar.get_hatch() for bar in bars] == [None, None, "////"]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["1", "2", "0"]
    assert figures.kl_per_dimension(np.array([np.nan]), np.array([False]), LIGHT) is None


def test_labels_of_all_kinds():
    of = Labels.of
    assert of(None, None, 3).classes is None
    assert of(np.array([2, 0, -1]), ["a", "b", "c"], 3).names == ("a", "b", "c")
    assert of(np.array([7, 3, 7]), None, 3).classes.tolist() == [1, 0, 1]
    assert of(np.array([7, 3, 9]), ["a"], 3).names == ("3", "7", "9")
    missing = of(np.array(["x", None, "y"], dtype=object), None, 3)
    assert missing.classes.tolist() == [0, -1, 1]
    assert of(np.array([1.0, np.nan, 0.0]), None, 3).classes.tolist() == [1, -1, 0]
    assert of(np.array([0.5, 1.5]), None, 2).quantity.tolist() == [0.5, 1.5]


def test_drawing_leaves_the_callers_matplotlib_alone():
    # The backend is read by `_get`: to ask for it in the usual way is to choose one.
    def state():
        others = {name: mpl.rcParams[name] for name in mpl.rcParams if name != "backend"}
        return mpl.rcParams._get("backend"), others

    before = state()
    to_svg(figures.kl_per_dimension(np.array([1.0]), np.array([True]), DARK), "kl", "")
    assert state() == before


def test_names_from_the_data_are_never_read_as_mathematics():
    x = np.random.default_rng(0).normal(size=(20, 3))
    names = [r"$\frac{$", "a$b$c" * 20, "猫 🐈\nline"]
    for figure in (tables.explained(x, x, names, LIGHT), tables.marginals(x, x, names, DARK)):
        svg = to_svg(figure, "chart", "")
        ElementTree.fromstring(standalone(svg))
        assert any(name in svg for name in (r"$\frac{$", "a$b$c", "猫 🐈 line"))
    assert plain("$x$") == r"\$x\$"


def test_an_area_is_drawn():
    """`fill_between` is one shape, which matplotlib hands over as a marker at the corner of the canvas."""
    figure = canvas(LIGHT, 3, 2)
    axes = figure.add_subplot()
    axes.fill_between([0, 1, 2], [0, 0, 0], [1, 2, 1], color="#123456", linewidth=0)
    assert 'fill="#123456"' in to_svg(figure, "area", "an area")
