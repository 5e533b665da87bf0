"""A fit that takes the remedies of its own diagnosis: at most twice, and the better run is kept."""

from __future__ import annotations

import math
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from latentia.diagnostics import Diagnosis, Evaluation
from latentia.errors import ConfigError
from latentia.estimators import folder as run_folder
from latentia.kinds.kind import make
from latentia.kinds.run import ATTEMPTS, DataSpec, Run, check_folder, clear, fit_run
from latentia.kinds.vae.catalog import CATALOG
from latentia.kinds.vae.estimator import VAE
from latentia.kinds.vae.remedies import changed, label_of, told

MOST_REMEDIES = 2
TOLERANCE = 0.01
"""Nats per number of a datum by which validation log-likelihoods may differ and still count as equal; two standard errors of
their difference, where that is more. A rule of this project: models that use their code and models that do not may have the same
likelihood (He et al. 2019, table 1), and the diagnosis then decides."""
SEVERITY = {
    "posterior collapse": 3,
    "inference collapse": 3,
    "information overload": 2,
    "prior holes": 2,
    "overfitted": 2,
    "under-trained": 1,
    "partial posterior collapse": 1,
}
SCORING_SAMPLES, SCORED_ITEMS = 50, 500


@dataclass
class Attempt:
    """One fit of those that `fit_with_remedies` made.

    Attributes:
        run: the run, in its own folder.
        evaluation: its figures on the validation part.
        diagnosis: of the validation part.
        remedy: what was changed against the attempt before, in words; empty for the first.
    """

    run: Run
    evaluation: Evaluation
    diagnosis: Diagnosis
    remedy: str

    @property
    def severity(self) -> int:
        """0 for a healthy fit, to 3."""
        return max((SEVERITY.get(name, 1) for name in self.diagnosis.names), default=0)

    def summary(self) -> dict[str, Any]:
        """For `config.json` and the report."""
        return {
            "folder": f"{ATTEMPTS}/{self.run.folder.name}",
            "remedy": self.remedy,
            "model": self.run.estimator.model,
            "verdicts": list(self.diagnosis.names) or [self.diagnosis.name],
            "validation_log_likelihood": self.evaluation.log_likelihood,
        }

    def __str__(self) -> str:
        """One line."""
        score = self.evaluation.log_likelihood
        shown = "no likelihood" if score is None else f"validation log-likelihood {score:.6g} nats"
        return f"{self.run.folder.name}: {', '.join(self.diagnosis.names) or self.diagnosis.name}; {shown}"


def better(new: Attempt, old: Attempt) -> bool:
    """Whether `new` is the run to keep: by log-likelihood where that tells them apart, else by diagnosis, else by likelihood."""
    a, b = new.evaluation, old.evaluation
    if a.log_likelihood is None or b.log_likelihood is None:
        return new.severity < old.severity
    gain = a.log_likelihood - b.log_likelihood
    error = math.hypot(a.log_likelihood_se or 0.0, b.log_likelihood_se or 0.0)
    if abs(gain) > max(2 * error, TOLERANCE * math.prod(new.run.estimator.event_shape_)):
        return gain > 0
    return new.severity < old.severity or (new.severity == old.severity and gain > 0)


def fit_with_remedies(
    spec: DataSpec,
    params: dict[str, Any],
    out: Path,
    *,
    command: str,
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
        resume: go on with interrupted fits in `out`.
        overwrite: replace what is in `out`.
        say: told what happens.
        most: remedies tried.

    Raises:
        ConfigError: if the model is a mixture, which has no remedies of this kind.
        RunFolderError: if `out` holds a run already, or cannot be written.
    """
    if params.get("model") not in CATALOG:
        raise ConfigError(f"--auto-remedy is for models with codes; {params.get('model')} is a mixture")
    if check_folder(out, spec, params, resume, overwrite) == "fitted":
        say(f"{out} is finished already")
        return Run.open(out)
    if overwrite and not resume:
        clear(out)
    asked = {name: list(value) if isinstance(value, tuple) else value for name, value in params.items()}
    run_folder.start(make(VAE, params), out, {"data": asdict(spec), "command": command, "asked": asked})

    def attempt(changed_params: dict[str, Any], number: int, label: str, remedy: str) -> Attempt:
        folder = out / ATTEMPTS / f"{number}-{label}"
        run = fit_run(spec, changed_params, folder, command=command, resume=folder.exists(), say=say)
        evaluation, diagnosis = run.examine("validation", SCORING_SAMPLES, SCORED_ITEMS, thorough=False)
        found = Attempt(run, evaluation, diagnosis, remedy)
        say(f"attempt {found}")
        return found

    best = attempt(params, 1, str(params["model"]), "")
    tried, of_best = [best], params
    seen = [params]
    while len(tried) <= most and best.severity:
        step = next(
            (
                (action, new)
                for action in best.diagnosis.verdict.actions
                if (new := changed(of_best, action)) is not None and new not in seen
            ),
            None,
        )
        if step is None:
            say("no further remedy applies")
            break
        action, new = step
        words = told(of_best, action)
        say(f"remedy {len(tried)}: {words}")
        found = attempt(new, len(tried) + 1, label_of(of_best, new), words)
        tried.append(found)
        seen.append(new)
        if better(found, best):
            best, of_best = found, new
    say(f"kept: {best}")
    return _place(best, tried, out, {"command": command, "asked": asked})


def _place(best: Attempt, tried: list[Attempt], out: Path, entries: dict[str, Any]) -> Run:
    """Copy the winner to `out`, its configuration last, and note there what was tried."""
    source = best.run.folder
    for path in source.iterdir():
        if path.is_file() and path.name not in (run_folder.CONFIG, run_folder.EVALUATION):
            shutil.copy2(path, out / path.name)
    notes = {"attempts": [each.summary() for each in tried], "kept": f"{ATTEMPTS}/{source.name}"}
    config = run_folder.read_json(source / run_folder.CONFIG)
    run_folder.write_json(out / run_folder.CONFIG, {**config, **entries, **notes})
    run = Run.open(out)
    run._dataset = best.run._dataset
    return run
