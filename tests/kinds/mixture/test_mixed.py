"""Mixtures of unlike columns beside closed forms, brute force and the families that they are made of."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
from scipy import special, stats

import command_line
from latentia import CategoricalMixture, MixedMixture, select
from latentia.data.synthetic_tables import customers
from latentia.errors import DataError

RNG = np.random.default_rng(5)


@pytest.fixture(scope="module")
def frame():
    return customers(400, 5, planted=8).frame.set_index("customer")


@pytest.fixture(scope="module")
def mixture(frame):
    return MixedMixture(4, tol=1e-7, max_iter=200, random_state=0).fit(frame)


def levels(n=300, gaps=0.0):
    group = RNG.integers(0, 2, n)
    x = np.column_stack(
        [RNG.random(n) < 0.2 + 0.6 * group, (group + RNG.integers(0, 2, n)) % 3, RNG.integers(0, 4, n)]
    ).astype(float)
    x[RNG.random(x.shape) < gaps] = np.nan
    return x


def test_one_category_alone_gives_its_frequencies():
    plan = pd.DataFrame({"plan": ["free"] * 50 + ["pro"] * 30 + ["studio"] * 20})
    mixture = MixedMixture(1, smoothing=0.0).fit(plan)
    p = mixture.components_.parameters["probabilities"][0]
    np.testing.assert_allclose(p[:3], [0.5, 0.3, 0.2], atol=1e-10)
    np.testing.assert_allclose(mixture.score_samples(plan.iloc[[0]]), np.log(0.5), atol=1e-9)


def test_categories_alone_are_the_latent_class_model():
    x = levels()
    frame = pd.DataFrame({name: pd.Categorical(x[:, j].astype(int)) for j, name in enumerate("abc")})
    mine = MixedMixture(
        2, smoothing=0.0, tol=1e-10, max_iter=3000, random_state=0, n_init=12, init_params="random"
    ).fit(frame)
    own = CategoricalMixture(
        2, smoothing=0.0, tol=1e-10, max_iter=3000, random_state=0, n_init=12, init_params="random"
    ).fit(x.astype(int))
    assert mine.score(frame) == pytest.approx(own.score(x.astype(int)), abs=1e-5)


def test_the_likelihood_is_that_of_the_observed_cells_by_brute_force(mixture, frame):
    rows = mixture._known_cells(frame[:30])
    vectors = mixture._vectors(rows)
    p = {name: value.numpy() for name, value in mixture.components_.parameters.items()}
    c = mixture.components_
    expected = []
    for row, x in zip(rows, vectors, strict=True):
        log_joint = np.log(p["weights"]).copy()
        for k, j in itertools.product(range(4), range(len(row))):
            if np.isnan(row[j]):
                continue
            place = int(np.flatnonzero(c.of[c.kinds[j]] == j)[0])
            if c.kinds[j] == 0:
                log_joint[k] += stats.norm.logpdf(
                    x[c.starts[j]], p["means"][k, place], np.sqrt(p["variances"][k, place])
                )
            elif c.kinds[j] == 1:
                log_joint[k] += np.log(p["bits"][k, place] if row[j] else 1 - p["bits"][k, place])
            elif c.kinds[j] == 2:
                log_joint[k] += stats.poisson.logpmf(row[j], p["rates"][k, place])
            else:
                first = c.ends[list(c.named).index(j)] - c.levels[j]
                log_joint[k] += np.log(p["probabilities"][k, first + int(row[j])])
        expected.append(special.logsumexp(log_joint))
    volumes = mixture.form_.log_volumes(rows)
    np.testing.assert_allclose(mixture.score_samples(frame[:30]), np.array(expected) - volumes, rtol=1e-9)


def test_em_never_falls(mixture):
    history = np.array(mixture.lower_bounds_)
    assert mixture.converged_
    assert (np.diff(history) >= -1e-9).all()


def test_cells_told_are_the_conditional(mixture, frame):
    rows = mixture._known_cells(frame[:20])
    cells = mixture.score_samples(frame[:20], by_column=True).to_numpy()
    whole = mixture.score_samples(frame[:20])
    for j in (0, 2, 12):
        without = frame[:20].copy()
        without[frame.columns[j]] = np.nan if without.dtypes.iloc[j].kind != "O" else None
        known = ~np.isnan(rows[:, j])
        np.testing.assert_allclose(
            cells[known, j], (whole - mixture.score_samples(without))[known], atol=1e-8
        )


def test_a_column_in_which_nothing_is_known_changes_no_likelihood(mixture, frame):
    strange = frame[:20].assign(town=None)
    more = mixture.score_samples(strange)
    less = (
        mixture.score_samples(frame[:20])
        - mixture.score_samples(frame[:20], by_column=True)["town"].to_numpy()
    )
    np.testing.assert_allclose(more, less, atol=1e-8)


def test_frames_gaps_draws_and_keeping(mixture, frame, tmp_path):
    drawn, labels = mixture.sample(9)
    assert list(drawn.columns) == list(frame.columns)
    assert set(drawn["plan"]) <= set(frame["plan"].dropna())
    assert labels.shape == (9,)
    assert not mixture.impute(frame).isna().any(axis=None)
    assert len(mixture.impute(frame[:5], "draw", 2, random_state=0)) == 2
    assert mixture.anomalies(frame, contamination=0.02)["because"].str.contains("expected").all()
    mixture.save(tmp_path / "run")
    again = MixedMixture.load(tmp_path / "run") if hasattr(MixedMixture, "load") else None
    if again is not None:
        np.testing.assert_array_equal(again.score_samples(frame), mixture.score_samples(frame))


def test_select_finds_the_number_of_groups():
    group = RNG.integers(0, 3, 600)
    frame = pd.DataFrame(
        {
            "x": RNG.normal(4 * group, 1.0),
            "plan": np.array(["a", "b", "c"])[(group + (RNG.random(600) < 0.1)) % 3],
            "n": RNG.poisson(1 + 4 * group),
        }
    ).mask(RNG.random((600, 3)) < 0.1)
    assert select(MixedMixture(random_state=0, n_init=3), frame, range(1, 6)).chosen["bic"] == 3


def test_what_no_column_can_hold_is_named(mixture, frame):
    with pytest.raises(DataError, match="holds 'much' where a number"):
        mixture.score_samples(frame[:3].assign(age=["1", "much", "3"]))


def test_the_command_line(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    customers(250, 4, planted=8).labelled().to_csv("c.csv", index=False)
    command_line.run(
        "fit",
        "c.csv",
        "--model",
        "mixed-mixture",
        "--n-components",
        "2..4",
        "--label-column",
        "planted",
        "--out",
        "run",
    )
    assert "town: category" in capsys.readouterr().out
    command_line.run("impute", "run", "c.csv", "--how", "draw", "-n", 2, "--out", "full.csv")
    assert not pd.read_csv("full-2.csv").isna().any(axis=None)
    for command in ("evaluate", "diagnose"):
        command_line.run(command, "run")
    command_line.run("sample", "run", "-n", 4, "--out", "s.csv")
    command_line.run("predict", "run", "--out", "p.csv")
    command_line.run("anomaly", "run", "--out", "a.csv")
    assert "because" in pd.read_csv("a.csv").columns
    assert "mixed-mixture" in command_line.fails(
        capsys, "fit", "c.csv", "--model", "gaussian-mixture", "--label-column", "planted"
    )
