import pytest

from latentia.benchmarks import peers, protocol


@pytest.fixture(autouse=True)
def small_network(monkeypatch):
    """The report's network is for larger images than those of these tests."""
    monkeypatch.setattr(protocol, "NETWORK", "mlp-small")
    monkeypatch.setattr(peers, "NETWORK", "mlp-small")
