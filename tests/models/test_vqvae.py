from __future__ import annotations

import itertools
import math

import pytest
import torch
from torch import nn

from latentia.distributions import CategoricalCodes, PointCodes
from latentia.errors import ConfigError
from latentia.kinds.codes.catalog import DISCRETE
from latentia.latent import LIKELIHOODS
from latentia.latent.code_priors import CodePrior, Given
from latentia.latent.quantizers import DistanceQuantizer
from latentia.models import VQVAE, PriorOnly, build_vqvae
from latentia.models.coders import OneLevel
from latentia.objectives import joint_bound, negative_elbo, quantized_bound

EVENTS = [(1, 12, 9), (3, 8, 8), (1, 1, 1), (7,)]


def build(event=(1, 12, 9), likelihood="gaussian", **options):
    torch.manual_seed(0)
    network = "conv" if len(event) == 3 else "mlp"
    options = {"n_codes": 16, "dim": 8, "network": network, "quantizer": "vq", **options}
    return build_vqvae(event, LIKELIHOODS[likelihood](torch.Size(event)), **options)


@pytest.mark.parametrize("event", EVENTS)
@pytest.mark.parametrize(
    "options", [{}, {"levels": 2}, {"quantizer": "gumbel"}, {"quantizer": "vq-stochastic"}]
)
@pytest.mark.parametrize("n_samples", [1, 3])
def test_shapes_of_a_trace(event, options, n_samples):
    model = build(event, **options)
    x = torch.rand(5, *event)
    n = model.coder.n_positions
    trace = model.trace(x, n_samples)
    assert trace.z.shape == trace.kl.shape == (n_samples, 5, n)
    assert trace.z.dtype == torch.int64
    assert trace.codes.shape == (5, n)
    assert trace.log_likelihood.shape == trace.elbo.shape == (n_samples, 5)
    assert trace.posterior.batch_shape == (5,)
    assert trace.prior.batch_shape == ()
    assert all(loss.shape == (5,) for loss in trace.auxiliary.values())
    assert model.prior().log_prob(trace.z).shape == (n_samples, 5)


@pytest.mark.parametrize(
    ("event", "shapes"), [((1, 28, 28), ((7, 7),)), ((3, 32, 32), ((8, 8),)), ((1, 5, 3), ((2, 1),))]
)
def test_maps_are_a_quarter_of_the_image(event, shapes):
    assert build(event).coder.shapes == shapes


def test_two_levels_have_a_map_of_half_the_size_first():
    assert build((1, 28, 28), levels=2).coder.shapes == ((4, 4), (7, 7))


@pytest.mark.parametrize("options", [{}, {"levels": 2}, {"quantizer": "fsq", "n_codes": 16}])
def test_decoding_the_codes_is_the_trace(options):
    model = build(**options).eval()
    x = torch.rand(4, 1, 12, 9)
    trace = model.trace(x)
    torch.testing.assert_close(model.conditional(trace.z, x).mean, trace.likelihood.mean)
    assert isinstance(model.encode(x), PointCodes)
    assert torch.equal(model.encode(x).mode, trace.codes)


def test_rate_under_a_uniform_prior_is_log_k_at_each_position():
    trace = build().trace(torch.rand(3, 1, 12, 9))
    torch.testing.assert_close(trace.kl, torch.full_like(trace.kl, math.log(16)))


@pytest.mark.parametrize("options", [{}, {"levels": 2}])
@pytest.mark.parametrize("prior", ["independent", "gated-pixelcnn"])
def test_rate_is_the_length_of_the_codes_under_the_prior(prior, options):
    model = build(prior=prior, **options).eval()
    x = torch.rand(3, 1, 12, 9)
    trace = model.trace(x)
    torch.testing.assert_close(trace.kl.sum(-1), -model.prior().log_prob(trace.z))
    torch.testing.assert_close(model.log_prob(x, 5), trace.elbo[0])


