from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from sklearn.datasets import load_breast_cancer, load_digits

from command_line import fails, run
from latentia.kinds.loading import load
from run_folders import rewrite

FIELDS = {
    "model", "data", "split", "n", "latent_dim", "log_likelihood", "n_importance", "elbo", "distortion", "kl",
    "bits_per_dim", "sse", "sigma2", "active_units", "verdict", "seconds",
}  # fmt: skip


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    path = tmp_path_factory.mktemp("data") / "cancer.csv"
    data = load_breast_cancer(as_frame=True)
    data.frame.to_csv(path, index=False)
    return path


@pytest.fixture(scope="module")
def fitted(tmp_path_factory, table):
    out = tmp_path_factory.mktemp("runs") / "cancer"
    run(
        "fit",
        table,
        "--label-column",
        "target",
        "--latent-dim",
        "3",
        "--epochs",
        "5",
        "--out",
        out,
        "--quiet",
    )
    return out


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "digits"
    settings = ("--latent-dim", 4, "--epochs", 2, "--set", "network=report-conv", "refinement_steps=5")
    run("fit", "digits", *settings, "--out", out, "--quiet", "--no-report")
    return out


def test_fit_leaves_a_whole_run_folder(fitted):
    names = {path.name for path in fitted.iterdir()}
    assert {
        "config.json",
        "model.safetensors",
        "metrics.jsonl",
        "evaluation.json",
        "report.html",
        "figures",
    } <= names
    assert not [name for name in names if name.endswith(".part")]
    page = (fitted / "report.html").read_text()
    assert "latentia fit" in page
    assert len((fitted / "metrics.jsonl").read_text().splitlines()) == 5


def test_evaluate_prints_exactly_one_json_object(fitted, capsys):
    run("evaluate", fitted, "--json", "--n-importance", "10")
    figures = json.loads(capsys.readouterr().out)
    assert set(figures) >= FIELDS
    assert figures["split"] == "test"
    assert figures["n_importance"] == 10
    assert figures["elbo"] == pytest.approx(-figures["distortion"] - figures["kl"])
    assert figures["elbo"] <= figures["log_likelihood"] + 0.5


def test_evaluate_gives_what_python_gives(fitted, capsys):
    run("evaluate", fitted, "--json", "--n-importance", "10", "--split", "validation")
    figures = json.loads(capsys.readouterr().out)
    from latentia.kinds.run import Run

    opened = Run.open(fitted)
    opened.estimator.n_importance = 10
    score = opened.estimator.score(opened.split("validation").x)
    assert figures["log_likelihood"] == pytest.approx(score, abs=1e-4)


def test_table_output_of_fit_and_evaluate(fitted, capsys):
    run("evaluate", fitted, "--n-importance", "2")
    out = capsys.readouterr().out
    assert "verdict: " in out
    assert "nats" in out


def test_sample_and_reconstruct_images(images, tmp_path, capsys):
    run("sample", images, "-n", "9", "--out", tmp_path / "s.png")
    run("reconstruct", images, "-n", "8", "--out", tmp_path / "r.png")
    for name in ("s.png", "r.png"):
        pixels = np.asarray(Image.open(tmp_path / name))
        assert pixels.std() > 10
    run("sample", images, "-n", "3", "--out", tmp_path / "s.npy")
    assert np.load(tmp_path / "s.npy").shape == (3, 1, 8, 8)
    assert "must" not in fails(capsys, "sample", images, "--out", tmp_path / "s.csv")


def test_sample_table_as_csv_with_names(fitted, tmp_path):
    run("sample", fitted, "-n", "7", "--out", tmp_path / "s.csv", "--no-mean")
    frame = pd.read_csv(tmp_path / "s.csv")
    assert len(frame) == 7
    assert frame.columns[0] == "mean radius"
    assert "target" not in frame


def test_models_and_datasets_list_all(capsys):
    from latentia.data import SOURCES
    from latentia.kinds.vae.catalog import CATALOG

    run("models")
    out = capsys.readouterr().out
    assert all(name in out for name in CATALOG)
    run("datasets")
    out = capsys.readouterr().out
    assert all(name in out for name in SOURCES)


def test_export_agrees_with_onnxruntime(fitted, images, tmp_path, capsys):
    onnxruntime = pytest.importorskip("onnxruntime")

    run("export", images, "--onnx", "--out", tmp_path / "onnx")
    estimator = load(images)
    x = (load_digits().images[:5, None] / 16 * 255).round()
    encoder = onnxruntime.InferenceSession(tmp_path / "onnx" / "encoder.onnx")
    (codes,) = encoder.run(None, {"x": x.astype(np.float32)})
    assert estimator.module_.refinement_steps  # which stay behind, and that is said
    assert "encoder's own codes" in capsys.readouterr().out
    estimator.module_.refinement_steps = 0
    np.testing.assert_allclose(codes, estimator.transform(x.astype(np.uint8)), atol=1e-4)
    decoder = onnxruntime.InferenceSession(tmp_path / "onnx" / "decoder.onnx")
    (back,) = decoder.run(None, {"z": codes})
    np.testing.assert_allclose(back.clip(0, 255), estimator.inverse_transform(codes), atol=0.51)


