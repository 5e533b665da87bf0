"""Columns of samples against those of the data."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import ks_2samp

from latentia import VAE
from latentia.diagnostics.margins import Margins, margins, unlike
from latentia.vocabulary import UNLIKE

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("n", [30, 97, 500])
@pytest.mark.parametrize("levels", [None, 3])
def test_gaps_are_those_of_scipy(n, levels):
    data, drawn = RNG.normal(size=(n, 4)), RNG.normal(0.3, 1.2, size=(2 * n, 4))
    if levels:
        data, drawn = data.round(), drawn.round()
    found = margins(data, drawn)
    assert found.ks == pytest.approx(
        [ks_2samp(data[:, j], drawn[:, j]).statistic for j in range(4)], abs=1e-12
    )


def test_chance_explains_gaps_of_one_distribution():
    """Of 400 pairs of samples from one distribution about one in twenty exceeds what chance gives."""
    found = [margins(RNG.normal(size=(60, 1)), RNG.normal(size=(200, 1))) for _ in range(400)]
    beyond = np.mean([each.ks[0] > each.chance for each in found])
    assert 0.01 < beyond < 0.08


@pytest.mark.parametrize(
    ("gaps", "name"),
    [
        ((0.05, 0.1, 0.12, 0.08), ""),
        ((0.22, 0.05, 0.05, 0.05, 0.05), ""),  # one of five, a little
        ((0.22, 0.22, 0.05, 0.05), UNLIKE),
        ((0.4, 0.05, 0.05, 0.05, 0.05, 0.05), UNLIKE),  # one of six, far
    ],
)
def test_the_rule(gaps, name):
    found = unlike(Margins(gaps, 0.04, 1000, 2000), [f"c{i}" for i in range(len(gaps))])
    assert found is not None
    assert found.name == name
    assert f"column 'c{int(np.argmax(gaps))}'" in found.evidence


def test_images_and_few_rows_are_not_looked_at():
    vae = VAE(max_epochs=1, random_state=0).fit(RNG.normal(size=(60, 3)))
    assert vae.diagnose(RNG.normal(size=(20, 3)), thorough=False).margins is None
    assert vae.diagnose(RNG.normal(size=(40, 3)), thorough=False).margins is not None
