"""Parts of a person's own: a kind of model from its own folder, likelihoods, networks, objectives; found again, never imported by themselves."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import latentia
from command_line import said
from latentia.core import Loss
from latentia.errors import ConfigError
from latentia.latent import Likelihood
from latentia.latent.likelihoods import GaussianLikelihood
from latentia.nn import Network

TOY = Path(__file__).parent.parent / "plugins" / "toy" / "toy_kind.py"
SRC = Path(latentia.__file__).parent
ROWS = np.random.default_rng(0).normal(size=(120, 4))
QUICK = {"max_epochs": 1, "random_state": 0}


def command(folder, *argv, status=0, path=None):
    """`latentia ARGV` in a process of its own, which knows of no plug-in."""
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(SRC.parent), *([str(path)] if path else [])])}
    done = subprocess.run(
        [sys.executable, "-m", "latentia.cli", *map(str, argv)], cwd=folder, env=env, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout if status == 0 else "\n".join(said(done.stderr))


DRIVE = """
import json, sys
from latentia import cli
commands, plugin = json.loads(sys.argv[1]), sys.argv[2]
for argv in commands:
    print(">>>", *argv, flush=True)
    cli.main([*argv, "--plugin", plugin])
"""


def driven(folder, *commands):
    """Commands one after another, in a process of their own, each with the toy as `--plugin`; what each printed."""
    argv = json.dumps([list(map(str, words)) for words in commands])
    env = {**os.environ, "PYTHONPATH": str(SRC.parent)}
    done = subprocess.run(
        [sys.executable, "-c", DRIVE, argv, str(TOY)],
        cwd=folder,
        env=env,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return [part.partition("\n")[2] for part in done.stdout.split(">>> ")[1:]]


@pytest.fixture(scope="module")
def toy(tmp_path_factory):
    """A folder with a table and a run of the toy kind, after all commands."""
    folder = tmp_path_factory.mktemp("toy")
    np.savetxt(folder / "rows.csv", ROWS * [1, 5, 1, 1], delimiter=",", header="a,b,c,d", comments="")
    told = driven(
        folder,
        ["fit", "rows.csv", "--model", "toy-pca", "--toy-dim", "1", "--out", "run"],
        ["models"],
        ["evaluate", "run", "--json"],
        ["diagnose", "run"],
        ["sample", "run", "-n", "3", "--out", "drawn.csv"],
        ["encode", "run", "rows.csv", "--out", "codes.csv"],
        ["report", "run"],
    )
    (folder / "told.json").write_text(json.dumps(told))
    return folder


def test_no_file_of_the_library_knows_the_toy():
    for path in SRC.rglob("*.py"):
        assert "toy" not in path.read_text().lower(), path


def test_a_kind_from_its_own_folder_is_driven_by_every_command(toy):
    _, models, evaluated, diagnosed, *_ = json.loads((toy / "told.json").read_text())
    assert "toy-pca" in models
    told = json.loads(evaluated)
    assert told["model"] == "toy-pca"
    assert told["log_likelihood"] == pytest.approx(-6.9, abs=1.5)
    assert "verdict: healthy" in diagnosed
    assert len((toy / "drawn.csv").read_text().splitlines()) == 4
    assert len((toy / "codes.csv").read_text().splitlines()) == 121
    assert "Shares of variance" in (toy / "run" / "report.html").read_text()
    assert json.loads((toy / "run" / "config.json").read_text())["plugins"] == [
        {"what": "kind", "name": "ToyPCA", "module": "toy_kind"}
    ]


def test_its_flags_are_its_own(toy):
    line = command(toy, "fit", "rows.csv", "--toy-dim", "2", "--plugin", TOY, status=2)
    assert (
        line
        == "latentia: error: --toy-dim is for toy models; sigma-vae takes --latent-dim and --epochs and --minutes"
    )
    line = command(
        toy, "fit", "rows.csv", "--model", "toy-pca", "--epochs", "2", "--out", "x", "--plugin", TOY, status=2
    )
    assert line.endswith("toy-pca takes --toy-dim")


def test_what_it_cannot_do_is_one_line(toy):
    line = command(toy, "inpaint", "run", "--plugin", TOY, status=2)
    assert line.startswith("latentia: error: inpaint needs")
    assert "this run is a toy-pca (toy models)" in line


def test_a_run_never_imports_what_it_names(toy):
    """The module lies beside the run, ready to be imported; the error says how, and nothing runs."""
    (toy / "toy_kind.py").write_text("raise SystemExit('imported because a folder named it')")
    line = command(toy, "evaluate", "run", status=2, path=toy)
    assert line == (
        "latentia: error: run needs the kind of the estimator ToyPCA, which the module 'toy_kind' registers: import toy_kind first, "
        "or give --plugin toy_kind (or the path of its .py file)"
    )


def test_entry_points_of_installed_packages_are_found(toy, tmp_path):
    """As pip leaves a package: its metadata beside it."""
    site = tmp_path / "site"
    site.mkdir()
    for source in (TOY, *TOY.parent.glob("toypca/*.py")):
        place = site / source.relative_to(TOY.parent)
        place.parent.mkdir(exist_ok=True)
        place.write_text(
            source.read_text().replace("register(kind=KIND)", "").replace("from latentia import register", "")
        )
    info = site / "toy_kind-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: toy_kind\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[latentia.kinds]\ntoy-pca = toy_kind:KIND\nbroken = not_there:KIND\n"
    )
    told = json.loads(command(tmp_path, "evaluate", toy / "run", "--json", path=site))
    assert told["model"] == "toy-pca"


@pytest.mark.parametrize(
    ("plugin", "words"),
    [("not_there.py", "there is no such file"), ("not_there", "No module named"), ("broken.py", "ZeroDivisionError: division by zero")],
)  # fmt: skip
def test_a_plug_in_that_cannot_be_had_is_one_line(plugin, words, tmp_path):
    (tmp_path / "broken.py").write_text("1 / 0")
    line = command(tmp_path, "models", "--plugin", plugin, status=2)
    assert line.startswith(f"latentia: error: --plugin {plugin}")
    assert words in line


# ---------------------------------------------------------------------- parts of models

PARTS = """
import torch
from torch import nn
import latentia
from latentia.latent import Likelihood
from latentia.nn import Network
from latentia.kinds.vae.catalog import CATALOG
from dataclasses import replace

