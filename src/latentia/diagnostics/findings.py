"""What each fault looks like in figures: a function each, from figures to a `Finding` with its numbers and remedies."""

from __future__ import annotations

from latentia.diagnostics.decoder_dependence import DecoderDependence
from latentia.diagnostics.evaluation import ACTIVE_VARIANCE, Evaluation
from latentia.diagnostics.finding import Finding, Remedy, longer, nats
from latentia.diagnostics.generalisation import GeneralisationGap
from latentia.diagnostics.mutual_information import MutualInformation
from latentia.diagnostics.prior_gap import PriorGap
from latentia.diagnostics.sample_findings import PRIOR_MATCH, SAMPLER, shorter
from latentia.diagnostics.true_posterior import TruePosterior
from latentia.vocabulary import (
    COLLAPSE,
    INFERENCE_COLLAPSE,
    OVERFITTED,
    OVERLOAD,
    PARTIAL_COLLAPSE,
)

# Thresholds: docs/diagnosis.md says of each where it is from. None was chosen by looking at results of test data.
COLLAPSED_KL = 0.01
"""A dimension with less KL than this (nats) tells nothing: the epsilon of (epsilon, delta)-collapse in Lucas et al. 2019."""
WORKING_KL = 0.05
"""And a code without one dimension of this KL (nats) works nowhere: its posterior means explain less than a tenth of the
prior's variance, -log(1 - 0.1) / 2 = 0.053 nats. A rule of this project."""
ACTIVE_SHARE = 0.5
"""Partial collapse: no more than half of the dimensions are active. A rule of this project; a few inactive ones are pruning."""
EXCESS = 0.25
"""Overload: the codes leave the prior by more than this (nats per dimension) in mean and covariance alone, and prior draws
match the data as badly as that or the objective weighs the rate by less than 1."""
HELD_OUT_ERROR = 2.0
"""Overfitted: the squared error on held-out items is more than twice that on training items. A rule of this project."""
HELD_OUT_COST = 0.1
"""And where there is no squared error: held-out items cost a tenth more nats than training items. A rule of this project."""
MISFIT_VARIANCE = 4.0
"""The variance in force and the optimal one differ by more than this factor (a factor 2 in sigma): said as a cause."""


ANTI_COLLAPSE = ("lagging-vae", "free-bits-vae", "info-vae")


def collapse(
    figures: Evaluation,
    information: MutualInformation | None = None,
    dependence: DecoderDependence | None = None,
    true: TruePosterior | None = None,
    rate_weight: float | None = None,
    epochs: int = 0,
) -> Finding:
    """Whether the codes say anything, by rate, active units, mutual information and what the decoder makes of them."""
    active, dims = figures.active_units, figures.latent_dim
    rule = f"variance of their mean over the data above {ACTIVE_VARIANCE}"
    units = f"{active} of {dims} latent dimensions {'is' if active == 1 else 'are'} active ({rule})"
    rate = (
        f"the code carries {nats(figures.kl)} nats per item"
        if figures.kl is not None
        else "codes are deterministic"
    )
    if information is not None:
        rate += f", {max(0.0, information.value):.3g} of them mutual information (of at most log {information.n} = {information.bound:.3g} that can be seen)"
    seen = f"{_capital(rate)}; {units}{_drop(dependence)}"
    nothing = COLLAPSED_KL * dims
    ignored = dependence is not None and dependence.drop < nothing
    silent = information is not None and information.value < nothing
    strength = _silence(figures, information, dependence)
    cause, remedies = _variance(figures)
    dear = rate_weight is not None and rate_weight > 1
    if dear:
        cause += f"; the rate is weighed by {rate_weight:g}"
        remedies += (_PLAIN_RATE,)
    remedies += (_KEEP_CODE, *([longer(2 * epochs)] if epochs else []), _STRUCTURE)
    if active == 0 or (figures.kl is not None and _idle(figures)) or ignored or silent:
        own = None if true is None else true.collapse
        if true is not None and own == "inference" and not dear:
            text = (
                f"The encoder's means stand still, those of the model's own posterior move in {true.true_active} dimensions: "
                f"inference lags behind the model{cause}. {seen}."
            )
            return Finding(INFERENCE_COLLAPSE, text, (_LAGGING, *remedies), strength)
        what = "The decoder makes the same of every code"
        if own == "model":
            what += " (model collapse: no true posterior mean moves either)"
        elif own == "inference":  # the encoder does as it is told: it was not to follow the true posterior
            what = "Every item gets the same code (means of the true posterior do move, but a dear rate forbids q to follow)"
        return Finding(COLLAPSE, f"{what}{cause}. {seen}.", remedies, strength)
    if active <= ACTIVE_SHARE * dims:
        dead = [str(d) for d, alive in enumerate(figures.active) if not alive]
        text = f"Only {units}; dimensions {_listed(dead)} carry nothing; {rate}{cause}."
        smaller = Remedy(
            f"if the reconstructions satisfy you, `--latent-dim {active}` says the same with fewer dimensions",
            settings={"latent_dim": active},
        )
        told = (*_variance(figures)[1], smaller, _KEEP_CODE)
        return Finding(PARTIAL_COLLAPSE, text, told, ACTIVE_SHARE * dims / active)
    return Finding("", f"{seen}.", strength=max(strength, ACTIVE_SHARE * dims / active))


