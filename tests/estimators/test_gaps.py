"""Rows with gaps are as unusual as whole ones, whatever the units of what is missing."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from latentia import VAE, MixedMixture, explore
from latentia.estimators.gaps import usual_cost

WORDS = np.array(["a", "b", "c"])
SHARES = np.array([0.7, 0.2, 0.1])


def table(seed=0, n=600):
    """Two numbers of unlike units, a word, and gaps in a quarter of the cells of the wide one."""
    random = np.random.default_rng(seed)
    small, wide = random.normal(size=n), random.normal(size=n) * 1e6
    wide[random.random(n) < 0.25] = np.nan
    return pd.DataFrame({"small": small, "wide": wide, "word": random.choice(WORDS, n, p=SHARES)})


@pytest.fixture(scope="module")
def mixture():
    return MixedMixture(1, random_state=0).fit(table())


@pytest.fixture(scope="module")
def vae():
    return VAE(latent_dim=2, max_epochs=3, sampler="prior", random_state=0).fit(table())


def test_cells_of_one_component_cost_their_entropies(mixture):
    entropies = [0.5 * np.log(2 * np.pi * np.e * scale**2) for scale in (1, 1e6)]
    entropies.append(-(SHARES * np.log(SHARES)).sum())
    # means over a hundred draws: deviations .7 of half a chi squared, .7 of the words
    np.testing.assert_allclose(usual_cost(mixture), entropies, atol=4 * 0.8 / np.sqrt(100))


@pytest.mark.parametrize("name", ["mixture", "vae"])
def test_a_whole_row_costs_what_it_costs_and_a_gap_tells_nothing(name, request):
    model, frame = request.getfixturevalue(name), table(1)
    scores, plain = model.unusual(frame), -model.score_samples(frame)
    gaps = frame["wide"].isna().to_numpy()
    np.testing.assert_array_equal(scores[~gaps], plain[~gaps])
    told = explore.auroc(scores[~gaps], scores[gaps])
    assert 0.3 < told < 0.7
    assert explore.auroc(plain[~gaps], plain[gaps]) < 0.01  # by the units of the column
    np.testing.assert_array_equal(explore.anomaly_scores(model, frame), scores)


def test_gaps_are_no_anomalies(vae):
    frame = table(2)
    gaps = frame["wide"].isna().to_numpy()
    called = vae.predict(frame) == -1
    assert called[gaps].mean() < 0.15
    assert called[~gaps].mean() < 0.15


def test_further_training_asks_anew(mixture):
    vae = VAE(latent_dim=2, max_epochs=1, sampler="prior", random_state=0).fit(table())
    before = vae.unusual(table(1))
    vae.partial_fit(table(3))
    gaps = table(1)["wide"].isna().to_numpy()
    after = vae.unusual(table(1))
    assert (before[gaps] + vae.score_samples(table(1))[gaps] != after[gaps]).all()
    np.testing.assert_allclose((after + vae.score_samples(table(1)))[gaps], usual_cost(vae)[1])
