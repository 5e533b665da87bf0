"""Series whose decoder is told the numbers before each: teacher forcing against step by step, gaps, draws, and the verdict."""

from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch

import latentia
from command_line import run
from latentia import SeriesVAE
from latentia.diagnostics.mutual_information import MutualInformation
from latentia.kinds.reporting import run_of
from latentia.kinds.run import Effort
from latentia.kinds.series import findings
from latentia.kinds.series.findings import Running
from latentia.kinds.series.form import as_series
from latentia.kinds.series.words import CHEATING

SMALL = {"width": 8, "latent_dim": 2, "random_state": 0}


def wanderings(n, seed=0, gaps=0.0, columns=1):
    """Series of first-order regressions, of which a code has nothing to tell."""
    random = np.random.default_rng(seed)
    found = []
    for _ in range(n):
        x = np.zeros((random.integers(12, 16), columns))
        for t in range(1, len(x)):
            x[t] = 0.5 * x[t - 1] + random.normal(size=columns)
        x[random.random(x.shape) < gaps] = np.nan
        x[0] = np.nan_to_num(x[0])
        found.append(x)
    return found


@pytest.fixture(scope="module")
def model():
    return SeriesVAE("series-autoregressive", max_epochs=2, **SMALL).fit(wanderings(60, gaps=0.2, columns=2))


def test_teacher_forcing_is_step_by_step(model):
    """In float64: p(x|z) is the product of the Gaussians that the decoder gives, one number after another, of what is observed."""
    items = as_series(wanderings(6, seed=1, gaps=0.3, columns=2))
    module = model.module_.double().eval()
    x = torch.from_numpy(model.form_.rows(items)).double()
    z = torch.randn(3, len(items), 2, dtype=torch.float64)
    decoder, likelihood = module.decoder, module.likelihood
    center, scale = likelihood.center.numpy(), likelihood.scale.numpy()
    with torch.no_grad():
        joint = module.conditional(z, x).log_prob(x)
        for s in range(3):
            for i in range(len(items)):
                code, state, before, total = (
                    z[s, i : i + 1],
                    decoder.begin(z[s, i : i + 1]),
                    torch.zeros(1, 1, 4).double(),
                    0.0,
                )
                for row in items.item(i):
                    out, state = decoder.onward(code, before, state)
                    mean = center + scale * out[0, 0, 0].numpy()
                    sigma = scale * likelihood.sigma2.sqrt().numpy()
                    log_p = -0.5 * ((row - mean) / sigma) ** 2 - np.log(sigma) - 0.5 * math.log(2 * math.pi)
                    total += np.nansum(log_p)
                    there = ~np.isnan(row)
                    told = np.where(there, (row - center) / scale, 0.0)
                    before = torch.from_numpy(np.concatenate([told, there.astype(float)]))[None, None]
                assert joint[s, i].item() == pytest.approx(total, abs=1e-6)  # numbers are kept in float32
    model.module_.float()


def test_what_is_missing_or_behind_the_end_changes_nothing(model):
    series = wanderings(4, seed=2, gaps=0.3, columns=2)
    behind = [np.concatenate([series[0], np.full((15 - len(series[0]), 2), np.nan)]), *series[1:]]
    np.testing.assert_allclose(model.score_samples(behind), model.score_samples(series), rtol=1e-5)
    np.testing.assert_allclose(model.score_samples(series[:1]), model.score_samples(series)[:1], rtol=1e-5)
    items = as_series(series)
    x = torch.from_numpy(model.form_.rows(items))
    z = torch.zeros(1, len(x), 2)
    hidden = x.clone()
    values, observed = hidden.chunk(2, -1)
    values[observed == 0] = 77.0  # what stands in a gap is never looked at
    with torch.no_grad():
        torch.testing.assert_close(
            model.module_.conditional(z, hidden).log_prob(hidden), model.module_.conditional(z, x).log_prob(x)
        )


def test_no_number_looks_ahead(model):
    x = torch.from_numpy(model.form_.rows(as_series(wanderings(1, seed=3, columns=2))))
    other = x.clone()
    other[:, 6] += 1.0
    z = torch.zeros(1, 1, 2)
    with torch.no_grad():
        a, b = (model.module_.conditional(z, each).loc[0, 0] for each in (x, other))
    assert torch.equal(a[:7], b[:7])
    assert not torch.allclose(a[7], b[7])


