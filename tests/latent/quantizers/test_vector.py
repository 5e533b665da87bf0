from __future__ import annotations

import copy

import numpy as np
import pytest
import torch

from latentia.errors import ConfigError
from latentia.latent.quantizers import VectorQuantizer
from latentia.latent.quantizers.codebook import k_means, nearest

KINDS = [{}, {"ema": True}, {"cosine": True}, {"ema": True, "cosine": True}]


def batch(n=6, positions=7, dim=3, seed=0, dtype=torch.float64):
    return torch.randn(n, positions, dim, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def build(dim=3, n_codes=5, seed=0, dtype=torch.float64, **options):
    torch.manual_seed(seed)
    return VectorQuantizer(dim, n_codes, **options).to(dtype)


def test_nearest_code_is_that_of_numpy():
    z, codebook = batch(300, 10, 4).flatten(0, 1) + 100.0, torch.randn(37, 4, dtype=torch.float64) + 100.0
    expected = ((z.numpy()[:, None] - codebook.numpy()[None]) ** 2).sum(-1).argmin(1)
    np.testing.assert_array_equal(nearest(z, codebook), expected)


def test_nearest_code_in_single_precision_far_from_the_origin():
    codebook = 1000 + torch.arange(8.0)[:, None]
    z = codebook + torch.tensor(0.3)
    assert torch.equal(nearest(z, codebook), torch.arange(8))


@pytest.mark.parametrize("options", KINDS)
def test_codes_losses_and_lookup(options):
    quantizer = build(**options)
    z = batch()
    vectors = quantizer.vectors.detach().clone()
    codes = quantizer(z)
    used = torch.nn.functional.normalize(z, dim=-1) if options.get("cosine") else z
    distance = torch.cdist(used.flatten(0, 1), vectors).square()
    assert torch.equal(codes.indices.flatten(), distance.argmin(1))
    torch.testing.assert_close(codes.z_q, vectors[codes.indices])
    smallest = distance.amin(1).view(6, 7).sum(1)
    torch.testing.assert_close(codes.losses["commitment"], smallest)
    assert ("codebook" in codes.losses) is not options.get("ema", False)
    quantizer.eval()
    assert torch.equal(quantizer.lookup(quantizer(z).indices), quantizer(z).z_q)


def test_gradients_of_the_losses_are_the_subgradient_of_the_distortion():
    quantizer = build(estimator="subgradient")
    z = batch().requires_grad_()
    codes = quantizer(z)
    (codes.losses["codebook"].sum() + codes.losses["commitment"].sum()).backward()
    z_2 = z.detach().clone().requires_grad_()
    vectors = quantizer.vectors.detach().clone().requires_grad_()
    torch.cdist(z_2.flatten(0, 1), vectors).square().amin(1).sum().backward()
    torch.testing.assert_close(z.grad, z_2.grad)
    torch.testing.assert_close(quantizer.codebook.vectors.grad, vectors.grad)


@pytest.mark.parametrize("estimator", ["straight-through", "rotation", "soft-to-hard", "subgradient"])
def test_decoders_gradient_reaches_the_encoder_but_for_the_subgradient(estimator):
    quantizer = build(estimator=estimator)
    z = batch().requires_grad_()
    codes = quantizer(z)
    out = (codes.z_q * torch.randn_like(codes.z_q)).sum() + 0 * codes.losses["commitment"].sum()
    out.backward()
    assert bool(z.grad.abs().sum() > 0) is (estimator != "subgradient")


def test_moving_averages_are_their_closed_form():
    quantizer = build(ema=True, decay=0.8, revive=False)
    usage = torch.ones(5, dtype=torch.float64)
    sums = quantizer.codebook.sums.clone()
    for seed in range(10):
        z = batch(seed=seed)
        indices = quantizer(z).indices.flatten()
        one_hot = torch.nn.functional.one_hot(indices, 5).double()
        usage = 0.8 * usage + 0.2 * one_hot.sum(0)
        sums = 0.8 * sums + 0.2 * one_hot.T @ z.flatten(0, 1)
        smoothed = (usage + 1e-5) / (usage.sum() + 5e-5) * usage.sum()
        torch.testing.assert_close(quantizer.vectors, sums / smoothed[:, None])


def test_constant_hits_make_a_code_the_mean_of_its_vectors():
    quantizer = build(ema=True, decay=0.5, revive=False)
    z = batch()
    quantizer.prepare(z.flatten(0, 1))
    for _ in range(200):
        codes = quantizer(z)
    for k in range(5):
        mean = z[codes.indices == k].mean(0)
        torch.testing.assert_close(quantizer.vectors[k], mean, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("options", KINDS)
def test_evaluation_changes_nothing(options):
    quantizer = build(**options).eval()
    state = copy.deepcopy(quantizer.state_dict())
    quantizer(batch())
    assert all(torch.equal(value, state[name]) for name, value in quantizer.state_dict().items())


def test_k_means_starts_at_centres_no_worse_than_scikit_learns_single_run():
    from sklearn.cluster import KMeans

    generator = np.random.default_rng(0)
    data = (generator.normal(size=(8, 2)) * 10)[generator.integers(8, size=600)] + generator.normal(
        size=(600, 2)
    )
    z = torch.from_numpy(data)
    best = min(_inertia(z, 8, seed) for seed in range(5))
    reference = KMeans(8, init="random", n_init=5, max_iter=10, random_state=0).fit(data).inertia_
    assert best < 1.3 * reference


def _inertia(z, n_codes, seed):
    torch.manual_seed(seed)
    centres, counts = k_means(z, n_codes)
    assert counts.sum() == len(z)
    return float(torch.cdist(z, centres).square().amin(1).sum())


def test_prepare_puts_the_codebook_on_the_data():
    z = 50 + batch(40, 5).flatten(0, 1)
    quantizer = build(ema=True)
    quantizer.prepare(z)
    assert quantizer(z[None]).losses["commitment"].item() < 0.8 * (z - z.mean(0)).square().sum().item()
    before = quantizer.vectors.clone()
    quantizer.codebook.decay = 1 - 1e-9
    quantizer(z[None])
    torch.testing.assert_close(
        quantizer.vectors, before, atol=1e-3, rtol=1e-3
    )  # averages start where the codes do


@pytest.mark.parametrize("ema", [False, True])
def test_dead_codes_are_restarted_on_vectors_of_the_batch(ema):
    quantizer = build(ema=ema, decay=0.9)
    with torch.no_grad():
        quantizer.codebook.vectors[1:] += 1e4  # no vector is near four of the five
        if ema:
            quantizer.codebook.sums[1:] += 1e4
    quantizer.advance(0.5)
    for seed in range(quantizer.codebook.REVIVAL):
        assert (quantizer(batch(seed=seed)).indices == 0).all()
    last = batch(seed=999)
    rows = last.flatten(0, 1)
    used = quantizer(last).indices.unique()
    assert len(used) > 1
    if not ema:
        on_data = torch.cdist(quantizer.vectors[1:].detach(), rows).amin(1)
        assert (on_data < 1e-6).all()  # a distance of zero comes out as the root of its rounding


@pytest.mark.parametrize("case", ["off", "late"])
def test_dead_codes_stay_where_restarts_are_off_or_training_is_nearly_done(case):
    quantizer = build(revive=case != "off")
    with torch.no_grad():
        quantizer.codebook.vectors[1:] += 1e4
    quantizer.advance(0.9 if case == "late" else 0.5)
    for seed in range(2 * quantizer.codebook.REVIVAL + 1):
        codes = quantizer(batch(seed=seed))
    assert (codes.indices == 0).all()


@pytest.mark.parametrize("options", [*KINDS, {"estimator": "rotation"}, {"estimator": "soft-to-hard"}])
@pytest.mark.parametrize(
    "z",
    [
        torch.ones(64, 4, 3),
        torch.zeros(64, 4, 3),
        torch.randn(1, 1, 3),
        torch.empty(0, 4, 3),
        torch.randn(2, 0, 3),
    ],
    ids=["identical", "zeros", "batch of one", "no item", "no position"],
)
def test_health(options, z):
    quantizer = build(n_codes=20, dtype=torch.float32, **options)
    quantizer.prepare(z.flatten(0, 1))
    z = z.clone().requires_grad_()
    for _ in range(quantizer.codebook.REVIVAL + 2):
        codes = quantizer(z)
        (codes.z_q.sum() + sum(loss.sum() for loss in codes.losses.values())).backward()
    assert codes.indices.shape == z.shape[:2]
    assert all(loss.shape == z.shape[:1] for loss in codes.losses.values())
    assert torch.isfinite(z.grad).all()
    assert all(torch.isfinite(value).all() for value in quantizer.state_dict().values())


def test_all_dead_codebook_comes_to_life():
    quantizer = build(ema=True, n_codes=4)
    quantizer.codebook.usage.zero_()
    quantizer.codebook.vectors.fill_(1e6)
    quantizer.codebook.sums.zero_()
    for seed in range(quantizer.codebook.REVIVAL + 2):
        quantizer(batch(seed=seed))
    assert torch.isfinite(quantizer.vectors).all()
    assert quantizer(batch()).losses["commitment"].mean() < batch().square().sum((1, 2)).mean()


@pytest.mark.parametrize("options", KINDS)
def test_resumes_in_the_middle_of_an_average_bit_for_bit(options):
    def run(quantizer, seeds):
        for seed in seeds:
            torch.manual_seed(seed)
            codes = quantizer(batch(seed=seed))
            if not options.get("ema"):
                loss = codes.losses["codebook"].sum()
                (gradient,) = torch.autograd.grad(loss, quantizer.codebook.vectors)
                with torch.no_grad():
                    quantizer.codebook.vectors -= 0.01 * gradient
        return quantizer

    whole = run(build(**options), range(150))
    half = run(build(**options), range(70))
    again = build(seed=7, **options)
    again.load_state_dict(half.state_dict())
    run(again, range(70, 150))
    for name, value in whole.state_dict().items():
        assert torch.equal(value, again.state_dict()[name]), name


@pytest.mark.parametrize(
    ("options", "word"),
    [({"estimator": "straight"}, "straight-through"), ({"decay": 1.0}, "decay"), ({"n_codes": 0}, "n_codes")],
)
def test_wrong_arguments_are_named(options, word):
    with pytest.raises(ConfigError, match=word):
        build(**options)
