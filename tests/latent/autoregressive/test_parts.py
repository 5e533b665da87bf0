"""What the densities are made of, each against an independent computation."""

from __future__ import annotations

import pytest
import torch
from small import build
from torch.nn import functional as F

from latentia.distributions import DiscretizedLogisticMixture
from latentia.errors import ConfigError
from latentia.latent.autoregressive import (
    AutoregressiveDistribution,
    GatedPixelCNN,
    PixelCNN,
    PixelCNNPlusPlus,
    build_density,
)
from latentia.latent.autoregressive.causal import CausalConv2d, channel_groups
from latentia.latent.autoregressive.cell import lstm_cell
from latentia.latent.autoregressive.diagonal_lstm import skew, unskew


def receptive_field(density, place):
    """Which pixels the logits at `place` of a grey image depend on, by gradients of embedded pixels."""
    torch.manual_seed(0)
    seen = torch.zeros(density.event_shape[1:], dtype=torch.bool)
    for _ in range(5):  # a gate or a ReLU may be shut for one image
        embedded = torch.randn(
            1, density.n_embedded, *density.event_shape[1:], dtype=torch.float64, requires_grad=True
        )
        features = density.stack(embedded, (None, None))
        (gradient,) = torch.autograd.grad(features[0, :, place[0], place[1]].square().sum(), embedded)
        seen |= gradient[0].abs().sum(0) > 0
    return seen


def test_two_stacks_have_no_blind_spot_and_one_has():
    options = {"n_channels": 8, "n_layers": 4, "kernel_size": 3, "first_kernel_size": 3}
    before = torch.zeros(7, 7, dtype=torch.bool)
    before.view(-1)[: 4 * 7 + 3] = True
    gated = receptive_field(GatedPixelCNN((1, 7, 7), 2, **options).double(), (4, 3))
    assert torch.equal(gated, before)
    plain = receptive_field(PixelCNN((1, 7, 7), 2, **options).double(), (4, 3))
    assert not (plain & ~before).any()
    assert not plain[3, 6]  # the wedge to the upper right
    assert plain[3, 4]


@pytest.mark.parametrize("name", ["diagonal-bilstm", "row-lstm"])
def test_reach_of_the_recurrent_networks(name):
    density = build_density(name, (1, 7, 7), 2, n_channels=6, n_layers=1, first_kernel_size=3).double()
    seen = receptive_field(density, (4, 3))
    before = torch.zeros(7, 7, dtype=torch.bool)
    before.view(-1)[: 4 * 7 + 3] = True
    assert not (seen & ~before).any()
    if name == "diagonal-bilstm":
        # one pixel, (3, 6), is beyond: its features enter the row above, one step to the right of what is passed on
        assert int((before & ~seen).sum()) <= 1
    else:
        assert not seen[4, 0]  # along its own row it reaches by kernels only
        assert seen[0, 3]


@pytest.mark.parametrize("centre", [False, True])
def test_causal_convolution_is_a_masked_dense_one(centre):
    torch.manual_seed(0)
    conv = CausalConv2d(6, 12, above=2, side=2, n_groups=3, centre=centre, parts=2).double()
    x = torch.randn(2, 6, 5, 4, dtype=torch.float64)
    dense = torch.zeros(12, 6, 5, 5, dtype=torch.float64)
    dense[:, :, :3] = conv.weight.detach()
    into, out = [0, 0, 1, 1, 2, 2], [0, 0, 1, 1, 2, 2] * 2
    dense[:, :, 2, 3:] = 0
    for o in range(12):
        for i in range(6):
            if not (into[i] <= out[o] if centre else into[i] < out[o]):
                dense[o, i, 2, 2] = 0
    expected = F.conv2d(x, dense, conv.bias, padding=2)
    torch.testing.assert_close(conv(x), expected, rtol=0, atol=1e-12)


def test_channel_groups_are_in_order_and_even():
    assert channel_groups(7, 3).tolist() == [0, 0, 0, 1, 1, 2, 2]
    with pytest.raises(ConfigError, match="image channels"):
        channel_groups(2, 3)


@pytest.mark.parametrize("shape", [(1, 1), (1, 4), (5, 1), (3, 4)])
def test_unskew_inverts_skew_and_columns_are_diagonals(shape):
    x = torch.randn(2, *shape, 3)
    skewed = skew(x)
    assert torch.equal(unskew(skewed), x)
    for r in range(shape[0]):
        for s in range(skewed.shape[2]):
            expected = x[:, r, s - r] if 0 <= s - r < shape[1] else torch.zeros(2, 3)
            assert torch.equal(skewed[:, r, s], expected)


def test_cell_is_torchs_lstm_and_its_gradient_is_right():
    torch.manual_seed(0)
    gates, cell = torch.randn(3, 8, dtype=torch.float64), torch.randn(3, 2, dtype=torch.float64)
    reference = torch.nn.LSTMCell(8, 2, dtype=torch.float64)
    with torch.no_grad():  # torch's order of gates: i, f, g, o
        reference.weight_ih.copy_(torch.eye(8, dtype=torch.float64)[[4, 5, 2, 3, 6, 7, 0, 1]])
        for parameter in (reference.weight_hh, reference.bias_ih, reference.bias_hh):
            parameter.zero_()
    state, following = lstm_cell(gates, cell)
    expected = reference(gates, (torch.zeros(3, 2, dtype=torch.float64), cell))
    torch.testing.assert_close((state, following), expected, rtol=0, atol=1e-12)
    assert torch.autograd.gradcheck(lstm_cell, (gates.requires_grad_(), cell.requires_grad_()))


def test_logistic_mixture_is_that_of_the_distributions():
    density = build("pixelcnn++", (3, 2, 2), n_levels=256)
    x = torch.randint(256, (4, 3, 2, 2))
    outputs = density.head.outputs(density.features(x))
    weights, loc, log_scale, shifts = density.head.parameters_of(outputs)
    reference = DiscretizedLogisticMixture(
        # a pixel's components are shared by its channels
        weights.permute(0, 3, 1, 2)[:, :, None], loc.permute(0, 4, 3, 1, 2), log_scale.permute(0, 4, 3, 1, 2),
        shifts.permute(0, 4, 3, 1, 2), event_ndims=3, levels=256,
    )  # fmt: skip
    torch.testing.assert_close(
        density.log_prob(x), reference.log_prob(x.double() / 255), rtol=1e-10, atol=1e-8
    )


def test_codes_have_no_order():
    with pytest.raises(ConfigError, match="ordered"):
        PixelCNNPlusPlus((1, 2, 2), 4, ordered=False)


def test_distribution_over_the_unit_interval():
    density = build("gated-pixelcnn", (1, 2, 3), n_levels=3, n_context=2, n_map=4)
    vector, maps = torch.randn(5, 2, 2, dtype=torch.float64), torch.randn(5, 2, 4, 2, 3, dtype=torch.float64)
    p = AutoregressiveDistribution(density, vector, maps)
    x = p.sample((4,))
    assert x.shape == (4, 5, 2, 1, 2, 3)
    assert set(x.unique().tolist()) <= {0.0, 0.5, 1.0}
    found = p.log_prob(x)
    assert found.shape == (4, 5, 2)
    expected = density.log_prob((2 * x[3, 1]).long(), (vector[1], maps[1]))
    torch.testing.assert_close(found[3, 1], expected, rtol=0, atol=1e-11)
    assert p.expand((6, 5, 2)).log_prob(x[0]).shape == (6, 5, 2)
    assert bool(p.support.is_discrete)
