import numpy as np
import pytest
import torch

pytest.importorskip("pythae")

from latentia.benchmarks import peers
from latentia.benchmarks.fitted import as_uint8
from latentia.distributions import DiagonalGaussian
from latentia.estimators.compose import compose
from latentia.kinds.vae.catalog import CATALOG

x = torch.rand(20, 1, 6, 6)


def ours():
    torch.manual_seed(0)
    return compose(CATALOG["vae"], (1, 6, 6), 3, likelihood="gaussian-fixed", network="mlp")


@pytest.mark.parametrize("name", ["pythae-vae", "pythae-beta-vae", "pythae-info-vae", "pythae-iwae"])
def test_a_peer_is_made_of_the_very_same_weights(name):
    model = ours()
    with peers._quiet():
        peer, options = peers.pythae_model(name, model, 4.0, (1, 6, 6))
    used = {id(weight) for weight in peer.parameters()}
    assert used == {id(weight) for weight in model.parameters()}
    assert options == {
        "pythae-vae": {}, "pythae-beta-vae": {"beta": 4.0}, "pythae-info-vae": {"alpha": 1.0, "lbd": 500.0},
        "pythae-iwae": {"number_samples": 10},
    }[name]  # fmt: skip


def test_its_loss_is_ours_at_unit_variance():
    model = ours()
    with peers._quiet():
        peer, _ = peers.pythae_model("pythae-vae", model, 4.0, (1, 6, 6))
    torch.manual_seed(1)
    theirs = peer({"data": x})
    with torch.no_grad():
        q = model.encode(x)
        decoded = model.conditional(theirs.z[None], x)
    assert isinstance(q, DiagonalGaussian)
    kl = 0.5 * (q.mean**2 + q.variance - 1 - q.variance.log()).sum(-1).mean()
    assert theirs.reg_loss.item() == pytest.approx(float(kl), rel=1e-4)
    half_error = 0.5 * (decoded.mean[0] - x).square().flatten(1).sum(1).mean()
    assert theirs.recon_loss.item() == pytest.approx(float(half_error), rel=1e-4)


def test_images_are_rounded_and_clipped():
    assert as_uint8(np.array([-1.0, 0.0, 0.5, 1.0, 2.0])).tolist() == [0, 0, 128, 255, 255]


def test_a_finished_fit_is_kept_and_read(tmp_path):
    model, other = ours(), ours()
    assert peers._kept(tmp_path, other) is None
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(1)
    peers._keep(tmp_path, model, 2.5)
    assert peers._kept(tmp_path, other) == 2.5
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), other.parameters(), strict=True))
