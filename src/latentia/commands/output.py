"""How commands print and write what they found."""

from __future__ import annotations

import json
import sys
from typing import Any

_SHOWN = (
    ("log_likelihood", "log-likelihood", "nats"),
    ("elbo", "bound (ELBO)", "nats"),
    ("distortion", "distortion", "nats"),
    ("kl", "rate (KL)", "nats"),
    ("bits_per_dim", "bits/dim", ""),
    ("uniform_bits_per_dim", "bits/dim", "uniform prior"),
    ("perplexity", "code perplexity", "whole split"),
    ("used_codes", "codes used", ""),
    ("sse", "squared error", "per item"),
    ("sigma2", "sigma^2", ""),
    ("n_components", "components", ""),
    ("aic", "AIC", "train split"),
    ("bic", "BIC", "train split"),
    ("icl", "ICL", "train split"),
    ("laplace", "Laplace", "train split"),
)


def print_figures(figures: dict[str, Any]) -> None:
    """The figures of an evaluation as a table."""
    from rich.table import Table

    table = Table(
        "figure", "value", "unit", title=f"{figures['model']} on {figures['data']}, {figures['split']} split"
    )
    for name, label, unit in _SHOWN:
        if figures.get(name) is not None:
            table.add_row(label, f"{figures[name]:.6g}", unit)
    if "active_units" in figures:
        table.add_row("active units", f"{figures['active_units']} of {figures['latent_dim']}", "")
    print_table(table)


def print_verdict(figures: dict[str, Any]) -> None:
    """Verdict, evidence, remedies in words, and those that are commands."""
    print(f"verdict: {', '.join(figures.get('verdicts') or [figures['verdict']])}")
    for sentence in figures["evidence"]:
        print(f"  - {sentence}")
    for remedy in figures["remedies"]:
        print(f"  try: {remedy}")
    for command in figures.get("commands", []):
        print(f"  {command}")


def print_json(figures: dict[str, Any]) -> None:
    """Figures as one JSON object in one line."""
    print(json.dumps(figures, allow_nan=False))


def print_table(table: Any, width: int = 120) -> None:
    """A table of rich, as wide as the terminal; where there is none, `width` columns."""
    from rich.console import Console

    Console(width=None if sys.stdout.isatty() else width, highlight=False).print(table)