class Laplace(Likelihood):
    def forward(self, outputs, x=None):
        return torch.distributions.Independent(torch.distributions.Laplace(outputs.squeeze(-2), 1.0), 1)

class Encoder(nn.Module):
    def __init__(self, event_shape, inputs=None):
        super().__init__()
        self.n_features = 8
        self.layer = nn.Linear(event_shape[0], 8)
    def forward(self, x):
        return self.layer(x).relu()

class Decoder(nn.Module):
    def __init__(self, latent_dim, n_outputs, event_shape):
        super().__init__()
        self.layer, self.shape = nn.Linear(latent_dim, n_outputs * event_shape[0]), (n_outputs, *event_shape)
    def forward(self, z):
        return self.layer(z).unflatten(-1, self.shape)

def heavy(trace, progress=1.0):
    from latentia.core import Loss
    total = -(trace.log_likelihood - 2 * trace.kl.sum(-1)).mean()
    return Loss(total, {"heavy": total})

latentia.register("my-laplace", likelihood=Laplace)
latentia.register("my-network", network=Network(Encoder, Decoder, "a line each way"))
latentia.register("my-objective", objective=heavy)
latentia.register("my-vae", model=replace(CATALOG["sigma-vae"], summary="mine", reference="me"))
"""
USE = "latentia.VAE('my-vae', likelihood='my-laplace', network='my-network', objective='my-objective', max_epochs=1, random_state=0)"


def python(folder, *lines):
    """A script in a process of its own."""
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(SRC.parent), str(folder)])}
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(lines)],
        cwd=folder,
        env=env,
        capture_output=True,
        text=True,
        timeout=120,
    )
    return done.returncode, done.stdout.strip(), done.stderr.strip()


def test_parts_are_saved_by_name_and_found_in_a_new_process(tmp_path):
    (tmp_path / "my_parts.py").write_text(PARTS)
    np.save(tmp_path / "rows.npy", ROWS)
    X = "import numpy as np; X = np.load('rows.npy')"
    status, fitted, err = python(
        tmp_path, "import latentia, my_parts", X, f"e = {USE}.fit(X)", "e.save('run')", "print(e.score(X))"
    )
    assert status == 0, err
    unknown = "import latentia", "try: latentia.load('run')", "except Exception as error: print(error)"
    status, told, err = python(
        tmp_path, *unknown, "import my_parts", X, "print(latentia.load('run').score(X))"
    )
    assert status == 0, err
    refused, again = told.splitlines()
    assert "which the module 'my_parts' registers: import my_parts first" in refused
    assert again == fitted
    told = command(
        tmp_path, "fit", "rows.npy", "--model", "my-vae", "--set", "likelihood=my-laplace", "--epochs", "1", "--out", "typed",
        "--plugin", "my_parts.py", "--quiet",
    )  # fmt: skip
    assert "verdict" in told
    assert "sigma-vae" not in command(tmp_path, "evaluate", "typed", "--json", "--plugin", "my_parts.py")


def test_a_part_that_is_an_object_can_be_used_but_not_saved(tmp_path):
    e = latentia.VAE(likelihood=lambda shape: GaussianLikelihood(shape), **QUICK).fit(ROWS)
    with pytest.raises(ConfigError, match=r"latentia.register\('my-likelihood', likelihood=...\)"):
        e.save(tmp_path / "run")


class _Encoder(nn.Module):
    def __init__(self, event_shape, inputs=None):
        super().__init__()
        self.n_features = 3
        self.layer = nn.Linear(event_shape[0], 3)

    def forward(self, x):
        return self.layer(x)


class _Decoder(nn.Module):
    def __init__(self, latent_dim, n_outputs, event_shape):
        super().__init__()
        self.layer, self.shape = nn.Linear(latent_dim, n_outputs * event_shape[0]), (n_outputs, *event_shape)

    def forward(self, z):
        return self.layer(z).unflatten(-1, self.shape)


def _encoder(**changes):
    return Network(type("Encoder", (_Encoder,), changes), _Decoder, "")


def _decoder(**changes):
    return Network(_Encoder, type("Decoder", (_Decoder,), changes), "")


def _likelihood(forward, base=Likelihood, **changes):
    return type("Mine", (base,), {"forward": forward, **changes})


def _no_features(self, event_shape, inputs=None):
    nn.Module.__init__(self)


def _independent(outputs, x=None):
    return torch.distributions.Independent(torch.distributions.Normal(outputs.squeeze(-2), 1.0), 1)


BREACHES = {
    "encoder takes no inputs": ({"network": Network(lambda shape: None, _Decoder, "")}, "encoder <lambda> fails", "an encoder is made by"),
    "encoder is no module": ({"network": Network(lambda shape, inputs=None: 1, _Decoder, "")}, "the encoder is a int", "an encoder is made by"),
    "encoder without n_features": ({"network": _encoder(__init__=_no_features)}, "n_features=None", "an encoder is made by"),
    "encoder of another width": ({"network": _encoder(forward=lambda self, x: x)}, "features of shape [2, 4], expected [2, 3]", "an encoder is made by"),
    "encoder that fails": ({"network": _encoder(forward=lambda self, x: x @ x)}, "the encoder fails on [2, 4]", "an encoder is made by"),
    "decoder of another shape": ({"network": _decoder(forward=lambda self, z: self.layer(z))}, "outputs of shape [2, 4], expected [2, 1, 4]", "a decoder is made by"),
    "decoder gives a list": ({"network": _decoder(forward=lambda self, z: [1])}, "the decoder gives a list", "a decoder is made by"),
    "network is no network": ({"network": 3}, "network=3", "latentia.nn.Network"),
    "likelihood is none": ({"likelihood": lambda shape: nn.Linear(2, 2)}, "gives a Linear", "a likelihood is made by"),
    "likelihood fails": ({"likelihood": lambda shape: shape.nothing}, "AttributeError", "a likelihood is made by"),
    "likelihood without x": ({"likelihood": _likelihood(lambda self, outputs: None)}, "the likelihood fails", "a likelihood is made by"),
    "no distribution": ({"likelihood": _likelihood(lambda self, outputs, x=None: outputs)}, "gives a Tensor", "a likelihood is made by"),
    "event not independent": ({"likelihood": _likelihood(lambda self, outputs, x=None: torch.distributions.Normal(outputs.squeeze(-2), 1.0))}, "batch shape [1, 2, 4] and event shape []", "a likelihood is made by"),
    "n_outputs": ({"likelihood": _likelihood(lambda self, outputs, x=None: None, n_outputs="2")}, "n_outputs='2'", "a likelihood is made by"),
    "not a number": ({"likelihood": _likelihood(lambda self, outputs, x=None: _independent(outputs * float("nan")))}, "", "a likelihood is made by"),
}  # fmt: skip


@pytest.mark.parametrize("breach", BREACHES)
def test_a_breach_of_contract_is_one_error_when_the_model_is_built(breach):
    params, says, contract = BREACHES[breach]
    model = latentia.VAE(**QUICK, **params)
    with pytest.raises(ConfigError) as caught:
        model.fit(ROWS)
    assert says in str(caught.value)
    assert contract in str(caught.value)
    assert not hasattr(model, "module_")


@pytest.mark.parametrize(
    ("objective", "says"),
    [
        (lambda trace, progress: trace.elbo.mean(), "gives a Tensor"),
        (lambda trace: Loss(trace.elbo.mean(), {}), "the objective fails"),
        (lambda trace, progress: Loss(trace.elbo.detach().mean(), {}), "requires_grad=False"),
    ],
)
def test_an_objective_that_is_none(objective, says):
    latentia.register("not-an-objective", objective=objective)
    with pytest.raises(ConfigError, match="an objective is called as") as caught:
        latentia.VAE(objective="not-an-objective", **QUICK).fit(ROWS)
    assert says in str(caught.value)


def test_checks_of_own_parts_change_no_bit():
    """The dry pass of a part from elsewhere draws from generators of its own."""
    network = Network(_Encoder, _Decoder, "")
    torch.manual_seed(1)
    state = torch.get_rng_state()
    first = latentia.VAE(network=network, **QUICK).fit(ROWS).score(ROWS)
    assert torch.equal(torch.get_rng_state(), state)
    torch.manual_seed(2)
    assert latentia.VAE(network=network, **QUICK).fit(ROWS).score(ROWS) == first


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({}, "give one of"),
        ({"name": "x", "likelihood": GaussianLikelihood, "objective": abs}, "give one of"),
        ({"likelihood": GaussianLikelihood}, "needs a name"),
        ({"name": "gaussian", "likelihood": GaussianLikelihood}, "already, of latentia itself"),
        ({"name": "x", "likelihood": 3}, "can be called"),
        ({"name": "x", "network": 3}, "latentia.nn.networks.Network"),
        ({"name": "x", "model": 3}, "expected an entry of a catalog"),
        ({"kind": 3}, "expected a latentia.kinds.kind.Kind"),
    ],
)
def test_register_says_what_it_takes(arguments, words):
    with pytest.raises(ConfigError, match=words.replace("(", r"\(")):
        latentia.register(**arguments)
