"""Its figures and faults."""

from latentia.vocabulary import FaultWord, Words, figures

FEW = "too few directions"
WORDS = Words(
    figures("log_likelihood"), (FaultWord(FEW, "caution", "Less than half of the variance is kept.", 1),)
)
