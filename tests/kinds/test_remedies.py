from __future__ import annotations

import json
import shlex
from dataclasses import asdict, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from latentia import cli
from latentia.commands.fit import parse_settings
from latentia.diagnostics import Evaluation, Remedy, Verdict
from latentia.errors import ConfigError, RunFolderError
from latentia.kinds import KINDS
from latentia.kinds.auto_remedy import Attempt, better, fit_with_remedies
from latentia.kinds.known import DataSpec
from latentia.kinds.remedies import changed, changes_of, command, label_of
from latentia.kinds.run import Effort, Measured, Run
from latentia.kinds.vae.catalog import CATALOG
from latentia.objectives import negative_elbo

FIGURES = Evaluation(
    n=1000, latent_dim=4, log_likelihood=100.0, log_likelihood_se=1.0, n_importance=50, n_importance_items=500,
    effective_samples=9.0, elbo=95.0, distortion=-100.0, kl=5.0, bits_per_dim=None, bits_per_dim_note="", sse=8.0,
    sse_of_mean=7.5, sigma2=0.01, sigma2_optimal=0.01, kl_per_dim=(1.25,) * 4, active_units=4, active=(True,) * 4,
    seconds=1.0,
)  # fmt: skip


def attempt(log_likelihood: float | None, *names: str, se: float = 1.0) -> Attempt:
    verdict = Verdict(names[0] if names else "healthy", (), (), names)
    figures = replace(FIGURES, log_likelihood=log_likelihood, log_likelihood_se=se)
    run: Any = SimpleNamespace(event_shape=(1, 8, 8), folder=Path("x"), kind=KINDS["vae"])
    return Attempt(run, Measured("validation", asdict(figures), verdict), "")


@pytest.mark.parametrize(
    ("new", "old", "expected"),
    [
        (attempt(110.0, "posterior collapse"), attempt(100.0), True),  # far more probable
        (attempt(90.0), attempt(100.0, "posterior collapse"), False),  # far less
        (attempt(99.0), attempt(100.0, "posterior collapse"), True),  # alike: the diagnosis decides
        (attempt(101.0, "prior holes"), attempt(100.0), False),
        (attempt(101.0), attempt(100.0), True),
        (attempt(99.0), attempt(100.0), False),
        (
            attempt(99.0, se=0.01),
            attempt(100.0, "posterior collapse", se=0.01),
            False,
        ),  # 0.64 nats count as equal
        (attempt(99.5, se=0.01), attempt(100.0, "posterior collapse", se=0.01), True),
        (attempt(90.0), attempt(None, "information overload"), True),  # no likelihood to compare
        (attempt(None, "prior holes"), attempt(90.0, "under-trained"), False),
    ],
)
def test_which_run_is_kept(new, old, expected):
    assert better(new, old) is expected


def test_a_remedy_changes_parameters_that_there_are():
    params = {"model": "vae", "latent_dim": 8, "max_epochs": None}
    assert changed(params, Remedy("words")) is None
    assert changed(params, Remedy("", ("vae",))) is None
    assert changed(params, Remedy("", ("no-such-model", "vae", "sigma-vae"))) == {
        **params,
        "model": "sigma-vae",
    }
    assert changed(params, Remedy("", settings={"latent_dim": 4})) == {**params, "latent_dim": 4}
    assert changed(params, Remedy("", settings={"no_such_parameter": 4})) is None
    assert changed(params, Remedy("", settings={"latent_dim": 8})) is None


def test_a_remedy_leaves_out_what_was_meant_for_the_old_model():
    dear = {"model": "beta-vae", "objective_options": {"beta": 50}, "schedule": "joint", "latent_dim": 8}
    to_sigma = Remedy("", ("sigma-vae",), {"objective_options": None})
    plain = {"model": "sigma-vae", "objective_options": None, "schedule": "auto", "latent_dim": 8}
    assert changed(dear, to_sigma) == plain
    assert "50" not in command(DataSpec("digits"), changed(dear, Remedy("", ("lagging-vae",))), "out")
    # the default model with a weight of its own: the weight goes, the model stays
    weighed = {"model": "sigma-vae", "objective_options": {"beta": 50}}
    assert changed(weighed, to_sigma) == {"model": "sigma-vae", "objective_options": None}
    assert label_of(dear, plain) == "sigma-vae"
    assert label_of(weighed, changed(weighed, to_sigma)) == "no-objective-options"
    assert changed(plain, to_sigma) is None


def test_commands_can_be_pasted():
    spec = DataSpec("my data.csv", seed=3, label_column="kind of")
    line = command(
        spec,
        {"model": "vae", "latent_dim": 4, "max_epochs": None, "likelihood": "laplace", "binarize": True},
        "out",
    )
    words = shlex.split(line)
    assert words[:3] == ["latentia", "fit", "my data.csv"]
    arguments = cli.build_parser().parse_args(words[1:]).fit
    assert arguments.model == "vae"
    assert arguments.latent_dim == 4
    assert arguments.epochs is None
    assert arguments.seed == 3
    assert arguments.label_column == "kind of"
    assert parse_settings(arguments.set) == {"likelihood": "laplace", "binarize": True}


