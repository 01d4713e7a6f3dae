"""Keeping a session on disk after every act, without writing over what somebody else wrote."""

from pathlib import Path

from napari_qdimage.session_file import AUTOSAVE, SUFFIX, SavedSession, write_session


class Autosave:
    """Writes a session to one file, and says why where it cannot.

    Attributes
    ----------
    path : pathlib.Path or None
        The file; None where there is none to write.
    problem : str
        Why the last change is not on disk; "" where it is.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.path = path
        self.problem = ""
        self._written = _stamp(path)

    @property
    def has_written(self) -> bool:
        """Whether the file is there, written now or in an earlier session."""
        return self._written is not None

    def write(self, saved: SavedSession) -> None:
        """Write the session; another's file is left alone and a second one begun."""
        if self.path is None:
            return
        if _stamp(self.path) != self._written:
            self.path = free_name(self.path.parent)
        try:
            write_session(self.path, saved)
        except OSError as error:
            self.problem = (
                f"{self.path}: the session cannot be kept there ({error.strerror}); "
                "save it elsewhere, or the decisions are lost with the window"
            )
        else:
            self.problem = ""
            self._written = _stamp(self.path)


def kept_sessions(folder: Path) -> list[Path]:
    """Return the sessions that are kept in a folder, the latest one first."""
    found = [path for path in folder.glob(f"session*{SUFFIX}") if path.is_file()]
    return sorted(found, key=lambda path: (-path.stat().st_mtime_ns, path.name))


def free_name(folder: Path) -> Path:
    """Return the first name for a session in a folder that is not taken."""
    path, number = folder / AUTOSAVE, 2
    while path.exists():
        path = folder / f"session-{number}{SUFFIX}"
        number += 1
    return path


def _stamp(path: Path | None) -> tuple[int, int] | None:
    try:
        found = path.stat() if path is not None else None
    except OSError:
        return None
    return None if found is None else (found.st_size, found.st_mtime_ns)
