"""What a person does with the chosen dots, the same for buttons and for keys."""

from collections.abc import Callable
from dataclasses import dataclass

from psygnal import Signal

from napari_qdimage.session import Session


class Judging:
    """Acts on the selection of a session.

    Attributes
    ----------
    go_on : bool
        Whether accepting or rejecting leads to the next dot that nobody has looked at.
    word_asked
        A flag or a note is wanted: "flag" or "note"; whoever has a place to write answers.
    """

    word_asked = Signal(str)

    def __init__(self, session: Session) -> None:
        self._session = session
        self.go_on = True

    def accept(self) -> None:
        """Accept the chosen dots."""
        self._judge(self._session.accept)

    def reject(self) -> None:
        """Reject the chosen dots."""
        self._judge(self._session.reject)

    def _judge(self, decide: Callable[[tuple[int, ...]], None]) -> None:
        chosen = self._session.selection
        if not chosen:
            return
        decide(chosen)
        if self.go_on:
            self._session.next_unreviewed()

    def flag(self) -> None:
        """Ask for a word to flag the chosen dots with."""
        if self._session.selection:
            self.word_asked.emit("flag")

    def note(self) -> None:
        """Ask for a note on the current dot."""
        if self._session.current is not None:
            self.word_asked.emit("note")

    def delete(self) -> None:
        """Take the chosen dots away."""
        if self._session.selection:
            self._session.delete(self._session.selection)

    def next(self) -> None:
        """Choose the next dot."""
        self._session.next()

    def previous(self) -> None:
        """Choose the previous dot."""
        self._session.previous()

    def next_unreviewed(self) -> None:
        """Choose the next dot that nobody has looked at."""
        self._session.next_unreviewed()

    def undo(self) -> None:
        """Take the last act back."""
        self._session.undo()

    def redo(self) -> None:
        """Carry the act out again that was taken back last."""
        self._session.redo()


@dataclass(frozen=True)
class Shortcut:
    """A key and what it does.

    Attributes
    ----------
    keys : str
        As napari and Qt write them: "Y", "Ctrl+Z".
    act : str
        Name of a method of `Judging`.
    text : str
        For the list of shortcuts.
    """

    keys: str
    act: str
    text: str


# None of these is a key of napari's Points layer, which A, P, S, Z, 1 to 4 and Delete are.
SHORTCUTS = (
    Shortcut("Y", "accept", "accept the chosen dots"),
    Shortcut("N", "reject", "reject the chosen dots"),
    Shortcut("F", "flag", "flag the chosen dots with a word"),
    Shortcut("M", "note", "write a note on the current dot"),
    Shortcut("U", "next_unreviewed", "next dot that nobody has looked at"),
    Shortcut("J", "next", "next dot"),
    Shortcut("K", "previous", "previous dot"),
    Shortcut("Ctrl+Z", "undo", "undo"),
    Shortcut("Ctrl+Shift+Z", "redo", "redo"),
)

# What napari's own keys and the mouse do with dots, for the same list.
BESIDES = (
    ("click", "choose a dot, in image, table or plot"),
    ("Shift+click", "choose one more"),
    ("2, then click", "add a dot, in the layer of the dots"),
    ("3, then drag", "move the chosen dots"),
    ("Delete", "delete the chosen dots, in their layer"),
)


def keys_of(act: str) -> str:
    """Return the keys of an act; "" for none."""
    return next((each.keys for each in SHORTCUTS if each.act == act), "")
