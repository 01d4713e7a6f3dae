"""Readers of formats that need a package of their own."""

from importlib import import_module
from pathlib import Path
from types import ModuleType

from qdimage.errors import FormatError


def needed(path: Path, module: str, extra: str) -> ModuleType:
    """Import the package that reads a file.

    Parameters
    ----------
    path : pathlib.Path
    module : str
    extra : str
        What it is called among this distribution's extras.

    Raises
    ------
    FormatError
        If it is not installed; says how to install it.
    """
    try:
        return import_module(module)
    except ImportError as error:
        raise FormatError(
            f"{path}: {path.suffix} files need the package {module.partition('.')[0]}, which is "
            f"not installed; install it with: pip install 'qdimage[{extra}]', or export the stack "
            "as TIFF"
        ) from error
