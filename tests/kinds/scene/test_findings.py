"""The truth table of verdicts on scenes: made states, and modules that were broken on purpose, are named right."""

from __future__ import annotations

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch

from latentia import SceneVAE
from latentia.data import MultiDigits, MultiSprites
from latentia.diagnostics import ordered
from latentia.kinds.scene.findings import found_in
from latentia.kinds.scene.state import SceneState, state_of
from latentia.kinds.scene.words import WORDS

RANDOM = np.random.default_rng(3)
COUNTS = np.repeat([0, 1, 2], 100)
LIVELY = np.array([0.5, 0.2, 0.3])
WINDOWS = SceneState(
    300, True, 3, COUNTS, COUNTS, entropy=0.02, doubled=0.0, unpaid=0.01, touching=0.0, leak=0.01, code_variance=LIVELY
)  # fmt: skip
MASKS = SceneState(
    300, False, 4, COUNTS, COUNTS, scale=0.1, effective=np.full(300, 1.6), alone=0.3, mask_variance=0.08, pieces=1.05, touching=0.01,
    leak=0.02, code_variance=LIVELY,
)  # fmt: skip
FULL = np.full(300, 3)

STATES = {
    "healthy windows": (WINDOWS, []),
    "healthy masks": (MASKS, []),
    "always none": (replace(WINDOWS, numbers=np.zeros(300, int)), ["count collapse"]),
    "always all": (replace(WINDOWS, numbers=FULL), ["count collapse", "slots exhausted"]),
    "on white": (replace(WINDOWS, ground=0.9), ["ground not black"]),
    "on nearly black": (replace(WINDOWS, ground=0.05), []),
    "never sure": (replace(WINDOWS, entropy=0.9), ["count collapse"]),
    "always two, and rightly": (replace(WINDOWS, numbers=COUNTS * 0 + 2, regions=COUNTS * 0 + 2), []),
    "two windows on one object": (replace(WINDOWS, doubled=0.2), ["doubled objects"]),
    "windows that do not pay": (replace(WINDOWS, unpaid=0.2), ["doubled objects"]),
    "all objects alike": (replace(WINDOWS, code_variance=np.full(3, 1e-4)), ["posterior collapse"]),
    "one live number of three": (replace(WINDOWS, code_variance=np.array([0.4, 0, 0])), ["partial posterior collapse"]),
    "one slot": (
        replace(MASKS, effective=np.full(300, 1.0), alone=0.001, mask_variance=0.0, numbers=COUNTS * 0, code_variance=None),
        ["all in one slot"],
    ),
    "one slot, but small objects": (replace(MASKS, effective=np.full(300, 1.1)), []),
    "stripes": (replace(MASKS, mask_variance=1e-4), ["masks ignore the image"]),
    "slots of colours": (replace(MASKS, pieces=1.9), ["grouped by colour"]),
    "objects take the ground": (replace(MASKS, touching=0.5), ["background leak"]),
    "objects take the true ground": (replace(MASKS, leak=0.3), ["background leak"]),
    "all places taken": (replace(MASKS, numbers=FULL, regions=FULL), ["slots exhausted"]),
    "many places": (replace(MASKS, n_slots=8), ["slots idle"]),
}  # fmt: skip


@pytest.mark.parametrize("name", STATES)
def test_made_states_are_named(name):
    state, faults = STATES[name]
    verdict = ordered(found_in(state), WORDS.order)
    assert list(verdict.names) == faults
    assert all(finding.remedies for finding in verdict.findings if finding.name)
    for finding in verdict.findings:
        if finding.strength is not None:
            assert (finding.strength > 1) == bool(finding.name), finding


@pytest.fixture(scope="module")
def digits():
    return MultiDigits(size=16, digits=(0, 2), scale=(2.0, 0.1)).sample(80, seed=5)


@pytest.fixture(scope="module")
def air(digits):
    return SceneVAE("air", n_slots=2, latent_dim=4, max_epochs=1, random_state=0).fit(digits.x)


@pytest.fixture(scope="module")
def sprites():
    return MultiSprites(size=16, objects=(1, 2)).sample(60, seed=5)


@pytest.fixture(scope="module")
def monet(sprites):
    return SceneVAE("monet", n_slots=3, latent_dim=4, max_epochs=1, random_state=0).fit(sprites.x)


def broken(estimator, change):
    made = copy.deepcopy(estimator)
    with torch.no_grad():
        change(made.module_)
    return made


@pytest.mark.parametrize(("bias", "found"), [(-10.0, 0), (10.0, 2)])
def test_a_count_that_never_moves_is_count_collapse(air, digits, bias, found):
    def stop(module):
        module.head[-1].bias[0] = bias
        module.head[-1].weight[0] = 0

    made = broken(air, stop)
    assert set(made.count(digits.x)) == {found}
    assert "count collapse" in made.diagnose(digits.x, thorough=False).names


def test_an_object_found_twice_is_doubled(air, digits):
    def same_place(module):
        module.head[-1].bias[:] = 0
        module.head[-1].bias[0] = 10.0
        module.head[-1].weight[:] = 0

    made = broken(air, same_place)
    assert state_of(made, digits.x, {}).doubled == 1.0
    assert "doubled objects" in made.diagnose(digits.x, thorough=False).names


def test_masks_that_know_no_image_are_named(monet, sprites):
    def stripes(module):  # the mask logits depend on the place alone, and differ by slot
        decode = module.decoder.forward
        bars = 8.0 * torch.eye(3)[torch.arange(16) // 6].T[:, None, :].expand(3, 16, 16)

        def forward(z):
            out = decode(z).clone()
            out[:, -1] = bars.repeat(len(z) // 3, 1, 1)
            return out

        module.decoder.forward = forward

    assert "masks ignore the image" in broken(monet, stripes).diagnose(sprites.x, thorough=False).names


def test_a_single_slot_is_all_in_one_slot(sprites):
    alone = SceneVAE("monet", n_slots=1, latent_dim=4, max_epochs=0, random_state=0).fit(sprites.x)
    assert "all in one slot" in alone.diagnose(sprites.x, thorough=False).names


def test_windows_on_colours_are_told(sprites):
    model = SceneVAE("air", n_slots=2, latent_dim=4, max_epochs=0, random_state=0).fit(sprites.x)
    verdict = model.diagnose(sprites.x, thorough=False).verdict
    assert verdict.name == "ground not black"
    assert verdict.actions[0].models[0] == "genesis-v2"


def test_remedies_are_fits_that_differ(air, digits):
    verdict = air.diagnose(digits.x, thorough=False).verdict
    for action in verdict.actions:
        for name, value in action.settings.items():
            assert name in air.get_params()
            assert value != getattr(air, name)
