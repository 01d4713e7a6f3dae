"""The names of failures. A message says what was found, what was expected, and what to do."""


class QdimageError(Exception):
    """Base of every error that qdimage raises on purpose."""


class FormatError(QdimageError, ValueError):
    """A file is damaged, or is not what its name or its header promises."""


class ConfigurationError(QdimageError, ValueError):
    """An option, a key of ``experiment.toml`` or an argument is wrong."""


class CalibrationError(QdimageError, ValueError):
    """The camera's gain, bias or noise is not known and cannot be found from the data."""


class FitError(QdimageError, RuntimeError):
    """A numerical fit did not reach an answer."""
