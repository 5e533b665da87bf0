import math

import numpy as np
import pytest
import torch

from latentia.benchmarks.measure import batches, bound, calibrated, data_variance, nats, refined_nats
from latentia.diagnostics import evaluate
from latentia.estimators.compose import compose
from latentia.kinds.vae.catalog import CATALOG
from latentia.models.refinement import STEPS

rng = np.random.default_rng(0)
images = rng.integers(0, 256, (60, 1, 6, 6), dtype=np.uint8)


def model(name="vae", likelihood="gaussian-fixed"):
    torch.manual_seed(0)
    return compose(CATALOG[name], (1, 6, 6), 3, likelihood=likelihood, network="mlp").eval()


def test_variance_of_the_data_is_numpys():
    assert data_variance(images) == pytest.approx((images / 255).var(), rel=1e-12)


def test_the_variance_is_that_of_the_residuals_and_the_networks_are_shared():
    given = model()
    judged = calibrated(given, images)
    figures = evaluate(given, batches(images, torch.device("cpu")), n_importance=0)
    assert float(given.likelihood.variance) == 1.0
    assert judged.encoder is given.encoder
    assert judged.decoder is given.decoder
    # Both average over one draw of z for each image, but not the same draw.
    assert float(judged.likelihood.variance) == pytest.approx(figures.sigma2_optimal, rel=0.05)


def test_other_likelihoods_than_gaussians_are_left_alone():
    given = model(likelihood="laplace")
    assert calibrated(given, images) is given


def test_figures_in_nats_by_hand():
    figures = evaluate(calibrated(model(), images), batches(images, torch.device("cpu")), n_importance=50)
    found = nats(figures, 0.2, 36)
    assert found["total"] == pytest.approx(18 * math.log(0.2) + found["rec"] / 0.4 + found["kl"], rel=1e-12)
    assert found["bound"] == pytest.approx(18 * math.log(found["rec"] / 36) + 18 + found["kl"], rel=1e-12)
    sigma2 = figures.sigma2
    own = 18 * math.log(sigma2) + found["rec"] / (2 * sigma2) + found["kl"]
    assert found["bound_train_variance"] == pytest.approx(own, rel=1e-5)
    # No variance is better than the one that is optimal on the very images; importance weighting is no looser.
    assert found["bound"] <= found["bound_train_variance"]
    assert -found["log_likelihood"] - 18 * math.log(2 * math.pi) < found["bound_train_variance"]
    assert found["bits_per_dim"] == pytest.approx(
        (-found["log_likelihood"] / 36 + math.log(256)) / math.log(2), rel=1e-9
    )


def test_deterministic_codes_have_an_error_and_no_bound():
    given = model("autoencoder", "gaussian")
    found = nats(
        evaluate(calibrated(given, images), batches(images, torch.device("cpu")), n_importance=5), 0.1, 36
    )
    assert found["rec"] > 0
    assert all(
        found[name] is None
        for name in ("kl", "total", "bound", "bound_train_variance", "bits_per_dim", "log_likelihood")
    )


def test_refined_figures_are_those_of_the_model_with_its_steps_which_it_keeps():
    given = model()
    found = refined_nats(given, images, 0.2, 36)
    assert given.refinement_steps == 0
    given.refinement_steps = STEPS
    figures = nats(evaluate(given, batches(images, torch.device("cpu")), n_importance=0), 0.2, 36)
    assert found == {"total_refined": figures["total"], "bound_refined": figures["bound"]}
    given.refinement_steps = 0
    plain = nats(evaluate(given, batches(images, torch.device("cpu")), n_importance=0), 0.2, 36)
    assert found["total_refined"] != plain["total"]
    assert set(refined_nats(model("autoencoder", "gaussian"), images, 0.2, 36).values()) == {None}


def test_a_perfect_reconstruction_has_a_finite_bound():
    assert math.isfinite(bound(0.0, 1.0, 36))
