"""What runs of models of tables with columns of unlike kinds have in common."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from latentia.data.column import Column
from latentia.errors import ConfigError
from latentia.kinds.known import KNOWN


def columns_of(run: Any) -> tuple[Column, ...] | None:
    """What the features of the table of a run are; None where they have no names."""
    known = run.config.get(KNOWN) or {}
    if known.get("mixed"):
        return tuple(Column.rebuild(described) for described in known["columns"])
    own: tuple[Column, ...] | None = getattr(run.estimator, "columns_", None)
    if own is not None:
        return own
    return None if run.columns is None else tuple(Column(name, "number") for name in run.columns)


class FillsTables:
    """The ability `latentia.kinds.abilities.Imputes` of a run, if its estimator was fitted to such a table."""

    estimator: Any

    @property
    def has_columns(self) -> bool:
        """Whether rows have columns of unlike kinds."""
        return getattr(self.estimator, "columns_", None) is not None

    def imputed(self, items: Any, how: str, seed: int) -> Any:
        """See `latentia.kinds.abilities.Imputes`."""
        self._need_columns("impute")
        return self.estimator.impute(items, how, random_state=seed)

    def drawn_given(
        self, given: Mapping[str, Any], n: int, *, seed: int, mean: bool = True
    ) -> tuple[Any, str]:
        """See `latentia.kinds.abilities.Imputes`."""
        self._need_columns("drawing rows with given cells")
        rows = self.estimator.sample_given(given, n, mean=mean, random_state=seed)
        worth = getattr(rows, "attrs", {}).get("effective_sample_size")
        how = "exactly" if worth is None else f"by weighed codes, effective sample size {worth:.0f}"
        cells = ", ".join(f"{name}={cell}" for name, cell in given.items())
        return rows, f"{n} rows given {cells}, drawn {how}"

    def reasons(self, items: Any) -> list[str]:
        """See `latentia.kinds.abilities.Imputes`."""
        self._need_columns("what is unlikely in a row")
        found: list[str] = self.estimator.reasons(items)
        return found

    def _need_columns(self, what: str) -> None:
        if not self.has_columns:
            raise ConfigError(
                f"{what} is of tables with columns of unlike kinds, or with gaps; this run was fitted to numbers without gaps (such a table "
                "is fitted by `--model sigma-vae` or `--model mixed-mixture`)"
            )
