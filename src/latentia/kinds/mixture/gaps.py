"""What a mixture of Gaussians makes of missing cells."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import pandas as pd
import torch
from sklearn.utils import check_random_state

from latentia.errors import ConfigError, DataError
from latentia.estimators.gaps import ScoresGaps
from latentia.estimators.parameters import whole
from latentia.mixture.em import posterior
from latentia.mixture.gaps import GapsPass
from latentia.mixture.gaussian import GaussianComponents


class FillsGaps(ScoresGaps):
    """The methods `impute` and `unusual` of a mixture of Gaussians; rows are arrays or frames of numbers, NaN where a cell is missing."""

    components_: Any
    layout_: Any

    @property
    def _scores_gaps(self) -> bool:
        return hasattr(self, "components_") and not self.layout_.is_image

    def _known_cells(self, X: Any) -> np.ndarray:
        return np.asarray(X.toarray() if hasattr(X, "toarray") else X, dtype=np.float64)

    def _as_given(self, rows: np.ndarray) -> Any:
        names = getattr(self, "feature_names_in_", None)
        return rows if names is None else pd.DataFrame(rows, columns=names)

    def impute(
        self, X: Any, how: Literal["mean", "draw"] = "mean", n: int = 1, *, random_state: Any = None
    ) -> Any:
        r"""X with its gaps filled by what the known cells of each row say of them; what is known stays as it is.

        .. math:: E[x_m | x_o] = \sum_k p(k | x_o) \, (\mu_m + \Sigma_{mo} \Sigma_{oo}^{-1} (x_o - \mu_o))

        Args:
            X: rows like those of the fit.
            how: "mean", as above; "draw": draws of a component and then of the missing cells (several: multiple imputation).
            n: how many draws.
            random_state: seed of draws.

        Returns:
            An array `[n, d]`, or a frame where X is one; a list of `n` of them, if `n` is above 1.

        Raises:
            ConfigError: an unknown `how`, or several means.
            DataError: images, whose pixels are not missing one by one.
        """
        if how not in ("mean", "draw"):
            raise ConfigError(f"how={how!r} is unknown; give 'mean' or 'draw'")
        whole("n", n, 1)
        if how == "mean" and n > 1:
            raise ConfigError(f"how='mean' is one table; n={n} tables are drawn with how='draw'")
        mixture: Any = self
        rows = mixture._checked(X)
        if mixture.layout_.is_image:
            raise DataError("impute is of tables; this mixture was fitted to images")
        random = check_random_state(random_state)
        found = [
            _like(X, self._filled(rows, how, int(random.randint(2**31 - 1)), has_gaps=self.components_.gaps))
            for _ in range(n)
        ]
        return found[0] if n == 1 else found

    def _filled(self, rows: Any, how: str, seed: int, *, has_gaps: bool) -> np.ndarray:
        components = self.components_
        assert isinstance(components, GaussianComponents)
        components.begin()
        generator = torch.Generator(components.device).manual_seed(seed)
        found = []
        for chunk in rows.chunks(components.chunk_rows):
            if not has_gaps:
                found.append(chunk.x.double().cpu().numpy())
                continue
            responsibilities = posterior(components, chunk)[1]
            one_pass = components.passing
            assert isinstance(one_pass, GapsPass)
            if how == "mean":
                filled = one_pass.expected(chunk.x, responsibilities)
            else:
                labels = torch.multinomial(responsibilities.T, 1, generator=generator)[:, 0]
                filled = one_pass.drawn(chunk.x, labels, components.sample(labels, generator))
            found.append(filled.cpu().numpy())
        return np.concatenate(found)


def _like(X: Any, filled: np.ndarray) -> Any:
    """A frame where X is one."""
    return pd.DataFrame(filled, index=X.index, columns=X.columns) if isinstance(X, pd.DataFrame) else filled
