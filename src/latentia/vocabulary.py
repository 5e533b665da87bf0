"""The words of figures and faults: what each is called, in which unit it is, what it means. Plain data.

A kind of model shows the figures of `FIGURES` that its table names, and adds words of its own (`latentia.kinds.*.words`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

Level = Literal["good", "caution", "bad"]


@dataclass(frozen=True)
class FigureWord:
    """A figure of an evaluation.

    Attributes:
        name: its key in JSON.
        label: as people write it.
        unit: or an empty string.
        note: a remark that belongs to it wherever it is shown.
        meaning: a sentence for who does not know it.
        split: the part of the data that it is always of; "" for the part that was evaluated.
    """

    name: str
    label: str
    unit: str = ""
    note: str = ""
    meaning: str = ""
    split: str = ""


@dataclass(frozen=True)
class FaultWord:
    """A fault that a verdict names.

    Attributes:
        name: as the verdict has it.
        level: how the page looks: "bad" where the fit is of no use, "caution" where something is left of it.
        meaning: a sentence.
        severity: 1 to 3; of two fits of equal likelihood that with the less severe fault is kept.
    """

    name: str
    level: Level
    meaning: str
    severity: int = 1


@dataclass(frozen=True)
class Words:
    """The words of one kind of model.

    Attributes:
        figures: in the order of the table.
        faults: in the order in which they are to be mended: what comes first may be the cause of what comes after.
        headlines: names of the figures that stand at the top of the page.
    """

    figures: tuple[FigureWord, ...]
    faults: tuple[FaultWord, ...]
    headlines: tuple[str, ...] = ()

    def shown(self, figures: Mapping[str, Any]) -> list[FigureWord]:
        """The words of those figures that were taken; of the training part, a figure and the same of training items are one."""
        twice = [f"train_{word.name}" for word in self.figures] if figures.get("split") == "train" else []
        return [
            word for word in self.figures if figures.get(word.name) is not None and word.name not in twice
        ]

    def fault(self, name: str) -> FaultWord:
        """The word for a verdict; for one that is not known, a caution without a meaning."""
        found = {word.name.lower(): word for word in (_HEALTHY, *self.faults)}
        return found.get(name.strip().lower(), FaultWord(name, "caution", ""))

    def told(self, judged: Mapping[str, Any]) -> tuple[FaultWord, list[FigureWord]]:
        """The words of a verdict and of the figures beside it."""
        return self.fault(str(judged["verdict"])), self.shown(judged)

    @property
    def order(self) -> tuple[str, ...]:
        """Names of the faults in the order in which they are to be mended."""
        return tuple(word.name for word in self.faults)

    def severity(self, names: Sequence[str]) -> int:
        """0 for no fault, else that of the gravest."""
        return max((self.fault(name).severity for name in names if name != HEALTHY), default=0)


HEALTHY = "healthy"
TOTAL_GIVEN = "the total of each row"
_HEALTHY = FaultWord(HEALTHY, "good", "No sign of a failed fit was found.", 0)

COLLAPSE = "posterior collapse"
PARTIAL_COLLAPSE = "partial posterior collapse"
INFERENCE_COLLAPSE = "inference collapse"
OVERLOAD = "information overload"
OVERFITTED = "overfitted"
UNDERTRAINED = "under-trained"
KEPT_EARLY = "kept too early"
HOLES = "prior holes"
UNLIKE = "samples unlike the data"

_LIKELIHOOD = (
    "log p(x), how probable the model holds an item to be, in nats; higher is better. Of a mixture or an autoregressive model it "
    "is exact; of an autoencoder it is estimated by importance weighting: with more importance samples the estimate rises towards the true value."
)
_BITS = (
    "Negative log-likelihood in bits, divided by the number of pixels and channels; lower is "
    "better. Comparable between models of the same images whose numbers take the same values (the alphabet), and "
    "not between densities and probabilities of levels: with 17 levels a number costs at most 4.1 bits, with 256 at most 8."
)
_SQUARES = "Sum of squared differences between an item and its reconstruction, over all pixels or features."
_CODE = "A whole number that stands for a vector of the codebook; an item is a map or a list of them."
_CRITERION = (
    "AIC, BIC, ICL and Laplace weigh the likelihood of the training items against the number of "
    "parameters; smaller is better. They compare numbers of components on the same data."
)

_FIGURES = (
    FigureWord("log_likelihood", "log-likelihood", "nats", "mean per item", _LIKELIHOOD),
    FigureWord(
        "train_log_likelihood", "log-likelihood (training)", "nats", "mean per item", _LIKELIHOOD, "train"
    ),
    FigureWord(
        "elbo", "bound (ELBO)", "nats", "evidence lower bound, mean per item",
        "Evidence lower bound, log p(x|z) − KL: what a variational autoencoder maximises. It never exceeds the log-likelihood.",
    ),
    FigureWord(
        "distortion", "distortion", "nats", "-E log p(x|z)", "−log p(x|z): what is lost when an item is rebuilt from its code, in nats."
    ),
    FigureWord(
        "kl", "rate (KL)", "nats", "KL(q(z|x) || p(z))",
        "KL(q(z|x) ‖ p(z)): what the code says about the item beyond the prior, in nats. Also called KL. "
        "Distortion plus rate is the negative ELBO.",
    ),
    FigureWord(
        "active_units", "active units", "dimensions", "",
        "A latent dimension whose posterior mean changes from item to item; an inactive one carries nothing.",
    ),
    FigureWord("bits_per_dim", "bits/dim", "bits/dim", "", _BITS),
    FigureWord(
        "sse", "squared error", "per item", "squared error summed over an item, z drawn from q(z|x)", _SQUARES
    ),
    FigureWord("sse_of_mean", "squared error of the mean", "per item", "the same, z the posterior mean", _SQUARES),
    FigureWord(
        "sigma2", "sigma²", "", "variance of p(x|z) in force",
        "Variance of the Gaussian likelihood: the mean squared residual where it is the optimal one.",
    ),
    FigureWord("n_levels", "levels", "", "values that a number can take", "The values that a number can take."),
    FigureWord(
        "uniform_bits_per_dim", "bits/dim, uniform prior", "bits/dim", "with every code taken as equally likely", _BITS
    ),
    FigureWord(
        "perplexity", "code perplexity", "codes", "effective number of codes in use, over the whole split",
        "Effective number of codes in use: exp of the entropy of their frequencies. So many codes, all equally "
        "frequent, would be as varied.",
    ),
    FigureWord("used_codes", "codes used", "codes", "codes that occur in the split", _CODE),
    FigureWord(
        "n_components", "components", "", "K",
        "One of the K distributions that a mixture adds up; its weight is the share of items that it makes.",
        "train",
    ),
    FigureWord("aic", "AIC", "", "", _CRITERION, "train"),
    FigureWord("bic", "BIC", "", "", _CRITERION, "train"),
    FigureWord("icl", "ICL", "", "", _CRITERION, "train"),
    FigureWord(
        "laplace", "Laplace", "", "-2 log evidence by Laplace's method; of Dirichlet-multinomials -log evidence", _CRITERION, "train"
    ),
    FigureWord("n_free", "free parameters", "", "", "", "train"),
)  # fmt: skip
FIGURES: Mapping[str, FigureWord] = {word.name: word for word in _FIGURES}
"""Figures that more than one kind of model may have, by their key in JSON."""

_FAULTS = (
    FaultWord(COLLAPSE, "bad", "The codes say next to nothing about the items: the decoder ignores them.", 3),
    FaultWord(
        INFERENCE_COLLAPSE, "bad", "The encoder gives every item the same code, while the model itself still tells them apart.", 3
    ),
    FaultWord(
        KEPT_EARLY, "caution", "The weights are those of an early epoch, although the bound rose long after it.", 2
    ),
    FaultWord(UNDERTRAINED, "caution", "The bound was still rising when training ended.", 1),
    FaultWord(OVERFITTED, "caution", "Items that were held out are explained far worse than those trained on.", 2),
    FaultWord(
        OVERLOAD, "caution",
        "The codes carry more than the prior can supply: samples from it fall short of the reconstructions.", 2,
    ),
    FaultWord(
        HOLES, "caution",
        "Some codes of the prior decode to things unlike the data: samples fall short of the reconstructions.", 2,
    ),
    FaultWord(
        UNLIKE, "caution", "Columns of new rows are distributed, or go together, otherwise than those of the data.", 2
    ),
    FaultWord(PARTIAL_COLLAPSE, "caution", "Most dimensions of the code carry next to nothing.", 1),
)  # fmt: skip
FAULTS: Mapping[str, FaultWord] = {word.name: word for word in _FAULTS}
"""Faults that more than one kind of model may have, in the order in which they are to be mended."""


def figures(*names: str) -> tuple[FigureWord, ...]:
    """Words of `FIGURES` by name.

    Example:
        >>> [word.label for word in figures("elbo", "kl")]
        ['bound (ELBO)', 'rate (KL)']
    """
    return tuple(FIGURES[name] for name in names)


def faults(*names: str) -> tuple[FaultWord, ...]:
    """Words of `FAULTS` by name."""
    return tuple(FAULTS[name] for name in names)


GLOSSARY: Mapping[str, str] = {
    "nat": "The unit of information when logarithms are natural: 1 nat is 1.44 bits. Densities of continuous data can "
    "exceed 1, so their log-likelihood in nats can be positive.",
    "log-likelihood": _LIKELIHOOD,
    "ELBO": FIGURES["elbo"].meaning,
    "distortion": FIGURES["distortion"].meaning,
    "rate": FIGURES["kl"].meaning,
    "active unit": FIGURES["active_units"].meaning,
    "bits per dimension": _BITS,
    "squared error": _SQUARES,
    "sigma²": FIGURES["sigma2"].meaning,
    "posterior collapse": "The decoder has learned to do without the code: rate and active units fall to zero.",
    "information overload": "The code carries more than the prior can supply: reconstructions are good, samples are not.",
    "prior": "The distribution of codes that samples are drawn from, usually a standard normal.",
    "code": _CODE,
    "perplexity": FIGURES["perplexity"].meaning,
    "t-SNE": "A method that lays points out in a plane so that neighbours stay neighbours. Sizes of groups and "
    "distances between them mean little.",
    "R²": "Share of a feature's variance that the reconstruction keeps: 1 is all, 0 no better than the mean.",
    "component": FIGURES["n_components"].meaning,
    "responsibility": "p(k|x), the probability that component k made the item.",
    "sampler": "Draws one number after another, each given those before it.",
    "levels": FIGURES["n_levels"].meaning,
    "criterion": _CRITERION,
}
"""Words that a page explains."""

ENTRIES: Mapping[str, str] = {
    "model": "name of the model",
    "data": "name or path of the data",
    "split": "the part of the data that the figures are of",
    "n": "items of that part",
    "likelihood": "name of p(x|z)",
    "latent_dim": "length of a code",
    "n_codes": "size K of the codebook",
    "given": "what likelihood, bound and bits are conditional on; of tables of counts alone",
    "bits_per_dim_note": "how bits/dim were computed, and what they compare with; the same of other bits/dim",
    "bits_per_dim_alphabet": "the values that a number can take; bits/dim of unlike alphabets are not comparable",
    "kl_per_dim": "rate of each latent dimension, in nats; null where it does not factorise",
    "active": "for each latent dimension whether it is active: the variance of its posterior mean over items exceeds 0.01",
    "sigma2_optimal": "mean squared error of a number: the variance that a Gaussian likelihood would choose",
    "n_importance": "importance samples for each item",
    "n_importance_items": "items for which they were drawn",
    "effective_samples": "effective number of importance samples, mean over those items",
    "log_likelihood_se": "standard error of the mean log-likelihood over items, in nats",
    "uniform_rate": "length of the codes under a uniform prior, in nats",
    "weights": "of the components of a mixture",
    "n_iter": "iterations of EM",
    "converged": "whether EM met its stopping rule",
    "selection": "criteria for each number of components that was tried, and what each chooses",
    "verdict": "healthy, or the first fault that is to be mended",
    "verdicts": "all faults, in the order in which they are to be mended",
    "evidence": "sentences on everything that was looked at",
    "remedies": "what to do, in words",
    "commands": "what to do, as command lines",
    "steps": "what to do: each remedy in words (`text`) with its command line (`command`; null where it is none)",
    "diagnosis": "the measures of the diagnosis, and their table as rows",
    "seconds": "that it took",
}
"""What `latentia evaluate --json` tells beside the figures of its tables, key by key."""
