"""A VAE of tables as people have them: from frame to frame, gaps, anomalies and the cells behind them, the command line."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import command_line
from latentia import VAE, VQVAE
from latentia.data.schema import table_of
from latentia.data.synthetic_tables import customers
from latentia.errors import DataError
from latentia.estimators.cells import CodedCells
from latentia.estimators.forms.mixed import MixedForm


@pytest.fixture(scope="module")
def table():
    return customers(300, 3, planted=8)


@pytest.fixture(scope="module")
def frame(table):
    return table.frame.set_index("customer")


@pytest.fixture(scope="module")
def vae(frame):
    return VAE(latent_dim=3, max_epochs=25, n_importance=10, random_state=0).fit(frame)


def test_frames_come_back_as_they_were(vae, frame):
    kinds = {column.name: column.kind for column in vae.columns_}
    assert kinds["town"] == kinds["plan"] == "category"
    assert kinds["joined"] == "date"
    assert kinds["logins"] == "count"
    assert kinds["newsletter"] == "binary"
    for back in (
        vae.sample(7, random_state=0),
        vae.reconstruct(frame[:7]),
        vae.inverse_transform(vae.transform(frame[:7])),
    ):
        assert list(back.columns) == list(frame.columns)
        assert set(back["town"]) <= set(frame["town"].dropna())
        assert back["joined"].dtype == frame["joined"].dtype
    assert vae.reconstruct(frame[:7]).index.equals(frame.index[:7])


def test_rows_are_scored_by_themselves_whatever_their_order_and_name_of_columns(vae, frame):
    scores = vae.score_samples(frame[:40])
    np.testing.assert_allclose(vae.score_samples(frame[:40][::-1])[::-1], scores, rtol=1e-4)
    np.testing.assert_allclose(vae.score_samples(frame[frame.columns[::-1]][:40]), scores, rtol=1e-6)
    with pytest.raises(DataError, match="lacks the column 'town'"):
        vae.score_samples(frame.drop(columns="town"))


def test_units_shift_the_density_by_their_logarithm(frame):
    small = frame[["age", "satisfaction", "plan"]]
    other = small.assign(satisfaction=small["satisfaction"] * 1000)
    tables = [table_of(each, list(each), "X").items for each in (small, other)]
    a, b = (MixedForm(each.columns).fit(each.values).log_volumes(each.values) for each in tables)
    known = small["satisfaction"].notna().to_numpy()
    np.testing.assert_allclose((b - a)[known], np.log(1000), atol=1e-9)
    np.testing.assert_allclose((b - a)[~known], 0, atol=1e-9)


def test_gaps_are_filled_and_nothing_else_is_touched(vae, table, frame):
    filled = vae.impute(frame)
    assert not filled.isna().any(axis=None)
    known = frame.notna()
    assert (
        (filled.astype(object).where(known) == frame.astype(object).where(known))
        .to_numpy()[known.to_numpy()]
        .all()
    )
    truth = table.complete.set_index("customer")
    usual = (table.planted == "") & frame["minutes"].isna().to_numpy()
    miss = np.log(filled["minutes"] / truth["minutes"])[usual]
    assert float((miss**2).mean()) < 0.7 * float(np.log(truth["minutes"]).var())
    draws = vae.impute(frame, "draw", 3, random_state=0)
    assert len(draws) == 3
    assert not draws[0].equals(draws[1])


def test_planted_rows_are_found_with_the_cells_that_are_wrong(vae, table, frame):
    spoilt = frame.copy()
    row = spoilt.index[int(np.flatnonzero((table.planted == "") & frame.notna().all(axis=1))[0])]
    spoilt.loc[row, ["satisfaction", "minutes", "data_gb", "balance"]] = [700.0, 0.001, 50_000.0, 1e6]
    found = vae.anomalies(spoilt.loc[[row]], contamination=1.0)
    assert found["name"].tolist() == [row]
    assert found["because"][0].count("expected") == 3
    assert found["p_value"][0] < 0.1
    assert vae.predict(spoilt.loc[[row]]).tolist() == [-1]
    cells = vae.score_samples(spoilt.loc[[row]], by_column=True)
    wrong = cells.loc[row].sort_values().index[:3]
    assert set(wrong) <= {"satisfaction", "minutes", "data_gb", "balance"}


def test_levels_that_were_not_there_are_other_and_told(vae, frame, caplog):
    strange = frame[:5].assign(town="Atlantis")
    assert np.isfinite(vae.score_samples(strange)).all()
    assert "'Atlantis' (5)" in caplog.text


def test_it_keeps(vae, frame, tmp_path):
    vae.save(tmp_path / "run")
    again = VAE.load(tmp_path / "run")
    np.testing.assert_array_equal(again.score_samples(frame[:20]), vae.score_samples(frame[:20]))
    assert again.predict(frame[:20]).tolist() == vae.predict(frame[:20]).tolist()
    assert again.sample(3, random_state=1).equals(vae.sample(3, random_state=1))


def test_arrays_with_gaps_and_words_are_tables_too():
    random = np.random.default_rng(0)
    x = random.normal(size=(80, 3)) @ random.normal(size=(3, 3))
    x[random.random(x.shape) < 0.2] = np.nan
    vae = VAE(latent_dim=1, max_epochs=3, n_importance=3, random_state=0).fit(x)
    filled = vae.impute(x)
    assert isinstance(filled, np.ndarray)
    assert np.isfinite(filled).all()
    np.testing.assert_array_equal(filled[~np.isnan(x)], x[~np.isnan(x)])
    assert not hasattr(VAE(max_epochs=1).fit(np.nan_to_num(x)), "impute")


@pytest.mark.parametrize("model", ["beta-vae", "iwae", "iaf-vae", "vq-vae"])
def test_other_entries_take_tables(model, frame):
    estimator = (VQVAE if model == "vq-vae" else VAE)(model, max_epochs=1, n_importance=2, random_state=0)
    fitted = estimator.fit(frame[:120])
    assert np.isfinite(fitted.score_samples(frame[:10])).all()
    assert list(fitted.sample(2, random_state=0).columns) == list(frame.columns)


@pytest.mark.slow
def test_weights_make_the_conditional_of_a_linear_gaussian():
    """A model whose every density is known: what is told of a cell is the conditional of the joint Gaussian."""
    random = np.random.default_rng(1)
    z = random.normal(size=(3000, 1))
    x = z @ np.array([[1.0, -0.8, 0.6]]) + 0.5 * random.normal(size=(3000, 3))
    gaps = random.random(x.shape) < 0.15
    frame = pd.DataFrame(np.where(gaps, np.nan, x), columns=["a", "b", "c"])
    vae = VAE(latent_dim=1, max_epochs=12, n_importance=200, random_state=0).fit(frame)
    covariance = np.cov(x.T)
    probe = x[:200].copy()
    probe[:, 0] = np.nan
    told = CodedCells(vae._inference().module, vae._inference().form, 200).told(probe, x[:200])
    slope = np.linalg.solve(covariance[1:, 1:], covariance[1:, 0])
    expected = (x[:200, 1:] - x.mean(0)[1:]) @ slope + x[:, 0].mean()
    assert np.corrcoef(told.expected[:, 0], expected)[0, 1] > 0.98
    variance = covariance[0, 0] - covariance[0, 1:] @ slope
    exact = -0.5 * ((x[:200, 0] - expected) ** 2 / variance + np.log(2 * np.pi * variance))
    assert float(told.log_prob[:, 0].mean()) == pytest.approx(float(exact.mean()), abs=0.06)


def test_the_command_line_fits_fills_and_finds(table, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    table.labelled().to_csv("c.csv", index=False)
    command_line.run(
        "fit",
        "c.csv",
        "--label-column",
        "planted",
        "--epochs",
        2,
        "--out",
        "run",
        "--column",
        "tickets=number",
    )
    told = capsys.readouterr().out
    assert "names of rows from 'customer'" in told
    assert "column tickets: number" in told
    command_line.run("impute", "run", "c.csv", "--out", "full.csv")
    full = pd.read_csv("full.csv")
    assert not full.isna().any(axis=None)
    assert list(full.columns) == list(table.labelled().columns)
    command_line.run("anomaly", "run", "--out", "odd.csv")
    odd = pd.read_csv("odd.csv").sort_values("score")
    assert "expected" in odd["because"].iloc[-1]
    assert odd["name"].str.startswith("K").all()
    command_line.run("sample", "run", "-n", 4, "--out", "new.csv")
    assert set(pd.read_csv("new.csv").columns) == set(table.frame.columns) - {"customer"}
    assert "columns of unlike kinds" in command_line.fails(capsys, "resample", "run", "--out", "x.csv")
