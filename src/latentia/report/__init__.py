"""How pages are made: pictures (matplotlib) and one self-contained HTML page (Jinja2).

The room's name is that of a public function, too: `latentia.report(estimator, X, path)`, which is `latentia.kinds.reporting.report`.
"""

import importlib
import sys
from types import ModuleType
from typing import Any

from latentia.report.page import Figure, ReportInput, render

__all__ = ["Figure", "ReportInput", "render"]


class _Room(ModuleType):
    """A module that can be called: a package's name and a function's name in it cannot be told apart otherwise."""

    def __call__(self, *args: Any, **options: Any) -> Any:
        """See `latentia.kinds.reporting.report`."""
        return importlib.import_module("latentia.kinds.reporting").report(*args, **options)


sys.modules[__name__].__class__ = _Room
