"""How columns go together in samples and data, and whether samples are copies: planted states, and sums by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import command_line
from latentia import VAE
from latentia.data.synthetic_tables import customers
from latentia.diagnostics.copies import copies
from latentia.diagnostics.pairs import pairs, unlike_pairs
from latentia.vocabulary import UNLIKE

RNG = np.random.default_rng(2)


def table(n, share=1.0):
    """Four columns, three of which follow one hidden number, the last of levels."""
    hidden = RNG.normal(size=n)
    other = np.where(RNG.random(n) < share, hidden, RNG.normal(size=n))
    return np.column_stack(
        [
            hidden + 0.3 * RNG.normal(size=n),
            other + 0.3 * RNG.normal(size=n),
            RNG.normal(size=n),
            np.digitize(other, [-0.5, 0.5]),
        ]
    )


NOMINAL = [False, False, False, True]


def test_pairs_of_one_distribution_are_alike_and_lost_ones_are_named():
    data = table(1500)
    data[RNG.random(data.shape) < 0.1] = np.nan
    found = pairs(data, table(2000), NOMINAL)
    assert found.unlike == 0
    assert found.together == 3
    assert unlike_pairs(found).name == ""
    lost = table(2000)
    lost[:, 1] = RNG.permutation(lost[:, 1])  # the margins stay
    found = pairs(data, lost, NOMINAL)
    assert found.unlike == 2
    assert 1 in (found.first, found.second)
    said = unlike_pairs(found, ["a", "b", "c", "plan"])
    assert said.name == UNLIKE
    assert "'b'" in said.evidence
    assert said.strength > 1


def test_a_pair_that_is_only_in_samples_counts_too():
    data, made = RNG.normal(size=(500, 2)), RNG.normal(size=(2000, 1)).repeat(2, axis=1)
    assert unlike_pairs(pairs(data, made, [False, False])).name == UNLIKE
    assert pairs(data[:10], made, [False, False]) is None
    assert pairs(np.ones((500, 2)), made, [False, False]) is None


def test_copies_are_the_nearest_rows_by_hand():
    train = np.column_stack([RNG.normal(size=60), RNG.integers(0, 3, 60), RNG.normal(size=60)]).astype(float)
    train[5, 0] = np.nan
    samples = np.vstack([train[:10], RNG.normal(size=(10, 3))])
    samples[5, 0] = 1.0  # the training row does not know this cell
    nominal = [False, True, False]
    spread = [5 * float(np.subtract(*np.nanquantile(train[:, j], [0.75, 0.25]))) / 1.349 for j in range(3)]
    by_hand = []
    for row in samples:
        each = []
        for other in train:
            terms = [float(row[j] != other[j]) if nominal[j] else min(1.0, abs(row[j] - other[j]) / spread[j])
                     for j in range(3) if not np.isnan(other[j])]  # fmt: skip
            each.append(np.mean(terms))
        by_hand.append(min(each))
    found = copies(samples, train, samples[10:], nominal)
    assert found.exact == 0.5
    assert found.exact_held_out == 0.0
    assert found.nearest == pytest.approx(np.median(by_hand))
    assert found.nearest_held_out == pytest.approx(np.median(by_hand[10:]))
    assert "50.0% of 20 samples equal" in found.told
    assert "held-out" not in copies(samples, train, None, nominal).told
    assert copies(samples, np.full((3, 3), np.nan), None, nominal) is None


def test_independent_columns_are_found_by_the_verdict_of_a_mixture(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    customers(300, 1, planted=0).frame.to_csv("c.csv", index=False)
    command_line.run(
        "fit", "c.csv", "--model", "mixed-mixture", "--n-components", 1, "--no-report", "--out", "run"
    )
    capsys.readouterr()
    command_line.run("diagnose", "run")
    told = " ".join(capsys.readouterr().out.split())
    assert "pairs of columns that go together" in told
    assert UNLIKE in told


def test_the_page_of_a_table_says_how_near_samples_are_to_training_rows(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    customers(150, 2, planted=0).frame.to_csv("c.csv", index=False)
    command_line.run("fit", "c.csv", "--epochs", 1, "--out", "run")
    page = next((tmp_path / "run").rglob("*.html")).read_text()
    assert "Samples and training rows" in page
    assert "training rows in all known cells" in page
    assert "held-out rows, which nobody has copied" in page
    capsys.readouterr()


def test_the_diagnosis_of_a_model_of_unlike_columns_holds_its_pairs():
    frame = customers(150, 3, planted=0).frame.set_index("customer")
    found = VAE(latent_dim=2, max_epochs=2, random_state=0).fit(frame).diagnose(frame, thorough=False)
    assert found.pairs.together > 0
    assert any("association" in row.name for row in found.rows())
    plain = pd.DataFrame(RNG.normal(size=(80, 3)))
    assert (
        VAE(latent_dim=1, max_epochs=1, random_state=0).fit(plain).diagnose(plain, thorough=False).pairs
        is None
    )
