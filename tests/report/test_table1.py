"""The page of Table 1, from rows that are made up, in a headless browser at the width of a phone and of a desk."""

import json
import re
import shutil

import numpy as np
import pytest

from latentia.benchmarks.page import write_table1
from latentia.benchmarks.table1 import FORMAT, read_table

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
OPTIONS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
]
NAMES = ("default", "data-variance-vae", "beta-vae", "pythae-vae", "autoencoder")


def row(data, shape, name, index):
    figures = {
        "rec": 17.25 + index, "kl": 14.5 - index, "total": -817.5 + index, "bound": -1100.25 + index, "bits_per_dim": 6.5,
        "active_units": 5, "latent_dim": 5, "sliced_wasserstein": 0.25 + index, "precision": 0.75, "recall": 0.5 - index / 10,
        "seconds": 100.0, "epochs": 40, "steps": 17200, "parameters": 123456, "bound_train_variance": -1099.0,
        "log_likelihood": 370.0,
    }  # fmt: skip
    if name == "autoencoder":
        figures |= dict.fromkeys(("kl", "total", "bound", "bits_per_dim"))
    return {
        "format": FORMAT, "key": f"{data}--{name}", "data": data, "name": name,
        "group": {"default": "default", "pythae-vae": "pythae", "autoencoder": "catalog"}.get(name, "report"),
        "comparable": data == "mnist", "note": "" if data == "mnist" else "only its 10,000 test images, split anew",
        "n_train": 55000, "n_test": 10000, "event_shape": list(shape), "figures": figures,
        "settings": {"max_epochs": 40}, "created": "2025-01-01T12:00:00+00:00", "versions": {"torch": "2.8"},
    }  # fmt: skip


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    out = tmp_path_factory.mktemp("table1")
    rng = np.random.default_rng(0)
    (out / "rows").mkdir()
    (out / "features").mkdir()
    for data, shape in (("mnist", (1, 28, 28)), ("cifar100", (3, 32, 32))):
        for index, name in enumerate(NAMES):
            content = row(data, shape, name, index)
            (out / "rows" / f"{content['key']}.json").write_text(json.dumps(content))
            images = {
                part: rng.integers(0, 256, (16, *shape), dtype=np.uint8)
                for part in ("originals", "rebuilt", "sampled")
            }
            np.savez(out / "rows" / f"{content['key']}.npz", **images)
        space = {"data": data, "features": "64 features", "accuracy": 0.99, "compared": 5000,
                 "real": {"sliced_wasserstein": 0.05, "precision": 0.9, "recall": 0.9}}  # fmt: skip
        (out / "features" / f"{data}.json").write_text(json.dumps(space))
    table = read_table(out, [{"data": "mnist", "name": "iwae", "reason": "a reason with <angles>"}])
    return write_table1(table, "latentia benchmark table1")


def test_the_page_shows_rows_best_figures_and_published_ones(page):
    html = page.read_text()
    assert html.count('class="best">17.25') == 2  # the smallest error of each data set
    assert 'class="best">0.500' in html  # the greatest recall
    assert "sigma-VAE (published)" in html
    assert ">−1,101.75<" in html  # the bound that follows from its figures
    assert html.count("Not comparable with the report: only its 10,000 test images, split anew.") == 1
    assert "a reason with &lt;angles&gt;" in html
    assert "<script" not in html
    assert len(re.findall(r"<img ", html)) == 2 * (1 + 2 * len(NAMES))


def test_the_same_rows_give_the_same_bytes(page):
    before = page.read_bytes()
    table = read_table(page.parent, [{"data": "mnist", "name": "iwae", "reason": "a reason with <angles>"}])
    assert write_table1(table, "latentia benchmark table1").read_bytes() == before


@pytest.mark.skipif(BROWSER is None, reason="no chromium, chromium-browser or google-chrome on the PATH")
def test_nothing_overflows_and_nothing_is_fetched(page):
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=BROWSER, args=OPTIONS)
        for width in (360, 1280):
            view = browser.new_page(viewport={"width": width, "height": 900})
            fetched, complaints = [], []
            view.on("request", lambda request, to=fetched: to.append(request.url))
            view.on("console", lambda message, to=complaints: to.append(message.text))
            view.goto(page.as_uri())
            assert view.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
            assert view.evaluate("[...document.images].every(i => i.complete && i.naturalWidth > 0)")
            outside = """[...document.querySelectorAll('.card')].flatMap(box => {
                const edge = box.getBoundingClientRect().right + 0.5;
                return [...box.querySelectorAll('*')].filter(e => !e.closest('.scroll')
                    && e.getBoundingClientRect().right > edge).map(e => e.tagName + e.textContent.slice(0, 40)); })"""
            assert view.evaluate(outside) == []
            assert complaints == []
            assert [url[:40] for url in fetched if not url.startswith(("file:", "data:"))] == []
        browser.close()
