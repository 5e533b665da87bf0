"""Judging a fit: a file for each measure, the whole diagnosis, and a verdict with evidence and remedies."""

from latentia.diagnostics.codes import CodebookUsage, codebook_usage
from latentia.diagnostics.decoder_dependence import DecoderDependence, decoder_dependence
from latentia.diagnostics.diagnosis import Diagnosis, diagnose
from latentia.diagnostics.evaluation import Evaluation, evaluate
from latentia.diagnostics.finding import Finding, Remedy
from latentia.diagnostics.generalisation import GeneralisationGap, generalisation_gap
from latentia.diagnostics.mutual_information import MutualInformation, mutual_information
from latentia.diagnostics.prior_gap import PriorGap, prior_gap
from latentia.diagnostics.refinement import AmortisationGap, Refined, amortisation_gap, refine
from latentia.diagnostics.sample_density import SampleDensity, sample_density
from latentia.diagnostics.sample_quality import PrecisionRecall, precision_recall, sliced_wasserstein
from latentia.diagnostics.sampling import Sample
from latentia.diagnostics.smoothness import Smoothness, smoothness
from latentia.diagnostics.teacher_forcing import TeacherForcing, teacher_forcing
from latentia.diagnostics.true_posterior import TruePosterior, true_posterior
from latentia.diagnostics.verdict import Verdict, judge, ordered

__all__ = [
    "AmortisationGap",
    "CodebookUsage",
    "DecoderDependence",
    "Diagnosis",
    "Evaluation",
    "Finding",
    "GeneralisationGap",
    "MutualInformation",
    "PrecisionRecall",
    "PriorGap",
    "Refined",
    "Remedy",
    "Sample",
    "SampleDensity",
    "Smoothness",
    "TeacherForcing",
    "TruePosterior",
    "Verdict",
    "amortisation_gap",
    "codebook_usage",
    "decoder_dependence",
    "diagnose",
    "evaluate",
    "generalisation_gap",
    "judge",
    "mutual_information",
    "ordered",
    "precision_recall",
    "prior_gap",
    "refine",
    "sample_density",
    "sliced_wasserstein",
    "smoothness",
    "teacher_forcing",
    "true_posterior",
]
