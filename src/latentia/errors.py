"""One family of errors: what was wrong, where, what was expected, and how to mend it.

Every error of this library derives from `LatentiaError`. On the command line each is printed as one line and
ends the program with exit status 2. Each also derives from the built-in class that scikit-learn's conventions
expect (`ValueError`, `RuntimeError`, ...), so that code written against those keeps working.
"""

from __future__ import annotations


class LatentiaError(Exception):
    """Base of all expected errors of this library."""


class DataError(LatentiaError, ValueError):
    """The data cannot be used as given: a missing file, a NaN, text in a numeric column, a wrong shape."""


class DataTypeError(DataError, TypeError):
    """The data are of a type that cannot be used."""


class ConfigError(LatentiaError, ValueError):
    """A parameter, name or configuration file is wrong: the message names it and the nearest valid one."""


class RunFolderError(LatentiaError, OSError):
    """A run folder cannot be read or written: absent, half-written, altered, or from a newer version."""


class TrainingError(LatentiaError, RuntimeError):
    """Training could not go on: a term of the loss became non-finite, or a checkpoint does not fit the model."""


class MissingExtraError(LatentiaError, ImportError):
    """An optional dependency is needed; the message gives the `pip install` line that brings it."""
