"""Skip decoders: the code enters every layer, and without its matrices the decoder is the plain one."""

from __future__ import annotations

import pytest
import torch

from latentia.nn import NETWORKS

CASES = [
    ("mlp", (13,)),
    ("mlp", (1, 8, 8)),
    ("conv", (1, 8, 8)),
    ("conv", (3, 28, 28)),
    ("conv", (1, 21, 19)),
]


def pair(name, event_shape):
    _, plain = NETWORKS[name].build(event_shape, latent_dim=5, n_outputs=2)
    _, skip = NETWORKS[f"{name}-skip"].build(event_shape, latent_dim=5, n_outputs=2)
    missing, unexpected = skip.load_state_dict(plain.state_dict(), strict=False)
    assert unexpected == []
    assert missing
    assert all(key.startswith("skips.") for key in missing)
    return plain.double().eval(), skip.double().eval()


@pytest.mark.parametrize(("name", "event_shape"), CASES, ids=str)
def test_with_matrices_of_zero_it_is_the_plain_decoder(name, event_shape):
    torch.manual_seed(0)
    plain, skip = pair(name, event_shape)
    z = torch.randn(4, 5, dtype=torch.float64)
    assert not torch.allclose(skip(z), plain(z))
    for linear in skip.skips.values() if name == "conv" else skip.skips:
        torch.nn.init.zeros_(linear.weight)
    torch.testing.assert_close(skip(z), plain(z), atol=0, rtol=0)


@pytest.mark.parametrize(("name", "event_shape"), CASES, ids=str)
def test_the_code_reaches_the_output_through_each_matrix_alone(name, event_shape):
    torch.manual_seed(0)
    _, skip = pair(name, event_shape)
    torch.nn.init.zeros_((skip.body.first if name == "mlp" else skip.head[0]).weight)
    linears = list(skip.skips.values() if name == "conv" else skip.skips)
    kept = [linear.weight.detach().clone() for linear in linears]
    z = torch.randn(4, 5, dtype=torch.float64)
    for one in range(len(linears)):
        for index, linear in enumerate(linears):
            linear.weight.data = kept[index] if index == one else torch.zeros_like(kept[index])
        assert skip(z).std(0).max() > 0, f"matrix {one} reaches nothing"


def test_every_residual_block_and_the_output_of_a_perceptron_has_a_matrix():
    _, skip = NETWORKS["mlp-skip"].build((13,), latent_dim=5, n_outputs=2)
    assert [linear.out_features for linear in skip.skips] == [256, 256, 26]
