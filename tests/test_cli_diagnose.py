from __future__ import annotations

import json

import pytest

from latentia import cli


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "digits"
    arguments = ["--latent-dim", "4", "--epochs", "1", "--set", "network=mlp-small", "--quiet", "--no-report"]
    cli.main(["fit", "digits", "--out", str(out), *arguments])
    return out


def test_diagnose_prints_a_table_and_commands(run, capsys):
    cli.main(["diagnose", str(run)])
    out = capsys.readouterr().out
    for words in ("mutual information", "amortisation gap", "log N", "verdict: under-trained"):
        assert words in out
    lines = [line.strip() for line in out.splitlines()]
    assert any(
        line.startswith("latentia fit digits --model sigma-vae --latent-dim 4 --epochs 10") for line in lines
    )


def test_diagnose_as_json_is_one_object_and_is_kept(run, capsys):
    cli.main(["diagnose", str(run), "--split", "validation", "--json"])
    figures = json.loads(capsys.readouterr().out)
    assert figures["verdicts"][0] == figures["verdict"]
    found = figures["diagnosis"]
    assert found["information"]["value"] <= found["information"]["bound"]
    assert found["amortisation"]["n"] == 64
    assert {"name", "value", "unit", "n", "note"} == set(found["rows"][0])
    kept = json.loads((run / "evaluation.json").read_text())
    assert kept["validation"]["diagnosis"]["true_posterior"] is not None


def test_diagnose_takes_mixtures_too(tmp_path, capsys):
    out = tmp_path / "mixture"
    cli.main(
        [
            "fit",
            "digits",
            "--model",
            "gmm",
            "--n-components",
            "3",
            "--out",
            str(out),
            "--quiet",
            "--no-report",
        ]
    )
    capsys.readouterr()
    cli.main(["diagnose", str(out)])
    assert "verdict: " in capsys.readouterr().out
