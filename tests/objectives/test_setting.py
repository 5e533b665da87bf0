from __future__ import annotations

import pickle
from functools import partial

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_wine

from latentia import VAE, load
from latentia.commands.fit import parse_settings
from latentia.errors import ConfigError, TrainingError
from latentia.estimators.entry import Entry
from latentia.kinds.vae.catalog import CATALOG
from latentia.objectives import (
    Linear,
    ObjectiveSetting,
    build_objective,
    capacity_elbo,
    constrained_elbo,
    elbo,
    negative_elbo,
    options_of,
)

SETTING = ObjectiveSetting(n_train=50, latent_dim=3, event_shape=(6,), n_updates=100)
X = load_wine().data


def test_what_is_an_objective_is_taken_as_it_is():
    for objective in (negative_elbo(2.0), constrained_elbo(SETTING), lambda trace, progress=1.0: None):
        assert build_objective(objective, SETTING) is objective
        assert options_of(objective) is None


def test_a_factory_is_given_the_setting_and_the_options():
    seen = []

    def factory(setting, *, scale=1.0):
        seen.append((setting, scale))
        return negative_elbo(scale)

    assert build_objective(factory, SETTING, {"scale": 3.0}).terms[1].weight == 3.0
    assert build_objective(partial(factory, scale=2.0), SETTING).terms[1].weight == 2.0
    assert seen == [(SETTING, 3.0), (SETTING, 2.0)]
    assert options_of(partial(factory, scale=2.0)) == {"scale": 2.0}


@pytest.mark.parametrize(
    ("objective", "options", "message"),
    [
        (elbo, {"betta": 1}, "unknown option 'betta'; did you mean 'beta'"),
        (capacity_elbo, {"xyz": 1}, "Options: capacity, gamma"),
        (negative_elbo(), {"beta": 1}, "the objective of this model has none"),
        (elbo, [("beta", 1)], "a mapping of names to values"),
    ],
)
def test_unknown_options_are_refused_with_those_there_are(objective, options, message):
    with pytest.raises(ConfigError, match=message):
        build_objective(objective, SETTING, options)


@pytest.mark.parametrize("name", CATALOG)
def test_every_option_of_the_catalog_has_a_default_that_builds(name):
    objective = CATALOG[name].objective
    options = options_of(objective)
    assert options is not None
    build_objective(objective, SETTING, {k: v for k, v in options.items() if v is not None})


def test_estimator_passes_options_and_the_size_of_the_fit():
    seen = []

    def factory(setting, *, beta=1.0):
        seen.append(setting)
        return elbo(setting, beta=beta)

    entry = Entry("a test", "nobody 2026", factory)
    vae = VAE(
        entry, latent_dim=2, objective_options={"beta": 5.0}, max_epochs=3, batch_size=32, random_state=0
    ).fit(X[:110])
    # 11 of 110 rows are held out: 99 remain, three batches of 32 and a rest too small for a batch
    assert seen == [ObjectiveSetting(n_train=99, latent_dim=2, event_shape=(13,), n_updates=9)]
    assert vae.objective_.terms[1].weight == 5.0


def test_ramps_in_plain_values_reach_the_objective():
    vae = VAE("vae", latent_dim=2, objective_options={"beta": {"ramp": "linear", "until": 0.5}}, max_epochs=1)
    assert vae.fit(X).objective_.terms[1].weight == Linear(until=0.5)


def test_options_survive_clone_and_run_folder(tmp_path):
    options = {"capacity": {"ramp": "linear", "end": 3.0}, "gamma": 5.0}
    vae = VAE("capacity-vae", latent_dim=2, objective_options=options, max_epochs=2, random_state=0)
    assert clone(vae).objective_options == options
    vae.fit(X)
    again = load(vae.save(tmp_path / "run"))
    assert again.objective_options == options
    np.testing.assert_array_equal(again.transform(X), vae.transform(X))
    assert again.fit(X).objective_.gamma == 5.0


def test_an_unknown_option_stops_the_fit_before_it_begins():
    with pytest.raises(ConfigError, match="unknown option 'gama'; did you mean 'gamma'"):
        VAE("capacity-vae", objective_options={"gama": 1}, max_epochs=1).fit(X)


def test_a_fit_is_not_resumed_under_another_weight(tmp_path):
    def vae(beta: float) -> VAE:
        return VAE("beta-vae", latent_dim=2, objective_options={"beta": beta}, max_epochs=1, random_state=0)

    vae(2.0).fit(X, run_dir=tmp_path)
    with pytest.raises(TrainingError, match=r"objective terms 1 weight is 2\.0 there and 3\.0 here"):
        vae(3.0).fit(X, run_dir=tmp_path, resume=True)


@pytest.mark.parametrize("name", CATALOG)
def test_objectives_can_be_pickled_with_their_estimator(name):
    objective = build_objective(CATALOG[name].objective, SETTING)
    again = pickle.loads(pickle.dumps(objective))
    assert type(again) is type(objective)


def test_partial_fit_goes_on_with_the_same_objective():
    vae = VAE("constrained-vae", latent_dim=2, random_state=0)
    first = vae.partial_fit(X[:90]).objective_
    assert float(first.log_multiplier) != 0
    first.log_multiplier.fill_(1.0)  # away from its limits, where it may have come to rest
    assert vae.partial_fit(X[90:]).objective_ is first
    assert float(first.log_multiplier) != 1.0


def test_command_line_writes_options_with_dots():
    settings = parse_settings(
        ["objective_options.beta=8", 'objective_options.alpha={"ramp": "linear"}', "patience=3"]
    )
    assert settings == {
        "objective_options": {"beta": 8, "alpha": {"ramp": "linear"}},
        "patience": 3,
    }
