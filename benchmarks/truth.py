"""The truth table: fits of known state, of every kind of model, and what the verdicts say of them.

    python benchmarks/truth.py                 # all states, seeds 1 and 2 (`make truth`)
    python benchmarks/truth.py --only codes    # of one kind
    python benchmarks/truth.py --seeds 5

A state is right if the fault that was brought about is among those that are named, and a healthy one if none is. The margin is the deciding
figure in units of its threshold: above 1 it is a fault. Thresholds were set on other seeds (docs/diagnosis.md). Ends with status 1 if
a state is judged wrong; results are kept beside those of other states.
"""

from __future__ import annotations

import argparse
import json
import platform
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from latentia.kinds.reporting import run_of
from latentia.kinds.run import Effort
from truth_states import STATES, Fitted, has_mnist, needs_mnist

RESULTS = Path(__file__).parent / "results"


def judged(fitted: Fitted) -> dict[str, Any]:
    """The faults, and how far the deciding figures are from their thresholds."""
    rows, classes = fitted.train if isinstance(fitted.train, tuple) else (fitted.train, None)
    run = run_of(fitted.model, fitted.test, fitted.y, train=rows)
    if classes is not None:
        numbers = np.searchsorted(np.unique(np.asarray(fitted.y)), classes)
        run._dataset = replace(run.dataset, train=replace(run.dataset.train, y=numbers))
    measured = run.measure("test", Effort())
    verdict = measured.verdict
    names = [finding.name for finding in verdict.findings if finding.name]
    margins = {finding.name or f"none {i}": finding.strength for i, finding in enumerate(verdict.findings)}
    return {"verdicts": names or ["healthy"], "margins": margins, "evidence": list(verdict.evidence)}


def keep(rows: list[dict[str, Any]], states: set[tuple[str, str]]) -> None:
    """Write the rows under `results`, beside those of other states that are there."""
    RESULTS.mkdir(exist_ok=True)
    file = RESULTS / "truth.json"
    before = json.loads(file.read_text())["rows"] if file.exists() else []
    others = [
        row
        for row in before
        if (row["kind"], row["state"]) not in states and (row["kind"], row["state"]) in STATES
    ]
    found = {"machine": platform.processor() or platform.machine(), "rows": [*others, *rows]}
    file.write_text(json.dumps(found, indent=1) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--only", default="", help="part of the name of a kind or a state")
    args = parser.parse_args()
    images = has_mnist()
    rows = []
    for (group, name), (make, wanted) in STATES.items():
        if args.only not in f"{group}: {name}":
            continue
        if needs_mnist(group) and not images:
            print(f"{group:18} {name:28} skipped: MNIST is not there ($LATENTIA_DATA)")
            continue
        for seed in args.seeds:
            start = time.perf_counter()
            found = judged(make(seed))
            right = wanted in found["verdicts"]
            strength = found["margins"].get(wanted)
            if strength is None and wanted == "healthy":
                known = [value for value in found["margins"].values() if value is not None]
                strength = max(known, default=None)
            shown = "" if strength is None else f"{strength:.2f}"
            mark = "right" if right else "WRONG"
            seconds = time.perf_counter() - start
            print(
                f"{mark}  {group:18} {name:28} seed {seed}  {wanted:26} {shown:>7}  {', '.join(found['verdicts'])}  ({seconds:.0f} s)",
                flush=True,
            )
            rows.append(
                {
                    "kind": group,
                    "state": name,
                    "seed": seed,
                    "wanted": wanted,
                    "right": right,
                    "seconds": round(seconds, 1),
                    **found,
                }
            )
    wrong = sum(not row["right"] for row in rows)
    states = {(row["kind"], row["state"]) for row in rows}
    print(
        f"{len(states)} states, {len(rows)} fits, {wrong} wrong; margin: the deciding figure in units of its threshold"
    )
    keep(rows, states)
    raise SystemExit(1 if wrong else 0)


if __name__ == "__main__":
    main()
