"""What Table 1 compares: the settings of each data set, the rows, and the published figures."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Literal

from latentia.errors import ConfigError
from latentia.kinds import KINDS

BATCH_SIZE = 128
LEARNING_RATE = 2e-3
NETWORK = "report-conv"
MMD_ALPHA = 1.0
MMD_LAMBDA = 500.0

Group = Literal["report", "default", "pythae", "catalog", "own"]
MODELS: Any = KINDS["vae"].entries()
"""The models that a row may be of."""
OWN = "@default"
"""What ends the name of a row that is fitted as `latentia fit --model NAME` does it, not under the report's settings."""


@dataclass(frozen=True)
class Setting:
    """What the report chose for one data set.

    Attributes:
        latent_dim: length of a code.
        epochs: passes over the training images.
        beta: weight of the KL term of beta-VAEs.
        ratio: encoder passes for each pass of the decoder in the aggressive phase.
        aggressive: how long that phase lasts: a number of epochs, or a share of them if below 1.
    """

    latent_dim: int
    epochs: int
    beta: float
    ratio: int
    aggressive: float

    def aggressive_epochs(self, epochs: int) -> int:
        """Epochs of the aggressive phase among `epochs`.

        Example:
            >>> SETTINGS["mnist"].aggressive_epochs(40), SETTINGS["cifar10"].aggressive_epochs(40)
            (5, 20)
        """
        length = self.aggressive * epochs if self.aggressive < 1 else self.aggressive
        return max(1, min(epochs, round(length)))


SETTINGS = {
    "mnist": Setting(5, 40, 4.0, 3, 5),
    "fashion-mnist": Setting(10, 40, 4.0, 3, 5),
    "cifar10": Setting(100, 40, 3.0, 5, 0.5),
    "cifar100": Setting(100, 40, 3.0, 5, 0.5),
    "celeba": Setting(150, 20, 4.0, 5, 0.5),
}
OTHER = Setting(5, 40, 4.0, 3, 5)
"""For image sets that the report does not have: as MNIST."""

# The report's models by their names in the catalog.
REPORT = ("data-variance-vae", "lagging-vae", "reslag-vae", "reslag-vae-light", "beta-vae", "info-vae")
AGGRESSIVE = ("lagging-vae", "reslag-vae", "reslag-vae-light")
PYTHAE = ("pythae-vae", "pythae-beta-vae", "pythae-info-vae", "pythae-iwae")
DEFAULT = "default"
# What the report's two best become with this library's network and training.
REPORT_OWN = ("data-variance-vae", "reslag-vae")


@dataclass(frozen=True)
class Row:
    """A model on a data set.

    Attributes:
        data: name or path of the images.
        name: what the row is called: of the catalog, perhaps with "@default" after it; of `PYTHAE`; or "default".
        group: under which rules it is fitted: "report": the report's settings, with sigma^2 the variance of the data;
            "catalog": the same settings, the entry as it is in the catalog; "pythae": the same by pythae; "default":
            `VAE(latent_dim=...)`; "own": `VAE(name, latent_dim=...)`, its network, optimizer and epochs those of the default, with
            the report's objective and sigma^2 for the report's models.
    """

    data: str
    name: str
    group: Group

    @property
    def key(self) -> str:
        """Name of the row's files."""
        stem = "".join(letter if letter.isalnum() or letter in "-_." else "_" for letter in self.data)
        return f"{stem}--{self.name}"

    @property
    def model(self) -> str:
        """The name in the catalog, for rows of the groups "report", "catalog" and "own"."""
        return self.name.removesuffix(OWN)

    @property
    def own_length(self) -> bool:
        """Whether the fit is as long as this library makes it, whatever number of epochs is asked for."""
        return self.group in ("default", "own")

    @property
    def setting(self) -> Setting:
        """The report's settings of the data set."""
        return SETTINGS.get(self.data, OTHER)


def rows(models: Sequence[str], datasets: Sequence[str]) -> list[Row]:
    """The rows that names and groups of models stand for, data set by data set.

    Args:
        models: names of the catalog, with "@default" after them for this library's own settings; names of `PYTHAE`; "default"; or
            a group: "report", "pythae", "own", "all" (every row of the report's settings).
        datasets: names or paths of images.

    Raises:
        ConfigError: for a name that is none of these.

    Example:
        >>> [row.name for row in rows(["default", "beta-vae"], ["mnist"])]
        ['default', 'beta-vae']
    """
    groups = {
        "report": REPORT,
        "pythae": PYTHAE,
        "own": tuple(name + OWN for name in REPORT_OWN),
        "all": (DEFAULT, *REPORT, *PYTHAE, *(name for name in MODELS if name not in REPORT)),
    }
    names = dict.fromkeys(name for given in models for name in groups.get(given, (given,)))
    for name in names:
        if name not in (DEFAULT, *PYTHAE) and name.removesuffix(OWN) not in MODELS:
            known = ", ".join((*groups, DEFAULT, *PYTHAE, *MODELS))
            raise ConfigError(
                f"--models {name}: no model of Table 1 has this name; there are {known}; and those of the catalog with "
                f"{OWN} after them"
            )
    return [Row(data, name, _group(name)) for data in datasets for name in names]


def _group(name: str) -> Group:
    if name == DEFAULT:
        return "default"
    if name in PYTHAE:
        return "pythae"
    if name.endswith(OWN):
        return "own"
    return "report" if name in REPORT else "catalog"


def options_of(row: Row, epochs: int) -> dict[str, Any]:
    """Arguments of `latentia.VAE` for a row of the groups "report", "catalog" and "own".

    Args:
        row: what is fitted.
        epochs: passes over the training images, and the base of the aggressive phase; not read for the group "own".

    Raises:
        ConfigError: if the catalog has no such model.

    Example:
        >>> options = options_of(Row("mnist", "lagging-vae", "report"), 40)
        >>> options["schedule_options"], options["likelihood"], options["latent_dim"]
        ({'ratio': 3, 'epochs': 5}, 'gaussian-data', 5)
    """
    entry, setting = MODELS[row.model], row.setting
    options: dict[str, Any] = {"model": row.model, "latent_dim": setting.latent_dim}
    if row.model in REPORT:
        options["likelihood"] = "gaussian-data"
    if row.model == "beta-vae":
        options["objective_options"] = {"beta": setting.beta}
    if row.model == "info-vae":
        options["objective_options"] = {"alpha": MMD_ALPHA, "lambda_": MMD_LAMBDA}
    if row.group == "own":
        return options
    options |= {
        # Models whose network is what makes them keep it; all others have the report's.
        "network": "auto" if entry.image_network else NETWORK,
        "max_epochs": epochs,
        "batch_size": BATCH_SIZE,
        "sampler": "prior",  # as the peers; the row "default" draws its samples from where it would for a person
        "optimizer": "adamw",
        "learning_rate": LEARNING_RATE,
        "precision": "float32",
        "patience": epochs,  # the report trains to the end
    }
    if row.model in AGGRESSIVE:
        options["schedule"] = "aggressive"
        options["schedule_options"] = {"ratio": setting.ratio, "epochs": setting.aggressive_epochs(epochs)}
    return options


def published() -> dict[str, Any]:
    """The report's figures: `source`, `note`, and `rows` with data, model, latent_dim, rec, kl, total.

    Example:
        >>> published()["rows"][0]["total"]
        -817.61
    """
    text = files("latentia.benchmarks").joinpath("published.json").read_text(encoding="utf-8")
    figures: dict[str, Any] = json.loads(text)
    return figures
