"""Rows drawn given some of their cells, beside rows of the model that happen to have them, and beside closed forms."""

from __future__ import annotations

import logging

import numpy as np
import pandas as pd
import pytest
from scipy import special, stats

import command_line
from latentia import VAE, MixedMixture
from latentia.data.synthetic_tables import customers
from latentia.errors import DataError


@pytest.fixture(scope="module")
def frame():
    return customers(300, 3, planted=0).frame.set_index("customer")[
        ["age", "income", "plan", "joined", "logins", "autopay", "town"]
    ]


@pytest.fixture(scope="module")
def vae(frame):
    return VAE(latent_dim=2, max_epochs=20, n_importance=10, random_state=0).fit(frame)


@pytest.fixture(scope="module")
def mixture(frame):
    return MixedMixture(3, random_state=0).fit(frame)


def test_rows_are_those_of_the_model_that_have_the_cells(vae):
    """The oracle needs no formula: of very many rows, those that have the cell by chance."""
    every = vae.sample(20_000, random_state=1)
    by_chance = every[every["plan"] == "studio"]
    given = vae.sample(3000, given={"plan": "studio"}, random_state=2)
    assert set(given["plan"]) == {"studio"}
    assert given.attrs["effective_sample_size"] > 500
    for name in ("age", "income", "logins"):
        apart = stats.ks_2samp(given[name], by_chance[name]).statistic
        assert apart < stats.ks_2samp(every[name], by_chance[name]).statistic
        assert apart < 1.63 * np.sqrt(
            1 / 1000 + 1 / len(by_chance)
        )  # 1 % of such samples exceed it; rows that share a code count as a third


def test_given_numbers_dates_and_rare_levels_stand_as_they_were_given(vae, frame):
    drawn = vae.sample(20, given={"age": 31, "joined": "2014-03-02"}, random_state=0)
    assert (drawn["age"] == 31).all()
    assert (drawn["joined"] == pd.Timestamp("2014-03-02")).all()
    assert drawn["joined"].dtype == frame["joined"].dtype
    assert list(drawn.columns) == list(frame.columns)
    rare = vae.columns_[-1].rare[0][0]
    assert set(vae.sample(20, given={"town": rare}, random_state=0)["town"]) == {rare}
    pd.testing.assert_frame_equal(
        drawn, vae.sample_given({"age": 31, "joined": "2014-03-02"}, 20, random_state=0)
    )


def test_a_mixture_draws_from_the_components_that_the_cells_speak_for(mixture):
    p = {name: value.numpy() for name, value in mixture.components_.parameters.items()}
    column = next(c for c in mixture.columns_ if c.name == "plan")
    c = mixture.components_
    j = [each.name for each in mixture.columns_].index("plan")
    first = c.ends[list(c.named).index(j)] - c.levels[j]
    log_p = np.log(p["weights"]) + np.log(p["probabilities"][:, first + column.levels.index("studio")])
    share = special.softmax(log_p)
    drawn, labels = mixture.sample(20_000, given={"plan": "studio"})
    assert set(drawn["plan"]) == {"studio"}
    assert labels.shape == (20_000,)
    expected = share @ p["rates"][:, 0]
    assert drawn["logins"].mean() == pytest.approx(expected, abs=4 * drawn["logins"].std() / np.sqrt(20_000))


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"plann": "pro"}, "no column 'plann'; there are age"),
        ({"plan": None}, "the cell of 'plan' is missing"),
        ({"age": float("nan")}, "the cell of 'age' is missing"),
        ({"age": float("inf")}, "the cell of 'age' is infinite"),
        ({"plan": "gold"}, "'gold' is no level of 'plan'; there are basic, family"),
        ({"age": "much"}, "holds 'much' where a number"),
        ({"age": [1, 2]}, "'age' is a list"),
        ({}, "expected cells by the name of their column"),
    ],
)
def test_what_cannot_be_given_is_told_in_a_line(vae, mixture, given, words):
    for model in (vae, mixture):
        with pytest.raises(DataError, match=words):
            model.sample(3, given=given)


def test_draws_that_stand_on_few_codes_are_told(vae, caplog):
    with caplog.at_level(logging.WARNING):
        vae.sample(
            50,
            given={"age": 18, "income": 190_000, "logins": 90, "plan": "basic", "autopay": False},
            random_state=0,
        )
    worth = [record.message for record in caplog.records if "effective sample size" in record.message]
    assert not worth or "improbable to the model" in worth[0]


@pytest.mark.parametrize("model", ["beta-vae", "iaf-vae", "ladder-vae"])
def test_other_entries_draw_given_cells_too(model, frame):
    estimator = VAE(model, max_epochs=1, n_importance=2, random_state=0)
    drawn = estimator.fit(frame[:120]).sample_given({"plan": "basic"}, 5, random_state=0)
    assert drawn["plan"].tolist() == ["basic"] * 5


def test_arrays_by_number_of_column_and_other_data_not_at_all():
    x = np.random.default_rng(0).normal(size=(80, 3))
    x[::7, 1] = np.nan
    drawn = VAE(latent_dim=1, max_epochs=1, random_state=0).fit(x).sample(4, given={0: 1.5}, random_state=0)
    np.testing.assert_array_equal(drawn[:, 0], 1.5)
    with pytest.raises(AttributeError, match="single cells"):
        VAE(latent_dim=1, max_epochs=1).fit(np.nan_to_num(x)).sample(4, given={0: 1.5})


def test_the_command_line(tmp_path, monkeypatch, capsys, frame, mixture, vae):
    monkeypatch.chdir(tmp_path)
    vae.save("run")
    mixture.save("mixed")
    command_line.run(
        "sample", "run", "-n", 6, "--given", "plan=studio", "--given", "age=40", "--out", "s.csv"
    )
    assert (
        "6 rows given plan=studio, age=40, drawn by weighed codes, effective sample size"
        in capsys.readouterr().out
    )
    assert set(pd.read_csv("s.csv")["plan"]) == {"studio"}
    command_line.run("sample", "mixed", "-n", 6, "--given", "plan=basic", "--out", "m.csv")
    assert "drawn exactly" in capsys.readouterr().out
    assert "expected NAME=CELL" in command_line.fails(
        capsys, "sample", "run", "--given", "plan", "--out", "x.csv"
    )
    assert "given twice" in command_line.fails(
        capsys, "sample", "run", "--given", "age=1", "--given", "age=2", "--out", "x.csv"
    )
    assert "no level of 'plan'" in command_line.fails(
        capsys, "sample", "run", "--given", "plan=gold", "--out", "x.csv"
    )
