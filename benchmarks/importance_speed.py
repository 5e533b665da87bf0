"""Importance-weighted log-likelihood: latentia against pythae's `get_nll`, same weights, same figure."""

from __future__ import annotations

from functools import partial

import torch

from common import (
    LATENT_DIM,
    device,
    images,
    interleaved,
    latentia_vae,
    machine,
    options,
    publish,
    pythae_vae,
    seconds,
    table,
)

SAMPLES = 1000
ITEMS = 1000
PEER_BATCH = 100  # the default of `get_nll`: copies of one item that are encoded and decoded at a time


def main() -> None:
    arguments = options(__doc__ or "")
    where = device()
    rows = []
    data = "?"
    for network in ("mlp", "conv"):
        # Both libraries' time is proportional to the number of items, so a CPU measures a few of the thousand.
        n_timed, repetitions = (2, 5) if network == "conv" else (10, 7)
        n_timed = max(1, round(n_timed * arguments.scale * (10 if where == "cuda" else 1)))
        stored, data = images(max(ITEMS, n_timed))
        figures, times = compare(network, (stored.float() / 255).to(where), n_timed, repetitions, where)
        for name, figure in figures.items():
            per_thousand = times[name] * ITEMS / n_timed
            ratio = times["pythae"] / times[name]
            rows.append((f"{network}, {name}", f"{figure:.2f}", f"{per_thousand:.0f} s", f"{ratio:.2f}"))
    head = ("network, library", "log p(x), nats", f"{ITEMS} items", "times pythae")
    text = f"Importance-weighted log-likelihood, {SAMPLES} samples for each image, {LATENT_DIM} latent dimensions, {data}\n"
    publish("importance_speed", f"{text}{machine()}\n\n{table(head, rows)}", arguments.save)


def compare(
    network: str, x: torch.Tensor, n_timed: int, repetitions: int, where: str
) -> tuple[dict[str, float], dict[str, float]]:
    """Figures and median seconds of both libraries on the first `n_timed` items."""
    model = latentia_vae(network).to(where)
    # A few steps, so that the posterior means something and the estimate is not noise.
    brief_fit(model, x)
    model.eval()
    peer = pythae_vae(model).to(where).eval()
    runs = {
        "pythae": lambda: float(peer.get_nll(x[:n_timed], n_samples=SAMPLES, batch_size=PEER_BATCH)),
        "latentia": lambda: float(model.log_prob(x[:n_timed], SAMPLES).mean()),
    }
    figures = {name: run() for name, run in runs.items()}
    timed = {name: partial(seconds, run, where) for name, run in runs.items()}
    return figures, interleaved(timed, repetitions)


def brief_fit(model: torch.nn.Module, x: torch.Tensor) -> None:
    """Thirty steps of Adam."""
    optimizer = torch.optim.Adam(model.parameters(), 1e-3)
    model.train()
    for step in range(30):
        batch = x[(step * 128) % 896 :][:128]
        optimizer.zero_grad()
        (-model.trace(batch).elbo.mean()).backward()  # type: ignore[operator]
        optimizer.step()


if __name__ == "__main__":
    main()
