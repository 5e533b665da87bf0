"""What a run can do, as protocols; and `need`, which gives the run if it can.

All speak of ITEMS as the data set of the run has them (`[n, d]`, `[n, C, H, W]`, token sequences, ...): a run translates to
rows, levels and tokens itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, runtime_checkable

from latentia.errors import ConfigError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from latentia.estimators.serving.graph import Written

A = TypeVar("A")


@dataclass(frozen=True)
class Change:
    """A remedy that is another fit.

    Attributes:
        text: in words.
        params: all parameters of the other fit.
        label: what was changed, short enough for the name of a folder.
        command: the command line that makes it, into a folder beside the run's.
        remedy: what the verdict says of it.
    """

    text: str
    params: Mapping[str, Any] = field(default_factory=dict)
    label: str = ""
    command: str = ""
    remedy: str = ""


@runtime_checkable
class Samples(Protocol):
    """Draws new items."""

    def drawn(self, n: int, *, seed: int, mean: bool = True, label: str | None = None) -> Any:
        """`n` items `[n, *event]`; with `mean`, without the noise of p(x|z) where that is defined; of a class `label`."""
        ...


@runtime_checkable
class Scores(Protocol):
    """Gives items a log-density."""

    def log_density(self, items: Any) -> NDArray[np.float64]:
        """Log p(x) of each item in nats, `[n]`."""
        ...


@runtime_checkable
class Encodes(Protocol):
    """Has a vector for each item."""

    def vectors(self, items: Any) -> NDArray[Any]:
        """`[n, D]`; distances between them mean something."""
        ...


@runtime_checkable
class Rebuilds(Protocol):
    """Gives items back by way of their codes."""

    def rebuilt(self, items: Any) -> Any:
        """`[n, *event]`."""
        ...


@runtime_checkable
class Walks(Protocol):
    """Has codes between which there is something."""

    def coded(self, items: Any) -> NDArray[Any]:
        """Codes `[n, D]` of items."""
        ...

    def decoded(self, codes: NDArray[Any]) -> Any:
        """Items `[n, *event]` of codes `[n, D]`."""
        ...


@runtime_checkable
class Completes(Protocol):
    """Keeps a part of items and draws the rest."""

    def completed(self, items: Any, keep: float, *, seed: int, labels: Any = None) -> Any:
        """Items of which the first share `keep` is kept."""
        ...


@runtime_checkable
class Infers(Protocol):
    """Gives q(z|x), p(x|z) and gradients in z of the items of a run."""

    def estimator_for(self, what: str) -> Any:
        """The estimator whose `module_` and `tensors` do it; `what` is named in the error where it cannot."""
        ...


@runtime_checkable
class Compresses(Protocol):
    """Writes items in few bytes."""

    def compressed(self, items: Any, *, exact: bool, precision: int | None, names: Sequence[str]) -> bytes:
        """The bytes."""
        ...

    def restored(self, content: bytes) -> Any:
        """What `compressed` wrote: `items` and `names`."""
        ...


@runtime_checkable
class Exports(Protocol):
    """Writes itself for other programs."""

    def exported(self, folder: Path, only: Sequence[str] | None = None) -> list[Written]:
        """The files, all or `only` those of some graphs, each with its graph and its largest difference from what this library computes."""
        ...


@runtime_checkable
class Segments(Protocol):
    """Says which pixels belong to which object, where objects are, and how many."""

    def masks(self, items: Any) -> NDArray[Any]:
        """Share of each pixel of each slot, `[n, K, H, W]`, non-negative, summing to 1 over K; slot 0 is the background."""
        ...

    def labels(self, items: Any) -> NDArray[Any]:
        """Whose each pixel is, `[n, H, W]`: 0 the background, i the i-th object."""
        ...

    def objects(self, items: Any) -> Any:
        """A pandas table with a row for each object: item, slot, x, y, width, height, area, ..."""
        ...

    def numbers(self, items: Any) -> tuple[NDArray[Any], NDArray[Any] | None]:
        """How many objects, `[n]`; and the probability of each number from 0 on, `[n, N + 1]`, where the model has one."""
        ...

    def edited(self, items: Any, *, remove: Any, move: Mapping[int, tuple[float, float]], swap: Any) -> Any:
        """Items with objects (numbered from 1) left out, moved by shares of the image, right and down, or exchanged."""
        ...


@runtime_checkable
class Forecasts(Protocol):
    """Follows objects through sequences, and continues these."""

    def continued(self, items: Any, n_steps: int, *, n_samples: int, seed: int) -> tuple[Any, Any]:
        """The next steps of each item (with samples, so many draws of them), and the states `[..., K, 4]` of their objects."""
        ...

    def tracked(self, items: Any) -> Any:
        """A pandas table with a row for each object and step."""
        ...


@runtime_checkable
class Clusters(Protocol):
    """Puts items into groups."""

    def memberships(self, items: Any) -> NDArray[np.float64]:
        """p(k|x), `[n, K]`."""
        ...


@runtime_checkable
class Classifies(Protocol):
    """Gives items a class."""

    @property
    def class_names(self) -> list[str]:
        """Names of the classes, C."""
        ...

    def class_probabilities(self, items: Any) -> NDArray[np.float64]:
        """P(y=c|x), `[n, C]`."""
        ...


@runtime_checkable
class Imputes(Protocol):
    """Fills gaps of tables, and says which cells of a row are unlikely."""

    def imputed(self, items: Any, how: str, seed: int) -> Any:
        """A frame without gaps; `how`: "mean" or "draw"."""
        ...

    def drawn_given(
        self, given: Mapping[str, Any], n: int, *, seed: int, mean: bool = True
    ) -> tuple[Any, str]:
        """`n` rows that have the given cells, and how they were drawn in words."""
        ...

    def reasons(self, items: Any) -> list[str]:
        """Of each row, its least likely cells with what was expected there, in words."""
        ...


@runtime_checkable
class Remedies(Protocol):
    """Knows what to fit instead."""

    def remedied(self, verdict: Any) -> list[Change]:
        """Each remedy of the verdict that is a fit with other parameters, in their order."""
        ...


ABILITIES: Mapping[str, type[Any]] = {
    each.__name__: each
    for each in (
        Samples, Scores, Encodes, Rebuilds, Walks, Completes, Infers, Compresses, Exports, Segments, Forecasts, Clusters, Classifies,
        Imputes,
        Remedies,
    )
}  # fmt: skip
"""By the names that a `Kind` declares."""

_IN_WORDS = {
    "Samples": "a model that draws new items",
    "Scores": "a model with a log-density",
    "Encodes": "a model with a vector for each item",
    "Rebuilds": "a model with an encoder and a decoder",
    "Walks": "codes that vary continuously",
    "Completes": "an autoregressive model or discrete codes",
    "Infers": "a code of real numbers whose posterior can be followed",
    "Compresses": "codes of real numbers and a likelihood of pixels",
    "Exports": "graphs for programs without this library",
    "Segments": "a model that separates objects",
    "Forecasts": "a model of videos",
    "Clusters": "a mixture",
    "Classifies": "a classifier",
    "Imputes": "a model of tables with columns of unlike kinds, or with gaps",
    "Remedies": "a model whose diagnosis leads to another fit",
}


def need(run: Any, ability: type[A], command: str) -> A:
    """The run, if it can; `command` is what needs it.

    Raises:
        ConfigError: in one line: what is missing, what the run is, and a model that has it.
    """
    if isinstance(run, ability):
        return run
    name = ability.__name__
    example = _example(name, run.kind)
    fit = f"; fit one with `--model {example}`" if example else ""
    raise ConfigError(f"{command} needs {_IN_WORDS[name]}; this run is a {run.model} ({run.kind.title}){fit}")


def _example(ability: str, own: Any) -> str | None:
    """The first model of the first kind that declares an ability, for the items of a run if there is one."""
    from latentia.kinds import all_kinds

    able = [kind for kind in all_kinds() if ability in kind.abilities]
    able.sort(key=lambda kind: not kind.accepts & own.accepts)
    return next((next(iter(kind.entries())) for kind in able), None)
