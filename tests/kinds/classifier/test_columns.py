"""The classifier on tables of unlike columns, beside logistic regression, the mixture that its gates are, and the joint density."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

import command_line
import latentia
from latentia import GaussianMixtureClassifier, MixedMixture
from latentia.data.synthetic_tables import customers


@pytest.fixture(scope="module")
def frame():
    return customers(300, 3, planted=0).frame.set_index("customer").drop(columns=["plan", "town"])


@pytest.fixture(scope="module")
def y():
    plan = customers(300, 3, planted=0).complete["plan"]
    return np.where(plan.isin(["plus", "studio"]), "big", "small")


@pytest.fixture(scope="module")
def two(frame, y):
    return GaussianMixtureClassifier(2, n_init=1, random_state=0).fit(frame, y)


def test_one_component_is_logistic_regression_on_the_vectors(frame, y):
    one = GaussianMixtureClassifier(1, l2=1.0, tol=1e-9, max_iter=500, n_init=1, random_state=0).fit(frame, y)
    vectors, names = one.seen_by_rules(frame, [])
    theirs = LogisticRegression(C=1.0, tol=1e-9, max_iter=5000).fit(vectors, y)
    np.testing.assert_allclose(one.predict_proba(frame), theirs.predict_proba(vectors), atol=2e-3)
    assert len(names) == vectors.shape[1]
    assert {"age", "age known", "newsletter", "joined"} <= set(names)


def test_its_gates_are_the_mixture_of_unlike_columns(frame, y):
    one = GaussianMixtureClassifier(1, n_init=1, random_state=0).fit(frame, y)
    np.testing.assert_allclose(
        one.score_samples(frame), MixedMixture(1).fit(frame).score_samples(frame), atol=1e-6
    )


def test_the_joint_density_is_that_of_rows_times_that_of_classes(two, frame, y):
    place = np.searchsorted(two.classes_, y)
    of_class = np.log(two.predict_proba(frame)[np.arange(len(y)), place])
    np.testing.assert_allclose(two.score_samples(frame, y), two.score_samples(frame) + of_class, atol=1e-6)
    np.testing.assert_allclose(two.predict_proba(frame).sum(1), 1.0, atol=1e-12)
    assert (np.diff(two.lower_bounds_) >= -1e-8).all()
    assert two.score(frame, y) > 0.85


def test_rules_differ_by_component_where_classes_ask_for_it():
    """Within each group the sign of x decides, and the other way about in the other: one rule cannot, two can."""
    random = np.random.default_rng(0)
    group, x = random.integers(0, 2, 600), random.normal(size=600)
    kinds = np.array([["a", "b"], ["c", "d"]])[group, random.integers(0, 2, 600)]
    frame = pd.DataFrame({"x": x, "kind": kinds, "n": random.poisson(2 + 12 * group)})
    frame.loc[random.random(600) < 0.1, "n"] = np.nan
    y = (x > 0) ^ (group == 1)
    one, two = (GaussianMixtureClassifier(k, random_state=0).fit(frame, y).score(frame, y) for k in (1, 2))
    assert one < 0.7
    assert two > 0.97


def test_frames_come_back_it_keeps_and_numbers_are_as_ever(two, frame, y, tmp_path):
    drawn, classes = two.sample(12)
    assert list(drawn.columns) == list(frame.columns)
    assert set(classes) <= {"big", "small"}
    assert drawn["joined"].dtype == frame["joined"].dtype
    two.save(tmp_path / "run")
    again = latentia.load(tmp_path / "run")
    np.testing.assert_array_equal(again.predict_proba(frame), two.predict_proba(frame))
    np.testing.assert_array_equal(again.score_samples(frame), two.score_samples(frame))
    numbers = frame[["age", "income", "minutes"]].fillna(1.0)
    refitted = GaussianMixtureClassifier(1, n_init=1, random_state=0).fit(frame, y).fit(numbers, y)
    assert refitted.columns_ is None
    plain = GaussianMixtureClassifier(1, n_init=1, random_state=0).fit(numbers, y)
    np.testing.assert_array_equal(refitted.predict_proba(numbers), plain.predict_proba(numbers))
    assert refitted.covariances_ is not None


def test_the_command_line(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    table = customers(200, 3, planted=0)
    table.frame.assign(plan=table.complete["plan"]).drop(columns="town").to_csv("c.csv", index=False)
    command_line.run(
        "fit",
        "c.csv",
        "--model",
        "gaussian-mixture-classifier",
        "--label-column",
        "plan",
        "--n-components",
        1,
        "--set",
        "l2=1",
        "--out",
        "run",
    )
    assert "features that its rule weighs most" in (tmp_path / "run" / "report.html").read_text()
    command_line.run("predict", "run", "--out", "p.csv")
    assert set(pd.read_csv("p.csv")["class"]) <= set(table.complete["plan"])
    command_line.run("sample", "run", "-n", 5, "--label", "basic", "--out", "s.csv")
    assert len(pd.read_csv("s.csv")) == 5
    for command in ("evaluate", "diagnose"):
        command_line.run(command, "run")
    capsys.readouterr()
