"""Types beside neural models: the same folds, the same units, and one code out of K as the mixture that it is."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import sparse, special, stats

import latentia
from latentia.data.synthetic_communities import communities
from latentia.errors import ConfigError
from latentia.kinds.types.comparing import BOUND, EXACT, check_models, compare
from latentia.kinds.types.fits import best_of, log_density


def test_one_code_out_of_k_is_the_mixture_with_a_shared_precision():
    """The bound of each sample is the term of its code in SciPy's mixture of Dirichlet-multinomials, and below its logarithm."""
    x, _ = communities("clusters", 40, 6, depth=300, seed=3)
    e = latentia.VQVAE(
        n_codes=3, n_groups=1, likelihood="dirichlet-multinomial", max_epochs=3, random_state=0
    ).fit(x)
    module = e.module_.eval()
    codes = torch.arange(3)[:, None]
    with torch.no_grad():
        shares = special.softmax(module.outputs(codes).double().numpy()[:, 0], axis=1)
        theta = module.likelihood.log_precision.exp().item()
        log_p = module.prior.log_probs(codes).double().numpy()[:, 0]
    log_p = log_p[0]  # one position: the same for every code that stands there
    terms = (
        np.array(
            [
                [stats.dirichlet_multinomial.logpmf(row, theta * share, int(row.sum())) for share in shares]
                for row in x
            ]
        )
        + log_p
    )
    chosen = e.transform(x).ravel().astype(int)
    scores = e.score_samples(x)
    np.testing.assert_allclose(scores, terms[np.arange(len(x)), chosen], rtol=1e-4)
    assert (scores <= special.logsumexp(terms, axis=1) + 1e-3).all()
    assert special.logsumexp(log_p) == pytest.approx(0, abs=1e-5)


def test_rows_of_the_table_are_what_they_say():
    x, _ = communities("clusters", 30, 6, depth=300, seed=5)
    table = latentia.CountTable.of(x, range(30), "abcdef")
    groups = np.arange(30) // 2
    lines: list[str] = []
    found = compare(
        table.counts,
        groups,
        ["sigma-vae"],
        2,
        n_folds=2,
        options={"max_epochs": 1, "n_importance": 4},
        say=lines.append,
    )
    assert found["model"].tolist() == ["2 types", "1 type", "mixture of 2 multinomials", "sigma-vae"]
    assert found["likelihood"].tolist() == [EXACT, EXACT, EXACT, BOUND]
    assert found["difference"].iloc[0] == 0
    np.testing.assert_allclose(found["mean"] - found["mean"].iloc[0], found["difference"], atol=1e-9)
    assert len(lines) == 4
    whole = log_density(best_of(table.counts, 2, 0, 2).components, table.counts).mean()
    assert found["mean"].iloc[0] < whole  # held out


def test_a_vae_with_the_likelihood_is_moved_by_muon_where_rows_are_enough():
    x, _ = communities("clusters", 50, 6, depth=300, seed=5)
    short = {"likelihood": "dirichlet-multinomial", "max_epochs": 1, "n_importance": 4, "random_state": 0}
    fits = {
        "auto": latentia.VAE(**short).fit(x),
        "muon": latentia.VAE(**short, optimizer="muon").fit(x),
        "adamw": latentia.VAE(**short, optimizer="adamw").fit(x),
        "few": latentia.VAE(**short).fit(x[:30]),
        "other": latentia.VAE(**{**short, "likelihood": "multinomial"}).fit(x),
    }
    moved = {name: e.settings_["optimizer"] for name, e in fits.items()}
    assert moved == {"auto": "muon", "muon": "muon", "adamw": "adamw", "few": "auto", "other": "auto"}
    said = {name for name, e in fits.items() if any(choice.what == "optimizer" for choice in e.choices_)}
    assert said == {"auto"}
    np.testing.assert_array_equal(fits["auto"].score_samples(x), fits["muon"].score_samples(x))
    assert (fits["auto"].score_samples(x) != fits["adamw"].score_samples(x)).any()


def test_a_sparse_table_is_fitted_with_rows_held_out():
    """What `latentia fit table.biom` does."""
    x, _ = communities("clusters", 30, 6, depth=300, seed=5)
    table = sparse.csr_array(x)
    short = {"likelihood": "dirichlet-multinomial", "max_epochs": 1, "n_importance": 4, "random_state": 0}
    found = latentia.VAE(**short).fit(table[:24], validation=table[24:])
    same = latentia.VAE(**short).fit(x[:24], validation=x[24:])
    np.testing.assert_allclose(found.score_samples(table), same.score_samples(x), rtol=1e-5)


def test_models_without_such_a_likelihood_are_refused():
    check_models(["vae", "vq-vae", "gumbel-vae"])
    with pytest.raises(ConfigError, match="have no likelihood dirichlet-multinomial"):
        check_models(["gmm"])
    with pytest.raises(ConfigError, match="did you mean"):
        check_models(["vq-va"])
