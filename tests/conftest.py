from __future__ import annotations

import os
from functools import partial
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

# Real data beside the checkout are used without being asked for.
if "LATENTIA_DATA" not in os.environ and (ROOT.parent / "shared" / "data").is_dir():
    os.environ["LATENTIA_DATA"] = str(ROOT.parent / "shared" / "data")

# Workers of a parallel run must not fight over the cores.
os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real data sets; tests that need it skip, with the reason, where it is absent."""
    folder = os.environ.get("LATENTIA_DATA")
    if not folder or not (Path(folder) / "mnist").is_dir():
        pytest.skip("needs the real data sets: set LATENTIA_DATA to a folder that holds mnist/ and others")
    return Path(folder)


@pytest.fixture(scope="session")
def linear_gaussian() -> type:
    """The class of models whose every figure has a closed form."""
    from linear_gaussian import LinearGaussian  # imports torch, which reads the number of threads above

    return LinearGaussian


@pytest.fixture
def brief_refinement(monkeypatch: pytest.MonkeyPatch) -> None:
    """A diagnosis that optimises each posterior for 20 steps, not 200: for tests that ask whether there is one, not what it says."""
    from latentia.diagnostics.refinement import refine

    monkeypatch.setattr("latentia.diagnostics.diagnosis.refine", partial(refine, steps=20))
