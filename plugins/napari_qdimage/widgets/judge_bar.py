"""Buttons, words and progress of judging dots one after the other."""

from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QCheckBox,
    QHBoxLayout,
    QLineEdit,
    QMessageBox,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from napari_qdimage import messages
from napari_qdimage.judging import BESIDES, SHORTCUTS, Judging, keys_of
from napari_qdimage.session import Session
from napari_qdimage.widgets.listening import listen

_BUTTONS = (
    ("accept", "✓ Accept", "Accept the chosen dots"),
    ("reject", "✗ Reject", "Reject the chosen dots: they leave fraction and population"),
    ("previous", "◀", "Previous dot"),
    ("next", "▶", "Next dot"),
    ("next_unreviewed", "Next new", "Next dot that nobody has looked at"),
    ("undo", "↶", "Undo"),
    ("redo", "↷", "Redo"),
)
_NARROW_PX = 30


class JudgeBar(QWidget):
    """What a person decides about the chosen dots.

    Attributes
    ----------
    buttons : dict of str to QPushButton
        By the name of the act.
    flag, note : QLineEdit
    progress : QProgressBar
    """

    def __init__(self, session: Session, judging: Judging) -> None:
        super().__init__()
        self._session, self._judging = session, judging
        self.buttons: dict[str, QPushButton] = {}
        self.flag, self.note = QLineEdit(), QLineEdit()
        self.go_on = QCheckBox("go on")
        self.progress = QProgressBar()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addLayout(self._acts())
        layout.addLayout(self._words())
        listen(self, session.opened, self.show_all)
        listen(self, session.curation_changed, self._show_decisions)
        listen(self, session.selection_changed, self._show_choice)
        listen(self, session.history_changed, self._show_history)
        listen(self, judging.word_asked, self._ask_word)
        self.show_all()

    def _acts(self) -> QHBoxLayout:
        line = QHBoxLayout()
        line.setSpacing(4)
        for act, text, tip in _BUTTONS:
            button = QPushButton(text)
            button.setToolTip(f"{tip} ({keys_of(act)})")
            button.clicked.connect(getattr(self._judging, act))
            if len(text) == 1:
                button.setFixedWidth(_NARROW_PX)
            self.buttons[act] = button
            line.addWidget(button, 1 if len(text) > 1 else 0)
        self.go_on.setToolTip("After accepting or rejecting choose the next unreviewed dot")
        self.go_on.setChecked(self._judging.go_on)
        self.go_on.toggled.connect(self._set_go_on)
        line.addWidget(self.go_on)
        shortcuts = QPushButton("Shortcuts")
        shortcuts.clicked.connect(self.show_shortcuts)
        self.buttons["shortcuts"] = shortcuts
        line.addWidget(shortcuts)
        return line

    def _words(self) -> QHBoxLayout:
        line = QHBoxLayout()
        line.setSpacing(4)
        self.flag.setPlaceholderText("flag")
        self.flag.setToolTip(
            f"A word for the chosen dots, then Return; again to take it away ({keys_of('flag')})"
        )
        self.flag.returnPressed.connect(self._write_flag)
        self.note.setPlaceholderText("note on the current dot")
        self.note.setToolTip(f"Kept with Return ({keys_of('note')})")
        self.note.returnPressed.connect(self._write_note)
        self.progress.setFormat("%v of %m reviewed")
        line.addWidget(self.flag, 1)
        line.addWidget(self.note, 3)
        line.addWidget(self.progress, 2)
        return line

    # From the session

    def show_all(self, *_: object) -> None:
        """Bring everything up to date."""
        self._show_decisions()
        self._show_choice()
        self._show_history()

    def _show_decisions(self) -> None:
        dots = self._session.dots.index
        # A progress bar draws itself at once, and the window with it; here it can wait.
        self.progress.setUpdatesEnabled(False)
        self.progress.setMaximum(max(len(dots), 1))
        self.progress.setValue(len(self._session.reviewed.intersection(dots)))
        self.progress.setUpdatesEnabled(True)
        self._show_note()

    def _show_choice(self) -> None:
        has_choice = bool(self._session.selection)
        for each in (self.buttons["accept"], self.buttons["reject"], self.flag, self.note):
            each.setEnabled(has_choice)
        self._show_note()

    def _show_note(self) -> None:
        current = self._session.current
        if not self.note.hasFocus():
            self.note.setText("" if current is None else self._session.judgement(current).note)

    def _show_history(self) -> None:
        session = self._session
        for act, can, text in (
            ("undo", session.can_undo, session.undo_text),
            ("redo", session.can_redo, session.redo_text),
        ):
            self.buttons[act].setEnabled(can)
            what = f"{act.capitalize()}: {text}" if can else f"Nothing to {act}"
            self.buttons[act].setToolTip(f"{what} ({keys_of(act)})")

    # From the person

    def _set_go_on(self, wanted: bool) -> None:
        self._judging.go_on = wanted

    def _ask_word(self, what: str) -> None:
        line = self.flag if what == "flag" else self.note
        line.setFocus()
        line.selectAll()

    def _write_flag(self) -> None:
        word, chosen = self.flag.text().strip(), self._session.selection
        if not word or not chosen:
            return
        with messages.shown():
            if all(word in self._session.judgement(dot).flags for dot in chosen):
                self._session.unflag(chosen, word)
            else:
                self._session.flag(chosen, word)
            self.flag.clear()
            self.setFocus()

    def _write_note(self) -> None:
        current = self._session.current
        if current is not None:
            text = self.note.text()
            self.setFocus()
            with messages.shown():
                self._session.write_note(current, text)

    def show_shortcuts(self) -> None:
        """List the shortcuts in a window."""
        rows = [(each.keys, each.text) for each in SHORTCUTS] + list(BESIDES)
        lines = "".join(f"<tr><td><b>{k}</b>&nbsp;&nbsp;</td><td>{t}</td></tr>" for k, t in rows)
        box = QMessageBox(self)
        box.setWindowTitle("Shortcuts")
        box.setTextFormat(Qt.TextFormat.RichText)
        box.setText(f"<table>{lines}</table>")
        box.setStandardButtons(QMessageBox.StandardButton.Close)
        box.exec()
