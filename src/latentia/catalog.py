"""The catalog: a named model is one line that says what it is composed of.

An entry names its objective, posterior, prior, schedule and kind of Gaussian; the network is picked by the shape of the
data, unless the entry names one, and the family of the likelihood by their kind. `compose` puts the parts together. To add a model, add a
line; the contract tests run over all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch
from torch import nn

from latentia.core import Objective
from latentia.errors import ConfigError
from latentia.latent import LIKELIHOODS, POSTERIORS, PRIORS, Likelihood
from latentia.models import VAE, LadderVAE
from latentia.nn import NETWORKS, Network
from latentia.objectives import (
    Linear,
    ObjectiveFactory,
    capacity_elbo,
    constrained_elbo,
    elbo,
    free_bits_elbo,
    importance_weighted,
    info_elbo,
    negative_elbo,
    quantized_bound,
    reconstruction,
    total_correlation_elbo,
)
from latentia.registry import Registry
from latentia.training import Aggressive, Joint, Schedule

_JOINT = Joint()


@dataclass(frozen=True)
class Entry:
    """What a named model is composed of.

    Attributes:
        summary: one line that says what it is.
        reference: where it was published.
        objective: what is minimised: an objective, or a factory that is called once for each fit with its
            `ObjectiveSetting` and the options that a person gives.
        gaussian: which Gaussian stands at p(x|z) where the data are real numbers (a name of `LIKELIHOODS`);
            binary data and counts take the likelihood of their kind.
        posterior: a name of `POSTERIORS`.
        prior: a name of `PRIORS`.
        schedule: how encoder and decoder take turns, unless a person asks for another schedule.
        image_network: a name of `NETWORKS`, for images; None: the one for their shape.
        vector_network: the same for vectors.
        model: what is made of the parts: `VAE`, or a class with its constructor and face.
        likelihoods: kind of data (of `estimators.form`) to the name of `LIKELIHOODS` that stands at p(x|z), for models
            that are defined by theirs; data of other kinds are refused. None: any data, the likelihood of their kind.
    """

    summary: str
    reference: str
    objective: Objective | ObjectiveFactory
    gaussian: str = "gaussian"
    posterior: str = "gaussian"
    prior: str = "standard-normal"
    schedule: Schedule = _JOINT
    image_network: str | None = None
    vector_network: str | None = None
    model: type[VAE] = VAE
    likelihoods: Mapping[str, str] | None = None


_four_times_the_rate: ObjectiveFactory = partial(elbo, beta=4.0)
_warmed_up: ObjectiveFactory = partial(elbo, beta=Linear(until=0.3))

CATALOG: Registry[Entry] = Registry("model")
for _name, _model in {
    "sigma-vae": Entry(
        "VAE whose Gaussian variance is the optimum for its residuals: nothing to weigh, nothing to tune (the default)",
        "Rybkin, Daniilidis & Levine 2021, Simple and Effective VAE Training with Calibrated Decoders",
        elbo,
    ),
    "vae": Entry(
        "VAE whose Gaussian variance is one learned number",
        "Kingma & Welling 2014, Auto-Encoding Variational Bayes",
        elbo,
        gaussian="gaussian-learned",
    ),
    "data-variance-vae": Entry(
        "VAE whose Gaussian variance is that of the data",
        "the ResLag report's setting of sigma; not the optimum of Rybkin et al. 2021",
        elbo,
        gaussian="gaussian-data",
    ),
    "beta-vae": Entry(
        "VAE whose KL term counts more than once: four times, if not told otherwise",
        "Higgins et al. 2017, beta-VAE",
        _four_times_the_rate,
    ),
    "capacity-vae": Entry(
        "VAE whose rate is held at a capacity that grows to 2.5 nats for each latent dimension",
        "Burgess et al. 2018, Understanding disentangling in beta-VAE",
        capacity_elbo,
    ),
    "constrained-vae": Entry(
        "least distortion at a rate of 1 nat for each latent dimension: the beta that this takes is found by itself",
        "Rezende & Viola 2018, Taming VAEs; the constrained problem of Higgins et al. 2017",
        constrained_elbo,
    ),
    "free-bits-vae": Entry(
        "VAE that is not rewarded for a rate below half a nat in any latent dimension: none is given up",
        "Kingma et al. 2016, Improving Variational Inference with Inverse Autoregressive Flow, appendix C.8",
        free_bits_elbo,
    ),
    "info-vae": Entry(
        "codes are drawn to the prior as a whole (MMD), not item by item",
        "Zhao, Song & Ermon 2019, InfoVAE",
        info_elbo,
    ),
    "wae-mmd": Entry(
        "deterministic codes whose distribution is drawn to the prior (MMD)",
        "Tolstikhin et al. 2018, Wasserstein Auto-Encoders",
        info_elbo,
        posterior="deterministic",
    ),
    "uae": Entry(
        "bounded codes with fixed noise carry as much about the data as they can: no prior is fitted",
        "Grover & Ermon 2019, Uncertainty Autoencoders",
        reconstruction,
        posterior="fixed-noise",
    ),
    "iwae": Entry(
        "VAE with the importance-weighted bound, 5 samples, doubly reparameterised gradient",
        "Burda, Grosse & Salakhutdinov 2016; Tucker et al. 2019",
        importance_weighted,
    ),
    "beta-tc-vae": Entry(
        "VAE whose rate is split up, its total correlation counting six times",
        "Chen et al. 2018, Isolating Sources of Disentanglement in VAEs",
        total_correlation_elbo,
    ),
    "autoencoder": Entry(
        "deterministic codes and reconstruction alone: no prior is fitted, so samples mean little",
        "Hinton & Salakhutdinov 2006, Reducing the Dimensionality of Data with Neural Networks",
        reconstruction,
        posterior="deterministic",
    ),
    "full-covariance-vae": Entry(
        "optimal variance; posterior a Gaussian with full covariance",
        "Kingma & Welling 2019, An Introduction to Variational Autoencoders, section 2.5.1",
        elbo,
        posterior="full-covariance",
    ),
    "planar-vae": Entry(
        "optimal variance; posterior a Gaussian bent by 16 planar flows",
        "Rezende & Mohamed 2015, Variational Inference with Normalizing Flows",
        elbo,
        posterior="planar",
    ),
    "iaf-vae": Entry(
        "optimal variance; posterior an inverse autoregressive flow",
        "Kingma et al. 2016, Improving Variational Inference with Inverse Autoregressive Flow",
        elbo,
        posterior="iaf",
    ),
    "f-vae": Entry(
        "posterior noise of one constant variance, coupling-flow prior, learned output variance",
        "Su & Wu 2018, f-VAEs: Improve VAEs with Conditional Flows",
        elbo,
        gaussian="gaussian-learned",
        posterior="constant-variance",
        prior="coupling-flow",
    ),
    "conditional-flow-vae": Entry(
        "optimal variance; codes of x are F_x(noise) by a coupling flow that depends on x",
        "Su & Wu 2018, f-VAEs: Improve VAEs with Conditional Flows, section 2.2",
        elbo,
        posterior="coupling",
    ),
    "vamp-vae": Entry(
        "optimal variance; prior the mixture of q(z|u) over 100 learned pseudo-inputs u",
        "Tomczak & Welling 2018, VAE with a VampPrior",
        elbo,
        prior="vamp",
    ),
    "mog-prior-vae": Entry(
        "optimal variance; prior a learned mixture of Gaussians",
        "Tomczak & Welling 2018, VAE with a VampPrior, section 2 (MoG prior)",
        elbo,
        prior="mixture",
    ),
    "lagging-vae": Entry(
        "VAE whose encoder is trained to convergence before each decoder step, until the codes tell no more of the data",
        "He, Spokoyny, Neubig & Berg-Kirkpatrick 2019, Lagging Inference Networks and Posterior Collapse",
        elbo,
        schedule=Aggressive(),
    ),
    "reslag-vae": Entry(
        "maps of every scale in code and picture; for half of the epochs five encoder steps before each decoder step",
        "the ResLag report; with the optimal variance of Rybkin et al. 2021 (likelihood='gaussian-data' for the report's)",
        elbo,
        schedule=Aggressive(ratio=5, epochs=0.5),
        image_network="reslag",
    ),
    "reslag-vae-light": Entry(
        "reslag-vae with 4 to 16 times fewer numbers between maps and code",
        "the ResLag report; with the optimal variance of Rybkin et al. 2021 (likelihood='gaussian-data' for the report's)",
        elbo,
        schedule=Aggressive(ratio=5, epochs=0.5),
        image_network="reslag-light",
    ),
    "skip-vae": Entry(
        "the code enters every layer of the decoder, which then cannot do without it so easily",
        "Dieng, Kim, Rush & Blei 2019, Avoiding Latent Variable Collapse with Generative Skip Models",
        elbo,
        image_network="conv-skip",
        vector_network="mlp-skip",
    ),
    "ladder-vae": Entry(
        "a hierarchy of up to three layers of codes, whose posteriors weigh the data against the layer above",
        "Sønderby et al. 2016, Ladder Variational Autoencoders",
        _warmed_up,
        posterior="ladder",
        prior="ladder",
        model=LadderVAE,
    ),
    "pixel-vae": Entry(
        "images only: VAE whose decoder is a gated PixelCNN, so that the code is left with what its kernels do not reach",
        "Gulrajani et al. 2017, PixelVAE: A Latent Variable Model for Natural Images",
        elbo,
        likelihoods={"binary": "pixelcnn-binary", "pixels": "pixelcnn"},
    ),
}.items():
    CATALOG.add(_name, _model)


@dataclass(frozen=True)
class DensityEntry:
    """What a named autoregressive density is on pixels.

    Attributes:
        summary: one line that says what it is.
        reference: where it was published.
        density: a name of `latentia.latent.autoregressive.DENSITIES`.
        options: its size, where a person gives none.
        learning_rate: peak of the schedule that suits it.
    """

    summary: str
    reference: str
    density: str
    options: Mapping[str, Any] = field(default_factory=dict)
    learning_rate: float = 2e-3


_PIXEL_RNN = "van den Oord, Kalchbrenner & Kavukcuoglu 2016, Pixel Recurrent Neural Networks"
DENSITY_MODELS: Registry[DensityEntry] = Registry("model")
for _density in (
    DensityEntry("masked convolutions over the pixels before; exact likelihood", _PIXEL_RNN, "pixelcnn"),
    DensityEntry(
        "PixelCNN with gates and two stacks that miss no earlier pixel; can be conditioned on a class",
        "van den Oord et al. 2016, Conditional Image Generation with PixelCNN Decoders",
        "gated-pixelcnn",
    ),
    DensityEntry("PixelRNN: an LSTM from row to row", _PIXEL_RNN, "row-lstm"),
    DensityEntry(
        "PixelRNN: two LSTMs along the diagonals, which see all earlier pixels", _PIXEL_RNN, "diagonal-bilstm"
    ),
    DensityEntry(
        "gated PixelCNN with a mixture of discretized logistics for each pixel: for grey and colour images",
        "Salimans et al. 2017, PixelCNN++",
        "pixelcnn++",
    ),
    DensityEntry(
        "transformer over the pixels in raster order: for small images",
        "Vaswani et al. 2017, Attention Is All You Need; Parmar et al. 2018, Image Transformer",
        "causal-transformer",
        learning_rate=1e-3,
    ),
):
    DENSITY_MODELS.add(_density.density, _density)


@dataclass(frozen=True)
class DiscreteEntry(Entry):
    """What a model with discrete codes is composed of; `posterior` and `prior` of `Entry` are not read.

    Attributes:
        quantizer: a name of `latentia.latent.quantizers.QUANTIZERS`.
        levels: maps of codes, 1 or 2.
    """

    quantizer: str = "vq-ema"
    levels: int = 1


DISCRETE: Registry[DiscreteEntry] = Registry("model with discrete codes")
for _name, _discrete in {
    "vq-vae": DiscreteEntry(
        "autoencoder whose codes are the nearest of K vectors, learned by gradient; a prior over codes makes it a model",
        "van den Oord, Vinyals & Kavukcuoglu 2017, Neural Discrete Representation Learning",
        quantized_bound(),
        quantizer="vq",
    ),
    "vq-vae-ema": DiscreteEntry(
        "VQ-VAE whose codes are moving averages of what they stand for",
        "van den Oord, Vinyals & Kavukcuoglu 2017, appendix A.1",
        quantized_bound(),
    ),
    "vq-vae-rotation": DiscreteEntry(
        "VQ-VAE whose gradient is turned as the code is against the vector, with moving averages",
        "Fifty et al. 2025, Restructuring Vector Quantization with the Rotation Trick",
        quantized_bound(),
        quantizer="vq-rotation",
    ),
    "gumbel-vae": DiscreteEntry(
        "VAE with categorical codes, relaxed by the Gumbel-softmax while it trains; the rate's weight rises from 0",
        "Jang, Gu & Poole 2017; Ramesh et al. 2021 (dVAE of DALL-E)",
        negative_elbo(Linear(until=1 / 3)),
        quantizer="gumbel",
    ),
    "fsq-vae": DiscreteEntry(
        "autoencoder whose codes are a few rounded numbers: no codebook to learn or to lose",
        "Mentzer et al. 2024, Finite Scalar Quantization: VQ-VAE Made Simple",
        quantized_bound(),
        quantizer="fsq",
    ),
    "vq-vae-2": DiscreteEntry(
        "VQ-VAE with two maps of codes: a small one, and a large one given the small one",
        "Razavi, van den Oord & Vinyals 2019, Generating Diverse High-Fidelity Images with VQ-VAE-2",
        quantized_bound(),
        levels=2,
    ),
}.items():
    DISCRETE.add(_name, _discrete)


@dataclass(frozen=True)
class MixtureEntry:
    """What a named mixture is: its estimator, and the criterion by which a range of K is chosen from.

    Attributes:
        summary: one line that says what it is.
        reference: where it was published.
        estimator: name of its class in `latentia`.
        criterion: a name of `latentia.mixture.selection.CRITERIA`.
    """

    summary: str
    reference: str
    estimator: str
    criterion: str = "bic"


MIXTURES: Registry[MixtureEntry] = Registry("mixture")
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
        "mixture of overdispersed counts given each row's total: community types",
        "Holmes, Harris & Quince 2012, PLoS ONE 7(2) e30126",
        "DirichletMultinomialMixture",
        criterion="laplace",
    ),
}.items():
    MIXTURES.add(_name, _entry)
ALIASES = {"gmm": "gaussian-mixture"}


def mixture_name(name: str) -> str | None:
    """The name in `MIXTURES` that `name` means, or None if it names another kind of model.

    Raises:
        ConfigError: if it names no model at all.

    Example:
        >>> mixture_name("gmm"), mixture_name("sigma-vae")
        ('gaussian-mixture', None)
    """
    if name in CATALOG or name in DISCRETE or name in DENSITY_MODELS:
        return None
    name = ALIASES.get(name, name)
    if name not in MIXTURES:
        known: Registry[object] = Registry("model")
        for each in (*CATALOG, *DISCRETE, *DENSITY_MODELS, *MIXTURES, *ALIASES):
            known.add(each, None)
        raise ConfigError(known.unknown(name))
    return name


def compose(
    entry: Entry,
    event_shape: Sequence[int],
    latent_dim: int,
    *,
    likelihood: str | Callable[[torch.Size], Likelihood],
    network: str | Network,
    inputs: nn.Module | None = None,
) -> VAE:
    """The model of `entry` for data of `event_shape`.

    Args:
        entry: from `CATALOG`.
        event_shape: `[d]` or `[C, H, W]`.
        latent_dim: length of a code.
        likelihood: a name of `LIKELIHOODS`, or what builds one from the event shape.
        network: a name of `NETWORKS`, or a `Network`.
        inputs: what the encoder does to the data before its first layer.

    Raises:
        ConfigError: if a name is unknown.

    Example:
        >>> model = compose(CATALOG["sigma-vae"], (4,), 2, likelihood="gaussian", network="mlp")
        >>> model.sample(3).shape
        torch.Size([3, 4])
    """
    likelihood = LIKELIHOODS[likelihood] if isinstance(likelihood, str) else likelihood
    network = NETWORKS[network] if isinstance(network, str) else network
    p_x = likelihood(torch.Size(event_shape))
    encoder, decoder = network.build(event_shape, entry.model.decoded_dim(latent_dim), p_x.n_outputs, inputs)
    n_features = int(encoder.n_features)  # type: ignore[arg-type]
    return entry.model(
        encoder,
        POSTERIORS[entry.posterior](n_features, latent_dim),
        PRIORS[entry.prior](latent_dim),
        decoder,
        p_x,
    )
