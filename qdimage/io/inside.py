"""The one rule for files that a user did not name: they lie in the folder that names or holds them.

What a user names may lie anywhere. What a file names, or is read because it lies in a folder, has
to lie in that folder when all links are followed, since folders come from others, too.
"""

from pathlib import Path, PureWindowsPath

COPY_IT = "copy the file itself into the folder"


def leads_out(folder: Path, name: str) -> bool:
    """Whether a path leaves the folder, on this system or, since folders travel, on Windows.

    Parameters
    ----------
    folder : pathlib.Path
        May itself be reached by links.
    name : str
        Relative to it, as a file states it.

    Raises
    ------
    OSError, RuntimeError, ValueError
        If links lead in a circle, or the name is none.
    """
    windows = PureWindowsPath(name)
    if windows.drive or windows.root:
        return True
    within = folder.resolve()
    places = (within / name, within / windows.as_posix())
    return not all(place.resolve().is_relative_to(within) for place in places)


def is_link_out(path: Path) -> bool:
    """Whether a file that was found in its folder lies elsewhere."""
    return path.is_symlink() and leads_out(path.parent, path.name)
