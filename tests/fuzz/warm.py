"""What all inputs share: libraries that are loaded once, and runs of each kind that are copied."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path

import numpy as np


class Runs:
    """A tiny run of each kind, fitted when it is first asked for; what is loaded meanwhile is there for all children."""

    def __init__(self, base: Path) -> None:
        random = np.random.default_rng(0)
        self.base, self.table, self.images = base, base / "table.csv", base / "images.npy"
        rows = random.normal(size=(60, 3)) + 4 * random.integers(0, 2, (60, 1))
        self.table.write_text(
            "a,b,c\n" + "".join(",".join(f"{value:.4f}" for value in row) + "\n" for row in rows)
        )
        np.save(self.images, random.integers(0, 256, (60, 8, 8), dtype=np.uint8))

    def __getitem__(self, name: str) -> Path:
        from latentia import cli

        out = self.base / "runs" / name
        if not out.exists():
            with contextlib.redirect_stdout(io.StringIO()):
                cli.main(["fit", *self._asked(name), "--seed", "0", "--out", str(out), "--quiet"])
        return out

    def _asked(self, name: str) -> list[str]:
        small = ["--epochs", "1", "--set", "batch_size=16"]
        table, images = str(self.table), str(self.images)
        return {
            "mixture": [table, "--model", "gaussian-mixture", "--n-components", "2"],
            "vae": [table, "--latent-dim", "2", *small],
            "image-vae": [images, "--latent-dim", "2", *small, "network=mlp"],
            "vq": [images, "--model", "vq-vae", *small, "n_codes=4", "prior_epochs=1"],
            "pixelcnn": [images, "--model", "gated-pixelcnn", *small, "n_channels=4", "n_layers=1"],
        }[name]


def fresh(base: Path, number: int) -> Path:
    """An empty folder for one input."""
    folder = base / f"{number:04d}"
    folder.mkdir(parents=True)
    return folder
