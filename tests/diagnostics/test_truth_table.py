"""The verdict on fits whose state is known because it was brought about. Thresholds were set on seeds 0 and 99."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from known_states import STATES

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("state", STATES)
def test_the_verdict_is_right(state, seed, real_data):
    make, expected = STATES[state]
    known = make(seed)
    found = known.vae.diagnose(known.test, train=known.train[:2000])
    assert found.name == expected, str(found)
    if state == "half dead":
        assert [d for d, alive in enumerate(found.evaluation.active) if not alive] == [5, 6, 7, 8, 9]
        assert "dimensions 5, 6, 7, 8, 9 carry nothing" in found.evidence[0]
    if state == "strong decoder":
        assert found.information.value < 0.1
        assert "model collapse" in found.evidence[0]
