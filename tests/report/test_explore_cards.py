"""The cards of exploration: what stands in them, and how they look in a browser."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits, load_wine
from sklearn.decomposition import PCA

from latentia.data import Split
from latentia.distributions import DiagonalGaussian
from latentia.estimators.forms.scaled import Scaled
from latentia.report import render
from latentia.report.drawing import drawn
from latentia.report.exploring import DIMS, STEPS, explored
from latentia.report.sections import cards


class Components:
    """Principal components with a posterior around them, as the stand-in of a VAE."""

    def __init__(self, X, d):
        self.event = X.shape[1:]
        self.pca = PCA(d, random_state=0).fit(X.reshape(len(X), -1))

    def transform(self, X):
        return self.pca.transform(X.reshape(len(X), -1))

    def inverse_transform(self, Z):
        return self.pca.inverse_transform(Z).reshape(-1, *self.event)

    def tensors(self, X):
        return self, torch.as_tensor(X.reshape(len(X), -1))

    def encode(self, x):
        mean = torch.as_tensor(self.pca.transform(x.numpy()))
        return DiagonalGaussian(mean, torch.full_like(mean, 0.1))


DIGITS, LABELS = load_digits().images[:, None] / 16, load_digits().target


@pytest.fixture(scope="module")
def exploration():
    form = Scaled("unit", (1, 8, 8), "float64")
    model = Components(DIGITS, 10)
    return explored(model, Split(DIGITS[1500:], LABELS[1500:]), Split(DIGITS[:1500]), form.viewable)


def test_what_is_explored(exploration):
    model = Components(DIGITS, 10)
    assert exploration.ways.shape == (2, 3, STEPS, 1, 8, 8)
    assert exploration.traversals.shape == (DIMS, STEPS, 1, 8, 8)
    assert exploration.neighbours.shape == exploration.resampled.shape == (6, STEPS, 1, 8, 8)
    items = exploration.neighbours[:, 0]
    ends = model.inverse_transform(model.transform(items))
    for row, end in (
        (0, ends[0]),
        (-1, ends[1]),
    ):  # each of the three ways joins the same two reconstructions
        np.testing.assert_allclose(exploration.ways[0, :, row], np.stack([end] * 3), atol=1e-9)
    labels = [LABELS[1500:][np.abs(DIGITS[1500:] - item).sum((1, 2, 3)).argmin()] for item in items]
    assert len(set(labels)) == 6
    codes, near = model.transform(items), model.transform(exploration.neighbours[:, 1])
    everything = model.transform(DIGITS[:1500])
    nearest = np.linalg.norm(codes[:, None] - everything, axis=2).min(1)
    np.testing.assert_allclose(np.linalg.norm(codes - near, axis=1), nearest, atol=1e-9)


def test_too_few_items_are_not_explored():
    few = Split(DIGITS[:3])
    assert explored(Components(DIGITS, 3), few, few, lambda x: x) is None


def test_cards_of_images(digits, exploration):
    shown = {card.id: card for card in cards(digits(n=60, exploration=exploration))}
    names = ["interpolations", "traversals", "neighbours", "resampled"]
    assert [name for name in shown if name in names] == names
    for name in names:
        assert len(shown[name].tiles) % STEPS == 0
        assert drawn([shown[name]])[0].sheet[:4] == b"\x89PNG"
    assert [tile.caption for tile in shown["interpolations"].tiles[::8][:3]] == ["line", "circle", "data"]
    assert shown["traversals"].tiles[0].caption == "dim 0"
    assert not {"interpolations", "traversals"} & {card.id for card in cards(digits(n=60))}


def test_card_of_a_table(tables):
    wine = load_wine()
    X = (wine.data - wine.data.mean(0)) / wine.data.std(0)
    found = explored(Components(X, 2), Split(X[::2]), Split(X[1::2]), lambda x: x)
    shown = {card.id: card for card in cards(replace(tables["wine"], exploration=found))}
    table = shown["traversals"].table
    assert len(table) == 1 + 2
    assert "→" in table[1][2]
    assert "interpolations" not in shown


@pytest.fixture(scope="module")
def page(digits, exploration, tmp_path_factory):
    return render(digits(n=60, exploration=exploration), tmp_path_factory.mktemp("page"))


@pytest.mark.parametrize("width", [390, 1280])
def test_rows_stay_rows_in_a_browser(page, width):
    playwright = pytest.importorskip("playwright.sync_api")
    import shutil

    browser_path = next(
        filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
    )
    if browser_path is None:
        pytest.skip("no chromium, chromium-browser or google-chrome on the PATH")
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(
            executable_path=browser_path, args=["--no-sandbox", "--disable-gpu", "--disable-quic"]
        )
        opened = browser.new_page(viewport={"width": width, "height": 900})
        opened.goto(page.as_uri())
        assert opened.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        tops = "id => [...document.querySelectorAll('#' + id + ' li')].slice(0, 8).map(e => e.getBoundingClientRect().top)"
        lefts = tops.replace(".top)", ".left)")
        outside = """id => { const edge = document.getElementById(id).getBoundingClientRect().right;
            return [...document.querySelectorAll('#' + id + ' *')].filter(e => e.getBoundingClientRect().right > edge + 0.5).length }"""
        for name in ("interpolations", "traversals", "neighbours", "resampled"):
            assert len(set(opened.evaluate(tops, name))) == 1
            assert len(set(opened.evaluate(lefts, name))) == 8
            assert opened.evaluate(outside, name) == 0
        browser.close()