def test_rate_of_a_drawn_code_is_the_divergence_of_its_distribution():
    model = build(quantizer="gumbel", prior="independent").eval()
    model.prior.density.offset.data.normal_()
    trace = model.trace(torch.rand(3, 1, 12, 9))
    q, p = trace.posterior.log_q, model.prior.log_probs(trace.codes)
    torch.testing.assert_close(trace.kl[0], (q.exp() * (q - p)).sum(-1))
    assert isinstance(trace.posterior, CategoricalCodes)


def test_importance_weights_tighten_the_bound_of_drawn_codes():
    model = build(quantizer="gumbel").eval()
    x = torch.rand(20, 1, 12, 9)
    with torch.no_grad():
        elbo = torch.stack([model.trace(x).elbo.mean() for _ in range(20)]).mean()
    assert model.log_prob(x, 50).mean() > elbo


def test_rate_trains_the_prior_alone():
    model = build(prior="gated-pixelcnn")
    model.trace(torch.rand(3, 1, 12, 9)).kl.sum().backward()
    assert all(p.grad is None for p in (*model.encoder.parameters(), *model.coder.parameters()))
    assert any(p.grad.abs().sum() > 0 for p in model.prior.parameters() if p.grad is not None)


def test_prior_by_class_sums_to_the_mixture():
    torch.manual_seed(0)
    model = build((1, 8, 8), n_codes=3, prior="gated-pixelcnn", n_classes=2).double()
    prior = model.prior
    prior.set_shares(torch.tensor([30, 10]))
    every = torch.tensor(list(itertools.product(range(3), repeat=4)))
    log_p = prior().log_prob(every)
    torch.testing.assert_close(log_p.exp().sum(), torch.tensor(1.0, dtype=torch.float64))
    parts = [
        prior.log_probs_given(every, torch.full((81,), c)).gather(-1, every[..., None]).sum((1, 2))
        for c in (0, 1)
    ]
    torch.testing.assert_close(log_p.exp(), 0.75 * parts[0].exp() + 0.25 * parts[1].exp())
    assert prior.sample(5, labels=torch.tensor([0, 1, 0, 1, 1])).shape == (5, 4)


@pytest.mark.parametrize("options", [{"n_classes": 2}, {}, {"levels": 2}])
def test_given_codes_are_kept_and_the_others_drawn_given_them(options):
    """Frequencies of completions are the conditional probabilities, by enumeration."""
    torch.manual_seed(0)
    shape = (1, 4, 4) if "levels" in options else (1, 8, 8)
    model = build(shape, n_codes=3, prior="gated-pixelcnn", **options)
    prior = model.prior
    for weight in prior.parameters():
        weight.data.mul_(3.0)  # far from uniform
    if "n_classes" in options:
        prior.set_shares(torch.tensor([30, 10]))
    n = prior.n_positions
    kept = torch.arange(n) < n - 2
    codes = prior.sample(1).expand(4000, -1)
    drawn = prior.sample(4000, given=Given(codes, kept.expand(4000, -1)))
    assert torch.equal(drawn[:, kept], codes[:, kept])
    every = codes[:9].clone()
    every[:, ~kept] = torch.cartesian_prod(torch.arange(3), torch.arange(3))
    wanted = prior().log_prob(every).softmax(0)
    found = torch.bincount(drawn[:, -2] * 3 + drawn[:, -1], minlength=9) / 4000
    assert wanted.max() > 0.15
    assert ((found - wanted).abs() < 5 * (wanted * (1 - wanted) / 4000).sqrt() + 1e-3).all()


@pytest.mark.parametrize("prior", ["uniform", "independent", "gated-pixelcnn"])
@pytest.mark.parametrize("options", [{}, {"levels": 2}])
def test_priors_sum_to_one(prior, options):
    torch.manual_seed(0)
    model = build((1, 4, 4), n_codes=3, prior=prior, **options).double()
    for parameter in model.prior.parameters():
        parameter.data.add_(0.3 * torch.randn_like(parameter))
    n = model.coder.n_positions
    every = torch.tensor(list(itertools.product(range(3), repeat=n)))
    total = model.prior().log_prob(every).exp().sum()
    torch.testing.assert_close(total, torch.tensor(1.0, dtype=torch.float64))
    drawn = model.prior().sample((7,))
    assert drawn.shape == (7, n)
    assert drawn.min() >= 0
    assert drawn.max() < 3


