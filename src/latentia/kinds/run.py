"""A whole run: data by name, fit, evaluation, all kept in one folder; what the command line calls."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

from latentia import data
from latentia.diagnostics import Diagnosis, Evaluation
from latentia.errors import ConfigError, LatentiaError, RunFolderError, TrainingError
from latentia.estimators import folder as run_folder
from latentia.kinds.kind import recipe_of
from latentia.kinds.vae.estimator import VAE
from latentia.kinds.vae.remedies import as_commands, told

SplitName = Literal["train", "validation", "test"]
DIAGNOSED_IMPORTANCE, DIAGNOSED_ITEMS = 50, 200  # samples and items of a diagnosis's log-likelihood
ATTEMPTS = "attempts"  # the folder of a run in which those of `--auto-remedy` lie
TRAIN_ROWS = 2000  # on which the squared error is compared with that of held-out rows


@dataclass(frozen=True)
class DataSpec:
    """Which data a run was fitted to: all that `latentia.data.load` needs to give them again."""

    name: str
    seed: int = 0
    image_size: int | None = None
    label_column: str | None = None
    hold_out: bool = True

    def load(self) -> data.Dataset:
        """The data, split as they were when the run was fitted; without `hold_out` each part is the whole."""
        dataset = data.load(
            self.name, seed=self.seed, image_size=self.image_size, label_column=self.label_column
        )
        return dataset if self.hold_out else dataset.whole()


@dataclass(frozen=True)
class Effort:
    """How much is spent on figures that are estimated; those of a model whose likelihood is exact cost what they cost.

    Attributes:
        n_importance: importance samples for each item; 0 leaves the log-likelihood out.
        importance_items: most items for which they are drawn; None draws for all.
        thorough: also take the measures that need an optimisation for each of some rows.
    """

    n_importance: int
    importance_items: int | None
    thorough: bool


@dataclass
class Run:
    """A fitted estimator, its data and its folder."""

    folder: Path
    estimator: Any
    spec: DataSpec
    config: dict[str, Any]
    _dataset: data.Dataset | None = field(default=None, repr=False)

    @classmethod
    def open(cls, folder: str | Path) -> Run:
        """Read a run folder.

        Raises:
            RunFolderError: if it is no whole run folder, or one saved from Python without the name of its data.
        """
        folder = Path(folder)
        config = run_folder.read_config(folder)
        estimator = run_folder.load(folder)
        spec = config.get("data")
        if not isinstance(spec, dict):
            raise RunFolderError(
                f"{folder} was saved from Python and names no data: use latentia.load({str(folder)!r}) there"
            )
        if isinstance(estimator, VAE):
            return Run(folder, estimator, DataSpec(**spec), config)
        if type(estimator).__name__ == run_folder.DENSITY:
            from latentia.kinds.autoregressive.run import DensityRun

            return DensityRun(folder, estimator, DataSpec(**spec), config)
        from latentia.kinds.mixture.run import MixtureRun

        return MixtureRun(folder, estimator, DataSpec(**spec), config)

    @property
    def dataset(self) -> data.Dataset:
        """The data of the run, loaded once."""
        if self._dataset is None:
            self._dataset = self.spec.load()
        return self._dataset

    def split(self, name: SplitName) -> data.Split:
        """One part of the data."""
        parts = {
            "train": self.dataset.train,
            "validation": self.dataset.validation,
            "test": self.dataset.test,
        }
        if name not in parts:
            raise ConfigError(f"split={name!r}: expected train, validation or test")
        return parts[name]

    def evaluate(
        self, split: SplitName = "test", n_importance: int = 100, importance_items: int | None = 1000
    ) -> dict[str, Any]:
        """Figures and verdict on one part of the data, also kept in `evaluation.json`.

        Args:
            split: which part.
            n_importance: importance samples for each item; 0 leaves the log-likelihood out.
            importance_items: most items for which they are drawn; None draws for all.

        Returns:
            What `latentia evaluate --json` prints.
        """
        return self._measured(split, Effort(n_importance, importance_items, thorough=False))

    def diagnose(self, split: SplitName = "test") -> dict[str, Any]:
        """The thorough diagnosis of one part of the data, also kept in `evaluation.json`.

        Args:
            split: which part.

        Returns:
            What `latentia diagnose --json` prints.
        """
        return self._measured(split, Effort(DIAGNOSED_IMPORTANCE, DIAGNOSED_ITEMS, thorough=True))

    def figures(self, split: SplitName = "test") -> dict[str, Any]:
        """Figures and verdict on one part of the data as `evaluation.json` has them; measured if it has none."""
        return self._kept().get(split) or self.evaluate(split)

    def _measured(self, split: SplitName, effort: Effort) -> dict[str, Any]:
        started = time.perf_counter()
        found = self._figures(split, effort)
        figures: dict[str, Any] = plain({**found, "seconds": round(time.perf_counter() - started, 3)})
        run_folder.write_json(
            self.folder / run_folder.EVALUATION, {**self._kept(), figures["split"]: figures}
        )
        return figures

    def _kept(self) -> dict[str, Any]:
        """What `evaluation.json` holds, by split."""
        path = self.folder / run_folder.EVALUATION
        return run_folder.read_json(path) if path.exists() else {}

    def _figures(self, split: SplitName, effort: Effort) -> dict[str, Any]:
        """Figures and verdict on one part of the data, which `split` of the figures names."""
        evaluation, diagnosis = self.examine(
            split, effort.n_importance, effort.importance_items, thorough=effort.thorough
        )
        return as_json(self, split, evaluation, diagnosis)

    def examine(
        self,
        split: SplitName,
        n_importance: int = 100,
        importance_items: int | None = 1000,
        *,
        thorough: bool = True,
    ) -> tuple[Evaluation, Diagnosis]:
        """Figures and diagnosis of one part of the data; nothing is written."""
        part = self.split(split)
        evaluation = self.estimator.evaluate(
            part.x, n_importance=n_importance, importance_items=importance_items
        )
        train = None if split == "train" else self.split("train").take(TRAIN_ROWS).x
        diagnosis = self.estimator.diagnose(part.x, train=train, evaluation=evaluation, thorough=thorough)
        return evaluation, diagnosis


_TOLD_ABOVE = ("verdict", "verdicts", "evidence", "remedies", "evaluation", "seconds")


def as_json(run: Run, split: str, evaluation: Evaluation, diagnosis: Diagnosis) -> dict[str, Any]:
    """The figures of an evaluation as one flat JSON object, those of the diagnosis nested in it."""
    words = {action.text: told(run.config["params"], action) for action in diagnosis.verdict.actions}
    return {
        "model": run.estimator.model,
        "data": run.spec.name,
        "split": split,
        "likelihood": run.estimator.likelihood_,
        **asdict(evaluation),
        "verdict": diagnosis.name,
        "verdicts": list(diagnosis.names),
        "evidence": list(diagnosis.evidence),
        "remedies": [words.get(text, text) for text in diagnosis.remedies],
        "commands": as_commands(run, diagnosis.verdict.actions),
        "diagnosis": {
            **{name: value for name, value in diagnosis.as_json().items() if name not in _TOLD_ABOVE},
            "rows": [asdict(row) for row in diagnosis.rows()],
        },
    }


def plain(value: Any) -> Any:
    """A figure as JSON has it; None for what is not finite."""
    if isinstance(value, dict):
        return {name: plain(item) for name, item in value.items()}
    if isinstance(value, (tuple, list)):
        return [plain(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return value


def fit_run(
    spec: DataSpec,
    params: dict[str, Any],
    out: Path,
    *,
    command: str,
    resume: bool = False,
    overwrite: bool = False,
    say: Callable[[str], None] = lambda _: None,
) -> Run:
    """Fit, and keep everything in `out`.

    Args:
        spec: the data.
        params: arguments of `latentia.VAE`; or `model`, a name of `latentia.catalog.MIXTURES`, `n_components` (a
            number, a range as "1..7", or None for 1..10), and arguments of its estimator.
        out: the run folder.
        command: what the person typed, kept for the report.
        resume: go on with the interrupted run in `out`; a finished one is returned as it is.
        overwrite: replace what is in `out`.
        say: told what happens.

    Raises:
        ConfigError: if a resumed run has other settings than those given.
        RunFolderError: if `out` holds a run already, or cannot be written.
    """
    started = check_folder(out, spec, params, resume, overwrite)
    if started == "fitted":
        say(f"{out} is finished already")
        return Run.open(out)
    recipe = recipe_of(params)
    if recipe.holds_out and not spec.hold_out:
        raise ConfigError(
            f"--no-hold-out is for mixtures, whose size a criterion chooses; {params.get('model')} stops by rows held out"
        )
    dataset = spec.load()
    say(dataset.source)
    new = not out.exists()
    if overwrite and not resume:
        clear(out)
    run_folder.start(recipe.estimator, out, {"data": asdict(spec), "command": command, **recipe.asked})
    try:
        estimator, entries = recipe.fit(dataset, out, resume, say)
    except LatentiaError as error:
        if new and not isinstance(error, TrainingError):
            shutil.rmtree(out, ignore_errors=True)
        raise
    columns = None if dataset.feature_names is None else list(dataset.feature_names)
    kept = {"data": asdict(spec), "command": command, "source": dataset.source, "columns": columns}
    run_folder.save(estimator, out, {**kept, **recipe.asked, **entries})
    run = Run.open(out)
    run._dataset = dataset
    return run


def check_folder(
    out: Path, spec: DataSpec, params: dict[str, Any], resume: bool, overwrite: bool
) -> str | None:
    """Whether `out` may be written to; gives the state of the run in it, if it is to be resumed."""
    if out.exists() and not out.is_dir():
        raise RunFolderError(f"{out} is a file, not a folder; give another --out")
    config_file = out / run_folder.CONFIG
    if not config_file.exists():
        if out.is_dir() and any(out.iterdir()) and not resume:
            raise RunFolderError(f"{out} is not empty and no run folder; give a new or empty folder")
        return None
    if not resume:
        if overwrite:
            return None
        raise RunFolderError(f"{out} holds a run already: give another --out, or --overwrite, or --resume")
    config = run_folder.read_json(config_file)
    wanted = {"data": asdict(spec), **params}
    kept = {"data": config.get("data"), **config.get("asked", config.get("params", {}))}
    for name, value in wanted.items():
        value = list(value) if isinstance(value, tuple) else value
        if name != "verbose" and kept.get(name) != value:
            raise ConfigError(
                f"the run in {out} was started with {name}={kept.get(name)!r}, not {value!r}: resume it with the "
                "settings that it was started with"
            )
    return str(config.get("state"))


def clear(out: Path) -> None:
    """Remove an old run's files, and only those."""
    for name in (
        run_folder.CONFIG,
        run_folder.WEIGHTS,
        run_folder.METRICS,
        run_folder.EVALUATION,
        "report.html",
    ):
        (out / name).unlink(missing_ok=True)
    for name in ("checkpoints", "figures", "logs", "prior", ATTEMPTS):
        shutil.rmtree(out / name, ignore_errors=True)


