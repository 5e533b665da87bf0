"""Time and memory of EM, against scikit-learn, pomegranate, gmmx and SciPy's products, and fits of community types.

    python benchmarks/mixture_speed.py              # Gaussians that lie apart
    python benchmarks/mixture_speed.py --overlap    # Gaussians that share rows
    python benchmarks/mixture_speed.py --sparse     # multinomial, Poisson and Bernoulli on sparse rows
    python benchmarks/mixture_speed.py --counts     # Dirichlet-multinomials: 19 216 taxa, counts times 10^9
    python benchmarks/mixture_speed.py --memory     # 10 million x 16 float32 from a memory map
    python benchmarks/mixture_speed.py --twins      # K = 1..7 on the Twins counts

Times are of one EM iteration after a first, from the same given start, the median of `--repeats` that the libraries take
in turns. Results are printed and kept under benchmarks/results/.
"""

from __future__ import annotations

import argparse
import itertools
import platform
import statistics
import tempfile
import threading
import time
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from sklearn.exceptions import ConvergenceWarning

from latentia.kinds.mixture.estimator import GaussianMixture
from latentia.mixture import GaussianComponents, Rows, e_step, summarize
from mixture_counts import counts, sparse_passes, twins
from mixture_peers import Iterate, gmmx, pomegranate, scikit_learn, unit_start

RESULTS = Path(__file__).parent / "results"
SIZES = [(500_000, 16, 8), (100_000, 64, 32)]
warnings.simplefilter("ignore", ConvergenceWarning)


def blobs(n: int, d: int, k: int, *, overlap: bool) -> tuple[np.ndarray, np.ndarray]:
    """K Gaussians of unit variance and their means: about 4 sqrt(d) standard deviations apart, or with overlap 4."""
    random = np.random.default_rng(0)
    means = random.normal(size=(k, d)) * (4.0 / np.sqrt(2 * d) if overlap else 3.0)
    return means[random.integers(k, size=n)] + random.normal(size=(n, d)), means


def ours(x: np.ndarray, means: np.ndarray, kind: str) -> Iterate:
    rows = Rows(x, dtype=torch.float64 if x.dtype == np.float64 else torch.float32)
    components = GaussianComponents(len(means), x.shape[1], covariance_type=kind, dtype=rows.dtype)
    components.prepare(rows, summarize(rows))
    start = unit_start(means, kind)
    components.set_parameters(*(torch.from_numpy(np.array(p)) for p in start))

    def iterate() -> float:
        step = e_step(components, rows)
        components.update(step.statistics)
        return step.log_likelihood / len(x)

    return iterate


CLOCK = time.perf_counter


def medians(contenders: dict[str, Iterate], repeats: int) -> tuple[dict[str, float], dict[str, float]]:
    """Median seconds of one iteration of each, taken in turns after a first one, and the last log-likelihoods."""
    times: dict[str, list[float]] = {name: [] for name in contenders}
    values: dict[str, float] = {}
    for turn in range(repeats + 1):
        for name, iterate in contenders.items():
            start = CLOCK()
            values[name] = iterate()
            if turn:
                times[name].append(CLOCK() - start)
    return {name: statistics.median(each) for name, each in times.items()}, values


def speed(
    repeats: int, sizes: list[tuple[int, int, int]], kinds: list[str], peers: bool, overlap: bool
) -> Iterator[str]:
    yield f"{'overlapping' if overlap else 'separated'} components; {CLOCK.__name__}, seconds an iteration"
    yield (
        f"{'n, d, K':>18} {'covariance':>10} {'ours f64':>9} {'ours f32':>9} {'f64/f32':>7} {'sklearn':>9} {'x':>5} "
        f"{'pomegranate':>11} {'x':>5} {'gmmx':>9} {'x':>5}  log-likelihood (f64, f32 - f64, sklearn - f64)"
    )
    for n, d, k in sizes:
        x, means = blobs(n, d, k, overlap=overlap)
        single = x.astype(np.float32)
        for kind in kinds:
            contenders = {"f64": ours(x, means, kind), "f32": ours(single, means, kind)}
            if peers:
                for make in (scikit_learn, pomegranate, gmmx):
                    made = make(x, means, kind)
                    contenders |= {make.__name__: made} if made else {}
            times, values = medians(contenders, repeats)
            line = f"{f'{n}, {d}, {k}':>18} {kind:>10} {times['f64']:9.3f} {times['f32']:9.3f} "
            line += f"{times['f64'] / times['f32']:7.1f} "
            for name, width, own in (
                ("scikit_learn", 9, "f64"),
                ("pomegranate", 11, "f32"),
                ("gmmx", 9, "f32"),
            ):
                took = times.get(name, float("nan"))
                line += f"{took:{width}.3f} {took / times[own]:5.1f} "
            reference = values.get("scikit_learn", float("nan"))
            double = values["f64"]
            yield line + f" {double:.6f}, {values['f32'] - double:+.1e}, {reference - double:+.1e}"


