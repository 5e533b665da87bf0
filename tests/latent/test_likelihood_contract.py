"""What every registered likelihood must do, whatever its mathematics; new entries are picked up by themselves."""

import pytest
import torch

from latentia.errors import ConfigError
from latentia.latent import LIKELIHOODS

COUNTS = {"poisson", "multinomial", "dirichlet-multinomial", "negative-binomial", "zinb"}
VECTOR, IMAGE, RGB, PIXEL = (5,), (1, 4, 6), (3, 4, 4), (1, 1, 1)
TABLES_ONLY = {"mixed", "mixed-learned", "mixed-data"}
IMAGES_ONLY = {"pixelcnn", "pixelcnn-binary", "pixelcnn++"}
CASES = [
    (n, e)
    for n in LIKELIHOODS
    for e in (
        (VECTOR, (1,))
        if n in COUNTS | TABLES_ONLY
        else (IMAGE, RGB, PIXEL)
        if n in IMAGES_ONLY
        else (VECTOR, IMAGE, RGB, PIXEL)
    )
]
S, B = 3, 7


def data(name, event, n=B, seed=0, dtype=torch.float32):
    generator = torch.Generator().manual_seed(seed)
    if name in COUNTS:
        rate = 20 * torch.linspace(0.1, 1.5, event[0]) * torch.rand(n, 1, generator=generator)
        return torch.poisson(rate, generator=generator).to(dtype)
    # Dark pictures: far from what a decoder that gives zeros would say.
    x = (255 * torch.rand(n, *event, generator=generator) ** 3).round().to(dtype) / 255
    return x.round() if name == "bernoulli" else x


def outputs_for(likelihood, batch=(S, B), scale=1.0, seed=1, dtype=torch.float32):
    generator = torch.Generator().manual_seed(seed)
    return scale * torch.randn(
        *batch, likelihood.n_outputs, *likelihood.event_shape, generator=generator, dtype=dtype
    )


@pytest.fixture(params=CASES, ids=lambda case: f"{case[0]}-{'x'.join(map(str, case[1]))}")
def case(request):
    name, event = request.param
    torch.manual_seed(0)
    likelihood = LIKELIHOODS[name](torch.Size(event))
    x = data(name, event)
    likelihood.prepare(data(name, event, n=50, seed=3))
    return likelihood, x


@pytest.mark.parametrize("training", [True, False])
def test_shapes(case, training):
    likelihood, x = case
    likelihood.train(training)
    for batch in ((S, B), (B,), (2, S, B)):
        p = likelihood(outputs_for(likelihood, batch), x)
        assert p.batch_shape == batch
        assert p.event_shape == likelihood.event_shape
        assert p.mean.shape == (*batch, *likelihood.event_shape)
        log_p = p.log_prob(x)
        assert log_p.shape == batch
        assert log_p.dtype == torch.float32
        assert log_p.isfinite().all()
    drawn = likelihood(outputs_for(likelihood, (B,)))
    assert drawn.sample().shape == x.shape
    assert drawn.sample((2,)).shape == (2, *x.shape)
    assert not drawn.sample().requires_grad


@pytest.mark.parametrize("scale", [0.0, 1.0, 30.0, 1e4])
def test_gradients_are_finite_whatever_the_decoder_says(case, scale):
    likelihood, x = case
    outputs = outputs_for(likelihood, scale=scale).requires_grad_()
    likelihood(outputs, x).log_prob(x).mean().backward()
    assert outputs.grad.isfinite().all()
    for parameter in likelihood.parameters():
        assert parameter.grad.isfinite().all()


def test_float32_agrees_with_float64(case):
    likelihood, x = case
    likelihood.eval()
    outputs = outputs_for(likelihood)
    narrow = likelihood(outputs, x).log_prob(x)
    wide = likelihood.double()(outputs.double(), x.double()).log_prob(x.double())
    assert wide.dtype == torch.float64
    torch.testing.assert_close(narrow.double(), wide, rtol=1e-4, atol=1e-3)


def test_initial_outputs_fit_the_training_data_better_than_zeros(case, request):
    likelihood, _ = case
    name, event = request.node.callspec.params["case"]
    x = data(name, event, n=50, seed=3)
    start = likelihood.initial_outputs()
    if name in IMAGES_ONLY:
        assert start is None  # the decoder gives features, which have no level of their own
        return
    assert start.shape == (likelihood.n_outputs, *event)
    assert start.isfinite().all()
    likelihood.eval()
    ours, zeros = (
        likelihood(o.expand(50, *start.shape), x).log_prob(x).sum() for o in (start, torch.zeros_like(start))
    )
    if name in ("multinomial", "dirichlet-multinomial", "negative-binomial") and event == (1,):
        assert ours == zeros  # one feature has all of the row, whatever its logit
    else:
        assert ours > zeros


def test_state_round_trip_gives_the_same_distribution(case, request):
    likelihood, x = case
    outputs = outputs_for(likelihood)
    likelihood.start_calibration()
    likelihood.accumulate(outputs, x)
    likelihood.finish_calibration()
    likelihood.eval()
    name, event = request.node.callspec.params["case"]
    fresh = LIKELIHOODS[name](torch.Size(event)).eval()
    fresh.load_state_dict(likelihood.state_dict())
    assert torch.equal(fresh(outputs, x).log_prob(x), likelihood(outputs, x).log_prob(x))
    torch.manual_seed(5)
    ours = likelihood(outputs).sample()
    torch.manual_seed(5)
    assert torch.equal(fresh(outputs).sample(), ours)


def test_constant_data_and_perfect_reconstructions_are_finite(case):
    likelihood, x = case
    constant = torch.ones_like(x)
    likelihood.prepare(constant)
    start = likelihood.initial_outputs()
    if start is None:
        start = torch.zeros(likelihood.n_outputs, *likelihood.event_shape)
    outputs = start.expand(B, *start.shape).clone().requires_grad_()
    log_p = likelihood(outputs, constant).log_prob(constant)
    assert log_p.isfinite().all()
    log_p.sum().backward()
    assert outputs.grad.isfinite().all()


def test_a_wrong_decoder_shape_is_refused(case):
    likelihood, _ = case
    with pytest.raises(ConfigError, match="n_outputs"):
        likelihood(torch.zeros(B, likelihood.n_outputs + 1, *likelihood.event_shape))


def test_half_precision_outputs_are_widened(case):
    likelihood, x = case
    likelihood.eval()
    outputs = outputs_for(likelihood).bfloat16()
    assert likelihood(outputs, x).log_prob(x).dtype == torch.float32


def test_compute_of_one_item_does_not_depend_on_its_batch_outside_training(case):
    likelihood, x = case
    likelihood.eval()
    outputs = outputs_for(likelihood)
    whole = likelihood(outputs, x).log_prob(x)
    part = likelihood(outputs[:, 2:4], x[2:4]).log_prob(x[2:4])
    torch.testing.assert_close(part, whole[:, 2:4])


def test_unknown_names_are_suggested():
    with pytest.raises(ConfigError, match="gaussian"):
        LIKELIHOODS["gausian"]
