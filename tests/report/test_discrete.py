from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from latentia.kinds.codes.page import CodesInput, code_cards, principal_plane, usage_figure
from latentia.kinds.fitting import fit_run
from latentia.kinds.known import DataSpec
from latentia.kinds.reporting import report_run
from latentia.report.theme import LIGHT


def codes(n_codes=6, shape=(2, 2), vectors=True):
    generator = np.random.default_rng(0)
    return CodesInput(
        codes=generator.integers(0, n_codes - 2, (20, shape[0] * shape[1])),
        n_codes=n_codes,
        shapes=(shape,),
        vectors=generator.normal(size=(n_codes, 3)) if vectors else None,
        rates=np.linspace(0.1, 1.5, shape[0] * shape[1]),
        prior="independent",
    )


@pytest.mark.parametrize("model", ["vq-vae-ema", "fsq-vae", "vq-vae-2"])
def test_report_of_a_run(model, tmp_path):
    params = {
        "model": model,
        "n_codes": 16,
        "latent_dim": 4,
        "prior": "independent",
        "max_epochs": 1,
        "random_state": 0,
    }
    run = fit_run(DataSpec("digits"), params, tmp_path / "run", command="latentia fit digits")
    page = report_run(run).read_text()
    for words in (
        "Code usage",
        "Rate of the codes",
        "Are the codes in use?",
        "perplexity",
        "Completions",
        "Sampler",
    ):
        assert words in page
    assert "train_loss" not in page  # curves are drawn, not listed among the settings
    assert ("Codebook</" in page) is (model == "vq-vae-ema")
    assert (tmp_path / "run" / "figures" / "code-usage.svg").stat().st_size > 1000


def test_usage_counts_each_code():
    given = codes()
    assert given.counts.sum() == 80
    assert (given.counts[-2:] == 0).all()
    bars = [patch.get_height() for patch in usage_figure(given.counts, LIGHT).axes[0].patches]
    assert bars == sorted(given.counts.tolist(), reverse=True)
    assert usage_figure(np.zeros(4, dtype=int), LIGHT) is None


def test_principal_plane_keeps_distances_of_a_plane():
    points = np.random.default_rng(0).normal(size=(7, 2))
    rotated = (
        np.concatenate([points, np.zeros((7, 3))], 1)
        @ np.linalg.qr(np.random.default_rng(1).normal(size=(5, 5)))[0]
    )
    plane = principal_plane(rotated)
    distance = lambda p: np.linalg.norm(p[:, None] - p[None], axis=-1)  # noqa: E731
    np.testing.assert_allclose(distance(plane), distance(points), atol=1e-12)


def test_cards_of_a_table_have_no_tiles(tables):
    ids = [card.id for card in code_cards(replace(codes(), shapes=((1, 4),)), next(iter(tables.values())))]
    assert ids == ["code-usage", "rate-map", "codebook-map"]
