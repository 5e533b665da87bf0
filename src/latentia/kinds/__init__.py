"""The kinds of models, a folder each; plain data, so that nothing heavy is imported before it is needed.

To add one, add its folder and a line here. Other packages add theirs by the entry-point group `latentia.kinds`, a notebook
by `latentia.register(kind=...)`.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping
from typing import Any

from latentia.data.shapes import Shape
from latentia.errors import ConfigError
from latentia.kinds.kind import Flag, Kind
from latentia.registry import Registry

_EPOCHS = Flag(
    "--epochs", "max_epochs", int | None, "passes over the data; chosen by their number if left out."
)
_MINUTES = Flag(
    "--minutes",
    "max_minutes",
    float | None,
    "time that the fit may take; network and updates are chosen for it. Left out, without --epochs: 30 where the fit would plainly take longer.",
    absent="auto",
)
_DIM = Flag(
    "--latent-dim", "latent_dim", int | None, "length of a code; chosen by the size of the data if left out."
)
_NUMBER = Flag(
    "--n-components",
    "n_components",
    int | str | None,
    "of a mixture, a number (8) or a range (1..7), from which BIC (of Dirichlet-multinomials, the Laplace evidence) chooses; 1..10 if left out.",
)
_SLOTS = Flag(
    "--n-slots", "n_slots", int | None, "places for objects in an image; the model's own if left out."
)
_OBJECTS = Flag("--n-objects", "n_objects", int | None, "objects in every frame of a video; 3 if left out.")
_ANY = frozenset({Shape.TABLE, Shape.COUNTS, Shape.IMAGES})
_MIXED_TOO = _ANY | {Shape.MIXED}

KINDS: Registry[Kind] = Registry("kind of model", group="latentia.kinds", of=Kind)
"""Kinds by name, in reading order."""

for _kind in (
    Kind(
        "vae",
        "variational autoencoders",
        "latentia.kinds.vae",
        ("VAE",),
        _MIXED_TOO,
        (_DIM, _EPOCHS, _MINUTES),
        ("Samples", "Scores", "Encodes", "Rebuilds", "Walks", "Infers", "Compresses", "Exports", "Imputes", "Remedies"),
        of_model=("objective", "objective_options", "schedule", "schedule_options"),
    ),
    Kind(
        "codes",
        "models with discrete codes",
        "latentia.kinds.codes",
        ("VQVAE",),
        _MIXED_TOO,
        (_DIM, _EPOCHS),
        ("Samples", "Scores", "Encodes", "Rebuilds", "Completes", "Exports", "Remedies"),
    ),
    Kind(
        "autoregressive",
        "autoregressive models",
        "latentia.kinds.autoregressive",
        ("AutoregressiveModel",),
        _ANY,
        (_EPOCHS,),
        ("Samples", "Scores", "Completes", "Remedies"),
    ),
    Kind(
        "mixture",
        "mixtures",
        "latentia.kinds.mixture",
        (
            "GaussianMixture", "BernoulliMixture", "CategoricalMixture", "PoissonMixture", "MultinomialMixture",
            "DirichletMultinomialMixture", "MixedMixture",
        ),
        _MIXED_TOO,
        (_NUMBER,),
        ("Samples", "Scores", "Clusters", "Exports", "Imputes", "Remedies"),
        {"gmm": "gaussian-mixture", "dmm": "dirichlet-multinomial-mixture"},
        {"epochs": "--n-components, and --set max_iter=N"},
        shows_progress=False,
    ),
    Kind(
        "classifier",
        "classifiers",
        "latentia.kinds.classifier",
        ("GaussianMixtureClassifier",),
        frozenset({Shape.TABLE, Shape.COUNTS, Shape.MIXED}),
        (_NUMBER,),
        ("Samples", "Scores", "Classifies", "Exports", "Remedies"),
        {"gmm-classifier": "gaussian-mixture-classifier"},
        {"epochs": "--n-components, and --set max_iter=N"},
        shows_progress=False,
    ),
    Kind(
        "scene",
        "models of scenes",
        "latentia.kinds.scene",
        ("SceneVAE",),
        frozenset({Shape.IMAGES}),
        (_SLOTS, _DIM, _EPOCHS),
        ("Samples", "Scores", "Encodes", "Rebuilds", "Segments", "Remedies"),
        of_model=("objective_options", "scale"),
    ),
    Kind(
        "video",
        "models of videos",
        "latentia.kinds.video",
        ("VideoVAE",),
        frozenset({Shape.FRAMES}),
        (_OBJECTS, _EPOCHS),
        ("Samples", "Scores", "Encodes", "Rebuilds", "Forecasts", "Remedies"),
        of_model=("scale",),
    ),
    Kind(
        "sequence",
        "models of sequences",
        "latentia.kinds.sequence",
        ("SequenceVAE",),
        frozenset({Shape.TOKENS}),
        (_DIM, _EPOCHS),
        ("Samples", "Scores", "Encodes", "Rebuilds", "Walks", "Completes", "Exports", "Remedies"),
        of_model=("objective_options", "schedule", "pretrain_epochs"),
    ),
    Kind(
        "types",
        "community types",
        "latentia.kinds.types",
        ("CommunityTypes",),
        frozenset({Shape.COUNTS}),
        (_NUMBER,),
        ("Samples", "Scores", "Clusters", "Exports", "Remedies"),
        instead={"epochs": "--n-components, and --set n_init=N"},
        shows_progress=False,
    ),
    Kind(
        "series",
        "models of series",
        "latentia.kinds.series",
        ("SeriesVAE",),
        frozenset({Shape.SERIES}),
        (_DIM, _EPOCHS),
        ("Samples", "Scores", "Encodes", "Rebuilds", "Walks", "Exports", "Remedies"),
    ),
    Kind(
        "transducer",
        "transducers",
        "latentia.kinds.transducer",
        ("Transducer",),
        frozenset({Shape.PAIRS}),
        (
            Flag("--steps", "steps", int | None, "of training; chosen by the number of pairs if left out."),
            Flag("--labelled", "labelled", float | None, "share of the training pairs whose inputs are told; of the others the outputs alone."),
        ),
        ("Remedies",),
        instead={"epochs": "--steps"},
        of_model=("unpaired_weight", "relaxation"),
    ),
):  # fmt: skip
    KINDS.add(_kind.name, _kind)


def all_kinds() -> tuple[Kind, ...]:
    """All kinds, those of installed packages too."""
    KINDS.discover()
    return tuple(KINDS.values())


def kind_of(model: object) -> Kind:
    """The kind of a model by name.

    Raises:
        ConfigError: if no kind has a model of that name; says which names are like it.

    Example:
        >>> kind_of("sigma-vae").name, kind_of("vq-vae").name
        ('vae', 'codes')
    """
    if isinstance(model, str):
        for kind in KINDS.values():
            if kind.aliases.get(model, model) in set(kind.entries()):
                return kind
        for kind in all_kinds():  # other packages are looked into when this one has no such name
            if kind.model_name(model) is not None:
                return kind
    known: Registry[None] = Registry("model")
    for kind in all_kinds():
        for name in (*kind.entries(), *kind.aliases):
            known.add(name, None)
    raise ConfigError(known.unknown(model))


def fitting_model(model: str, shape: Shape | None) -> str:
    """The model to fit: where the first of all is asked for and is not for such items, the first one that is.

    Example:
        >>> fitting_model("sigma-vae", Shape.TOKENS), fitting_model("sigma-vae", None), fitting_model("gmm", Shape.TOKENS)
        ('sequence-pretrained', 'sigma-vae', 'gmm')
    """
    first, *others = KINDS.values()
    if model != next(iter(first.entries())) or shape is None or shape in first.accepts:
        return model
    return next((next(iter(kind.entries())) for kind in others if shape in kind.accepts), model)


def own_commands() -> dict[str, list[tuple[Kind, Callable[..., None]]]]:
    """Commands of which kinds have a form of their own, for their runs: name -> each such kind and its function.

    They stand in the module `commands` of a kind's folder, if it has one, in the tuple `COMMANDS`.
    """
    found: dict[str, list[tuple[Kind, Callable[..., None]]]] = {}
    for kind in all_kinds():
        if importlib.util.find_spec(f"{kind.home}.commands") is not None:
            for function in kind.part("commands").COMMANDS:
                found.setdefault(function.__name__, []).append((kind, function))
    return found


def kind_of_estimator(name: object) -> Kind | None:
    """The kind whose estimators include a class name; None if there is none."""
    for kinds in (KINDS.values, all_kinds):
        found = next((kind for kind in kinds() if name in kind.estimators), None)
        if found is not None:
            return found
    return None


def kind_flags() -> dict[str, Flag]:
    """All flags of `latentia fit` that mean a parameter of some kind, by key; the first kind that has one describes it."""
    found: dict[str, Flag] = {}
    for kind in all_kinds():
        for flag in kind.flags:
            found.setdefault(flag.key, flag)
    return found


def params_of(kind: Kind, model: str, flags: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments of the estimator of a kind that flags of the command line mean.

    Args:
        kind: of the model.
        model: as it was asked for.
        flags: key of a flag -> its value; None where it was not given.

    Raises:
        ConfigError: for a flag that this kind does not have; says whose it is, and what this kind takes.
    """
    own = {flag.key: flag for flag in kind.flags}
    for key, value in flags.items():
        if value is not None and key not in own:
            whose = " and ".join(
                each.title for each in all_kinds() if key in {flag.key for flag in each.flags}
            )
            takes = (
                kind.instead.get(key)
                or " and ".join(flag.name for flag in kind.flags)
                or "no flag of its own"
            )
            raise ConfigError(f"--{key.replace('_', '-')} is for {whose}; {model} takes {takes}")
    return {
        "model": kind.model_name(model),
        **{
            flag.parameter: flag.absent if (value := flags.get(key)) is None else value
            for key, flag in own.items()
        },
    }
