"""A command that is killed, or fails, at any operation on files, and is run again, leaves what one leaves that was let alone."""

from __future__ import annotations

import contextlib
import shutil

import numpy as np
import pytest

from faults import KILLED, command, contents, full, starved
from latentia import cli

TINY = ["--epochs", 1, "--set", "batch_size=16"]
FITS = {
    "mixture": ["t.csv", "--model", "gaussian-mixture", "--n-components", 2],
    "vae": ["t.csv", "--latent-dim", 2, *TINY],
    "vq": ["i.npy", "--model", "vq-vae", *TINY, "n_codes=4", "prior_epochs=1"],
    "pixelcnn": ["i.npy", "--model", "gated-pixelcnn", *TINY, "n_channels=4", "n_layers=1"],
    "image-vae": ["i.npy", "--latent-dim", 2, *TINY, "network=mlp"],
}
SAMPLED = {
    "mixture": 3,
    "vae": 11,
    "vq": 25,
    "pixelcnn": 17,
}  # every so manieth operation is tried in the quick tests


def furnish(folder):
    random = np.random.default_rng(0)
    rows = random.normal(size=(40, 3)) + 4 * random.integers(0, 2, (40, 1))
    np.savetxt(folder / "t.csv", rows, delimiter=",", header="a,b,c", comments="")
    np.save(folder / "i.npy", random.integers(0, 256, (40, 8, 8), dtype=np.uint8))


def fit(kind, *flags):
    return ["fit", *FITS[kind], "--seed", 0, "--out", "r", "--quiet", "--no-report", *flags]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Folders in which each kind was fitted; made when first asked for."""
    made = {}

    def of(kind):
        if kind not in made:
            folder = tmp_path_factory.mktemp(kind) / "work"
            folder.mkdir()
            furnish(folder)
            with contextlib.chdir(
                folder
            ):  # here, so that what is imported meanwhile is there for all children
                cli.main([str(word) for word in fit(kind)])
            made[kind] = folder
        return made[kind]

    return of


def started(whole, kind, tmp_path, with_run):
    """A fresh folder with the data, and perhaps with the fitted run."""
    folder = tmp_path / "work"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(whole(kind), folder)
    if not with_run:
        shutil.rmtree(folder / "r")
    return folder


def check(whole, kind, tmp_path, words, again, step, with_run, act=None):
    """Kill (or fail) `words` at each `step`-th operation, run `again`, and compare with a run that was let alone."""
    folder = started(whole, kind, tmp_path, with_run)
    status, count, said = command(words, folder)
    assert status == 0, said
    expected = contents(folder)
    assert count > 3
    for at in range(1, count + 1, step):
        folder = started(whole, kind, tmp_path, with_run)
        before = contents(folder)
        ended, _, said = command(words, folder, at, **({} if act is None else {"act": act}))
        if act is not None:
            assert ended in (0, 2), f"at {at}: {said}"
            assert ended == 0 or (len(said.splitlines()) == 1 and "latentia: error: " in said), (
                f"at {at}: {said}"
            )
            # the old run, or all of the new one without what comes after a fit
            gone = set(before) - set(contents(folder)) - {"r/evaluation.json"}
            assert not (with_run and gone), f"at {at}: {gone} are gone"
        else:
            assert ended == KILLED
        status, _, said = command(again, folder)
        assert status == 0, f"after operation {at} of {count}: {said}"
        found = contents(folder)
        assert found == expected, f"after operation {at} of {count}"
    tried, how = len(range(1, count + 1, step)), "killed" if act is None else act.__name__
    print(
        f"{kind}: {' '.join(map(str, words))}: {how} at {tried} of {count} operations on files, 0 changed a result"
    )


@pytest.mark.parametrize("kind", SAMPLED)
def test_a_fit_that_is_killed_and_resumed(whole, tmp_path, kind):
    check(whole, kind, tmp_path, fit(kind), fit(kind, "--resume"), SAMPLED[kind], False)


def test_a_fit_that_is_killed_while_it_replaces_another(whole, tmp_path):
    words = fit("mixture", "--overwrite")
    check(whole, "mixture", tmp_path, words, words, 17, True)


def test_an_evaluation_that_is_killed(whole, tmp_path):
    check(whole, "mixture", tmp_path, ["evaluate", "r"], ["evaluate", "r"], 5, True)


@pytest.mark.parametrize("act", [full, starved])
def test_a_fit_on_a_full_disk_or_without_memory(whole, tmp_path, act):
    check(whole, "mixture", tmp_path, fit("mixture"), fit("mixture", "--overwrite"), 23, False, act)


@pytest.mark.parametrize("act", [full, starved])
def test_a_fit_that_cannot_replace_another_leaves_it(whole, tmp_path, act):
    words = fit("mixture", "--overwrite")
    check(whole, "mixture", tmp_path, words, words, 27, True, act)


COMMANDS = {
    "evaluate": ["evaluate", "r", "--n-importance", 2],
    "report": ["report", "r"],
    "overwrite": None,
    "fit": None,
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", SAMPLED)
@pytest.mark.parametrize("name", COMMANDS)
def test_each_operation_of_each_command_of_each_kind(whole, tmp_path, kind, name):
    if name == "fit":
        check(whole, kind, tmp_path, fit(kind), fit(kind, "--resume"), 1, False)
    elif name == "overwrite":
        words = fit(kind, "--overwrite")
        check(whole, kind, tmp_path, words, words, 1, True)
    else:
        check(whole, kind, tmp_path, COMMANDS[name], COMMANDS[name], 1, True)


@pytest.mark.slow
def test_each_operation_of_compress(whole, tmp_path):
    pytest.importorskip("constriction")
    from PIL import Image

    folder = whole("image-vae")
    for i in range(3):
        Image.fromarray(np.load(folder / "i.npy")[i]).save(folder / f"{i}.png")
    words = ["compress", "0.png", "1.png", "2.png", "--run", "r", "--out", "c.ltnc"]
    check(whole, "image-vae", tmp_path, words, words, 1, True)
