"""The figures and faults of a transducer."""

from __future__ import annotations

from latentia.vocabulary import OVERFITTED, UNDERTRAINED, FaultWord, FigureWord, Words, faults

USELESS, PRIVATE, UNKNOWN_WORDS = "no better than copying", "private code", "unknown words"

_EXACT = "Share of inputs whose output is found to the letter, tokens joined by one space."

WORDS = Words(
    (
        FigureWord("exact", "exact matches", "share", "the likeliest token at each step", _EXACT),
        FigureWord(
            "nearest_exact", "exact matches of the nearest training pair", "share", "most shared words",
            "What giving the output of the most similar training input would reach.",
        ),
        FigureWord("token_loss", "loss", "nats a token", "true prefixes", "−log P(y|x) over the number of tokens of y, ends among them."),
        FigureWord("exact_se", "standard error", "share", "of the exact matches", "How far chance in the items judged may move it."),
        FigureWord("train_exact", "exact matches (training)", "share", "of at most 500 pairs", _EXACT, "train"),
        FigureWord("train_token_loss", "loss (training)", "nats a token", "true prefixes", "The same on training pairs.", "train"),
        FigureWord("seen_outputs", "outputs seen in training", "share", "", "Share of the items whose output occurs in training."),
        FigureWord("reachable", "outputs within reach", "share", "no unknown token", "Share of the items whose output has no token that training lacks: the most that can be exact."),
        FigureWord("input_accuracy", "tokens of inputs that G says right", "share", "left alone with the output", "Whether the made-up inputs are like true ones."),
        FigureWord("unknown_share", "unknown tokens of inputs", "share", "", "Share of the tokens of inputs that have no number of their own."),
        FigureWord("n_pairs", "pairs learned from", "", "", "Outputs whose inputs were told."),
        FigureWord("n_lone", "outputs without inputs", "", "", "That were learned by way of made-up inputs."),
    ),
    (
        FaultWord(USELESS, "bad", "The output of the most similar training input is right as often.", 3),
        FaultWord(PRIVATE, "caution", "Since inputs are made up, G's are less like true ones: the two halves agree on a code of their own.", 2),
        *faults(UNDERTRAINED, OVERFITTED),
        FaultWord(UNKNOWN_WORDS, "caution", "More than a fifth of the tokens of inputs are unknown to the vocabulary.", 1),
    ),
    ("exact", "nearest_exact", "token_loss", "n_pairs"),
)  # fmt: skip
