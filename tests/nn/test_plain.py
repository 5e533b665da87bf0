from __future__ import annotations

import numpy as np
import torch

from latentia.nn import NETWORKS


def test_the_network_of_burda_et_al_by_hand():
    encoder, decoder = NETWORKS["mlp-tanh"].build((1, 4, 4), latent_dim=5, n_outputs=1)
    shapes = [tuple(p.shape) for p in encoder.parameters()]
    assert shapes == [(200, 16), (200,), (200, 200), (200,)]
    x = torch.rand(3, 1, 4, 4)
    w1, b1, w2, b2 = (p.detach().numpy() for p in encoder.parameters())
    hidden = np.tanh(np.tanh(x.flatten(1).numpy() @ w1.T + b1) @ w2.T + b2)
    np.testing.assert_allclose(encoder(x).detach().numpy(), hidden, atol=1e-5)
    z = torch.randn(3, 5)
    w1, b1, w2, b2 = (p.detach().numpy() for p in decoder.body.parameters())
    hidden = np.tanh(np.tanh(z.numpy() @ w1.T + b1) @ w2.T + b2)
    outputs = hidden @ decoder.head.weight.detach().numpy().T
    np.testing.assert_allclose(decoder(z).detach().numpy().reshape(3, 16), outputs, atol=1e-5)