def test_draws_follow_their_own_numbers(model):
    """A draw's numbers are those of the decoder given those before them: the residuals are the likelihood's noise."""
    module = model.module_
    torch.manual_seed(0)
    z = torch.randn(400, 2)
    with torch.no_grad():
        x = module.decode(z).sample()
        residual = x[..., :2] - module.conditional(z[None], x).loc[0]
        mean_path = module.decode(z[:5]).loc
        forced = module.conditional(z[None, :5], torch.cat([mean_path, torch.ones_like(mean_path)], -1)).loc[
            0
        ]
    sigma = module.likelihood.scale * module.likelihood.sigma2.sqrt()
    np.testing.assert_allclose(residual.flatten(0, 1).std(0), sigma, rtol=0.05)
    torch.testing.assert_close(mean_path, forced, rtol=1e-4, atol=1e-4)
    assert len(model.sample(3, random_state=0)) == 3


def test_it_is_kept_and_read(model, tmp_path):
    series = wanderings(4, seed=5, columns=2)
    again = latentia.load(model.save(tmp_path / "run"))
    np.testing.assert_array_equal(again.score_samples(series), model.score_samples(series))
    assert any("can do without the code" in choice.reason for choice in model.choices_)


# ---------------------------------------------------------------------- the verdict


def drop(nats):
    return SimpleNamespace(drop=nats)


@pytest.mark.parametrize(
    ("nats", "told", "name"),
    [
        (0.0, Running(0.8, 0.0, 0.0, 0.0, 0.8), CHEATING),
        (0.5, Running(0.8, 0.0, 0.0, 0.0, 0.8), ""),
        (0.0, Running(0.8, 0.2, 0.0, 0.0, 0.8), ""),
        (
            0.0,
            Running(0.7, 0.0, 0.0, 0.0, 0.8),
            "",
        ),  # it foretells badly: a decoder that has not learned cheats not
    ],
)
def test_a_decoder_cheats_where_it_foretells_well_and_needs_no_code(nats, told, name):
    found = findings.cheating(drop(nats), told)
    assert found.name == name
    assert bool(found.remedies) == bool(name)


def test_codes_that_tell_less_than_a_nat_are_warned_of():
    def told(nats):
        found = MutualInformation.__new__(MutualInformation)
        object.__setattr__(found, "value", nats)
        return found

    assert findings.warned(told(1.5)) is None
    assert "less than 1" in findings.warned(told(0.4)).evidence


def test_of_wanderings_the_decoder_cheats():
    """A regression of first order has nothing for a code to tell: the rate collapses, and the cause is named."""
    series = wanderings(300)
    train, test = series[:240], series[240:]
    fitted = SeriesVAE("series-autoregressive", max_epochs=40, learning_rate=5e-3, **SMALL).fit(train)
    measured = run_of(fitted, as_series(test), None, train=as_series(train)).measure("test", Effort())
    assert measured.figures["kl"] < 0.1
    assert measured.verdict.findings[0].name == CHEATING
    assert measured.figures["forced_explained"] == pytest.approx(
        measured.figures["regression_explained"], abs=0.05
    )
    assert any("series-vae" in remedy.text for remedy in measured.verdict.findings[0].remedies)
    assert "less than 1" in " ".join(measured.verdict.evidence)


def test_on_the_command_line(tmp_path, capsys):
    rows = [f"{i},{t},{v:.4f}" for i, each in enumerate(wanderings(40)) for t, v in enumerate(each[:, 0])]
    (tmp_path / "s.csv").write_text("id,time,v\n" + "\n".join(rows))
    roles = ["--id", "id", "--time", "time", "--latent-dim", 2, "--set", "width=8"]
    run(
        "fit",
        tmp_path / "s.csv",
        *roles,
        "--model",
        "series-autoregressive",
        "--epochs",
        2,
        "--out",
        tmp_path / "run",
    )
    page = (tmp_path / "run" / "report.html").read_text()
    assert 'id="teacher-forcing"' in page
    run("sample", tmp_path / "run", "--n", 3, "--out", tmp_path / "drawn.csv")
    capsys.readouterr()
    run("export", tmp_path / "run", "--out", tmp_path / "onnx")
    assert {path.stem for path in (tmp_path / "onnx").glob("*.onnx")} == {"encoder"}
