"""The command line with models of discrete codes."""

from __future__ import annotations

import json

import numpy as np
import pytest

from latentia.cli import main

SMALL = ["--epochs", "1", "--latent-dim", "4", "--quiet"]
SET = ["--set", "n_codes=8", "prior=independent"]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "codes"
    main(["fit", "digits", "--model", "vq-vae-ema", *SMALL, *SET, "--out", str(out), "--no-report"])
    return out


def test_fit_leaves_a_whole_folder(run, capsys):
    config = json.loads((run / "config.json").read_text())
    assert config["estimator"] == "VQVAE"
    assert config["composition"]["n_codes"] == 8
    assert (run / "prior" / "checkpoints" / "last.ckpt").exists()


def test_evaluate(run, capsys):
    main(["evaluate", str(run), "--json"])
    figures = json.loads(capsys.readouterr().out)
    assert figures["n_codes"] == 8
    assert figures["elbo"] == pytest.approx(-figures["distortion"] - figures["kl"])
    assert figures["log_likelihood"] is None
    assert 1 <= figures["perplexity"] <= 8
    assert figures["bits_per_dim"] < figures["uniform_bits_per_dim"] + 0.1


def test_sample_and_reconstruct(run, tmp_path):
    main(["sample", str(run), "-n", "5", "--out", str(tmp_path / "s.npy")])
    assert np.load(tmp_path / "s.npy").shape == (5, 1, 8, 8)
    main(["reconstruct", str(run), "-n", "4", "--out", str(tmp_path / "r.png")])
    assert (tmp_path / "r.png").stat().st_size > 100


def test_complete(run, tmp_path):
    main(["complete", str(run), "-n", "5", "--out", str(tmp_path / "c.npy")])
    assert np.load(tmp_path / "c.npy").shape == (5, 1, 8, 8)
    main(["complete", str(run), "-n", "5", "--out", str(tmp_path / "c.png")])
    assert (tmp_path / "c.png").stat().st_size > 100


def test_resume_of_a_finished_run_and_of_another_setting(run, capsys):
    again = ["fit", "digits", "--model", "vq-vae-ema", *SMALL, "--out", str(run), "--no-report", "--resume"]
    main([*again, *SET])
    with pytest.raises(SystemExit) as stop:
        main([*again, "--set", "n_codes=9", "prior=independent"])
    assert stop.value.code == 2
    assert "n_codes" in capsys.readouterr().err


def test_models_lists_them(capsys):
    main(["models"])
    out = capsys.readouterr().out
    assert "vq-vae-2" in out
    assert "gumbel-vae" in out


def test_unknown_model_names_the_nearest(capsys):
    with pytest.raises(SystemExit):
        main(["fit", "digits", "--model", "vq-vae-3"])
    assert "vq-vae-2" in capsys.readouterr().err
