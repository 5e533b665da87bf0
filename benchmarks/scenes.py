"""What models of scenes learn: counts and windows of AIR, its published gradients, masks, speed of the loops.

`--only NAME --seed N` runs one row and prints its figure; without `--only` all rows of the CPU are run one after another. `--quick` takes
3000 images of 28 x 28 pixels with digits of scikit-learn, and a few seconds. Rows:

* air-count: share of test images of 0 to 2 digits (40 x 40 pixels, digits of 20) with the right number.
* air-nvil, air-relaxed: the same with the published gradients of the count, for as many steps.
* air-exact-against-nvil: accuracy with the count summed out less that with the published gradient, after `--seconds` of CPU time each.
* air-separation: ARI over the pixels of digits on other images of two that lie closer (10 pixels apart instead of 15, so that many touch), with
  connected regions of the same images beside it.
* monet-masks: squared error of MONet over that of an untrained one, 16 x 16 pixels, one or two sprites.
* air-speed: training steps a second of AIR over those of the published loop (a window at a time by `grid_sample`, a drawn count).

`--gpu` runs those that need a card, each within 30 minutes; the fits see first how long an epoch takes, and go on for 22 minutes:

* sprites-grey, tetrominoes, sprites-same: ARI over the pixels of objects, 64 x 64 pixels (tetrominoes 35 x 35), beside connected regions and
  k-means; of same colours the better of two models.
* air-published: AIR on the digits of its paper, 50 x 50 pixels: accuracy of the count, and the bound.
* masks-speed: images a second of MONet and GENESIS-V2 over those of MONet's published loop, a slot at a time.

`--steps N` (few) shows on any machine that such a row runs.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np
import torch
from torch import nn

from latentia import SceneVAE
from latentia.data import MultiDigits, MultiSprites
from latentia.data.digits import digit_images
from latentia.data.drawn import PRESETS
from latentia.data.scenes import Scenes
from latentia.models.scenes.genesis import GenesisV2
from latentia.models.scenes.monet import MONet
from latentia.objectives.scenes import monet as monet_objective
from latentia.objectives.setting import ObjectiveSetting
from latentia.training.optimizers import optimizers_for
from scene_loops import AirLoop, MonetLoop, chosen_rows, steps_by_turns


@dataclass(frozen=True)
class Setting:
    """The images of AIR, and how long it learns from them.

    Attributes:
        digits: of training, validation and test.
        touching: of the row on separation.
        n_train: images.
        epochs: passes over them.
        mnist: whether digits are those of MNIST; else of scikit-learn.
    """

    digits: MultiDigits
    touching: MultiDigits
    n_train: int
    epochs: int
    mnist: bool


FULL = Setting(
    MultiDigits(size=40, digits=(0, 2), scale=(1.4, 0.0), overlap=True, apart=15),
    MultiDigits(size=40, digits=(2, 2), scale=(1.4, 0.0), overlap=True, apart=10),
    20_000, 12, mnist=True,
)  # fmt: skip
QUICK = Setting(
    MultiDigits(size=28, digits=(0, 2), scale=(1.2, 0.0), overlap=True, apart=10),
    MultiDigits(size=28, digits=(2, 2), scale=(1.2, 0.0), overlap=True, apart=7),
    3000, 12, mnist=False,
)  # fmt: skip
N_TEST, BATCH = 1000, 64
SMALL = {"multi-dsprites-grey": 16, "multi-dsprites-same": 16, "tetrominoes": 14}
setting = FULL
seconds_given, steps_given = 55.0, None


@cache
def digits(part: str, n: int) -> Scenes:
    """Pictures of digits; no digit of the training part is in the test part."""
    seed = ("train", "validation", "test").index(part)
    images = digit_images("test" if part == "test" else "train", mnist=setting.mnist)
    return setting.digits.sample(n, seed=seed, source=images)


@cache
def fitted(model: str, seed: int) -> tuple[SceneVAE, float]:
    """AIR on digits, and the CPU seconds that its fit took."""
    started = time.process_time()
    estimator = SceneVAE(model, max_epochs=setting.epochs, batch_size=BATCH, random_state=seed)
    estimator.fit(digits("train", setting.n_train).x, validation=digits("validation", 500).x)
    return estimator, time.process_time() - started


def air_count(seed: int, model: str = "air") -> str:
    """Accuracy of the number of digits."""
    estimator, seconds = fitted(model, seed)
    test = digits("test", N_TEST)
    accuracy = float((estimator.count(test.x) == test.counts).mean())
    return f"accuracy {accuracy:.3f} ({model}, seed {seed}, {seconds:.0f} CPU seconds, {N_TEST} images)"


def air_separation(seed: int) -> str:
    """ARI over the pixels of digits on images of two that often touch."""
    estimator, seconds = fitted("air", seed)
    test = setting.touching.sample(500, seed=3, source=digit_images("test", mnist=setting.mnist))
    found = estimator.separation(test.x, test.truth)
    assert found.masks is not None
    assert found.components is not None
    return (
        f"ari_fg {found.masks.ari_fg.value:.3f} (connected regions {found.components.ari_fg.value:.3f}; seed {seed}, "
        f"{seconds:.0f} CPU seconds, {len(test)} images)"
    )


def monet_masks(seed: int) -> str:
    """Squared error of MONet over that of an untrained one; ARI beside both baselines."""
    maker = MultiSprites(size=16, objects=(1, 2))
    train, test = maker.sample(4000, seed=0), maker.sample(300, seed=1)
    started = time.process_time()
    estimator = SceneVAE(
        "monet", n_slots=3, latent_dim=8, learning_rate=1e-3, max_epochs=36, batch_size=32, random_state=seed
    )
    untrained = SceneVAE("monet", n_slots=3, latent_dim=8, max_epochs=0, random_state=seed).fit(train.x)
    before = untrained.evaluate(test.x, n_importance=0).sse_of_mean
    estimator.fit(train.x)
    after = estimator.evaluate(test.x, n_importance=0).sse_of_mean
    assert before is not None
    assert after is not None
    found = estimator.separation(test.x, {"masks": test.masks})
    assert found.masks is not None
    assert found.components is not None
    assert found.kmeans is not None
    return (
        f"error {after / before:.3f} of the untrained one (ari_fg {found.masks.ari_fg.value:.3f}, connected regions "
        f"{found.components.ari_fg.value:.3f}, k-means {found.kmeans.ari_fg.value:.3f}; seed {seed}, "
        f"{time.process_time() - started:.0f} CPU seconds)"
    )


def air_speed(seed: int) -> str:
    """Training steps a second over those of the published loop, taken by turns."""
    torch.manual_seed(seed)
    x = digits("validation", 500).x
    ours = SceneVAE("air", max_epochs=0, random_state=seed).fit(x).module_.train()
    theirs, batch = AirLoop(setting.digits.size), torch.from_numpy(x[:BATCH]).float() / 255
    found = steps_by_turns(
        {"ours": (ours, lambda: -ours.trace(batch).elbo.mean()), "theirs": (theirs, lambda: theirs(batch))}
    )
    return (
        f"speed {found['theirs'] / found['ours']:.2f} times the published loop ({1000 * found['ours']:.0f} against "
        f"{1000 * found['theirs']:.0f} CPU ms a step)"
    )


def learned_for(model: str, seed: int, seconds: float) -> tuple[float, int]:
    """Accuracy of the number of digits after so many CPU seconds of a plain loop, and its steps."""
    train = digits("train", setting.n_train).x
    estimator = SceneVAE(model, max_epochs=0, random_state=seed).fit(train[:500])
    module, objective = estimator.module_.train(), estimator.objective_
    (adam,) = optimizers_for(module, "adamw", 5e-4, 0.0, 1, fused=False)
    pixels, random = torch.from_numpy(train), np.random.default_rng(seed)
    torch.manual_seed(seed)
    steps, started, progress = 0, time.process_time(), 0.0
    while progress < 1:
        module.advance(progress)
        for group in adam.param_groups:
            group["lr"] = 2.5e-4 * group["factor"] * min(1.0, steps / 50) * (1 + np.cos(np.pi * progress))
        x = pixels[random.integers(len(pixels), size=BATCH)].float() / 255
        loss = objective(module.trace(x), progress).total
        adam.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(module.parameters(), 50 * x[0].numel() ** 0.5)
        adam.step()
        steps, progress = steps + 1, min(1.0, (time.process_time() - started) / seconds)
    module.advance(1.0)
    module.eval()
    test = digits("test", N_TEST)
    return float((estimator.count(test.x) == test.counts).mean()), steps


def exact_against_nvil(seed: int) -> str:
    """Accuracy of the count at equal CPU seconds, with n summed out and with n drawn; q(n) is kept open alike in both."""
    found = {model: learned_for(model, seed, seconds_given) for model in ("air", "air-nvil")}
    (exact, many), (drawn, few) = found["air"], found["air-nvil"]
    return (
        f"difference {exact - drawn:+.3f} (exact {exact:.3f} in {many} steps, nvil {drawn:.3f} in {few}; seed {seed}, "
        f"{seconds_given:.0f} CPU seconds each)"
    )


# ------------------------------------------------------------------ on a card


def drawn(name: str, n: int, seed: int) -> Scenes:
    """Pictures by the name that `latentia fit` knows them by."""
    maker = PRESETS[name]
    return (replace(maker, size=SMALL[name]) if setting is QUICK else maker).sample(n, seed=seed)


def within(minutes: float, model: str, x: np.ndarray, **options: Any) -> tuple[SceneVAE, float]:
    """A fit of about so many minutes: a sixteenth of the data is gone through first, to see how long an epoch takes."""
    if steps_given is not None:
        x, passes = x[: steps_given * 4], 1
        options = {**options, "batch_size": 4}
    else:
        started = time.perf_counter()
        SceneVAE(model, max_epochs=1, **options).fit(x[: len(x) // 16])
        passes = max(1, int(minutes * 60 / (16 * (time.perf_counter() - started))))
    started = time.perf_counter()
    estimator = SceneVAE(model, max_epochs=passes, **options).fit(x)
    return estimator, time.perf_counter() - started


def separated(name: str, model: str, seed: int, minutes: float, **options: Any) -> tuple[float, str]:
    """ARI over the pixels of objects on drawn pictures, and all that is known of it in words."""
    many, few = (50_000, 500) if steps_given is None else (4 * steps_given + 4, 8)
    train, test = drawn(name, many, 0), drawn(name, few, 1)
    estimator, seconds = within(minutes, model, train.x, random_state=seed, batch_size=64, **options)
    found = estimator.separation(test.x, {"masks": test.masks})
    assert found.masks is not None
    assert found.components is not None
    assert found.kmeans is not None
    own = found.masks.ari_fg.value
    return own, (
        f"{model} {own:.3f} (covering {found.masks.covering.value:.3f}, connected regions {found.components.ari_fg.value:.3f}, "
        f"k-means {found.kmeans.ari_fg.value:.3f}; seed {seed}, {len(estimator.history_)} epochs in {seconds:.0f} seconds)"
    )


def sprites_grey(seed: int) -> str:
    """GENESIS-V2 on bright shapes on grey."""
    return "ari_fg " + separated("multi-dsprites-grey", "genesis-v2", seed, 22, n_slots=6)[1]


def tetrominoes(seed: int) -> str:
    """Slot attention on tetrominoes."""
    found = separated("tetrominoes", "slot-attention", seed, 22, n_slots=4, learning_rate=4e-4)
    return "ari_fg " + found[1]


def sprites_same(seed: int) -> str:
    """The better of two models on pictures whose objects share one colour."""
    both = [
        separated("multi-dsprites-same", model, seed, 10, n_slots=5, learning_rate=4e-4)
        for model in ("genesis-v2", "slot-attention")
    ]
    return "ari_fg " + "; ".join(text for _, text in sorted(both, reverse=True))


def air_published(seed: int) -> str:
    """AIR on the digits of its paper, 50 x 50 pixels, with the paper's deviation of pixels."""
    maker = replace(MultiDigits(), size=30) if setting is QUICK else MultiDigits()
    many, few = (60_000, 1000) if steps_given is None else (4 * steps_given + 4, 8)
    train = maker.sample(many, seed=0, source=digit_images("train", mnist=setting.mnist))
    test = maker.sample(few, seed=1, source=digit_images("test", mnist=setting.mnist))
    estimator, seconds = within(
        22, "air", train.x, random_state=seed, batch_size=64, latent_dim=50, scale=0.3
    )
    accuracy = float((estimator.count(test.x) == test.counts).mean())
    figures = estimator.evaluate(test.x, n_importance=0)
    assert figures.elbo is not None
    return (
        f"accuracy {accuracy:.3f} (bound {figures.elbo:.1f} nats; seed {seed}, {len(estimator.history_)} epochs in {seconds:.0f} seconds, "
        f"{len(test)} images)"
    )


