"""Judging a fit: the figures of a split, whether prior and codes agree, and a verdict with evidence and remedies."""

from latentia.diagnostics.evaluation import Evaluation, evaluate
from latentia.diagnostics.mutual_information import MutualInformation, mutual_information
from latentia.diagnostics.prior_gap import PriorGap, prior_gap
from latentia.diagnostics.sample_quality import PrecisionRecall, precision_recall, sliced_wasserstein
from latentia.diagnostics.sampling import Sample
from latentia.diagnostics.verdict import Verdict, diagnose, judge

__all__ = [
    "Evaluation",
    "MutualInformation",
    "PrecisionRecall",
    "PriorGap",
    "Sample",
    "Verdict",
    "diagnose",
    "evaluate",
    "judge",
    "mutual_information",
    "precision_recall",
    "prior_gap",
    "sliced_wasserstein",
]
