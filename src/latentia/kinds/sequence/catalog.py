"""Models of sequences of tokens: VAEs whose decoder is a language model, and the language model without a code."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Literal

from latentia.core import Objective
from latentia.latent.posteriors import DiagonalGaussianPosterior, Posterior
from latentia.latent.rate_floors import BatchNormPosterior, DeltaPosterior
from latentia.objectives import Cyclical, Linear, ObjectiveFactory, elbo
from latentia.objectives.annealed import annealed_elbo, minimum_rate
from latentia.registry import Registry
from latentia.training import Aggressive, Joint, Schedule

_JOINT = Joint()
_UP = Linear(until=0.4)


@dataclass(frozen=True)
class SequenceEntry:
    """What a named model of sequences is composed of.

    Attributes:
        summary: one line that says what it is.
        reference: where it was published.
        objective: what is minimised, as in `latentia.estimators.entry.Entry`.
        decoder: "lstm", "skip", "transformer" or "steps" (no teacher forcing).
        encoder: "lstm" or "transformer".
        posterior: from features to q(z|x); None: there is no code.
        schedule: how encoder and decoder take turns.
        pretraining: epochs as an autoencoder before the fit proper, as a share of its epochs; the decoder then begins anew.
        keep: share of the input tokens that the decoder is told in training, unless a person says otherwise.
        floored: whether the objective has a floor `nats`, which is chosen by the data where a person gives none.
    """

    summary: str
    reference: str
    objective: Objective | ObjectiveFactory
    decoder: Literal["lstm", "skip", "transformer", "steps"] = "lstm"
    encoder: Literal["lstm", "transformer"] = "lstm"
    posterior: Callable[[int, int], Posterior] | None = DiagonalGaussianPosterior
    schedule: Schedule = _JOINT
    pretraining: float = 0.0
    keep: float = 1.0
    floored: bool = False


_warmed_up: ObjectiveFactory = partial(annealed_elbo, beta=_UP)
_cyclical: ObjectiveFactory = partial(annealed_elbo, beta=Cyclical(cycles=4, rising=0.5))
_LI = "Li, He, Neubig, Berg-Kirkpatrick & Yang 2019, A Surprisingly Effective Fix for Deep Latent Variable Modeling of Text"
_BOWMAN = "Bowman et al. 2016, Generating Sentences from a Continuous Space"

SEQUENCE_MODELS: Registry[SequenceEntry] = Registry("model", group="latentia.models", of=SequenceEntry)
for _name, _model in {
    "sequence-pretrained": SequenceEntry(
        "encoder trained as an autoencoder first; then a new decoder, annealing and free bits (the default)",
        _LI,
        _warmed_up,
        pretraining=0.5,
        floored=True,
    ),
    "sequence-lm": SequenceEntry(
        "language model without a code: what every other model here is held against",
        "Mikolov et al. 2010, Recurrent Neural Network Based Language Model; with LSTMs Zaremba et al. 2014",
        elbo,
        posterior=None,
    ),
    "sequence-vae": SequenceEntry("the plain bound: with a strong decoder its code collapses", _BOWMAN, elbo),
    "sequence-annealed": SequenceEntry("the rate's weight rises from 0 to 1", _BOWMAN, _warmed_up),
    "sequence-cyclical": SequenceEntry(
        "the rate's weight rises from 0 to 1 four times",
        "Fu et al. 2019, Cyclical Annealing Schedule (without its restarts of the learning rate)",
        _cyclical,
    ),
    "sequence-free-bits": SequenceEntry(
        "annealing, and no reward for a rate below a floor, spread over the dimensions",
        "Kingma et al. 2016, Improving Variational Inference with Inverse Autoregressive Flow, appendix C.8",
        _warmed_up,
        floored=True,
    ),
    "sequence-lagging": SequenceEntry(
        "annealing; the encoder is trained to convergence before each decoder step, until the codes tell no more",
        "He, Spokoyny, Neubig & Berg-Kirkpatrick 2019, Lagging Inference Networks and Posterior Collapse",
        _warmed_up,
        schedule=Aggressive(),
    ),
    "sequence-bn": SequenceEntry(
        "the posterior's means are normalised over the batch, so that the rate cannot vanish",
        "Zhu et al. 2020, A Batch Normalized Inference Network Keeps the KL Vanishing Away",
        _warmed_up,
        posterior=BatchNormPosterior,
    ),
    "sequence-delta": SequenceEntry(
        "each dimension's rate is at least 0.15 nats by its form: rate, which need not be information",
        "Razavi et al. 2019, Preventing Posterior Collapse with delta-VAEs",
        elbo,
        posterior=DeltaPosterior,
    ),
    "sequence-word-dropout": SequenceEntry(
        "annealing; the decoder is not told 40 % of the words before each", _BOWMAN, _warmed_up, keep=0.6
    ),
    "sequence-skip": SequenceEntry(
        "annealing; the code enters every input and the output layer",
        "Dieng, Kim, Rush & Blei 2019, Avoiding Latent Variable Collapse with Generative Skip Models",
        _warmed_up,
        decoder="skip",
    ),
    "sequence-transformer": SequenceEntry(
        "as the default, with a small causal transformer that the code enters as a memory and at every input",
        "Li et al. 2020, Optimus (there with pretrained language models)",
        _warmed_up,
        decoder="transformer",
        encoder="transformer",
        pretraining=0.5,
        floored=True,
    ),
    "sequence-mdr": SequenceEntry(
        "the rate is held at a minimum by a learned multiplier",
        "Pelsmaeker & Aziz 2020, Effective Estimation of Deep Generative Language Models",
        minimum_rate,
        floored=True,
    ),
    "sequence-steps": SequenceEntry(
        "the decoder reads the code and no token: it cannot do without the code",
        _BOWMAN + " (its inputless decoder)",
        elbo,
        decoder="steps",
    ),
}.items():
    SEQUENCE_MODELS.add(_name, _model)

ENTRIES = SEQUENCE_MODELS
"""The named models of this kind."""