def _idle(figures: Evaluation) -> bool:
    """Whether no dimension carries enough KL to work, or all together carry none."""
    assert figures.kl is not None
    by_dimension = len(figures.kl_per_dim) == figures.latent_dim
    idle = max(figures.kl_per_dim) < WORKING_KL if by_dimension else figures.kl < WORKING_KL
    return idle or figures.kl < COLLAPSED_KL * figures.latent_dim


def _silence(
    figures: Evaluation, information: MutualInformation | None, dependence: DecoderDependence | None
) -> float:
    """The strongest sign of collapse in units of its threshold."""
    nothing = COLLAPSED_KL * figures.latent_dim
    signs = [1.0 if figures.active_units == 0 else 0.0]
    if figures.kl is not None:
        by_dimension = len(figures.kl_per_dim) == figures.latent_dim
        most = max(figures.kl_per_dim) if by_dimension else figures.kl
        signs += [WORKING_KL / max(most, 1e-12), nothing / max(figures.kl, 1e-12)]
    if information is not None:
        signs.append(nothing / max(information.value, 1e-12))
    if dependence is not None:
        signs.append(nothing / max(dependence.drop, 1e-12))
    return max(signs)


def _drop(dependence: DecoderDependence | None) -> str:
    if dependence is None:
        return ""
    if dependence.drop <= 0:
        return "; with another item's code the log-likelihood is no lower"
    return f"; with another item's code the log-likelihood falls by {nats(dependence.drop)} nats"


def _variance(figures: Evaluation) -> tuple[str, tuple[Remedy, ...]]:
    """The clause and the remedy for a likelihood variance far above the optimum."""
    if (
        figures.sigma2 is None
        or figures.sigma2_optimal is None
        or figures.sigma2 <= MISFIT_VARIANCE * figures.sigma2_optimal
    ):
        return "", ()
    ratio = figures.sigma2 / figures.sigma2_optimal
    clause = (
        f"; the likelihood's variance, {figures.sigma2:.3g}, is {ratio:.3g} times the mean squared residual "
        f"{figures.sigma2_optimal:.3g}, which makes reconstruction count too little against the rate"
    )
    return clause, (_OPTIMAL_VARIANCE,)


