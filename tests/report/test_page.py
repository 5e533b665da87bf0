"""The page: what it says, that it says it safely, and what data it takes."""

import re
import time
from dataclasses import replace
from html.parser import HTMLParser
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from latentia.errors import DataError, RunFolderError
from latentia.report import Figure, render
from latentia.report.content import Step, number
from latentia.report.drawing import drawn
from latentia.report.head import called
from latentia.report.page import glossary, headlines
from latentia.report.sections import cards


class Page(HTMLParser):
    """The texts, tags and images of a page; fails where an element is not closed."""

    VOID = frozenset({"meta", "link", "img", "source", "br", "circle", "path"})

    def __init__(self, path):
        super().__init__()
        self.tags, self.open, self.words, self.images = [], [], [], []
        self.source = path.read_text(encoding="utf-8")
        self.feed(self.source)
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag == "img":
            self.images.append(dict(attributes))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag not in self.VOID:
            assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] != "style":
            self.words.append(data)

    @property
    def text(self):
        return " ".join(" ".join(self.words).split())


def without_charts(report):
    """The report without what takes time to draw."""
    nothing = np.zeros((0, report.codes.shape[1]))
    return replace(
        report, history=[], codes=nothing, labels=None, kl_per_dim=np.full(len(report.active), np.nan)
    )


@pytest.fixture(scope="module")
def page(digits, tmp_path_factory):
    return Page(render(digits(n=60), tmp_path_factory.mktemp("run")))


def test_the_page_says_everything_that_it_was_given(digits, page):
    report = digits(n=60)
    for words in [
        report.title, report.command, report.data, *[w for pair in report.choices for w in (pair[0],)],
        *report.settings, "Healthy".lower(), "nats", "not defined", "torch 2.13.0",
    ]:  # fmt: skip
        assert words in page.text
    for sentence in report.evidence:
        assert sentence.replace("`", "") in page.text.replace("sigma2  is", "sigma2 is")
    for figure in report.figures:
        assert figure.note in page.text


def test_the_page_needs_nothing_but_itself(page):
    assert not [tag for tag, _ in page.tags if tag in {"script", "iframe", "object"}]
    sources = [a[k] for _, a in page.tags for k in ("src", "href", "srcset") if a.get(k)]
    assert sources
    assert all(source.startswith(("data:", "#")) for source in sources)
    assert not re.search(r"@import|url\((?!#)", page.source)


def test_every_link_of_the_page_leads_somewhere(page):
    places = {attributes["id"] for _, attributes in page.tags if "id" in attributes}
    links = [attributes["href"][1:] for tag, attributes in page.tags if tag == "a"]
    assert len(links) > 8
    assert set(links) <= places
    assert all(reference in places for reference in re.findall(r"url\(#([^)]+)\)", page.source))


def test_every_picture_has_a_description_of_its_own(page):
    charts = [attributes["aria-label"] for _, attributes in page.tags if attributes.get("role") == "img"]
    described = [*(image["alt"] for image in page.images), *charts]
    assert all(described)
    assert len(set(described)) == len(described)
    assert len(page.images) == 64 + 2 * 32 + 2 * 12  # samples and pairs
    assert len(charts) == 4


def test_the_verdict_is_told_by_words_and_sign(digits, tmp_path):
    signs = set()
    for verdict, level in [
        ("healthy", "good"), ("posterior collapse", "bad"), ("information overload", "caution"), ("odd", "caution"),
    ]:  # fmt: skip
        report = digits(
            2, n=40, verdict=verdict, remedies=[Step("do `x`", "latentia fit x")], uses=[Step("draw")]
        )
        page = Page(render(without_charts(report), tmp_path))
        classes = next(a["class"] for tag, a in page.tags if tag == "section")
        assert classes == f"verdict {level}"
        assert verdict in page.text
        assert re.search("What to do do x latentia fit x Use it as it is draw", page.text)
        signs.add((level, next(a["d"] for tag, a in page.tags if tag == "path")))
    assert len(signs) == 3


def test_nothing_from_the_data_is_read_as_html_or_mathematics(tables, tmp_path):
    evil = "<script>alert(1)</script>\"'&$x$"
    report = tables["wine"]
    report = replace(
        report, title=evil, model=evil, model_summary=evil, data=evil, command=evil, created=evil, verdict=evil,
        evidence=[evil, f"`{evil}`"], remedies=[Step(evil, f"latentia {evil}")], uses=[Step(evil)], figures=[Figure(evil, evil, evil, evil, evil)],
        choices=[(evil, evil)], settings={evil: evil}, versions={evil: evil}, split=evil, score=evil,
        feature_names=[f"{i}{evil}" for i in range(13)], labels=np.array([f"{evil}{i % 3}" for i in range(178)]),
    )  # fmt: skip
    page = Page(render(report, tmp_path))
    assert "script" not in {tag for tag, _ in page.tags}
    assert page.text.count("<script>alert(1)</script>") >= 20