def draw(folder: Path, n: int, *, mean: bool = True, seed: int = 0, label: str | None = None) -> Any:
    """Draw `n` items `[n, *event]` from the model of a run folder; its data are not needed.

    Args:
        folder: the run folder.
        n: how many.
        mean: of a VAE: the mean of p(x|z) at each z; False adds its noise. Other models always draw x.
        seed: of the draw.
        label: of a model that is conditional on a class: which; None takes the classes in turn.

    Raises:
        RunFolderError: if the folder cannot be read.
        ConfigError: if n is below 1, or a label is given to a model without classes.
    """
    estimator = run_folder.load(folder)
    if type(estimator).__name__ == run_folder.DENSITY:
        return estimator.sample(n, labels=_label(estimator, label), random_state=seed)
    if label is not None:
        raise ConfigError("--label is for autoregressive models fitted with `--set conditional=true`")
    if isinstance(estimator, VAE):
        return estimator.sample(n, mean=mean, random_state=seed)
    from latentia.kinds.mixture.run import draw_items

    return draw_items(estimator, run_folder.read_config(folder), n, seed)


def _label(estimator: Any, label: str | None) -> Any:
    """The class that is written as `label`; as it is, for the estimator to complain of, if there is none."""
    return next((each for each in estimator.classes_ if str(each) == label), label)


def require_vae(estimator: Any, what: str) -> VAE:
    """The estimator, if it has codes.

    Raises:
        ConfigError: if it has none.
    """
    if not isinstance(estimator, VAE):
        raise ConfigError(
            f"{what} needs a model with an encoder and a decoder; this run is a {type(estimator).__name__}"
        )
    return estimator
