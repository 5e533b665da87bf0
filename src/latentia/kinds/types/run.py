"""How community types are fitted into a run folder, what their runs can do, and the verdict on them."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentia.data import Dataset
from latentia.data.counts.table import CountTable
from latentia.diagnostics import Verdict
from latentia.errors import ConfigError
from latentia.kinds.abilities import Change
from latentia.kinds.kind import make
from latentia.kinds.remedies import changes_of
from latentia.kinds.run import Effort, Measured, Run, SplitName
from latentia.kinds.serving import ExportsGraphs
from latentia.kinds.types.catalog import TYPES, TypesEntry
from latentia.kinds.types.estimator import DEFAULT_RANGE, CommunityTypes
from latentia.kinds.types.judging import judge
from latentia.kinds.types.tables import CLEAR

WORKFLOW, TABLE = "workflow", "table-with-types.biom"
"""Entry of `config.json` of a run that `latentia types` made; the file that holds its table."""


class TypesRecipe:
    """Fit community types to all of the training rows.

    Args:
        params: `model`; arguments of the estimator.

    Attributes:
        holds_out: False: the number of types is chosen by a criterion, and samples are held out in turn.
    """

    holds_out = False

    def __init__(self, params: dict[str, Any]) -> None:
        given = {key: value for key, value in params.items() if key != "model"}
        if given.get("n_components") is None:
            given["n_components"] = DEFAULT_RANGE
        self.estimator = make(CommunityTypes, given)
        self.asked = {"model": params["model"], "asked": dict(params)}

    def fit(
        self,
        dataset: Dataset,
        out: Path,  # noqa: ARG002  there are no checkpoints
        resume: bool,  # noqa: ARG002  the same seed gives the same fit again
        say: Callable[[str], None],
    ) -> tuple[Any, dict[str, Any]]:
        """The fitted estimator, and further entries of `config.json`."""
        fitted = self.estimator.fit(dataset.train.x)
        say(f"{len(fitted.weights_)} types")
        return fitted, {"fitted_as": self.asked["asked"]}


def recipe(params: dict[str, Any]) -> TypesRecipe:
    """How the model that the parameters name is fitted."""
    return TypesRecipe(params)


class TypesRun(ExportsGraphs, Run):
    """Fitted community types, their data and their folder."""

    @property
    def entry(self) -> TypesEntry:
        """What the catalog says of it."""
        return TYPES[self.model]

    @property
    def model(self) -> str:
        """Its name in the catalog."""
        return str(self.config.get("model") or next(iter(TYPES)))

    @property
    def name(self) -> str:
        """Name of its data: the file that was typed, not the copy that the folder keeps."""
        table = (self.workflow or {}).get("table")
        return Path(table).name if table else super().name

    @property
    def event_shape(self) -> tuple[int, ...]:
        """Shape of an item."""
        return (int(self.estimator.n_features_in_),)

    @property
    def asked(self) -> dict[str, Any]:
        """The parameters of the fit, the model among them."""
        kept = self.config.get("fitted_as") or self.config.get("asked")
        return dict(kept) if kept else {"model": self.model, **self.config["params"]}

    @property
    def workflow(self) -> dict[str, Any] | None:
        """What `latentia types` kept: steps, notes, tests; None of a run that it did not make."""
        return self.config.get(WORKFLOW)

    @property
    def table(self) -> CountTable:
        """The samples that were fitted, with what is known of them; of a model in memory those that it was given."""
        if self.workflow is not None and self.folder is not None:
            return CountTable.read(self.folder / TABLE)
        part = self.split("train" if len(self.dataset.train) else self.whole_or("test"))
        n, d = part.x.shape
        ids = [f"sample {i + 1}" for i in range(n)] if part.names is None else part.names
        return CountTable.of(part.x, ids, self.columns or [f"taxon {j + 1}" for j in range(d)])

    def measure(self, split: SplitName, effort: Effort) -> Measured:  # noqa: ARG002  the likelihood is exact
        """The log-likelihood of the split; criteria and verdict are of the samples that were fitted."""
        all_rows = self.spec is not None and not self.spec.hold_out
        split = "train" if all_rows and split != "new" else split
        items, e = self.split(split).x, self.estimator
        k = len(e.weights_)
        tried, honesty = e.choice_.of(k), e.honesty_
        shares = self.memberships(items)
        figures = {
            "n": int(items.shape[0]),
            "n_components": k,
            "log_likelihood": float(self.log_density(items).mean()),
            "prediction_strength": honesty.strength,
            "bootstrap": honesty.stability,
            "held_out": tried.held_out,
            "held_out_error": tried.held_out_error,
            **{name: getattr(tried, name) for name in ("nle", "laplace", "bic", "aic", "icl", "n_free")},
            "uncertain": int((shares.max(1) < CLEAR).sum()),
            "weights": e.weights_.tolist(),
            "n_iter": e.n_iter_,
            "converged": e.converged_,
        }
        return Measured(split, figures, judge(e.choice_, honesty, k, e.criterion, e.converged_))

    def remedied(self, verdict: Verdict) -> list[Change]:
        """See `latentia.kinds.abilities.Remedies`; of a run of `latentia types`, more or fewer types by that command."""
        changes = changes_of(self, verdict)
        if self.workflow is None or self.folder is None:
            return changes
        words = self.workflow["arguments"]
        found = []
        for change in changes:
            if change.params.get("model") == self.model:
                home = self.home or self.folder
                out = home.with_name(f"{home.name}-{change.label}")
                line = shlex.join(
                    [
                        "latentia",
                        "types",
                        *words,
                        "--n-components",
                        str(change.params["n_components"]),
                        "--out",
                        str(out),
                    ]
                )
                change = replace(change, command=line)
            found.append(change)
        return found

    def drawn(self, n: int, *, seed: int, mean: bool = True, label: str | None = None) -> NDArray[Any]:  # noqa: ARG002
        """Samples with depths of those that were fitted to; see `latentia.kinds.abilities.Samples`."""
        if label is not None:
            raise ConfigError(
                "--label is for models that are conditional on a class, which community types are not"
            )
        return np.asarray(self.estimator.sample(n, seed=seed)[0])

    @property
    def conditions_on_total(self) -> bool:
        """Nats are given the depth of each sample."""
        return True

    def log_density(self, items: Any, total: str = "given") -> NDArray[np.float64]:
        """See `latentia.kinds.abilities.Scores`."""
        return np.asarray(self.estimator.score_samples(items, total=total), dtype=np.float64)

    def memberships(self, items: Any) -> NDArray[np.float64]:
        """See `latentia.kinds.abilities.Clusters`."""
        return np.asarray(self.estimator.predict_proba(items), dtype=np.float64)


RUN = TypesRun
