"""Ways and traversals of tables of unlike columns: frames with the columns, types and levels of the data."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import command_line
from latentia import VAE, explore
from latentia.data.synthetic_tables import customers


@pytest.fixture(scope="module")
def frame():
    return customers(200, 1, planted=0).frame.set_index("customer")


@pytest.fixture(scope="module")
def vae(frame):
    return VAE(latent_dim=3, max_epochs=3, random_state=0).fit(frame)


def like(found, frame):
    assert list(found.columns) == list(frame.columns)
    assert set(found["town"]) <= set(frame["town"].dropna())
    assert found["joined"].dtype == frame["joined"].dtype
    assert not found.isna().any(axis=None)


@pytest.mark.parametrize("method", ["linear", "spherical", "geodesic"])
def test_a_way_between_rows_is_a_frame_that_ends_in_their_reconstructions(vae, frame, method):
    way = explore.interpolate(vae, frame.iloc[[3]], frame.iloc[7], 5, method, data=frame)
    like(way.items, frame)
    assert len(way.items) == 5
    ends = vae.inverse_transform(vae.transform(frame.iloc[[3, 7]]))
    pd.testing.assert_frame_equal(way.items.iloc[[0, -1]].reset_index(drop=True), ends.reset_index(drop=True))


def test_grids_and_traversals_are_frames_with_their_places(vae, frame):
    grid = explore.interpolate_grid(vae, frame.iloc[:4], 2, 3).items
    like(grid, frame)
    assert grid.index.names == ["row", "column"]
    assert grid.index.tolist() == [(i, j) for i in range(2) for j in range(3)]
    codes = vae.transform(frame)
    found = explore.traverse(vae, codes, dims=[2, 0], steps=4)
    like(found.items, frame)
    assert len(found.items.loc[1]) == 4
    path = np.tile(np.median(codes, axis=0), (4, 1))
    path[:, 0] = found.values[1]
    pd.testing.assert_frame_equal(
        found.items.loc[1].reset_index(drop=True), vae.inverse_transform(path).reset_index(drop=True)
    )


def test_the_command_line(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    table = customers(150, 2, planted=0)
    table.frame.to_csv("c.csv", index=False)
    command_line.run("fit", "c.csv", "--epochs", 1, "--no-report", "--out", "run")
    command_line.run("interpolate", "run", "--steps", 4, "--method", "all", "--out", "way.csv")
    way = pd.read_csv("way.csv", parse_dates=["joined"])
    assert list(way.columns) == ["row", "column", *table.frame.columns[1:]]
    assert len(way) == 12
    command_line.run("interpolate", "run", "--items", "0,1,2,3", "--steps", 3, "--out", "grid.csv")
    assert len(pd.read_csv("grid.csv")) == 9
    command_line.run("traverse", "run", "--dims", "0,1", "--steps", 5, "--out", "walk.csv")
    walk = pd.read_csv("walk.csv")
    assert walk["row"].tolist() == [0] * 5 + [1] * 5
    assert set(walk["plan"]) <= set(table.complete["plan"])
    capsys.readouterr()
    assert "as .csv" in command_line.fails(capsys, "interpolate", "run", "--out", "way.npy")
