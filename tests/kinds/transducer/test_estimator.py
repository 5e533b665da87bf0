"""The scikit-learn face of transducers, and their runs."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from sklearn.base import clone

from command_line import fails, run
from latentia import Transducer, load
from latentia.data.pairs import Pairs
from latentia.errors import ConfigError, DataError
from latentia.kinds.transducer.rows import with_share
from latentia.kinds.transducer.run import Judged, judge
from latentia.models.transducer import Transducer as Module

WORDS = ["one", "two", "three", "four"]
ALL = [row for length in (1, 2, 3) for row in itertools.product(range(4), repeat=length)]
X = [" ".join(WORDS[k] for k in row) for row in ALL]
Y = [" ".join(str(k + 1) for k in reversed(row)) for row in ALL]  # figures in the reverse order
ORDER = np.random.default_rng(0).permutation(len(X))
TRAIN, TEST = ORDER[:64], ORDER[64:]
SMALL = {
    "width": 12,
    "hidden": 16,
    "dropout": 0.0,
    "learning_rate": 1e-2,
    "batch_size": 16,
    "random_state": 0,
}


def of(values, places):
    return [values[i] for i in places]


@pytest.fixture(scope="module")
def learned():
    return Transducer("seq4", steps=240, **SMALL).fit(
        of(X, TRAIN), of(Y, TRAIN), unpaired=of(Y, TEST), validation=(of(X, TEST), of(Y, TEST))
    )


def test_a_rule_is_learned_and_holds_for_new_inputs(learned):
    assert learned.score(of(X, TEST), of(Y, TEST)) > 0.6
    assert learned.predict(["two three"]).tolist() == ["3 2"]
    assert np.exp(learned.log_output(["two three"], ["3 2"]))[0] > 0.5


def test_outputs_without_inputs_are_learned_from_after_a_while(learned):
    through = [row["train_through"] for row in learned.history_]
    assert through[0] == 0
    assert 0 < through[-1] < through[len(through) // 2]
    assert learned.n_train_ == len(TRAIN)


def test_the_generator_says_inputs(learned):
    drawn = learned.sample_inputs(["3 2", "1"], 3, random_state=0)
    assert [len(texts) for texts in drawn] == [3, 3]
    assert drawn == learned.sample_inputs(["3 2", "1"], 3, random_state=0)
    assert learned.input_accuracy(of(X, TRAIN), of(Y, TRAIN)) > 0.6


def test_attention_is_of_the_tokens(learned):
    given, found, weights = learned.attention("two three")
    assert (given, found) == (["two", "three", "</s>"], ["3", "2", "</s>"])
    np.testing.assert_allclose(weights.sum(1), 1, rtol=1e-5)


def test_it_is_kept_and_read(learned, tmp_path):
    again = load(learned.save(tmp_path / "run"))
    assert again.predict(of(X, TEST)).tolist() == learned.predict(of(X, TEST)).tolist()
    assert again.history_ == learned.history_


def test_the_report_from_python(learned, tmp_path):
    page = learned.report(
        of(X, TEST), tmp_path / "page.html", of(Y, TEST), train=(of(X, TRAIN), of(Y, TRAIN))
    )
    assert 'id="attention"' in page.read_text()


def test_it_is_a_scikit_learn_estimator():
    model = clone(Transducer("seq2seq", steps=3, **SMALL))
    assert model.get_params()["steps"] == 3
    one, other = (clone(model).fit(X, Y).module_.state_dict() for _ in range(2))
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_killed_and_resumed_it_ends_with_the_same_bits(tmp_path, monkeypatch):
    def fitted(folder, resume=False):
        return Transducer("seq4", labelled=0.5, steps=20, **SMALL).fit(X, Y, run_dir=folder, resume=resume)

    whole = fitted(tmp_path / "whole")
    trace, calls = Module.trace, itertools.count()

    def dying(self, rows, n_samples=1):
        if next(calls) == 13:
            raise KeyboardInterrupt
        return trace(self, rows, n_samples)

    monkeypatch.setattr(Module, "trace", dying)
    with pytest.raises(KeyboardInterrupt):
        fitted(tmp_path / "killed")
    monkeypatch.undo()
    resumed = fitted(tmp_path / "killed", resume=True)
    for name, value in whole.module_.state_dict().items():
        assert torch.equal(value, resumed.module_.state_dict()[name])


def test_a_share_of_the_inputs_is_told():
    pairs = with_share(Pairs.of_pairs(X, Y), 0.25, 0)
    told = [given for given in pairs.inputs() if given is not None]
    assert len(told) == 21
    assert pairs.outputs() == Y
    assert with_share(Pairs.of_pairs(X, Y), 0.25, 0).inputs() == pairs.inputs()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"labelled": 0.0}, "labelled=0.0"),
        ({"labelled": "all"}, "labelled='all'"),
        ({"model": "seq5"}, "did you mean"),
        ({"relaxation": "hard"}, "relaxation='hard'"),
        ({"dropout": 1}, "dropout=1"),
        ({"hidden": 0}, "hidden=0"),
        ({"steps": -1}, "steps=-1"),
        ({"unpaired_weight": -1}, "unpaired_weight=-1"),
        ({"batch_size": 0}, "batch_size=0"),
    ],
)
def test_parameters_that_mean_nothing_are_refused(options, words):
    with pytest.raises(ConfigError, match=words):
        Transducer(**options).fit(X, Y)


@pytest.mark.parametrize(
    ("X", "y", "words"),
    [
        (X, None, "y is missing"),
        (X, Y[:-1], "84 inputs for 83 outputs"),
        ("one", "1", "single text"),
        ([1, 2], ["1", "2"], r"X\[0\] is '1' of type int"),
        ([None, "one"], ["1", "2"], "at least 2 pairs"),
        (["one", "two"], ["1", None], r"y\[1\]"),
        (3, Y, "no list of texts"),
    ],
)
def test_items_that_cannot_be_used_are_named(X, y, words):
    with pytest.raises(DataError, match=words):
        Transducer(steps=1).fit(X, y)


def test_what_seq2seq_has_not_is_said():
    model = Transducer("seq2seq", steps=1, **SMALL).fit(X, Y)
    with pytest.raises(ConfigError, match="needs a generator of inputs, which seq2seq has not: fit seq4"):
        model.sample_inputs(["1"])


def test_inputs_made_up_that_grow_unlike_true_ones_are_a_private_code():
    found, train = Judged(100, 0.8, 0.04, 0.1), Judged(100, 1.0, 0.0, 0.01)
    looks = [
        {"input_accuracy": 0.5, "train_through": 0.0},
        {"input_accuracy": 0.47, "train_through": 1.0},
    ]
    assert judge(found, train, 0.3, 0.0, looks, 600).names == ("private code",)
    looks[1]["input_accuracy"] = 0.49
    assert judge(found, train, 0.3, 0.0, looks, 600).names == ()
    assert judge(found, Judged(100, 0.8, 0.04, 0.2), 0.3, 0.0, [], 600).names == ("under-trained",)
    assert judge(found, train, 0.3, 0.3, [], 600).names == ("unknown words",)


def test_on_the_command_line(tmp_path, capsys):
    lines = "\n".join(f"{x}\t{y}" for x, y in zip(X, Y, strict=True))
    (tmp_path / "numbers.tsv").write_text(f"words\tfigures\n{lines}\n")
    roles = ["--input-column", "words", "--output-column", "figures"]
    sizes = ["--steps", 20, "--labelled", 0.5, "--set", "width=8", "hidden=8"]
    run("fit", tmp_path / "numbers.tsv", *roles, *sizes, "--out", tmp_path / "run")
    assert (tmp_path / "run" / "report.html").exists()
    (tmp_path / "new.txt").write_text("one two\nthree\n")
    capsys.readouterr()
    run("predict", tmp_path / "run", tmp_path / "new.txt")
    assert [line.split("\t")[0] for line in capsys.readouterr().out.splitlines()] == ["one two", "three"]
    run("predict", tmp_path / "run", "--n", 3, "--out", tmp_path / "found.tsv")
    assert (tmp_path / "found.tsv").read_text().startswith("input\tprediction\toutput\n")
    assert "holds pairs: take another --model" in fails(
        capsys,
        "fit",
        tmp_path / "numbers.tsv",
        *roles,
        "--model",
        "sequence-vae",
        "--out",
        tmp_path / "other",
    )
    assert "--epochs is for" in fails(
        capsys, "fit", tmp_path / "numbers.tsv", *roles, "--model", "seq4", "--epochs", 3
    )
