"""Test log-likelihood of dynamically binarized MNIST with the one-layer network of Burda et al. 2016, `vae` and `iwae`.

The network is 784-200-200-50 with tanh, mirrored in the decoder; all 60 000 training images are drawn as binary anew at
each look. Published after 3280 epochs (Burda et al. 2016, table 1, k = 1 and k = 50): 86.76 and 84.78 nats by L_5000 on
the test set. Within a budget of minutes the number of epochs is what fits into two thirds of it at the speed that is
measured first, in updates of 400 items; the samples of `iwae` rise from 1 to 50 before the last fifth of them, and the gradient goes
through 8 of the 50, chosen by weight (without a bias); this was chosen on held-out training images. `--full` takes the
published number of epochs, 100 items in an update and the gradient of all 50 samples from the first one on, and wants a GPU.

Every step can be interrupted: the same command goes on where it stopped, and prints what is finished. Results lie in
`OUT/MODEL/`: `plan.json`, the run folder of the fit, `scores.jsonl` (L_5000 of blocks of test images), `result.json`.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import latentia
from latentia.data import load
from latentia.files import write_atomically

PUBLISHED = {"vae": 86.76, "iwae": 84.78}
PUBLISHED_EPOCHS = 3280
SAMPLES = {"vae": 1, "iwae": 50}
RAMP = {"ramp": "sigmoid", "start": 1, "end": SAMPLES["iwae"], "middle": 0.8, "steepness": 50}
BACKWARD = 8
BATCH = 400  # one orthogonalised update costs as much as the pass over some 300 items
LEARNING_RATE = 3e-3
FULL = {"batch_size": 100, "learning_rate": 1e-3}
BLOCK = 250
TIMED_UPDATES = 100
KEPT_BACK = 1 / 3  # of the budget: a machine that is shared slows by as much within minutes


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--models", nargs="+", default=list(PUBLISHED), choices=list(PUBLISHED))
    parser.add_argument("--minutes", type=float, default=45.0, help="for the training of each model")
    parser.add_argument("--full", action="store_true", help=f"{PUBLISHED_EPOCHS} epochs, whatever they take")
    parser.add_argument("--epochs", type=int, help="so many epochs, instead of a budget")
    parser.add_argument("--batch-size", type=int, help=f"items in an update; {BATCH}, with --full 100")
    parser.add_argument("--learning-rate", type=float, help=f"{LEARNING_RATE}, with --full 0.001")
    parser.add_argument(
        "--constant",
        action="store_true",
        help="50 samples of iwae from the first update on, and the gradient through all",
    )
    parser.add_argument("--importance", type=int, default=5000, help="samples in the estimate of log p(x)")
    parser.add_argument("--items", type=int, default=10_000, help="test images that are scored")
    parser.add_argument("--train-items", type=int, help="training images; all, but to try the script")
    parser.add_argument("--device", default="auto")
    parser.add_argument(
        "--out", type=Path, default=Path(__file__).parent / "results" / "binarized_likelihood"
    )
    arguments = parser.parse_args()
    data = load("mnist")
    train = np.concatenate([data.train.x, data.validation.x])[: arguments.train_items]
    results = []
    for model in arguments.models:
        folder = arguments.out / model
        plan = planned(folder, model, train, arguments)
        vae = fitted(folder, plan, train, arguments.device)
        results.append(scored(folder, plan, vae, data.test.x[: arguments.items], arguments.importance))
        show(results)


def estimator(plan: dict[str, Any], device: str, epochs: int) -> latentia.VAE:
    options = None
    if plan["model"] == "iwae":
        options = {"n_samples": plan["ramp"] or plan["n_samples"], "n_backward": plan["n_backward"]}
    return latentia.VAE(
        plan["model"],
        latent_dim=50,
        optimizer="muon",
        network="mlp-tanh",
        binarize=True,
        objective_options=options,
        max_epochs=epochs,
        batch_size=plan["batch_size"],
        learning_rate=plan["learning_rate"],
        validation_fraction=0.0,
        device=device,
        verbose=epochs > 1,
        random_state=0,
    )


def planned(folder: Path, model: str, train: NDArray[Any], arguments: argparse.Namespace) -> dict[str, Any]:
    """The plan in the folder, or a new one: epochs by the budget, at the speed of a hundred updates."""
    path = folder / "plan.json"
    if path.exists():
        return dict(json.loads(path.read_text()))
    usual = FULL if arguments.full else {"batch_size": BATCH, "learning_rate": LEARNING_RATE}
    batch_size = arguments.batch_size or usual["batch_size"]
    short = model == "iwae" and not (arguments.full or arguments.constant)
    plan: dict[str, Any] = {
        "model": model,
        "n_samples": SAMPLES[model],
        "ramp": RAMP if short else None,
        "n_backward": BACKWARD if short else 0,
        "batch_size": batch_size,
        "learning_rate": arguments.learning_rate or usual["learning_rate"],
        "budget_minutes": None,
        "epochs": PUBLISHED_EPOCHS if arguments.full else arguments.epochs,
    }
    if plan["epochs"] is None:
        trial = estimator(plan, arguments.device, 1)
        few = train[: TIMED_UPDATES * batch_size]
        trial.fit(few)  # the first fit pays for what is done once
        trial.fit(few)
        seconds = trial.history_[-1]["seconds"] * len(train) / len(few)
        plan["budget_minutes"] = arguments.minutes
        plan["epochs"] = max(1, int(60 * (1 - KEPT_BACK) * arguments.minutes / seconds))
    write_json(path, plan)
    return plan


def fitted(folder: Path, plan: dict[str, Any], train: NDArray[Any], device: str) -> latentia.VAE:
    run = folder / "run"
    if (run / "config.json").exists():
        return latentia.load(run)
    print(f"{plan['model']}: {plan['epochs']} epochs of {len(train)} images", flush=True)
    vae = estimator(plan, device, plan["epochs"]).fit(train, run_dir=run, resume=True)
    vae.save(run)
    return vae


def scored(
    folder: Path, plan: dict[str, Any], vae: latentia.VAE, test: NDArray[Any], n_importance: int
) -> dict[str, Any]:
    """L_1 and L_5000 in nats; blocks of test images that are scored already are not scored again."""
    path = folder / "scores.jsonl"
    lines = path.read_text().splitlines() if path.exists() else []
    blocks = {row["start"]: row for row in map(json.loads, lines) if row["n_importance"] == n_importance}
    vae.set_params(n_importance=n_importance)
    for start in range(0, len(test), BLOCK):
        block = test[start : start + BLOCK]
        if len(blocks.get(start, {"log_prob": ()})["log_prob"]) == len(block):
            continue
        log_prob = vae.score_samples(block).tolist()
        blocks[start] = {"start": start, "n_importance": n_importance, "log_prob": log_prob}
        with path.open("a") as file:
            file.write(json.dumps(blocks[start]) + "\n")
    log_prob = np.concatenate([blocks[start]["log_prob"] for start in range(0, len(test), BLOCK)])
    figures = vae.evaluate(test, n_importance=0)
    assert figures.elbo is not None
    result = {
        **plan,
        "n_test": len(test),
        "n_importance": n_importance,
        "L_1": -figures.elbo,
        "L_n": -float(log_prob.mean()),
        "standard_error": float(log_prob.std(ddof=1) / len(log_prob) ** 0.5),
        "active_units": figures.active_units,
        "kl": figures.kl,
        "training_minutes": sum(row["seconds"] for row in vae.history_) / 60,
        "published": PUBLISHED[plan["model"]],
    }
    write_json(folder / "result.json", result)
    return result


def show(results: list[dict[str, Any]]) -> None:
    print(
        f"\n{'model':6}{'k':>4}{'epochs':>8}{'minutes':>9}{'-L_1':>9}{'-L_n':>9}{'+-':>6}"
        f"{'n':>6}{'active':>8}{'published -L_5000':>19}"
    )
    for r in results:
        print(
            f"{r['model']:6}{r['n_samples']:4d}{r['epochs']:8d}{r['training_minutes']:9.1f}{r['L_1']:9.2f}{r['L_n']:9.2f}"
            f"{r['standard_error']:6.2f}{r['n_importance']:6d}{r['active_units']:8d}{r['published']:19.2f}",
            flush=True,
        )


def write_json(path: Path, value: dict[str, Any]) -> None:
    write_atomically(path, (json.dumps(value, indent=2) + "\n").encode())


if __name__ == "__main__":
    main()
