"""The page in a real headless browser, at the width of a phone and of a desk."""

import shutil
from dataclasses import replace

import numpy as np
import pytest

from latentia.report import Figure, render
from latentia.report.content import Step

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(
    BROWSER is None, reason="no chromium, chromium-browser or google-chrome on the PATH"
)

OPTIONS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
NAMES = ("digits", "faces", "tall", "wine", "diabetes", "counts", "long words", "bare")


@pytest.fixture(scope="module")
def pages(digits, tables, tmp_path_factory):
    folder = tmp_path_factory.mktemp("pages")
    rng = np.random.default_rng(0)
    large, tall = rng.random((30, 3, 89, 109)), rng.random((30, 1, 40, 3))
    long = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft" * 3
    empty = np.zeros((0, 1, 8, 8))
    reports = {
        "digits": digits(n=200),
        "faces": digits(2, n=40, originals=large, reconstructions=large, samples=large, worst=(large[:8], large[:8], np.arange(8.0))),
        "tall": digits(1, n=40, originals=tall, reconstructions=tall, samples=tall, worst=(tall[:8], tall[:8], -1e5 * np.arange(8.0))),
        **{name: tables[name] for name in ("wine", "diabetes", "counts")},
        "long words": replace(
            digits(2, n=40), title=long, model=long, data=long, command=long, verdict=long, evidence=[long, f"`{long}`"],
            remedies=[Step(long, f"latentia {long}")], uses=[Step(long, long)], figures=[Figure(long, -123456789.125, long, long, long)],
            choices=[(long, long)], settings={long: long}, versions={long: long}, split=long, score=long,
        ),
        "bare": digits(
            2, n=40, originals=empty, reconstructions=empty, samples=empty, worst=(empty, empty, np.zeros(0)),
            history=[], figures=[], choices=[], settings={}, evidence=[], labels=None,
        ),
    }  # fmt: skip
    assert set(reports) == set(NAMES)
    for name in ("faces", "tall", "long words"):  # their charts are like those of the others, and take time
        reports[name] = replace(reports[name], history=[], codes=np.zeros((0, 2)), labels=None)
    return {name: render(report, folder / name.replace(" ", "-")) for name, report in reports.items()}


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=BROWSER, args=OPTIONS)
        yield browser
        browser.close()


@pytest.fixture
def visit(browser):
    contexts = []

    def open_page(path, width, scheme="light"):
        context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
        contexts.append(context)
        page = context.new_page()
        page.complaints, page.fetched = [], []
        page.on("console", lambda message: page.complaints.append(message.text))
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        page.on("request", lambda request: page.fetched.append(request.url[:60]))
        page.goto(path.as_uri())
        return page

    yield open_page
    for context in contexts:
        context.close()


@pytest.mark.parametrize(("width", "scheme"), [(390, "light"), (1280, "dark")])  # the colours change no width
@pytest.mark.parametrize("name", NAMES)
def test_nothing_overflows_and_every_picture_loads(pages, visit, name, width, scheme):
    page = visit(pages[name], width, scheme)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    # What sticks out of its card is cut off or lies over its neighbour, though the page does not scroll.
    outside = """() => [...document.querySelectorAll('.card, .verdict, .headlines a')].flatMap(box => {
        const edge = box.getBoundingClientRect().right + 0.5;
        return [...box.querySelectorAll(':scope *')].filter(e => !e.closest('.scroll, details, [clip-path]')
            && e.getBoundingClientRect().right > edge).map(e => e.tagName + ' ' + e.textContent.slice(0, 40));
    })"""
    assert page.evaluate(outside) == []
    broken = "[...document.images].filter(i => !(i.complete && i.naturalWidth > 0)).map(i => i.alt)"
    assert page.evaluate(broken) == []
    assert page.evaluate("[...document.images].filter(i => i.clientWidth < 16).map(i => i.alt)") == []
    if name != "bare":
        assert page.evaluate("document.querySelectorAll('img, .chart svg').length") > 4
    assert page.complaints == []
    assert [url for url in page.fetched if not url.startswith(("file:", "data:"))] == []
    assert len([url for url in page.fetched if url.startswith("file:")]) == 1