def test_each_remedy_of_a_run_becomes_one_command():
    run: Any = SimpleNamespace(
        asked={"model": "beta-vae", "latent_dim": 8, "verbose": True},
        spec=DataSpec("digits"),
        home=Path("runs/a"),
    )
    actions = [
        Remedy("", ("sigma-vae",)),
        Remedy("words"),
        Remedy("again", ("sigma-vae",)),
        Remedy("", (), {"max_epochs": 9}),
    ]
    changes = changes_of(run, Verdict("", (), (), actions=tuple(actions)))
    assert list(dict.fromkeys(change.command for change in changes)) == [
        "latentia fit digits --model sigma-vae --latent-dim 8 --out runs/a-sigma-vae",
        "latentia fit digits --model beta-vae --latent-dim 8 --epochs 9 --out runs/a-epochs-9",
    ]


@pytest.fixture
def heavy(monkeypatch):
    """A model whose rate is weighed so much that its posterior collapses."""
    heavy = replace(CATALOG["beta-vae"], objective=negative_elbo(500.0))
    monkeypatch.setitem(CATALOG._entries, "heavy-vae", heavy)
    return {
        "model": "heavy-vae",
        "latent_dim": 4,
        "network": "mlp-small",
        "sampler": "prior",
        "max_epochs": 4,
        "random_state": 0,
    }


def test_a_collapsed_fit_is_remedied_and_the_better_run_kept(heavy, tmp_path, capsys):
    said: list[str] = []
    out = tmp_path / "run"
    run = fit_with_remedies(DataSpec("digits"), heavy, out, command="latentia fit digits", say=said.append)
    assert run.estimator.model == "sigma-vae"
    assert run.config["params"]["model"] == "sigma-vae"
    verdicts = [tried["verdicts"][0] for tried in run.config["attempts"]]
    assert verdicts[0] == "posterior collapse"
    assert run.config["attempts"][1]["model"] == "sigma-vae"
    assert run.config["kept"] != "attempts/1-heavy-vae"
    assert 2 <= len(verdicts) <= 3
    folders = sorted(path.name for path in (out / "attempts").iterdir())
    assert folders[:2] == ["1-heavy-vae", "2-sigma-vae"]
    for name in folders:
        assert Run.open(out / "attempts" / name).estimator.latent_dim_ >= 1
    kept = Run.open(out)
    _, diagnosis = kept.examine("validation", Effort(10, 100))
    assert diagnosis.information.value > 0.6
    assert any("remedy 1" in line and "--model sigma-vae" in line for line in said)
    assert said[-1].startswith("kept: ")
    # finished: nothing is done again
    assert (
        fit_with_remedies(DataSpec("digits"), heavy, out, command="", resume=True).config["kept"]
        == run.config["kept"]
    )
    with pytest.raises(RunFolderError, match="holds a run already"):
        fit_with_remedies(DataSpec("digits"), heavy, out, command="")


def test_an_interrupted_search_goes_on_where_it_was(heavy, tmp_path, monkeypatch):
    out, params = tmp_path / "run", {**heavy, "max_epochs": 2}
    from latentia.kinds import auto_remedy

    real, fits = auto_remedy.fit_run, []

    def fit_run(spec, params, folder, **options):
        fits.append(folder.name)
        if len(fits) == 2:
            raise KeyboardInterrupt
        return real(spec, params, folder, **options)

    monkeypatch.setattr(auto_remedy, "fit_run", fit_run)
    with pytest.raises(KeyboardInterrupt):
        fit_with_remedies(DataSpec("digits"), params, out, command="")
    assert json.loads((out / "config.json").read_text())["state"] == "fitting"
    first = (out / "attempts" / "1-heavy-vae" / "model.safetensors").read_bytes()
    run = fit_with_remedies(DataSpec("digits"), params, out, command="", resume=True, most=1)
    assert run.config["state"] == "fitted"
    assert (out / "attempts" / "1-heavy-vae" / "model.safetensors").read_bytes() == first


def test_fits_are_compared_on_rows_that_are_held_out(tmp_path):
    spec = DataSpec("digits", hold_out=False)
    with pytest.raises(ConfigError, match="validation part"):
        fit_with_remedies(spec, {"model": "gaussian-mixture"}, tmp_path / "run", command="")


def test_a_mixture_takes_its_remedies(tmp_path):
    said: list[str] = []
    params = {"model": "gaussian-mixture", "n_components": 2, "max_iter": 1, "random_state": 0}
    run = fit_with_remedies(DataSpec("digits"), params, tmp_path / "run", command="", say=said.append)
    tried = run.config["attempts"]
    assert len(tried) > 1
    assert tried[0]["verdicts"][0] == "singular component"
    assert tried[1]["remedy"].endswith("`--set reg_covar=0.001`")  # pixels of the border never change
    assert run.config["kept"] in [attempt["folder"] for attempt in tried]
