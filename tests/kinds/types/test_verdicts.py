"""The verdict on samples whose truth is known, and the words of each finding."""

from __future__ import annotations

import pytest

import latentia
from latentia.data.synthetic_communities import communities
from latentia.diagnostics.between import Between
from latentia.kinds.types.choosing import Choice, Tried
from latentia.kinds.types.honesty import Honesty
from latentia.kinds.types.judging import CONTINUOUS, judge

PAIR = {"n": 80, "p": 1e-6, "holm_p": 1e-6, "ks_p": 0.01}


@pytest.mark.parametrize(
    ("arrangement", "types", "gradient"),
    [("one", {1}, False), ("clusters", {2}, False), ("uniform", {2, 3}, True), ("beta", {2, 3}, True)],
)
def test_known_sets_are_called_what_they_are(arrangement, types, gradient):
    for seed in (0, 1):
        x, _ = communities(arrangement, 150, 20, seed=seed)
        found = latentia.CommunityTypes("1..3", n_init=1, folds=0, halves=0, bootstrap=0).fit(x)
        assert len(found.weights_) in types
        assert bool(found.honesty_.gradients) is gradient


def choice(*laplace, k):
    tried = tuple(
        Tried(i, value, 5, value, value, value, value, None, None, (value,), None)
        for i, value in enumerate(laplace, 1)
    )
    return Choice(tried, dict.fromkeys(("laplace", "bic", "aic", "icl"), k))


def between(observed, simulated, pair=(0, 1)):
    return Between(pair, observed=observed, simulated=simulated, **PAIR)


@pytest.mark.parametrize(
    ("honesty", "names"),
    [
        (Honesty((0.9, 1.0), (0.9,), (between(0.02, 0.01),)), ()),
        (Honesty((0.7, 0.8), (0.9,)), ("unstable-types",)),
        (Honesty((0.9, 0.9), (0.7, 0.74)), ("unstable-types",)),
        (Honesty((0.9,), (0.9,), (between(0.2, 0.02),)), ("gradient",)),
        (Honesty((0.5,), (0.4,), (between(0.2, 0.02),)), ("unstable-types", "gradient")),
        (Honesty(between=(between(0.2, 0.02),), halved=between(0.1, 0.1)), ()),
    ],
)
def test_each_finding_has_its_verdict(honesty, names):
    verdict = judge(choice(9.0, 5.0, 6.0, k=2), honesty, 2, "laplace", True)
    assert verdict.names == names
    if names:
        assert CONTINUOUS.text in verdict.remedies


def test_edges_one_type_and_unfinished_fits():
    edge = judge(choice(9.0, 5.0, k=2), Honesty(), 2, "laplace", True)
    assert edge.names == ("K at the edge",)
    assert any("Not looked at" in sentence for sentence in edge.evidence)
    one = judge(choice(4.0, 5.0, k=1), Honesty(), 1, "laplace", True)
    assert one.name == "healthy"
    assert any("One type" in sentence for sentence in one.evidence)
    assert judge(choice(9.0, 5.0, 6.0, k=2), Honesty(), 2, "laplace", False).names == ("not converged",)
