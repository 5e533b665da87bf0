"""A killed fit of a model with discrete codes ends with the bits of one that was not: averages, hits and restarts included."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

from latentia import VQVAE, training
from latentia.latent import LIKELIHOODS
from latentia.models import VQVAE as Model
from latentia.models import PriorOnly, build_vqvae
from latentia.objectives import joint_bound, quantized_bound

X = torch.from_numpy(load_digits().images[:96] / 16).float()[:, None]


class Killed(Exception):
    pass


def fit(folder, resume=False, **options):
    torch.manual_seed(0)
    model = build_vqvae(
        (1, 8, 8), LIKELIHOODS["gaussian"](torch.Size([1, 8, 8])), n_codes=12, dim=4, **options
    )
    objective = joint_bound() if options["quantizer"] == "vq-stochastic" else quantized_bound()
    config = training.TrainingConfig(
        max_epochs=5, batch_size=16, averaging=0.9, device="cpu", checkpoint_seconds=1e-9
    )
    batches = training.Batches(X, lambda stored: stored)
    training.fit(
        model, objective, batches, training.Batches(X[:20], lambda s: s), config, folder, resume=resume
    )
    return model.state_dict()


def killing(monkeypatch, owner, call):
    """The next training pass number `call` raises."""
    real, calls = owner.trace, []

    def trace(self, *args):
        if self.training:
            calls.append(None)
            if len(calls) == call:
                raise Killed
        return real(self, *args)

    monkeypatch.setattr(owner, "trace", trace)


@pytest.mark.parametrize(
    "options",
    [
        {"quantizer": "vq-ema"},
        {"quantizer": "vq", "prior": "independent"},
        {"quantizer": "vq-ema", "levels": 2},
        {"quantizer": "vq-stochastic", "prior": "independent"},
    ],
)
def test_killed_between_two_steps(options, tmp_path, monkeypatch):
    whole = fit(tmp_path / "whole", **options)
    with monkeypatch.context() as patch:
        killing(patch, Model, 28)  # a restart of dead codes lies before, another step of the averages behind
        with pytest.raises(Killed):
            fit(tmp_path / "killed", **options)
    resumed = fit(tmp_path / "killed", resume=True, **options)
    for name, value in whole.items():
        assert torch.equal(value, resumed[name]), name


@pytest.mark.parametrize("owner", [Model, PriorOnly])
def test_killed_in_either_stage(owner, tmp_path, monkeypatch):
    data = load_digits().data[:80]

    def fitted(folder, resume=False):
        model = VQVAE(
            "vq-vae-ema",
            n_codes=8,
            latent_dim=4,
            prior="independent",
            max_epochs=4,
            batch_size=16,
            random_state=0,
        )
        return model.fit(data, run_dir=folder, resume=resume)

    whole = fitted(tmp_path / "whole")
    with monkeypatch.context() as patch:
        killing(patch, owner, 11)
        with pytest.raises(Killed):
            fitted(tmp_path / "killed")
    resumed = fitted(tmp_path / "killed", resume=True)
    for (name, value), other in zip(
        whole.module_.state_dict().items(), resumed.module_.state_dict().values(), strict=True
    ):
        assert torch.equal(value, other), name
    np.testing.assert_array_equal(whole.transform(data), resumed.transform(data))
