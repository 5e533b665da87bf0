"""Peak memory and time of a default fit to MNIST, of `transform` and scores of many rows, of sparse counts, and of large files, each case at two sizes and in a process of its own."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from typing import NamedTuple

from common import images, machine, publish, table

BAR = 1.2
ABOVE = 200
"""MB above the data that `transform` of a million rows may take."""

# What each process has: where memory stands, and what was measured since.
START = """
import json, resource, sys, time
import numpy as np
import latentia
from latentia import data

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)

def told(since, started, holds):
    print(json.dumps([peak() - since, time.process_time() - started, holds]))

n, place = int(sys.argv[1]), sys.argv[2]
rng = np.random.default_rng(0)
small = latentia.VAE(latent_dim=4, max_epochs=1, refinement_steps=0, random_state=0).fit(rng.normal(size=(1000, 20)))
small.transform(rng.normal(size=(5000, 20)))
small.score_samples(rng.normal(size=(500, 20)), n_importance=2)
"""

TRANSFORM = """
x = rng.normal(size=(n, 20))
before, started = peak(), time.process_time()
z = small.transform(x)
told(before, started, z.nbytes)
"""

REFINED = """
small.module_.refinement_steps = 5
x = rng.normal(size=(n, 20))
before, started = peak(), time.process_time()
z = small.transform(x)
told(before, started, z.nbytes)
"""

SCORES = """
x = rng.normal(size=(n, 20))
before, started = peak(), time.process_time()
z = small.score_samples(x, n_importance=2)
told(before, started, z.nbytes)
"""

COUNTS = """
from scipy import sparse
many = 10 * n
cells = (rng.integers(1, 9, many).astype(np.float64), (rng.integers(0, n, many), rng.integers(0, 4000, many)))
x = sparse.csr_array(cells, shape=(n, 4000))
x.sum_duplicates()
before, started = peak(), time.process_time()
latentia.VAE(latent_dim=8, max_epochs=1, batch_size=128, refinement_steps=0, random_state=0).fit(x)
told(before, started, x.data.nbytes + x.indices.nbytes + x.indptr.nbytes)
"""

PICTURES = """
from pathlib import Path
from PIL import Image
folder = Path(place) / "pictures"
folder.mkdir()
for i in range(n):
    Image.fromarray(rng.integers(0, 256, (32, 32, 3), dtype=np.uint8)).save(folder / f"{i}.png", compress_level=0)
before, started = peak(), time.process_time()
found = data.load(str(folder))
told(before, started, sum(part.x.nbytes for part in (found.train, found.validation, found.test)))
"""

CSV = """
from pathlib import Path
file, rows = Path(place) / "table.csv", 5000
text = "\\n".join(",".join(f"{value:.6f}" for value in row) for row in rng.normal(size=(rows, 20))) + "\\n"
with file.open("w") as out:
    out.write(",".join(f"c{j}" for j in range(20)) + "\\n")
    for _ in range(n // rows):
        out.write(text)
before, started = peak(), time.process_time()
found = data.load(str(file))
told(before, started, file.stat().st_size)
"""

MAPPED = """
from pathlib import Path
file = Path(place) / "rows.npy"
x = np.lib.format.open_memmap(file, "w+", np.float32, (n, 20))
for start in range(0, n, 100_000):
    x[start : start + 100_000] = rng.normal(size=(min(100_000, n - start), 20))
x.flush()
del x
x = np.load(file, mmap_mode="r")
before, started = peak(), time.process_time()
latentia.VAE(latent_dim=4, max_minutes=0.1, network="mlp", sampler="prior", refinement_steps=0, random_state=0).fit(x)
told(before, started, x.nbytes)
"""

MNIST = """
if place == "MNIST":
    x = data.load("mnist").train.x
else:
    x = rng.integers(0, 256, (55_000, 1, 28, 28), dtype=np.uint8)
started = time.process_time()
latentia.VAE(latent_dim=10, max_epochs=1, random_state=0).fit(x[:n])
told(0, started, x.nbytes)
"""


class Case(NamedTuple):
    """What is measured, at a quarter of a size and at the whole.

    Attributes:
        told: in words, with the size.
        code: what the process does.
        size: of the whole.
        holds: what the third column counts.
    """

    told: str
    code: str
    size: int
    holds: str


CASES = {
    "transform": Case("transform of {} rows of 20 numbers", TRANSFORM, 1_000_000, "codes"),
    "refined": Case("transform of {} rows, codes refined in 5 steps", REFINED, 100_000, "codes"),
    "scores": Case("score_samples of {} rows of 20 numbers", SCORES, 400_000, "scores"),
    "counts": Case("fit to sparse counts, {} x 4000", COUNTS, 20_000, "matrix"),
    "pictures": Case("load of a folder of {} PNGs of 32 x 32", PICTURES, 20_000, "pictures"),
    "csv": Case("load of a CSV of {} rows of 20 numbers", CSV, 1_100_000, "file"),
    "mapped": Case("fit to a memory map of {} rows of 20 numbers", MAPPED, 5_000_000, "file"),
}


def measured(code: str, size: int, place: str) -> tuple[float, float, float]:
    """Bytes at the peak above what was there before, seconds of one core, and bytes that the result or the data hold."""
    done = subprocess.run(
        [sys.executable, "-c", START + code, str(size), place],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    if done.returncode:
        raise SystemExit(done.stderr)
    peak, seconds, holds = json.loads(done.stdout.splitlines()[-1])
    return peak, seconds, holds


def lines(names: Sequence[str], scale: float) -> list[tuple[str, ...]]:
    """A line for each case and size."""
    found = []
    for name in names:
        case = CASES[name]
        for size in (int(case.size * scale) // 4, int(case.size * scale)):
            with tempfile.TemporaryDirectory() as place:
                peak, seconds, holds = measured(case.code, size, place)
            one = (f"{peak / 2**20:.0f}", f"{holds / 2**20:.0f} ({case.holds})", f"{peak / size:.0f}")
            bar = f"{ABOVE}" if name == "transform" else ""
            found.append((case.told.format(f"{size:,}".replace(",", " ")), *one, bar, f"{seconds:.1f}"))
            print(*found[-1], sep="  ", flush=True)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--save", action="store_true", help="also write benchmarks/results/memory.txt")
    parser.add_argument("--scale", type=float, default=1.0, help="of all sizes")
    parser.add_argument("--only", nargs="+", choices=[*CASES, "mnist"], default=[*CASES, "mnist"])
    arguments = parser.parse_args()
    header = ("", "MB above", "MB held", "bytes each", "bar, MB", "seconds of a core")
    body = table(header, lines([name for name in arguments.only if name in CASES], arguments.scale))
    text = f"Peak resident memory above what was there before, the data among it\n{machine()}\n\n{body}"
    if "mnist" in arguments.only:
        _, source = images(1)
        size = int(5500 * min(1.0, arguments.scale))
        peak, seconds, _ = measured(MNIST, size, "MNIST" if source == "MNIST" else "random")
        text += (
            f"\n\nlatentia.VAE().fit, 55 000 images loaded ({source}), fitted to {size} of them for one epoch in {seconds:.0f} s of a"
            f" core: {peak / 2**30:.2f} GiB in all (bar: {BAR})"
        )
    publish("memory", text, arguments.save)


if __name__ == "__main__":
    main()