def test_printed_config_gives_the_same_run(table, tmp_path, capsys):
    flags = [
        "--latent-dim",
        "2",
        "--epochs",
        "1",
        "--seed",
        "3",
        "--quiet",
        "--no-report",
        "--set",
        "batch_size=32",
    ]
    flags += ["--label-column", "target"]
    with pytest.raises(SystemExit) as exit_:
        run("fit", table, *flags, "--print_config")
    assert not exit_.value.code
    config = tmp_path / "fit.yaml"
    config.write_text(capsys.readouterr().out)
    run("fit", table, *flags, "--out", tmp_path / "a")
    run("fit", "--config", config, "--out", tmp_path / "b")
    assert (tmp_path / "a" / "model.safetensors").read_bytes() == (
        tmp_path / "b" / "model.safetensors"
    ).read_bytes()


def test_fit_image_folder(tmp_path):
    rng = np.random.default_rng(0)
    for name in ("dark", "light"):
        (tmp_path / "pictures" / name).mkdir(parents=True)
        for i in range(12):
            level = 60 if name == "dark" else 180
            pixels = np.clip(rng.normal(level, 20, (11, 14, 3)), 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(tmp_path / "pictures" / name / f"{i}.png")
    run(
        "fit",
        tmp_path / "pictures",
        "--epochs",
        "2",
        "--latent-dim",
        "2",
        "--out",
        tmp_path / "run",
        "--quiet",
        "--set",
        "network=mlp-small",
    )
    assert load(tmp_path / "run").event_shape_ == (3, 11, 14)
    assert "dark" in (tmp_path / "run" / "report.html").read_text()


def test_resume_of_a_finished_run_changes_nothing(fitted, table):
    before = (fitted / "model.safetensors").read_bytes()
    run(
        "fit", table, "--label-column", "target", "--latent-dim", "3", "--epochs", "5", "--out", fitted, "--quiet",
        "--resume", "--no-report",
    )  # fmt: skip
    assert (fitted / "model.safetensors").read_bytes() == before


def test_wrong_names_and_numbers(capsys, table, tmp_path, fitted):
    out = ["--out", str(tmp_path / "run"), "--quiet"]
    assert "did you mean 'digits'" in fails(capsys, "fit", "digit", *out)
    assert "'sigma-vae'" in fails(capsys, "fit", "digits", "--model", "sigma-vea", *out)
    assert "latent_dim=0" in fails(capsys, "fit", table, "--latent-dim", "0", *out)
    assert "larger than a datum" in fails(capsys, "fit", table, "--latent-dim", "99", *out)
    assert "max_epochs" in fails(capsys, "fit", table, "--epochs", "-1", *out)
    assert "--epochs takes a whole number, not 'many'" in fails(
        capsys, "fit", table, "--epochs", "many", *out
    )
    assert "--split takes one of train, validation, test, new, not" in fails(
        capsys, "evaluate", fitted, "--split", "all"
    )
    assert "name=value" in fails(capsys, "fit", table, "--set", "patience", *out)
    assert "patienc" in fails(capsys, "fit", table, "--set", "patienc=3", *out)
    assert "DATA is missing" in fails(capsys, "fit")
    assert "RUN is missing" in fails(capsys, "evaluate")
    assert "fitt" in fails(capsys, "fitt")
    assert "-n 0: expected a whole number of at least 1" in fails(capsys, "sample", fitted, "-n", "0")
    assert "n_importance" in fails(capsys, "evaluate", fitted, "--n-importance", "-1")
    assert not (tmp_path / "run").exists(), "a failed fit must leave nothing behind"


def write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def test_bad_data(capsys, tmp_path):
    out = ["--out", str(tmp_path / "run"), "--quiet", "--no-report"]
    good = "".join(f"{i},{i % 3}.5\n" for i in range(20))
    cases = {
        "inf.csv": ("a,b\n" + good + "1,inf\n", ("'b'",)),
        "text.csv": ("a,b\n" + good + "1,oops\n", ("'b'", "oops")),
        "one.csv": ("a,b\n1.5,2.5\n", ("1 row",)),
        "zero.csv": ("a,b\n", ("no rows",)),
    }
    for name, (text, words) in cases.items():
        line = fails(capsys, "fit", write(tmp_path / name, text), *out)
        assert all(word in line for word in words), line
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    for i in range(5):
        Image.fromarray(np.full((6, 6), 40 * i, np.uint8)).save(pictures / f"{i}.png")
    (pictures / "bad.png").write_bytes((pictures / "0.png").read_bytes()[:30])
    assert "bad.png" in fails(capsys, "fit", pictures, *out)
    (pictures / "bad.png").unlink()
    Image.fromarray(np.zeros((7, 6), np.uint8)).save(pictures / "tall.png")
    assert "tall.png" in fails(capsys, "fit", pictures, *out)
    np.save(tmp_path / "cut.npy", np.random.default_rng(0).normal(size=(50, 4)))
    (tmp_path / "cut.npy").write_bytes((tmp_path / "cut.npy").read_bytes()[:300])
    assert "cut.npy" in fails(capsys, "fit", tmp_path / "cut.npy", *out)
    np.savez(tmp_path / "labels.npz", x=np.zeros((10, 3)), y=np.zeros(9))
    assert "9" in fails(capsys, "fit", tmp_path / "labels.npz", *out)
    assert not (tmp_path / "run").exists()


def test_bad_run_folders(capsys, tmp_path, fitted, table):
    import shutil

    assert "does not exist" in fails(capsys, "evaluate", tmp_path / "nothing")
    broken = tmp_path / "tampered"
    shutil.copytree(fitted, broken)
    weights = bytearray((broken / "model.safetensors").read_bytes())
    weights[-10] ^= 1
    (broken / "model.safetensors").write_bytes(weights)
    assert "altered" in fails(capsys, "evaluate", broken)
    (broken / "model.safetensors").unlink()
    assert "model.safetensors cannot be read" in fails(capsys, "evaluate", broken)
    future = tmp_path / "future"
    shutil.copytree(fitted, future)
    config = json.loads((future / "config.json").read_text())
    (future / "config.json").write_text(json.dumps({**config, "format": 99}))
    assert "upgrade" in fails(capsys, "evaluate", future)
    (future / "config.json").write_text(json.dumps({**config, "state": "fitting"}))
    assert "--resume" in fails(capsys, "evaluate", future)
    (future / "config.json").write_text(json.dumps({**config, "seed": 5}))
    assert "was altered" in fails(capsys, "evaluate", future)
    rewrite(future, lambda config: config.pop("composition"))
    assert "composition" in fails(capsys, "evaluate", future)
    (future / "config.json").write_text("{")
    assert "cannot be read" in fails(capsys, "evaluate", future)
    assert "already" in fails(capsys, "fit", table, "--out", fitted)
    file = write(tmp_path / "file", "x")
    assert "is a file" in fails(capsys, "fit", table, "--out", file)
    assert "cannot be written" in fails(capsys, "fit", table, "--out", file / "run", "--quiet")


def test_a_resumed_run_must_have_the_settings_of_the_old_one(capsys, fitted, table):
    line = fails(
        capsys, "fit", table, "--label-column", "target", "--latent-dim", "4", "--out", fitted, "--resume"
    )
    assert "latent_dim=3" in line


def test_disk_full_while_saving_leaves_nothing_half_written(capsys, table, tmp_path, monkeypatch):
    import os

    real = os.fsync

    def full(descriptor: int) -> None:
        name = Path(f"/proc/self/fd/{descriptor}").resolve().name
        if "model.safetensors" in name:
            raise OSError(28, "No space left on device")
        real(descriptor)

    monkeypatch.setattr(os, "fsync", full)
    out = tmp_path / "run"
    line = fails(capsys, "fit", table, "--epochs", "1", "--out", out, "--quiet", "--no-report")
    assert "No space left" in line
    assert not list(tmp_path.rglob("*.part"))
    monkeypatch.undo()
    assert "unfinished" in fails(capsys, "evaluate", out)
    run("fit", table, "--epochs", "1", "--out", out, "--quiet", "--no-report", "--resume")
    assert load(out).n_train_ > 0


def seconds(*command: str) -> float:
    best = float("inf")
    for _ in range(3):
        started = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        best = min(best, time.perf_counter() - started)
    return best


def test_import_and_help_load_neither_torch_nor_matplotlib():
    code = "import sys, latentia; assert not {'torch', 'matplotlib', 'sklearn', 'numpy'} & set(sys.modules)"
    assert seconds(sys.executable, "-c", code) < 1.0
    code = (
        "import sys\nfrom latentia.cli import main\n"
        "try:\n    main(['--help'])\nexcept SystemExit:\n    pass\n"
        "assert not {'torch', 'matplotlib', 'sklearn'} & set(sys.modules)"
    )
    assert seconds(sys.executable, "-c", code) < 2.0


def test_the_package_runs_as_a_module():
    done = subprocess.run([sys.executable, "-m", "latentia", "--help"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "usage: latentia" in done.stdout


@pytest.mark.parametrize(
    ("load", "given", "expected"), [(1.5, None, "PASSIVE"), (0.4, None, None), (1.5, "ACTIVE", "ACTIVE")]
)
def test_threads_sleep_where_they_wait_if_the_machine_is_busy(load, given, expected, monkeypatch):
    monkeypatch.setattr(os, "getloadavg", lambda: (load, load, load))
    monkeypatch.setenv("OMP_WAIT_POLICY", given or "")
    if given is None:
        monkeypatch.delenv("OMP_WAIT_POLICY")
    run("models")
    assert os.environ.get("OMP_WAIT_POLICY") == expected
