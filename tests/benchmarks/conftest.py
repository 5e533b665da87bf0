import pytest

from latentia.benchmarks import fits, peers


@pytest.fixture(autouse=True)
def small_network(monkeypatch):
    """The protocol's network is for larger images than those of these tests."""
    monkeypatch.setattr(fits, "NETWORK", "mlp")
    monkeypatch.setattr(peers, "NETWORK", "mlp")
