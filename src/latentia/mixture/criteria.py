"""How good a fitted mixture is for its size (AIC, BIC, ICL, Laplace evidence), and what is wrong with it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from latentia.mixture.components import Components
from latentia.mixture.dirichlet_multinomial import DirichletMultinomialComponents
from latentia.mixture.em import EMResult, base_total, e_step, posterior
from latentia.mixture.gaussian import GaussianComponents
from latentia.mixture.rows import Rows


@dataclass(frozen=True)
class Scores:
    """Criteria of a mixture on a table; smaller is better for each.

    Attributes:
        log_likelihood: observed log-likelihood in nats (of the Dirichlet-multinomial: plus the log prior, so that
            its negative is the NLE of Holmes et al.).
        n_free: number of free parameters P.
        aic: -2 l + 2 P (Akaike 1974).
        bic: -2 l + P log n (Schwarz 1978).
        icl: BIC + 2 x entropy of the responsibilities (Biernacki, Celeux & Govaert 2000).
        laplace: -2 log evidence by Laplace's method.

    The Dirichlet-multinomial mixture states the four at half this scale (AIC = NLE + P and so on), as its paper does.
    """

    log_likelihood: float
    n_free: int
    aic: float
    bic: float
    icl: float
    laplace: float


def scores(components: Components, rows: Rows) -> Scores:
    """All criteria from one pass.

    The Laplace evidence of the Dirichlet-multinomial uses its Gamma prior and the Hessian of the expected log
    posterior (Holmes et al. 2012). The other families have no proper prior of their own: each component gets the
    unit-information prior, one row's worth of its own complete-data information, and the evidence becomes

        -2 log p(X) ~ -2 l + sum_k p_k log N_k + (K - 1) log n,

    p_k parameters and N_k rows of component k (Kass & Wasserman 1995; Figueiredo & Jain 2002, eq. 13).
    """
    if isinstance(components, DirichletMultinomialComponents):
        components = components.covering(rows)
    step = e_step(components, rows)
    n, n_free, k = rows.total_weight, components.n_free, components.n_components
    base = base_total(components, rows)
    log_likelihood = step.log_likelihood + base
    if components.gaps:
        entropy = _entropy(components, rows)
    elif step.responsibilities is None:
        entropy = max(0.0, step.log_likelihood - components.expected(step.statistics))
    else:  # a family whose statistics do not hold all of its log density
        entropy = float(torch.special.entr(step.responsibilities.to(torch.float64)).sum())
    if isinstance(components, DirichletMultinomialComponents):
        nle = -(log_likelihood + components.log_prior())
        bic = nle + 0.5 * n_free * math.log(n)
        half = 0.5 * components.log_det_hessian(step.statistics) - 0.5 * n_free * math.log(2 * math.pi)
        return Scores(-nle, n_free, nle + n_free, bic, bic + entropy, nle + half)
    mass = step.statistics[:, 0].clamp_min(1e-300)
    each = (n_free - (k - 1)) / k
    information = each * float(mass.log().sum()) + (k - 1) * math.log(n)
    bic = -2 * log_likelihood + n_free * math.log(n)
    aic = -2 * log_likelihood + 2 * n_free
    return Scores(log_likelihood, n_free, aic, bic, bic + 2 * entropy, -2 * log_likelihood + information)


def _entropy(components: Components, rows: Rows) -> float:
    """Of the responsibilities, in nats: where cells are missing the statistics hold that of what is missing too."""
    components.begin()
    total = 0.0
    for chunk in components.chunks(rows):
        each = torch.special.entr(posterior(components, chunk)[1].double()).sum(0)
        total += float((each if chunk.weights is None else each * chunk.weights).sum())
    return total


@dataclass(frozen=True)
class ComponentFault:
    """One thing that a verdict says: `kind` for programs, `message` for people."""

    kind: str
    message: str


def verdict(
    components: Components, rows: Rows, result: EMResult | None = None, resolution: float = 0.0
) -> tuple[ComponentFault, ...]:
    """What is wrong with a fitted mixture; empty when nothing is.

    Kinds: "not-converged"; "empty" (less than one row's mass, or moved during the fit); "singular" (a Gaussian whose
    smallest variance is the floor `reg_covar`, and below `resolution` where there is one, or with fewer rows than features);
    "duplicate" (two components that claim the same rows: cosine of their responsibilities above 0.95).

    Args:
        components: fitted.
        rows: that they were fitted to.
        result: how the fit went.
        resolution: a variance that is wide enough whatever the floor: pixels that never change in a component have no other.
    """
    found: list[ComponentFault] = []
    if result is not None and not result.converged:
        found.append(
            ComponentFault(
                "not-converged",
                f"no convergence in {result.n_iter} iterations ({result.criterion}): raise max_iter",
            )
        )
    mass, cosine = _overlap(components, rows)
    for k, n_k in enumerate(mass.tolist()):
        if n_k < rows.total_weight / rows.n_rows:
            found.append(ComponentFault("empty", f"component {k} holds {n_k:.3g} rows: use fewer components"))
    rescued = {} if result is None else dict.fromkeys(k for _, k in result.rescued)
    for k in rescued:
        found.append(
            ComponentFault(
                "empty", f"component {k} ran empty during the fit and was moved to unexplained rows"
            )
        )
    if isinstance(components, GaussianComponents):
        found += _singular(components, mass, resolution)
    pairs = (cosine.triu(1) > 0.95).nonzero().tolist()
    for i, j in pairs:
        found.append(
            ComponentFault("duplicate", f"components {i} and {j} claim the same rows: use fewer components")
        )
    return tuple(found)


def _overlap(components: Components, rows: Rows) -> tuple[Tensor, Tensor]:
    """Mass `[K]`, and cosine between the components' responsibilities `[K, K]`."""
    components.begin()
    k = components.n_components
    gram = torch.zeros(k, k, dtype=torch.float64, device=rows.device)
    mass = torch.zeros(k, dtype=torch.float64, device=rows.device)
    for chunk in components.chunks(rows):
        share = posterior(components, chunk)[1].to(torch.float64)
        weighted = share if chunk.weights is None else share * chunk.weights
        gram += weighted @ share.T
        mass += weighted.sum(1)
    norm = gram.diagonal().clamp_min(1e-300).sqrt()
    return mass, gram / norm[:, None] / norm


def _singular(components: GaussianComponents, mass: Tensor, resolution: float) -> list[ComponentFault]:
    covariances, floor = components.parameters["covariances"], components.reg_covar
    whole = components.covariance_type in ("full", "tied")
    if whole:
        spread = torch.linalg.eigvalsh(covariances).reshape(-1, components.n_features)
    else:
        spread = covariances.reshape(components.n_components, -1)
    found = []
    for k, variances in enumerate(spread):
        value = float(variances.min())
        few = components.covariance_type == "full" and float(mass[k]) <= components.n_features
        if few or (value <= 10 * floor and not 0 < resolution <= value):
            narrow = int((variances <= max(10 * floor, value)).sum())
            where = f"{narrow} of {components.n_features} {'directions' if whole else 'columns'}"
            where = "every direction" if components.covariance_type == "spherical" else where
            who = "the shared covariance" if components.covariance_type == "tied" else f"component {k}"
            found.append(
                ComponentFault(
                    "singular",
                    f"{who} has variance {value:.3g} in {where}: use fewer components or a larger reg_covar",
                )
            )
    return found
