"""What can go wrong: every message says what was given, what was wanted, and what to do."""


class PreimageError(Exception):
    """The base of every error that preimage raises on purpose."""


class InputError(PreimageError, ValueError):
    """An argument is of the wrong kind, shape or value."""


class DataError(InputError):
    """A table of measurements cannot be used as it is."""


class FunctionError(PreimageError, RuntimeError):
    """The user's function fails, or returns nothing usable, everywhere it was tried."""


class NotFittedError(PreimageError, ValueError, AttributeError):
    """An inverter was asked for answers before `fit` or `fit_function`."""


class TrainingError(PreimageError, RuntimeError):
    """Training cannot go on, for instance because the loss is no longer finite."""


class StoreError(PreimageError, OSError):
    """A model folder is missing, damaged, or was written by a newer version."""


class OutputExistsError(PreimageError, FileExistsError):
    """The output is already there, and nobody asked for it to be replaced."""


class MissingExtraError(PreimageError, ImportError):
    """An optional dependency is needed and not installed."""


class ClusterError(PreimageError, RuntimeError):
    """A cluster cannot be used: nothing answers, versions differ, or it was lost."""


class CheckError(PreimageError, AssertionError):
    """An inverter lacks a property that every inverter must have."""


class PreimageWarning(UserWarning):
    """Something was done that the user should know of, such as rows left out."""