def test_charts_follow_the_scheme_and_images_do_not(pages, visit):
    seen = {}
    for scheme in ("light", "dark"):
        page = visit(pages["digits"], 1280, scheme)
        drawn = "[...document.querySelectorAll('.chart svg [stroke]')].map(e => getComputedStyle(e).stroke)"
        seen[scheme] = page.evaluate(drawn), page.evaluate("[...document.images].map(i => i.currentSrc)")
        background = page.evaluate("getComputedStyle(document.querySelector('.card')).backgroundColor")
        assert background == {"light": "rgb(255, 255, 255)", "dark": "rgb(27, 29, 34)"}[scheme]
    (light, images), (dark, same) = seen["light"], seen["dark"]
    assert images == same
    assert len(light) > 10
    assert all(one != other for one, other in zip(light, dark, strict=True))
    assert not {"none", ""} & {*light, *dark}


def test_words_of_charts_can_be_read_on_a_phone(pages, visit):
    for name in ("digits", "wine"):
        page = visit(pages[name], 360)
        sizes = """[...document.querySelectorAll('.chart svg')].flatMap(svg => [...svg.querySelectorAll('text')].map(text =>
            parseFloat(getComputedStyle(text).fontSize) * svg.getBoundingClientRect().width / svg.viewBox.baseVal.width))"""
        assert min(page.evaluate(sizes)) >= 8.5
        outside = """[...document.querySelectorAll('.chart svg')].flatMap(svg => { const edge = svg.closest('.card').getBoundingClientRect();
            return [...svg.querySelectorAll('text')].filter(t => { const box = t.getBoundingClientRect();
                return box.right > edge.right || box.left < edge.left; }).map(t => t.textContent); })"""
        assert page.evaluate(outside) == []


def test_the_menu_leads_to_the_cards(pages, visit):
    page = visit(pages["digits"], 390)
    page.click(".menu a[href='#latent-map']")
    page.wait_for_function(
        "Math.abs(document.getElementById('latent-map').getBoundingClientRect().top) < 120"
    )
    assert page.is_visible(".menu")  # it stays in sight


def test_words_stand_out_from_their_ground(pages, visit):
    contrast = """selector => {
        const light = c => { const v = c.match(/[\\d.]+/g).slice(0, 3).map(x => x / 255)
            .map(x => x <= 0.03928 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4);
            return 0.2126 * v[0] + 0.7152 * v[1] + 0.0722 * v[2]; };
        const e = document.querySelector(selector); let ground = e;
        while (getComputedStyle(ground).backgroundColor === 'rgba(0, 0, 0, 0)') ground = ground.parentElement;
        const [a, b] = [light(getComputedStyle(e).color), light(getComputedStyle(ground).backgroundColor)];
        return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    }"""
    for scheme in ("light", "dark"):
        page = visit(pages["digits"], 1280, scheme)
        for selector in (
            ".verdict h2",
            ".verdict h3",
            ".menu a",
            ".headlines span",
            ".key small",
            ".card h2",
            ".lead",
            "td small",
            "td.unit",
            ".summary",
            "footer",
        ):
            assert page.evaluate(contrast, selector) >= 4.5, (scheme, selector)


def test_small_images_stay_crisp_and_large_ones_smooth(pages, visit):
    rendering = "getComputedStyle(document.querySelector('.tiles img')).imageRendering"
    assert visit(pages["digits"], 1280).evaluate(rendering) == "pixelated"
    assert visit(pages["faces"], 1280).evaluate(rendering) == "auto"


def test_the_glossary_opens_and_the_page_still_fits(pages, visit):
    page = visit(pages["digits"], 390)
    assert not page.is_visible("text=Evidence lower bound, log p(x|z)")
    page.click("#glossary summary")
    assert page.is_visible("text=Evidence lower bound, log p(x|z)")
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_on_paper_the_page_is_light_and_nothing_is_cut(pages, visit):
    page = visit(pages["digits"], 800, "dark")
    page.emulate_media(media="print", color_scheme="dark")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert page.pdf(format="A4").startswith(b"%PDF")
