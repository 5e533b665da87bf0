"""With optimizer and network by name a seed gives the weights that it gave before there was a rule to choose them.

The digests are of version 0.1.0.dev0, on one machine and one thread: other processors add in another order. Elsewhere the sums of one
layer's weights are held against those of that machine, to what rounding may do in a few steps.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits, load_wine

from latentia import VAE
from latentia.distributions.numerics import has_bfloat16_units

MACHINE = ("2.13.0+cpu", "AVX512", 1, "AuthenticAMD 26")
"""Version of torch, its kernels, threads, maker and family of the processor."""

# network, optimizer: digest of all weights, sum of the posterior's
EXPECTED = {
    ("mlp-small", "muon"): ("20883bce37403bed16337ba4ae569592b3cf6982f10892ebc24db534da0aff1e", -2.1282),
    ("mlp-small", "adamw"): ("f062a9875e233922fbca89e83b063f9f015b4dfced34fd3166fff9e135542519", -1.16951),
    ("conv", "muon"): ("0449ded02b75aa5aba28e3392d05a4ae83e06a686dcd94afa7da488ce520955d", 1.71144),
}


def machine() -> tuple[str, str, int, str]:
    path = Path("/proc/cpuinfo")
    lines = path.read_text().splitlines() if path.exists() else []
    found = dict(line.split(":", 1) for line in lines if ":" in line)
    cpu = {name.strip(): value.strip() for name, value in found.items()}
    maker = f"{cpu.get('vendor_id', '')} {cpu.get('cpu family', '')}"
    return torch.__version__, torch.backends.cpu.get_cpu_capability(), torch.get_num_threads(), maker


def fitted(network: str, optimizer: str) -> VAE:
    vae = VAE(latent_dim=2, network=network, optimizer=optimizer, device="cpu", random_state=0)
    if network == "conv":
        images = (load_digits().images[:200, None] * 16).clip(0, 255).astype(np.uint8)
        return vae.set_params(max_epochs=2, batch_size=32).fit(images)
    return vae.set_params(max_epochs=3, batch_size=16).fit(load_wine().data)


@pytest.mark.parametrize(("network", "optimizer"), EXPECTED)
def test_a_seed_gives_the_weights_that_it_gave(network, optimizer):
    if has_bfloat16_units(torch.device("cpu")):
        pytest.skip(
            "products are taken in bfloat16 on this machine, the kept weights are of one without units for it"
        )
    digest, total = EXPECTED[network, optimizer]
    vae = fitted(network, optimizer)
    weights = {name: value.contiguous().numpy() for name, value in vae.module_.state_dict().items()}
    if machine() == MACHINE:
        found = hashlib.sha256()
        for name in sorted(weights):
            found.update(name.encode() + weights[name].tobytes())
        assert found.hexdigest() == digest
    assert weights["posterior.linear.weight"].astype(np.float64).sum() == pytest.approx(total, rel=2e-3)
