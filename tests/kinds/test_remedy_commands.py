"""Every remedy of every fault of every kind: a whole command, with a number, of parameters that the model has."""

from __future__ import annotations

import ast
import functools
import re
import shlex
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import latentia
from latentia import cli
from latentia.commands.fit import parse_settings
from latentia.diagnostics import Evaluation, Finding, PriorGap, Remedy, Verdict, ordered
from latentia.diagnostics import judge as judge_codes
from latentia.diagnostics.finding import another_seed
from latentia.diagnostics.margins import Margins
from latentia.diagnostics.mutual_information import MutualInformation
from latentia.diagnostics.true_posterior import TruePosterior
from latentia.kinds import KINDS, kind_of
from latentia.kinds.abilities import Change
from latentia.kinds.autoregressive import run as autoregressive
from latentia.kinds.autoregressive.use import DensityEvaluation
from latentia.kinds.classifier import run as classifier
from latentia.kinds.codes.figures import Stage, with_codes
from latentia.kinds.mixture import run as mixture
from latentia.kinds.mixture.words import FAULTS as COMPONENT_FAULTS
from latentia.kinds.remedies import changes_of, known_params, steps_of
from latentia.kinds.scene.findings import found_in
from latentia.kinds.scene.state import SceneState
from latentia.kinds.sequence import findings as sequence
from latentia.kinds.sequence.measures import Counted, Drawn
from latentia.kinds.series import run as series
from latentia.kinds.series.findings import Running
from latentia.kinds.series.findings import cheating as cheating_series
from latentia.kinds.spec import DataSpec
from latentia.kinds.transducer import run as transducer
from latentia.kinds.video.findings import found_in as found_in_videos
from latentia.kinds.video.state import VideoState
from latentia.mixture import ComponentFault

SOURCE = Path(latentia.__file__).parent
FIGURES = Evaluation(
    n=1000, latent_dim=4, log_likelihood=100.0, log_likelihood_se=1.0, n_importance=50, n_importance_items=500,
    effective_samples=9.0, elbo=95.0, distortion=-100.0, kl=5.0, bits_per_dim=None, bits_per_dim_note="", sse=8.0,
    sse_of_mean=7.5, sigma2=0.01, sigma2_optimal=0.01, kl_per_dim=(1.25,) * 4, active_units=4, active=(True,) * 4,
    seconds=1.0,
)  # fmt: skip
SILENT = replace(FIGURES, kl=0.0, active_units=0, active=(False,) * 4, kl_per_dim=(0.0,) * 4, sigma2=1.0)
SHORT, WELL = PriorGap(0.1, 0.1, 0.9, 500), PriorGap(0.4, 0.4, 0.9, 500)
FAR = MutualInformation(3.0, 3.0, 6.0, 500, 0.1, 5.0, 20.0, 20.0, 4, 4)
APART = Margins((0.9, 0.8), 0.05, 500, 500)
RISING = [-100.0, -90.0, -80.0, -10.0]


def with_vectors() -> Iterator[Verdict]:
    """Verdicts on models whose codes are vectors, each with a fault."""
    yield judge_codes(SILENT, rate_weight=4.0, history=RISING)
    yield judge_codes(SILENT, true=TruePosterior((1.0,) * 4, (0.0,) * 4, 4, 0, 9.0, 50, 200))
    yield judge_codes(replace(FIGURES, active_units=1, active=(True, False, False, False)))
    yield judge_codes(FIGURES, gap=SHORT, information=FAR, rate_weight=0.5)
    yield judge_codes(replace(FIGURES, sigma2_optimal=0.1), gap=SHORT, information=FAR)
    yield judge_codes(replace(FIGURES, kl=None, elbo=None), gap=SHORT)
    yield judge_codes(FIGURES, gap=WELL, sampler_gap=SHORT)
    yield judge_codes(FIGURES, train=replace(FIGURES, sse=1.0))
    yield judge_codes(replace(FIGURES, sse=None, elbo=-200.0), train=replace(FIGURES, sse=None, elbo=-100.0))
    yield judge_codes(FIGURES, margins=APART, columns=["a", "b"])
    yield judge_codes(FIGURES, bounds=[1.0, 2.0, 90.0, 99.0], kept=1, numbers=1)
    yield judge_codes(FIGURES, history=RISING)
    yield judge_codes(FIGURES, history=RISING[:1], last_gain=9.0, numbers=4)


def with_numbers() -> Iterator[Verdict]:
    """Verdicts on models whose codes are numbers."""
    for stage in (Stage(10, 2), Stage(10, 20), Stage(10, None, 4)):
        for verdict in with_vectors():
            yield with_codes(verdict, (100, 50.0, 128), stage)
        yield with_codes(judge_codes(FIGURES), (3, 2.0, 128), stage)


