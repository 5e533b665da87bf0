"""Time and memory of EM for Gaussian mixtures, against scikit-learn and pomegranate, and the selection on Twins.

    python benchmarks/mixture_speed.py              # the table of times
    python benchmarks/mixture_speed.py --memory     # 10 million x 16 float32 from a memory map
    python benchmarks/mixture_speed.py --twins      # K = 1..7 on the Twins counts

Times are of one EM iteration, the median of `--repeats`: (time of 1 + m iterations - time of 1) / m in the same
process, from the same given start. Results are printed and kept under benchmarks/results/.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import tempfile
import threading
import time
import warnings
from pathlib import Path

import numpy as np
import torch
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture as Reference

from latentia.kinds.mixture.estimator import DirichletMultinomialMixture, GaussianMixture
from latentia.mixture import GaussianComponents, Rows, e_step, select, summarize

RESULTS = Path(__file__).parent / "results"
SIZES = [(500_000, 16, 8), (100_000, 64, 32)]
warnings.simplefilter("ignore", ConvergenceWarning)


def blobs(n: int, d: int, k: int, *, overlap: bool) -> tuple[np.ndarray, np.ndarray]:
    """K Gaussians of unit variance and their means: about 4 sqrt(d) standard deviations apart, or with overlap 4."""
    random = np.random.default_rng(0)
    means = random.normal(size=(k, d)) * (4.0 / np.sqrt(2 * d) if overlap else 3.0)
    return means[random.integers(k, size=n)] + random.normal(size=(n, d)), means


def ours(x: np.ndarray, means: np.ndarray, kind: str) -> tuple[object, object]:
    rows = Rows(x, dtype=torch.float64 if x.dtype == np.float64 else torch.float32)
    components = GaussianComponents(len(means), x.shape[1], covariance_type=kind, dtype=rows.dtype)
    components.prepare(rows, summarize(rows))
    start = unit_start(means, kind)
    components.set_parameters(*(torch.from_numpy(np.array(p)) for p in start))

    def iterate() -> float:
        step = e_step(components, rows)
        components.update(step.statistics)
        return step.log_likelihood / len(x)

    return iterate, components


def unit_start(means: np.ndarray, kind: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    k, d = means.shape
    eye = np.eye(d)
    covariances = {
        "full": np.stack([eye] * k),
        "tied": eye,
        "diag": np.ones((k, d)),
        "spherical": np.ones(k),
    }[kind]
    return np.full(k, 1 / k), means.copy(), covariances


def scikit_learn(x: np.ndarray, means: np.ndarray, kind: str) -> object:
    weights, start, precisions = unit_start(means, kind)
    mixture = Reference(len(means), covariance_type=kind)
    mixture.weights_, mixture.means_, mixture.covariances_ = weights, start, precisions
    mixture.precisions_cholesky_ = precisions

    def iterate() -> float:
        mean, log_responsibilities = mixture._e_step(x)
        mixture._m_step(x, log_responsibilities)
        return float(mean)

    return iterate


def pomegranate(x: np.ndarray, means: np.ndarray, kind: str) -> object | None:
    threads = torch.get_num_threads()
    try:
        from pomegranate.distributions import Normal
        from pomegranate.gmm import GeneralMixtureModel
    except ImportError:
        return None
    finally:
        torch.set_num_threads(threads)  # its import changes the number
    shape = {"full": "full", "diag": "diag"}.get(kind)
    if shape is None:  # its "sphere" does not take one variance; it has no tied covariance
        return None
    data = torch.from_numpy(x.astype(np.float32))
    _, start, covariances = unit_start(means, kind)
    parts = [
        Normal(
            torch.tensor(m, dtype=torch.float32),
            torch.tensor(covariances[i], dtype=torch.float32),
            covariance_type=shape,
        )
        for i, m in enumerate(start)
    ]
    mixture = GeneralMixtureModel(parts)

    def iterate() -> float:
        value = mixture.summarize(data)
        mixture.from_summaries()
        return float(torch.as_tensor(value).sum()) / len(x)

    return iterate


CLOCK = time.perf_counter


def median(iterate: object, repeats: int) -> tuple[float, float]:
    """Median seconds of one iteration after a first one, and the log-likelihood (nats a row) that the last saw."""
    iterate()
    times, value = [], float("nan")
    for _ in range(repeats):
        start = CLOCK()
        value = iterate()
        times.append(CLOCK() - start)
    return statistics.median(times), value


def speed(
    repeats: int, sizes: list[tuple[int, int, int]], kinds: list[str], peers: bool, overlap: bool
) -> list[str]:
    lines = [
        f"{'overlapping' if overlap else 'separated'} components; {CLOCK.__name__}, seconds an iteration",
        f"{'n, d, K':>18} {'covariance':>10} {'ours f64':>9} {'ours f32':>9} {'sklearn':>9} {'x':>5} {'f64/f32':>7} "
        f"{'pomegranate':>11} {'x':>5}  log-likelihood (f64, f32 - f64, sklearn - f64)",
    ]
    print(*lines, sep="\n", flush=True)
    for n, d, k in sizes:
        x, means = blobs(n, d, k, overlap=overlap)
        single = x.astype(np.float32)
        for kind in kinds:
            double_time, double = median(ours(x, means, kind)[0], repeats)
            single_time, low = median(ours(single, means, kind)[0], repeats)
            line = f"{f'{n}, {d}, {k}':>18} {kind:>10} {double_time:9.3f} {single_time:9.3f} "
            reference = float("nan")
            if peers:
                their_time, reference = median(scikit_learn(x, means, kind), repeats)
                line += f"{their_time:9.3f} {their_time / double_time:5.1f} {double_time / single_time:7.1f} "
                other = pomegranate(x, means, kind)
                other_time = median(other, 1)[0] if other else float("nan")
                line += f"{other_time:11.3f} {other_time / single_time:5.1f} "
            line += f" {double:.6f}, {low - double:+.1e}, {reference - double:+.1e}"
            print(line, flush=True)
            lines.append(line)
    return lines


def anonymous() -> float:
    """Private memory of this process, in MiB."""
    status = Path("/proc/self/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("RssAnon")).split()[1]) / 1024


def memory(n: int = 10_000_000, d: int = 16) -> list[str]:
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
    return [
        f"{n} x {d} float32 from a memory map ({size:.0f} MiB), K=3, diag, {mixture.n_iter_} iterations with start: "
        f"{seconds:.1f} s; private memory {before:.0f} MiB before, {peak[0]:.0f} MiB at the peak"
    ]


def twins(repeats: int) -> list[str]:
    import pandas as pd

    folder = Path(os.environ["LATENTIA_DATA"]) / "microbiome" / "twins"
    x = pd.read_csv(folder / "counts.csv.gz", index_col=0).to_numpy()
    reference = pd.read_csv(folder / "reference_fit.csv")
    start = time.perf_counter()
    selection = select(DirichletMultinomialMixture(random_state=0, n_init=repeats), x, range(1, 8))
    seconds = time.perf_counter() - start
    lines = [
        f"Twins, {repeats} starts for each K, one process: {seconds:.1f} s; Laplace chooses {selection.chosen['laplace']}"
    ]
    lines.append(
        f"{'K':>2} {'NLE':>10} {'R':>10} {'Laplace':>10} {'R':>10} {'BIC':>10} {'R':>10} {'AIC':>10} {'R':>10}"
    )
    for row, r in zip(selection.table, reference.itertuples(), strict=True):
        lines.append(
            f"{row['n_components']:2d} {-row['log_likelihood']:10.2f} {r.NLE:10.2f} {row['laplace']:10.2f} {r.Laplace:10.2f} "
            f"{row['bic']:10.2f} {r.BIC:10.2f} {row['aic']:10.2f} {r.AIC:10.2f}"
        )
    return lines


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
    parser.add_argument("--memory", action="store_true")
    parser.add_argument("--twins", action="store_true")
    arguments = parser.parse_args()
    if arguments.cpu_time:
        global CLOCK
        CLOCK = time.process_time
    head = f"{platform.processor() or platform.machine()}, {torch.get_num_threads()} threads, torch {torch.__version__}"
    if arguments.memory:
        name, lines = "mixture_memory.txt", memory()
    elif arguments.twins:
        name, lines = "mixture_twins.txt", twins(arguments.repeats)
    else:
        sizes = [SIZES[i] for i in arguments.sizes]
        name = "mixture_speed_overlap.txt" if arguments.overlap else "mixture_speed.txt"
        lines = speed(arguments.repeats, sizes, arguments.kinds, not arguments.no_peers, arguments.overlap)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / name).write_text("\n".join([head, *lines]) + "\n")
    if arguments.memory or arguments.twins:
        print("\n".join(lines))


if __name__ == "__main__":
    main()
