"""Noise that is a pure function of the item: invariance bit for bit, normality, independence, speed."""

import math
import time

import pytest
import torch
from scipy import stats

from latentia.distributions import DiagonalGaussian, item_keys, per_item_noise, same_noise, standard_normal
from latentia.distributions.noise import noise_of_one, replayed_noise

KEYS = item_keys(torch.arange(1000, dtype=torch.float32)[:, None])


def draw(keys, shape, seed=0, first_sample=0, dtype=torch.float64):
    with per_item_noise(keys, seed, first_sample):
        return standard_normal(shape, torch.zeros((), dtype=dtype), item_dim=1)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("dims", [1, 2, 7])
def test_an_item_gets_the_same_noise_in_any_batch_and_chunk(dtype, dims):
    whole = draw(KEYS, (13, 1000, dims), dtype=dtype)
    permutation = torch.randperm(1000, generator=torch.Generator().manual_seed(1))
    for chosen in (permutation, permutation[:37], torch.tensor([5]), torch.arange(3, 20)):
        assert torch.equal(draw(KEYS[chosen], (13, len(chosen), dims), dtype=dtype), whole[:, chosen])
    for start, stop in ((0, 1), (1, 6), (12, 13)):
        assert torch.equal(
            draw(KEYS, (stop - start, 1000, dims), first_sample=start, dtype=dtype), whole[start:stop]
        )
    assert whole.dtype == dtype


def test_the_first_dimensions_do_not_depend_on_how_many_follow():
    assert torch.equal(draw(KEYS, (2, 1000, 5))[..., :3], draw(KEYS, (2, 1000, 3)))


def test_calls_seeds_samples_and_items_differ_and_blocks_repeat():
    like = torch.zeros(())
    with per_item_noise(KEYS, 0):
        first, second = (standard_normal((2, 1000, 4), like, 1) for _ in range(2))
    with per_item_noise(KEYS, 0):
        again = [standard_normal((2, 1000, 4), like, 1) for _ in range(2)]
    assert torch.equal(first, again[0])
    assert torch.equal(second, again[1])
    other_seed = draw(KEYS, (2, 1000, 4), seed=1, dtype=torch.float32)
    for a, b in ((first, second), (first, other_seed), (first[0], first[1])):
        assert not (a == b).any()


def test_it_is_standard_normal():
    x = draw(KEYS, (100, 1000, 10)).flatten()
    assert stats.kstest(x.numpy(), "norm").pvalue > 1e-3
    for part in (x[::2], x[1::2]):  # cosines and sines
        assert stats.kstest(part.numpy(), "norm").pvalue > 1e-3
    tail = (x.abs() > 4).double().mean().item()
    assert tail == pytest.approx(2 * stats.norm.sf(4), rel=0.5)


@pytest.mark.parametrize("what", ["items", "samples", "dims", "calls", "seeds", "squares"])
def test_it_is_uncorrelated(what):
    a = draw(KEYS, (101, 1000, 10))
    pairs = {
        "items": (a[:, 1:], a[:, :-1]),
        "samples": (a[1:], a[:-1]),
        "dims": (a[..., 0::2], a[..., 1::2]),
        "seeds": (a, draw(KEYS, (101, 1000, 10), seed=1)),
        "squares": (a[..., 0::2].square() - 1, a[..., 1::2].square() - 1),
    }
    with per_item_noise(KEYS, 0):
        calls = [standard_normal((101, 1000, 10), a, 1) for _ in range(2)]
    pairs["calls"] = (calls[0], calls[1])
    left, right = pairs[what]
    # The mean product of n independent pairs has standard deviation Var / sqrt(n).
    spread = left.var().item() / math.sqrt(left.numel())
    assert abs((left * right).mean().item()) < 4.5 * spread


