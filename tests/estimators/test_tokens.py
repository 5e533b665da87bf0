"""Tokens and vocabularies: counts, cuts, ends, and what comes back."""

from __future__ import annotations

import unicodedata

import numpy as np
import pytest

from latentia.data import load
from latentia.data.items import Strings
from latentia.errors import ConfigError, DataError
from latentia.estimators.forms.sequences import as_sequences
from latentia.estimators.forms.tokens import END, UNKNOWN, TokenForm, Tokens, choose_tokens

WORDS = Strings.of_texts(["b a a", "c a b", "d"])


def form_of(items, **asked):
    return choose_tokens(items, Tokens(**asked))[0]


def test_the_vocabulary_goes_by_count_then_by_word_whatever_the_order():
    form = form_of(WORDS, min_count=1)
    assert form.vocabulary == ("</s>", "<unk>", "a", "b", "c", "d")
    assert form_of(WORDS[[2, 0, 1]], min_count=1) == form
    assert form_of(WORDS).vocabulary == ("</s>", "<unk>", "a", "b")  # words that occur once are unknown
    assert form_of(WORDS, min_count=1, max_types=4).vocabulary == ("</s>", "<unk>", "a", "b")
    assert form.digest != form_of(WORDS).digest


def test_ends_cuts_and_unknown_tokens():
    form = form_of(WORDS, min_count=1, max_length=2)
    stored = form.stored(Strings.of_texts(["a b", "a b c", "zebra", ""]))
    assert [stored.item(i).tolist() for i in range(4)] == [[2, 3, END], [2, 3], [UNKNOWN, END], [END]]
    assert form.n_cut == 2
    assert form.unknown_share(stored) == pytest.approx(1 / 5)
    assert form.items(np.array([[2, 3, 0, 5], [2, -1, -1, -1]])) == ["a b", "a"]


def test_the_mark_of_the_data_is_the_unknown_token():
    form, choices = choose_tokens(Strings.of_texts(["a <unk>", "b <unk>"]), Tokens())
    assert form.vocabulary == ("</s>", "<unk>", "a", "b")  # and words that occur once are kept
    assert form.stored(Strings.of_texts(["<unk> b"])).values.tolist() == [UNKNOWN, 3, END]
    assert "at least 1 time;" in str(choices[1]).replace(",", ";")


def test_a_word_that_looks_like_the_end_is_a_word():
    form = form_of(Strings.of_texts(["a </s> b", "</s> a b"]))
    stored = form.stored(Strings.of_texts(["a </s> b"]))
    assert stored.values.tolist().count(END) == 1
    assert form.items(stored.padded(-1)[0]) == ["a </s> b"]


def test_what_items_are_cut_into_is_chosen_by_their_white_space():
    assert choose_tokens(WORDS, Tokens())[1][0].value == "words"
    assert form_of(Strings.of_texts(["CCO", "c1ccccc1"])).unit == "char"
    assert form_of(Strings.of_labels([["a"], ["b"]])).unit == "none"
    assert form_of(Strings.of_texts(["x"] * 9 + ["a b"])).unit == "char"
    assert form_of(Strings.of_texts(["x"] * 7 + ["a b"] * 3)).unit == "word"


def test_characters_of_any_script_come_back_composed():
    texts = ["cafe\u0301", "👩‍👩‍👧 x", "שלום", "a\tb", "नमस्ते", "\U0010ffff\x00"]
    form = form_of(Strings.of_texts(texts), unit="char")
    back = form.items(form.stored(Strings.of_texts(texts)).padded(-1)[0])
    assert back == ["café", *texts[1:]]
    assert form.characters(Strings.of_texts(texts)).tolist() == [5, *(len(text) + 1 for text in texts[1:])]


LANGUAGES = [
    "the house is old", "la maison est vieille", "das Haus ist größer", "el niño está aquí", "дом очень старый", "το σπίτι είναι παλιό", "הבית ישן מאוד",
    "البيت قديم جدا", "घर बहुत पुराना है", "বাড়িটি অনেক পুরনো", "வீடு மிகவும் பழையது", "บ้าน เก่า มาก", "房子 很 旧", "家 は とても 古い", "집은 아주 오래되었다", "ბუნება ლამაზია",
    "տունը հին է", "ቤቱ አሮጌ ነው", "ngôi nhà rất cũ", "ev çok eskiydi İstanbul",
]  # fmt: skip


@pytest.mark.parametrize("unit", ["word", "char"])
def test_twenty_languages_come_back(unit):
    items = Strings.of_texts(LANGUAGES)
    form = form_of(items, unit=unit, min_count=1)
    back = form.items(form.stored(items).padded(-1)[0])
    assert [unicodedata.normalize("NFC", text) for text in back] == [
        unicodedata.normalize("NFC", text) for text in LANGUAGES
    ]
    assert form.unknown_share(form.stored(items)) == 0


def test_a_thousand_lines_come_back(real_data):
    if not (real_data / "text" / "ptb").is_dir():
        pytest.skip(f"ptb is absent from {real_data}")
    data = load("ptb", data_dir=real_data)
    form = form_of(data.train.x)
    assert form.n_tokens == 10_000
    some = data.train.x[:1000]
    assert form.items(form.stored(some).padded(-1)[0]) == some.lists()
    assert int(form.characters(data.test.x).sum()) == 442_423
    stored = form.stored(data.test.x)
    assert (len(stored.values), int((stored.values == UNKNOWN).sum()) > 0) == (82_430, True)


def test_words_of_other_parts_never_enter():
    form = form_of(WORDS, min_count=1)
    form.stored(Strings.of_texts(["never seen"]))
    assert form.n_tokens == 6


def test_a_form_is_rebuilt_from_plain_values():
    import json

    form = form_of(Strings.of_texts(["ä 👩 b", "b ä"]), min_count=1, max_length=7)
    assert TokenForm.rebuild(json.loads(json.dumps(form.describe()))) == form


def test_labels_of_numbers_and_words():
    given = as_sequences([[np.int64(3), 4], [4]])
    form = choose_tokens(given.items, Tokens(), numeric=given.numeric)[0]
    assert form.items(form.stored(given.items).padded(-1)[0]) == [[3, 4], [4]]
    assert as_sequences(np.array([[1, 2], [3, -1]])).end
    assert not as_sequences(np.array([[1, 2], [3, 1]])).end


def test_units_that_are_not_for_the_items():
    with pytest.raises(ConfigError, match="cuts texts"):
        form_of(Strings.of_labels([["a"]]), unit="word")
    with pytest.raises(ConfigError, match="is for lists of labels"):
        form_of(WORDS, unit="none")
    with pytest.raises(DataError, match="no token at all"):
        form_of(Strings.of_texts(["", ""]))
    with pytest.raises(ConfigError, match="expected one of"):
        Tokens("bytes")
