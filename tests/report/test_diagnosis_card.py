from __future__ import annotations

import numpy as np
import pytest

from latentia.report import render
from latentia.report.diagnosis import checks, information_curve
from latentia.report.theme import LIGHT

MEASURED = {
    "information": {"value": 7.5, "bound": 7.6, "n": 2000},
    "dependence": {"drop": 120.0, "share": 0.99},
    "amortisation": {"amortisation": 4.0, "n": 64},
    "true_posterior": {"true_active": 8, "approximate_active": 8},
    "prior_gap": {"precision": 0.7, "recall": 0.8, "baseline": 0.9},
    "smoothness": {"path_ratio": 1.3, "jump": 1.2},
    "generalisation": {"elbo": 12.0, "error_ratio": 1.1, "n_held_out": 2000},
}
FIGURES = {
    "active_units": 8, "latent_dim": 8, "verdicts": [], "evidence": ["The last epoch of 9 brought 1% of it."], "diagnosis": MEASURED,
}  # fmt: skip


def answers(*faults: str) -> dict[str, str]:
    return {check.question: check.answer[2:] for check in checks({**FIGURES, "verdicts": list(faults)})}


def test_each_fault_is_the_answer_to_its_question():
    healthy = answers()
    assert len(healthy) == 7
    assert sorted(healthy.values()) == ["", *6 * ["yes"]]
    for fault, question in {
        "posterior collapse": "Do the codes tell",
        "inference collapse": "Does the encoder keep up",
        "information overload": "Do the codes fill",
        "prior holes": "Do the codes fill",
        "overfitted": "Does it hold",
        "under-trained": "Was the training",
    }.items():
        found = answers(fault)
        assert [answer for asked, answer in found.items() if asked.startswith(question)] == ["no"]
    assert "in part" in answers("partial posterior collapse").values()


def test_a_sampler_has_a_question_of_its_own():
    gap = {"precision": 0.1, "recall": 0.2, "baseline": 0.9}
    measured = {**MEASURED, "prior_gap": gap, "sampler_gap": MEASURED["prior_gap"]}
    found = {check.question: check for check in checks({**FIGURES, "diagnosis": measured})}
    assert found["Do the codes fill the prior?"].answer.endswith("no")
    assert found["Do the codes fill the prior?"].figures.endswith("Samples are not drawn from it.")
    assert found["Does the sampler follow the codes?"].answer.endswith("yes")


def test_what_was_not_measured_is_not_asked():
    assert checks({}) == []
    quick = {**FIGURES, "diagnosis": {**MEASURED, "amortisation": None, "true_posterior": None}}
    assert len(checks(quick)) == 6
    old = {name: value for name, value in FIGURES.items() if name != "diagnosis"}
    assert [check.question for check in checks(old)] == [
        "Do the codes tell the items apart?",
        "Was the training long enough?",
    ]


def test_the_page_shows_checks_and_attempts(digits, tmp_path):
    tried = [
        {"model": "vae", "remedy": "", "verdicts": ["posterior collapse"], "validation_log_likelihood": -90.0},
        {"model": "lagging-vae", "remedy": "`--model lagging-vae`", "verdicts": ["healthy"], "validation_log_likelihood": None, "kept": True},
    ]  # fmt: skip
    page = render(digits(2, n=40, checks=checks(FIGURES), attempts=tried), tmp_path).read_text()
    for words in (
        "Do the codes tell the items apart?",
        "As far as 2,000 items can show (7.50 of at most 7.60 nats)",
        "✓ yes",
        "lagging-vae (kept)",
        "−90.0 nats",
    ):
        assert words in page, words
    assert page.index('id="diagnosis"') < page.index('id="samples"')
    assert 'id="diagnosis"' not in render(digits(2, n=40), tmp_path).read_text()


def test_information_curve_needs_two_looks():
    rows = [
        {"epoch": e, "mutual_information": m, "active_units": 4, "watched_items": 512}
        for e, m in ((1, 0.5), (4, 3.0), (9, 5.5))
    ]
    figure = information_curve([{"epoch": 0}, *rows], LIGHT)
    line = figure.axes[0].lines[0]
    np.testing.assert_allclose(line.get_ydata(), [0.5, 3.0, 5.5])
    np.testing.assert_allclose(figure.axes[0].lines[1].get_ydata(), np.log(512))
    assert information_curve(rows[:1], LIGHT) is None


@pytest.mark.parametrize("verdict", ["inference collapse", "prior holes"])
def test_new_verdicts_are_explained(digits, tmp_path, verdict):
    page = render(digits(2, n=40, verdict=verdict), tmp_path).read_text()
    assert {"inference collapse": "encoder gives every item", "prior holes": "decode to things unlike"}[
        verdict
    ] in page
