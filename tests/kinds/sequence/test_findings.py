"""What figures of a model of sequences are called faults."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from latentia.diagnostics import TeacherForcing
from latentia.diagnostics.mutual_information import MutualInformation
from latentia.kinds.sequence import findings
from latentia.kinds.sequence.measures import Counted, Drawn, Rebuilt
from latentia.kinds.sequence.words import CHEATING, UNKNOWN_WORDS
from latentia.vocabulary import HOLES, UNDERTRAINED

COUNTS = Counted(unigram=-53.12, trigram=-44.68, trigram_per_token=4.88)
DIMS: Any = SimpleNamespace(latent_dim=16)


def forcing(forced: float, own: float, zero: float) -> TeacherForcing:
    return TeacherForcing(forced, 1.0, own, 0.0, 100, 10, forced, 6.0, 6.0, zero, zero)


def drop(nats: float) -> Any:
    return SimpleNamespace(drop=nats)


@pytest.mark.parametrize(
    ("dependence", "measured", "name"),
    [
        (0.001, forcing(4.84, 0.144, 0.144), CHEATING),  # figures of a collapsed and of a cured fit
        (8.9, forcing(4.53, 0.194, 0.113), ""),
        (
            0.001,
            forcing(5.8, 0.144, 0.144),
            "",
        ),  # it foretells badly: a decoder that has not learned cheats not
        (0.001, forcing(4.84, 0.194, 0.144), ""),
        (0.2, forcing(4.84, 0.144, 0.144), ""),
    ],
)
def test_a_decoder_cheats_where_it_foretells_well_and_needs_no_code(dependence, measured, name):
    found = findings.cheating(DIMS, drop(dependence), measured, COUNTS)
    assert found.name == name
    assert (found.strength > 1) == bool(name)
    assert bool(found.remedies) == bool(name)


def test_a_model_above_the_trigram_has_not_learned_enough():
    def judged(nats, rising=True, overfitted=False):
        return findings.below_counts(nats, COUNTS, 5, 128, rising=rising, overfitted=overfitted)

    assert judged(None) is None
    assert judged(-45.5).name == ""
    longer, stopped, overfitted = judged(-45.6), judged(-45.6, rising=False), judged(-45.6, overfitted=True)
    assert longer.name == stopped.name == overfitted.name == UNDERTRAINED
    assert longer.remedies[0].settings == {"max_epochs": 10}
    assert stopped.remedies[0].settings == {"network": {"width": 256}}
    assert overfitted.remedies[0].settings == {"network": {"dropout": 0.5}}


def test_draws_that_teach_half_as_much_as_data_are_unlike_them():
    draws = Drawn(200.0, 101.0, 0.0, 0.5, 0.5, 9.0, 9.0, 100)
    assert findings.holes(draws, 6, floored=True).name == ""
    unlike = Drawn(203.0, 101.0, 0.0, 0.5, 0.5, 9.0, 9.0, 100)
    with_floor, without = (findings.holes(unlike, 6, floored=floored) for floored in (True, False))
    assert with_floor.name == without.name == HOLES
    assert with_floor.remedies[0].settings == {"objective_options": {"nats": 4.0}}
    assert without.remedies[0].settings == {"max_epochs": 12}


def test_unknown_tokens_are_a_fault_from_a_fifth_on():
    assert findings.unknown(0.0, "word") is None
    assert findings.unknown(0.2, "word").name == ""
    words = findings.unknown(0.21, "word")
    assert (words.name, words.remedies[0].settings) == (UNKNOWN_WORDS, {"tokens": "char"})
    asked = [remedy.settings for remedy in findings.unknown(0.21, "char").remedies if remedy.is_command]
    assert asked == [{"tokens": {"unit": "char", "min_count": 1}}]


def test_what_codes_tell_and_reconstructions_do_not_show_is_a_note():
    told = MutualInformation.__new__(MutualInformation)
    object.__setattr__(told, "value", 3.0)
    leans = findings.leaning(told, Rebuilt(own=0.20, other=0.18, zero=0.1, exact=0.0, n=10))
    assert leans.name == ""
    assert "leans on its own words" in leans.evidence
    assert "leans" not in findings.leaning(told, Rebuilt(0.3, 0.18, 0.1, 0.0, 10)).evidence
