"""What every kind of model must keep; a new kind is covered without a new test."""

from __future__ import annotations

import inspect
import json
import re

import pytest

import command_line
import gallery
import latentia
from latentia.errors import ConfigError
from latentia.kinds import KINDS, abilities, kind_flags, kind_of, params_of
from latentia.kinds.abilities import ABILITIES, need
from latentia.kinds.kind import Kind
from latentia.kinds.reporting import report_run
from latentia.kinds.run import Effort, Run
from latentia.report.drawing import drawn
from latentia.report.page import Page
from latentia.vocabulary import ENTRIES

EXHIBITS = gallery.exhibits()
of_every_kind = pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.name)
of_every_exhibit = pytest.mark.parametrize("exhibit", EXHIBITS, ids=lambda exhibit: exhibit.name)


def test_every_kind_is_in_the_gallery():
    assert {exhibit.kind.name for exhibit in EXHIBITS} == set(KINDS)


@of_every_kind
def test_its_models_are_listed_and_found_by_name(kind, capsys):
    command_line.run("models")
    listed = capsys.readouterr().out
    for name, entry in kind.entries().items():
        assert kind_of(name) is kind
        assert re.sub(r"\W", "", name) in re.sub(r"\W", "", listed)
        assert entry.summary
        assert entry.reference
    for alias, name in kind.aliases.items():
        assert kind_of(alias) is kind
        assert name in kind.entries()


@of_every_kind
def test_its_estimators_are_public_and_have_one_face(kind):
    for name in kind.estimators:
        cls = getattr(latentia, name)
        assert cls is kind.estimator(name)
        able = {"Scores": "score_samples", "Samples": "sample"}
        methods = [method for ability, method in able.items() if ability in kind.abilities]
        for method in ("fit", "save", "report", "describe", "rebuild", *methods):
            assert callable(getattr(cls, method)), method
        assert inspect.getdoc(cls)
        assert cls().get_params() == cls(**cls().get_params()).get_params()


@of_every_kind
def test_flags_of_other_kinds_are_refused_by_name(kind):
    model = next(iter(kind.entries()))
    own = {flag.key for flag in kind.flags}
    for key, flag in kind_flags().items():
        if key in own:
            assert params_of(kind, model, {key: 3})[flag.parameter] == 3
        else:
            with pytest.raises(ConfigError, match=f"{flag.name} is for .*; {re.escape(model)} takes "):
                params_of(kind, model, {key: 3})


@of_every_kind
def test_its_flags_mean_parameters_that_its_estimators_have(kind):
    known = kind.recipe({"model": next(iter(kind.entries()))}).estimator.get_params(deep=False)
    for flag in kind.flags:
        assert flag.parameter in known


@of_every_kind
def test_an_unknown_parameter_is_refused_with_the_nearest(kind):
    name = next(iter(kind.entries()))
    with pytest.raises(
        ConfigError, match=r"has no parameter 'random_stat' \(did you mean 'random_state'\?\)"
    ):
        kind.recipe({"model": name, "random_stat": 0})


@of_every_kind
def test_abilities_are_declared_as_they_are(kind):
    run = kind.run
    assert isinstance(run, type)
    assert issubclass(run, Run)
    has = {name for name, ability in ABILITIES.items() if _has(run, ability)}
    assert set(kind.abilities) == has


def _has(cls, ability):
    needed = [name for name in vars(ability) if not name.startswith("_")]
    return all(hasattr(cls, name) for name in needed)


@of_every_exhibit
def test_a_run_is_reopened_as_it_was(exhibit):
    run, again = gallery.opened(exhibit), gallery.opened(exhibit, anew=True)
    assert type(run) is exhibit.kind.run
    assert run.kind is exhibit.kind
    assert run.model == exhibit.model
    assert run.config["kind"] == exhibit.kind.name
    assert tuple(run.dataset.event_shape) == tuple(run.event_shape)
    effort = Effort(n_importance=4, importance_items=20)
    assert _timeless(run.measure("test", effort).figures) == _timeless(again.measure("test", effort).figures)


def _timeless(figures):
    return json.dumps({name: value for name, value in figures.items() if name != "seconds"}, default=repr)


@of_every_exhibit
def test_figures_and_verdict_have_words(exhibit):
    run = gallery.opened(exhibit)
    told, words = run.figures("test"), run.kind.words
    json.dumps(told, allow_nan=False)
    known = {word.name for word in words.figures}
    notes = {f"{name}_note" for name in known}
    unknown = set(told) - known - set(ENTRIES) - notes
    assert not unknown
    assert words.fault(told["verdict"]).meaning
    for name in told["verdicts"]:
        assert name in words.order
    for command in told["commands"]:
        assert command.startswith("latentia fit ")


@of_every_exhibit
def test_its_page_is_written(exhibit, tmp_path):
    run = gallery.opened(exhibit)
    page = run.kind.page(run)
    assert isinstance(page, Page)
    assert page.cards
    html = report_run(run).read_text()
    assert f"{run.model} on " in html
    for each in drawn(page.cards):
        assert f'id="{each.card.id}"' in html


@of_every_exhibit
@pytest.mark.parametrize("name", ABILITIES)
def test_what_a_run_cannot_do_is_one_line_that_names_a_model_which_can(exhibit, name):
    run = gallery.opened(exhibit)
    if name in run.kind.abilities:
        assert need(run, ABILITIES[name], "this") is run
        return
    with pytest.raises(ConfigError) as caught:
        need(run, ABILITIES[name], "this")
    line = str(caught.value)
    assert "\n" not in line
    assert f"this run is a {run.model} ({run.kind.title})" in line
    able = [kind for kind in KINDS.values() if name in kind.abilities]
    if able:
        offered = line.rpartition("--model ")[2].rstrip("`")
        assert name in kind_of(offered).abilities


def test_every_ability_has_words():
    assert set(abilities._IN_WORDS) == set(ABILITIES)


def test_a_kind_is_plain_data():
    """Nothing heavy is imported to know which kinds there are."""
    for kind in KINDS.values():
        assert isinstance(kind, Kind)
        assert isinstance(kind.home, str)


@of_every_exhibit
def test_a_model_in_memory_has_the_same_page(exhibit, tmp_path):
    run = gallery.opened(exhibit)
    part = run.split("test")
    page = run.estimator.report(part.x, tmp_path / "page.html", part.y, run.columns).read_text()
    assert all(f'id="{each.card.id}"' in page for each in drawn(run.kind.page(run).cards))
    assert "<b>verdict</b>: " in run.estimator._repr_html_()
    assert not (tmp_path / "figures").exists()


@of_every_exhibit
def test_what_is_loaded_scores_items_as_evaluate_does(exhibit):
    """Where the likelihood is exact; a mixture of images could not be used from Python."""
    run = gallery.opened(exhibit)
    if run.kind.name not in ("mixture", "autoregressive"):
        pytest.skip("an estimate by importance sampling")
    scores = latentia.load(run.folder).score_samples(run.split("test").x)
    assert scores.mean() == pytest.approx(run.figures("test")["log_likelihood"], rel=1e-6)


@of_every_exhibit
def test_figures_of_counts_say_that_the_total_is_given(exhibit):
    run = gallery.opened(exhibit)
    assert run.figures("test").get("given") == ("the total of each row" if run.conditions_on_total else None)
    if exhibit.name in ("vae-counts", "codes-counts", "types-counts"):
        assert run.conditions_on_total
    if exhibit.name.endswith(("-images", "-table")):
        assert not run.conditions_on_total
