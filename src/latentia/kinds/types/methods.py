"""The paragraph for a paper: what was done to the counts, and with which settings."""

from __future__ import annotations

import pandas as pd

from latentia.data.counts.table import CountTable
from latentia.kinds.types.associating import Blocks
from latentia.kinds.types.estimator import CommunityTypes
from latentia.kinds.types.fits import candidates_of
from latentia.kinds.types.words import KEPT_BY, LABELS
from latentia.version import __version__

CITATION = "Holmes I, Harris K, Quince C (2012) Dirichlet multinomial mixtures: generative models for microbial metagenomics. PLoS ONE 7(2): e30126"


def methods_paragraph(
    table: CountTable, estimator: CommunityTypes, associations: pd.DataFrame, blocks: Blocks
) -> str:
    """What a paper says of the types, ready to paste.

    Args:
        table: that was fitted, with its steps.
        estimator: fitted.
        associations: of the types.
        blocks: repeats.
    """
    e, (n, d) = estimator, table.shape
    k, tried = len(e.weights_), [each.n_components for each in e.choice_.tried]
    each = (
        f" (each start the best of {candidates} after a few iterations)"
        if (candidates := candidates_of(n, d)) > 1
        else ""
    )
    steps = "; ".join(step.name for step in table.steps[1:])
    parts = [
        f"Community types were inferred from the read counts of {n:,} samples and {d:,} taxa ({int(table.depth.sum()):,} reads, "
        f"{int(table.depth.min()):,} to {int(table.depth.max()):,} a sample{'; filters: ' + steps if steps else ''}) by a "
        f"Dirichlet-multinomial mixture (Holmes et al. 2012), which is conditional on sequencing depth, as implemented in latentia {__version__} "
        f"(random seed {e.random_state})."
    ]
    numbers = f"{tried[0]} to {tried[-1]} types were fitted" if len(tried) > 1 else f"{k} types were fitted"
    starts = f"{e.n_init} starts each" if e.n_init > 1 else "one start each"
    kept = f", of which that with the best {KEPT_BY[e.criterion]} was kept" if e.n_init > 1 else ""
    parts.append(
        f"{numbers} by expectation-maximisation from {starts}{each}{kept}"
        + (f"; {LABELS[e.criterion]} was optimal at K = {k}." if len(tried) > 1 else ".")
    )
    parts += _examined(estimator, k, blocks)
    if len(associations):
        shuffled = f", {blocks.name} as blocks" if blocks.name else ""
        parts.append(
            f"Types were tested against {associations['column'].nunique()} variables by permutation (chi-squared or Kruskal-Wallis{shuffled}), "
            "with the Benjamini-Hochberg procedure over all tests."
        )
    return " ".join([*parts, f"Reference: {CITATION}."])


def _times(n: int, what: str) -> str:
    return f"{n} {what}{'' if n == 1 else 's'}"


def _examined(e: CommunityTypes, k: int, blocks: Blocks) -> list[str]:
    honesty, parts = e.honesty_, []
    together = f", samples of one {blocks.name} kept together" if blocks.name else ""
    if (each := e.choice_.of(k)).held_out is not None:
        parts.append(
            f"In {e.folds}-fold cross-validation{together}, held-out samples had a mean log-likelihood of {each.held_out:.2f} nats (standard "
            f"error {each.held_out_error:.2f})."
        )
    told = []
    if honesty.strength is not None:
        told.append(
            f"the mean prediction strength over {_times(len(honesty.prediction_strength), 'split')} was {honesty.strength:.2f}"
        )
    if honesty.stability is not None:
        told.append(
            f"the median adjusted Rand index over {_times(len(honesty.bootstrap), 'bootstrap draw')} was {honesty.stability:.2f}"
        )
    if honesty.gradients:
        pair = honesty.gradients[0]
        told.append(
            f"{pair.observed:.1%} of samples lay between two types, where the mixture has {pair.simulated:.1%}"
        )
    if told:
        text = "; ".join(told)
        parts.append(f"{text[:1].upper()}{text[1:]}.")
    return parts