def test_bottom_prior_sees_the_top_codes():
    model = build((1, 8, 8), levels=2, prior="gated-pixelcnn")
    codes = torch.zeros(1, 5, dtype=torch.int64)
    other = codes.clone()
    other[0, 0] = 3
    assert not torch.allclose(model.prior.log_probs(codes)[:, 1:], model.prior.log_probs(other)[:, 1:])


# --- the joint bound in a world small enough to enumerate ----------------------------------------------------------------


class Table(CodePrior):
    """p(k1) p(k2|k1) by tables: the smallest autoregressive prior."""

    def __init__(self):
        super().__init__(2, 3)
        self.first = nn.Parameter(torch.randn(3))
        self.second = nn.Parameter(torch.randn(3, 3))

    def log_probs(self, indices):
        first = self.first.log_softmax(-1).expand(len(indices), -1)
        return torch.stack([first, self.second.log_softmax(-1)[indices[:, 0]]], 1)


class Maps(nn.Module):
    """Two vectors of dimension 2 from x, linearly; and back."""

    def __init__(self, linear, shape):
        super().__init__()
        self.linear, self.shape = linear, shape

    def forward(self, x):
        return self.linear(x.flatten(1)).unflatten(1, self.shape)


def toy_world():
    torch.manual_seed(3)
    quantizer = DistanceQuantizer(2, 3)
    quantizer.log_scale.data.fill_(-0.2)
    likelihood = LIKELIHOODS["gaussian-fixed"](torch.Size([3]))
    encoder, decoder = Maps(nn.Linear(3, 4), (2, 1, 2)), Maps(nn.Linear(4, 3), (1, 3))
    return VQVAE(encoder, OneLevel(quantizer, (1, 2)), Table(), decoder, likelihood).double()


def enumerated_bound(model, x):
    """E_q [log p(x|k) + log p(k) - log q(k|x)] over all 9 codes."""
    q = model.encode(x)
    total = torch.zeros(len(x), dtype=torch.float64)
    for pair in itertools.product(range(3), repeat=2):
        k = torch.tensor(pair).expand(len(x), 2)
        log_q, log_p = q.log_prob(k), model.prior().log_prob(k)
        total += log_q.exp() * (model.decode(k).log_prob(x) + log_p - log_q)
    return total


def test_joint_loss_is_the_enumerated_bound():
    model = toy_world()
    x = torch.randn(4, 3, dtype=torch.float64)
    with torch.no_grad():
        exact = -enumerated_bound(model, x).mean()
        many = x.repeat(40, 1)
        losses = torch.stack([joint_bound()(model.trace(many, 1), 1.0).total for _ in range(100)])
    error = losses.std() / len(losses) ** 0.5
    assert error < 0.05
    assert abs(losses.mean() - exact) < 3 * error


def test_summing_the_divergence_over_codes_lowers_its_variance():
    model = toy_world()
    x = torch.randn(1, 3, dtype=torch.float64)
    with torch.no_grad():
        trace = model.trace(x, 4000)
        summed = trace.kl.sum(-1)
        drawn = model.encode(x).log_prob(trace.z) - model.prior().log_prob(trace.z)
    standard_error = (summed.var() + drawn.var()).div(4000).sqrt()
    assert abs(summed.mean() - drawn.mean()) < 3 * standard_error
    assert summed.var() < 0.5 * drawn.var()


def test_gradient_of_the_joint_bound_is_exact_for_the_prior():
    model = toy_world()
    x = torch.randn(4, 3, dtype=torch.float64)
    exact = torch.autograd.grad(-enumerated_bound(model, x).mean(), [model.prior.first, model.prior.second])
    trace = model.trace(x, 20_000)
    loss = joint_bound()(trace, 1.0).total
    drawn = torch.autograd.grad(loss, [model.prior.first, model.prior.second])
    for a, b in zip(exact, drawn, strict=True):
        torch.testing.assert_close(a, b, atol=0.02, rtol=0.02)


