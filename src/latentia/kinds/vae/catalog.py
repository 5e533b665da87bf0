"""Models with codes that are vectors: VAEs and their relatives."""

from __future__ import annotations

from functools import partial

from latentia.estimators.entry import Entry
from latentia.models import LadderVAE
from latentia.models.refinement import STEPS
from latentia.objectives import (
    Linear,
    ObjectiveFactory,
    capacity_elbo,
    constrained_elbo,
    elbo,
    free_bits_elbo,
    importance_weighted,
    info_elbo,
    reconstruction,
    total_correlation_elbo,
)
from latentia.registry import Registry
from latentia.training import Aggressive

_four_times_the_rate: ObjectiveFactory = partial(elbo, beta=4.0)
_warmed_up: ObjectiveFactory = partial(elbo, beta=Linear(until=0.3))

CATALOG: Registry[Entry] = Registry("model", group="latentia.models", of=Entry)
for _name, _model in {
    "sigma-vae": Entry(
        "VAE whose Gaussian variance is the optimum for its residuals: nothing to weigh, nothing to tune (the default)",
        "Rybkin, Daniilidis & Levine 2021, Simple and Effective VAE Training with Calibrated Decoders",
        elbo,
        sampler="aggregate-posterior",
        refinement_steps=STEPS,
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

ENTRIES = CATALOG
"""The named models of this kind."""