def masks_speed(seed: int) -> str:
    """Images a second in training of MONet and GENESIS-V2 over those of MONet's published loop, six slots, by turns."""
    torch.manual_seed(seed)
    side, together, slots = (16, 4, 3) if setting is QUICK else (64, 32, 6)
    where = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    x = torch.from_numpy(MultiSprites(size=side).sample(together, seed=0).x).float().to(where) / 255
    monet = MONet((3, side, side), slots).to(where)
    genesis = GenesisV2((3, side, side), slots).to(where)
    attention = MONet((3, side, side), slots).attention
    plain = MonetLoop(attention, side, slots).to(where)
    objective = monet_objective(ObjectiveSetting(1, slots * 16, (3, side, side), 1))
    turns = 12 if steps_given is None else 3
    found = steps_by_turns(
        {
            "monet": (monet, lambda: objective(monet.trace(x)).total),
            "genesis-v2": (genesis, lambda: -genesis.trace(x).elbo.mean()),
            "plain": (plain, lambda: plain(x)),
        },
        turns,
    )
    text = ", ".join(f"{name} {together / seconds:.0f}" for name, seconds in found.items())
    return (
        f"speed {found['plain'] / found['monet']:.2f} of monet and {found['plain'] / found['genesis-v2']:.2f} of genesis-v2 times the "
        f"published loop ({text} images a second; {where.type})"
    )