def test_prior_learns_at_full_weight_while_the_rate_is_not_yet_weighed():
    model = toy_world().train()
    trace = model.trace(torch.randn(4, 3, dtype=torch.float64))
    prior = list(model.prior.parameters())
    early = torch.autograd.grad(joint_bound()(trace, 0.0).total, prior, retain_graph=True)
    late = torch.autograd.grad(joint_bound()(trace, 1.0).total, prior, retain_graph=True)
    torch.testing.assert_close(early, late)
    q_early = torch.autograd.grad(
        joint_bound()(trace, 0.0).total, model.coder.quantizer.log_scale, retain_graph=True
    )
    q_late = torch.autograd.grad(joint_bound()(trace, 1.0).total, model.coder.quantizer.log_scale)
    assert not torch.allclose(q_early[0], q_late[0])


# --- training -------------------------------------------------------------------------------------------------------------


def test_objective_weighs_codebook_and_commitment():
    model = build()
    trace = model.trace(torch.rand(3, 1, 12, 9))
    loss = quantized_bound()(trace)
    parts = loss.parts
    expected = parts["distortion"] + parts["kl"] + parts["codebook"] + 0.25 * parts["commitment"]
    torch.testing.assert_close(loss.total.detach(), expected)
    assert parts["codebook"] > 0


def test_gradient_reaches_every_parameter():
    for name, entry in DISCRETE.items():
        model = build(quantizer=entry.quantizer, levels=entry.levels, prior="gated-pixelcnn")
        x = torch.rand(6, 1, 12, 9)
        model.prepare(x)
        entry.objective(model.trace(x)).total.backward()
        missing = [n for n, p in model.named_parameters() if p.grad is None]
        # the last vertical layer of a Gated PixelCNN may have parts that nothing reads
        assert [n for n in missing if not n.startswith("prior")] == [], name


def test_prior_alone_is_a_model_of_codes():
    model = PriorOnly(toy_world().prior)
    codes = torch.randint(3, (10, 2))
    trace = model.trace(codes)
    loss = negative_elbo()(trace)
    torch.testing.assert_close(loss.total, -model.prior().log_prob(codes).mean())


def test_code_counts_cover_a_data_set():
    model = build().train()
    x = torch.rand(10, 1, 12, 9)
    counts = model.code_counts([x[:4], x[4:]])
    assert model.training
    assert counts.sum() == 10 * model.coder.n_positions
    model.eval()
    assert torch.equal(counts, torch.bincount(model.encode(x).mode.flatten(), minlength=16))


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"levels": 3}, "levels"),
        ({"levels": 2, "quantizer": "gumbel"}, "two levels"),
        ({"levels": 2, "n_classes": 3}, "vq-vae-2"),
        ({"event": (5,), "network": "conv"}, "mlp"),
        ({"quantizer": "vqq"}, "did you mean"),
        ({"prior": "pixelcn"}, "did you mean"),
    ],
)
def test_wrong_choices_are_named(options, word):
    with pytest.raises(ConfigError, match=word):
        build(**options)


@pytest.mark.parametrize("event", [(1, 12, 9), (7,)])
@pytest.mark.parametrize("levels", [1, 2])
def test_prepare_gives_vectors_of_unit_variance_and_codes_on_them(event, levels):
    model = build(event, levels=levels).double()
    x = torch.rand(60, *event, dtype=torch.float64)
    model.prepare(x)
    quantizer = model.coder.quantizer if levels == 1 else model.coder.bottom
    seen = []
    quantizer.register_forward_pre_hook(lambda module, given: seen.append(given[0].flatten(0, 1)))
    model.eval().trace(x)
    torch.testing.assert_close(seen[0].mean(0), torch.zeros(8, dtype=torch.float64), atol=1e-9, rtol=0)
    torch.testing.assert_close(seen[0].std(0), torch.ones(8, dtype=torch.float64))
    assert torch.cdist(seen[0], quantizer.vectors).amin(1).square().mean() < 8  # less than their variance


def test_prepare_on_constant_data_is_finite():
    model = build()
    model.prepare(torch.ones(20, 1, 12, 9))
    trace = model.trace(torch.ones(4, 1, 12, 9))
    assert torch.isfinite(trace.elbo).all()
    assert all(torch.isfinite(value).all() for value in model.state_dict().values())
