"""The figures of a row, by the same code for every model, whoever trained it."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from latentia.benchmarks.fitted import Fitted, as_uint8
from latentia.benchmarks.images import FeatureSpace
from latentia.data import Dataset
from latentia.diagnostics import Evaluation, evaluate
from latentia.distributions import DiagonalGaussian
from latentia.draws import seeded
from latentia.latent.likelihoods import GaussianLikelihood
from latentia.models import VAE, evaluating
from latentia.models.refinement import STEPS

CALIBRATED_ON = 10_000
IMPORTANCE_SAMPLES = 100
IMPORTANCE_ITEMS = 1000
SHOWN = 16


def calibrated(model: VAE, train: NDArray[Any]) -> VAE:
    """The same networks under a Gaussian whose variance is the optimum for their residuals on training images.

    Models differ in the variance that they train with (1, that of the data, the optimal one); judged with one rule,
    their bounds and likelihoods can be compared. Models of another likelihood than a Gaussian keep their own.
    """
    if not isinstance(model.likelihood, GaussianLikelihood):
        return model
    judged = copy.copy(model)  # shares the networks
    judged._modules = dict(model._modules)
    device = next(model.parameters()).device
    judged.likelihood = GaussianLikelihood(model.likelihood.event_shape).to(device)
    judged.likelihood.prepare(torch.as_tensor(train[:CALIBRATED_ON]).to(device).float() / 255)
    with seeded(0, device):
        judged.calibrate(batches(train[:CALIBRATED_ON], device))
    return judged.eval()


def figures_of(
    fitted: Fitted, dataset: Dataset, space: FeatureSpace
) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """The figures of a row on the test images, and the images that the page shows (originals, rebuilt, sampled)."""
    train, test = np.asarray(dataset.train.take(CALIBRATED_ON).x), np.asarray(dataset.test.x)
    model = calibrated(fitted.model, train)
    device = next(model.parameters()).device
    found = evaluate(
        model,
        batches(test, device),
        n_importance=IMPORTANCE_SAMPLES,
        importance_items=IMPORTANCE_ITEMS,
    )
    drawn = fitted.sample(max(len(space.test), SHOWN))
    variance = data_variance(np.asarray(dataset.train.x))
    originals = np.asarray(dataset.test.take(SHOWN).x)
    size = math.prod(dataset.event_shape)
    figures = {
        **nats(found, variance, size),
        **refined_nats(fitted.model, test, variance, size),
        **space.compare(drawn[: len(space.test)]),
        "seconds": round(fitted.seconds, 1),
        "steps": fitted.steps,
        "epochs": fitted.settings["max_epochs"],
        "parameters": sum(weight.numel() for weight in fitted.model.parameters()),
    }
    pictures = {
        "originals": originals,
        "rebuilt": _rebuilt(model, originals, device),
        "sampled": drawn[:SHOWN],
    }
    return figures, pictures


def nats(found: Evaluation, variance: float, size: int) -> dict[str, Any]:
    r"""The figures that follow from squared error R, KL and likelihood; D numbers in an image, all means per image.

    .. math::
        total = \tfrac D2 \ln s^2 + \frac{R}{2 s^2} + KL, \qquad
        bound = \tfrac D2 \ln \tfrac RD + \tfrac D2 + KL

    with s^2 the variance of the data; neither has the term (D/2) ln 2 pi, as in the report. `bound` takes the
    variance that is best on the test images themselves, which the report's own figures allow as well;
    `bound_train_variance` takes the one that is best on training images: a bound on the likelihood of unseen data.

    Args:
        found: the evaluation on the test images.
        variance: s^2.
        size: D.
    """
    half = size / 2
    total = best = own = None
    if None not in (found.kl, found.elbo, found.sigma2, found.sse):
        assert found.kl is not None
        assert found.elbo is not None
        assert found.sse is not None
        total = half * math.log(variance) + found.sse / (2 * variance) + found.kl
        best = bound(found.sse, found.kl, size)
        own = -found.elbo - half * math.log(2 * math.pi)
    return {
        "rec": found.sse,
        "kl": found.kl,
        "total": total,
        "bound": best,
        "bound_train_variance": own,
        "data_variance": variance,
        "log_likelihood": found.log_likelihood,
        "log_likelihood_se": found.log_likelihood_se,
        "n_importance": found.n_importance,
        "n_importance_items": found.n_importance_items,
        "bits_per_dim": found.bits_per_dim if found.log_likelihood is not None else None,
        "bits_per_dim_note": found.bits_per_dim_note,
        "bits_per_dim_alphabet": found.bits_per_dim_alphabet,
        "active_units": found.active_units,
        "latent_dim": found.latent_dim,
    }


def refined_nats(model: VAE, test: NDArray[Any], variance: float, size: int) -> dict[str, float | None]:
    """`total` and `bound` of `nats` with the codes that `latentia.models.refinement` makes of the encoder's, for every model alike.

    Under the variance that the model was trained with, for which its q(z|x) has the right width. None for models whose codes
    cannot be refined.
    """
    device = next(model.parameters()).device
    before = model.refinement_steps
    model.refinement_steps = STEPS
    try:
        with torch.no_grad(), evaluating(model):
            if not isinstance(model.amortised(next(batches(test, device, 1))), DiagonalGaussian):
                return {"total_refined": None, "bound_refined": None}
        found = evaluate(model, batches(test, device), n_importance=0)
    finally:
        model.refinement_steps = before
    figures = nats(found, variance, size)
    return {"total_refined": figures["total"], "bound_refined": figures["bound"]}


def bound(rec: float, kl: float, size: int) -> float:
    """Negative bound at the variance Rec / D that is optimal for it, in nats without (D/2) ln 2 pi; D = `size`.

    Example:
        >>> round(bound(16.72, 14.59, 784), 2)  # the report's sigma-VAE on MNIST
        -1101.75
    """
    return size / 2 * math.log(max(rec, 1e-12) / size) + size / 2 + kl


def data_variance(x: NDArray[Any]) -> float:
    """Variance of all pixels on [0, 1] of uint8 images.

    Example:
        >>> data_variance(np.array([[0, 255]], dtype=np.uint8))
        0.25
    """
    counts = np.bincount(x.reshape(-1), minlength=256).astype(np.float64)
    levels = np.arange(256) / 255
    mean = float(counts @ levels / counts.sum())
    return float(counts @ (levels - mean) ** 2 / counts.sum())


def batches(x: NDArray[Any], device: torch.device, size: int = 250) -> Iterator[Tensor]:
    """uint8 images as the models take them."""
    for start in range(0, len(x), size):
        part = torch.as_tensor(x[start : start + size]).to(device).float() / 255
        yield part.contiguous(memory_format=torch.channels_last)


def _rebuilt(model: VAE, images: NDArray[Any], device: torch.device) -> NDArray[Any]:
    with torch.no_grad(), evaluating(model):
        (x,) = batches(images, device, len(images))
        return as_uint8(model.conditional(model.encode(x).mean[None], x).mean[0].cpu().numpy())
