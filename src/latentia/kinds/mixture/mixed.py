"""A mixture of rows whose columns are of unlike kinds, with gaps: latent classes, profiles, and both at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted

from latentia.data.column import Column
from latentia.data.schema import table_of
from latentia.errors import DataError
from latentia.estimators.cells import Cells, Told
from latentia.estimators.conditioning import Conditioned
from latentia.estimators.folder import Curves, params_of
from latentia.estimators.forms.mixed import MixedForm
from latentia.estimators.forms.table_layout import TableLayout
from latentia.estimators.forms.unlike import Unlike, as_frame, given_back, read_later, unlike
from latentia.estimators.table_face import TableFace
from latentia.kinds.mixture.base import BaseMixture
from latentia.kinds.mixture.state import as_arrays
from latentia.mixture.em import posterior
from latentia.mixture.mixed import BERNOULLI, CATEGORICAL, GAUSSIAN, ORDERED, POISSON, MixedComponents
from latentia.mixture.rows import Rows
from latentia.mixture.summary import Summary, summarize

_KINDS = {
    "gaussian": GAUSSIAN, "bernoulli": BERNOULLI, "negative-binomial": POISSON, "categorical": CATEGORICAL, "ordinal": ORDERED,
}  # fmt: skip
_AT_ONCE = 4096


class MixedMixture(TableFace, BaseMixture):
    """p(x) = sum_k w_k prod_j p_j(x_j|k) over the observed cells: each column by its own family.

    Numbers and dates are Gaussian (by logarithm or a power where skewed), counts Poisson, two values Bernoulli, levels categorical. Exact where
    cells are missing at random; latent class analysis is its categorical case.

    Args:
        n_components: K.
        smoothing: pseudo-observations of the priors of all columns (`latentia.mixture.mixed`); 0 is maximum likelihood.
        tol, max_iter, n_init, init_params, criterion, warm_start, random_state, device, verbose: as `GaussianMixture`.

    Attributes:
        weights_: `[K]`.
        columns_: what each column was taken as, and why.
        form_: between rows and the vectors that components see.

    Raises:
        DataError: cells that no column can hold, all in one message.

    Source: McLachlan & Peel 2000, Finite Mixture Models, section 5.5; Little & Rubin 2002, section 6.2.

    Example:
        >>> frame = pd.DataFrame({"plan": ["free", "pro"] * 30, "paid": [0.0, 9.5, None] * 20})
        >>> mixture = MixedMixture(2, random_state=0).fit(frame)
        >>> mixture.impute(frame.iloc[[2]])["plan"].tolist()
        ['free']
    """

    _family = MixedComponents
    _additive = False
    form_: MixedForm
    usual_scores_: NDArray[np.float64] | None

    def __init__(
        self,
        n_components: int = 1,
        *,
        smoothing: float = 0.1,
        tol: float = 1e-3,
        max_iter: int = 100,
        n_init: int = 1,
        init_params: str = "kmeans",
        criterion: str = "log-likelihood",
        warm_start: bool = False,
        random_state: Any = None,
        device: str = "cpu",
        verbose: int = 0,
    ) -> None:
        self.n_components = n_components
        self.smoothing = smoothing
        self.tol = tol
        self.max_iter = max_iter
        self.n_init = n_init
        self.init_params = init_params
        self.criterion = criterion
        self.warm_start = warm_start
        self.random_state = random_state
        self.device = device
        self.verbose = verbose

    @property
    def columns_(self) -> tuple[Column, ...]:
        """What the columns are."""
        check_is_fitted(self)
        return self.form_.columns

    @property
    def event_shape_(self) -> tuple[int, ...]:
        """Shape of one row."""
        return tuple(self.form_.event_shape)

    def _settings(self) -> dict[str, Any]:
        return settings_of(self.form_) | {"smoothing": float(self.smoothing)}

    def _summary(self, rows: Rows) -> Summary:
        return summarize(rows)

    def _table(self, X: Any, y: Any = None, *, reset: bool = False) -> Any:  # noqa: ARG002
        """Items as vectors `[n, W]`."""
        if not reset:
            return self._vectors(self._known_cells(X))
        found = columns_of(X)
        if len(found.values) < 2:
            raise DataError(f"{len(found.values)} sample(s), and a minimum of 2 is required")
        self.n_features_in_ = len(found.given)
        self.form_ = mixed_form(found)
        layout: Any = TableLayout(self.form_)
        self.layout_ = layout
        self.usual_scores_ = None
        return self._vectors(found.values)

    def _known_cells(self, X: Any) -> NDArray[np.float64]:
        """X as numbers of its columns `[n, d]`."""
        check_is_fitted(self)
        return read_later(X, self.form_.columns, self.n_features_in_)

    def _vectors(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(self.form_.model_input(torch.from_numpy(np.array(values))).numpy())

    def _cells(self) -> Cells:
        return MixtureCells(self)

    def score_samples(self, X: Any, *, by_column: bool = False) -> Any:  # type: ignore[override]
        """Log p(x) of the observed cells of each row in nats, `[n]`: a density in the units of the data; `by_column`: see `score_cells`."""
        if by_column:
            return self.score_cells(X)
        values = self._known_cells(X)
        return BaseMixture.score_samples(self, X) - self.form_.log_volumes(values)

    def sample(self, n_samples: int = 1, *, given: Any = None) -> tuple[Any, np.ndarray]:  # type: ignore[override]
        """Draw rows as they were given (a frame, or an array) and their components `[n]`; with `given` cells see `sample_given`."""
        check_is_fitted(self)
        if given is not None:
            rows = self.sample_given(given, n_samples, random_state=self.random_state)
            return rows, self.predict(rows)
        vectors, labels, _ = self._drawn(n_samples)
        seed = 0 if self.random_state is None else int(np.random.RandomState(0).randint(2**31 - 1))
        return given_back(self.form_.items(vectors), self.form_, seed=seed), labels.cpu().numpy()

    def _conditioned(self, row: NDArray[np.float64], n: int, seed: int, mean: bool) -> Conditioned:  # noqa: ARG002
        """Exact: a component from p(k | given), then the other columns, which are independent given it."""
        rows = np.repeat(row, n, axis=0)
        return Conditioned(np.where(np.isnan(rows), self._cells().drawn(rows, seed), rows))

    def predict(self, X: Any) -> np.ndarray:
        """The most probable component of each row, `[n]`."""
        return np.asarray(self.predict_proba(X).argmax(1))

    def state(self) -> dict[str, np.ndarray]:
        """Arrays (no pickle) that, with `get_params()` and the form, rebuild the fitted estimator."""
        form = {f"form.{name}": value.numpy() for name, value in self.form_.state_dict().items()}
        return super().state() | form

    def from_state(self, state: dict[str, np.ndarray]) -> Self:
        """Put an estimator that has its form in the fitted state that `state()` gave."""
        self.form_.load_state_dict(
            {
                name.removeprefix("form."): torch.tensor(value)
                for name, value in state.items()
                if name.startswith("form.")
            }
        )
        form = self.form_
        super().from_state(state)
        layout: Any = TableLayout(form)
        self.layout_, self.n_features_in_ = layout, form.n_given
        return self

    def describe(self) -> tuple[dict[str, Any], dict[str, torch.Tensor], Curves]:
        """Entries of `config.json`, tensors and a row for each iteration."""
        entries, tensors, curves = super().describe()
        return {**entries, "layout": None, "form": self.form_.describe()}, tensors, curves

    @classmethod
    def rebuild(
        cls,
        config: dict[str, Any],
        tensors: dict[str, torch.Tensor],
        curves: Callable[[], Curves],  # noqa: ARG003  they are part of the state
    ) -> Self:
        """The inverse of `describe`."""
        self = cls(**params_of(config))
        self.form_ = rebuilt_form(config["form"])
        self.usual_scores_ = None
        return self.from_state(as_arrays(config["words"], tensors))

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = tags.input_tags.categorical = True
        return tags


def mixed_form(found: Unlike) -> MixedForm:
    """What stands between the rows of a table of unlike columns and the vectors that components see."""
    form = MixedForm(found.columns, found.frames, found.places, len(found.given)).fit(found.values).eval()
    form.output = torch.float64
    return form


def rebuilt_form(described: dict[str, Any]) -> MixedForm:
    """The same from what it said of itself; its constants are set afterwards."""
    form = MixedForm.rebuild(described).eval()
    form.output = torch.float64
    return form


def settings_of(form: MixedForm) -> dict[str, Any]:
    """What components of unlike columns are told of the vectors that they see."""
    terms = form.terms
    return {
        "kinds": [_KINDS[term.family] for term in terms],
        "starts": [term.start for term in terms],
        "levels": [max(term.width, term.levels, 1) for term in terms],
        "marks": [term.mask for term in terms],
        "centre": [term.centre for term in terms],
        "scale": [term.scale for term in terms],
    }


def columns_of(X: Any) -> Unlike:
    """What the columns of any table are; counts of one kind of thing are columns of counts."""
    found = unlike(X)
    if found is not None:
        return found
    frame = as_frame(X)
    own = pd.DataFrame(np.asarray(X.toarray() if hasattr(X, "toarray") else X)) if frame is None else frame[0]
    if own.ndim != 2 or not own.shape[1]:
        raise DataError(f"X of shape {np.shape(X)} is no table `[n, d]`")
    titles = [str(name) for name in own.columns]
    table = table_of(own, titles, "X")
    return Unlike(table.items.values, table.items.columns, tuple(titles), frame is not None, table.lines)


class MixtureCells(Cells):
    """What a mixture makes of single cells: by the components that the known ones speak for.

    Args:
        mixture: fitted.
    """

    def __init__(self, mixture: MixedMixture) -> None:
        self.mixture, self.form = mixture, mixture.form_
        self.components: Any = mixture.components_

    def _each(self, rows: NDArray[np.float64], of: Callable[[Any, slice], None]) -> None:
        held = Rows(self.mixture._vectors(rows), dtype=torch.float64, device=self.mixture.device)
        self.components.dtype = torch.float64
        self.components.begin()
        for chunk in held.chunks(_AT_ONCE):
            responsibilities = posterior(self.components, chunk)[1].clone()
            of(responsibilities, slice(chunk.start, chunk.start + len(chunk)))

    def told(self, rows: NDArray[np.float64], cells: NDArray[np.float64]) -> Told:
        """See `latentia.estimators.cells.Cells`."""
        expected, log_prob = np.empty(rows.shape), np.empty(rows.shape)
        vectors = self.components.means()
        items = self.form.items(vectors)
        levels = [j for j, column in enumerate(self.form.columns) if column.kind in ("category", "binary")]
        asked = torch.from_numpy(self.mixture._vectors(cells))

        def of(responsibilities: Any, part: slice) -> None:
            share = responsibilities.T.cpu()
            expected[part] = share.numpy() @ items
            expected[part, levels] = self.form.items(share @ vectors.cpu())[:, levels]
            by_column = self.components.log_prob_by_column(next(Rows(asked[part]).chunks(_AT_ONCE)))
            weighed = responsibilities.clamp(min=1e-300).log()[..., None] + by_column
            log_prob[part] = torch.logsumexp(weighed, 0).cpu().numpy()

        self._each(rows, of)
        log_prob = np.where(np.isnan(cells), 0.0, log_prob)
        return Told(expected, log_prob - self.form.log_volumes_by_column(cells))

    def drawn(self, rows: NDArray[np.float64], seed: int) -> NDArray[np.float64]:
        """See `latentia.estimators.cells.Cells`."""
        out = np.empty(rows.shape)
        generator = torch.Generator(self.components.device).manual_seed(seed)

        def of(responsibilities: Any, part: slice) -> None:
            labels = torch.multinomial(responsibilities.T, 1, generator=generator)[:, 0]
            out[part] = self.form.items(self.components.sample(labels, generator))

        self._each(rows, of)
        return out
