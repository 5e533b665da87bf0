"""Events with the times between them: densities against SciPy, padding, codes that know what only gaps tell, and the command line."""

from __future__ import annotations

import datetime
import json

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.stats import lognorm
from sklearn.base import clone
from sklearn.neighbors import KNeighborsClassifier

import latentia
from command_line import fails, run
from latentia import SequenceVAE, explore
from latentia.data.events import Events
from latentia.data.items import Strings, joined
from latentia.errors import ConfigError, DataError
from latentia.estimators.forms.events import GapForm, as_events
from latentia.nn.gaps import FLOOR, gaps_of, tokens_of, with_gaps

SMALL = {"gaps": True, "network": {"width": 16}, "latent_dim": 2, "random_state": 0}
RATES = (0.2, 1.0, 5.0)


def visits(n, seed=0):
    """Events of three classes that differ in nothing but their median gap."""
    random = np.random.default_rng(seed)
    kinds = random.integers(3, size=n)
    found = []
    for kind in kinds:
        length = random.integers(4, 8)
        times = np.cumsum(np.r_[0.0, RATES[kind] * np.exp(0.3 * random.normal(size=length - 1))])
        found.append(
            [
                (str(label), float(t))
                for label, t in zip(random.choice(list("abc"), length), times, strict=True)
            ]
        )
    return found, kinds


@pytest.fixture(scope="module")
def model():
    return SequenceVAE("sequence-vae", max_epochs=2, n_importance=4, **SMALL).fit(visits(80)[0])


@pytest.fixture(scope="module")
def learned():
    return SequenceVAE(
        "sequence-free-bits",
        gaps=True,
        network={"width": 32, "dropout": 0.0},
        latent_dim=2,
        max_epochs=16,
        learning_rate=1e-2,
        random_state=0,
    ).fit(visits(300)[0])


# ---------------------------------------------------------------------- tokens that carry gaps


def test_tokens_and_gaps_come_back_from_one_number():
    random = np.random.default_rng(0)
    tokens = torch.from_numpy(random.integers(0, 2**24, 500))
    logs = torch.from_numpy(random.normal(size=500) * 10).float()
    x = with_gaps(tokens, logs)
    assert (x > 0).all()
    assert torch.equal(tokens_of(x), tokens)
    assert torch.equal(gaps_of(x)[0], logs)
    plain = torch.tensor([-1, 0, 7])
    assert torch.equal(tokens_of(plain), plain)
    assert not gaps_of(plain)[1].any()


def test_events_are_cut_and_joined_with_their_times():
    items, _ = visits(20)
    events = Events.of_events(items)
    assert events[[3, 0, 3]].timed() == [items[3], items[0], items[3]]
    assert events[np.zeros(20, bool)].timed() == []
    assert joined([events[:5], events[5:]]).timed() == items
    assert events.lists() == [[label for label, _ in item] for item in items]


# ---------------------------------------------------------------------- densities


