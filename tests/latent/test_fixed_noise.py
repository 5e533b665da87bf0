from __future__ import annotations

import torch

from latentia.latent import POSTERIORS


def test_noise_is_fixed_and_codes_are_bounded():
    torch.manual_seed(0)
    posterior = POSTERIORS["fixed-noise"](7, 3).double()
    features = torch.randn(50, 7, dtype=torch.float64)
    q = posterior(features)
    assert q.batch_shape == (50,)
    assert q.event_shape == (3,)
    torch.testing.assert_close(q.stddev, torch.full((50, 3), 0.1, dtype=torch.float64))
    torch.testing.assert_close(q.mean, 3 * torch.tanh(posterior.linear(features) / 3))
    assert float(posterior(1e6 * features).mean.abs().max()) <= 3


def test_codes_of_moderate_size_pass_unchanged():
    posterior = POSTERIORS["fixed-noise"](2, 2).double()
    with torch.no_grad():
        posterior.linear.weight.copy_(torch.eye(2))
        posterior.linear.bias.zero_()
    small = torch.full((1, 2), 0.1, dtype=torch.float64)
    torch.testing.assert_close(posterior(small).mean, small, rtol=1e-3, atol=0)
