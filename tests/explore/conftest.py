from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_digits

from latentia import VAE


@pytest.fixture(scope="session")
def digits():
    """Eight by eight digits as uint8 images `[n, 1, 8, 8]`, and their classes."""
    data = load_digits()
    return np.rint(data.images * (255 / 16)).astype(np.uint8)[:, None], data.target


@pytest.fixture(scope="session")
def vae(digits):
    """A small model of all digits, fitted in some seconds."""
    model = VAE(
        latent_dim=6, network="mlp-small", max_epochs=8, batch_size=64, n_importance=5, random_state=0
    )
    return model.fit(digits[0][:1500])
