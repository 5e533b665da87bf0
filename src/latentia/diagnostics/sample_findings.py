"""What is found of samples: whether they are of the data's kind."""

from __future__ import annotations

from collections.abc import Sequence

from latentia.diagnostics.evaluation import Evaluation
from latentia.diagnostics.finding import Finding, Remedy, nats
from latentia.diagnostics.margins import Margins, unlike
from latentia.diagnostics.prior_gap import PriorGap
from latentia.vocabulary import (
    HOLES,
)

PRIOR_MATCH = 0.5
"""Prior holes: prior draws match the data less than half as well as other data do. A rule of this project; what is
measured is Kynkäänniemi et al. 2019."""


RICHER_PRIOR = ("vamp-vae", "mog-prior-vae")


def holes(figures: Evaluation, gap: PriorGap | None, sampler_gap: PriorGap | None = None) -> Finding | None:
    """Whether what the prior's codes (of a sampler: its codes) decode to resembles what the data's codes decode to."""
    if gap is None:
        return None
    if sampler_gap is not None:
        return _sampler_holes(figures, gap, sampler_gap)
    among = _among(gap, "prior draws")
    if gap.match >= PRIOR_MATCH:
        return Finding(
            "", f"{among}: samples from the prior are of the data's kind.", strength=PRIOR_MATCH / gap.match
        )
    rate = "" if figures.kl is None else f" at {nats(figures.kl)} nats per item"
    text = f"{among}:{rate} the codes do not fill the prior; it has holes."
    richer = Remedy("a prior that is fitted to the codes: `--model vamp-vae`", RICHER_PRIOR)
    return Finding(HOLES, text, (*shorter(figures), richer, SAMPLER), PRIOR_MATCH / max(gap.match, 1e-12))


def _sampler_holes(figures: Evaluation, prior_gap: PriorGap, sampler: PriorGap) -> Finding:
    """Of a model whose samples are not drawn from its prior; what the prior itself would give is told as well."""
    among = _among(sampler, "draws of the aggregate-posterior sampler")
    of_prior = f"the prior itself, from which no sample is drawn: {prior_gap.precision:.0%} and {prior_gap.recall:.0%}"
    strength = PRIOR_MATCH / max(sampler.match, 1e-12)
    if sampler.match >= PRIOR_MATCH:
        return Finding("", f"{among}: samples are of the data's kind ({of_prior}).", strength=strength)
    prior = Remedy("draw samples from the prior itself: `--set sampler=prior`", settings={"sampler": "prior"})
    better = (*([prior] if prior_gap.match > sampler.match else []), *shorter(figures))
    return Finding(HOLES, f"{among}: the sampler does not follow the codes ({of_prior}).", better, strength)


def unlike_data(found: Margins | None, columns: Sequence[str] | None, figures: Evaluation) -> Finding | None:
    """Columns of samples against those of the data."""
    shaped = Remedy(
        "columns with long tails, or with few values, transformed before (their logarithm; a column a value)"
    )
    return unlike(found, columns, (shaped, *wider(figures)))


def wider(figures: Evaluation) -> tuple[Remedy, ...]:
    """Twice the code."""
    more = max(2, 2 * figures.latent_dim)
    return (Remedy(f"a longer code: `--latent-dim {more}`", settings={"latent_dim": more}),)


def _among(gap: PriorGap, draws: str) -> str:
    return (
        f"{gap.precision:.0%} of decoded {draws} fall among decoded data and {gap.recall:.0%} of decoded data among decoded "
        f"{draws}, against {gap.baseline:.0%} for data among other data (n = {gap.n})"
    )


def shorter(figures: Evaluation, why: str = "a smaller code leaves fewer holes") -> tuple[Remedy, ...]:
    """Half the code; nothing where it has one dimension."""
    half = figures.latent_dim // 2
    return (Remedy(f"{why}: `--latent-dim {half}`", settings={"latent_dim": half}),) if half else ()


SAMPLER = Remedy(
    "draw samples from where the codes are, with the model as it is: `--set sampler=aggregate-posterior`",
    settings={"sampler": "aggregate-posterior"},
)