def test_the_pictures_are_saved_beside_the_page(digits, tables, tmp_path):
    render(digits(3, n=60), tmp_path / "a")
    render(tables["cancer"], tmp_path / "b")
    shared = {"kl-per-dimension.svg", "latent-map.svg", "learning-curves.svg", "rate-distortion.svg"}
    for folder, own in (
        ("a", {"samples.png", "reconstructions.png", "worst.png"}),
        ("b", {"samples.svg", "agreement.svg", "explained.svg", "heatmap.svg", "correlations.svg"}),
    ):
        saved = list((tmp_path / folder / "figures").iterdir())
        assert {path.name for path in saved} == shared | own
        for path in saved:
            if path.suffix == ".svg":
                root = ElementTree.parse(path).getroot()
                assert float(root.get("width").removesuffix("pt")) > 200
                assert (
                    "var(" not in path.read_text()
                )  # a file of its own has no page whose colours it could take
                continue
            with Image.open(path) as image:
                assert min(image.size) > 300
    assert {path.name for path in (tmp_path / "a").iterdir()} == {"report.html", "figures"}


def test_the_same_input_gives_the_same_bytes(digits, tmp_path):
    first, second = (render(digits(5, n=120), tmp_path / name).read_bytes() for name in "ab")
    assert first == second


@pytest.mark.parametrize("shape", [(1, 1, 1), (3, 5, 9), (1, 28, 28), (2, 16, 16), (3, 64, 64), (3, 89, 109)])
def test_images_of_any_size(digits, tmp_path, shape):
    x = np.random.default_rng(0).integers(0, 256, (20, *shape), dtype=np.uint8)
    report = digits(2, n=20, originals=x, reconstructions=x, samples=x, worst=(x[:3], x[:3], np.zeros(3)))
    page = Page(render(without_charts(report), tmp_path))
    tile = next(image for image in page.images if image["alt"] == "Original 1")
    assert (tile["height"], tile["width"]) == (str(shape[1]), str(shape[2]))


def test_few_rows_one_epoch_no_labels(digits, tmp_path):
    page = Page(render(digits(3, n=5, labels=None, epochs=1), tmp_path))
    assert "Over 1 epochs" not in page.text
    assert "best" not in page.text
    assert "guessed right" not in page.text
    assert "2 main directions" not in page.text
    assert "two main directions" in page.text


def test_gaps_in_the_history(digits, tmp_path):
    report = digits(2, n=40)
    rows = [
        dict(row, validation_elbo=None, validation_kl=float("nan"), train_loss=None) for row in report.history
    ]
    rows[3]["train_loss"] = 5.0
    page = Page(render(replace(report, history=rows), tmp_path))
    assert "Learning curves" in page.text


def test_a_run_that_has_next_to_nothing_to_show(digits, tmp_path):
    empty = np.zeros((0, 1, 8, 8))
    report = digits(
        2, n=40, originals=empty, reconstructions=empty, samples=empty, worst=(empty, empty, np.zeros(0)),
        codes=np.zeros((0, 2)), labels=None, history=[], figures=[], choices=[], settings={}, versions={}, evidence=[],
        kl_per_dim=np.full(2, np.nan),
    )  # fmt: skip
    page = Page(render(report, tmp_path))
    assert page.images == []
    assert report.command in page.text


@pytest.mark.parametrize("many", [11, 21, 150])
def test_many_classes(digits, tmp_path, many):
    report = digits(5, n=300, labels=np.arange(300) % many, class_names=[f"class {i}" for i in range(many)])
    many_coded = replace(without_charts(report), codes=report.codes, labels=report.labels)
    assert "guessed right" in Page(render(many_coded, tmp_path)).text


def test_identical_codes(digits, tmp_path):
    for dims in (1, 2, 10):
        report = digits(dims, n=200)
        same = replace(without_charts(report), codes=np.zeros_like(report.codes), labels=report.labels)
        page = render(same, tmp_path / str(dims))
        assert page.exists()


def test_a_table_of_one_feature_and_one_with_constant_ones(digits, tables, tmp_path):
    x = np.random.default_rng(0).normal(size=(30, 1))
    wine = without_charts(tables["wine"])
    one = replace(
        wine,
        originals=x,
        reconstructions=x,
        samples=x,
        worst=(x[:2], x[:2], np.zeros(2)),
        feature_names=["only"],
    )
    assert "only" in Page(render(one, tmp_path)).text
    x = np.column_stack([np.ones(30), x[:, 0], np.zeros(30)])
    constant = replace(
        one, originals=x, reconstructions=x, samples=x, worst=(x, x, np.zeros(30)), feature_names=None
    )
    assert "feature 1" in Page(render(constant, tmp_path)).text


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"reconstructions": np.zeros((3, 1, 8, 8))}, "reconstructions"),
        ({"samples": np.zeros((3, 1, 7, 8))}, "samples"),
        ({"labels": np.zeros(3, dtype=int)}, "labels"),
        ({"active": np.zeros(3, dtype=bool)}, "active"),
        ({"worst": (np.zeros((2, 1, 8, 8)), np.zeros((2, 1, 8, 8)), np.zeros(3))}, "worst"),
        ({"originals": np.zeros((3, 8, 8))}, "event shape"),
    ],
)
def test_arrays_that_do_not_belong_together_are_refused(digits, change, where):
    with pytest.raises(DataError, match=where):
        digits(2, n=40, **change)