def overload(
    figures: Evaluation,
    information: MutualInformation | None,
    gap: PriorGap | None,
    rate_weight: float | None = None,
    sampler_gap: PriorGap | None = None,
) -> Finding | None:
    """Whether the codes, as a whole, have left the prior: then they say more than the prior can supply.

    Leaving it shows in what prior draws decode to; where the rate was weighed by less than 1 the cause is known as well, and
    mean and covariance are evidence enough.

    Deterministic codes have no rate, and a prior that nothing in the model refers to: where samples are drawn by a sampler that
    follows the codes, they are in order.
    """
    short = gap is not None and gap.match < PRIOR_MATCH
    if figures.kl is None:
        if not short:
            return None
        text = "Codes are deterministic and nothing in training drew them towards the prior: their information has no price."
        if sampler_gap is not None and sampler_gap.match >= PRIOR_MATCH:
            return Finding(
                "", f"{text} Samples do not need it: a sampler that was fitted to the codes draws them."
            )
        drawn = Remedy("fit a model whose codes are drawn to the prior: `--model sigma-vae`", ("sigma-vae",))
        return Finding(OVERLOAD, text, (drawn, SAMPLER) if sampler_gap is None else (drawn,))
    if information is None or information.moment_kl is None:
        return None
    excess = information.moment_kl / figures.latent_dim
    text = (
        f"All codes together lie at least {nats(information.moment_kl)} nats from the prior, {excess:.2g} per dimension, by "
        "their mean and covariance"
    )
    cheap = rate_weight is not None and rate_weight < 1
    strength = excess / EXCESS
    if excess <= EXCESS or not (short or cheap):
        return Finding("", f"{text}.", strength=strength if cheap else None)
    ratio = (figures.sigma2_optimal or 0.0) / figures.sigma2 if figures.sigma2 else 0.0
    remedies: tuple[Remedy, ...] = (_OPTIMAL_VARIANCE,) if ratio > MISFIT_VARIANCE else ()
    if cheap:
        text += f"; the rate is weighed by only {rate_weight:g}"
        remedies += (_PLAIN_RATE,)
    text += f": at {nats(figures.kl)} nats per item they carry more than the prior can supply."
    weigh = Remedy("`--model beta-vae` weighs the rate more", ("beta-vae",))
    return Finding(OVERLOAD, text, (*remedies, *shorter(figures), weigh), strength)


def overfitting(
    figures: Evaluation, train: Evaluation | None, gap: GeneralisationGap | None
) -> Finding | None:
    """Error on held-out items against that on training items."""
    if train is None or gap is None:
        return None
    if figures.sse is None or train.sse is None or gap.error_ratio is None:
        return _dearer(figures, train)
    text = f"The squared error is {figures.sse:.4g} on held-out items and {train.sse:.4g} on training items"
    if figures.elbo is not None and train.elbo is not None:
        text += f", the bound {figures.elbo:.4g} and {train.elbo:.4g} nats"
    strength = gap.error_ratio / HELD_OUT_ERROR
    if gap.error_ratio <= HELD_OUT_ERROR:
        return Finding("", f"{text}.", strength=strength)
    return Finding(
        OVERFITTED, f"{text}: {gap.error_ratio:.3g} times as much.", _less_of_it(figures), strength
    )


def _dearer(figures: Evaluation, train: Evaluation) -> Finding | None:
    """Of items without a squared error: the bound on held-out ones against that on training ones."""
    if figures.elbo is None or train.elbo is None:
        return None
    cost = figures.elbo / min(train.elbo, -1e-300) - 1
    text = (
        f"The bound is {figures.elbo:.4g} nats on held-out items and {train.elbo:.4g} on training items: held-out ones cost "
        f"{100 * cost:.1f} % more"
    )
    if train.elbo >= 0 or cost <= HELD_OUT_COST:
        return Finding("", f"{text}.", strength=None if train.elbo >= 0 else cost / HELD_OUT_COST)
    return Finding(OVERFITTED, f"{text}.", _less_of_it(figures), cost / HELD_OUT_COST)


def _less_of_it(figures: Evaluation) -> tuple[Remedy, ...]:
    return (*shorter(figures, "a smaller code"), Remedy("more data"))


_OPTIMAL_VARIANCE = Remedy(
    "let the residuals set the variance of the likelihood: `--model sigma-vae --set likelihood=auto`",
    ("sigma-vae",),
    {"likelihood": "auto"},
)
_PLAIN_RATE = Remedy(
    "weigh the rate by 1: `--model sigma-vae`, without a weight of its own",
    ("sigma-vae",),
    {"objective_options": None},
)
_LAGGING = Remedy(
    "let the encoder catch up before each step of the decoder: `--model lagging-vae`", ("lagging-vae",)
)
_KEEP_CODE = Remedy(
    "if the decoder is strong enough to do without the code, make it pay for that: `--model lagging-vae`",
    ANTI_COLLAPSE,
)
_STRUCTURE = Remedy("look whether the data have structure at all: pure noise collapses rightly")


def _listed(names: list[str], most: int = 12) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]
