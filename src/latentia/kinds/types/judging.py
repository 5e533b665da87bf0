"""The verdict on community types: whether they are found again, and whether there are types at all."""

from __future__ import annotations

from latentia.diagnostics import Finding, Remedy, Verdict, ordered
from latentia.diagnostics.between import MIDDLE, Between
from latentia.diagnostics.prediction_strength import MODERATE
from latentia.kinds.mixture.words import EDGE, NOT_CONVERGED
from latentia.kinds.types.choosing import Choice
from latentia.kinds.types.honesty import STABLE, Honesty
from latentia.kinds.types.words import GRADIENT, LABELS, UNSTABLE, WORDS

NO_GRADIENT = (
    "Cut in two, the samples are no gradient: no more of them lie in the middle than two types would have."
)
UNSEEN = "Not looked at: whether other samples would give the same types (`--halves 3 --bootstrap 20`)."
CONTINUOUS = Remedy(
    "a continuous model of the same counts: `--model sigma-vae --set likelihood=dirichlet-multinomial`",
    models=("sigma-vae",),
    settings={"likelihood": "dirichlet-multinomial"},
)


def judge(choice: Choice, honesty: Honesty, k: int, criterion: str, converged: bool) -> Verdict:
    """The verdict on a fit with K types.

    Args:
        choice: what was tried.
        honesty: how far the types can be trusted.
        k: K of the fit.
        criterion: by which it was chosen.
        converged: whether EM met its stopping rule.

    Example:
        >>> from latentia.kinds.types.choosing import Tried
        >>> tried = Tried(2, 9.0, 5, 9.0, 9.0, 9.0, 9.0, None, None, (9.0,), None)
        >>> judge(Choice((tried,), {"laplace": 2}), Honesty((0.9,), (0.5, 0.6)), 2, "laplace", True).name
        'unstable-types'
    """
    looked_at = [*_examined(honesty, k)] if k > 1 else []
    unseen = [UNSEEN] if k > 1 and honesty.strength is None and honesty.stability is None else []
    text = "EM met its stopping rule." if converged else "EM stopped before its stopping rule was met."
    looked_at.append(Finding("" if converged else NOT_CONVERGED, text))
    numbers = [each.n_components for each in choice.tried]
    if criterion in choice.chosen and choice.at_edge(criterion):
        span = f"{max(1, k - 2)}..{k + len(numbers)}"
        wider = Remedy(f"a wider range: `--n-components {span}`", settings={"n_components": span})
        text = f"{k} is the first or last of the numbers that were tried: another outside {numbers[0]} to {numbers[-1]} may be better."
        looked_at.append(Finding(EDGE, text, (wider,)))
    return ordered(looked_at, WORDS.order, [*agreement(choice, criterion), *_of_one(k), *unseen])


def _of_one(k: int) -> list[str]:
    return (
        ["One type: the samples do not fall into types that the counts could tell apart."] if k == 1 else []
    )


def _examined(honesty: Honesty, k: int) -> list[Finding]:
    """Found again or not; types or a gradient."""
    span = "1" if k == 2 else f"1..{k - 1}"
    fewer = Remedy(f"fewer types: `--n-components {span}`", settings={"n_components": span})
    strength, stability = honesty.strength, honesty.stability
    parts, short = [], []
    if strength is not None:
        parts.append(f"the prediction strength is {strength:.2f} ({MODERATE:g} or more is moderate support)")
        short.append(MODERATE / max(strength, 1e-9))
    if stability is not None:
        parts.append(
            f"bootstrap draws give types that agree with these by {stability:.2f} in the median (adjusted Rand index; {STABLE:g} or more "
            "is stable)"
        )
        short.append(STABLE / max(stability, 1e-9))
    found = []
    if parts:
        text = "; ".join(parts)
        bad = max(short) > 1
        found.append(
            Finding(
                UNSTABLE if bad else "", f"{text[:1].upper()}{text[1:]}.", (fewer, CONTINUOUS), max(short)
            )
        )
    if honesty.between:
        gradients = honesty.gradients
        told = gradients[0] if gradients else honesty.between[0]
        text = between_in_words(told)
        if told.is_gradient and not gradients and honesty.halved is not None:
            text += f" {NO_GRADIENT}"
        found.append(Finding(GRADIENT if gradients else "", text, (CONTINUOUS, fewer)))
    return found


def between_in_words(pair: Between) -> str:
    """How many samples lie between two types, beside how many would."""
    low, high = MIDDLE
    return (
        f"Between types {pair.pair[0] + 1} and {pair.pair[1] + 1} ({low:g} to {high:g} of the way, {pair.n} samples) lie {pair.observed:.1%} of "
        f"them, {pair.simulated:.1%} of samples drawn from the fit (p {_p(pair.p)}; Kolmogorov and Smirnov, Holm over pairs: p {_p(pair.ks_p)})."
    )


def _p(p: float) -> str:
    return "< .0001" if p < 1e-4 else f"= {p:.2g}"


def agreement(choice: Choice, criterion: str) -> list[str]:
    """What each criterion chooses and how far its second choice is behind; nothing where one number was tried."""
    if len(choice.tried) < 2:
        return []
    parts = []
    for name, k in choice.chosen.items():
        second = choice.runner_up(name)
        behind = "" if second is None else f" ({second[0]} is {second[1]:.3g} behind)"
        parts.append(f"{LABELS[name]} {k}{behind}")
    alike = len(set(choice.chosen.values())) == 1
    return [
        f"{LABELS[criterion]} decides; {'all agree' if alike else 'the criteria do not agree'}: {', '.join(parts)}."
    ]
