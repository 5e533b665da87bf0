"""What estimators of tables do with single cells: fill gaps, name anomalies and the cells behind them."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.utils import check_random_state
from sklearn.utils.metaestimators import available_if

from latentia.errors import ConfigError
from latentia.estimators.cells import Cells, CodedCells, log_prob_by_column
from latentia.estimators.conditioning import Conditioned, conditioned, given_row, tell
from latentia.estimators.forms.unlike import as_frame, given_back
from latentia.estimators.gaps import ScoresGaps, cost_of_gaps
from latentia.estimators.parameters import whole

BEHIND = 3
"""Cells that are named for each anomaly."""
MOST_USUAL = 1000
"""Held-out rows whose scores are kept."""
UNUSUAL = 0.05
"""Share of usual rows beyond which a row is called anomalous, unless a person says another."""


def _of_columns(estimator: Any) -> bool:
    """Whether an estimator was fitted to a table of unlike columns.

    Raises:
        AttributeError: if not; says what such a table is.
    """
    if getattr(estimator, "form_", None) is None or getattr(estimator, "columns_", None) is None:
        raise AttributeError(
            f"{type(estimator).__name__} says nothing of single cells before it is fitted to a table of unlike columns: a data frame "
            "with words, dates, counts or gaps, or an array with gaps"
        )
    return True


class TableFace(ScoresGaps):
    """Methods of estimators whose rows may have gaps; a kind gives `form_`, `usual_scores_`, and `_cells` where there are no codes.

    Attributes:
        usual_scores_: minus what `unusual` gives of rows that were held out of fitting, rising.
    """

    takes_columns = True
    form_: Any
    usual_scores_: NDArray[np.float64] | None

    def _cells(self) -> Cells:
        """What is asked for single cells; here by way of codes."""
        estimator: Any = self
        asked = estimator._inference()
        return CodedCells(asked.module, asked.form)

    def sample(
        self, n_samples: int = 1, *, mean: bool = False, random_state: Any = None, given: Any = None
    ) -> Any:
        """`n_samples` draws from the model (see `LatentEstimator`); of tables, with `given`, what `sample_given` draws."""
        drawing: Any = super()
        if given is None:
            return drawing.sample(n_samples, mean=mean, random_state=random_state)
        _of_columns(self)
        return self.sample_given(given, n_samples, mean=mean, random_state=random_state)

    @available_if(_of_columns)  # type: ignore[untyped-decorator]
    def sample_given(
        self, given: Any, n_samples: int = 1, *, mean: bool = False, random_state: Any = None
    ) -> Any:
        """Rows drawn given some of their cells: p(row | given).

        Args:
            given: name of a column -> its cell, such as `{"plan": "pro"}`; of arrays, the number of the column.
            n_samples: how many.
            mean: of models with codes, the mean of p(x|z) at each code in place of a draw.
            random_state: seed; None draws anew each time.

        Returns:
            What X was in the fit. Models with codes resample weighed ones (`latentia.estimators.conditioning`): the `attrs` of a frame hold
            `effective_sample_size`, and a warning is logged where it is below 100. Mixtures draw exactly.

        Raises:
            DataError: a column or level that there is not, a missing cell, or one that its column cannot hold.
        """
        whole("n_samples", n_samples, 1)
        seed = int(check_random_state(random_state).randint(2**31 - 1))
        found = self._conditioned(given_row(given, self.form_.columns), n_samples, seed, mean)
        tell(found, given)
        frame = given_back(found.rows, self.form_, seed=seed)
        if isinstance(frame, pd.DataFrame):
            for column in self.form_.columns:
                if column.rare and column.name in given:  # "other" would come back as any of the rare levels
                    frame[column.name] = given[column.name]
            if found.effective is not None:
                frame.attrs["effective_sample_size"] = found.effective
        return frame

    def _conditioned(self, row: NDArray[np.float64], n: int, seed: int, mean: bool) -> Conditioned:
        """Draws given a row `[1, d]` with NaN for what is not given; here by way of codes."""
        estimator: Any = self
        asked = estimator._inference()
        return conditioned(
            asked.module, asked.form, row, n, seed=seed, mean=mean, prior=estimator._source(asked.module)
        )

    def score_samples(
        self, X: Any, *, total: str = "given", n_importance: int | None = None, by_column: bool = False
    ) -> Any:
        """Log p(x) of each row, `[n]` (see `LatentEstimator`); with `by_column`, what `score_cells` gives of a table of unlike columns."""
        scored: Any = super()
        return (
            self.score_cells(X)
            if by_column
            else scored.score_samples(X, total=total, n_importance=n_importance)
        )

    @available_if(_of_columns)  # type: ignore[untyped-decorator]
    def impute(
        self, X: Any, how: Literal["mean", "draw"] = "mean", n: int = 1, *, random_state: Any = None
    ) -> Any:
        """X with its gaps filled; what is known stays as it is.

        Args:
            X: rows like those of the fit.
            how: "mean": of numbers their mean, of levels the most probable, given the known cells of the row; "draw": draws from
                p(missing | known): several of them (multiple imputation) show how uncertain they are.
            n: how many draws.
            random_state: seed of draws.

        Returns:
            What X was (a frame, or an array); a list of `n` of them, if `n` is above 1.
        """
        if how not in ("mean", "draw"):
            raise ConfigError(f"how={how!r} is unknown; give 'mean' or 'draw'")
        whole("n", n, 1)
        if how == "mean" and n > 1:
            raise ConfigError(f"how='mean' is one table; n={n} tables are drawn with how='draw'")
        rows = self._known_cells(X)
        if how == "mean":
            return self._filled(X, rows, self._cells().told(rows, rows).expected, None)
        random = check_random_state(random_state)
        seeds = [int(random.randint(2**31 - 1)) for _ in range(n)]
        found = [self._filled(X, rows, self._cells().drawn(rows, seed), seed) for seed in seeds]
        return found[0] if n == 1 else found

    def _filled(self, X: Any, rows: NDArray[np.float64], told: NDArray[np.float64], seed: int | None) -> Any:
        gaps = np.isnan(rows)
        filled = given_back(np.where(gaps, told, rows), self.form_, X, seed)
        own = as_frame(X)
        if own is None or not isinstance(filled, pd.DataFrame):
            return filled
        for j, column in enumerate(self.form_.columns):
            if not gaps[:, j].all() and column.rare:  # rare levels are known by name where they are known
                name = own[0].columns[[str(title) for title in own[0].columns].index(column.name)]
                filled[name] = filled[name].where(pd.Series(gaps[:, j], index=filled.index), own[0][name])
        return filled

    @available_if(_of_columns)  # type: ignore[untyped-decorator]
    def score_cells(self, X: Any) -> Any:
        """Log p(x_j | the other cells of the row) of each cell in nats, as a frame `[n, d]`; zero where one is missing.

        A density in the units of the column for numbers and dates (in days), a probability for all else.
        """
        rows = self._known_cells(X)
        found = log_prob_by_column(self._cells(), rows).log_prob
        own = as_frame(X)
        names = [column.name for column in self.form_.columns]
        return pd.DataFrame(found, columns=names, index=own[0].index if own is not None and own[1] else None)

    @available_if(_of_columns)  # type: ignore[untyped-decorator]
    def anomalies(self, X: Any, contamination: float | None = None, *, names: Any = None) -> pd.DataFrame:
        """The rows of X, the most unusual first, with the cells behind it.

        Args:
            X: rows like those of the fit.
            contamination: the share of rows to give; None gives those that at most 5 % of held-out rows equal.
            names: of the rows; None: the index of a frame, or numbers from 0.

        Returns:
            `name`, `score` (what `unusual` gives), `p_value` (share of held-out rows with as high a score), and `because`: the three cells
            that are least probable given the others, each with what the model expected there.
        """
        rows = self._known_cells(X)
        scores = self.unusual(X)
        p_values = self._p_values(scores)
        order = np.argsort(-scores, kind="stable")
        if contamination is None:
            order = order[p_values[order] <= UNUSUAL]
        elif not 0 < contamination <= 1:
            raise ConfigError(f"contamination={contamination}: expected a share above 0, at most 1")
        else:
            order = order[: max(1, round(contamination * len(order)))]
        own = as_frame(X)
        index = own[0].index if names is None and own is not None and own[1] else names
        shown = np.arange(len(rows)) if index is None else np.asarray(index)
        found = {"name": shown[order], "score": scores[order], "p_value": p_values[order]}
        return pd.DataFrame({**found, "because": self._because(rows[order])})

    @available_if(_of_columns)  # type: ignore[untyped-decorator]
    def reasons(self, X: Any) -> list[str]:
        """Of each row of X, its three least probable cells given the others, each with what was expected there, in words."""
        return self._because(self._known_cells(X))

    @available_if(_of_columns)  # type: ignore[untyped-decorator]
    def predict(self, X: Any) -> NDArray[np.int64]:
        """-1 for rows that are more unusual than 95 % of held-out rows, else 1: scikit-learn's convention for outliers, `[n]`."""
        scores = self.unusual(X)
        return np.where(self._p_values(scores) <= UNUSUAL, -1, 1).astype(np.int64)

    def _p_values(self, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        """Share of held-out rows that score at least as high, never 0; without held-out rows, of these rows."""
        kept = getattr(self, "usual_scores_", None)
        usual = np.sort(scores if kept is None else -kept)
        return (len(usual) - np.searchsorted(usual, scores, side="left") + 1) / (len(usual) + 1)

    def _because(self, rows: NDArray[np.float64]) -> list[str]:
        """The least probable cells of rows, in words."""
        if not len(rows):
            return []
        told = log_prob_by_column(self._cells(), rows)
        # what is unusual in a cell is how much less probable it is than what was expected there
        columns = self.form_.columns
        best = log_prob_of_expected(self._cells(), rows, told.expected)
        less = np.where(np.isnan(rows), -np.inf, best - told.log_prob)
        own, expected = (
            given_back(values, _Frames(columns), None).astype(object) for values in (rows, told.expected)
        )
        found = []
        for i in range(len(rows)):
            cells = [j for j in np.argsort(-less[i], kind="stable")[:BEHIND] if less[i, j] > 0]
            found.append(
                "; ".join(
                    f"{columns[j].name}: {shown(own.iloc[i, j])}, expected {shown(expected.iloc[i, j])}"
                    for j in cells
                )
            )
        return found


def usual_scores(estimator: Any, held_out: NDArray[Any] | None) -> NDArray[np.float64] | None:
    """Minus `unusual` of held-out rows of a table of unlike columns, rising; None for other data, or without such rows."""
    if held_out is None or estimator.columns_ is None:
        return None
    rows = np.asarray(held_out[:MOST_USUAL])
    scores = estimator._inference().log_density(rows, estimator.n_importance)
    return None if scores is None else np.sort(scores - cost_of_gaps(estimator, rows))


class _Frames:
    """A form for frames."""

    frames = True

    def __init__(self, columns: Any) -> None:
        self.columns = columns


def log_prob_of_expected(
    model: Cells, rows: NDArray[np.float64], expected: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Log p of what was expected in each cell given the others, `[n, d]`."""
    out = np.zeros(rows.shape)
    for j in range(rows.shape[1]):
        known = ~np.isnan(rows[:, j])
        if known.any():
            others = rows[known].copy()
            others[:, j] = np.nan
            put = rows[known].copy()
            put[:, j] = expected[known, j]
            out[known, j] = model.told(others, put).log_prob[:, j]
    return out


def shown(cell: Any) -> str:
    """A cell in a sentence."""
    if isinstance(cell, pd.Timestamp):
        return str(cell.date()) if cell == cell.normalize() else str(cell)
    return f"{cell:.6g}" if isinstance(cell, float | np.floating) else str(cell)
