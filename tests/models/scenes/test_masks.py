"""Models whose masks divide an image: forms of the likelihood, masks that sum to 1, and what a permutation must leave alone."""

from __future__ import annotations

import math

import pytest
import torch
from torch.distributions import Categorical, Normal, kl_divergence

from latentia.core import Trace
from latentia.distributions import DiagonalGaussian
from latentia.draws import seeded
from latentia.latent.scenes.mixtures import (
    PixelMixture,
    mask_boxes,
    mask_divergence,
    pixel_log_density,
    stick_breaking,
)
from latentia.latent.scenes.noise import PixelNoise
from latentia.latent.scenes.ordered import OrderedPrior, ordered_divergence
from latentia.models import importance_estimate
from latentia.models.scenes.genesis import GenesisV2
from latentia.models.scenes.monet import MONet
from latentia.models.scenes.slot_attention import SlotAutoencoder
from latentia.nn.slots import SlotAttention
from latentia.objectives import ObjectiveSetting
from latentia.objectives.scenes import monet

SHAPE = (3, 8, 8)
MODELS = [MONet, GenesisV2, SlotAutoencoder]
of_every_model = pytest.mark.parametrize("build", MODELS)


def built(build, n_slots=3, **options):
    with seeded(1, torch.device("cpu")):
        return build(SHAPE, n_slots=n_slots, latent_dim=4, **options).double().eval()


