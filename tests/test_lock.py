"""The lock holds what pyproject.toml asks for, in the versions of constraints.txt, each with hashes; torch, whose builds differ, is not in it."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LINE = re.compile(r"^([A-Za-z0-9._-]+)==([^\s\\]+)((?: \\\n    --hash=sha256:[0-9a-f]{64})*)", re.M)


def plain(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def pinned(name):
    return {plain(found[0]): (found[1], found[2]) for found in LINE.findall((ROOT / name).read_text())}


PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
CONSTRAINTS = {name: version for name, (version, _) in pinned("constraints.txt").items()}


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-dev.lock"])
def test_every_line_has_hashes_and_the_version_that_is_known_to_work(name):
    found = pinned(name)
    assert len(found) > 50
    assert {each for each, (_, hashes) in found.items() if not hashes} == set()
    other = {
        each: version for each, (version, _) in found.items() if CONSTRAINTS.get(each, version) != version
    }
    assert other == {}
    assert "torch" not in found


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-dev.lock"])
def test_all_that_is_asked_for_is_there(name):
    extras = PROJECT["project"]["optional-dependencies"]
    asked = [*PROJECT["project"]["dependencies"], *PROJECT["build-system"]["requires"]]
    if "dev" in name:
        asked += [
            each
            for extra in extras["dev"][0].partition("[")[2].rstrip("]").split(",")
            for each in extras[extra]
        ]
        asked += extras["dev"][1:]
    names = {plain(re.match(r"[A-Za-z0-9._-]+", each)[0]) for each in asked} - {"torch"}
    assert names - set(pinned(name)) == set()


def test_no_place_is_named_from_which_packages_come():
    for name in ("requirements.lock", "requirements-dev.lock", "constraints.txt", "Makefile"):
        assert not re.search(r"https?://|--index-url|find-links http", (ROOT / name).read_text()), name
