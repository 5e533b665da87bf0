"""Training: Lightning's Trainer under one function that knows neither models nor objectives."""

from latentia.training.batches import Batches
from latentia.training.config import TrainingConfig, resolve_device
from latentia.training.fitting import fit
from latentia.training.records import EpochRecord, History
from latentia.training.schedule import Joint, Schedule

__all__ = [
    "Batches",
    "EpochRecord",
    "History",
    "Joint",
    "Schedule",
    "TrainingConfig",
    "fit",
    "resolve_device",
]
