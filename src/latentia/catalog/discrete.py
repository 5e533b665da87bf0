"""Models with discrete codes: VQ-VAEs and their relatives."""

from __future__ import annotations

from dataclasses import dataclass

from latentia.catalog.entry import Entry
from latentia.objectives import Linear, negative_elbo, quantized_bound
from latentia.registry import Registry


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