@pytest.mark.parametrize(
    "name", ["sequence-vae", "sequence-lm", "sequence-skip", "sequence-steps", "sequence-transformer"]
)
def test_density_is_that_of_tokens_and_of_log_normal_gaps(name):
    """In float64: log p(x, g) = log p(x) + log of SciPy's log-normal density of each gap, in the units of time; s the residuals' own deviation."""
    items = [item for item, _ in zip(visits(40)[0], range(40), strict=True)]
    items[0] = [("a", 1.0), ("b", 1.0), ("c", 4.0)]  # a tie: a unit is added
    fitted = SequenceVAE(
        name, max_epochs=1, **{**SMALL, "latent_dim": None if name == "sequence-lm" else 2}
    ).fit(items)
    module = fitted.module_.double().eval()
    form = fitted.form_.gaps
    assert form.unit > 0
    _, x = fitted.tensors(items)
    module.calibrate([x])
    torch.manual_seed(0)
    z = torch.randn(len(x), fitted.latent_dim_).double()
    with torch.no_grad():
        labels, gaps = module.decoder.parts(z, x)
        hidden = module.decoder.hidden(z, x)
        m = module.decoder.gaps.located(hidden).numpy()
        joint = module.conditional(z, x).log_prob(x).numpy()
        exact_labels = (
            module.decoder.logits(z, x)
            .log_softmax(-1)
            .gather(-1, tokens_of(x).clamp(min=0)[..., None])[..., 0]
        )
    deviation = form.scale * float(module.decoder.gaps.sigma2.sqrt())
    for i, item in enumerate(items):
        between = np.diff([time for _, time in item])
        density = lognorm(deviation, loc=-form.unit, scale=np.exp(m[i, 1 : len(item)])).logpdf(between)
        np.testing.assert_allclose(gaps[i, 1 : len(item)], density, atol=2e-6)  # gaps are kept in float32
        assert gaps[i, 0] == 0
        assert (gaps[i, len(item) :] == 0).all()
        expected = exact_labels[i, : len(item) + 1].sum().item() + density.sum()
        assert joint[i] == pytest.approx(expected, abs=1e-5)
        np.testing.assert_allclose(labels[i, : len(item) + 1], exact_labels[i, : len(item) + 1], atol=1e-12)


def test_variance_of_gaps_is_their_mean_squared_residual(model):
    module, x = model.tensors(visits(30, seed=3)[0])
    head, h = module.decoder.gaps, torch.randn(*x.shape, 16)
    logs, there = gaps_of(x)
    residual = ((logs - head.located(h)) / head.scale)[there]
    expected = max(residual.square().mean().item(), FLOOR**2)
    head.start_calibration()
    head.accumulate(h[:10], x[:10])
    head.accumulate(h[10:], x[10:])
    before = head.sigma2.clone()
    head.finish_calibration()
    assert head.sigma2.item() == pytest.approx(expected, rel=1e-5)
    head.sigma2.copy_(before)
    head.train()
    log_p = head.log_prob(h, x)[there]
    head.eval()
    s = head.scale * expected**0.5
    exact = torch.distributions.LogNormal(head.located(h)[there], torch.tensor(s)).log_prob(logs[there].exp())
    torch.testing.assert_close(log_p, exact, rtol=1e-4, atol=1e-4)


