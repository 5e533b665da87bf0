"""Networks of patches: pictures of any size, each pixel from its own patch's place."""

from __future__ import annotations

import pytest
import torch

from latentia.nn import NETWORKS
from latentia.nn.patch import PatchDecoder, PatchEncoder, patch_side, places


@pytest.mark.parametrize("event", [(1, 1, 1), (1, 8, 8), (3, 5, 31), (1, 28, 28), (3, 109, 89)])
def test_pictures_of_any_size(event):
    encoder, decoder = NETWORKS["patch"].build(event, 5, 2)
    encoder.eval(), decoder.eval()
    assert encoder(torch.rand(3, *event)).shape == (3, encoder.n_features)
    assert decoder(torch.randn(4, 5)).shape == (4, 2, *event)


def test_no_map_has_more_than_16_places_on_a_side():
    for height in range(1, 300, 7):
        rows, columns = places(height, 40)
        side = patch_side(height, 40)
        assert max(rows, columns) <= 16
        assert (rows - 1) * side < height <= rows * side
        assert (columns - 1) * side < 40 <= columns * side


def test_a_place_becomes_the_pixels_of_its_patch_whatever_the_channel():
    decoder = PatchDecoder(5, 2, (3, 28, 28)).double().eval()
    maps = torch.zeros(1, 64, 7, 7, dtype=torch.float64)
    last, shuffle = decoder.maps[-2:]
    with torch.no_grad():
        maps[0, 0, 2, 5] = 1.0
        pixels = shuffle(last(maps))[0] - shuffle(last(torch.zeros_like(maps)))[0]
        # a kernel of 3 x 3 reaches the neighbours of the place
        expected = torch.zeros(28, 28, dtype=torch.bool)
        expected[4:16, 16:28] = True
        assert ((pixels.abs() > 0).any(0) == expected).all()
        # the middle of the kernel is the patch itself: number (o C + c) s^2 + i s + j at pixel (i, j)
        middle = last.weight[:, 0, 1, 1].unflatten(0, (6, 4, 4))
        assert torch.allclose(pixels[:, 8:12, 20:24], middle)


def test_pixels_beyond_the_picture_are_dark():
    encoder = PatchEncoder((1, 30, 30)).eval()
    padded = torch.nn.functional.pad(torch.rand(2, 1, 30, 30) * 2 - 1, (0, 2, 0, 2))
    stem = encoder.maps[1]
    assert torch.equal(encoder.maps[:2](padded[..., :30, :30]), stem(padded))
