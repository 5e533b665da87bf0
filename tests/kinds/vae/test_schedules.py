"""Schedules as a person reaches them: by the model, by name and options, from run folders and the command line."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from sklearn.datasets import load_digits, load_wine

from latentia import VAE, load
from latentia.cli import main
from latentia.errors import ConfigError
from latentia.kinds.vae.catalog import CATALOG
from latentia.training import Aggressive, Joint

X = load_wine().data


def fitted(model="sigma-vae", **options):
    settings = {"latent_dim": 2, "max_epochs": 4, "batch_size": 64, "random_state": 0, **options}
    return VAE(model, **settings).fit(X)


def steps(vae):
    return [row.get("encoder_steps") for row in vae.history_]


def test_the_model_brings_its_schedule_and_a_person_may_change_it():
    n = fitted(max_epochs=1).history_[0]["step"]
    assert steps(fitted("reslag-vae")) == [5 * n, 5 * n, 0, 0]
    assert steps(fitted("reslag-vae", schedule_options={"ratio": 2, "epochs": 1})) == [2 * n, 0, 0, 0]
    assert steps(fitted("reslag-vae", schedule="joint")) == [None] * 4
    assert steps(fitted(schedule="aggressive", schedule_options={"ratio": 3, "epochs": 3})) == [3 * n] * 3 + [
        0
    ]
    assert steps(fitted(schedule=Aggressive(ratio=1, epochs=1))) == [n, 0, 0, 0]


def test_the_information_rules_the_lagging_vae():
    vae = fitted("lagging-vae", max_epochs=1)
    assert isinstance(vae.history_[0]["mutual_information"], float)
    assert vae.history_[0]["encoder_steps"] > vae.history_[0]["step"]


def test_the_model_brings_its_network():
    images = (load_digits().images[:40] / 16 * 255).astype(np.uint8)
    for name, on_images, on_vectors in (
        ("reslag-vae", "reslag", "mlp-small"),
        ("reslag-vae-light", "reslag-light", "mlp-small"),
        ("skip-vae", "conv-skip", "mlp-skip"),
    ):
        assert VAE(name, latent_dim=2, max_epochs=0).fit(images).network_ == on_images
        assert VAE(name, latent_dim=2, max_epochs=0).fit(X).network_ == on_vectors
    assert VAE("reslag-vae", latent_dim=2, max_epochs=0, network="conv").fit(images).network_ == "conv"


def test_run_folders_keep_schedule_and_options(tmp_path):
    vae = fitted(schedule="aggressive", schedule_options={"ratio": 2, "epochs": 0.5})
    again = load(vae.save(tmp_path))
    assert again.get_params()["schedule_options"] == {"ratio": 2, "epochs": 0.5}
    assert again.schedule_ == vae.schedule_ == Aggressive(ratio=2, epochs=0.5)
    assert again.history_ == vae.history_
    np.testing.assert_array_equal(again.transform(X), vae.transform(X))


def test_command_line_reaches_schedule_and_options(tmp_path, capsys):
    out = tmp_path / "run"
    setting = ["schedule=aggressive", "schedule_options.ratio=2", "schedule_options.epochs=1"]
    command = f"fit digits --epochs 2 --latent-dim 2 --out {out} --no-report --quiet --set".split()
    main([*command, *setting, "network=mlp-small", "batch_size=512"])
    rows = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
    assert [row["encoder_steps"] for row in rows] == [2 * rows[0]["step"], 0]
    params = json.loads((out / "config.json").read_text())["params"]
    assert (params["schedule"], params["schedule_options"]) == ("aggressive", {"ratio": 2, "epochs": 1})
    with pytest.raises(SystemExit):
        main(["fit", "digits", "--out", str(tmp_path / "b"), "--set", "schedule=agressive"])
    assert "did you mean 'aggressive'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"schedule": "agressive"}, "did you mean 'aggressive'"),
        ({"schedule": "aggressive", "schedule_options": {"rate": 2}}, "no option 'rate'"),
        ({"schedule": Joint(), "schedule_options": {"ratio": 2}}, "put the options into the object"),
        ({"schedule_options": ["ratio"]}, "a mapping of names to values"),
        ({"model": "autoencoder", "schedule": "aggressive"}, "deterministic codes"),
    ],
    ids=str,
)
def test_what_does_not_fit_is_named(parameters, message):
    with pytest.raises(ConfigError, match=message):
        fitted(**{"model": "sigma-vae", **parameters})


def test_partial_fit_moves_encoder_and_decoder_together():
    vae = VAE("reslag-vae", latent_dim=2, random_state=0).partial_fit(X[:80]).partial_fit(X[80:])
    assert steps(vae) == [None, None]


def test_an_entry_takes_any_schedule():
    entry = replace(CATALOG["sigma-vae"], schedule=Aggressive(ratio=2, epochs=1))
    assert steps(fitted(entry, max_epochs=2))[1] == 0
