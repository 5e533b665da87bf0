"""The figures and faults of a model of sequences."""

from __future__ import annotations

from dataclasses import replace

from latentia.vocabulary import FAULTS, UNDERTRAINED, FaultWord, FigureWord, Words, figures

CHEATING, UNKNOWN_WORDS = "cheating decoder", "unknown words"

_PERPLEXITY = (
    "exp of the nats of all items over the number of their tokens, the end of each counted, starts not: as uncertain as a choice among so "
    "many tokens. Of a model with a code it is that of the bound or the importance-weighted estimate that the remark names."
)
_COUNTS = (
    "What counts of neighbouring tokens in the training part (and of events with times one log-normal of all gaps) say of the same items; a model of "
    "text must be above it."
)
_FREE = (
    "Share of positions at which the decoder, fed its own words and not the true ones, says the true token."
)

_FIGURES = (
    *figures("log_likelihood", "elbo"),
    FigureWord("perplexity", "perplexity", "", "", _PERPLEXITY),
    FigureWord(
        "bits_per_character", "bits per character", "bits", "characters and one end for each item", "Bits of all items over the number of their characters."
    ),
    *figures("distortion", "kl"),
    FigureWord(
        "mutual_information", "mutual information", "nats", "I(x; z) of at most 2000 items",
        "How much the codes tell of which item it is; never above the log of the number of items looked at.",
    ),
    *figures("active_units"),
    FigureWord("trigram_log_likelihood", "log-likelihood of a trigram", "nats", "interpolated Kneser-Ney, mean per item", _COUNTS),
    FigureWord("unigram_log_likelihood", "log-likelihood of a unigram", "nats", "mean per item", _COUNTS),
    FigureWord(
        "gap_log_likelihood", "log-density of a gap", "nats", "z the posterior mean; of events with times",
        "Of the time since the event before, in the units of the times, given what came before and the code.",
    ),
    FigureWord("gap_baseline", "log-density of a gap by one log-normal", "nats", "that of all training gaps", "What a gap costs where nothing is known but how gaps are spread."),
    FigureWord(
        "forced_loss", "loss with true prefixes", "nats a token", "z the posterior mean", "−log p of a true token, given the true ones before it."
    ),
    FigureWord(
        "free_loss", "loss left alone", "nats a token", "z the posterior mean",
        "−log p of a true token where the prefix is what the decoder said itself.",
    ),
    FigureWord(
        "forced_loss_other", "loss with true prefixes, another's code", "nats a token", "", "The same with the code of another item."
    ),
    FigureWord("free_loss_other", "loss left alone, another's code", "nats a token", "", "The same with the code of another item."),
    FigureWord("free_accuracy", "token accuracy left alone", "share", "z the posterior mean", _FREE),
    FigureWord("free_accuracy_other", "token accuracy left alone, another's code", "share", "", _FREE),
    FigureWord("free_accuracy_zero", "token accuracy left alone, no code", "share", "z = 0", _FREE),
    FigureWord(
        "edit_similarity", "edit similarity of reconstructions", "share", "1 - Levenshtein / longer length, in tokens",
        "How much of an item its reconstruction keeps: 1 is all.",
    ),
    FigureWord(
        "reverse_perplexity", "reverse perplexity", "", "a trigram of draws, scored on these items",
        "How well counts from the model's own draws foretell data; compare it with that of as many training items.",
    ),
    FigureWord(
        "reverse_perplexity_of_data", "reverse perplexity of data", "", "a trigram of as many training items", "What the reverse perplexity would be if draws were data."
    ),
    FigureWord("unknown_share", "unknown tokens", "share", "", "Share of the tokens that have no number of their own in the vocabulary."),
)  # fmt: skip

WORDS = Words(
    _FIGURES,
    (
        FaultWord(
            CHEATING, "bad",
            "The decoder foretells each token from the true ones before it and does without the code: left alone it says the same whatever the item.", 3,
        ),
        *(
            replace(word, meaning="The bound was still rising when training ended, or counts of neighbouring tokens do as well.")
            if word.name == UNDERTRAINED
            else word
            for word in FAULTS.values()
        ),
        FaultWord(
            UNKNOWN_WORDS, "caution",
            "More than a fifth of the tokens are unknown to the vocabulary: what is said of them is said of a blank.", 1,
        ),
    ),
)  # fmt: skip
