"""Rows with gaps are as unusual as whole ones, whatever the units of what is missing, to every estimator that takes gaps."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from latentia import VAE, VQVAE, GaussianMixture, GaussianMixtureClassifier, MixedMixture, explore
from latentia.estimators.gaps import usual_cost

WORDS = np.array(["a", "b", "c"])
SHARES = np.array([0.7, 0.2, 0.1])
ROWS = 600
CLASSES = np.arange(ROWS) % 2
QUICK = {"latent_dim": 2, "max_epochs": 3, "random_state": 0}
FITTED = {
    "vae": lambda: VAE(sampler="prior", **QUICK).fit(table()),
    "vq-vae": lambda: VQVAE(prior="independent", **QUICK).fit(table()),
    "mixed-mixture": lambda: MixedMixture(1, random_state=0).fit(table()),
    "gaussian-mixture": lambda: GaussianMixture(1).fit(numbers()),
    "classifier": lambda: GaussianMixtureClassifier(1, random_state=0).fit(table(), CLASSES),
}


def table(seed=0):
    """Two numbers of unlike units, a word, and gaps in a quarter of the cells of the wide one."""
    random = np.random.default_rng(seed)
    small, wide = random.normal(size=ROWS), random.normal(size=ROWS) * 1e6
    wide[random.random(ROWS) < 0.25] = np.nan
    return pd.DataFrame({"small": small, "wide": wide, "word": random.choice(WORDS, ROWS, p=SHARES)})


def numbers(seed=0):
    return table(seed)[["small", "wide"]]


@pytest.fixture(scope="module")
def fitted():
    made = {}

    def of(name):
        if name not in made:
            made[name] = FITTED[name]()
        return made[name]

    return of


@pytest.mark.parametrize("name", ["mixed-mixture", "gaussian-mixture", "classifier"])
def test_cells_of_one_component_cost_their_entropies(fitted, name):
    entropies = [0.5 * np.log(2 * np.pi * np.e * scale**2) for scale in (1, 1e6)]
    entropies += [-(SHARES * np.log(SHARES)).sum()] if name != "gaussian-mixture" else []
    # means over a hundred draws: deviations .7 of half a chi squared, .7 of the words
    np.testing.assert_allclose(usual_cost(fitted(name)), entropies, atol=4 * 0.8 / np.sqrt(100))


@pytest.mark.parametrize("name", FITTED)
def test_a_whole_row_costs_what_it_costs_and_a_gap_tells_nothing(fitted, name):
    model, frame = fitted(name), numbers(1) if name == "gaussian-mixture" else table(1)
    scores, plain = model.unusual(frame), -model.score_samples(frame)
    gaps = frame["wide"].isna().to_numpy()
    np.testing.assert_array_equal(scores[~gaps], plain[~gaps])
    assert 0.3 < explore.auroc(scores[~gaps], scores[gaps]) < 0.7
    assert explore.auroc(plain[~gaps], plain[gaps]) < 0.01  # by the units of the column
    np.testing.assert_array_equal(explore.anomaly_scores(model, frame), scores)


def test_gaps_are_no_anomalies(fitted):
    frame = table(2)
    gaps = frame["wide"].isna().to_numpy()
    called = fitted("vae").predict(frame) == -1
    assert called[gaps].mean() < 0.15
    assert called[~gaps].mean() < 0.15


def test_other_weights_have_other_costs():
    frame = table(1)
    gaps = frame["wide"].isna().to_numpy()
    vae = VAE(latent_dim=2, max_epochs=1, sampler="prior", random_state=0).fit(table())
    costs = []
    for change in (lambda: None, lambda: vae.partial_fit(table(3)), lambda: vae.fit(table(4))):
        change()
        told = (vae.unusual(frame) + vae.score_samples(frame))[gaps]
        np.testing.assert_allclose(told, usual_cost(vae)[1])
        costs.append(told[0])
    assert len(set(costs)) == 3