def of_densities() -> Iterator[Verdict]:
    """Verdicts on autoregressive models."""
    found = DensityEvaluation(100, 17, -200.0, 1.0, 3.0)
    yield autoregressive.judge(found, DensityEvaluation(100, 17, -100.0, 1.0, 1.5), [], channels=32)
    yield autoregressive.judge(found, None, RISING)
    yield autoregressive.judge(found, None, RISING[:2], 50.0)
    yield autoregressive.judge(found, None, [], None, APART, ["a", "b"], channels=32)


def components_of(model: str) -> Iterator[Finding]:
    """Faults of components and of their number."""
    kind = kind_of(model)
    estimator = kind.estimator(getattr(kind.entries()[model], "estimator", kind.estimators[0]))(
        n_components=3
    )
    for resolution in (0.0, 0.004):
        remedies = mixture.remedies_of(estimator, resolution)
        for name in COMPONENT_FAULTS:
            yield from mixture.findings_of(
                (ComponentFault(name, f"component 0 is {name}: mend it"),), remedies
            )
    tried = [{"n_components": k} for k in (1, 2, 3)]
    edge = {"criterion": "bic", "at_edge": ["bic"], "chosen": {"bic": 3}, "table": tried}
    yield from mixture.selection_findings(edge, 3)


def of_mixtures(model: str) -> Iterator[Verdict]:
    """Verdicts on mixtures."""
    yield ordered(list(components_of(model)), KINDS["mixture"].words.order)
    more = Remedy("more components: `--n-components 6`", settings={"n_components": 6})
    found = mixture.unlike(APART, ["a", "b"], (more,))
    yield mixture.judge((), 3, None, found=(found,))


def of_classifiers(model: str) -> Iterator[Verdict]:
    """Verdicts on classifiers."""
    y = np.repeat([0, 1], 50)
    guess = classifier.Predicted.of(np.full((100, 2), 0.5), y)
    wrong = classifier.Predicted.of(np.array([[0.999, 0.001], [0.001, 0.999]])[1 - y], y)
    good = classifier.Predicted.of(np.array([[0.99, 0.01], [0.01, 0.99]])[y], y)
    for found in (guess, wrong):
        yield classifier.judge(found, good, 3, list(components_of(model)))


def of_scenes() -> Iterator[Verdict]:
    """Verdicts on models of scenes."""
    n, objects = 300, np.repeat([0, 1, 2], 100)
    windows = SceneState(
        n, True, 3, objects, objects, entropy=0.0, doubled=0.0, unpaid=0.0, touching=0.0, epochs=9
    )
    masks = SceneState(
        n, False, 4, objects, objects, effective=np.full(n, 1.6), alone=0.3, mask_variance=0.08, pieces=1.0, touching=0.0,
        epochs=9,
    )  # fmt: skip
    lively = np.array([0.4, 0.0, 0.0])
    states = [
        replace(windows, entropy=0.9), replace(windows, doubled=0.2), replace(windows, code_variance=0 * lively),
        replace(windows, code_variance=lively), replace(masks, effective=np.ones(n), alone=0.0, mask_variance=0.0),
        replace(masks, mask_variance=0.0), replace(masks, pieces=2.0), replace(masks, touching=0.5),
        replace(masks, numbers=np.full(n, 3)), replace(masks, n_slots=8),
    ]  # fmt: skip
    for state in states:
        yield ordered(found_in(state), KINDS["scene"].words.order)
    yield ordered([Finding("kept too early", "", (another_seed(),))], KINDS["scene"].words.order)


def of_sequences() -> Iterator[Verdict]:
    """Verdicts on models of sequences."""
    order = KINDS["sequence"].words.order
    for verdict in with_vectors():
        yield ordered(sequence.of_sequences(verdict.findings, 10), order)
    counts = Counted(-50.0, -20.0, 2.0)
    drawn = Drawn(100.0, 9.0, 0.0, 0.5, 0.5, 9.0, 9.0, 500)
    looked_at = [
        *(
            sequence.below_counts(-30.0, counts, 10, 64, rising=rising, overfitted=overfitted)
            for rising, overfitted in ((True, False), (False, False), (False, True))
        ),
        sequence.holes(drawn, 6, floored=True), sequence.holes(drawn, 6, floored=False), sequence.unknown(0.5, "word"), sequence.unknown(0.5, "char"),
        Finding("cheating decoder", "", sequence.CURES),
    ]  # fmt: skip
    yield ordered([finding for finding in looked_at if finding is not None], order)


def of_videos() -> Iterator[Verdict]:
    """Verdicts on models of videos."""
    curve = np.linspace(0.01, 0.2, 30)
    good = VideoState(
        50, {"model": curve / 2, "reflecting": curve}, np.ones(30), 0.01, 0.1, 0.95, known=True, epochs=9
    )
    states = [
        replace(good, seen_share=0.1), replace(good, switches=5.0), replace(good, energy=0.9 ** np.arange(30)),
        replace(good, errors={"model": curve, "reflecting": curve}),
    ]  # fmt: skip
    for state in states:
        yield ordered(found_in_videos(state), KINDS["video"].words.order)


