"""A fit that a person ended early is under-trained, whatever its kind: its learning rate came to rest, so that its curve looks done."""

from __future__ import annotations

import pytest

import gallery
from latentia.kinds import KINDS

# a kind each; of vectors, codes, densities, sequences, series, scenes and videos
NAMED = {
    exhibit.kind.name: exhibit
    for exhibit in gallery.exhibits()
    if "under-trained" in exhibit.kind.words.order and exhibit.kind.name != "transducer"
}


def test_every_kind_that_can_be_undertrained_is_looked_at():
    judged = {name for name, kind in KINDS.items() if "under-trained" in kind.words.order}
    assert judged - set(NAMED) == {"transducer"}  # it learns its training pairs or does not: that is its rule


@pytest.mark.parametrize("name", NAMED)
def test_an_interrupted_fit_is_undertrained(name):
    run = gallery.opened(NAMED[name], anew=True)
    run.estimator.cooled_ = False
    run.estimator.history_[-1] |= {"step": 40, "epoch": 1}
    run.estimator.settings_ |= {"max_epochs": 2000}
    without = run.evaluate(n_importance=2, items=40)
    run.estimator.cooled_ = True
    found = run.evaluate(n_importance=2, items=40)
    assert found["verdicts"][0] == "under-trained"  # a code that tells nothing may not yet have learned to
    assert "The fit was over after 40 updates" in " ".join(found["evidence"])
    assert "The fit was over after" not in " ".join(without["evidence"])
