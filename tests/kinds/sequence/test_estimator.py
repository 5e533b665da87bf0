"""The scikit-learn face of models of sequences: units, completions, draws, and what it refuses."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline

from grammar import is_grammatical, sentences
from latentia import SequenceVAE, explore
from latentia.data.items import Strings
from latentia.errors import ConfigError, DataError
from latentia.models import SequenceVAE as Module
from latentia.models.pretraining import MeanCoded

TEXTS, TOPICS = sentences(240)
SMALL = {"network": {"width": 16}, "latent_dim": 2, "random_state": 0}


@pytest.fixture(scope="module")
def model() -> SequenceVAE:
    return SequenceVAE("sequence-vae", max_epochs=3, n_importance=5, **SMALL).fit(TEXTS)


@pytest.fixture(scope="module")
def learned() -> SequenceVAE:
    """Enough of a fit to have learned the grammar and its topics."""
    texts, _ = sentences(1200, seed=1)
    return SequenceVAE(
        max_epochs=20, network={"width": 48, "dropout": 0.0}, latent_dim=4, learning_rate=5e-3, random_state=0
    ).fit(texts)


# ---------------------------------------------------------------------- units


def test_perplexity_of_a_model_that_knows_nothing_is_the_size_of_its_vocabulary():
    uniform = SequenceVAE("sequence-lm", network={"width": 16}, max_epochs=0, random_state=0).fit(TEXTS)
    for weight in uniform.module_.decoder.parameters():
        torch.nn.init.zeros_(weight)
    assert uniform.perplexity(TEXTS) == pytest.approx(uniform.form_.n_tokens, rel=1e-5)


def test_nats_perplexity_and_bits_are_one_number(model):
    nats = -model.score_samples(TEXTS).sum()
    tokens = sum(len(text.split()) + 1 for text in TEXTS)
    characters = sum(len(text) + 1 for text in TEXTS)
    assert model.perplexity(TEXTS) == pytest.approx(math.exp(nats / tokens))
    assert model.bits_per_character(TEXTS) == pytest.approx(nats / math.log(2) / characters)


def test_scores_of_tokens_are_what_the_decoder_says(model):
    scores = model.token_scores(TEXTS[:5])
    assert [len(score) for score in scores] == [len(text.split()) + 1 for text in TEXTS[:5]]
    module, x = model.tensors(TEXTS[:5])
    expected = module.decode(module.encode(x).mean).log_prob(x)
    np.testing.assert_allclose([score.sum() for score in scores], expected.detach(), rtol=1e-5)


def test_a_language_model_is_exact_and_needs_one_sample():
    lm = SequenceVAE("sequence-lm", network={"width": 16}, max_epochs=1, random_state=0).fit(TEXTS)
    figures = lm.evaluate(TEXTS)
    assert figures.kl == 0.0
    assert figures.elbo == pytest.approx(lm.score(TEXTS), abs=1e-5)
    assert figures.log_likelihood == pytest.approx(figures.elbo, abs=1e-5)
    assert lm.complete(["the cat"], 2, random_state=0)[0][0].startswith("the cat")


# ---------------------------------------------------------------------- learning


def test_draws_are_grammatical_and_codes_know_the_topic(learned):
    drawn = learned.sample(200, random_state=0)
    assert np.mean([is_grammatical(text) for text in drawn]) > 0.8
    texts, topics = sentences(400, seed=2)
    codes = learned.transform(texts)
    knn = KNeighborsClassifier(5).fit(codes[:300], topics[:300])
    assert knn.score(codes[300:], topics[300:]) > 0.9


def test_completions_begin_with_the_prefix_and_keep_its_topic(learned):
    (found,) = learned.complete(["the pilot"], 60, random_state=0)
    assert all(text.startswith("the pilot") for text in found)
    assert np.mean([is_grammatical(text) for text in found]) > 0.7


def test_completions_of_nothing_are_draws(learned):
    (found,) = learned.complete([""], 600, random_state=0)
    drawn = learned.sample(600, random_state=1)
    second = [[text.split()[1:2] for text in texts] for texts in (found, drawn)]
    for word in ("cat", "pilot", "cook"):
        share = [sum(words == [word] for words in each) / 600 for each in second]
        assert share[0] == pytest.approx(share[1], abs=0.06)


def test_exploration_works_on_texts(learned):
    way = explore.interpolate(learned, "the cat eats the fish", "the baker bakes the bread", 5)
    assert way.codes.shape == (5, 4)
    assert way.items.shape == (5,)
    texts, topics = sentences(300, seed=3)
    codes = learned.transform(texts)
    vector = explore.attribute_vector(codes[topics == 2], codes[topics == 0])
    moved = learned.inverse_transform(codes[topics == 0] + vector)
    assert np.mean([any(w in text for w in ("baker", "cook", "guest")) for text in moved]) > 0.6
    odd = explore.anomaly_scores(learned, ["fish the the eats cat"], "likelihood", texts[:50])
    usual = explore.anomaly_scores(learned, texts[:50], "likelihood", texts[:50])
    assert odd[0] > usual.max()
    near = explore.neighbours(codes[:200], codes[200:], 1).indices[:, 0]
    assert np.mean(topics[near] == topics[200:]) > 0.9


# ---------------------------------------------------------------------- scikit-learn


def test_in_pipelines_and_cross_validation():
    steps = make_pipeline(SequenceVAE(max_epochs=2, **SMALL), LogisticRegression())
    scores = cross_val_score(steps, np.array(TEXTS, dtype=object), TOPICS, cv=2)
    assert scores.shape == (2,)
    assert np.isfinite(scores).all()
    tags = SequenceVAE().__sklearn_tags__().input_tags
    assert tags.string
    assert not tags.two_d_array


def test_texts_may_come_in_many_shapes(model):
    codes = model.transform(TEXTS[:6])
    for X in (
        tuple(TEXTS[:6]),
        np.array(TEXTS[:6]),
        pd.Series(TEXTS[:6]),
        pd.DataFrame({"text": TEXTS[:6]}),
        Strings.of_texts(TEXTS[:6]),
    ):
        np.testing.assert_array_equal(model.transform(X), codes)


def test_lists_of_hashables_come_back_as_they_were():
    numbers = [[3, 5, 5], [5], [3, 3]] * 20
    model = SequenceVAE(max_epochs=1, **SMALL).fit(numbers)
    assert model.form_.numeric
    assert all(
        isinstance(token, int) or token == "<unk>"
        for item in model.sample(20, random_state=0)
        for token in item
    )
    words = [["a b", "é"], ["é"]] * 20
    drawn = SequenceVAE(max_epochs=1, **SMALL).fit(words).sample(20, random_state=0)
    assert {token for item in drawn for token in item} <= {"a b", "é", "<unk>"}


def test_an_array_of_tokens_has_items_of_one_length():
    X = np.random.default_rng(0).integers(0, 5, (60, 7))
    model = SequenceVAE(max_epochs=1, **SMALL).fit(X)
    assert not model.form_.end
    assert [len(item) for item in model.sample(4, random_state=0)] == [7] * 4
    assert model.evaluate(X, n_importance=2).elbo < 0


# ---------------------------------------------------------------------- pretraining, and resuming in its middle


def test_the_encoder_stays_and_the_decoder_begins_anew(monkeypatch):
    kept = {}
    real = Module.prepare

    def prepare(self, x):
        kept.setdefault("second", {name: value.clone() for name, value in self.state_dict().items()})
        real(self, x)

    first = MeanCoded.prepare

    def prepare_first(self, x):
        first(self, x)
        kept.pop("second", None)

    monkeypatch.setattr(Module, "prepare", prepare)
    monkeypatch.setattr(MeanCoded, "prepare", prepare_first)
    ends = {}
    reset = type(SequenceVAE("sequence-vae", max_epochs=0, **SMALL).fit(TEXTS).module_.decoder).reset

    def noted(self):
        ends["encoder"] = None
        reset(self)

    monkeypatch.setattr("latentia.nn.LSTMDecoder.reset", noted)
    finished = {}
    loop_finish = "latentia.training.loop.Loop.finish"
    from latentia.training.loop import Loop

    original = Loop.finish

    def finish(self):
        original(self)
        if isinstance(self.model, MeanCoded):
            finished.update({name: value.clone() for name, value in self.model.model.state_dict().items()})

    monkeypatch.setattr(loop_finish, finish)
    SequenceVAE(max_epochs=1, pretrain_epochs=2, **SMALL).fit(TEXTS)
    start = kept["second"]
    same = {name for name, value in finished.items() if torch.equal(value, start[name])}
    assert {name for name in start if name.startswith(("encoder", "posterior"))} <= same
    assert not {name for name in same if name.startswith("decoder") and "keep" not in name}


class Killed(Exception):
    pass


@pytest.mark.parametrize(("owner", "call"), [(MeanCoded, 14), (Module, 20)])
def test_killed_in_either_phase_and_resumed_it_ends_with_the_same_bits(owner, call, tmp_path, monkeypatch):
    def fitted(folder, resume=False):
        model = SequenceVAE(max_epochs=4, pretrain_epochs=3, batch_size=32, **SMALL)
        return model.fit(TEXTS, run_dir=folder, resume=resume)

    whole = fitted(tmp_path / "whole")
    real, calls = owner.trace, []

    def trace(self, *args):
        if self.training and not isinstance(self, Module if owner is MeanCoded else ()):
            calls.append(None)
            if len(calls) == call:
                raise Killed
        return real(self, *args)

    with monkeypatch.context() as patch:
        patch.setattr(owner, "trace", trace)
        with pytest.raises(Killed):
            fitted(tmp_path / "killed")
    resumed = fitted(tmp_path / "killed", resume=True)
    for name, value in whole.module_.state_dict().items():
        assert torch.equal(value, resumed.module_.state_dict()[name]), name
    timeless = [
        [
            {k: v for k, v in row.items() if "seconds" not in k and k not in WATCHED}
            for row in model.pretraining_ + model.history_
        ]
        for model in (whole, resumed)
    ]
    assert timeless[0] == timeless[1]


WATCHED = (
    "free_loss",
    "forced_loss",
    "free_loss_other",
    "mutual_information",
    "active_units",
    "watched_items",
)


# ---------------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"tokens": "letters"}, "tokens='letters'"),
        ({"tokens": {"unit": "word", "least": 3}}, "unknown entry 'least'"),
        ({"tokens": {"min_count": 0}}, r"tokens\.min_count=0"),
        ({"tokens": str.split}, "give lists of tokens"),
        ({"tokens": "none"}, "is for lists of labels"),
        ({"network": {"wide": 3}}, "unknown entry 'wide'"),
        ({"network": {"width": 2}}, r"network\.width=2"),
        ({"network": {"dropout": 1.5}}, r"network\.dropout=1\.5"),
        ({"network": {"tied": 1}}, r"network\.tied=1"),
        ({"network": "large"}, "network='large'"),
        ({"latent_dim": 0}, "latent_dim=0"),
        ({"model": "sequence-lm", "latent_dim": 3}, "no code"),
        ({"model": "sequence-lm", "latent_dim": None, "pretrain_epochs": 2}, "no code"),
        ({"model": "sequence-vea"}, "did you mean 'sequence-vae'"),
        ({"objective_options": {"nat": 3}}, "unknown option 'nat'"),
        ({"max_epochs": -1}, "max_epochs=-1"),
    ],
)
def test_parameters_that_mean_nothing_are_refused(options, words):
    with pytest.raises(ConfigError, match=words):
        SequenceVAE(**{**SMALL, "max_epochs": 1, **options}).fit(TEXTS)


@pytest.mark.parametrize(
    ("X", "words"),
    [
        ("one text", "single text"),
        ([None, "a"], "item 0 is None"),
        (["a", 3], "item 1 is 3|a text among lists"),
        ([["a", None]], "item 0, position 1: None is no token"),
        ([["a"], "b"], "item 1 is a text among lists"),
        ([], "0 items"),
        (["only one"], "1 item;"),
        (7, "holds no sequences"),
        (np.array([[0.5, 1.0], [1.0, 2.0]]), r"item 0, position 0: 0\.5 is no token"),
        (np.array([[1, -1, 2], [1, 2, 3]]), "item 0: a token stands behind an end"),
        (pd.DataFrame({"a": ["x"], "b": ["y"]}), "table of 2 columns"),
        (["", ""], "no token at all"),
    ],
)
def test_items_that_cannot_be_used_are_named(X, words):
    with pytest.raises(DataError, match=words):
        SequenceVAE(max_epochs=1, **SMALL).fit(X)


def test_use_before_and_beside_the_fit_is_refused(model):
    from sklearn.exceptions import NotFittedError

    with pytest.raises(NotFittedError):
        SequenceVAE().sample()
    with pytest.raises(DataError, match="items are lists of labels"):
        model.transform([["a", "b"]])
    with pytest.raises(DataError, match=r"codes of shape \(2, 3\)"):
        model.inverse_transform(np.zeros((2, 3)))
    with pytest.raises(DataError, match="NaN"):
        model.inverse_transform(np.full((1, 2), np.nan))
    with pytest.raises(ConfigError, match="how='best'"):
        model.inverse_transform(np.zeros((1, 2)), how="best")
    with pytest.raises(ConfigError, match="avoid='zebra'"):
        model.sample(1, avoid=["zebra"])
    with pytest.raises(ConfigError, match="n_samples=0"):
        model.sample(0)
    assert np.isfinite(model.score_samples(["", "zebra zebra", "the " * 3000])).all()
    assert not any("<unk>" in text for text in model.sample(50, avoid=["<unk>"], random_state=0))