def test_a_folder_that_cannot_be_written_is_named(digits, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(RunFolderError, match="file"):
        render(without_charts(digits(2, n=40)), tmp_path / "file")


def test_a_write_that_fails_leaves_the_old_page(digits, tmp_path, monkeypatch):
    page = render(without_charts(digits(2, n=40)), tmp_path)
    before = page.read_bytes()

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(RunFolderError, match="No space left"):
        render(without_charts(digits(2, n=40, title="Another")), tmp_path)
    assert page.read_bytes() == before
    assert not [path for path in tmp_path.rglob("*") if path.name.startswith(".")]


@pytest.mark.slow
def test_ten_thousand_codes_take_less_than_ten_seconds_of_one_core(digits, tmp_path):
    report = digits(10, n=1797)
    rng = np.random.default_rng(0)
    codes = np.concatenate([report.codes] * 6)[:10_000]
    codes += 0.05 * rng.normal(size=codes.shape)
    labels = np.concatenate([report.labels] * 6)[:10_000]
    start = time.process_time()
    page = Page(render(replace(report, codes=codes, labels=labels), tmp_path))
    assert time.process_time() - start < 10 * 1.5  # half as much again for a slower machine
    assert "of 10,000 codes shown" in page.text


def test_a_page_of_questions_says_the_evidence_once(digits, tmp_path):
    class Asked:
        question, answer, figures = "Is it so?", "✓ yes", "It is so by 3 nats."

    told = digits(2, n=40, evidence=["A sentence of the evidence."])
    assert "A sentence of the evidence." in Page(render(without_charts(told), tmp_path)).text
    page = Page(render(without_charts(replace(told, checks=[Asked()])), tmp_path))
    assert page.text.count("It is so by 3 nats.") == 1
    assert "A sentence of the evidence." not in page.text


def test_headlines_are_those_of_the_cards_or_the_first_figures(digits):
    report = digits(n=60, survives=0.756, among=(0.9, 0.92))
    found = headlines(report, drawn(cards(report)))
    assert [each.value for each in found][:2] == ["90%", "76%"]
    assert [each.id for each in found] == ["samples", "reconstructions", "latent-map"]
    assert found[1].words == "of the variance of the pixels comes back in reconstructions"
    bare = headlines(report, [])
    assert [each.words for each in bare][:2] == ["Log-likelihood, test split", "Bound (ELBO), test split"]
    assert len(bare) == 4


def test_the_worst_column_of_a_table_stands_at_the_top(tables):
    wine = tables["wine"]
    kept = {each.id: each for each in headlines(wine, drawn(cards(wine)))}
    assert "least of ash" in kept["explained"].words  # as the bars have it, which are sorted
    assert kept["explained"].value.endswith("%")
    assert "0 alike, 1 apart" in kept["samples"].words


def test_rows_have_their_names(digits, tables, tmp_path):
    names = [f"patient {i}" for i in range(12)]
    page = Page(render(without_charts(replace(tables["wine"], worst_names=names)), tmp_path))
    assert all(name in page.text for name in names)
    images = digits(2, n=40, worst_names=[f"scans/{i:09d}.png" for i in range(12)])
    page = Page(render(without_charts(images), tmp_path))
    assert "…0000007.png" in page.text
    assert any("scans/000000007.png" in image["alt"] for image in page.images)


def test_digits_are_as_many_as_the_standard_error_allows():
    assert [number(x, 0.8) for x in (-64.2375, 1170.2, 0.003)] == ["−64.2", "1,170.2", "0.0"]
    assert number(39478.2, 40.0) == "39,478"
    assert number(5.130, 0.012) == "5.130"
    assert [number(x) for x in (0.0004939, 5.130, 1170.2, 39478.2, 0.0, -0.25)] == [
        "0.000494", "5.13", "1,170", "39,478", "0", "−0.25",
    ]  # fmt: skip


def test_the_glossary_has_the_words_of_the_page(digits):
    report = digits(n=60)
    told = glossary(report, drawn(cards(report)))
    assert {"nat", "ELBO", "t-SNE"} <= set(told)
    assert "responsibility" not in told
    assert glossary(replace(report, figures=[], evidence=[]), []) == {}


@pytest.mark.parametrize(
    ("data", "name"), [("a/b/wine.csv", "wine"), ("digits", "digits"), ("hf://owner/name", "owner/name"), ("/x/photos/", "photos")]
)  # fmt: skip
def test_titles_are_names(data, name):
    assert called(data) == name