def anonymous() -> float:
    """Private memory of this process, in MiB."""
    status = Path("/proc/self/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("RssAnon")).split()[1]) / 1024


def memory(n: int = 10_000_000, d: int = 16) -> Iterator[str]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.npy"
        table = np.lib.format.open_memmap(path, "w+", np.float32, (n, d))
        random = np.random.default_rng(0)
        for i in range(0, n, 500_000):
            size = min(500_000, n - i)
            table[i : i + size] = random.normal(size=(size, d)) + 4 * random.integers(3, size=(size, 1))
        table.flush()
        del table
        peak = [0.0]
        done = threading.Event()

        def watch() -> None:
            while not done.wait(0.02):
                peak[0] = max(peak[0], anonymous())

        watcher = threading.Thread(target=watch)
        before = anonymous()
        watcher.start()
        start = time.perf_counter()
        mixture = GaussianMixture(3, covariance_type="diag", max_iter=5, random_state=0)
        mixture.fit(np.load(path, mmap_mode="r"))
        seconds = time.perf_counter() - start
        done.set()
        watcher.join()
        size = path.stat().st_size / 2**20
    yield (
        f"{n} x {d} float32 from a memory map ({size:.0f} MiB), K=3, diag, {mixture.n_iter_} iterations with start: "
        f"{seconds:.1f} s; private memory {before:.0f} MiB before, {peak[0]:.0f} MiB at the peak"
    )


def processor() -> str:
    """The model of the CPU, where it is to be had."""
    file = Path("/proc/cpuinfo")
    lines = file.read_text().splitlines() if file.exists() else []
    found = (line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    return next(found, platform.processor() or platform.machine())


OTHERS = {"sparse": sparse_passes, "counts": counts, "twins": twins, "memory": lambda _: memory()}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--kinds", nargs="+", default=["spherical", "diag", "tied", "full"])
    parser.add_argument(
        "--sizes", type=int, nargs="+", default=[0, 1], help="numbers in the list of (n, d, K)"
    )
    parser.add_argument("--no-peers", action="store_true", help="only this library")
    parser.add_argument("--overlap", action="store_true", help="components that share rows")
    parser.add_argument("--cpu-time", action="store_true", help="CPU time, for one thread on a busy machine")
    for what in OTHERS:
        parser.add_argument(f"--{what}", action="store_true")
    arguments = parser.parse_args()
    if arguments.cpu_time:
        global CLOCK
        CLOCK = time.process_time
    chosen = next((what for what in OTHERS if getattr(arguments, what)), None)
    if chosen:
        name, lines = f"mixture_{chosen}.txt", OTHERS[chosen](arguments.repeats)
    else:
        sizes = [SIZES[i] for i in arguments.sizes]
        name = "mixture_speed_overlap.txt" if arguments.overlap else "mixture_speed.txt"
        lines = speed(arguments.repeats, sizes, arguments.kinds, not arguments.no_peers, arguments.overlap)
    RESULTS.mkdir(exist_ok=True)
    with (RESULTS / name).open("w") as file:
        head = f"{processor()}, {torch.get_num_threads()} threads, torch {torch.__version__}"
        for line in itertools.chain([head], lines):
            print(line, flush=True)
            print(line, file=file)


if __name__ == "__main__":
    main()