ROWS: dict[str, Callable[[int], str]] = {
    "air-count": air_count,
    "air-separation": air_separation,
    "air-nvil": lambda seed: air_count(seed, "air-nvil"),
    "air-relaxed": lambda seed: air_count(seed, "air-relaxed"),
    "air-exact-against-nvil": exact_against_nvil,
    "monet-masks": monet_masks,
    "air-speed": air_speed,
}
GPU_ROWS: dict[str, Callable[[int], str]] = {
    "sprites-grey": sprites_grey,
    "tetrominoes": tetrominoes,
    "sprites-same": sprites_same,
    "air-published": air_published,
    "masks-speed": masks_speed,
}


def main(argv: list[str] | None = None) -> None:
    """Run what is asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", nargs="+", choices=[*ROWS, *GPU_ROWS])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--seconds", type=float, default=55.0)
    parser.add_argument("--gpu", action="store_true")
    parser.add_argument("--steps", type=int)
    given = parser.parse_args(argv)
    rows = chosen_rows(parser, given, ROWS, GPU_ROWS)
    global setting, seconds_given, steps_given
    setting, seconds_given, steps_given = QUICK if given.quick else FULL, given.seconds, given.steps
    digits.cache_clear()
    fitted.cache_clear()
    for name, row in rows.items():
        print(f"{name}: {row(given.seed)}", flush=True)


if __name__ == "__main__":
    main()
