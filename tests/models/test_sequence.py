"""Sequences of tokens: densities against sums over all sequences, and the collapse that an aggressive encoder prevents."""

from __future__ import annotations

import itertools
import math

import pytest
import torch

from latentia.data.synthetic_sequences import lstm_sequences
from latentia.diagnostics import diagnose, evaluate, mutual_information
from latentia.distributions import item_keys
from latentia.latent.posteriors import DiagonalGaussianPosterior
from latentia.models import SequenceDistribution, SequenceVAE
from latentia.objectives import ObjectiveSetting, elbo
from latentia.training import Aggressive, Batches, Joint, TrainingConfig, fit


@pytest.fixture
def sharp() -> SequenceVAE:
    """A model with large weights, so that nothing is near uniform."""
    model = SequenceVAE.of_lstms(3, 4, latent_dim=2, width=5).double()
    torch.manual_seed(1)
    for weight in model.parameters():
        torch.nn.init.uniform_(weight, -1.5, 1.5)
    return model.eval().requires_grad_(False)


ALL = torch.tensor(list(itertools.product(range(3), repeat=4)))


def test_probabilities_of_all_sequences_sum_to_one(sharp):
    z = torch.randn(5, 2, dtype=torch.float64)
    total = sharp.decode(z[:, None]).log_prob(ALL).exp().sum(1)
    torch.testing.assert_close(total, torch.ones(5, dtype=torch.float64), atol=1e-10, rtol=0)


def test_teacher_forcing_is_the_sum_of_single_steps(sharp):
    z, x = torch.randn(6, 2, dtype=torch.float64), ALL[::14]
    decoder = sharp.decoder
    token = torch.full((len(x), 1), 3)
    state, by_hand = decoder._state(z[: len(x)]), torch.zeros(len(x), dtype=torch.float64)
    for t in range(4):
        inputs = torch.cat([decoder.embed(token), z[: len(x), None]], -1)
        hidden, state = decoder.lstm(inputs, state)
        by_hand += decoder.head(hidden[:, 0]).log_softmax(-1)[torch.arange(len(x)), x[:, t]]
        token = x[:, t : t + 1]
    torch.testing.assert_close(sharp.decode(z[: len(x)]).log_prob(x), by_hand)


def test_draws_follow_the_density_and_the_mode_its_largest_steps(sharp):
    torch.manual_seed(0)
    z = torch.randn(1, 2, dtype=torch.float64)
    p = sharp.decode(z)
    drawn = p.sample((10_000,))[:, 0]
    index = (drawn * torch.tensor([27, 9, 3, 1])).sum(1)
    share = torch.bincount(index, minlength=81) / len(drawn)
    expected = p.log_prob(ALL[:, None])[:, 0].exp()
    assert float((share - expected).abs().max()) < 0.02
    logits = p.logits(p.mode)
    assert torch.equal(logits.argmax(-1), p.mode)


def test_trace_has_the_shapes_of_all_models(sharp):
    x = ALL[:7]
    sharp.requires_grad_(True)
    trace = sharp.trace(x, n_samples=3)
    assert trace.log_likelihood.shape == (3, 7)
    assert trace.kl.shape == (3, 7, 2)
    assert isinstance(trace.likelihood, SequenceDistribution)
    assert sharp.sample(5).shape == (5, 4)
    loss = elbo(ObjectiveSetting(7, 2, (4,), 1))(trace)
    loss.total.backward()
    assert all(weight.grad is not None for weight in sharp.parameters())


def test_importance_weights_recover_the_evidence(sharp):
    x = ALL[::11]
    sharp.posterior = DiagonalGaussianPosterior(5, 2).double().requires_grad_(False)
    torch.nn.init.zeros_(sharp.posterior.linear.weight)
    # wider than the prior, so that no weight is large
    torch.nn.init.constant_(sharp.posterior.linear.bias, 0.3)
    torch.manual_seed(0)
    z = torch.randn(20_000, 2, dtype=torch.float64)
    log_p = sharp.decode(z[:, None]).log_prob(x).logsumexp(0) - math.log(len(z))
    estimate = sharp.log_prob(x, 2000)
    assert estimate.is_floating_point()
    torch.testing.assert_close(estimate.double(), log_p, atol=0.06, rtol=0)


