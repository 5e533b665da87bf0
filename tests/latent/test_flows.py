"""Every layer: invertible, its log-determinant that of the Jacobian; every flow: a density that integrates to one."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from latentia.latent import POSTERIORS, PRIORS, FlowPosterior, PlanarPosterior
from latentia.latent.flows import PlanarTransform, autoregressive, coupling, inverse_autoregressive, spline

D, CONTEXT = 5, 3


def shaken(module, scale=0.4):
    """Random parameters: before training layers are the identity, and would prove nothing."""
    generator = torch.Generator().manual_seed(0)
    for parameter in module.parameters():
        noise = torch.randn(parameter.shape, generator=generator)
        parameter.data += (
            scale * noise / max(1, parameter.shape[-1]) ** 0.5 if parameter.ndim > 1 else scale * noise
        )
    return module.double()


def planar(dims=D, seed=0, size=2.0):
    generator = torch.Generator().manual_seed(seed)
    u, w = (size * torch.randn(dims, generator=generator, dtype=torch.float64) for _ in range(2))
    return PlanarTransform(u, w, torch.randn((), generator=generator, dtype=torch.float64))


def layers():
    context = torch.randn(CONTEXT, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    for seed in range(3):
        yield f"planar-{seed}", planar(seed=seed)
    for i, layer in enumerate(shaken(inverse_autoregressive(D, CONTEXT)).transforms):
        yield f"iaf-{i}", layer(context)
    for i, layer in enumerate(shaken(coupling(D, CONTEXT)).transforms):
        yield f"conditional-coupling-{i}", layer(context)
    for name, build in (("coupling", coupling), ("autoregressive", autoregressive), ("spline", spline)):
        for i, layer in enumerate(shaken(build(D)).transforms):
            yield f"{name}-{i}", layer()


LAYERS = dict(layers())


@pytest.mark.parametrize("name", LAYERS)
def test_a_layer_can_be_undone_and_knows_its_volume(name):
    layer = LAYERS[name]
    z = 1.5 * torch.randn(20, D, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    y, log_det = layer.call_and_ladj(z)
    assert (y - z).abs().max() > 0.1
    assert (layer.inv(y) - z).abs().max() < 1e-5
    back, inverse_log_det = layer.inv.call_and_ladj(y)
    torch.testing.assert_close(inverse_log_det, -log_det)
    jacobian = torch.stack([torch.autograd.functional.jacobian(layer, row) for row in z])
    torch.testing.assert_close(log_det, torch.linalg.slogdet(jacobian).logabsdet, rtol=0, atol=1e-8)
    # The gradient through the inverse is that of the inverse.
    inverse_jacobian = torch.stack([torch.autograd.functional.jacobian(layer.inv, row) for row in y])
    torch.testing.assert_close(
        inverse_jacobian @ jacobian, torch.eye(D).double().expand(20, D, D), rtol=0, atol=1e-6
    )


@pytest.mark.parametrize("size", [1e-3, 1.0, 30.0])
def test_planar_layers_are_invertible_whatever_their_parameters(size):
    for seed in range(20):
        layer = planar(seed=seed, size=size)
        z = torch.randn(50, D, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
        y, log_det = layer.call_and_ladj(z)
        assert bool(torch.isfinite(log_det).all())
        assert (layer.inv(y) - z).abs().max() < 1e-5


def test_a_planar_layer_by_hand():
    # w^T u = 0.3 > -1 would be allowed as it is; m(0.3) = log(1 + e^0.3 (e - 1)) - 1
    layer = PlanarTransform(torch.tensor([0.3, 2.0]), torch.tensor([1.0, 0.0]), torch.tensor(0.0))
    slope = torch.log(1 + torch.exp(torch.tensor(0.3)) * (torch.e - 1)) - 1
    torch.testing.assert_close(layer.u, torch.stack([slope, torch.tensor(2.0)]))
    y, log_det = layer.call_and_ladj(torch.tensor([0.0, 1.0]))
    torch.testing.assert_close(y, torch.tensor([0.0, 1.0]))
    torch.testing.assert_close(log_det, torch.log1p(slope))


@pytest.mark.parametrize("latent_dim", [1, 2, 3, 7])
@pytest.mark.parametrize(
    "name", ["planar", "iaf", "coupling", "coupling-flow", "autoregressive-flow", "spline-flow"]
)
def test_any_number_of_dimensions(name, latent_dim):
    torch.manual_seed(0)
    if name in POSTERIORS:
        q = shaken(POSTERIORS[name](4, latent_dim))(torch.randn(6, 4, dtype=torch.float64))
        z = q.rsample((2,))
        assert z.shape == (2, 6, latent_dim)
        assert q.mean.shape == (6, latent_dim)
    else:
        q = shaken(PRIORS[name](latent_dim))()
        z = q.sample((2, 6))
    torch.testing.assert_close(q.log_prob(z), q.log_prob(z.clone()), rtol=1e-6, atol=1e-6)


def grid(limit, n):
    axis = torch.linspace(-limit, limit, n, dtype=torch.float64)
    return torch.cartesian_prod(axis, axis), float((axis[1] - axis[0]) ** 2)


@pytest.mark.parametrize("name", ["planar", "iaf", "coupling", "full-covariance"])
def test_posteriors_integrate_to_one(name):
    torch.manual_seed(0)
    posterior = shaken(POSTERIORS[name](4, 2), 0.3)
    points, area = grid(9.0, 121)
    with torch.no_grad():
        q = posterior(torch.randn(1, 4, dtype=torch.float64))
        mass = float(q.log_prob(points[:, None]).exp().sum()) * area
    assert mass == pytest.approx(1, abs=1e-2)


@pytest.mark.parametrize("name", ["coupling-flow", "autoregressive-flow", "spline-flow", "mixture"])
def test_priors_integrate_to_one_and_are_what_they_draw(name):
    torch.manual_seed(0)
    prior = shaken(PRIORS[name](2), 0.3)
    points, area = grid(9.0, 121)
    with torch.no_grad():
        p = prior()
        density = p.log_prob(points).exp() * area
        draws = p.sample((20_000,))
    assert density.sum().item() == pytest.approx(1, abs=1e-2)
    mean = (density[:, None] * points).sum(0)
    second = (density[:, None] * (points - mean).square()).sum(0)
    torch.testing.assert_close(draws.mean(0), mean, rtol=0, atol=0.05)
    torch.testing.assert_close(draws.var(0), second, rtol=0.06, atol=0)


@pytest.mark.parametrize("name", ["planar", "coupling", "full-covariance"])
def test_a_flow_starts_as_the_plain_posterior(name):
    torch.manual_seed(0)
    posterior = POSTERIORS[name](4, 3)
    h = torch.randn(5, 4)
    q = posterior(h)
    plain = posterior.base(h) if isinstance(posterior, FlowPosterior) else None
    mean = q.loc if plain is None else plain.mean
    torch.testing.assert_close(q.mean, mean, rtol=0, atol=1e-5)


def energy(z):
    """Minus a log-density up to a constant: a ring of radius 2 cut into two bananas (Rezende & Mohamed 2015, table 1)."""
    radius = z.norm(dim=-1)
    lobes = torch.logaddexp(-0.5 * ((z[..., 0] - 2) / 0.6) ** 2, -0.5 * ((z[..., 0] + 2) / 0.6) ** 2)
    return 0.5 * ((radius - 2) / 0.4) ** 2 - lobes


def fitted(posterior, steps):
    """E_q[log q + energy] after training, in nats, q the posterior at one fixed feature."""
    h = torch.ones(1, 1)
    optimizer = torch.optim.Adam(posterior.parameters(), 1e-2)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for step in range(steps):
        q = posterior(h)
        z = q.rsample((64,))
        heat = min(1.0, 0.1 + step / (0.5 * steps))  # annealed as in the paper, section 6.1
        optimizer.zero_grad()
        (q.log_prob(z) + heat * energy(z)).mean().backward()
        optimizer.step()
        schedule.step()
    with torch.no_grad():
        z = posterior(h).rsample((20_000,))
        return float((posterior(h).log_prob(z) + energy(z)).mean())


def test_planar_flows_fit_a_bent_target_better_than_a_gaussian():
    torch.manual_seed(0)
    gaussian = fitted(POSTERIORS["full-covariance"](1, 2), 400)
    torch.manual_seed(0)
    flow = fitted(PlanarPosterior(1, 2, n_layers=8), 600)
    points, area = grid(6.0, 300)
    best = -float(torch.logsumexp(-energy(points), 0)) - torch.log(torch.tensor(area)).item()
    assert flow < gaussian - 0.3
    assert flow > best - 0.02  # no bound is below the truth


def test_gradients_reach_every_parameter_of_every_flow():
    torch.manual_seed(0)
    for name in ("planar", "iaf", "coupling", "full-covariance", "constant-variance"):
        posterior = shaken(POSTERIORS[name](4, 3))
        q = posterior(torch.randn(8, 4, dtype=torch.float64))
        z = q.rsample((2,))
        (q.log_prob(z) + z.square().sum(-1)).sum().backward()
        assert [
            n for n, p in posterior.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0
        ] == []
    for name in ("coupling-flow", "autoregressive-flow", "spline-flow", "mixture"):
        prior: nn.Module = shaken(PRIORS[name](3))
        prior().log_prob(torch.randn(8, 3, dtype=torch.float64)).sum().backward()
        assert [n for n, p in prior.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0] == []
