"""Community types beside neural models of the same counts, and the verdict on data whose truth is known.

    python benchmarks/community_types.py [--quick] [--seeds 2] [--only likelihood|verdict|twins]

likelihood: log p(x | depth) of a held-out fifth of Twins and the HITChip Atlas, nats a sample, mean over seeds: Dirichlet-multinomial
mixtures of K = 1..6, multinomial mixtures, and VAE, VQ-VAE and gumbel-vae with the likelihood `dirichlet-multinomial`, with codes of their
own choice and with one code out of four. All condition on depth. verdict: how often samples of one community, of two clusters and of two
kinds of gradient are called so. twins: seeds whose Laplace at K = 4 is as good as it should be. Printed, and kept under
benchmarks/results/community_types.txt. `--quick`: one seed, Twins, mixtures and the VAE.
"""

from __future__ import annotations

import argparse
import itertools
import os
import time
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from scipy import sparse

from latentia.data.counts.table import CountTable
from latentia.data.synthetic_communities import communities
from latentia.kinds.types.choosing import choose
from latentia.kinds.types.comparing import of_multinomials, of_network, of_types
from latentia.kinds.types.estimator import CommunityTypes
from latentia.kinds.types.fits import in_order

RESULTS = Path(__file__).parent / "results" / "community_types.txt"
ONE_CODE = {"n_groups": 1, "n_codes": 4}
GOAL = 38778.0  # Laplace of Twins at K = 4


def read(name: str) -> sparse.csr_array:
    """Counts of a data set of the microbiome folder."""
    folder = os.environ.get("LATENTIA_DATA", "../shared/data")
    return CountTable.read(Path(folder) / "microbiome" / name / "counts.csv.gz").counts


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
        "VAE, optimizer auto": of_network("sigma-vae", {"n_importance": 200, "optimizer": "auto"}),
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
    found = [
        choose(x, [4], groups, n_starts=10, n_folds=0, seed=seed, n_jobs=None)[0].tried[0].laplace
        for seed in range(seeds)
    ]
    good = sum(value <= GOAL for value in found)
    yield f"  Laplace {', '.join(f'{value:.1f}' for value in found)}: at most {GOAL:.0f} in {good} of {seeds} seeds"


def main() -> None:
    """Print the tables and keep them."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--seeds", type=int)
    parser.add_argument("--only", choices=("likelihood", "verdict", "twins"))
    asked = parser.parse_args()
    warnings.simplefilter("ignore")
    kept = []
    parts = {
        "likelihood": lambda: likelihood(asked.quick, asked.seeds or (1 if asked.quick else 2)),
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
