"""Codes of what objects look like: one a sequence, counted once, averaged over the glimpses of the same object."""

from __future__ import annotations

import math

import pytest
import torch
from torch.distributions import Normal

from latentia.data import Balls
from latentia.draws import seeded
from latentia.latent.scenes.noise import PixelNoise
from latentia.latent.scenes.paths import PathPosterior
from latentia.models.scenes.stove_appearance import AppearanceFrames, AppearanceSTOVE
from latentia.nn.spatial import glimpse, grid
from video_models import check_bound, check_learning, check_rates, noise_videos, untrained

SHAPE, LOOK = (4, 3, 8, 8), 3


def built(shape=SHAPE, n_objects=2, **options):
    return untrained(AppearanceSTOVE, shape, n_objects, look=LOOK, **options)


def videos(n=3, shape=SHAPE):
    return noise_videos(n, shape)


def test_a_code_is_the_same_in_every_frame_and_is_counted_once():
    model, x = built(), videos()
    with torch.no_grad():
        trace = model.trace(x, 2)
        looks = trace.z[..., 5:]
        torch.testing.assert_close(looks, looks[:, :, :1].expand_as(looks))
        path = PathPosterior(model, *_seen(model, x))
        q = model.looks(x, trace.z[..., :5].flatten(0, 1))
        a = looks[:, :, 0].flatten(0, 1)
        own = Normal(q.loc, q.scale).log_prob(a).sum((-1, -2)).unflatten(0, (2, 3))
        torch.testing.assert_close(trace.posterior.log_prob(trace.z), path.log_prob(trace.z[..., :5]) + own)
        standard = Normal(0.0, 1.0).log_prob(a).sum((-1, -2)).unflatten(0, (2, 3))
        path_prior = model.prior().path.log_prob(trace.z[..., :5])
        torch.testing.assert_close(trace.prior.log_prob(trace.z), path_prior + standard)
    rates = trace.kl.unflatten(-1, (4, 2, 5 + LOOK))[..., 5:]
    assert (rates[:, :, 0] > 0).all()
    assert (rates[:, :, 1:] == 0).all()
    exact = torch.distributions.kl_divergence(Normal(q.loc, q.scale), Normal(0.0, 1.0)).unflatten(0, (2, 3))
    torch.testing.assert_close(rates[:, :, 0], exact)


def _seen(model, x):
    seen = model.see(x.flatten(0, 1))
    return (part.unflatten(0, x.shape[:2]) for part in (seen.loc, seen.scale))


def test_rates_are_the_mean_log_ratio_of_many_draws():
    check_rates(built(), videos(1))


def test_importance_weights_raise_the_bound():
    check_bound(built(noise=PixelNoise(0.5)), videos())


def test_a_code_is_of_the_mean_over_the_glimpses_of_the_same_object():
    model, x = built(), videos(2)
    with torch.no_grad():
        path = model.encode(x).mean[..., :5]
        found = model.looks(x, path).loc
        for b in range(2):
            for k in range(2):
                seen = torch.stack(
                    [glimpse(x[b, t][None], model.windows(path[b, t, k])[None], 4)[0] for t in range(4)]
                )
                features = model.glimpsed(seen.flatten(1)).relu().mean(0)
                torch.testing.assert_close(found[b, k], model.summed(features)[:LOOK])


def test_codes_move_with_their_objects():
    """A permutation of the objects of a path permutes their codes, and what is painted with a code depends on it."""
    model, x = built(), videos(2)
    with torch.no_grad():
        path = model.encode(x).mean
        turned = model.looks(x, path[:, :, [1, 0], :5]).loc
        torch.testing.assert_close(turned, path[:, 0, [1, 0], 5:])
        frame = model.paint(path[:, 0])
        other = path[:, 0].clone()
        other[..., 5:] += 1
        assert not torch.allclose(frame, model.paint(other))
        rolled = model.rolled(path[:, -1], 3, torch.randn(2, 3, 2, 5 + LOOK, dtype=torch.float64))
    torch.testing.assert_close(rolled[..., 5:], path[:, -1:, :, 5:].expand(-1, 3, -1, -1))


