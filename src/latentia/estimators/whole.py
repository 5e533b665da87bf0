"""An object is whole or unfitted: what a fit has changed when it fails is put back."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any


@contextmanager
def all_or_nothing(estimator: Any, changed: Sequence[str] = ()) -> Iterator[None]:
    """Within the block attributes may be set; if it raises, or is interrupted, all are as they were before it.

    Args:
        estimator: whose attributes they are.
        changed: attributes whose objects the block changes from within: of these a copy is put back.

    Example:
        >>> from types import SimpleNamespace
        >>> fitted = SimpleNamespace(mean_=1.0)
        >>> try:
        ...     with all_or_nothing(fitted):
        ...         fitted.mean_, fitted.scale_ = 2.0, 3.0
        ...         raise KeyboardInterrupt
        ... except KeyboardInterrupt:
        ...     print(fitted)
        namespace(mean_=1.0)
    """
    before = vars(estimator) | {name: copy.deepcopy(getattr(estimator, name)) for name in changed}
    try:
        yield
        vars(estimator).pop("_verdict", None)  # it was on another fit
    except BaseException:
        vars(estimator).clear()
        vars(estimator).update(before)
        raise
