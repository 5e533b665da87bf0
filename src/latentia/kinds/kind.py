"""What a kind of model is, and how one is fitted into a run folder."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Protocol

from latentia.data.shapes import Shape
from latentia.errors import ConfigError
from latentia.estimators.typed import check_params

if TYPE_CHECKING:
    from latentia.data import Dataset
    from latentia.vocabulary import Words


class Described(Protocol):
    """An entry of any catalog."""

    @property
    def summary(self) -> str: ...  # noqa: D102
    @property
    def reference(self) -> str: ...  # noqa: D102


@dataclass(frozen=True)
class Flag:
    """A flag of `latentia fit` that means a parameter of a kind of model.

    Attributes:
        name: as it is typed: "--latent-dim".
        parameter: of the estimator: "latent_dim".
        type: of its value.
        help: one line.
        absent: what the parameter is where the flag is not given.
    """

    name: str
    parameter: str
    type: Any
    help: str
    absent: Any = None

    @property
    def key(self) -> str:
        """Its name among the settings of the command.

        >>> Flag("--latent-dim", "latent_dim", int, "").key
        'latent_dim'
        """
        return self.name.lstrip("-").replace("-", "_")


class Recipe(Protocol):
    """How one kind of model is fitted into a run folder.

    Attributes:
        estimator: unfitted.
        asked: entries of `config.json` from the start, to which a resumed run must agree.
        holds_out: whether it cannot do without rows that are held out.
    """

    estimator: Any
    asked: dict[str, Any]
    holds_out: bool

    def fit(
        self, dataset: Dataset, out: Path, resume: bool, say: Callable[[str], None]
    ) -> tuple[Any, dict[str, Any]]:
        """The fitted estimator, and further entries of `config.json`."""
        ...

    def first(self, dataset: Dataset) -> dict[str, Any] | None:
        """Parameters, as far as they differ, with which a first model is had soon, where the whole fit takes much longer; else None.

        Asked of kinds that have a flag for `max_minutes`.
        """
        ...


@dataclass(frozen=True)
class Kind:
    """A kind of model: plain data, and the folder where all else of it is.

    The folder `home` is a package with the modules `catalog` (`ENTRIES`, name -> what it is), `estimator` (the classes), `run`
    (`recipe(params)` and the class `RUN`), `page` (`page(run)`) and `words` (`WORDS`), and of kinds with the ability
    `Exports` `serving` (`graphs(estimator)`, see `latentia.estimators.serving.graph`). It is imported when first asked for.

    Attributes:
        name: entry "kind" of `config.json`.
        title: of its models, in words: heading of `latentia models`, and words of errors.
        home: the package.
        estimators: class names, as `config.json` has them; the first is the one that runs are fitted with, unless an entry says otherwise.
        accepts: what its items may be; others are refused by name.
        flags: of `latentia fit`, that mean a parameter of this kind.
        abilities: names of `latentia.kinds.abilities.ABILITIES` that its runs have.
        aliases: other names of its models.
        instead: what to say of a flag that it does not have: key of the flag -> what it takes in its place.
        shows_progress: whether its estimators' `verbose` shows a progress bar and what was chosen.
        of_model: parameters that mean what they mean beside one model; a remedy that is another model leaves them out.

    Example:
        >>> from latentia.kinds import kind_of
        >>> kind_of("gmm").name, kind_of("gmm").model_name("gmm")
        ('mixture', 'gaussian-mixture')
    """

    name: str
    title: str
    home: str
    estimators: tuple[str, ...]
    accepts: frozenset[Shape]
    flags: tuple[Flag, ...] = ()
    abilities: tuple[str, ...] = ()
    aliases: Mapping[str, str] = field(default_factory=dict)
    instead: Mapping[str, str] = field(default_factory=dict)
    of_model: tuple[str, ...] = ()
    shows_progress: bool = True

    def part(self, name: str) -> ModuleType:
        """A module of the folder."""
        return importlib.import_module(f"{self.home}.{name}")

    def entries(self) -> Mapping[str, Described]:
        """Its named models."""
        entries: Mapping[str, Described] = self.part("catalog").ENTRIES
        return entries

    def model_name(self, name: str) -> str | None:
        """The name in `entries` that `name` means; None if it is none of this kind."""
        name = self.aliases.get(name, name)
        return name if name in self.entries() else None

    def estimator(self, name: str) -> Any:
        """A class of estimators by its name."""
        return getattr(self.part("estimator"), name)

    def recipe(self, params: dict[str, Any]) -> Recipe:
        """How the model that the parameters name, by whichever of its names, is fitted."""
        given = params.get("model")
        named = {"model": self.aliases[given]} if isinstance(given, str) and given in self.aliases else {}
        recipe: Recipe = self.part("run").recipe({**params, **named})
        return recipe

    @property
    def run(self) -> Any:
        """The class of its runs."""
        return self.part("run").RUN

    def page(self, run: Any) -> Any:
        """The page of a run: a `latentia.report.page.Page`."""
        return self.part("page").page(run)

    @property
    def words(self) -> Words:
        """Its figures and faults."""
        words: Words = self.part("words").WORDS
        return words


class NetworkRecipe:
    """Fit an estimator around a torch module.

    Args:
        kind: its class.
        params: its arguments.
    """

    holds_out = True

    def __init__(self, kind: type[Any], params: dict[str, Any]) -> None:
        self.estimator = make(kind, params)
        self.asked: dict[str, Any] = {}

    def fit(
        self,
        dataset: Dataset,
        out: Path,
        resume: bool,
        say: Callable[[str], None],  # noqa: ARG002  training shows its own progress
    ) -> tuple[Any, dict[str, Any]]:
        """The fitted estimator, and no further entries of `config.json`."""
        self.estimator.fit(dataset, run_dir=out, resume=resume)
        return self.estimator, {}


def make(kind: Any, params: Mapping[str, Any]) -> Any:
    """An estimator.

    Raises:
        ConfigError: for a parameter that it does not have, with the names that there are; for a value of another type than its.
    """
    known: Sequence[str] = list(kind().get_params(deep=False))
    unknown = [name for name in params if name not in known]
    if unknown:
        raise ConfigError(
            f"{kind.__name__} has no parameter {unknown[0]!r}{nearest(unknown[0], known)}; the parameters are {', '.join(known)}"
        )
    check_params(kind, params)
    return kind(**params)


def nearest(name: str, known: Sequence[str]) -> str:
    """A hint at the known names that are like `name`, or nothing.

    >>> nearest("latentdim", ["latent_dim", "model"])
    " (did you mean 'latent_dim'?)"
    """
    import difflib

    near = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    return f" (did you mean {near[0]!r}?)" if near else ""
