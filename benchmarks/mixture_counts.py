"""Mixtures of counts: sparse passes beside SciPy's products, and Dirichlet-multinomial fits and criteria on real tables."""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from scipy import sparse

from latentia.kinds.mixture.estimator import DirichletMultinomialMixture
from latentia.mixture import FAMILIES, Rows, e_step, initialize, select, summarize

DENSITIES = (0.005, 0.05, 0.2)


def medians(contenders: dict[str, Callable[[], object]], repeats: int) -> dict[str, float]:
    """Median CPU milliseconds of each, taken in turns after a first call."""
    times: dict[str, list[float]] = {name: [] for name in contenders}
    for turn in range(repeats + 1):
        for name, call in contenders.items():
            start = time.process_time()
            call()
            if turn:
                times[name].append(1e3 * (time.process_time() - start))
    return {name: statistics.median(each) for name, each in times.items()}


def sparse_table(n: int, d: int, density: float, *, binary: bool, dtype: torch.dtype) -> sparse.csr_array:
    """Random counts of 1 to 19 (or ones) at random places, as CSR."""
    random = np.random.default_rng(0)
    x = sparse.random_array((n, d), density=density, rng=random, format="csr")
    x.data = np.ones(x.nnz) if binary else random.integers(1, 20, size=x.nnz).astype(float)
    return x.astype(np.float64 if dtype == torch.float64 else np.float32)


def sparse_passes(repeats: int, n: int = 10_000, d: int = 2_000, k: int = 20) -> Iterator[str]:
    """An iteration of EM on CSR rows beside the two products that any implementation needs."""
    yield f"sparse rows {n} x {d}, K={k}; CPU milliseconds an iteration, and of SciPy's X W' and X' R (one thread)"
    yield f"{'not zero':>8} {'family':>12} {'dtype':>8} {'ours':>8} {'SciPy':>8} {'x':>5}   (goal: 2)"
    for density in DENSITIES:
        for family in ("multinomial", "poisson", "bernoulli"):
            for dtype in (torch.float64, torch.float32):
                x = sparse_table(n, d, density, binary=family == "bernoulli", dtype=dtype)
                rows = Rows(x, dtype=dtype)
                components = FAMILIES[family](k, d, dtype=dtype)
                components.prepare(rows, summarize(rows))
                initialize(components, rows, "random", np.random.RandomState(0))
                random = np.random.default_rng(0)
                w, r = (random.normal(size=(rows_, k)).astype(x.dtype) for rows_ in (d, n))
                transposed = x.T

                def iterate(components=components, rows=rows) -> None:
                    components.update(e_step(components, rows).statistics)

                def products(x=x, transposed=transposed, w=w, r=r) -> None:
                    _ = x @ w
                    _ = transposed @ r

                times = medians({"ours": iterate, "scipy": products}, repeats)
                name = str(dtype).removeprefix("torch.")
                yield (
                    f"{density:8.1%} {family:>12} {name:>8} {times['ours']:8.1f} {times['scipy']:8.1f} "
                    f"{times['ours'] / times['scipy']:5.2f}"
                )


def read(*path: str) -> np.ndarray:
    """A table of counts of the microbiome data."""
    file = Path(os.environ["LATENTIA_DATA"]) / "microbiome" / Path(*path)
    return pd.read_csv(file, index_col=0).to_numpy()


_CRITERIA = """
import resource, time
import mixture_counts, numpy as np
from latentia.kinds.mixture.estimator import DirichletMultinomialMixture
from latentia.mixture import select
x = mixture_counts.read("globalpatterns", "counts.csv.gz")
start, wall = time.process_time(), time.perf_counter()
found = select(DirichletMultinomialMixture(n_init={starts}, random_state=0), x, range(1, {most} + 1))
used, peak = time.process_time() - start, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
scores = ", ".join(f"K={{row['n_components']}} {{row['laplace']:.1f}}" for row in found.table)
print(f"GlobalPatterns {{x.shape[0]}} x {{x.shape[1]}}, K = 1..{most}, {starts} starts, all criteria: {{used:.1f}} s CPU, "
      f"{{peak:.0f}} MB at the peak of the process; Laplace {{scores}}")
"""