def images(n=4):
    return torch.rand(n, *SHAPE, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def random_masks(*shape):
    return torch.randn(*shape, dtype=torch.float64).log_softmax(-3)


def test_stick_breaking_masks_sum_to_one_however_far_out():
    masks = stick_breaking(200 * torch.randn(2, 4, 5, 5, dtype=torch.float64)).exp()
    torch.testing.assert_close(masks.sum(1), torch.ones(2, 5, 5, dtype=torch.float64))


def test_the_mixture_is_summed_over_slots_pixel_by_pixel_and_not_channel_by_channel():
    masks, parts, x = (
        random_masks(3, 4, 4),
        torch.rand(3, 2, 4, 4, dtype=torch.float64),
        torch.rand(2, 4, 4, dtype=torch.float64),
    )
    found = PixelMixture(masks[:, None], parts, torch.tensor(0.2, dtype=torch.float64)).log_prob(x)
    by_hand = sum(
        math.log(
            sum(
                masks[k, i, j].exp() * Normal(parts[k, :, i, j], 0.2).log_prob(x[:, i, j]).sum().exp()
                for k in range(3)
            )
        )
        for i in range(4)
        for j in range(4)
    )
    assert float(found) == pytest.approx(by_hand, rel=1e-10)


def test_the_variational_form_is_never_above_the_decoded_one_and_equal_at_its_best_masks():
    for seed in range(5):
        torch.manual_seed(seed)
        decoded, own = random_masks(4, 6, 6), random_masks(4, 6, 6)
        parts, x = torch.rand(4, 3, 6, 6, dtype=torch.float64), torch.rand(3, 6, 6, dtype=torch.float64)
        scale = torch.tensor(0.1 + 0.1 * seed, dtype=torch.float64)
        log_n = pixel_log_density(x, parts, scale)
        p = PixelMixture(decoded[:, None], parts, scale)

        def variational(log_masks, log_n=log_n, decoded=decoded):
            return (log_masks.exp() * log_n).sum() - mask_divergence(log_masks, decoded)

        assert variational(own) < p.log_prob(x)
        best = p.responsibilities(x).log()
        assert float(variational(best)) == pytest.approx(float(p.log_prob(x)), abs=1e-5)


def test_the_divergence_of_masks_is_that_of_categorical_distributions():
    a, b = random_masks(2, 3, 4, 4), random_masks(2, 3, 4, 4)
    expected = kl_divergence(Categorical(logits=a.movedim(1, -1)), Categorical(logits=b.movedim(1, -1))).sum(
        (-1, -2)
    )
    torch.testing.assert_close(mask_divergence(a, b), expected)


def test_the_papers_form_with_sure_masks_is_a_sum_of_masked_gaussians():
    model = built(MONet)
    x = images(2)
    attended = model.attend(x)
    owner = torch.randint(0, 3, (2, 8, 8))
    sure = torch.nn.functional.one_hot(owner, 3).movedim(-1, 1).double()
    attended = type(attended)(attended.posterior, sure.log())
    likelihood = model.decode(attended.posterior.mean[None])
    attention = -model.losses(x, attended, likelihood)["attention"]
    own = pixel_log_density(x, likelihood.parts, likelihood.scale)[0]
    expected = own.gather(1, owner[:, None]).sum((1, 2, 3))
    torch.testing.assert_close(attention, expected)


def test_epochs_of_an_objective_that_is_no_bound_are_judged_by_the_bound():
    """Form A and the divergence of masks are losses of the model's own: without them the least rate would win, of the first epoch."""
    objective = monet(ObjectiveSetting(10, 4, SHAPE, 10))
    with torch.no_grad():
        trace = built(MONet).trace(images())
    assert float(objective.validation_loss(trace)) == pytest.approx(-float(trace.elbo.mean()))
    parts = objective(trace).parts
    total = parts["attention"] + 0.5 * parts["kl"] + 0.5 * parts["mask_kl"]
    assert float(objective(trace).total) == pytest.approx(float(total))


@of_every_model
def test_masks_sum_to_one_and_the_bound_is_its_parts(build):
    trace = built(build).trace(images(), 2)
    assert isinstance(trace, Trace)
    assert trace.scene is not None
    torch.testing.assert_close(trace.scene.masks.sum(2), torch.ones(2, 4, 8, 8, dtype=torch.float64))
    torch.testing.assert_close(trace.elbo, trace.likelihood.log_prob(trace.x) - trace.kl.sum(-1))
    assert trace.z.shape == (2, 4, 3, 4)


@pytest.mark.parametrize("build", [MONet, GenesisV2])
def test_with_one_slot_it_is_a_vae(build):
    model, x = built(build, n_slots=1), images()
    trace = model.trace(x)
    parts = model.decoder(trace.z[0, :, 0])[:, :3].sigmoid()
    expected = Normal(parts, model.likelihood()).log_prob(x).sum((1, 2, 3))
    q = trace.posterior.base
    rate = kl_divergence(q, Normal(torch.zeros_like(q.mean), 1.0)).sum((-1, -2))
    torch.testing.assert_close(trace.elbo[0], expected - rate, rtol=1e-4, atol=1e-4)


@of_every_model
def test_the_order_of_slots_does_not_change_the_likelihood(build):
    model, x = built(build), images()
    z = model.encode(x).mean
    turned = z[:, torch.tensor([2, 0, 1])]
    torch.testing.assert_close(model.decode(z).log_prob(x), model.decode(turned).log_prob(x))


def test_slot_attention_turns_its_slots_as_their_starts_are_turned():
    torch.manual_seed(0)
    attention = SlotAttention(6, 4).double()
    places, starts = torch.randn(2, 9, 6, dtype=torch.float64), torch.randn(2, 3, 4, dtype=torch.float64)
    turn = torch.tensor([1, 2, 0])
    slots, shares = attention(places, starts)
    turned, turned_shares = attention(places, starts[:, turn])
    torch.testing.assert_close(turned, slots[:, turn])
    torch.testing.assert_close(turned_shares, shares[:, turn])
    torch.testing.assert_close(shares.sum(1), torch.ones(2, 9, dtype=torch.float64))


@of_every_model
def test_what_an_encoder_draws_is_a_function_of_the_image_alone(build):
    model, x = built(build), images()
    together, alone = model.encode(x).mean, torch.cat([model.encode(image[None]).mean for image in x])
    torch.testing.assert_close(together, alone)
    torch.testing.assert_close(model.encode(x.flip(0)).mean.flip(0), together)


def test_gradients_reach_mean_and_deviation():
    model = built(MONet)
    trace = model.trace(images(2))
    trace.log_likelihood.sum().backward()
    weight = model.moments.weight.grad
    assert (weight[:4].abs().sum() > 0).all()
    assert (
        weight[4:].abs().sum() > 0
    ).all()  # a deviation drawn without a gradient would see none from the reconstruction


def test_the_rate_against_an_ordered_prior_is_that_of_many_draws():
    torch.manual_seed(0)
    prior = OrderedPrior(3, 2, width=8).double()
    q = DiagonalGaussian(
        torch.randn(1, 3, 2, dtype=torch.float64), 0.5 + torch.rand(1, 3, 2, dtype=torch.float64), 2
    )
    z = q.rsample(torch.Size([20_000]))
    with torch.no_grad():
        closed = ordered_divergence(q, prior(), z).sum(-1)[:, 0]
        drawn = (q.log_prob(z) - prior().log_prob(z))[:, 0]
    error = float((closed - drawn).std() / math.sqrt(len(z)))
    assert float((closed - drawn).mean()) == pytest.approx(0, abs=4 * error)
    assert closed.std() < drawn.std()


@pytest.mark.parametrize("build", [MONet, GenesisV2])
def test_importance_weights_raise_the_bound(build):
    model, x = built(build, noise=PixelNoise(0.5)), images()
    with torch.no_grad():
        bound = model.trace(x, 200).elbo
    found = importance_estimate(model, x, 200)
    error = (1 / found.effective_samples - 1 / 200).sqrt() + bound.std(0) / math.sqrt(200)
    assert (found.log_prob >= bound.mean(0) - 3 * error).all()
    assert (
        found.log_prob <= bound.mean(0) + 1
    ).all()  # an untrained encoder is close to an untrained decoder's posterior


def test_a_box_is_that_of_an_even_mask():
    mask = torch.zeros(1, 12, 20)
    mask[0, 3:7, 10:16] = 1
    torch.testing.assert_close(mask_boxes(mask)[0], torch.tensor([13 / 20, 5 / 12, 6 / 20, 4 / 12]))
