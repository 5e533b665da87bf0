"""What a report shows, as plain NumPy and Python: nothing here knows torch, matplotlib or HTML."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from latentia.data.column import Column
from latentia.errors import DataError
from latentia.report.exploring import Exploration
from latentia.vocabulary import FAULTS, FIGURES, FaultWord, Words


@dataclass(frozen=True)
class Step:
    """One thing to do next: in words, and as a command line where it is one."""

    text: str
    command: str = ""


@dataclass(frozen=True)
class Figure:
    """A row of the table of figures: its name, value, unit, the split it was measured on, a remark, words for the name, and its standard error."""

    name: str
    value: float | int | str | None
    unit: str = ""
    split: str = ""
    note: str = ""
    label: str = ""
    meaning: str = ""
    error: float | None = None

    @property
    def text(self) -> str:
        """The value as people write it, in as many digits as its standard error allows.

        >>> Figure("elbo", -64.23751, error=0.83).text, Figure("sigma2", 0.0004939).text
        ('−64.2', '0.000494')
        """
        return number(self.value, self.error)

    @property
    def title(self) -> str:
        """The name as people write it.

        >>> Figure("active_units", 3).title, Figure("elbo", -1.0).title, Figure("x", 1, label="bits/dim").title
        ('Active units', 'Bound (ELBO)', 'Bits/dim')
        """
        known = FIGURES.get(self.name)
        text = self.label or (known.label if known else self.name.replace("_", " "))
        return text[:1].upper() + text[1:]

    @property
    def explained(self) -> str:
        """A sentence for who does not know it, or nothing."""
        known = FIGURES.get(self.name)
        return self.meaning or (known.meaning if known else "")


@dataclass(frozen=True, kw_only=True)
class Head:
    """What the page says of every run beside its cards.

    Attributes:
        title: heading of the page.
        model: name of the model.
        model_summary: what the model is, in one line with its reference.
        data: name of the data set.
        command: the exact command that made the run.
        created: when, ISO 8601.
        verdict: `healthy`, `posterior collapse`, `information overload`, or another finding in words.
        evidence: sentences with numbers; a page whose cards answer questions (a card "diagnosis") says them there. Text between
            backticks is set as code, here and in the steps.
        remedies: what mends the fault.
        figures: table of figures; where no card has a headline, the first four stand at the top of the page.
        choices: what was chosen automatically, and why.
        settings: parameters of the run.
        versions: versions of the programs that made the run.
        fault: the word for the verdict; None: that of the vocabulary.
        others: words for what else was found.
        uses: what the model can be used for.
    """

    title: str
    model: str
    model_summary: str
    data: str
    command: str
    created: str
    verdict: str
    evidence: Sequence[str]
    remedies: Sequence[Step]
    figures: Sequence[Figure]
    choices: Sequence[tuple[str, str]] = ()
    settings: Mapping[str, object] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    fault: FaultWord | None = None
    others: Sequence[FaultWord] = ()
    uses: Sequence[Step] = ()

    @property
    def word(self) -> FaultWord:
        """What the verdict means, and how it looks."""
        return self.fault or Words((), tuple(FAULTS.values())).fault(self.verdict)


class Answered(Protocol):
    """A question of the diagnosis with its answer."""

    @property
    def question(self) -> str: ...  # noqa: D102
    @property
    def answer(self) -> str: ...  # noqa: D102
    @property
    def figures(self) -> str: ...  # noqa: D102


@dataclass(frozen=True, kw_only=True)
class ReportInput(Head):
    """Everything that the page of a model with codes shows. B rows, D latent dimensions, `event` is `[d]` or `[C, H, W]`.

    Attributes (beside those of `Head`):
        history: a row an epoch: `epoch, train_loss, validation_elbo, validation_kl, validation_log_likelihood` or
            `validation_distortion, learning_rate`, as far as known (nats per item; None and NaN leave a gap).
        kl_per_dim: KL of each latent dimension in nats, `[D]`.
        active: which dimensions are active, `[D]`.
        originals, reconstructions: `[n, *event]`; about 32 images, or for vectors some hundred rows and more.
        samples: draws from the model, `[m, *event]`; 64 images, or for vectors as many as there are originals.
        worst: originals, reconstructions and scores of the worst rows, `[k, *event], [k, *event], [k]`.
        worst_names: of these rows; none: they are numbered.
        rows: what samples of vectors are held against, `[N, d]`; None: the originals.
        codes: posterior means, `[N, D]`.
        labels: labels of the codes, `[N]`: class numbers (negative: unknown), words, or a quantity.
        class_names: names of the class numbers.
        feature_names: names of the features of a vector.
        split: the split that originals, worst rows and codes are of.
        coded: words for the split of the codes, where it is another.
        score: what the scores of the worst rows are, with the unit.
        checks: questions of the diagnosis, each with `question`, `answer` and `figures`.
        attempts: fits with remedies: `model, remedy, verdicts, validation_log_likelihood`, and `kept` of the one that is this run.
        source: where the codes of samples are drawn from.
        columns: what the columns of rows of unlike kinds are; their numbers are NaN where a cell is missing.
        copies: of such rows, how near samples come to those of the fit, in words; empty: not looked at.
        worst_cells: how much each of their cells weighs, `[k, d]`.
        survives: share of the variance of the items that their reconstructions keep; None: that of the rows shown.
        among: share of samples that lie among data, and of other data that do; None where it was not measured.
        exploration: ways between items, single dimensions, neighbours; None leaves them out.

    Raises:
        DataError: arrays that belong together differ in shape.
    """

    history: Sequence[Mapping[str, float | None]]
    kl_per_dim: np.ndarray
    active: np.ndarray
    originals: np.ndarray
    reconstructions: np.ndarray
    samples: np.ndarray
    worst: tuple[np.ndarray, np.ndarray, np.ndarray]
    codes: np.ndarray
    labels: np.ndarray | None = None
    class_names: Sequence[str] | None = None
    feature_names: Sequence[str] | None = None
    split: str = ""
    coded: str = ""
    score: str = "log-likelihood, nats"
    checks: Sequence[Answered] = ()
    attempts: Sequence[Mapping[str, Any]] = ()
    source: str = "the prior"
    survives: float | None = None
    among: tuple[float, float] | None = None
    worst_names: Sequence[str] = ()
    rows: np.ndarray | None = None
    exploration: Exploration | None = None
    columns: Sequence[Column] | None = None
    worst_cells: np.ndarray | None = None
    copies: str = ""

    def __post_init__(self) -> None:
        event = self.event_shape
        if len(event) not in (1, 3):
            raise DataError(f"report: originals have event shape {list(event)}; expected [d] or [C, H, W]")
        for name, given, expected in (
            ("reconstructions", self.reconstructions.shape, self.originals.shape),
            ("samples", self.samples.shape[1:], event),
            ("worst[0]", self.worst[0].shape, (len(self.worst[2]), *event)),
            ("worst[1]", self.worst[1].shape, (len(self.worst[2]), *event)),
            ("active", np.shape(self.active), np.shape(self.kl_per_dim)),
            ("codes", self.codes.shape[1:], self.codes.shape[1:2]),
            ("labels", (len(self.codes) if self.labels is None else len(self.labels),), (len(self.codes),)),
        ):
            if tuple(given) != tuple(expected):
                raise DataError(f"report: {name} has shape {list(given)}; expected {list(expected)}")
        if self.feature_names is not None and len(event) == 1 and len(self.feature_names) != event[0]:
            raise DataError(f"report: {len(self.feature_names)} feature names for {event[0]} features")

    @property
    def event_shape(self) -> tuple[int, ...]:
        """Shape of one datum."""
        return tuple(self.originals.shape[1:])

    @property
    def names(self) -> list[str]:
        """Names of the features of a vector, by number where none are given."""
        return list(self.feature_names or [f"feature {i}" for i in range(self.event_shape[0])])


def number(value: object, error: float | None = None) -> str:
    """A figure as people write it: three digits (whole numbers all), a real minus sign, `not defined` for NaN and None.

    Args:
        value: what is written.
        error: its standard error; the last digit that is written is then of its size.

    >>> number(-1167.321), number(0.00123456), number(70000), number(float("nan")), number(12.5)
    ('−1,167', '0.00123', '70,000', 'not defined', '12.5')
    >>> number(-1167.321, 0.23), number(39478.2, 40.0), number(0.004, 0.3)
    ('−1,167.3', '39,478', '0.0')
    """
    if value is None:
        return "not defined"
    if isinstance(value, str | bool | np.bool_):
        return str(value)
    if isinstance(value, int | np.integer):
        return f"{int(value):,}".replace("-", "−")
    if not isinstance(value, float | np.floating):
        return str(value)
    x = float(value)
    if math.isnan(x):
        return "not defined"
    if math.isinf(x):
        return "∞" if x > 0 else "−∞"
    size = abs(x)
    if error is not None and math.isfinite(error) and error > 0:
        text = f"{x:,.{min(6, max(0, -math.floor(math.log10(error / 2))))}f}"
    elif size >= 1e9 or size < 1:
        text = f"{x:.3g}"
    else:
        text = f"{x:,.{max(0, 2 - math.floor(math.log10(size)))}f}"
    return text.replace("-", "−")
