"""AIR against worlds whose evidence has a closed form, against sums by hand, and against torch's own sampling grids."""

from __future__ import annotations

import math

import pytest
import torch
from torch.nn import functional as F

from latentia.distributions import DiagonalGaussian, item_keys, per_item_noise
from latentia.latent.scenes.counts import (
    CountedImages,
    CountPrior,
    at_least,
    gaussian,
    kept_open,
    stop_log_weights,
)
from latentia.models import importance_log_prob
from latentia.models.scenes.air import AIR
from latentia.models.scenes.air_sampled import SampledAIR
from latentia.nn.spatial import bilinear, boxes, glimpse, paste

SMALL = {"n_slots": 3, "latent_dim": 4, "patch": 6, "width": 16}


def small(cls=AIR, channels=1, **options):
    torch.manual_seed(0)
    return cls((channels, 12, 12), **{**SMALL, **options}).double().eval()


def images(n=5, channels=1):
    return torch.rand(n, channels, 12, 12, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


# ------------------------------------------------------------------ windows


@pytest.mark.parametrize("seed", range(5))
def test_glimpse_and_paste_are_those_of_sampling_grids(seed):
    generator = torch.Generator().manual_seed(seed)
    x = torch.rand(3, 2, 11, 14, generator=generator, dtype=torch.float64)
    where = torch.cat(
        [0.2 + torch.rand(3, 2, generator=generator), 2 * torch.rand(3, 2, generator=generator) - 1], 1
    ).double()

    def matrix(scale, shift):
        theta = torch.zeros(3, 2, 3, dtype=torch.float64)
        theta[:, 0, 0], theta[:, 1, 1] = scale[:, 0], scale[:, 1]
        theta[:, 0, 2], theta[:, 1, 2] = shift[:, 0], shift[:, 1]
        return theta

    scale, shift = where[:, :2], where[:, 2:]
    theirs = F.grid_sample(
        x, F.affine_grid(matrix(scale, shift), [3, 2, 7, 7], align_corners=False), align_corners=False
    )
    torch.testing.assert_close(glimpse(x, where, 7), theirs, atol=1e-12, rtol=0)
    back = F.affine_grid(matrix(1 / scale, -shift / scale), [3, 2, 11, 14], align_corners=False)
    torch.testing.assert_close(
        paste(theirs, where, (11, 14)), F.grid_sample(theirs, back, align_corners=False), atol=1e-12, rtol=0
    )


def test_a_paste_of_a_glimpse_is_the_image_in_the_window():
    x = torch.rand(1, 1, 12, 12, dtype=torch.float64)
    where = torch.tensor([[0.5, 0.5, 1 / 6, -1 / 3]], dtype=torch.float64)  # whole pixels
    back = paste(glimpse(x, where, 6), where, (12, 12))
    rows, columns = slice(1, 7), slice(4, 10)
    torch.testing.assert_close(back[..., rows, columns], x[..., rows, columns], atol=1e-12, rtol=0)
    assert back.sum() == pytest.approx(float(x[..., rows, columns].sum()))
    torch.testing.assert_close(boxes(where)[0], torch.tensor([7 / 12, 4 / 12, 0.5, 0.5], dtype=torch.float64))


def test_weights_of_pixels_in_a_row_sum_to_one_inside():
    inside = bilinear(torch.linspace(-0.7, 0.7, 9, dtype=torch.float64), 5)
    torch.testing.assert_close(inside.sum(-1), torch.ones(9, dtype=torch.float64))


# ------------------------------------------------------------------ counts


def test_stopping_gives_a_distribution_over_counts():
    logits = torch.randn(20, 4, dtype=torch.float64)
    log_q = stop_log_weights(logits)
    torch.testing.assert_close(log_q.exp().sum(-1), torch.ones(20, dtype=torch.float64))
    p = logits.sigmoid()
    by_hand = torch.stack([1 - p[:, 0], p[:, 0] * (1 - p[:, 1]), p[:, :2].prod(1) * (1 - p[:, 2])], 1)
    torch.testing.assert_close(log_q.exp()[:, :3], by_hand)
    torch.testing.assert_close(at_least(log_q), p.cumprod(1))
    sure = torch.tensor([[1e3, 1e3, -1e3, 1e3]], dtype=torch.float64)
    torch.testing.assert_close(stop_log_weights(sure).exp()[0], torch.eye(5, dtype=torch.float64)[2])
    for e in (0.0, 0.3, 1.0):
        torch.testing.assert_close(kept_open(log_q, e).exp(), (1 - e) * log_q.exp() + e / 5)
    prior = CountPrior(3, 0.5)().exp()
    torch.testing.assert_close(prior[1:] / prior[:-1], torch.full((3,), 0.5))


def test_counted_images_are_a_mixture():
    generator = torch.Generator().manual_seed(0)
    log_w = torch.randn(2, 3, generator=generator).log_softmax(-1).double()
    canvases = torch.rand(2, 3, 1, 2, 2, generator=generator).double()
    p = CountedImages(log_w, canvases, torch.tensor(0.3, dtype=torch.float64))
    x = torch.rand(2, 1, 2, 2, generator=generator).double()
    normal = torch.distributions.Normal(canvases, 0.3).log_prob(x[:, None]).flatten(2).sum(-1)
    torch.testing.assert_close(p.log_prob(x), (log_w + normal).logsumexp(-1))
    torch.testing.assert_close(p.mean, (log_w.exp()[..., None, None, None] * canvases).sum(1))
    draws = p.sample((4000,))
    assert (draws.mean(0) - p.mean).abs().max() < 0.05


# ------------------------------------------------------------------ the bound


class Orthogonal(AIR):
    """x = sum_{i <= n} w_i z_i + s e with orthogonal w_i: q(z_i|x) and q(n|x) are exact."""

    sigma = 0.3

    def __init__(self):
        super().__init__((1, 4, 4), n_slots=3, latent_dim=1, patch=2, width=4, sizes=(0.2, 0.7))
        generator = torch.Generator().manual_seed(0)
        basis, _ = torch.linalg.qr(torch.randn(16, 3, generator=generator, dtype=torch.float64))
        self.weights = (basis * torch.tensor([1.5, 1.0, 0.7], dtype=torch.float64)).T.reshape(3, 1, 4, 4)
        self.double().eval()

    def log_evidence(self, x):
        """Log p(x, n), `[B, 4]`."""
        flat, weights = x.flatten(1), self.weights.flatten(1)
        terms = []
        for n in range(4):
            covariance = weights[:n].T @ weights[:n] + self.sigma**2 * torch.eye(16, dtype=torch.float64)
            p = torch.distributions.MultivariateNormal(torch.zeros(16, dtype=torch.float64), covariance)
            terms.append(p.log_prob(flat) + self.count_prior()[n])
        return torch.stack(terms, 1)

    def unroll(self, x, choose):
        from latentia.latent.scenes.objects import Unrolled

        strength = self.weights.flatten(1).square().sum(1)
        variance = 1 / (1 + strength / self.sigma**2)
        mean = x.flatten(1) @ self.weights.flatten(1).T * variance / self.sigma**2
        posterior = self.log_evidence(x).softmax(-1)
        there = posterior.flip(-1).cumsum(-1).flip(-1)
        logits = (there[:, 1:] / there[:, :-1]).clamp(1e-300, 1 - 1e-15).logit()
        z = []
        for i in range(3):
            loc = torch.zeros(len(x), 4, dtype=torch.float64)
            loc[:, 3] = mean[:, i]
            scale = torch.ones(len(x), 4, dtype=torch.float64)
            scale[:, 3] = variance[i].sqrt()
            z.append((choose(i, loc, scale), loc, scale))
        codes, loc, scale = (torch.stack(part, 1) for part in zip(*z, strict=True))
        layers = codes[:, :, 3, None, None, None] * self.weights
        return Unrolled(codes, loc, scale, logits, layers, torch.ones(len(x), 3, 4, dtype=torch.float64))


def test_in_a_world_with_exact_posteriors_the_bound_is_the_evidence_at_every_draw():
    model = Orthogonal()
    x = torch.randn(6, 1, 4, 4, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    truth = model.log_evidence(x).logsumexp(-1)
    trace = model.trace(x, n_samples=400)
    # in closed form the divergences have lost the noise that the likelihood has; at the draw itself the two cancel
    found = model.encode(x).at(trace.z)
    at_draw = 0.5 * (found.z.square() - ((found.z - found.loc) / found.scale).square()) - found.scale.log()
    there = at_least(trace.scene.count)
    excess = (there[..., None] * (found.rates - at_draw).unflatten(0, (400, 6))).sum((-1, -2))
    torch.testing.assert_close(trace.elbo + excess, truth.expand(400, -1), atol=1e-4, rtol=0)
    error = 4 * trace.elbo.std(0) / 20
    assert ((trace.elbo.mean(0) - truth).abs() < error).all()
    for n in (1, 7):
        torch.testing.assert_close(importance_log_prob(model, x, n), truth, atol=1e-4, rtol=0)


def test_the_trace_is_the_sum_over_counts_by_hand():
    model, x = small(), images()
    torch.manual_seed(3)
    trace = model.trace(x, n_samples=2)
    found = model.encode(x).at(trace.z)
    log_q = stop_log_weights(found.logits).unflatten(0, (2, 5))
    total = torch.zeros(2, 5, dtype=torch.float64)
    prior = CountPrior(3, 0.5)().double()
    for n in range(4):
        canvas = found.layers[:, :n].sum(1).unflatten(0, (2, 5))
        log_p = torch.distributions.Normal(canvas, 0.3).log_prob(x).flatten(2).sum(-1)
        q = DiagonalGaussian(found.loc[:, :n], found.scale[:, :n], 2)
        p = DiagonalGaussian(torch.zeros_like(q.mean), torch.ones_like(q.mean), 2)
        rate = torch.distributions.kl_divergence(q, p).unflatten(0, (2, 5)) if n else 0.0
        total += log_q[..., n].exp() * (log_p + prior[n] - log_q[..., n] - rate)
    torch.testing.assert_close(trace.elbo, total, atol=1e-4, rtol=0)
    assert trace.kl.shape == (2, 5, 3 * 7 + 1)


def test_with_one_object_without_a_code_two_terms_are_all():
    torch.manual_seed(0)
    model = AIR((1, 8, 8), n_slots=1, latent_dim=1, patch=4, width=8).double().eval()
    x = torch.rand(4, 1, 8, 8, dtype=torch.float64)
    trace = model.trace(x)
    found = model.encode(x).at(trace.z)
    p = found.logits[:, 0].sigmoid()
    prior = model.count_prior().exp()
    log_p0 = gaussian(x.square().flatten(1).sum(1), torch.tensor(0.3).double(), 64)
    log_p1 = gaussian((x - found.layers[:, 0]).square().flatten(1).sum(1), torch.tensor(0.3).double(), 64)
    rate = found.rates[:, 0].sum(-1)
    by_hand = (1 - p) * (log_p0 + (prior[0] / (1 - p)).log()) + p * (log_p1 + (prior[1] / p).log() - rate)
    torch.testing.assert_close(trace.elbo[0], by_hand, atol=1e-4, rtol=0)


def test_the_gradient_is_that_of_central_differences():
    # with residual input the canvas that inference sees is held fixed, and differences would see what the gradient does not
    torch.manual_seed(0)
    model = AIR((1, 6, 6), n_slots=2, latent_dim=2, patch=3, width=5, residual=False).double().train()
    model.advance(0.2)
    assert 0 < model.openness < 1
    x = torch.rand(3, 1, 6, 6, dtype=torch.float64)

    def bound():
        with per_item_noise(item_keys(x), 0):
            return model.trace(x).elbo.mean()

    bound().backward()
    for name, weight in model.named_parameters():
        place = int(weight.grad.abs().flatten().argmax())
        kept = weight.data.flatten()[place].item()
        ends = []
        for step in (1e-6, -1e-6):
            weight.data.flatten()[place] = kept + step
            ends.append(float(bound().detach()))
        weight.data.flatten()[place] = kept
        assert float(weight.grad.flatten()[place]) == pytest.approx(
            (ends[0] - ends[1]) / 2e-6, rel=1e-4, abs=1e-7
        ), name


def test_importance_weights_bound_from_above_and_do_not_depend_on_the_count_posterior():
    model, x = small(), images(8)
    estimate = model.log_prob(x, 400)
    bounds = model.trace(x, 400).elbo
    error = 3 * bounds.std(0) / math.sqrt(400)
    assert (estimate >= bounds.mean(0) - error).all()
    with torch.no_grad():
        model.head[-1].bias[0] += 5.0
    # the noise is a function of the images, and the codes' of nothing that moved
    torch.testing.assert_close(model.log_prob(x, 400), estimate)


def test_weights_with_the_count_summed_out_have_the_mean_of_those_without():
    model, x = small(), images(3)
    prior = model.prior()
    posterior = model.encode(x)
    with torch.no_grad(), per_item_noise(item_keys(x), 0):
        z = posterior.rsample((4000,))
    with torch.no_grad():
        summed = model.log_weights(z, x, posterior, prior)
        plain = model.conditional(z, x).log_prob(x) + prior.log_prob(z) - posterior.log_prob(z)
    assert summed.shape == plain.shape == (4000, 3)
    top = summed.max(0).values
    difference = (summed - top).exp() - (plain - top).exp()
    assert difference.abs().max() > 0
    assert (difference.mean(0).abs() < 4 * difference.std(0) / math.sqrt(4000)).all()


def test_a_draw_and_its_density_agree():
    model, x = small(), images()
    q = model.encode(x)
    z = q.rsample((3,))
    found = q.at(z)
    torch.testing.assert_close(found.z.unflatten(0, (3, 5)), z)
    own = DiagonalGaussian(found.loc, found.scale, 2).log_prob(found.z).unflatten(0, (3, 5))
    torch.testing.assert_close(q.log_prob(z), own)
    assert q.mean.shape == q.stddev.shape == (5, 3, 7)


@pytest.mark.parametrize("channels", [1, 3])
def test_the_scene_of_a_trace(channels):
    model = small(channels=channels)
    scene = model.trace(images(4, channels), 2).scene
    assert scene.background == 0
    torch.testing.assert_close(scene.masks.sum(2), torch.ones(2, 4, 12, 12, dtype=torch.float64))
    assert scene.parts.shape == (2, 4, 4, channels, 12, 12)
    assert (scene.presence[..., 0] == 1).all()
    torch.testing.assert_close(scene.presence[..., 1:], at_least(scene.count))
    assert (scene.where[..., 1:, :2] > 0).all()
    assert (scene.where[..., 1:, :2] < 1).all()


def test_the_count_is_open_in_training_alone():
    model, x = small(), images()
    model.advance(0.0)
    assert model.openness == 1.0
    closed = model.trace(x).scene.count.exp()
    model.train()
    torch.testing.assert_close(
        model.trace(x).scene.count.exp(), torch.full((1, 5, 4), 0.25, dtype=torch.float64)
    )
    model.advance(0.9)
    model.eval()
    torch.testing.assert_close(model.trace(x).scene.count.exp().sum(-1), closed.sum(-1))
    assert model.openness == 0.0


def test_an_optimal_sigma_is_calibrated():
    from latentia.latent.scenes.noise import PixelNoise

    model = small(noise=PixelNoise(0.3, optimal=True, warm=0.0))
    x = images(20)
    model.calibrate([x[:10], x[10:]])
    with torch.no_grad(), per_item_noise(item_keys(x), 0):
        found = model.encode(x).drawn(1)
    squares = (x[:, None] - found.canvases).square().flatten(2).mean(-1)
    wanted = (stop_log_weights(found.logits).exp() * squares).sum(-1).mean()
    assert float(model.likelihood.variance) == pytest.approx(float(wanted), rel=0.05)


# ------------------------------------------------------------------ the published estimators


def test_a_sampled_count_gives_the_exact_bound_in_expectation():
    model, x = small(SampledAIR, gradient="nvil"), images(1).repeat(2000, 1, 1, 1)
    model.train()
    torch.manual_seed(0)
    with torch.no_grad():
        trace = model.trace(x)
        exact = AIR._traced(model, x, trace.posterior, model.encode(x).at(trace.z), 1)
    difference = (trace.elbo - exact.elbo)[0]
    assert difference.abs().max() > 1
    assert abs(float(difference.mean())) < 4 * float(difference.std()) / math.sqrt(2000)


def test_the_score_gives_the_gradient_of_the_stops_in_expectation():
    model, x = small(SampledAIR, gradient="nvil", latent_dim=2), images(1).repeat(100, 1, 1, 1)
    model.train()
    model._centred = lambda signal: (
        signal
    )  # what it is divided by makes steps of one size, and the estimate biased
    weight = model.head[-1].bias
    torch.manual_seed(0)
    z = model.encode(x[:1]).rsample((1,)).detach().expand(1, 100, -1, -1)

    def gradient(trace):
        score = trace.auxiliary.get("score", torch.zeros(1, dtype=torch.float64)).mean()
        return torch.autograd.grad(score - trace.elbo.mean(), weight)[0][0]

    posterior = model.encode(x)
    exact = gradient(AIR._traced(model, x, posterior, posterior.at(z), 1))
    got = torch.stack([gradient(model._traced(x, posterior, posterior.at(z), 1)) for _ in range(40)])
    assert got.std() > 0
    assert abs(float(got.mean() - exact)) < 4 * float(got.std()) / math.sqrt(40)


def test_outside_training_all_forms_are_one():
    exact, nvil, relaxed = small(), small(SampledAIR), small(SampledAIR, gradient="relaxed")
    for other in (nvil, relaxed):
        other.load_state_dict(exact.state_dict(), strict=False)
        x = images()
        bounds = []
        for model in (exact, other):
            with per_item_noise(item_keys(x), 0):
                bounds.append(model.trace(x).elbo)
        torch.testing.assert_close(*bounds)