def of_series() -> Iterator[Verdict]:
    """Verdicts on models of series."""
    for verdict in with_vectors():
        yield ordered([series.of_series(each, 10) for each in verdict.findings], KINDS["series"].words.order)
    yield ordered([cheating_series(None, Running(0.8, 0.0, 0.0, 0.0, 0.8))], KINDS["series"].words.order)


def of_transducers() -> Iterator[Verdict]:
    """Verdicts on transducers."""
    bad, good = transducer.Judged(100, 0.1, 0.03, 2.0), transducer.Judged(100, 1.0, 0.0, 0.01)
    looks = [
        {"input_accuracy": share, "train_through": through} for share, through in ((0.5, 0.0), (0.3, 1.0))
    ]
    yield transducer.judge(bad, good, 0.3, 0.0, [], 600)
    yield transducer.judge(bad, bad, None, 0.0, [], 600)
    yield transducer.judge(good, good, 0.3, 0.0, looks, 600)
    yield transducer.judge(good, good, 0.3, 0.5, [], 600)


MADE: dict[str, Any] = {
    "vae": lambda model: with_vectors(),
    "codes": lambda model: with_numbers(),
    "autoregressive": lambda model: of_densities(),
    "mixture": of_mixtures,
    "classifier": of_classifiers,
    "scene": lambda model: of_scenes(),
    "sequence": lambda model: of_sequences(),
    "video": lambda model: of_videos(),
    "series": lambda model: of_series(),
    "transducer": lambda model: of_transducers(),
}
NOT_MADE = {
    "scene": {"ground not black", "overfitted", "prior holes", "under-trained"},
    "video": {"kept too early", "overfitted", "under-trained"},
}  # those of every model with a code


@functools.cache
def faults(name: str, model: str) -> tuple[Verdict, ...]:
    return tuple(MADE[name](model))


@pytest.mark.parametrize("name", MADE)
def test_every_fault_of_a_kind_is_made(name):
    kind = KINDS[name]
    made = {fault for verdict in faults(name, next(iter(kind.entries()))) for fault in verdict.names}
    assert set(kind.words.order) - made == NOT_MADE.get(name, set())


@pytest.mark.parametrize(
    ("name", "model"), [(name, model) for name in MADE for model in KINDS[name].entries()]
)
def test_every_remedy_is_a_command_that_the_model_has(name, model):
    kind = KINDS[name]
    counted = {"n_components": 3} if any(flag.parameter == "n_components" for flag in kind.flags) else {}
    asked = {"model": model, "random_state": 0, **counted}
    run: Any = SimpleNamespace(asked=asked, spec=DataSpec("digits"), home=Path("runs/a"), kind=kind)
    known = known_params(kind, model)
    told: dict[str, Change] = {}
    for verdict in faults(name, model):
        for action in verdict.actions:
            assert "`--" not in action.text or action.is_command, f"{action.text!r} is no command"
            if not action.models:
                assert set(action.settings) <= set(known), f"{model} has not what {action.text!r} changes"
        changes = changes_of(run, verdict)
        told |= {f"{change.command} {change.text}": change for change in changes}
        assert steps_of(verdict, changes), f"{verdict.names} of {model} has nothing to do"
    for change in told.values():
        check(change)


PARSER = cli.build_parser()


def check(change: Change) -> None:
    """The command parses, makes the model that it names, and has the options and numbers of the words."""
    words = shlex.split(change.command)
    given = PARSER.parse_args(words[1:]).fit
    settings = parse_settings(given.set or [])
    kind = kind_of(given.model)
    assert set(settings) <= set(known_params(kind, given.model)), change.command
    kind.recipe({**change.params, **settings})  # refuses a parameter that there is not
    for quoted in re.findall(r"`([^`]+)`", change.text):
        options = quoted.split()
        for flag, value in zip(options[::2], options[1::2], strict=True):
            assert not re.fullmatch(r"(\w+=)?[A-Z]", value), f"{quoted!r} is a placeholder"
            default = (
                "=" in value
                and str(known_params(kind, given.model).get(value.split("=")[0])) == value.split("=")[1]
            )
            if flag == "--set" and not default:
                assert value in words or value.split("=")[0].split(".")[0] in settings, (
                    quoted,
                    change.command,
                )
            elif flag != "--set":
                assert words[words.index(flag) + 1] == value, (quoted, change.command)


def texts(path: Path) -> Iterator[str]:
    """What the remedies that a file writes say, `{}` for what is filled in."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Remedy" and node.args:
            yield re.sub(r"\{[^}]*\}", "{}", ast.unparse(node.args[0]))


def test_no_remedy_of_any_kind_leaves_a_number_open():
    found = {text for path in SOURCE.rglob("*.py") for text in texts(path)}
    assert len(found) > 40
    assert not [text for text in found if re.search(r"[= ][A-Z]`|[= ][A-Z] ?[,)]|larger N", text)]
