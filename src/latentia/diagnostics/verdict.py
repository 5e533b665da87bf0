"""A first verdict on a fit: healthy or what is wrong, the evidence in words, and the remedy."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from torch import Tensor

from latentia.diagnostics.evaluation import ACTIVE_VARIANCE, Evaluation, evaluate
from latentia.diagnostics.prior_gap import PriorGap, prior_gap
from latentia.diagnostics.sampling import Sample
from latentia.models import VAE

HEALTHY = "healthy"
COLLAPSE = "posterior collapse"
PARTIAL_COLLAPSE = "partial posterior collapse"
OVERLOAD = "information overload"
OVERFITTED = "overfitted"
UNDERTRAINED = "under-trained"

# Thresholds. None was chosen by looking at the results of test data.
COLLAPSED_KL = 0.01
"""A dimension with less KL than this (nats) tells nothing: the epsilon of (epsilon, delta)-collapse in Lucas et al. 2019."""
ACTIVE_SHARE = 0.5
"""Partial collapse: most dimensions inactive. A rule of this project; some inactive dimensions are how a VAE prunes."""
PRIOR_MATCH = 0.5
"""Overload: prior draws match the data less than half as well as other data do. A rule of this project; what is
measured is Kynkäänniemi et al. 2019."""
HELD_OUT_ERROR = 2.0
"""Overfitted: the squared error on held-out items is more than twice that on training items. A rule of this project."""
LAST_TENTH = 0.2
"""Under-trained: the last tenth of the epochs brought more than a fifth of all improvement. A rule of this project."""
MISFIT_VARIANCE = 4.0
"""The variance in force and the optimal one differ by more than this factor (a factor 2 in sigma): said as a cause."""

PRIOR_GAP_ITEMS = 2000


@dataclass(frozen=True)
class Verdict:
    """What is to be thought of a fit.

    Attributes:
        name: "healthy", or the gravest thing found.
        evidence: sentences with the figures, on everything that was looked at.
        remedies: what to do, options of the command line in backquotes.
    """

    name: str
    evidence: tuple[str, ...]
    remedies: tuple[str, ...]


def diagnose(
    model: VAE,
    x_batches: Iterable[Tensor],
    *,
    evaluation: Evaluation | None = None,
    train: Evaluation | None = None,
    history: Sequence[float] = (),
    seed: int = 0,
) -> Verdict:
    """Evaluate a model on held-out batches, compare its prior with the codes of the data, and `judge`.

    Args:
        model: a VAE.
        x_batches: held-out batches `[B, *event]`.
        evaluation: of the same batches, if it is there already; else one is made, without importance sampling.
        train: evaluation on (part of) the training data, if overfitting is to be judged.
        history: validation bound after each epoch, if under-training is to be judged.
        seed: of what is drawn.
    """
    sample = Sample(PRIOR_GAP_ITEMS)

    def watched() -> Iterable[Tensor]:
        for x in x_batches:
            if len(x):
                sample.add(x)
            yield x

    if evaluation is None:
        evaluation = evaluate(model, watched(), n_importance=0, seed=seed)
    else:
        for _ in watched():
            pass
    return judge(evaluation, gap=prior_gap(model, sample.items, seed), train=train, history=history)


def judge(
    evaluation: Evaluation,
    *,
    gap: PriorGap | None = None,
    train: Evaluation | None = None,
    history: Sequence[float] = (),
) -> Verdict:
    """Name the gravest fault that the figures show: collapse, overload, overfitting, too little training, partial collapse.

    Example:
        >>> from latentia.catalog import CATALOG, compose
        >>> import torch
        >>> model = compose(CATALOG["sigma-vae"], (4,), 2, likelihood="gaussian", network="mlp")
        >>> judge(evaluate(model, [torch.zeros(50, 4)], n_importance=0)).name
        'posterior collapse'
    """
    collapse = _collapse(evaluation)
    findings = [
        collapse,
        # A decoder that ignores the code makes the same of the prior's as of the data's: nothing to compare.
        None if collapse.name == COLLAPSE else _overload(evaluation, gap),
        _overfitting(evaluation, train),
        _undertraining(history),
    ]
    found = [finding for finding in findings if finding is not None]
    faults = sorted((f for f in found if f.name), key=lambda f: _GRAVITY.index(f.name))
    return Verdict(
        name=faults[0].name if faults else HEALTHY,
        evidence=tuple(f.evidence for f in faults) + tuple(f.evidence for f in found if not f.name),
        remedies=tuple(dict.fromkeys(remedy for f in faults for remedy in f.remedies)),
    )


_GRAVITY = (COLLAPSE, OVERLOAD, OVERFITTED, UNDERTRAINED, PARTIAL_COLLAPSE)


@dataclass(frozen=True)
class _Finding:
    """One thing looked at; an empty name means that it is in order."""

    name: str
    evidence: str
    remedies: tuple[str, ...] = ()


def _collapse(figures: Evaluation) -> _Finding:
    """Rate and active units."""
    active, dims = figures.active_units, figures.latent_dim
    units = f"{active} of {dims} latent dimensions are active (variance of their mean over the data above {ACTIVE_VARIANCE})"
    rate = (
        f"the code carries {figures.kl:.3g} nats per item"
        if figures.kl is not None
        else "codes are deterministic"
    )
    cause, remedies = _variance(figures)
    if active == 0 or (figures.kl is not None and figures.kl < COLLAPSED_KL * dims):
        text = f"{_capital(rate)} and {units}: the decoder makes the same of every code{cause}."
        return _Finding(COLLAPSE, text, (*remedies, _LOWER_BETA, _MORE_CODE))
    if active < ACTIVE_SHARE * dims:
        text = f"Only {units}; {rate}{cause}."
        smaller = (
            f"if the reconstructions satisfy you, `--latent-dim {active}` says the same with fewer dimensions"
        )
        return _Finding(PARTIAL_COLLAPSE, text, (*remedies, _LOWER_BETA, smaller))
    return _Finding("", f"{_capital(rate)} and {units}.")


def _variance(figures: Evaluation) -> tuple[str, tuple[str, ...]]:
    """The clause and the remedy for a likelihood variance far above the optimum."""
    if figures.sigma2 is None or figures.sigma2 <= MISFIT_VARIANCE * figures.sigma2_optimal:
        return "", ()
    ratio = figures.sigma2 / figures.sigma2_optimal
    clause = (
        f"; the likelihood's variance, {figures.sigma2:.3g}, is {ratio:.3g} times the mean squared residual "
        f"{figures.sigma2_optimal:.3g}, which makes reconstruction count too little against the rate"
    )
    return clause, (_OPTIMAL_VARIANCE,)


def _overload(figures: Evaluation, gap: PriorGap | None) -> _Finding | None:
    """Whether what the prior's codes decode to resembles what the data's codes decode to."""
    if gap is None:
        return None
    among = (
        f"{gap.precision:.0%} of decoded prior draws fall among decoded data and {gap.recall:.0%} of decoded data among "
        f"decoded prior draws, against {gap.baseline:.0%} for data among other data (n = {gap.n})"
    )
    if gap.match >= PRIOR_MATCH:
        return _Finding("", f"{_capital(among)}: samples from the prior are of the data's kind.")
    if figures.kl is None:
        text = f"{_capital(among)}: nothing in training drew the codes towards the prior, so its samples mean little."
        return _Finding(
            OVERLOAD, text, ("fit a model whose codes are drawn to the prior: `--model sigma-vae`",)
        )
    text = (
        f"{_capital(among)}: at {figures.kl:.3g} nats per item the codes do not fill the prior; it has holes."
    )
    ratio = figures.sigma2_optimal / figures.sigma2 if figures.sigma2 else 0.0
    remedies = (_OPTIMAL_VARIANCE,) if ratio > MISFIT_VARIANCE else ()
    fewer = f"`--latent-dim {max(1, figures.latent_dim // 2)}` leaves fewer holes; `--model beta-vae` weighs the rate more"
    return _Finding(
        OVERLOAD, text, (*remedies, fewer, "`--epochs N` with a larger N, if the curves were still rising")
    )


def _overfitting(figures: Evaluation, train: Evaluation | None) -> _Finding | None:
    """Error on held-out items against that on training items."""
    if train is None:
        return None
    ratio = figures.sse / max(train.sse, 1e-300)
    text = f"The squared error is {figures.sse:.4g} on held-out items and {train.sse:.4g} on training items"
    if figures.elbo is not None and train.elbo is not None:
        text += f", the bound {figures.elbo:.4g} and {train.elbo:.4g} nats"
    if ratio <= HELD_OUT_ERROR:
        return _Finding("", f"{text}.")
    remedies = (
        "more data",
        "stop earlier: `--epochs N` with a smaller N or `--set patience=N`",
        "a smaller `--latent-dim`",
    )
    return _Finding(OVERFITTED, f"{text}: {ratio:.3g} times as much.", remedies)


def _undertraining(history: Sequence[float]) -> _Finding | None:
    """How much of the improvement fell to the last tenth of the epochs."""
    last = max(1, len(history) // 10)
    if len(history) < 3 * last or len(history) < 3:
        return None
    first, before, end = history[0], max(history[:-last]), max(history)
    share = (end - before) / max(end - first, 1e-12)
    epochs = "epoch" if last == 1 else f"{last} epochs"
    text = (
        f"The last {epochs} of {len(history)} brought {share:.0%} of the improvement of the validation bound"
    )
    if share <= LAST_TENTH:
        return _Finding("", f"{text}.")
    return _Finding(UNDERTRAINED, f"{text}: it was still rising.", (f"`--epochs {2 * len(history)}`",))


_OPTIMAL_VARIANCE = "let the residuals set the variance of the likelihood: `--model sigma-vae`"
_LOWER_BETA = "if the rate is weighed by more than 1 (`--model beta-vae`), weigh it by 1: `--model sigma-vae`"
_MORE_CODE = (
    "train longer, `--epochs N`; and check that the data have structure: pure noise collapses rightly"
)


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]