def test_sequential_keys_are_as_good_as_hashed_ones():
    x = draw(torch.arange(100_000), (1, 100_000, 2))
    assert stats.kstest(x.flatten().numpy(), "norm").pvalue > 1e-3
    assert abs((x[0, 1:, 0] * x[0, :-1, 0]).mean()) < 4.5 / math.sqrt(1e5)


def test_without_a_block_it_is_torch_randn():
    torch.manual_seed(0)
    expected = torch.randn(3, 4, 2)
    torch.manual_seed(0)
    assert torch.equal(standard_normal((3, 4, 2), torch.zeros(()), 1), expected)


def test_blocks_nest_and_end():
    with per_item_noise(KEYS[:2], 0):
        outer = standard_normal((2, 3), torch.zeros(()), 0)
        with per_item_noise(KEYS[:2], 0):
            assert torch.equal(standard_normal((2, 3), torch.zeros(()), 0), outer)
    torch.manual_seed(0)
    a = standard_normal((2, 3), torch.zeros(()), 0)
    assert not torch.equal(a, outer)


def test_the_wrong_number_of_keys_is_refused():
    with per_item_noise(KEYS[:3], 0), pytest.raises(ValueError, match=r"4 items .* given 3 keys"):
        standard_normal((4, 2), torch.zeros(()), 0)


def test_gaussian_samples_follow_the_items():
    loc, scale = torch.randn(1000, 3), torch.rand(1000, 3)
    with per_item_noise(KEYS, 7):
        whole = DiagonalGaussian(loc, scale).rsample((5,))
    with per_item_noise(KEYS[40:44], 7):
        part = DiagonalGaussian(loc[40:44], scale[40:44]).rsample((5,))
    assert torch.equal(part, whole[:, 40:44])
    with per_item_noise(KEYS, 7):
        assert torch.equal(DiagonalGaussian(loc, scale).rsample(), whole[0])


@pytest.mark.parametrize(
    "dtype", [torch.float16, torch.float32, torch.float64, torch.uint8, torch.int64, torch.bool]
)
def test_keys_are_those_of_the_row_alone(dtype):
    x = torch.randint(0, 2 if dtype == torch.bool else 200, (500, 3, 4, 4)).to(dtype)
    keys = item_keys(x)
    assert keys.dtype == torch.int64
    assert len(keys.unique()) == 500
    assert torch.equal(item_keys(x[::7]), keys[::7])
    assert torch.equal(item_keys(x.transpose(-1, -2).contiguous().transpose(-1, -2)), keys)


def test_keys_see_every_bit_and_position_but_not_the_sign_of_zero():
    x = torch.zeros(65, 64)
    x[torch.arange(64), torch.arange(64)] = 1e-45  # the smallest bit, at each place
    assert len(item_keys(x).unique()) == 65
    assert torch.equal(item_keys(-torch.zeros(1, 3)), item_keys(torch.zeros(1, 3)))
    assert item_keys(torch.zeros(0, 3)).shape == (0,)


def test_ten_million_numbers_take_less_than_two_seconds_on_one_core():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        start = time.process_time()
        draw(KEYS, (100, 1000, 100), dtype=torch.float32)
        assert time.process_time() - start < 2.0
    finally:
        torch.set_num_threads(threads)


def test_within_same_noise_all_items_have_the_noise_of_one():
    with same_noise():
        keys = item_keys(torch.tensor([[1.0], [2.0], [3.0]]))
        with per_item_noise(keys, seed=0):
            many = standard_normal((4, 3, 2), torch.zeros(()), item_dim=1)
    assert bool((many == many[:, :1]).all())
    assert many.std() > 0.3
    (one,) = noise_of_one(lambda: standard_normal((4, 1, 2), torch.zeros(()), item_dim=1))
    assert bool((one == many[:, :1]).all())
    with replayed_noise([one]):
        assert standard_normal((4, 9, 2), torch.zeros(()), item_dim=1) is one
    assert len(set(item_keys(torch.tensor([[1.0], [2.0]])).tolist())) == 2
