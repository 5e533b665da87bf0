"""`latentia fit --extend`: a finished run is trained on beside it, and takes its place."""

from __future__ import annotations

import json

import numpy as np
import pytest

import latentia
from command_line import fails, run
from latentia.training.loop import Loop

MODELS = {
    "vae": ("--latent-dim", 2),
    "vq-vae": ("--set", "n_codes=4", "--set", "n_groups=2", "--set", "prior=independent"),
    "pixelcnn": ("--set", "n_channels=4", "--set", "n_layers=2"),
}


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    file = tmp_path_factory.mktemp("data") / "table.npy"
    np.save(file, (np.random.default_rng(0).normal(size=(80, 4)) > 0).astype(np.uint8))
    return file


def fitting(table, out, model="vae", epochs=1):
    flags = ("--epochs", epochs) if epochs else ()
    return (
        "fit",
        table,
        "--model",
        model,
        *MODELS.get(model, ()),
        *flags,
        "--no-report",
        "--quiet",
        "--out",
        out,
    )


def config(folder):
    return json.loads((folder / "config.json").read_text())


@pytest.mark.parametrize(
    "model", [pytest.param(name, marks=[pytest.mark.slow] * (name != "pixelcnn")) for name in MODELS]
)
def test_a_finished_run_is_trained_on(table, tmp_path, model):
    out = tmp_path / "run"
    run(*fitting(table, out, model))
    before = latentia.load(out)
    run(*fitting(table, out, model, 2), "--extend")
    after = latentia.load(out)
    assert [row["epoch"] for row in after.history_] == [1, 2, 3]
    assert after.history_[0]["validation_elbo"] == before.history_[0]["validation_elbo"]
    kept = config(out)
    assert kept["extended"] == [{"max_epochs": 1}, {"max_epochs": 2}]
    assert [path.name for path in tmp_path.iterdir()] == ["run"]
    assert not list(out.rglob("begin.ckpt"))
    run(*fitting(table, out, model), "--resume")  # what was first asked for is there
    run(*fitting(table, out, model), "--extend")
    assert [row["epoch"] for row in latentia.load(out).history_] == [1, 2, 3, 4]
    assert len(config(out)["extended"]) == 3


def test_one_that_is_stopped_leaves_the_run_and_is_gone_on_with(table, tmp_path, monkeypatch):
    out = tmp_path / "run"
    run(*fitting(table, out))
    before, step = (out / "model.safetensors").read_bytes(), Loop._step

    def cut(self, *given):
        if self.position.step == 6:
            self.save()
            raise KeyboardInterrupt
        return step(self, *given)

    monkeypatch.setattr(Loop, "_step", cut)
    with pytest.raises(SystemExit):
        run(*fitting(table, out, epochs=2), "--extend")
    monkeypatch.undo()
    assert (out / "model.safetensors").read_bytes() == before
    run(*fitting(table, out, epochs=2), "--extend")
    assert len(latentia.load(out).history_) == 3
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_minutes_keep_the_network(table, tmp_path):
    out = tmp_path / "run"
    run(*fitting(table, out))
    run(*fitting(table, out, epochs=0), "--minutes", 0.002, "--extend")
    kept = config(out)
    assert kept["extended"][1] == {"max_minutes": 0.002}
    assert kept["plan"]["network"] == latentia.load(out).network_


def test_what_cannot_be_extended_says_so_in_a_line(table, tmp_path, capsys):
    out = tmp_path / "run"
    assert "holds no run that could be extended" in fails(capsys, *fitting(table, out), "--extend")
    assert not out.exists()
    run(
        "fit",
        table,
        "--model",
        "bernoulli-mixture",
        "--n-components",
        2,
        "--no-report",
        "--quiet",
        "--out",
        out,
    )
    told = fails(
        capsys, "fit", table, "--model", "bernoulli-mixture", "--n-components", 2, "--extend", "--out", out
    )
    assert "--extend is for models that are trained by epochs" in told
    assert "give it without --resume" in fails(capsys, *fitting(table, out), "--extend", "--resume")
    run(*fitting(table, tmp_path / "other"))
    changed = fails(capsys, *fitting(table, tmp_path / "other"), "--latent-dim", 3, "--extend")
    assert "was started with latent_dim=2, not 3" in changed
    assert sorted(path.name for path in tmp_path.iterdir()) == ["other", "run"]
