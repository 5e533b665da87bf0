"""A fit that takes the remedies of its own diagnosis: at most twice, and the better run is kept."""

from __future__ import annotations

import math
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from latentia.data import Dataset
from latentia.errors import ConfigError
from latentia.estimators import folder as run_folder
from latentia.kinds import kind_of
from latentia.kinds.fitting import check_folder, fit_run
from latentia.kinds.known import DataSpec
from latentia.kinds.replacing import ATTEMPTS, put_back_unless_begun
from latentia.kinds.run import Effort, Measured, Run

MOST_REMEDIES = 2
TOLERANCE = 0.01
"""Nats per number of a datum by which validation log-likelihoods may differ and still count as equal; two standard errors of
their difference, where that is more. A rule of this project: models that use their code and models that do not may have the same
likelihood (He et al. 2019, table 1), and the diagnosis then decides."""
EFFORT = Effort(n_importance=50, importance_items=500)


@dataclass
class Attempt:
    """One fit of those that `fit_with_remedies` made.

    Attributes:
        run: the run, in its own folder.
        measured: its figures and verdict on the validation part.
        remedy: what was changed against the attempt before, in words; empty for the first.
    """

    run: Run
    measured: Measured
    remedy: str

    @property
    def names(self) -> tuple[str, ...]:
        """The faults that were found, or "healthy"."""
        return self.measured.verdict.names or (self.measured.verdict.name,)

    @property
    def severity(self) -> int:
        """0 for a healthy fit, to 3."""
        return self.run.kind.words.severity(self.measured.verdict.names)

    @property
    def log_likelihood(self) -> float | None:
        """Of the validation part, in nats an item; of a model that has none, the bound."""
        found = self.measured.figures
        value = found.get("log_likelihood")
        return value if value is not None else found.get("elbo")

    def summary(self) -> dict[str, Any]:
        """For `config.json` and the report."""
        assert self.run.folder is not None
        return {
            "folder": f"{ATTEMPTS}/{self.run.folder.name}",
            "remedy": self.remedy,
            "model": self.run.model,
            "verdicts": list(self.names),
            "validation_log_likelihood": self.log_likelihood,
        }

    def __str__(self) -> str:
        """One line."""
        score = self.log_likelihood
        shown = "no likelihood" if score is None else f"validation log-likelihood {score:.6g} nats"
        assert self.run.folder is not None
        return f"{self.run.folder.name}: {', '.join(self.names)}; {shown}"


def better(new: Attempt, old: Attempt) -> bool:
    """Whether `new` is the run to keep: by log-likelihood where that tells them apart, else by diagnosis, else by likelihood."""
    pairs = [
        (new.measured.figures.get(name), old.measured.figures.get(name))
        for name in ("log_likelihood", "elbo")
    ]
    known = next(((a, b) for a, b in pairs if a is not None and b is not None), None)
    if known is None:
        return new.severity < old.severity
    a, b = known
    error = math.hypot(*(each.measured.figures.get("log_likelihood_se") or 0.0 for each in (new, old)))
    if abs(a - b) > max(2 * error, TOLERANCE * math.prod(new.run.event_shape)):
        return a > b
    return new.severity < old.severity or (new.severity == old.severity and a > b)


def fit_with_remedies(
    spec: DataSpec,
    params: dict[str, Any],
    out: Path,
    *,
    command: str,
    dataset: Dataset | None = None,
    resume: bool = False,
    overwrite: bool = False,
    say: Callable[[str], None] = lambda _: None,
    most: int = MOST_REMEDIES,
) -> Run:
    """Fit, diagnose on the validation part, and as long as something is wrong fit again with the first remedy that applies.

    Every fit is kept in `out/attempts/`; the one that is `better` also stands in `out` itself. The remedies of the best attempt
    so far are taken in their order, none twice.

    Args:
        spec: the data.
        params: arguments of `latentia.VAE`.
        out: the run folder.
        command: what the person typed.
        dataset: the data, if they are loaded already.
        resume: go on with interrupted fits in `out`.
        overwrite: replace what is in `out`.
        say: told what happens.
        most: remedies tried.

    Raises:
        ConfigError: if all rows are fitted, so that no validation part says which fit is better.
        RunFolderError: if `out` holds a run already, or cannot be written.
    """
    if not spec.hold_out:
        raise ConfigError(
            "--auto-remedy compares fits on the validation part, which --no-hold-out does not keep"
        )
    kind = kind_of(params.get("model"))
    if check_folder(out, spec, params, resume, overwrite) == "fitted":
        say(f"{out} is finished already")
        return Run.open(out)
    asked = {name: list(value) if isinstance(value, tuple) else value for name, value in params.items()}
    about = {"kind": kind.name, "data": asdict(spec), "command": command, "asked": asked}
    with put_back_unless_begun(out, replaces=overwrite and not resume, resumes=resume):
        run_folder.start(kind.recipe(params).estimator, out, about)

        def attempt(changed_params: dict[str, Any], number: int, label: str, remedy: str) -> Attempt:
            folder = out / ATTEMPTS / f"{number}-{label}"
            run = fit_run(
                spec,
                changed_params,
                folder,
                command=command,
                dataset=dataset,
                resume=folder.exists(),
                say=say,
            )
            found = Attempt(run, run.measure("validation", EFFORT), remedy)
            say(f"attempt {found}")
            return found

        best = attempt(params, 1, str(params["model"]), "")
        tried = [best]
        while len(tried) <= most and best.severity:
            seen = [each.run.asked for each in tried]
            changes = best.run.remedied(best.measured.verdict)
            step = next((change for change in changes if dict(change.params) not in seen), None)
            if step is None:
                say("no further remedy applies")
                break
            say(f"remedy {len(tried)}: {step.text}")
            tried.append(attempt(dict(step.params), len(tried) + 1, step.label, step.text))
            if better(tried[-1], best):
                best = tried[-1]
        say(f"kept: {best}")
        return _place(best, tried, out, {"command": command, "asked": asked})


def _place(best: Attempt, tried: list[Attempt], out: Path, entries: dict[str, Any]) -> Run:
    """Copy the winner to `out`, its configuration last, and note there what was tried."""
    source = best.run.folder
    assert source is not None
    for path in source.iterdir():
        if path.is_file() and path.name not in (run_folder.CONFIG, run_folder.EVALUATION):
            shutil.copy2(path, out / path.name)
    notes = {"attempts": [each.summary() for each in tried], "kept": f"{ATTEMPTS}/{source.name}"}
    config = run_folder.read_json(source / run_folder.CONFIG)
    run_folder.write_json(out / run_folder.CONFIG, {**config, **entries, **notes})
    run = Run.open(out)
    run._dataset = best.run._dataset
    return run
