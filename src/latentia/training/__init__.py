"""Training: Lightning's Trainer under one function that knows neither models nor objectives."""

from latentia.training.aggressive import Aggressive
from latentia.training.batches import Batches
from latentia.training.config import TrainingConfig, resolve_device
from latentia.training.fitting import fit
from latentia.training.records import EpochRecord, History
from latentia.training.schedule import SCHEDULES, Alternating, Joint, Schedule, build_schedule
from latentia.training.timing import update_seconds

__all__ = [
    "SCHEDULES",
    "Aggressive",
    "Alternating",
    "Batches",
    "EpochRecord",
    "History",
    "Joint",
    "Schedule",
    "TrainingConfig",
    "build_schedule",
    "fit",
    "resolve_device",
    "update_seconds",
]
