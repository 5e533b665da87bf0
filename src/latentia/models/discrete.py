"""From names to a VQ-VAE."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from latentia.errors import ConfigError
from latentia.latent import Likelihood
from latentia.latent.code_priors import ClassPrior, CodePrior, MapPrior, TwoLevelPrior
from latentia.latent.quantizers import QUANTIZERS
from latentia.models.coders import Coder, OneLevel, Shape, TwoLevels
from latentia.models.vqvae import VQVAE
from latentia.nn.code_networks import CODE_NETWORKS


def build_vqvae(
    event_shape: Sequence[int],
    likelihood: Likelihood,
    *,
    quantizer: str = "vq-ema",
    n_codes: int = 512,
    dim: int = 64,
    levels: int = 1,
    n_groups: int = 4,
    network: str = "conv",
    prior: str = "uniform",
    n_classes: int = 0,
    inputs: nn.Module | None = None,
) -> VQVAE:
    """Put a VQ-VAE together.

    Args:
        event_shape: `[d]` or `[C, H, W]`.
        likelihood: p(x|k) for that event.
        quantizer: a name of `QUANTIZERS`.
        n_codes: K.
        dim: D, length of a code's vector.
        levels: maps of codes, 1 or 2.
        n_groups: codes of a row; images have as many as their map has positions.
        network: "conv" (images to maps), "mlp" (anything to groups).
        prior: a name of `CODE_PRIORS`.
        n_classes: classes for each of which the prior is learned; 0: none.
        inputs: what the encoder does to the data first.

    Raises:
        ConfigError: if a name is unknown, or the choices do not go together.

    Example:
        >>> from latentia.latent import LIKELIHOODS
        >>> model = build_vqvae((1, 28, 28), LIKELIHOODS["gaussian"]((1, 28, 28)), n_codes=16, dim=8)
        >>> model.coder.shapes, model.sample(2).shape
        (((7, 7),), torch.Size([2, 1, 28, 28]))
    """
    if network == "conv" and len(event_shape) != 3:
        raise ConfigError(
            f"network='conv' needs images; rows of shape {list(event_shape)} take network='mlp'"
        )
    nets = CODE_NETWORKS[network]
    quantize = QUANTIZERS[quantizer]
    coder: Coder
    if levels == 1:
        encoder = nets.encoder(event_shape, dim, n_groups, inputs)
        shape: Shape = encoder.shape  # type: ignore[assignment]
        coder, n_in = OneLevel(quantize(dim, n_codes), shape), dim
    elif levels == 2:
        encoder = nets.pyramid(event_shape, dim, n_groups, inputs)
        top, bottom = quantize(dim, n_codes), quantize(dim, n_codes)
        if not top.deterministic:
            raise ConfigError(
                f"quantizer={quantizer!r} draws its codes, which two levels cannot have; give a 'vq' one"
            )
        coder = TwoLevels(top, bottom, encoder)  # type: ignore[arg-type]
        n_in = int(encoder.n_joined)  # type: ignore[arg-type]
    else:
        raise ConfigError(f"levels={levels}: expected 1 or 2")
    decoder = nets.decoder(event_shape, n_in, coder.n_positions, likelihood.n_outputs)
    return VQVAE(encoder, coder, code_prior(coder, prior, n_classes), decoder, likelihood)


def code_prior(coder: Coder, name: str, n_classes: int = 0) -> CodePrior:
    """The prior `name` for the maps of a coder.

    Raises:
        ConfigError: if the name is unknown, or a two-level prior is asked for each class.
    """
    if len(coder.shapes) == 2:
        if n_classes:
            raise ConfigError(
                "a prior for each class is for one map of codes; leave prior_by_class out for vq-vae-2"
            )
        return TwoLevelPrior((coder.shapes[0], coder.shapes[1]), coder.n_codes, name)
    if n_classes:
        return ClassPrior(coder.shapes[0], coder.n_codes, name, n_classes)
    return MapPrior(coder.shapes[0], coder.n_codes, name)
