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
    torch.testing.assert_close(q.stddev, torch.full((50, 3), 0.05, dtype=torch.float64))
    torch.testing.assert_close(q.mean, torch.tanh(posterior.linear(features)))
    assert bool((posterior(1e6 * features).mean.abs() <= 1).all())
    draws = q.rsample((4000,)).detach()
    torch.testing.assert_close(draws.std(0), q.stddev.detach(), rtol=0.1, atol=0)
