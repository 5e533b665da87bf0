from __future__ import annotations

import numpy as np
import pytest
import torch

from latentia import VAE
from latentia.nn import FEW_ROWS, NETWORKS, Centred, LogCounts, MLPEncoder, pick_network
from latentia.nn.conv import map_sizes

IMAGES = [
    (c, h, w) for c in (1, 3) for h, w in ((1, 1), (8, 8), (28, 28), (32, 32), (64, 64), (89, 109), (5, 40))
]


@pytest.mark.parametrize("event_shape", IMAGES, ids=str)
def test_images_of_any_size_go_in_and_come_out(event_shape):
    encoder, decoder = NETWORKS["conv"].build(event_shape, latent_dim=5, n_outputs=2)
    x = torch.rand(3, *event_shape)
    features = encoder(x)
    assert features.shape == (3, encoder.n_features)
    outputs = decoder(torch.randn(4, 5))
    assert outputs.shape == (4, 2, *event_shape)
    outputs.square().sum().backward()
    features.square().sum().backward()
    dead = [n for m in (encoder, decoder) for n, p in m.named_parameters() if p.grad is None]
    assert dead == []


@pytest.mark.parametrize("event_shape", [(1, 8, 8), (3, 28, 28), (1, 89, 109)], ids=str)
def test_every_pixel_of_the_output_depends_on_the_code(event_shape):
    torch.manual_seed(0)
    _, decoder = NETWORKS["conv"].build(event_shape, latent_dim=5, n_outputs=1)
    with torch.no_grad():
        spread = decoder.eval()(torch.randn(64, 5)).std(0)
    assert bool((spread > 0).all())


@pytest.mark.parametrize("event_shape", [(1, 8, 8), (3, 28, 28), (1, 45, 37)], ids=str)
def test_every_pixel_of_the_input_reaches_the_features(event_shape):
    torch.manual_seed(0)
    encoder, _ = NETWORKS["conv"].build(event_shape, latent_dim=5, n_outputs=1)
    x = torch.rand(2, *event_shape, requires_grad=True)
    encoder.eval()(x).square().sum().backward()
    assert bool((x.grad.abs() > 0).all())


@pytest.mark.parametrize("event_shape", [(1,), (13,), (200,), (1, 4, 4)], ids=str)
def test_vectors_go_in_and_come_out(event_shape):
    encoder, decoder = NETWORKS["mlp"].build(event_shape, latent_dim=3, n_outputs=2)
    assert encoder(torch.randn(6, *event_shape)).shape == (6, encoder.n_features)
    assert decoder(torch.randn(6, 3)).shape == (6, 2, *event_shape)


@pytest.mark.parametrize("name", ["mlp", "conv"])
def test_a_batch_of_one_trains(name):
    encoder, decoder = NETWORKS[name].build((1, 12, 12), latent_dim=3, n_outputs=1)
    loss = decoder(encoder(torch.rand(1, 1, 12, 12))[:, :3]).square().sum()
    loss.backward()
    assert torch.isfinite(loss)


@pytest.mark.parametrize("name", ["mlp", "conv"])
def test_items_do_not_depend_on_their_batch_in_evaluation(name):
    torch.manual_seed(0)
    encoder, _ = NETWORKS[name].build((3, 16, 16), latent_dim=3, n_outputs=1)
    x = torch.rand(7, 3, 16, 16)
    with torch.no_grad():
        together, alone = encoder.eval()(x), torch.cat([encoder(item) for item in x.split(1)])
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=1e-4)


def test_the_decoder_starts_at_a_given_constant():
    for name, event_shape in (("mlp", (5,)), ("conv", (2, 9, 9))):
        _, decoder = NETWORKS[name].build(event_shape, latent_dim=3, n_outputs=1)
        value = torch.randn(1, *event_shape)
        decoder.eval()
        before = decoder(torch.zeros(1, 3))
        decoder.offset.start_at(value)
        torch.testing.assert_close(decoder(torch.zeros(1, 3)) - before, value[None], atol=1e-5, rtol=0)


def test_maps_halve_rounding_up_until_four():
    assert map_sizes(89, 109) == [(89, 109), (45, 55), (23, 28), (12, 14), (6, 7), (3, 4)]
    assert map_sizes(3, 4) == [(3, 4)]


@pytest.mark.parametrize(
    ("event_shape", "n_rows", "name"),
    [
        ((13,), FEW_ROWS, "mlp"),
        ((13,), FEW_ROWS - 1, "mlp-small"),
        ((1, 1, 1), 1, "conv"),
        ((3, 89, 109), FEW_ROWS, "conv"),
    ],
)
def test_the_network_is_picked_by_shape_and_number(event_shape, n_rows, name):
    assert pick_network(event_shape, n_rows)[0] == name
    assert pick_network(event_shape, n_rows, "reslag", "mlp-skip")[0] == (
        "mlp-skip" if len(event_shape) == 1 else "reslag"
    )


def test_a_stream_gets_the_network_of_many_rows():
    few = np.random.default_rng(0).normal(size=(40, 5))
    assert VAE(latent_dim=2, max_epochs=0).fit(few).network_ == "mlp-small"
    assert VAE(latent_dim=2).partial_fit(few).network_ == "mlp"


def test_counts_reach_the_encoder_as_composition_and_size():
    inputs = LogCounts(scale=100.0)
    x = torch.tensor([[1.0, 3.0, 0.0], [10.0, 30.0, 0.0], [0.0, 0.0, 0.0]])
    out = inputs(x)
    expected = torch.tensor([25.0, 75.0, 0.0]).log1p()
    torch.testing.assert_close(out[0, :3], expected)
    torch.testing.assert_close(out[1, :3], expected)  # the same composition
    torch.testing.assert_close(out[:, 3], torch.tensor([4.0, 40.0, 0.0]).log1p())
    assert torch.isfinite(out).all()
    encoder = MLPEncoder((3,), inputs=inputs)
    assert torch.isfinite(encoder(x)).all()
    assert encoder(x).shape == (3, encoder.n_features)


def test_pixels_are_centred():
    torch.testing.assert_close(Centred()(torch.tensor([0.0, 0.25, 1.0])), torch.tensor([-1.0, -0.5, 1.0]))
