from __future__ import annotations

import pytest
import torch

from latentia.latent.gradients import rotation, soft_to_hard, straight_through, subgradient


def vectors(n=200, dim=5, seed=0):
    generator = torch.Generator().manual_seed(seed)
    z = torch.randn(n, dim, generator=generator, dtype=torch.float64).requires_grad_()
    e = 2 * torch.randn(n, dim, generator=generator, dtype=torch.float64)
    g = torch.randn(n, dim, generator=generator, dtype=torch.float64)
    return z, e, g


def angle(a, b):
    return torch.acos(torch.cosine_similarity(a, b, dim=-1).clamp(-1, 1))


def gradient_of(estimator, z, e, g):
    out = estimator(z, e)
    assert torch.equal(out, e)  # the value is that of the code, exactly
    return torch.autograd.grad(out, z, g)[0]


def test_straight_through_hands_the_gradient_on():
    z, e, g = vectors()
    assert torch.equal(gradient_of(straight_through, z, e, g), g)


def test_subgradient_hands_nothing_on():
    z, e, _ = vectors()
    assert not subgradient(z, e).requires_grad


def test_rotation_is_the_rotation_of_the_paper():
    z, e, g = vectors()
    gradient = gradient_of(rotation, z, e, g)
    # brute force: the matrix of each row
    for row in range(20):
        u, q = (v / v.norm() for v in (z[row].detach(), e[row]))
        r = (u + q) / (u + q).norm()
        matrix = torch.eye(5, dtype=torch.float64) - 2 * torch.outer(r, r) + 2 * torch.outer(q, u)
        scale = e[row].norm() / z[row].norm()
        torch.testing.assert_close(scale * matrix @ z[row], e[row])
        torch.testing.assert_close(gradient[row], scale * matrix.T @ g[row])


def test_rotation_keeps_the_angle_and_scales_the_length():
    z, e, g = vectors()
    gradient = gradient_of(rotation, z, e, g)
    scale = e.norm(dim=1) / z.detach().norm(dim=1)
    torch.testing.assert_close(gradient.norm(dim=1), scale * g.norm(dim=1))
    torch.testing.assert_close(angle(gradient, z.detach()), angle(g, e))


@pytest.mark.parametrize(
    ("z", "e"),
    [
        ([1.0, 2.0], [-2.0, -4.0]),
        ([0.0, 0.0], [1.0, 1.0]),
        ([1.0, 1.0], [0.0, 0.0]),
        ([1e-30, 0.0], [0.0, 1e8]),
    ],
    ids=["opposite", "zero vector", "zero code", "tiny vector"],
)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_rotation_is_straight_through_where_there_is_no_rotation(z, e, dtype):
    z = torch.tensor([z], dtype=dtype, requires_grad=True)
    e, g = torch.tensor([e], dtype=dtype), torch.tensor([[0.3, -0.7]], dtype=dtype)
    torch.testing.assert_close(gradient_of(rotation, z, e, g), g)


def test_soft_to_hard_is_the_softmax_of_distances():
    z, _, _ = vectors(7)
    codebook = torch.randn(4, 5, dtype=torch.float64)
    distance = torch.cdist(z, codebook).square()
    unit = distance.amin(1).mean().detach()
    torch.testing.assert_close(
        soft_to_hard(z, codebook, 0.7), torch.softmax(-distance / (0.7 * unit), 1) @ codebook
    )
    assert torch.autograd.grad(soft_to_hard(z, codebook, 0.7).sum(), z)[0].abs().sum() > 0


def test_soft_to_hard_becomes_the_nearest_code():
    z, _, _ = vectors(50)
    codebook = torch.randn(4, 5, dtype=torch.float64)
    hard = codebook[torch.cdist(z, codebook).argmin(1)]
    torch.testing.assert_close(soft_to_hard(z, codebook, 1e-8), hard)


def test_soft_to_hard_of_vectors_on_their_codes_is_finite():
    codebook = torch.randn(4, 5)
    assert torch.isfinite(soft_to_hard(codebook, codebook, 0.01)).all()
