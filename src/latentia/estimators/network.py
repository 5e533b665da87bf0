"""What all estimators around a torch module share: rows held out of a fit, and what a run folder keeps of it."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from torch import Tensor, nn

from latentia import training
from latentia.errors import ConfigError, RunFolderError
from latentia.estimators.choices import Choice
from latentia.estimators.folder import PLAN, Curves, save_fitted
from latentia.estimators.plan import Plan


class NetworkEstimator(BaseEstimator):
    """An estimator whose `module_` is trained by `latentia.training`."""

    device: str
    validation_fraction: float
    module_: Any
    choices_: list[Choice]
    history_: Curves
    seed_: int
    n_train_: int
    settings_: dict[str, Any]
    best_epoch_: float | None
    stopped_early_: bool
    plan_: Plan | None = None
    cooled_: bool = False

    save = save_fitted

    def _split(self, rows: NDArray[Any], seed: int) -> tuple[NDArray[Any], NDArray[Any] | None]:
        """Training rows, and those held out to choose the best epoch (None: too few, or none wanted)."""
        self._check_fraction()
        n_held = round(self.validation_fraction * len(rows))
        if n_held < 1 or len(rows) < 10:
            return rows, None
        order = np.random.default_rng([seed, 1]).permutation(len(rows))
        return rows[np.sort(order[n_held:])], rows[np.sort(order[:n_held])]

    def _check_fraction(self) -> None:
        """Raise `ConfigError` for a share of rows to hold out that is none, whether or not it is needed."""
        if not 0 <= self.validation_fraction < 1:
            raise ConfigError(
                f"validation_fraction={self.validation_fraction} must lie in [0, 1); 0 keeps no validation rows"
            )

    def _take_history(self, history: training.History, n_train: int) -> None:
        """Note how a fit from scratch to `n_train` rows went."""
        self.history_ = history.rows()
        self.best_epoch_ = history.best_epoch
        self.stopped_early_ = history.stopped_early
        self.cooled_ = history.cooled
        if history.cooled:
            done = f"{history.epochs[-1].step} updates" if history.epochs else "nothing"
            self.choices_.append(
                Choice("end", f"after {done}", "Ctrl-C: the learning rate fell to zero at once")
            )
        self.n_train_ = n_train

    @property
    def conditions_on_total(self) -> bool:
        """Whether rows are counts, scored given their totals unless it is asked otherwise."""
        return getattr(getattr(self, "form_", None), "kind", None) == "counts"

    def _follows(self, n: int) -> tuple[float, float]:  # noqa: ARG002
        """What follows training to n rows: in passes of an item through the network, and in seconds that do not depend on it."""
        return 0.0, 0.0

    def _describe_fit(self) -> dict[str, Any]:
        """Entries of `config.json` that say how the fit went."""
        return {
            "choices": [[choice.what, choice.value, choice.reason] for choice in self.choices_],
            "fit": {
                "seed": self.seed_,
                "n_train": self.n_train_,
                "best_epoch": getattr(self, "best_epoch_", None),
                "stopped_early": getattr(self, "stopped_early_", False),
                "settings": getattr(self, "settings_", {}),
                "cooled": self.cooled_,
            },
            **({} if self.plan_ is None else {PLAN: self.plan_.describe()}),
        }

    def _take_fit(self, config: dict[str, Any], history: Curves) -> None:
        """Set what `_describe_fit` told, and the learning curves."""
        self.choices_ = [Choice(*choice) for choice in config["choices"]]
        fit = config["fit"]
        self.seed_, self.n_train_, self.settings_ = fit["seed"], fit["n_train"], fit["settings"]
        self.best_epoch_, self.stopped_early_ = fit["best_epoch"], fit["stopped_early"]
        # Folders that were written before there were plans, or an early end, have no such entries.
        self.cooled_ = fit.get("cooled", False)
        self.plan_ = Plan.of(config[PLAN]) if PLAN in config else None
        self.history_ = history

    def _load_weights(self, module: nn.Module, tensors: dict[str, Tensor]) -> None:
        """Put weights into a module for inference, on the device that there is now.

        Raises:
            RunFolderError: if the weights are not those of the module.
        """
        try:
            module.load_state_dict(tensors)
        except RuntimeError as error:
            first = str(error).splitlines()[-1].strip()
            raise RunFolderError(f"the weights do not fit the model of config.json: {first}") from error
        module.eval()
        if self.device != "cpu":
            module.to(training.resolve_device("auto"))

    def _device(self) -> torch.device:
        return next(self.module_.parameters()).device

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "module_")