def test_of_one_frame_it_is_the_model_of_images():
    shape = (1, *SHAPE[1:])
    model, x = built(shape), videos(3, shape)
    with torch.no_grad():
        phase = AppearanceFrames(model).trace(x, 2)
        z = torch.cat([phase.z[..., :3], torch.zeros(2, 3, 1, 2, 2, dtype=x.dtype), phase.z[..., 3:]], -1)
        torch.testing.assert_close(model.decode(z).log_prob(x), phase.log_likelihood)
        q = model.looks(x, z[..., :5].flatten(0, 1))
        torch.testing.assert_close(phase.posterior.mean[..., 0, :, 3:].flatten(0, 1), q.loc)
        many = AppearanceFrames(model).trace(x[:1], 3000)
        ratio = many.posterior.log_prob(many.z) - many.prior.log_prob(many.z)
    closed = many.kl.sum(-1)
    error = float((closed - ratio).std()) / math.sqrt(3000)
    assert float((closed - ratio).mean()) == pytest.approx(0, abs=4 * error)


def test_frames_of_a_video_are_videos_of_one_frame():
    model, x = built(), videos(2)
    with torch.no_grad(), seeded(0, torch.device("cpu")):
        trace = AppearanceFrames(model).trace(x)
        single = [model.decode(trace.z[:, :, t : t + 1]).log_prob(x[:, t : t + 1]) for t in range(4)]
    torch.testing.assert_close(trace.log_likelihood, sum(single))


def test_what_is_seen_of_a_patch_is_in_the_middle_of_its_place():
    """However far from the middle of the patch a code puts what it paints: the centre of it on black is where the state says."""
    model = built((4, 1, 40, 40), 1)
    with torch.no_grad():
        model.ground.fill_(-20.0)
        model.opacity.fill_(-20.0)
        model.opacity[:, 2:4, 1:3] = 20.0  # the lower part of 4 x 4 pixels
        where = torch.tensor([[[0.0, 0.3, -0.2, *[0.0] * LOOK]], [[0.5, -0.1, 0.25, *[1.0] * LOOK]]]).double()
        frame = model.paint(where)[:, 0]
        x, y = grid(40, 40, frame)
        for i in range(2):
            centre = [float((frame[i] * axis).sum() / frame[i].sum()) for axis in (x, y)]
            assert centre == pytest.approx(where[i, 0, 1:3].tolist(), abs=0.01)


def test_every_part_learns_but_the_dynamics_which_rollouts_teach():
    check_learning(built(), videos())


@pytest.mark.slow
def test_balls_are_painted_in_their_colours():
    """Where one template for all can only paint a mixture of both."""
    videos = Balls("billiards", n=2, size=16, frames=36, colours=True).sample(60, seed=0)
    x = torch.from_numpy(videos.x).float().div(255).flatten(0, 1)
    with seeded(0, torch.device("cpu")):
        model = AppearanceSTOVE((12, *x.shape[1:]), 2)
        phase = AppearanceFrames(model)
        model.prepare(x.unflatten(0, (-1, 12)))
        adam = torch.optim.AdamW(phase.parameters(), 1e-3)
        for _ in range(1000):
            loss = -phase.trace(x[torch.randint(len(x) - 200, (96,))].unflatten(0, (8, 12))).elbo.mean()
            adam.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(phase.parameters(), 100.0)
            adam.step()
    with torch.no_grad():
        held = x[-200:]
        seen = model.see(held).loc[:, None]
        painted = model.paint(model.completed(held[:, None], seen)[:, 0])
    assert float((painted - held).square().mean()) < 0.2 * float(held.var())
    place = torch.from_numpy(videos.states).flatten(0, 1)[-200:, :, :2].mul(16).long().clamp(0, 15)
    for ball in range(2):
        own = [image[:, place[i, ball, 1], place[i, ball, 0]] for i, image in enumerate(held)]
        got = [image[:, place[i, ball, 1], place[i, ball, 0]] for i, image in enumerate(painted)]
        torch.testing.assert_close(
            torch.stack(got).median(0).values, torch.stack(own).median(0).values, atol=0.15, rtol=0
        )
