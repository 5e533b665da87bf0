"""GeoQuery with transducers: exact matches with all pairs, and with few pairs beside outputs whose inputs are not told.

    python benchmarks/geoquery.py all [--steps N]                           # seq2seq on all 600 pairs
    python benchmarks/geoquery.py few --labelled 0.1 --draws 5 [--steps N]  # seq2seq and seq4 on a share of the pairs

Constants stand as kind and number on both sides (argument identification, which reads the form, is not part of the task). Nothing is chosen by the 280
test pairs. A fit that is kept below --runs is not made again; each command prints all that are kept, `--save` keeps the table.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import time
from pathlib import Path
from typing import Any

from common import machine, publish, table
from latentia import Transducer
from latentia.data import load
from latentia.data.pairs import Pairs
from latentia.kinds.transducer.rows import with_share


def pairs() -> tuple[Pairs, Pairs]:
    """The 600 training pairs and the 280 test pairs."""
    data = load("geoquery-anonymised")
    parts = (data.train.x, data.validation.x)
    inputs, outputs = (
        [text for part in parts for text in getattr(part, side)()] for side in ("inputs", "outputs")
    )
    return Pairs.of_pairs(inputs, outputs), data.test.x


def fitted(runs: Path, model: str, share: float, draw: int, steps: int | None) -> None:
    """Fit, and keep figures."""
    path = runs / f"{model}-{share:g}-{draw}-{steps or 'default'}.json"
    if path.exists():
        return
    train, test = pairs()
    train = with_share(train, share, draw) if share < 1 else train
    started = time.process_time()
    estimator = Transducer(model, steps=steps, random_state=draw).fit(train)
    spent = time.process_time() - started
    found: dict[str, Any] = {"model": model, "share": share, "draw": draw, "steps": steps, "seconds": spent}
    found |= {"pairs": estimator.n_train_, "exact": estimator.score(test)}
    if model == "seq4":
        found["input_accuracy"] = estimator.input_accuracy(test.inputs(), test.outputs())
    runs.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(found))
    print(found, flush=True)


def told(runs: Path, save: bool) -> None:
    """All that is kept, means over draws."""
    found = [json.loads(path.read_text()) for path in sorted(runs.glob("seq*.json"))]
    groups: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for each in found:
        groups.setdefault((each["share"], each["steps"] or 0, each["model"]), []).append(each)
    rows = []
    for (share, steps, model), each in sorted(groups.items()):
        exact = [100 * one["exact"] for one in each]
        spread = statistics.stdev(exact) / math.sqrt(len(exact)) if len(exact) > 1 else None
        hits = [100 * one["input_accuracy"] for one in each if "input_accuracy" in one]
        rows.append(
            (
                model, f"{share:.0%}", str(each[0]["pairs"]), str(steps or "default"), str(len(each)), f"{statistics.mean(exact):.1f}",
                "-" if spread is None else f"{spread:.1f}", f"{statistics.mean(hits):.1f}" if hits else "-",
                f"{statistics.mean(one['seconds'] for one in each):.0f}",
            )
        )  # fmt: skip
    header = ("model", "told", "pairs", "steps", "draws", "exact %", "s.e.", "G's tokens %", "CPU s")
    notes = "exact: of the 280 test pairs, constants anonymised; one draw has a standard error of about 3 points of its own from the 280."
    publish("geoquery", f"GeoQuery\n{machine()}\n\n{table(header, rows)}\n\n{notes}", save)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("part", choices=("all", "few", "table"))
    parser.add_argument("--labelled", type=float, nargs="+", default=[0.1, 0.25])
    parser.add_argument("--draws", type=int, default=1)
    parser.add_argument("--steps", type=int)
    parser.add_argument("--models", nargs="+", default=["seq2seq", "seq4"])
    parser.add_argument("--runs", type=Path, default=Path("runs/geoquery"))
    parser.add_argument("--save", action="store_true")
    arguments = parser.parse_args()
    if arguments.part == "all":
        fitted(arguments.runs, "seq2seq", 1.0, 0, arguments.steps)
    if arguments.part == "few":
        for share in arguments.labelled:
            for draw in range(arguments.draws):
                for model in arguments.models:
                    fitted(arguments.runs, model, share, draw, arguments.steps)
    told(arguments.runs, arguments.save)


if __name__ == "__main__":
    main()
