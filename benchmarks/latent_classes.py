"""Latent classes beside StepMix (extra `bench`): equal likelihood from the same start, and seconds of processor.

python benchmarks/latent_classes.py
python benchmarks/latent_classes.py --rows 20000 --iterations 10

Both run the same number of iterations of EM from the same parameters, in one process after another; StepMix by its own `fit`.
"""

from __future__ import annotations

import argparse
import time
import warnings

import numpy as np
import pandas as pd

K = 4
LEVELS = (2, 3, 4, 5) * 3


def main() -> None:
    """Print a line a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--iterations", type=int, default=20)
    asked = parser.parse_args()
    warnings.simplefilter("ignore")
    print(
        f"{asked.rows} rows, {len(LEVELS)} categories, {K} classes, {asked.iterations} iterations of EM from the same start"
    )
    for gaps in (0.0, 0.1):
        table = answers(asked.rows, gaps)
        ours, our_seconds, read = by_latentia(table, asked.iterations)
        theirs, their_seconds = by_stepmix(table, asked.iterations)
        print(
            f"  {gaps:4.0%} gaps  log-likelihood a row: latentia {ours:.9f}, StepMix {theirs:.9f}, difference {abs(ours - theirs):.1e}; fit: "
            f"latentia {our_seconds:.2f} s of processor ({read:.2f} of them to read the table), StepMix {their_seconds:.2f} s, ratio "
            f"{their_seconds / our_seconds:.1f}"
        )


def answers(n: int, gaps: float) -> np.ndarray:
    """Levels `[n, d]` of people of K classes, NaN where there is none."""
    random = np.random.default_rng(0)
    of = random.integers(0, K, n)
    columns = [
        np.array([random.choice(levels, size=n, p=p) for p in random.dirichlet(np.ones(levels), K)])[
            of, np.arange(n)
        ]
        for levels in LEVELS
    ]
    table = np.column_stack(columns).astype(float)
    table[random.random(table.shape) < gaps] = np.nan
    return table


def by_latentia(table: np.ndarray, iterations: int) -> tuple[float, float, float]:
    """Log-likelihood a row, seconds of `fit`, and those that reading and the start take of them."""
    from latentia import MixedMixture

    frame = pd.DataFrame(
        {f"item {j}": pd.array(column, dtype="Int64") for j, column in enumerate(_nullable(table))}
    )
    how = {"smoothing": 0.0, "tol": 0.0, "init_params": "random", "random_state": 0}
    started = time.process_time()
    mixture = MixedMixture(K, max_iter=0, warm_start=True, **how).fit(frame)
    read = time.process_time() - started
    mixture.components_.parameters["weights"].fill_(1 / K)  # as StepMix starts
    started = time.process_time()
    mixture.set_params(max_iter=iterations).fit(frame)
    return mixture.score(frame), time.process_time() - started, read


def _nullable(table: np.ndarray) -> list[list[int | None]]:
    return [[None if np.isnan(cell) else int(cell) for cell in column] for column in table.T]


def by_stepmix(table: np.ndarray, iterations: int) -> tuple[float, float]:
    """Log-likelihood a row and seconds of `fit`."""
    from stepmix.stepmix import StepMix

    measurement = "categorical_nan" if np.isnan(table).any() else "categorical"
    mixture = StepMix(
        K,
        measurement=measurement,
        init_params="random",
        random_state=0,
        max_iter=iterations,
        abs_tol=0.0,
        rel_tol=0.0,
        progress_bar=0,
    )
    rows = table if measurement == "categorical_nan" else table.astype(int)
    started = time.process_time()
    mixture.fit(rows)
    seconds = time.process_time() - started
    return float(mixture.score(rows)), seconds


if __name__ == "__main__":
    main()
