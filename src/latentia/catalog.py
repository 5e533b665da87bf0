"""The catalog: a named model is one line that says what it is composed of.

An entry names its objective, posterior, prior and kind of Gaussian; the network is picked by the shape of the data and
the family of the likelihood by their kind. `compose` puts the parts together. To add a model, add a
line; the contract tests run over all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn

from latentia.errors import ConfigError
from latentia.latent import LIKELIHOODS, POSTERIORS, PRIORS, Likelihood
from latentia.models import VAE
from latentia.nn import NETWORKS, Network
from latentia.objectives import Rising, Term, TermSum, distortion, negative_elbo, quantized_bound
from latentia.registry import Registry


@dataclass(frozen=True)
class Entry:
    """What a named model is composed of.

    Attributes:
        summary: one line that says what it is.
        reference: where it was published.
        objective: what is minimised.
        gaussian: which Gaussian stands at p(x|z) where the data are real numbers (a name of `LIKELIHOODS`);
            binary data and counts take the likelihood of their kind.
        posterior: a name of `POSTERIORS`.
        prior: a name of `PRIORS`.
        likelihoods: kind of data (of `estimators.form`) to the name of `LIKELIHOODS` that stands at p(x|z), for models
            that are defined by theirs; data of other kinds are refused. None: any data, the likelihood of their kind.
    """

    summary: str
    reference: str
    objective: TermSum
    gaussian: str = "gaussian"
    posterior: str = "gaussian"
    prior: str = "standard-normal"
    likelihoods: Mapping[str, str] | None = None


CATALOG: Registry[Entry] = Registry("model")
CATALOG.add(
    "sigma-vae",
    Entry(
        "VAE whose Gaussian variance is the optimum for its residuals: nothing to weigh, nothing to tune (the default)",
        "Rybkin, Daniilidis & Levine 2021, Simple and Effective VAE Training with Calibrated Decoders",
        negative_elbo(),
    ),
)
CATALOG.add(
    "vae",
    Entry(
        "VAE whose Gaussian variance is one learned number",
        "Kingma & Welling 2014, Auto-Encoding Variational Bayes",
        negative_elbo(),
        gaussian="gaussian-learned",
    ),
)
CATALOG.add(
    "beta-vae",
    Entry(
        "VAE whose KL term counts four times",
        "Higgins et al. 2017, beta-VAE",
        negative_elbo(beta=4.0),
    ),
)
CATALOG.add(
    "data-variance-vae",
    Entry(
        "VAE whose Gaussian variance is that of the data",
        "the ResLag report's setting of sigma; not the optimum of Rybkin et al. 2021",
        negative_elbo(),
        gaussian="gaussian-data",
    ),
)
CATALOG.add(
    "autoencoder",
    Entry(
        "deterministic codes and reconstruction alone: no prior is fitted, so samples mean little",
        "Hinton & Salakhutdinov 2006, Reducing the Dimensionality of Data with Neural Networks",
        TermSum((Term("distortion", distortion),)),
        posterior="deterministic",
    ),
)
CATALOG.add(
    "pixel-vae",
    Entry(
        "images only: VAE whose decoder is a gated PixelCNN, so that the code is left with what its kernels do not reach",
        "Gulrajani et al. 2017, PixelVAE: A Latent Variable Model for Natural Images",
        negative_elbo(),
        likelihoods={"binary": "pixelcnn-binary", "pixels": "pixelcnn"},
    ),
)


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
        negative_elbo(Rising(1 / 3)),
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
    encoder, decoder = network.build(event_shape, latent_dim, p_x.n_outputs, inputs)
    n_features = int(encoder.n_features)  # type: ignore[arg-type]
    return VAE(
        encoder,
        POSTERIORS[entry.posterior](n_features, latent_dim),
        PRIORS[entry.prior](latent_dim),
        decoder,
        p_x,
    )
