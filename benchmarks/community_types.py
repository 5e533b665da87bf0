"""Community types beside neural models of the same counts, and the verdict on data whose truth is known.

    python benchmarks/community_types.py [--quick] [--seeds 2] [--only likelihood|optimizer|one-code|verdict|twins]

likelihood: log p(x | depth) of a held-out fifth of Twins and the HITChip Atlas, nats a sample, mean over seeds: Dirichlet-multinomial
mixtures of K = 1..6, multinomial mixtures, and VAE, VQ-VAE and gumbel-vae with the likelihood `dirichlet-multinomial`, with codes of their
own choice and with one code out of four. All condition on depth. optimizer: by which the VAE is moved, judged on a quarter of the part of
three tables that the test fifth leaves. one-code: VQ-VAE and gumbel-vae with one code out of four beside the optimum of the same model. verdict: how often samples of one community, of two clusters and of two
kinds of gradient are called so. twins: seeds whose Laplace at K = 4 is as good as it should be, and how far their types agree. Printed, and kept under
benchmarks/results/community_types.txt. `--quick`: one seed, Twins, mixtures and the VAE.
"""

from __future__ import annotations

import argparse
import itertools
import os
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from scipy import sparse
from sklearn.metrics import adjusted_rand_score

from latentia.data.counts.filters import Filters
from latentia.data.counts.table import CountTable
from latentia.data.synthetic_communities import communities
from latentia.distributions import DirichletMultinomial
from latentia.kinds import kind_of
from latentia.kinds.kind import make
from latentia.kinds.mixture.estimator import MultinomialMixture
from latentia.kinds.types.choosing import choose
from latentia.kinds.types.comparing import of_multinomials, of_network, of_types
from latentia.kinds.types.estimator import CommunityTypes
from latentia.kinds.types.fits import best_of, in_order

RESULTS = Path(__file__).parent / "results" / "community_types.txt"
ONE_CODE = {"n_groups": 1, "n_codes": 4}
PARTS = ("likelihood", "optimizer", "one-code", "verdict", "twins")
GOAL = 38778.0  # Laplace of Twins at K = 4


def folder() -> Path:
    """Of the tables."""
    return Path(os.environ.get("LATENTIA_DATA", "../shared/data")) / "microbiome"


def read(name: str) -> sparse.csr_array:
    """Counts of a data set."""
    return CountTable.read(folder() / name / "counts.csv.gz").counts


def scorers(quick: bool) -> dict:
    """Models by what they are called; the last word is that of the options of a neural model."""
    mixtures = {
        f"Dirichlet-multinomial mixture, K = {k}": of_types(k, 2)
        for k in ((1, 4, 6) if quick else range(1, 7))
    }
    multinomials = {
        f"multinomial mixture, K = {k}": of_multinomials(k, 2) for k in ((4,) if quick else (4, 16))
    }
    networks = {
        "VAE": of_network("sigma-vae", {"n_importance": 200}),
        "VAE, AdamW": of_network("sigma-vae", {"n_importance": 200, "optimizer": "adamw"}),
    }
    if not quick:
        networks |= {
            f"{name}, one code of 4": of_network(name, dict(ONE_CODE)) for name in ("vq-vae", "gumbel-vae")
        }
        networks |= {
            f"{name}, codes of its own choice": of_network(name, {}) for name in ("vq-vae", "gumbel-vae")
        }
        networks["VAE, multinomial"] = of_network(
            "sigma-vae", {"n_importance": 200, "likelihood": "multinomial"}
        )
    return {**mixtures, **multinomials, **networks}


