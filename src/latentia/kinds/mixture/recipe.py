"""How a mixture is fitted into a run folder: with a given number of components, or with each of a range, of which the best is kept."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sklearn.exceptions import ConvergenceWarning

from latentia.data import Dataset
from latentia.estimators.parameters import numbers_of
from latentia.kinds.kind import make
from latentia.kinds.mixture import estimator as estimators
from latentia.kinds.mixture.catalog import MIXTURES
from latentia.kinds.mixture.state import by_weight
from latentia.kinds.mixture.words import CRITERIA
from latentia.kinds.plain import plain
from latentia.mixture import Selection, select

DEFAULT_RANGE = "1..10"


class MixtureRecipe:
    """Fit a mixture with a given number of components, or with each of a range and keep the best.

    Args:
        params: `model`, a name of `MIXTURES`; `n_components` (a number, a range as "1..7", or None for 1..10); and arguments of
            its estimator.

    Attributes:
        holds_out: False: the number of components is chosen by a criterion.
    """

    holds_out = False

    def __init__(self, params: dict[str, Any]) -> None:
        self.name = params["model"]
        self.entry = MIXTURES[self.name]
        self.numbers = numbers_of(params.get("n_components"), "--n-components", DEFAULT_RANGE)
        given = {key: value for key, value in params.items() if key not in ("model", "n_components")}
        kind = getattr(estimators, self.entry.estimator)
        self.estimator = make(kind, {**given, "n_components": self.numbers[-1]})
        asked = {key: list(value) if isinstance(value, tuple) else value for key, value in params.items()}
        self.asked = {"model": self.name, "asked": asked}

    def fit(
        self,
        dataset: Dataset,
        out: Path,  # noqa: ARG002  EM is short: there are no checkpoints
        resume: bool,  # noqa: ARG002  the same seed gives the same fit again
        say: Callable[[str], None],
    ) -> tuple[Any, dict[str, Any]]:
        """The fitted estimator, and further entries of `config.json`."""
        items, entries = dataset.train.x, {"fitted_as": self.asked["asked"]}
        if len(self.numbers) == 1:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ConvergenceWarning)  # the verdict says it
                return self._told(self.estimator.fit(items), say), entries
        selection = select(self.estimator, items, self.numbers)
        criterion = self.entry.criterion
        best = self._told(selection.best(criterion), say)
        say(str(selection))
        say(f"n_components: {selection.chosen[criterion]}, the smallest {CRITERIA[criterion]}")
        return best, {**entries, "selection": kept_selection(selection, criterion)}

    def _told(self, fitted: Any, say: Callable[[str], None]) -> Any:
        if fitted.layout_.constant:
            say(f"{len(fitted.layout_.constant)} pixels are the same in all training images and are left out")
        return by_weight(fitted)


def kept_selection(selection: Selection, criterion: str) -> dict[str, Any]:
    """The entry of `config.json` on a choice among numbers of components."""
    return {
        "criterion": criterion,
        "chosen": plain(selection.chosen),
        "at_edge": list(selection.at_edge),
        "table": plain(selection.table),
    }
