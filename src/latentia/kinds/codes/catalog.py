"""Models with discrete codes: VQ-VAEs and their relatives."""

from __future__ import annotations

from dataclasses import dataclass

from latentia.errors import ConfigError
from latentia.estimators.entry import Entry
from latentia.objectives import Linear, joint_bound, negative_elbo, quantized_bound
from latentia.registry import Registry


@dataclass(frozen=True)
class DiscreteEntry(Entry):
    """What a model with discrete codes is composed of; `posterior` and `prior` of `Entry` are not read.

    Attributes:
        quantizer: a name of `latentia.latent.quantizers.QUANTIZERS`.
        levels: maps of codes, 1 or 2.
        prior_training: when the prior over codes is learned if the person leaves it open; see `latentia.VQVAE`.
    """

    vector_network: str | None = "mlp"  # of `CODE_NETWORKS`
    quantizer: str = "vq-ema"
    levels: int = 1
    prior_training: str = "two-stage"


DISCRETE: Registry[DiscreteEntry] = Registry(
    "model with discrete codes", group="latentia.models", of=DiscreteEntry
)
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
    "pixel-vae++": DiscreteEntry(
        "images only: categorical codes, a prior over them learned in the same bound, and a decoder that is a PixelCNN itself",
        "Sadeghi et al. 2019, PixelVAE++: Improved PixelVAE with Discrete Prior (here with an autoregressive prior, not an RBM)",
        joint_bound(),
        quantizer="gumbel",
        prior_training="joint",
        likelihoods={"binary": "pixelcnn-binary", "pixels": "pixelcnn++"},
    ),
}.items():
    DISCRETE.add(_name, _discrete)

ENTRIES = DISCRETE
"""The named models of this kind."""


def entry_of(model: object) -> DiscreteEntry:
    """The entry of a name, or the entry that is given itself.

    Raises:
        ConfigError: for what is neither.
    """
    entry = DISCRETE[model] if isinstance(model, str) else model
    if not isinstance(entry, DiscreteEntry):
        raise ConfigError(f"model={model!r}: expected a name or a latentia.kinds.codes.catalog.DiscreteEntry")
    return entry
