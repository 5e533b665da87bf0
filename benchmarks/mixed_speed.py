"""Seconds and memory of fits to large tables of unlike columns.

python benchmarks/mixed_speed.py                       # a VAE on 100 000 x 50, MixedMixture of 8 on 1 000 000 x 16
python benchmarks/mixed_speed.py --only mixture --rows 100000

Each fit runs in a process of its own: the peak is that process's resident memory, its table and libraries included.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import time

import pandas as pd

BARS = {"vae": (100_000, 240.0, 2.0), "mixture": (1_000_000, 60.0, None)}
"""Rows, seconds, and gigabytes that are held against a fit."""


def main() -> None:
    """Print a line a fit."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=list(BARS), help="one of the two")
    parser.add_argument("--rows", type=int, help="of the table, in place of those of the bar")
    parser.add_argument("--inside", action="store_true", help="fit in this process")
    asked = parser.parse_args()
    if asked.inside:
        fitted(asked.only, asked.rows or BARS[asked.only][0])
        return
    print(f"{os.cpu_count()} cores, load of the last minute {os.getloadavg()[0]:.1f}")
    for name in [asked.only] if asked.only else BARS:
        rows = ["--rows", str(asked.rows)] if asked.rows else []
        subprocess.run([sys.executable, __file__, "--inside", "--only", name, *rows], check=True)


def table(n: int, wide: bool) -> pd.DataFrame:
    """Made-up customers `[n, 16]`, or three such tables and two further columns beside each other, `[n, 50]`."""
    from latentia.data.synthetic_tables import customers

    first = customers(n, 0).frame.drop(columns="customer")
    if not wide:
        return first
    more = [customers(n, seed).frame.drop(columns="customer").add_suffix(f"_{seed}") for seed in (1, 2)]
    further = first[["income", "plan"]].sample(frac=1, random_state=0).reset_index(drop=True).add_suffix("_3")
    return pd.concat([first, *more, further], axis=1)


def fitted(name: str, n: int) -> None:
    """Fit one model and print what it took."""
    from latentia import VAE, MixedMixture

    frame = table(n, wide=name == "vae")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    model = VAE(random_state=0) if name == "vae" else MixedMixture(8, random_state=0)
    started, busy = time.perf_counter(), time.process_time()
    model.fit(frame)
    seconds, busy = time.perf_counter() - started, time.process_time() - busy
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    _, most_seconds, most_memory = BARS[name]
    bars = f"bar {most_seconds:.0f} s" + ("" if most_memory is None else f", {most_memory:g} GB")
    print(
        f"{type(model).__name__:12s} {n} x {frame.shape[1]}: {seconds:.0f} s ({busy:.0f} s of processors), peak {peak:.2f} GB "
        f"({before:.2f} before the fit); {bars}",
        flush=True,
    )


if __name__ == "__main__":
    main()
