"""Text models on the Penn Treebank: counts of tokens, and models beside the trigram.

    python benchmarks/text.py oracles            # counts, unigram and trigram of the whole treebank; seconds
    python benchmarks/text.py short [MODEL ...]  # sentences of at most 12 words: each model, --seeds of it
    python benchmarks/text.py full MODEL ...     # the whole treebank, --epochs of it; goes on where it was stopped
    python benchmarks/text.py table              # of all fits in the folder
    python benchmarks/text.py curve              # of those to short sentences: likelihood against information (docs/images)

Fits are run folders below --runs and are not fitted twice. `--save` keeps what is printed under benchmarks/results.
"""

from __future__ import annotations

import argparse
import gzip
import json
import math
import os
import time
from pathlib import Path
from typing import Any

from common import machine, publish, table
from latentia.data.items import Ragged, Strings
from latentia.data.text import read_lines
from latentia.diagnostics.ngrams import Trigram, Unigram
from latentia.estimators.forms.tokens import Tokens, choose_tokens
from latentia.kinds.fitting import fit_run
from latentia.kinds.spec import DataSpec

PARTS = ("train", "valid", "test")
MODELS = ("sequence-vae", "sequence-pretrained")
SHORT = 12  # words
IMAGE = Path(__file__).parents[1] / "docs" / "images" / "text-trade-off.png"
LI = {"width": 256, "dropout": 0.5, "tied": True}
HEADER = (
    "model",
    "seed",
    "-ELBO",
    "KL",
    "NLL",
    "PPL",
    "MI",
    "AU",
    "drop",
    "free",
    "free'",
    "right",
    "right 0",
    "trigram",
    "CPU s",
    "verdict",
)


def treebank() -> dict[str, Strings]:
    """The three parts."""
    folder = Path(os.environ["LATENTIA_DATA"]) / "text" / "ptb"
    return {part: read_lines(folder / f"ptb.{part}.txt.gz").train.x for part in PARTS}


def stored(parts: dict[str, Strings], least: int | None = None) -> tuple[dict[str, Ragged], int]:
    """Numbered tokens of each part, and the size of the vocabulary."""
    form, _ = choose_tokens(parts["train"], Tokens("word", min_count=least))
    return {part: form.stored(items) for part, items in parts.items()}, form.n_tokens


def oracles(arguments: argparse.Namespace) -> None:
    parts, n_tokens = stored(treebank())
    rows = [(part, f"{len(items):,}", f"{len(items.values):,}") for part, items in parts.items()]
    lines = [
        f"Penn Treebank, words, ends counted; {n_tokens:,} types",
        "",
        table(("part", "lines", "tokens"), rows),
        "",
    ]
    rows = []
    for name, model in (
        ("unigram", Unigram.fit(parts["train"], n_tokens)),
        ("trigram", Trigram(parts["train"], n_tokens)),
    ):
        nats = -model.token_log_prob(parts["test"])
        rows.append((name, f"{math.exp(nats.mean()):.2f}", f"{nats.sum() / len(parts['test']):.2f}"))
    lines.append(table(("test", "perplexity", "nats a sentence"), rows))
    publish("text_oracles", "\n".join(lines), arguments.save)


def short_folder(root: Path) -> Path:
    """The sentences of at most 12 words as three files."""
    folder = root / "ptb-short"
    folder.mkdir(parents=True, exist_ok=True)
    for part, items in treebank().items():
        kept = [text for text in items.lists() if len(text.split()) <= SHORT]
        with gzip.open(folder / f"{part}.txt.gz", "wt", encoding="utf-8") as file:
            file.write("\n".join(kept) + "\n")
    return folder


def short(arguments: argparse.Namespace) -> None:
    folder = short_folder(arguments.runs)
    for seed in range(arguments.seeds):
        for model in arguments.models or MODELS:
            params = {
                "model": model,
                "tokens": {"min_count": 2},
                "max_epochs": 6,
                "n_importance": 100,
                "random_state": seed,
            }
            _fit(DataSpec(str(folder), seed), params, arguments.runs / f"short-{model}-{seed}")
    _table(
        arguments,
        "short",
        f"Penn Treebank, sentences of at most {SHORT} words, 6 epochs (an autoencoder's 3 before them), all test items",
    )


def full(arguments: argparse.Namespace) -> None:
    for model in arguments.models:
        params = {
            "model": model,
            "network": LI,
            "latent_dim": None if model == "sequence-lm" else 32,
            "max_epochs": arguments.epochs,
            "random_state": 0,
        }
        _fit(DataSpec("ptb", 0), params, arguments.runs / f"full-{model}-0", 1000)
    _table(
        arguments,
        "full",
        f"Penn Treebank, {arguments.epochs} epochs (an autoencoder's half as many before them), test part; NLL of 1000 items",
    )


