"""A run: a fitted estimator, its data and its folder; what is asked of every kind of model."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from latentia.data import Dataset, Split
from latentia.data.items import shape_of
from latentia.diagnostics import Verdict
from latentia.errors import ConfigError, DataError
from latentia.estimators import folder as run_folder
from latentia.estimators.sealed import sealed
from latentia.files import sweep
from latentia.kinds import kind_of_estimator
from latentia.kinds.kind import Kind
from latentia.kinds.known import KNOWN, DataSpec, RunData
from latentia.kinds.loading import class_of, read_judged
from latentia.kinds.named_data import spec_of
from latentia.kinds.plain import plain
from latentia.kinds.remedies import changes_of, steps_of, told
from latentia.kinds.tables import columns_of
from latentia.kinds.uses import uses_of
from latentia.progress import stage
from latentia.vocabulary import HEALTHY, TOTAL_GIVEN

SplitName = Literal["train", "validation", "test", "new"]
DIAGNOSED_IMPORTANCE, DIAGNOSED_ITEMS = 50, 200  # samples and items of a diagnosis's log-likelihood
TRAIN_ROWS = 2000  # on which figures of training rows are taken, to be held against those of held-out rows


@dataclass(frozen=True)
class Effort:
    """How much is spent on figures that are estimated; those of a model whose likelihood is exact cost what they cost.

    Attributes:
        n_importance: importance samples for each item; 0 leaves the log-likelihood out.
        importance_items: most items for which they are drawn; None draws for all.
        thorough: also take the measures that need an optimisation for each of some rows.
        items: most items that are looked at; None: all.
    """

    n_importance: int = 100
    importance_items: int | None = 1000
    thorough: bool = False
    items: int | None = None


@dataclass(frozen=True)
class Measured:
    """What a run says of a part of its data.

    Attributes:
        split: the part that the figures are of.
        figures: by the names of `latentia.vocabulary`, in the order in which JSON has them; None where one is not defined.
        verdict: what is to be thought of the fit.
        details: nested entries of the JSON.
    """

    split: str
    figures: Mapping[str, Any]
    verdict: Verdict
    details: Mapping[str, Any] = field(default_factory=dict)


class Run:
    """A fitted estimator, its data and its folder. A kind of model gives `measure`, and methods for what its runs can do.

    Args:
        folder: where it is kept; None: nowhere.
        estimator: fitted.
        spec: which data it was fitted to; None for a model that was saved from Python.
        config: what `config.json` holds.
        kind: its kind of model.
        data: what the run knows of its data.
        dataset: the data, if they are there already.
    """

    def __init__(
        self,
        folder: Path | None,
        estimator: Any,
        spec: DataSpec | None,
        config: dict[str, Any],
        kind: Kind,
        data: RunData | None = None,
        dataset: Dataset | None = None,
    ) -> None:
        self.folder, self.estimator, self.spec = folder, estimator, spec
        self.config, self.kind, self.data = config, kind, data
        self._dataset = dataset
        self.home = folder
        """Where it will be when it is whole: what commands that are told name."""
        self._new: Split | None = None
        self.told: Callable[[Verdict], None] = lambda _: None
        """Is told each verdict."""

    @classmethod
    def open(cls, folder: str | Path, data: str | None = None) -> Run:
        """Read a run folder.

        Args:
            folder: that `latentia fit` or `save` wrote.
            data: where its data are now, if not where they were.

        Raises:
            RunFolderError: if it is no whole run folder.
        """
        folder = Path(folder)
        sweep(folder)
        config = run_folder.read_config(folder)
        estimator = run_folder.read(folder, config, class_of(folder, config))
        kind = kind_of_estimator(config["estimator"])
        assert kind is not None
        spec = spec_of(config, folder)
        run: Run = kind.run(folder, estimator, spec, config, kind)
        run.data = RunData(spec, config.get(KNOWN), folder, run.event_shape, columns_of(run), data)
        return run

    # ------------------------------------------------------------------ what it is

    @property
    def model(self) -> str:
        """Name of the model."""
        return str(
            self.config.get("model") or getattr(self.estimator, "model", type(self.estimator).__name__)
        )

    @property
    def asked(self) -> dict[str, Any]:
        """The parameters of the fit, the model among them."""
        return {"model": self.model, **self.config["params"]}

    @property
    def event_shape(self) -> tuple[int, ...]:
        """Shape of an item."""
        return tuple(self.estimator.event_shape_)

    @property
    def is_image(self) -> bool:
        """Whether items are images."""
        return len(self.event_shape) == 3

    @property
    def columns(self) -> list[str] | None:
        """Names of the features of a table."""
        return self.config.get("columns") or self.config.get("features")

    @property
    def name(self) -> str:
        """Name of its data."""
        return "data" if self.spec is None else self.spec.name

    # ------------------------------------------------------------------ its data

    @property
    def dataset(self) -> Dataset:
        """The data of the run, loaded once: each row in the part in which it was when the model was fitted."""
        if self._dataset is None:
            assert self.data is not None
            self._dataset, self._new = self.data.found()
            self.kind.check_pictures(self._dataset.shape, self.place)
        return self._dataset

    def split(self, name: SplitName) -> Split:
        """One part of the data; "new": rows that the model was neither fitted to nor judged by.

        Raises:
            ConfigError: for another name.
            DataError: if the part has no rows.
        """
        if name not in ("train", "validation", "test", "new"):
            raise ConfigError(f"split={name!r}: expected train, validation, test or new")
        dataset = self.dataset
        part: Split | None = self._new if name == "new" else getattr(dataset, name)
        if part is None or not len(part):
            rows = "" if self._new is None else f"; --split new takes the {len(self._new)} rows that are new"
            raise DataError(f"the data of this run have no {name} rows{rows}")
        return part

    def whole_or(self, split: SplitName) -> SplitName:
        """`split`, or "new", where the data hold no row that the run knows."""
        dataset = self.dataset
        return "new" if self._new is not None and not len(dataset.test) and not len(dataset.train) else split

    @property
    def place(self) -> str:
        """Name or path of its data, where they are now."""
        assert self.data is not None
        return self.data.where()

    def items(self, name: str) -> Split:
        """All items of other data, in their order, as this run has its items."""
        assert self.data is not None
        found = self.data.items(name)
        self.kind.check_pictures(shape_of(found.x), name)
        return found

    # ------------------------------------------------------------------ figures and verdict

    def measure(self, split: SplitName, effort: Effort) -> Measured:
        """Figures and verdict on one part of the data; nothing is written."""
        raise NotImplementedError

    def evaluate(
        self,
        split: SplitName = "test",
        n_importance: int = 100,
        importance_items: int | None = 1000,
        items: int | None = None,
    ) -> dict[str, Any]:
        """Figures and verdict on one part of the data, also kept in `evaluation.json`.

        Args:
            split: which part.
            n_importance: importance samples for each item; 0 leaves the log-likelihood out.
            importance_items: most items for which they are drawn; None draws for all.
            items: most items that are looked at, chosen at random; None: all.

        Returns:
            What `latentia evaluate --json` prints.
        """
        return self._measured(split, Effort(n_importance, importance_items, items=items))

    @property
    def conditions_on_total(self) -> bool:
        """Whether nats are those of counts given the total of their row."""
        return False

    def items_in_proportion(self) -> int | None:
        """Items by which a fit is judged at its end, so that this takes little beside the fit; None: all."""
        return None

    def diagnose(self, split: SplitName = "test") -> dict[str, Any]:
        """The thorough diagnosis of one part of the data, also kept in `evaluation.json`.

        Returns:
            What `latentia diagnose --json` prints.
        """
        return self._measured(split, Effort(DIAGNOSED_IMPORTANCE, DIAGNOSED_ITEMS, thorough=True))

    def figures(self, split: SplitName = "test") -> dict[str, Any]:
        """Figures and verdict on one part of the data as `evaluation.json` has them; measured if it has none."""
        kept = self._kept().get(split)
        if kept is None:
            return self.evaluate(split)
        # the first version kept the gravest fault alone
        return {"verdicts": [] if kept["verdict"] == HEALTHY else [kept["verdict"]], **kept}

    def _measured(self, split: SplitName, effort: Effort) -> dict[str, Any]:
        started = time.perf_counter()
        with stage(f"judging on the {split} split"):
            found = self.measure(self.whole_or(split), effort)
        self.told(found.verdict)
        changes = self.remedied(found.verdict)
        figures: dict[str, Any] = plain(
            {
                "model": self.model,
                "data": self.name,
                "split": found.split,
                **found.figures,
                **({"given": TOTAL_GIVEN} if self.conditions_on_total else {}),
                "verdict": found.verdict.name,
                "verdicts": list(found.verdict.names),
                "evidence": list(found.verdict.evidence),
                "remedies": told(found.verdict, changes),
                "commands": list(dict.fromkeys(change.command for change in changes if change.command)),
                "steps": steps_of(found.verdict, changes),
                **found.details,
                "seconds": round(time.perf_counter() - started, 3),
            }
        )
        if self.folder is not None and self._new is None:
            path = self.folder / run_folder.EVALUATION
            run_folder.write_json(
                path,
                {
                    **{name: sealed(kept) for name, kept in self._kept().items()},
                    figures["split"]: sealed(figures),
                },
            )
        return figures

    def _kept(self) -> dict[str, Any]:
        """What `evaluation.json` holds, by split."""
        return {} if self.folder is None else read_judged(self.folder / run_folder.EVALUATION)

    def uses(self, figures: Mapping[str, Any]) -> list[tuple[str, str]]:
        """What it can be used for, each in words and as a command line; `figures` are those of an evaluation."""
        return uses_of(self, figures)

    def remedied(self, verdict: Verdict) -> list[Any]:
        """Each remedy of the verdict that is a fit with other parameters; see `latentia.kinds.remedies`."""
        return changes_of(self, verdict)
