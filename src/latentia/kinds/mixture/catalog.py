"""Mixtures that are fitted by Expectation-Maximization."""

from __future__ import annotations

from dataclasses import dataclass

from latentia.registry import Registry


@dataclass(frozen=True)
class MixtureEntry:
    """What a named mixture is: its estimator, and the criterion by which a range of K is chosen from.

    Attributes:
        summary: one line that says what it is.
        reference: where it was published.
        estimator: name of its class in `latentia`.
        criterion: a name of `latentia.mixture.selection.CRITERIA`.
        mixed: whether it takes tables of unlike columns, and gaps.
    """

    summary: str
    reference: str
    estimator: str
    criterion: str = "bic"
    mixed: bool = False


MIXTURES: Registry[MixtureEntry] = Registry("mixture", group="latentia.models", of=MixtureEntry)
for _name, _entry in {
    "gaussian-mixture": MixtureEntry(
        "mixture of K Gaussians, fitted by EM (also: gmm)",
        "Dempster, Laird & Rubin 1977, Maximum Likelihood from Incomplete Data via the EM Algorithm",
        "GaussianMixture",
    ),
    "bernoulli-mixture": MixtureEntry(
        "mixture of independent binary columns or pixels",
        "Bishop 2006, Pattern Recognition and Machine Learning, section 9.3.3",
        "BernoulliMixture",
    ),
    "categorical-mixture": MixtureEntry(
        "latent class model: columns of category numbers 0, 1, 2, ...",
        "Lazarsfeld & Henry 1968; Goodman 1974, Biometrika 61(2)",
        "CategoricalMixture",
    ),
    "poisson-mixture": MixtureEntry(
        "mixture of independent Poisson counts",
        "McLachlan & Peel 2000, Finite Mixture Models, section 5.4",
        "PoissonMixture",
    ),
    "multinomial-mixture": MixtureEntry(
        "mixture of multinomial counts given each row's total",
        "Nigam et al. 2000, Machine Learning 39",
        "MultinomialMixture",
    ),
    "dirichlet-multinomial-mixture": MixtureEntry(
        "mixture of overdispersed counts given each row's total: community types (also: dmm)",
        "Holmes, Harris & Quince 2012, PLoS ONE 7(2) e30126",
        "DirichletMultinomialMixture",
        criterion="laplace",
    ),
    "mixed-mixture": MixtureEntry(
        "mixture of rows whose columns are of unlike kinds, with gaps; latent classes and profiles",
        "McLachlan & Peel 2000, Finite Mixture Models, section 5.5",
        "MixedMixture",
        mixed=True,
    ),
}.items():
    MIXTURES.add(_name, _entry)

ENTRIES = MIXTURES
"""The named models of this kind."""
