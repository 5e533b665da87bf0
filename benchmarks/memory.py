"""Peak memory of a fit to MNIST with everything at its default, and of `transform` of many rows, each in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys

from common import images, machine, options, publish, table

BAR = 1.2
ROWS, COLUMNS = 1_000_000, 16

# In the process: all training images are in memory, the default estimator is fitted.
FIT = """
import resource, sys, time
import numpy as np
import latentia
from latentia import data

if sys.argv[1] == "MNIST":
    x = data.load("mnist").train.x
else:
    x = np.random.default_rng(0).integers(0, 256, (55_000, 1, 28, 28), dtype=np.uint8)
rows = len(x)
seen = x[: int(rows * float(sys.argv[2]))]
started = time.perf_counter()
latentia.VAE(latent_dim=10, max_epochs=1, random_state=0).fit(seen)
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(peak * (1 if sys.platform == "darwin" else 1024), rows, len(seen), time.perf_counter() - started)
"""

# In the process: a small table is fitted, then many rows are encoded; what is beyond the rows themselves and their codes is counted.
TRANSFORM = """
import resource, sys
import numpy as np
import latentia

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)

n, d = map(int, sys.argv[1:])
rng = np.random.default_rng(0)
x = rng.normal(size=(n, d)).astype(np.float32)
vae = latentia.VAE(latent_dim=4, max_epochs=1, refinement_steps=0, random_state=0).fit(x[:1000])
vae.transform(x[:5000])
before = peak()
z = vae.transform(x)
print(peak() - before, z.nbytes)
"""


def main() -> None:
    arguments = options(__doc__ or "")
    _, data = images(1)
    # A tenth of an epoch already holds all that a whole one does: the data, the network, its activations, the validation.
    share = min(1.0, 0.1 * arguments.scale)
    done = subprocess.run(
        [sys.executable, "-c", FIT, "MNIST" if data == "MNIST" else "random", str(share)],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ,
    )
    peak, rows, seen, seconds = map(float, done.stdout.split()[-4:])
    text = (
        f"Peak resident memory: {rows:.0f} images loaded ({data}), the default VAE fitted to {seen:.0f} of them for one "
        f"epoch in {seconds:.0f} s\n{machine()}\n\n"
    )
    body = table(("", "GiB", "bar"), [("latentia.VAE().fit", f"{peak / 2**30:.2f}", f"{BAR}")])
    rows = int(ROWS * min(1.0, arguments.scale))
    done = subprocess.run(
        [sys.executable, "-c", TRANSFORM, str(rows), str(COLUMNS)],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ,
    )
    grown, codes = map(float, done.stdout.split())
    body += f"\n\ntransform of {rows} rows of {COLUMNS} numbers: {grown / rows:.0f} bytes a row at the peak, {codes / rows:.0f} of them codes"
    publish("memory", text + body, arguments.save)


if __name__ == "__main__":
    main()