def likelihood(quick: bool, seeds: int) -> Iterator[str]:
    """A line a model."""
    for title, name in (("Twins", "twins"), *(() if quick else (("HITChip Atlas", "atlas1006"),))):
        x = read(name)
        yield f"{title}, {x.shape[0]} x {x.shape[1]}: log p(x | depth) of a held-out fifth, nats a sample, by seed; CPU seconds of a fit"
        for model, score in scorers(quick).items():
            values, used = [], time.process_time()
            for seed in range(seeds):
                order = np.random.default_rng(seed).permutation(x.shape[0])
                test, rest = np.split(order, [x.shape[0] // 5])
                values.append(float(score(sparse.csr_array(x[rest]), sparse.csr_array(x[test]), seed).mean()))
            used = (time.process_time() - used) / seeds
            yield f"  {model:<40} {np.mean(values):9.2f}   ({', '.join(f'{v:.2f}' for v in values)})  {used:6.1f} s"


def optimizer(quick: bool, seeds: int) -> Iterator[str]:
    """A line a number of rows: held-out nats a sample with each optimizer."""
    yield "VAE, log p(x | depth) of a quarter of the training part, nats a sample, by the rows fitted to; gain of Muon over AdamW by seed"
    files = {
        "Twins": "twins/counts.csv.gz",
        "moving pictures": "biom/moving-pictures.hdf5.biom",
        "HITChip Atlas": "atlas1006/counts.csv.gz",
    }
    for title, file in list(files.items())[: 1 if quick else None]:
        x = Filters(min_prevalence=0.2).apply(CountTable.read(folder() / file)).counts
        most = (x.shape[0] - x.shape[0] // 5) * 3 // 4
        for n in [*(n for n in (20, 40, 80, 160) if n < most), most]:
            values = np.empty((2, seeds))
            for seed in range(seeds):
                rest = np.random.default_rng(seed).permutation(x.shape[0])[x.shape[0] // 5 :]
                order = np.random.default_rng([seed, 1]).permutation(rest)
                kept, held = (sparse.csr_array(x[part]) for part in (order[:n], order[most:]))
                for i, name in enumerate(("adamw", "muon")):
                    score = of_network("sigma-vae", {"n_importance": 50, "optimizer": name})
                    values[i, seed] = score(kept, held, seed).mean()
            gains = ", ".join(f"{gain:+.2f}" for gain in values[1] - values[0])
            yield f"  {f'{title} {n} x {x.shape[1]}':<26} AdamW {values[0].mean():.2f}, Muon {values[1].mean():.2f}; {gains}"


def shared_precision(x: sparse.csr_array, k: int, seed: int) -> Callable[[sparse.csr_array], np.ndarray]:
    """Log p(x | depth) under the likeliest mixture of K Dirichlet-multinomials with one precision: what one code out of K is.

    By L-BFGS in float64 from EM's optimum with a precision each.
    """
    found = best_of(x, k, seed, 5).components.parameters
    start = (found["alphas"].log(), found["weights"].log(), found["alphas"].sum(1).log().mean())
    free = [value.clone().requires_grad_(True) for value in start]

    def log_p(rows: sparse.csr_array) -> torch.Tensor:
        counts = torch.from_numpy(rows.toarray()).double()[:, None]
        each = DirichletMultinomial(counts.sum(-1), free[0], free[2], validate_args=False).log_prob(counts)
        return torch.logsumexp(each + free[1].log_softmax(0), 1)

    steps = torch.optim.LBFGS(free, max_iter=500, line_search_fn="strong_wolfe")

    def loss() -> torch.Tensor:
        steps.zero_grad()
        value = -log_p(x).mean()
        value.backward()
        return value

    steps.step(loss)
    return lambda rows: log_p(rows).detach().numpy()


def multinomials(x: sparse.csr_array, k: int, seed: int) -> Callable[[sparse.csr_array], np.ndarray]:
    """Log p(x | depth) under the best of 20 mixtures of K multinomials."""
    return MultinomialMixture(k, n_init=20, random_state=seed).fit(x).score_samples


def one_code(seeds: int) -> Iterator[str]:
    """A line a likelihood and model: bound on the samples fitted to and on the test fifth, beside the optimum of the same model."""
    x = read("twins")
    optima = {"dirichlet-multinomial": shared_precision, "multinomial": multinomials}
    for (name, optimum), seed in itertools.product(optima.items(), range(seeds)):
        order = np.random.default_rng(seed).permutation(x.shape[0])
        test, rest = (sparse.csr_array(x[part]) for part in np.split(order, [x.shape[0] // 5]))
        best = optimum(rest, 4, seed)
        at_best = [float(best(part).mean()) for part in (rest, test)]
        yield f"  {name}, seed {seed}: the optimum with four types, fitted {at_best[0]:.2f}, held out {at_best[1]:.2f} nats a sample"
        for model in ("vq-vae", "gumbel-vae"):
            kind = kind_of(model)
            params = {"model": kind.model_name(model), "likelihood": name, "random_state": seed, **ONE_CODE}
            e = make(kind.estimator(kind.estimators[0]), params).fit(rest.toarray())
            means = [float(e.score_samples(part.toarray()).mean()) for part in (rest, test)]
            behind = [a - b for a, b in zip(at_best, means, strict=True)]
            yield f"    {model:<10} fitted {means[0]:9.2f}, {behind[0]:.2f} behind; held out {means[1]:9.2f}, {behind[1]:.2f} behind"


def verdict(quick: bool, seeds: int) -> Iterator[str]:
    """How often each kind of simulated table is called what it is; 200 samples, 60 taxa, K of 1..4 by Laplace."""
    for arrangement in ("one", "clusters", "uniform", "beta"):
        chosen, flagged, started = [], 0, time.process_time()
        for seed in range(seeds):
            x, _ = communities(arrangement, 120 if quick else 200, 60, seed=seed)
            fitted = CommunityTypes("1..4", n_init=2, folds=0, halves=0, bootstrap=0, random_state=seed).fit(
                x
            )
            chosen.append(len(fitted.weights_))
            flagged += bool(fitted.honesty_.gradients)
        used = (time.process_time() - started) / seeds
        yield f"  {arrangement:<9} K {chosen}, gradient in {flagged} of {seeds}; {used:.1f} s CPU each"


def twins(seeds: int) -> Iterator[str]:
    """Laplace at K = 4 of ten starts, by seed."""
    x = read("twins")
    x = sparse.csr_array(x[in_order(x)])
    groups = np.arange(x.shape[0])
    ends = [choose(x, [4], groups, n_starts=10, n_folds=0, seed=seed, n_jobs=None) for seed in range(seeds)]
    found = [choice.tried[0].laplace for choice, _ in ends]
    labels = [best[4].labels for _, best in ends]
    alike = [adjusted_rand_score(a, b) for a, b in itertools.combinations(labels, 2)] or [1.0]
    good = sum(value <= GOAL for value in found)
    yield f"  Laplace {', '.join(f'{value:.1f}' for value in found)}: at most {GOAL:.0f} in {good} of {seeds} seeds"
    yield f"  adjusted Rand index between the types of two seeds: median {np.median(alike):.3f}, lowest {min(alike):.3f}"


def main() -> None:
    """Print the tables and keep them."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--seeds", type=int)
    parser.add_argument("--only", choices=PARTS)
    asked = parser.parse_args()
    warnings.simplefilter("ignore")
    kept = []
    parts = {
        "likelihood": lambda: likelihood(asked.quick, asked.seeds or (1 if asked.quick else 2)),
        "optimizer": lambda: optimizer(asked.quick, asked.seeds or 2),
        "one-code": lambda: one_code(asked.seeds or 2),
        "verdict": lambda: verdict(asked.quick, asked.seeds or (2 if asked.quick else 10)),
        "twins": lambda: twins(asked.seeds or (1 if asked.quick else 10)),
    }
    for name, lines in parts.items():
        if asked.only in (None, name):
            for line in itertools.chain([f"[{name}]"], lines()):
                print(line, flush=True)
                kept.append(line)
    RESULTS.parent.mkdir(exist_ok=True)
    old = RESULTS.read_text().splitlines() if RESULTS.exists() and asked.only else []
    RESULTS.write_text("\n".join([*_without(old, asked.only), *kept]) + "\n")


def _without(lines: list[str], part: str | None) -> list[str]:
    """Lines of an earlier result but those of a part."""
    found, inside = [], False
    for line in lines:
        if line.startswith("["):
            inside = line == f"[{part}]"
        if not inside:
            found.append(line)
    return found


if __name__ == "__main__":
    main()