def test_an_item_alone_equals_the_item_in_any_batch(model):
    items, _ = visits(6, seed=4)
    items.append([("a", 0.0)])  # no gap at all
    long = [("b", float(t)) for t in range(40)]
    together = model.score_samples([*items, long])[: len(items)]
    alone = [model.score_samples([item])[0] for item in items]
    np.testing.assert_allclose(together, alone, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(model.transform([*items, long])[0], model.transform(items[:1])[0], atol=1e-6)
    shifted = [[(label, time + 100.0) for label, time in item] for item in items]
    np.testing.assert_allclose(model.score_samples(shifted), model.score_samples(items), rtol=1e-3)
    scores = model.token_scores(items)
    assert [len(score) for score in scores] == [len(item) + 1 for item in items]


def test_step_by_step_it_says_what_it_says_at_once(model):
    module, x = model.tensors(visits(5, seed=5)[0])
    z = torch.zeros(len(x), 2)
    state = module.decoder.begin(z, x.shape[1])
    token = torch.full((len(x),), module.decoder.n_tokens)
    steps = []
    for t in range(x.shape[1]):
        hidden, state = module.decoder.step(token, state, t)
        steps.append(hidden)
        token = x[:, t].clamp(min=0)
    there = x >= 0
    torch.testing.assert_close(
        torch.stack(steps, 1)[there], module.decoder.hidden(z, x)[there], rtol=1e-4, atol=1e-5
    )


# ---------------------------------------------------------------------- learning


def test_codes_know_what_only_gaps_tell(learned):
    (train, y), (test, z) = visits(300), visits(200, seed=1)
    neighbours = KNeighborsClassifier(5).fit(learned.transform(train), y)
    assert neighbours.score(learned.transform(test), z) > 0.9
    alone = learned.form_.gaps.independent(as_events(test).items)
    scored = np.concatenate([each[1:-1] for each in learned._inference().gap_scores(as_events(test).items)])
    assert len(scored) == len(alone)
    assert (
        scored.mean() > alone.mean() + 0.4
    )  # log(deviation of all / of one class) = 1.5; the first gap of a class must be learned
    odd = [[("a", 0.0), ("b", 0.2), ("c", 5.2), ("a", 5.4), ("b", 10.4)]]  # fast and slow in one
    usual = explore.anomaly_scores(learned, test, "likelihood", train)
    per_event = usual / [2 * len(item) for item in test]
    assert explore.anomaly_scores(learned, odd, "likelihood", train)[0] / 10 > np.quantile(per_event, 0.9)


def test_draws_have_labels_and_times(learned):
    drawn = learned.sample(200, random_state=0)
    assert all(item == [] or item[0][1] == 0.0 for item in drawn)
    gaps = np.concatenate([np.diff([time for _, time in item]) for item in drawn if len(item) > 1])
    assert (gaps >= 0).all()
    data = np.concatenate([np.diff([time for _, time in item]) for item in visits(300)[0]])
    assert np.log(gaps).mean() == pytest.approx(np.log(data).mean(), abs=0.4)
    assert np.log(gaps).std() == pytest.approx(np.log(data).std(), rel=0.3)
    learned.score_samples(list(drawn))  # draws are items
    (found,) = learned.complete([[("a", 0.0), ("b", 5.0)]], 20, random_state=0)
    assert all([label for label, _ in item[:2]] == ["a", "b"] for item in found)
    assert all(item[1][1] == pytest.approx(5.0, rel=1e-5) for item in found)
    slow = np.concatenate([np.diff([time for _, time in item[1:]]) for item in found])
    assert np.median(slow) > 2  # those that began slowly go on so
    way = explore.interpolate(learned, visits(9)[0][0], visits(9)[0][1], steps=3, method="linear")
    assert len(way.items) == 3


def test_it_is_kept_and_read_and_cloned(model, tmp_path):
    items, _ = visits(5, seed=6)
    again = latentia.load(model.save(tmp_path / "run"))
    assert again.form_.gaps == model.form_.gaps
    np.testing.assert_array_equal(again.score_samples(items), model.score_samples(items))
    assert clone(model).get_params() == model.get_params()


def test_killed_and_resumed_it_ends_with_the_same_bits(tmp_path, monkeypatch):
    items = visits(60)[0]

    def fitted(folder, resume=False):
        return SequenceVAE(max_epochs=4, **SMALL).fit(items, run_dir=folder, resume=resume)

    whole = fitted(tmp_path / "whole")
    head = type(whole.module_.decoder.gaps)
    real, calls = head.log_prob, []

    def log_prob(self, *args):
        calls.append(None)
        if len(calls) == 20:
            raise KeyboardInterrupt
        return real(self, *args)

    class Killed(BaseException):
        pass

    def killed(self, *args):
        calls.append(None)
        if len(calls) == 20:
            raise Killed
        return real(self, *args)

    with monkeypatch.context() as patch:
        patch.setattr(head, "log_prob", killed)
        with pytest.raises(Killed):
            fitted(tmp_path / "killed")
    resumed = fitted(tmp_path / "killed", resume=True)
    for name, value in whole.module_.state_dict().items():
        assert torch.equal(value, resumed.module_.state_dict()[name]), name


# ---------------------------------------------------------------------- what may be given


def test_times_may_be_dates_and_come_in_a_frame():
    day = datetime.date(2024, 5, 17)
    dated = as_events([[("a", day), ("b", day + datetime.timedelta(days=2))]]).items
    assert dated.dated
    assert dated.gaps()[1] == 2.0
    stamps = [
        [
            ("a", pd.Timestamp("2024-05-17 12:00", tz="UTC")),
            ("b", pd.Timestamp("2024-05-17 20:00", tz="Europe/Berlin")),
        ]
    ]
    assert as_events(stamps).items.gaps()[1] == pytest.approx(6 / 24)
    assert (
        as_events([[("a", np.datetime64("2024-05-17")), ("b", np.datetime64("2024-05-18"))]]).items.gaps()[1]
        == 1.0
    )
    frame = pd.DataFrame(
        {"who": ["x", "y", "x"], "when": ["2024-05-19", "2024-05-18", "2024-05-17"], "what": list("abc")}
    )
    found = as_events(frame).items
    assert [[label for label, _ in item] for item in found.timed()] == [["c", "a"], ["b"]]
    assert found.dated
    assert found.gaps()[1] == 2.0
    assert as_events([[(3, 0), (5, 1)]]).numeric


@pytest.mark.parametrize(
    "when",
    [
        pd.date_range("2024-05-17", periods=3, freq="12h"),
        pd.date_range("2024-05-17", periods=3, freq="12h", tz="Europe/Berlin"),
        pd.to_timedelta([0, 12, 24], unit="h"),
        pd.date_range("2024-05-17", periods=3, freq="12h").astype("datetime64[s]"),
    ],
    ids=["dates", "dates of a zone", "durations", "dates in seconds"],
)
def test_typed_columns_of_dates_and_durations_are_days(when):
    """As a frame, and the files that keep types, have them: not the whole numbers that stand behind them."""
    found = as_events(pd.DataFrame({"who": ["x"] * 3, "when": when, "what": list("abc")})).items
    assert found.dated
    np.testing.assert_allclose(found.gaps()[1:], 0.5)


def test_a_date_that_is_missing_is_told_by_its_row():
    when = [pd.Timestamp("2024-05-17"), pd.NaT, pd.Timestamp("2024-05-19")]
    with pytest.raises(DataError, match="row 2, column 'when'"):
        as_events(pd.DataFrame({"who": ["x"] * 3, "when": when, "what": list("abc")}))


def test_ties_get_the_smallest_other_gap_as_their_unit():
    form, choice = GapForm.of(Events.of_events([[("a", 0), ("b", 0), ("c", 2), ("d", 7)]]))
    assert (form.unit, form.least) == (2.0, 2.0)
    assert "1 are 0, so 2 is added" in choice.reason
    np.testing.assert_allclose(form.logs(np.array([0.0, 2.0])), np.log([2.0, 4.0]))
    form, choice = GapForm.of(Events.of_events([[("a", 0), ("b", 3), ("c", 5)]]))
    assert form.unit == 0.0
    np.testing.assert_allclose(form.logs(np.array([0.0, 1.0])), np.log([2.0, 1.0]))  # a tie among later items


@pytest.mark.parametrize(
    ("X", "words"),
    [
        (["a b", "c"], "item 0 is 'a b'"),
        ([["a", "b"], ["c"]], "item 0, position 0: 'a' is no .label, time."),
        ([[("a", 0, 1)], []], "is no .label, time."),
        ([[("a", "x")], []], "item 0, position 0: 'x' is no time"),
        ([[("a", None)], []], "is no time"),
        ([[("a", True)], []], "is no time"),
        ([[(None, 0)], []], "None is no token"),
        (
            [[("a", 1.0), ("b", 0.0)], []],
            "item 0, position 1: time 0.0 is before that of the event before it",
        ),
        ([[("a", 1.0)], [("b", float("nan"))]], "item 1, position 0: time nan"),
        ([[("a", float("inf"))], []], "time inf"),
        ([[("a", 0)], [("b", datetime.date(2024, 1, 1))]], "some times are dates"),
        ([[("a", 0)], [("b", 1)]], "no event of an item is later"),
        ([[("a", 0), ("b", 0)], [("b", 1)]], "no event of an item is later"),
        (pd.DataFrame({"a": ["x"], "b": ["y"]}), "a frame of 2 columns"),
        ("text", "the items have no times"),
        (3, "the items have no times"),
        ([3, 4], "item 0 is '3'"),
        ([], "0 items"),
    ],
)
def test_items_that_cannot_be_used_are_named(X, words):
    with pytest.raises(DataError, match=words):
        SequenceVAE(max_epochs=1, **SMALL).fit(X)


def test_what_is_not_defined_with_gaps_is_refused(model):
    items, _ = visits(3)
    for figure in (model.perplexity, model.bits_per_character):
        with pytest.raises(ConfigError, match="is of tokens alone"):
            figure(items)
    with pytest.raises(ConfigError, match="how='beam' compares labels alone"):
        model.inverse_transform(np.zeros((1, 2)), how="beam")
    with pytest.raises(ConfigError, match="gaps='yes'"):
        SequenceVAE(**{**SMALL, "gaps": "yes"}).fit(items)
    with pytest.raises(ConfigError, match="export writes encoders of tokens alone"):
        model.export("nowhere")
    plain = SequenceVAE("sequence-vae", max_epochs=1, **{**SMALL, "gaps": False}).fit(
        Events.of_events(visits(20)[0])
    )
    assert isinstance(plain.sample(1, random_state=0)[0], list)
    with pytest.raises(DataError, match="no times"):
        model.transform(Strings.of_labels([["a"]]))


# ---------------------------------------------------------------------- the command line


def test_on_the_command_line(tmp_path, capsys):
    items, kinds = visits(40)
    rows = [
        (
            f"p{i}",
            f"{pd.Timestamp('2024-01-01') + pd.Timedelta(days=time):%Y-%m-%dT%H:%M:%S}",
            label,
            kinds[i],
        )
        for i, item in enumerate(items)
        for label, time in item
    ]
    pd.DataFrame(rows, columns=["who", "when", "what", "kind"]).to_csv(tmp_path / "log.csv", index=False)
    roles = ["--id", "who", "--order", "when", "--event", "what"]
    out = tmp_path / "run"
    sizes = ["--epochs", 1, "--latent-dim", 2, "--set", "network.width=16", "gaps=true"]
    run("fit", tmp_path / "log.csv", *roles, "--model", "sequence-vae", *sizes, "--out", out)
    said = capsys.readouterr().out
    assert "in days, as times are dates" in said + json.dumps(
        json.loads((out / "config.json").read_text())["choices"]
    )
    page = (out / "report.html").read_text()
    assert 'id="gaps"' in page
    run("evaluate", out, "--json")
    figures = json.loads(capsys.readouterr().out)
    assert figures["gap_baseline"] < 3
    assert np.isfinite(figures["gap_log_likelihood"])
    assert figures["perplexity"] is None
    run("sample", out, "--n", 8)
    assert "@0" in capsys.readouterr().out
    run("complete", out, "--prefix", "a@0 b@2.5", "--n", 2)
    assert all(line.startswith("a@0 b@2.5") for line in capsys.readouterr().out.splitlines())
    assert "'a': a label and its time are expected" in fails(capsys, "complete", out, "--prefix", "a")
    run("reconstruct", out, "--n", 3, "--out", tmp_path / "both.jsonl")
    first = json.loads((tmp_path / "both.jsonl").read_text().splitlines()[0])
    assert len(first["item"][0]) == 2
    run("anomaly", out, "--other", tmp_path / "log.csv", "--out", tmp_path / "odd.csv")
    assert pd.read_csv(tmp_path / "odd.csv")["score"].notna().all()
    no_times = ["--id", "who", "--event", "what"]
    assert "no times" in fails(
        capsys, "fit", tmp_path / "log.csv", *no_times, *sizes, "--out", tmp_path / "other"
    )