def test_synthetic_sequences_depend_on_their_code():
    x, z = lstm_sequences(4000, seed=0)
    again, _ = lstm_sequences(4000, seed=0)
    assert (x == again).all()
    assert x.shape == (4000, 10)
    assert 0 <= x.min() <= x.max() < 200
    # the second token tells of items not counted on which side their code lies; the first, which is uniform, does not
    left = z[:, 0] < 0

    def guessed_rightly(place):
        shares = {
            token: left[:2000][x[:2000, place] == token].mean() for token in set(x[:2000, place].tolist())
        }
        guessed = [shares.get(token, 0.5) > 0.5 for token in x[2000:, place].tolist()]
        return (guessed == left[2000:]).mean()

    assert guessed_rightly(1) > 0.7
    assert abs(guessed_rightly(0) - 0.5) < 0.05
    assert not (lstm_sequences(4000, seed=1)[0] == x).all()


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("schedule", [Joint(), Aggressive()], ids=["joint", "aggressive"])
def test_plain_training_collapses_and_the_aggressive_encoder_does_not(schedule, seed):
    # He et al. 2019, section 4: about the same bound is reached both ways, so only the information tells
    x, _ = lstm_sequences(5000)
    torch.manual_seed(seed)
    model = SequenceVAE.of_lstms(200, 10)
    train, held_out = (Batches(part, lambda stored: stored) for part in (x[:4000], x[4000:]))
    config = TrainingConfig(
        max_epochs=8,
        batch_size=16,
        optimizer="sgd",
        learning_rate=1.0,
        warmup_fraction=0.0,
        weight_decay=0.0,
        gradient_clip=5.0,
        seed=seed,
    )

    def information(module, batches):
        return mutual_information(module, batches).value

    objective = elbo(ObjectiveSetting(4000, 1, (10,), 8 * 250))
    history = fit(model, objective, train, held_out, config, schedule=schedule, information=information)
    kl = history.epochs[-1].validation["kl"]
    value = information(model, held_out.ordered(500))
    if schedule == Joint():
        assert kl < 0.1
        assert value < 0.1
    else:
        assert kl > 0.6
        assert value > 0.6
        assert following(model, torch.as_tensor(x[4000:4400])) > 0.9


def following(model: SequenceVAE, x: torch.Tensor) -> float:
    """Correlation of the means of q(z|x) with those of p(z|x), taken on a grid: near 1 if the encoder does not lag."""
    z = torch.linspace(-6, 6, 121)[:, None]
    with torch.no_grad():
        log_joint = model.decode(z[:, None]).log_prob(x) + model.prior().log_prob(z)[:, None]
        means = torch.stack([(log_joint.softmax(0) * z).sum(0), model.encode(x).mean[:, 0]])
    return float(torch.corrcoef(means)[0, 1])


def test_it_is_evaluated_and_diagnosed_as_every_model_with_codes():
    """What rests on a mean of p(x|z) is not defined; all else is judged."""
    torch.manual_seed(0)
    model = SequenceVAE.of_lstms(7, length=5, latent_dim=2)
    x = torch.randint(0, 7, (80, 5))
    figures = evaluate(model, [x[:30], x[30:]], n_importance=5)
    assert figures.elbo == pytest.approx(-figures.distortion - figures.kl)
    assert figures.log_likelihood == pytest.approx(5 * -math.log(7), abs=0.1)
    assert (figures.sse, figures.sse_of_mean, figures.sigma2, figures.sigma2_optimal) == (None,) * 4
    found = diagnose(model, [x], train=figures, history=[-12.0, -11.0, -10.0])
    assert found.name == "posterior collapse"
    assert found.information is not None
    assert found.dependence is not None
    assert (found.prior_gap, found.smoothness) == (None, None)
    assert found.generalisation.error_ratio is None
    assert "squared error" not in str(found)


def test_padding_changes_no_key():
    short, padded = torch.tensor([[3, 1, 4]]), torch.tensor([[3, 1, 4, -1, -1]])
    assert torch.equal(item_keys(short), item_keys(padded))
    assert not torch.equal(item_keys(short), item_keys(torch.tensor([[3, 1]])))