def criteria_of_many_taxa(most: int, starts: int) -> str:
    """A line from a process of its own, whose peak memory is that of the reading, the fits and the criteria."""
    code = _CRITERIA.format(most=most, starts=starts)
    here = str(Path(__file__).parent)
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([here, os.environ.get("PYTHONPATH", "")])}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    return done.stdout.strip() or f"GlobalPatterns: failed, {done.stderr.strip().splitlines()[-1]}"


def deep_counts(repeats: int) -> Iterator[str]:
    """Fits to counts times a factor: depth may change neither the time nor the truth of a fit."""
    yield f"{'table':>38} {'seconds':>8} {'x':>5} {'iterations':>10}   CPU, K=4, 2 starts (goal: 3)"
    for name, path in (
        ("Twins", ("twins", "counts.csv.gz")),
        ("HITChip Atlas", ("atlas1006", "counts.csv.gz")),
    ):
        table, plain = read(*path), float("nan")
        for factor in (1, 10**4, 10**6, 10**9):
            x, times = table * factor, []
            for _ in range(repeats):
                start = time.process_time()
                mixture = DirichletMultinomialMixture(4, n_init=2, random_state=0).fit(x)
                times.append(time.process_time() - start)
            seconds = statistics.median(times)
            plain = seconds if factor == 1 else plain
            what = f"{name} {x.shape[0]} x {x.shape[1]}, counts x {factor:.0e}"
            yield f"{what:>38} {seconds:8.2f} {seconds / plain:5.1f} {mixture.n_iter_:10d}"


def few_samples_and_many_taxa() -> Iterator[str]:
    """A fit that has few samples for its taxa, and the criteria of one with thousands of taxa."""
    random = np.random.default_rng(0)
    x = np.stack([random.multinomial(1000, p) for p in random.dirichlet(np.full(26, 0.5), size=25)])
    start = time.process_time()
    mixture = DirichletMultinomialMixture(2, n_init=1, random_state=0).fit(x)
    used = time.process_time() - start
    yield f"25 x 26, K=2, 1 start: {used:.2f} s CPU, {mixture.n_iter_} iterations (goal: .3 s)"
    x = random.negative_binomial(0.3, 0.02, (60, 4000))
    mixture = DirichletMultinomialMixture(3, n_init=1, random_state=0).fit(x)
    before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    mixture.scores(x)
    used = time.process_time() - start
    more = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    yield f"60 x 4000, criteria of K=3: {used:.2f} s CPU, {more:.0f} MB more than the fit (goals: .5 s, 100 MB)"


def counts(repeats: int) -> Iterator[str]:
    yield from few_samples_and_many_taxa()
    yield criteria_of_many_taxa(2, 1)
    yield criteria_of_many_taxa(5, 1)
    yield from deep_counts(repeats)


def twins(repeats: int) -> Iterator[str]:
    """K = 1..7 on Twins beside the published fit of the R package DirichletMultinomial."""
    x = read("twins", "counts.csv.gz")
    reference = pd.read_csv(Path(os.environ["LATENTIA_DATA"]) / "microbiome" / "twins" / "reference_fit.csv")
    start = time.process_time()
    selection = select(DirichletMultinomialMixture(random_state=0, n_init=repeats), x, range(1, 8))
    seconds = time.process_time() - start
    chosen = selection.chosen["laplace"]
    yield f"Twins, {repeats} starts for each K, one process: {seconds:.1f} s CPU; Laplace chooses {chosen}"
    names = ("NLE", "Laplace", "BIC", "AIC")
    yield f"{'K':>2} " + " ".join(f"{name:>10} {'R':>10}" for name in names)
    for row, r in zip(selection.table, reference.itertuples(), strict=True):
        own = (-row["log_likelihood"], row["laplace"], row["bic"], row["aic"])
        pairs = zip(own, (getattr(r, name) for name in names), strict=True)
        yield f"{row['n_components']:2d} " + " ".join(f"{a:10.2f} {b:10.2f}" for a, b in pairs)
