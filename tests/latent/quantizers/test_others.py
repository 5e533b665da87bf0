from __future__ import annotations

import math

import pytest
import torch

from latentia.errors import ConfigError
from latentia.latent.quantizers import (
    QUANTIZERS,
    CodeUsage,
    DistanceQuantizer,
    ExternalQuantizer,
    FiniteScalarQuantizer,
    GumbelQuantizer,
    code_counts,
    levels_for,
    perplexity,
)
from latentia.latent.quantizers.stochastic import FIRST_GAP


@pytest.mark.parametrize("levels", [(8, 5, 5, 5), (8, 6, 5), (4, 4, 4), (2,), (3, 2)])
def test_indices_and_levels_of_fsq_are_a_bijection(levels):
    quantizer = FiniteScalarQuantizer(7, levels).double()
    every = torch.arange(quantizer.n_codes)
    values = quantizer.values(every)
    assert len(values.unique(dim=0)) == quantizer.n_codes == math.prod(levels)
    assert values.abs().max() <= 1
    assert torch.equal(quantizer.indices(values * (quantizer.sizes // 2)), every)


@pytest.mark.parametrize("levels", [(8, 5, 5, 5), (4, 4), (2, 3)])
def test_fsq_reaches_each_level_and_no_other(levels):
    quantizer = FiniteScalarQuantizer(len(levels), levels).double()
    with torch.no_grad():
        quantizer.inward.weight.copy_(torch.eye(len(levels)))
        quantizer.inward.bias.zero_()
    z = torch.linspace(-50, 50, 4001, dtype=torch.float64)[:, None].expand(-1, len(levels))
    digits = quantizer.values(quantizer(z[None]).indices)[0]
    assert [len(column.unique()) for column in digits.T] == list(levels)
    assert (digits.diff(dim=0) >= 0).all()


def test_fsq_passes_the_gradient_of_the_squashed_number():
    quantizer = FiniteScalarQuantizer(2, (5, 5)).double()
    with torch.no_grad():
        quantizer.inward.weight.copy_(torch.eye(2))
        quantizer.inward.bias.zero_()
        quantizer.outward.weight.copy_(torch.eye(2))
        quantizer.outward.bias.zero_()
    z = torch.tensor([[[0.3, -0.8]]], dtype=torch.float64, requires_grad=True)
    quantizer(z).z_q.sum().backward()
    expected = (1 - z.detach().tanh() ** 2) * (2 * 1.001) / 2
    torch.testing.assert_close(z.grad, expected)


@pytest.mark.parametrize("n_codes", [2, 10, 64, 100, 512, 1024, 3000])
def test_levels_for_a_size_come_near_it(n_codes):
    assert 0.6 * n_codes <= math.prod(levels_for(n_codes)) <= 1.7 * n_codes


def test_wrong_levels_are_named():
    with pytest.raises(ConfigError, match="at least 2 levels"):
        FiniteScalarQuantizer(2, (1, 4))


def test_distance_posterior_is_the_softmax_of_distances():
    torch.manual_seed(0)
    quantizer = DistanceQuantizer(3, 5).double()
    quantizer.log_scale.data.fill_(0.3)
    z = torch.randn(4, 6, 3, dtype=torch.float64)
    distance = torch.cdist(z, quantizer.vectors[None].expand(4, -1, -1)).square()
    expected = torch.log_softmax(-distance / (2 * math.exp(0.6)), -1)
    torch.testing.assert_close(quantizer(z).log_q, expected)


@pytest.mark.parametrize("kind", [DistanceQuantizer, GumbelQuantizer])
def test_codes_are_drawn_from_q(kind):
    torch.manual_seed(0)
    quantizer = kind(2, 4).double().eval()
    z = torch.randn(1, 1, 2, dtype=torch.float64)
    codes = quantizer(z.expand(20_000, 1, 2))
    share = code_counts(codes.indices, 4).double() / 20_000
    q = codes.log_q[0, 0].exp()
    assert ((share - q).abs() < 4 * (q * (1 - q) / 20_000).sqrt() + 1e-9).all()
    assert torch.equal(codes.z_q, quantizer.lookup(codes.indices))


def test_gumbel_relaxation_cools_and_mixes_codes():
    torch.manual_seed(0)
    quantizer = GumbelQuantizer(2, 4)
    assert quantizer.temperature == 1
    z = torch.randn(50, 3, 2)

    def mixing():
        codes = quantizer(z)
        return (codes.z_q - quantizer.lookup(codes.indices)).norm(dim=-1).mean()

    warm = mixing()
    quantizer.advance(1.0)
    assert quantizer.temperature == pytest.approx(1 / 16)
    assert mixing() < 0.5 * warm


@pytest.mark.parametrize("kind", [DistanceQuantizer, GumbelQuantizer])
def test_drawing_quantizers_pass_gradients_to_all(kind):
    torch.manual_seed(0)
    quantizer = kind(2, 4)
    z = torch.randn(50, 3, 2, requires_grad=True)
    quantizer(z).z_q.square().sum().backward()
    assert z.grad.abs().sum() > 0
    assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in quantizer.parameters())


@pytest.mark.parametrize("dim", [2, 64])
def test_prepare_starts_the_posterior_neither_flat_nor_sharp_in_any_dimension(dim):
    torch.manual_seed(0)
    quantizer = DistanceQuantizer(dim, 8)
    z = 30 + 5 * torch.randn(500, dim)
    quantizer.prepare(z)
    best = quantizer(z[None]).log_q.topk(2).values[0]
    assert (best[:, 0] - best[:, 1]).mean().item() == pytest.approx(FIRST_GAP, rel=0.01)


@pytest.mark.parametrize("z", [torch.ones(64, 2, 3), torch.randn(1, 1, 3), torch.empty(0, 2, 3)])
@pytest.mark.parametrize("name", QUANTIZERS)
def test_every_quantizer_is_healthy(name, z):
    torch.manual_seed(0)
    quantizer = QUANTIZERS[name](3, 16)
    quantizer.prepare(z.flatten(0, 1))
    z = z.clone().requires_grad_()
    for progress in (0.0, 0.5, 1.0):
        quantizer.advance(progress)
        codes = quantizer(z)
        assert codes.indices.shape == z.shape[:2]
        assert codes.z_q.shape == z.shape
        loss = codes.z_q.sum() + sum(each.sum() for each in codes.losses.values())
        if loss.requires_grad:
            loss.backward()
            assert all(
                torch.isfinite(p.grad).all() for p in (*quantizer.parameters(), z) if p.grad is not None
            )
    assert all(torch.isfinite(value).all() for value in quantizer.state_dict().values())
    quantizer.eval()
    codes = quantizer(z)
    torch.testing.assert_close(quantizer.lookup(codes.indices), codes.z_q)


def test_perplexity_of_a_whole_set_is_not_the_mean_over_batches():
    first, second = code_counts(torch.tensor([0, 0]), 3), code_counts(torch.tensor([1, 1]), 3)
    assert (perplexity(first) + perplexity(second)) / 2 == 1
    usage = CodeUsage(first + second)
    assert (usage.perplexity, usage.used, usage.dead) == (2.0, 2, 1)


@pytest.mark.parametrize(
    ("kind", "options", "n_codes"),
    [
        ("VectorQuantize", {"codebook_size": 16}, 16),
        ("FSQ", {"levels": [4, 3]}, 12),
        ("LFQ", {"codebook_size": 16}, 16),
        ("SimVQ", {"codebook_size": 16}, 16),
        ("ResidualVQ", {"codebook_size": 8, "num_quantizers": 2}, 64),
        ("ResidualFSQ", {"levels": [4, 4], "num_quantizers": 2}, 256),
        ("GroupedResidualVQ", {"codebook_size": 4, "num_quantizers": 2, "groups": 2}, 256),
    ],
)
def test_adapter(kind, options, n_codes):
    pytest.importorskip("vector_quantize_pytorch", reason="needs the extra [vq]")
    torch.manual_seed(0)
    quantizer = ExternalQuantizer(8, kind, **options)
    assert quantizer.n_codes == n_codes
    z = torch.randn(4, 6, 8, requires_grad=True)
    codes = quantizer(z)
    assert codes.indices.shape == (4, 6)
    assert codes.indices.min() >= 0
    assert codes.indices.max() < n_codes
    (codes.z_q.sum() + codes.losses["external"].sum()).backward()
    assert torch.isfinite(z.grad).all()
    assert codes.losses["external"].shape == (4,)
    quantizer.eval()
    codes = quantizer(z)
    torch.testing.assert_close(quantizer.lookup(codes.indices), codes.z_q, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize(
    ("kind", "options", "word"),
    [
        ("Vector", {}, "'Vector'"),
        ("FSQ", {"level": 3}, "level"),
        ("ResidualFSQ", {"levels": 3}, "ResidualFSQ"),
    ],
)
def test_adapter_names_what_is_wrong(kind, options, word):
    pytest.importorskip("vector_quantize_pytorch", reason="needs the extra [vq]")
    with pytest.raises((ConfigError, TypeError), match=word):
        ExternalQuantizer(8, kind, **options)
