"""What models of scenes learn on a CPU: counts and windows of AIR, its published gradients, masks of MONet, speed of the loops.

`--only NAME --seed N` runs one row and prints its figure; without `--only` all rows are run one after another. `--quick` takes 3000 images of
28 x 28 pixels with digits of scikit-learn, and a few seconds. Rows:

* air-count: share of test images of 0 to 2 digits (40 x 40 pixels, digits of 20) with the right number.
* air-nvil, air-relaxed: the same with the published gradients of the count, for as many steps.
* air-separation: ARI over the pixels of digits on other images of two that lie closer (10 pixels apart instead of 15, so that many touch), with
  connected regions of the same images beside it.
* monet-masks: squared error of MONet over that of an untrained one, 16 x 16 pixels, one or two sprites.
* air-speed: training steps a second of AIR over those of the published loop (a window at a time by `grid_sample`, a drawn count).
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from latentia import SceneVAE
from latentia.data import MultiDigits, MultiSprites
from latentia.data.digits import digit_images
from latentia.data.scenes import Scenes


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
setting = FULL


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
        "monet", n_slots=3, latent_dim=8, learning_rate=1e-3, max_epochs=12, batch_size=32, random_state=seed
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


class PublishedLoop(nn.Module):
    """AIR as it is usually written: an affine grid for every glimpse and paste, a drawn presence, a learned baseline."""

    def __init__(self, side: int, n: int = 3, d: int = 16, patch: int = 20, width: int = 256) -> None:
        super().__init__()
        self.side, self.n, self.patch = side, n, patch
        self.recur = nn.LSTMCell(side * side + 3 + d + 1, width)
        self.head = nn.Sequential(nn.Linear(width, 200), nn.ReLU(), nn.Linear(200, 7))
        self.look = nn.Sequential(
            nn.Linear(patch**2, 400), nn.ReLU(), nn.Linear(400, 200), nn.ReLU(), nn.Linear(200, 2 * d)
        )
        self.paint = nn.Sequential(nn.Linear(d, 200), nn.ReLU(), nn.Linear(200, patch**2))
        self.base_recur = nn.LSTMCell(side * side + 3 + d + 1, width)
        self.base_head = nn.Linear(width, 1)
        self.d, self.width = d, width

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The loss of a batch `[B, 1, H, W]`."""
        m, flat = len(x), x.flatten(1)
        state = base = (x.new_zeros(m, self.width), x.new_zeros(m, self.width))
        code, there = x.new_zeros(m, 3 + self.d), x.new_ones(m, 1)
        canvas, rate, score, guess = torch.zeros_like(x), x.new_zeros(m), x.new_zeros(m), x.new_zeros(m)
        for _ in range(self.n):
            given = torch.cat([flat, code, there], 1)
            state, base = self.recur(given, state), self.base_recur(given.detach(), base)
            logit, loc, raw = self.head(state[0]).split([1, 3, 3], 1)
            p = there * logit.sigmoid()
            there = torch.bernoulli(p.detach())
            score = score + torch.distributions.Bernoulli(p.clamp(1e-6, 1 - 1e-6)).log_prob(there)[:, 0]
            where = loc + F.softplus(raw) * torch.randn_like(loc)
            size = 0.2 + 0.5 * where[:, :1].sigmoid()
            zero = torch.zeros_like(size)
            shift = where[:, 1:].tanh()
            read = torch.stack(
                [torch.cat([size, zero, shift[:, :1]], 1), torch.cat([zero, size, shift[:, 1:]], 1)], 1
            )
            write = torch.stack(
                [
                    torch.cat([1 / size, zero, -shift[:, :1] / size], 1),
                    torch.cat([zero, 1 / size, -shift[:, 1:] / size], 1),
                ],
                1,
            )
            grid = F.affine_grid(read, [m, 1, self.patch, self.patch], align_corners=False)
            window = F.grid_sample(x, grid, align_corners=False)
            mean, spread = self.look(window.flatten(1)).chunk(2, 1)
            what = mean + F.softplus(spread) * torch.randn_like(mean)
            patch = self.paint(what).sigmoid().unflatten(1, (1, self.patch, self.patch))
            grid = F.affine_grid(write, [m, 1, self.side, self.side], align_corners=False)
            canvas = canvas + there[..., None, None] * F.grid_sample(patch, grid, align_corners=False)
            kl = 0.5 * (mean.square() + F.softplus(spread).square() - 1) - F.softplus(spread).log()
            kl_where = 0.5 * (loc.square() + F.softplus(raw).square() - 1) - F.softplus(raw).log()
            rate = rate + there[:, 0] * (kl.sum(1) + kl_where.sum(1))
            guess = guess + self.base_head(base[0])[:, 0]
            code = torch.cat([where, what], 1)
        loss = (x - canvas).square().flatten(1).sum(1) / (2 * 0.3**2) + rate
        return (loss + (loss - guess).detach() * score + (loss.detach() - guess).square()).mean()


def air_speed(seed: int) -> str:
    """Training steps a second over those of the published loop, taken by turns."""
    torch.manual_seed(seed)
    estimator = SceneVAE("air", max_epochs=0, random_state=seed).fit(digits("validation", 500).x)
    ours, theirs = estimator.module_.train(), PublishedLoop(setting.digits.size)
    x = torch.from_numpy(digits("validation", 500).x[:BATCH]).float() / 255

    def stepper(module: nn.Module, loss: Callable[[], torch.Tensor]) -> Callable[[], None]:
        adam = torch.optim.Adam(module.parameters(), 5e-4)

        def step() -> None:
            adam.zero_grad()
            loss().backward()
            adam.step()

        return step

    steps = {
        "ours": stepper(ours, lambda: -ours.trace(x).elbo.mean()),
        "theirs": stepper(theirs, lambda: theirs(x)),
    }
    seconds: dict[str, list[float]] = {name: [] for name in steps}
    for turn in range(12):
        for name, step in steps.items():
            started = time.process_time()
            for _ in range(3):
                step()
            if turn > 1:
                seconds[name].append((time.process_time() - started) / 3)
    fast, slow = float(np.median(seconds["ours"])), float(np.median(seconds["theirs"]))
    return f"speed {slow / fast:.2f} times the published loop ({1000 * fast:.0f} against {1000 * slow:.0f} CPU ms a step)"


ROWS: dict[str, Callable[[int], str]] = {
    "air-count": air_count,
    "air-separation": air_separation,
    "air-nvil": lambda seed: air_count(seed, "air-nvil"),
    "air-relaxed": lambda seed: air_count(seed, "air-relaxed"),
    "monet-masks": monet_masks,
    "air-speed": air_speed,
}


def main() -> None:
    """Run what is asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", nargs="+", choices=ROWS, default=list(ROWS))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--quick", action="store_true")
    given = parser.parse_args()
    if given.quick:
        global setting
        setting = QUICK
    for name in given.only:
        print(f"{name}: {ROWS[name](given.seed)}", flush=True)


if __name__ == "__main__":
    main()