def _fit(spec: DataSpec, params: dict[str, Any], out: Path, importance_items: int | None = None) -> None:
    """Fit, or go on, and keep figures on the test items with the seconds of this process beside them."""
    if (out / "evaluation.json").exists():
        return
    kept = json.loads((out / "seconds.json").read_text()) if (out / "seconds.json").exists() else None
    started = time.process_time()
    run = fit_run(spec, params, out, command=f"benchmarks/text.py {out.name}", resume=out.exists(), say=print)
    spent = time.process_time() - started
    figures = run.evaluate("test", importance_items=importance_items)
    (out / "seconds.json").write_text(json.dumps(kept or {"fit": spent}))
    print(f"{out.name}: {figures['verdict']}", flush=True)


def _table(arguments: argparse.Namespace, which: str, title: str) -> None:
    rows = []
    for folder in sorted(arguments.runs.glob(f"{which}-sequence-*")):
        if not (folder / "seconds.json").exists():
            continue
        figures = json.loads((folder / "evaluation.json").read_text())["test"]
        spent = json.loads((folder / "seconds.json").read_text())
        model, _, seed = folder.name.removeprefix(f"{which}-").rpartition("-")
        dependence = figures["diagnosis"].get("dependence") or {}
        rows.append((model, seed, *_cells(figures, dependence, spent["fit"])))
    notes = (
        "NLL: importance-weighted, 100 samples (a language model's is exact); PPL: of it; drop: nats that another item's code costs; free, free': loss "
        "left alone, nats a token, own code and another's; right: share of tokens left alone, own code and none; trigram: its NLL of the same items."
    )
    publish(f"text_{which}", f"{title}\n{machine()}\n\n{table(HEADER, rows)}\n\n{notes}", arguments.save)


def _cells(figures: dict[str, Any], dependence: dict[str, Any], spent: float) -> tuple[str, ...]:
    nats = figures["log_likelihood"] or figures["elbo"]

    def shown(value: float | None, digits: int = 2) -> str:
        return "-" if value is None else f"{value:.{digits}f}"

    return (
        shown(-figures["elbo"]), shown(figures["kl"], 3), shown(-nats), shown(figures["perplexity"], 1), shown(figures.get("mutual_information")),
        f"{figures['active_units']}" if figures.get("latent_dim") else "-", shown(dependence.get("drop")), shown(figures["free_loss"]),
        shown(figures["free_loss_other"]), shown(figures["free_accuracy"], 3), shown(figures["free_accuracy_zero"], 3),
        shown(-figures["trigram_log_likelihood"]), f"{spent:.0f}", figures["verdict"],
    )  # fmt: skip


def curve(arguments: argparse.Namespace) -> None:
    """Draw the importance-weighted likelihood of every fit to short sentences against what its code tells."""
    from latentia.report.theme import LIGHT, canvas, style

    figure = canvas(LIGHT, 7.0, 4.6)
    axes = figure.subplots()
    for folder in sorted(arguments.runs.glob("short-sequence-*")):
        if not (folder / "evaluation.json").exists():
            continue
        found = json.loads((folder / "evaluation.json").read_text())["test"]
        told, nats = found.get("mutual_information") or 0.0, -(found["log_likelihood"] or found["elbo"])
        name = folder.name.removeprefix("short-sequence-").rpartition("-")[0]
        axes.plot(told, nats, "o", color=LIGHT.model)
        axes.annotate(name, (told, nats), xytext=(5, 3), textcoords="offset points", fontsize=8)
    axes.axhline(-found["trigram_log_likelihood"], color=LIGHT.muted, lw=1, ls="--")
    axes.annotate(
        "trigram",
        (0, -found["trigram_log_likelihood"]),
        xytext=(5, 3),
        textcoords="offset points",
        fontsize=8,
    )
    style(
        axes,
        LIGHT,
        x="what the code tells of an item, nats (mutual information)",
        y="what an item costs, nats (importance-weighted)",
        grid="both",
    )
    figure.savefig(IMAGE, dpi=130)
    print(IMAGE)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("part", choices=("oracles", "short", "full", "table", "curve"))
    parser.add_argument("models", nargs="*")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--epochs", type=int, default=12, help="of a fit of the whole treebank")
    parser.add_argument("--runs", type=Path, default=Path("runs/text"))
    parser.add_argument("--save", action="store_true")
    arguments = parser.parse_args()
    if arguments.part == "table":
        for which in ("short", "full"):
            if any(arguments.runs.glob(f"{which}-sequence-*/seconds.json")):
                title = (
                    f"Penn Treebank, sentences of at most {SHORT} words, test items"
                    if which == "short"
                    else "Penn Treebank, test part"
                )
                _table(arguments, which, title)
        return
    {"oracles": oracles, "short": short, "full": full, "curve": curve}[arguments.part](arguments)


if __name__ == "__main__":
    main()
