import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

from latentia.diagnostics.classifier import accuracy, features, train_classifier
from latentia.errors import DataError

digits = load_digits()
x, y = np.rint(digits.images * (255 / 16)).astype(np.uint8)[:, None], digits.target


def test_it_learns_and_the_same_seed_gives_the_same_bits():
    one, two, other = (train_classifier(x[:1200], y[:1200], epochs=6, seed=seed) for seed in (1, 1, 2))
    assert accuracy(one, x[1200:], y[1200:]) > 0.9
    assert all(
        torch.equal(a, b) for a, b in zip(one.state_dict().values(), two.state_dict().values(), strict=True)
    )
    assert not torch.equal(one.last.weight, other.last.weight)


def test_the_callers_random_state_is_left_alone():
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    train_classifier(x[:130], y[:130], epochs=1)
    assert torch.equal(torch.rand(3), expected)


def test_features_have_unit_spread_and_tell_classes_apart():
    model = train_classifier(x[:1200], y[:1200], epochs=6)
    held = features(model, x[1200:]).double()
    assert held.shape == (len(x) - 1200, 64)
    assert features(model, x[:1200]).double().var(0).mean() == pytest.approx(1, rel=1e-5)
    distance = torch.cdist(held, held)
    same = torch.as_tensor(y[1200:, None] == y[None, 1200:])
    assert distance[same].mean() < 0.7 * distance[~same].mean()


def test_other_than_8_bit_images_with_labels_are_refused():
    with pytest.raises(DataError, match="float64"):
        train_classifier(x / 255, y)
    with pytest.raises(DataError, match="5 labels"):
        train_classifier(x, y[:5])
